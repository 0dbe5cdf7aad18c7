"""Every option, declared once: flags, environment, TOML, the example file and the README's
table are all made of, or checked against, what stands here. Standard library only."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_type_hints

from scrapeq import __version__
from scrapeq.custom import (
    lines_of,
    masked_cookie,
    masked_header,
    masked_proxy,
    parse_cookie,
    parse_header,
    parse_proxy,
)
from scrapeq.errors import UsageError
from scrapeq.models import Order
from scrapeq.options import Described, Option
from scrapeq.values import parse_agent, parse_allowance, parse_output, parse_size

Progress = Literal["auto", "live", "plain", "none"]


def cores() -> int:
    """CPU cores this process may use, as `taskset` and containers set them."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


_A_DAY = 86_400
_LARGEST = 64 << 30
_PARSER_ITSELF = 128 << 20
"""Address space of a parse process that has not read a page yet, and some room to parse one."""

_INPUT, _WORKERS, _POLITE, _ASKING, _LIMITS, _SCREEN = (
    "Input and output", "Workers and queues", "Politeness", "Requests", "Limits", "Screen",
)  # fmt: skip


@dataclass(frozen=True)
class Settings:
    """The options of `scrapeq run`."""

    output: Annotated[
        Path,
        Option(
            "SQLite file for the results.",
            _INPUT,
            ("-o", "--output"),
            metavar="FILE",
            parse=parse_output,
        ),
    ] = Path("scrapeq.db")
    select: Annotated[
        Sequence[str],
        Option(
            "Take this from every page: plain CSS, or ending in ::text or ::attr(name). Repeat it.",
            _INPUT,
            ("-s", "--select"),
            metavar="NAME=SELECTOR",
            from_environment=False,  # selectors have blanks, at which a list would be split
        ),
    ] = ()
    order: Annotated[
        Order, Option("Which URL goes first; priority: the lowest number.", _INPUT)
    ] = "fifo"
    limit: Annotated[
        int | None,
        Option("Read at most so many URLs of the list.", _INPUT, minimum=1, example=1000),
    ] = None
    resume: Annotated[
        bool,
        Option(
            "Go on where the database stands, or empty it first.", _INPUT, ("--resume/--fresh",)
        ),
    ] = True
    force: Annotated[
        bool,
        Option("Go on although other rules have filled the database.", _INPUT, ("--force",)),
    ] = False
    retry_failed: Annotated[
        bool, Option("Try again what failed in earlier runs.", _INPUT, ("--retry-failed",))
    ] = False
    durable: Annotated[
        bool, Option("Survive a power cut too: fsync each commit.", _INPUT, ("--durable",))
    ] = False

    fetchers: Annotated[
        int, Option("Requests at once.", _WORKERS, ("-j", "--fetchers"), 1, 10_000)
    ] = 32
    parsers: Annotated[
        int,
        Option("Parse processes.", _WORKERS, minimum=1, maximum=256, shown_default="CPU cores",
               example=4),
    ] = dataclasses.field(default_factory=cores)  # fmt: skip
    savers: Annotated[int, Option("Workers that save.", _WORKERS, minimum=1, maximum=64)] = 1
    url_queue: Annotated[
        int, Option("URLs that wait for a fetcher.", _WORKERS, minimum=1, maximum=1_000_000)
    ] = 256
    page_queue: Annotated[
        int, Option("Pages that wait for a parser.", _WORKERS, minimum=1, maximum=1_000_000)
    ] = 64
    save_queue: Annotated[
        int, Option("Verdicts that wait to be saved.", _WORKERS, minimum=1, maximum=1_000_000)
    ] = 512
    read_ahead: Annotated[
        int,
        Option(
            "Pending URLs in the database at which reading the list waits.", _WORKERS, minimum=1
        ),
    ] = 1_000_000

    per_host: Annotated[
        int, Option("Requests at once to one host.", _POLITE, minimum=1, maximum=10_000)
    ] = 8
    delay: Annotated[
        float,
        Option(
            "Seconds between two requests to one host.",
            _POLITE,
            ("-w", "--delay"),
            0,
            _A_DAY,
            metavar="SECONDS",
        ),
    ] = 0.0
    robots: Annotated[
        bool, Option("Obey robots.txt, or do not.", _POLITE, ("--robots/--no-robots",))
    ] = True
    user_agent: Annotated[
        str,
        Option("How to introduce ourselves.", _POLITE, ("-A", "--user-agent"), metavar="TEXT",
               parse=parse_agent),
    ] = f"scrapeq/{__version__}"  # fmt: skip

    header: Annotated[
        Sequence[str],
        Option(
            "Say this to the servers of the list, and to nobody they redirect to. Repeat it; "
            "@FILE has one a line, so that no secret stands in the command.",
            _ASKING,
            ("-H", "--header"),
            metavar="'NAME: VALUE'|@FILE",
            parse=parse_header,
            mask=masked_header,
            from_environment=False,
        ),
    ] = ()
    cookie: Annotated[
        Sequence[str],
        Option("The same for a cookie. Cookies that servers set are dropped.", _ASKING,
               metavar="NAME=VALUE|@FILE", parse=parse_cookie, mask=masked_cookie,
               from_environment=False),
    ] = ()  # fmt: skip
    proxy: Annotated[
        str | None,
        Option("HTTP proxy for all requests: http://USER:PASSWORD@HOST:PORT.", _ASKING,
               ("-x", "--proxy"), metavar="URL", parse=parse_proxy, mask=masked_proxy,
               example="http://proxy.example:3128"),
    ] = None  # fmt: skip

    timeout: Annotated[
        float,
        Option("Seconds for one attempt, redirects included.", _LIMITS, (), 0.001, _A_DAY,
               metavar="SECONDS"),
    ] = 30.0  # fmt: skip
    connect_timeout: Annotated[
        float, Option("Seconds to connect.", _LIMITS, (), 0.001, _A_DAY, metavar="SECONDS")
    ] = 10.0
    read_timeout: Annotated[
        float,
        Option("Seconds of silence in an answer.", _LIMITS, (), 0.001, _A_DAY, metavar="SECONDS"),
    ] = 20.0
    retries: Annotated[
        int, Option("Attempts after the first.", _LIMITS, ("-R", "--retries"), 0, 100)
    ] = 2
    max_redirects: Annotated[
        int, Option("Redirects to follow.", _LIMITS, minimum=0, maximum=100)
    ] = 10
    max_size: Annotated[
        int,
        Option("Body on the wire.", _LIMITS, maximum=_LARGEST, metavar="SIZE", parse=parse_size,
               also=str, shown_default="10M"),
    ] = 10 << 20  # fmt: skip
    max_header: Annotated[
        int,
        Option("One line of the headers of an answer.", _LIMITS, minimum=1024, maximum=1 << 20,
               metavar="SIZE", parse=parse_size, also=str, shown_default="32K"),
    ] = 32 << 10  # fmt: skip
    max_decoded: Annotated[
        int,
        Option("Body decompressed.", _LIMITS, maximum=_LARGEST, metavar="SIZE", parse=parse_size,
               also=str, shown_default="20M"),
    ] = 20 << 20  # fmt: skip
    strict: Annotated[
        bool,
        Option("A compressed body without its end has failed, instead of done with a flag.",
               _LIMITS, ("--strict",)),
    ] = False  # fmt: skip
    max_in_flight: Annotated[
        int,
        Option("Bodies and values in memory, from the wire to the database; more wait.", _LIMITS,
               maximum=_LARGEST, metavar="SIZE", parse=parse_size, also=str, shown_default="64M"),
    ] = 64 << 20  # fmt: skip
    parse_timeout: Annotated[
        float, Option("Seconds to parse one page.", _LIMITS, (), 0.01, _A_DAY, metavar="SECONDS")
    ] = 5.0
    parse_memory: Annotated[
        int,
        Option("Memory of a parse process.", _LIMITS, maximum=_LARGEST, metavar="SIZE",
               parse=parse_size, also=str, shown_default="512M"),
    ] = 512 << 20  # fmt: skip
    private: Annotated[
        Literal["default", "allow", "block"],
        Option(
            "Private addresses. default: a listed URL may be private, a redirect from a public "
            "host to a private one is refused; allow: both may; block: neither.",
            _LIMITS,
        ),
    ] = "default"
    grace: Annotated[
        float,
        Option("Seconds to save what is inside after Ctrl-C.", _LIMITS, (), 0, _A_DAY,
               metavar="SECONDS"),
    ] = 20.0  # fmt: skip
    max_host_errors: Annotated[
        int,
        Option("Failures in a row after which a host is given up.", _LIMITS, (), 1, 1_000_000),
    ] = 30  # fmt: skip
    max_failures: Annotated[
        str | None,
        Option("Exit with 3 when more URLs than this failed.", _LIMITS, metavar="N|N%",
               parse=parse_allowance, also=int, example="5%"),
    ] = None  # fmt: skip

    progress: Annotated[Progress, Option("What to show while it runs.", _SCREEN)] = "auto"
    summary: Annotated[
        str | None,
        Option("Write the summary as JSON, - for stdout.", _SCREEN, metavar="FILE|-",
               example="summary.json"),
    ] = None  # fmt: skip
    quiet: Annotated[bool, Option("Show nothing but errors.", _SCREEN, ("-q", "--quiet"))] = False
    color: Annotated[bool, Option("Colors on the screen.", _SCREEN, ("--color/--no-color",))] = True


def described() -> Iterator[Described]:
    """All options, in the order in which they are shown."""
    hints = get_type_hints(Settings, include_extras=True)
    for field in dataclasses.fields(Settings):
        plain, option = get_args(hints[field.name])
        made = field.default_factory
        default = field.default if made is dataclasses.MISSING else made()
        yield Described(field.name, plain, option, default)


def completed(settings: Settings) -> Settings:
    """With the lines of each `@file` in its place, and a User-Agent among the headers where
    `--user-agent` has it: all servers are told. Raises UsageError."""
    headers = lines_of(settings.header, parse_header, "--header")
    agents = [text for text in headers if text.lower().startswith("user-agent:")]
    agent = agents[-1].partition(":")[2].strip() if agents else settings.user_agent
    return dataclasses.replace(
        settings,
        user_agent=agent,
        header=tuple(text for text in headers if text not in agents),
        cookie=lines_of(settings.cookie, parse_cookie, "--cookie"),
    )


def masked(settings: Settings) -> dict[str, Any]:
    """All options by name, fit to be stored or shown."""
    found = dataclasses.asdict(settings) | {"output": str(settings.output)}
    for option in described():
        mask, value = option.option.mask, found[option.name]
        if mask is not None and value:
            found[option.name] = mask(value) if isinstance(value, str) else [*map(mask, value)]
    return found


def masked_words(settings: Settings, command: Sequence[str]) -> list[str]:
    """The words of a command line, fit to be shown."""
    return [_masked_word(settings, masked_proxy(word)) for word in command]


def _masked_word(settings: Settings, word: str) -> str:
    """In one that ends in a header or cookie as it was given: `-HName: value`, `--cookie=a=b`."""
    for given, mask in ((settings.header, masked_header), (settings.cookie, masked_cookie)):
        for text in given:
            if word.endswith(text):
                return word.removesuffix(text) + mask(text)
    return word


def check(settings: Settings) -> None:
    """Raise UsageError for options that do not go together."""
    least = settings.max_size + _PARSER_ITSELF
    if settings.parse_memory < least:
        raise UsageError(
            f"--parse-memory {settings.parse_memory >> 20}M: with --max-size "
            f"{settings.max_size >> 20}M a parser needs at least {-(-least >> 20)}M"
        )
