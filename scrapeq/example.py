"""What is made of the options for people to read: `config.example.toml`, by
`python -m scrapeq.example > config.example.toml`, and the README's table."""

from __future__ import annotations

import sys
import textwrap
from itertools import groupby

from scrapeq.options import Described
from scrapeq.settings import described
from scrapeq.values import toml_value

_HEAD = """\
# Everything that scrapeq.toml can say. Copy it, and take the # off a line to change it.
# Each option stands here with its default; one that has none, with an example.
#
# It is read from ./scrapeq.toml, or from the file that --config names. What it says goes
# over $XDG_CONFIG_HOME/scrapeq/config.toml; a flag, and a variable of the environment
# (SCRAPEQ_RUN_FETCHERS=8), go over it.

[run]
"""

_EXTRACT = """
# ---- What to take from a page
#
# Without rules each page gives one row of the table items: url, title, h1, description,
# canonical, lang, links. With rules, as many as you like, the first whose match fits the
# URL is applied. The first column of each table is the url of the page.

#[[extract]]
#table = "books"                # rows go to this table; items, unless it is set
#match = "*/catalogue/*"        # a glob on the URL; every URL, unless it is set
#each = "article.product_pod"   # CSS: one row a match; one row a page, unless it is set
#[extract.fields]
#title = "h3 a"                                      # CSS: all the text inside the first match
#price = ".price_color::text"                        # its own text, not that of elements in it
#name = "h3 a::attr(title)"                          # an attribute
#stock = ".availability::html"                       # its HTML
#stars = { css = ".star-rating .on", count = true }  # how many match
#link = { css = "h3 a::attr(href)", type = "url" }   # made absolute
"""


def example() -> str:
    """The text of config.example.toml."""
    parts = [_HEAD]
    for panel, options in groupby(described(), lambda option: option.option.panel):
        parts.append(f"\n# ---- {panel}\n")
        parts += [f"\n{_comment(option)}\n#{_assignment(option)}\n" for option in options]
    return "".join([*parts, _EXTRACT])


def _comment(option: Described) -> str:
    words = " ".join(filter(None, [option.option.help, _allowed(option), _unset(option)]))
    lines = textwrap.wrap(words, 88, break_long_words=False, break_on_hyphens=False)
    return "\n".join(f"# {line}" for line in lines)


def _assignment(option: Described) -> str:
    given = option.option
    if given.example is not None:
        value = toml_value(given.example)
    elif option.default == ():
        value = "[]"
    elif given.shown_default:
        value = toml_value(given.shown_default)
    else:
        value = toml_value(option.default)
    return f"{option.name} = {value}"


def _allowed(option: Described) -> str:
    """`fifo, lifo or priority.`, `1 to 10,000.`, or nothing."""
    least, most = option.option.minimum, option.option.maximum
    if option.choices:
        *others, last = option.choices
        return f"{', '.join(others)} or {last}."
    if least is None or option.option.parse:
        return ""
    return f"{least:,} or more." if most is None else f"{least:,} to {most:,}."


def _unset(option: Described) -> str:
    return "" if option.option.example is None else f"Default: {option.shown_default}."


# ---- for the README


def options_table() -> str:
    """All options as a Markdown table, without a line end after it."""
    rows = ["| flag | default | what it does |", "|---|---|---|", *map(_row, described())]
    return "\n".join(rows)


def _row(option: Described) -> str:
    cells = (f"`{_flags(option)}`", _default(option), option.option.help)
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _default(option: Described) -> str:
    """Of a switch, the flag that is on: `--resume`, or `off` where there is but one."""
    if option.type is not bool:
        return f"`{option.shown_default}`" if option.default not in (None, ()) else "none"
    on, _, off = option.flags[-1].partition("/")
    chosen = on if option.default else off
    return f"`{chosen}`" if chosen else "off"


def _flags(option: Described) -> str:
    """`-j, --fetchers N`."""
    return " ".join(filter(None, [", ".join(option.flags), option.metavar]))


if __name__ == "__main__":
    sys.stdout.write(example())
