"""Rules and a page's text -> records. Pure; it runs inside the parse processes."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from json.encoder import encode_basestring as _quoted
from sys import getsizeof
from typing import Any, Literal
from urllib.parse import urljoin, urlsplit

from selectolax.lexbor import LexborDocumentOptions, LexborHTMLParser, LexborNode, SelectolaxError

from scrapeq.models import Record, Scalar
from scrapeq.overrun import without_overrun

MAX_OUTPUT = 6 << 20
"""Bytes of memory that what one page gives may take, on its way to the database."""
VALUE_COST = 50
"""Bytes that a value takes besides itself, ..."""
ROW_COST = 300
"""... and a row besides its values."""

Take = Literal["text", "own", "attr", "html", "count"]
Node = LexborNode | LexborHTMLParser

_PSEUDO = re.compile(
    r"(?P<css>.*?)\s*::(?:(?P<text>text|html)|attr\(\s*(?P<attr>[^()\s]+)\s*\))", re.S
)
_TAKES: dict[str, Take] = {"text": "own", "html": "html"}
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


_OPTIONS = LexborDocumentOptions.WO_EVENTS
"""Nobody listens to what a document says of itself while it is built."""


class OutputTooLargeError(Exception):
    """The rules take more from this page than anybody wants."""


@dataclass(frozen=True, slots=True)
class Field:
    """What one column takes from a page."""

    name: str
    css: str
    """Empty: the node of the row itself."""
    take: Take = "text"
    attr: str = ""
    absolute: bool = False
    """A link, made absolute."""

    @property
    def sql_type(self) -> str:
        return "INTEGER" if self.take == "count" else "TEXT"

    def __str__(self) -> str:
        """As a person would write it."""
        takes = {"text": "", "attr": f"::attr({self.attr})", "html": "::html", "own": "::text"}
        return self.css + takes.get(self.take, f" {self.take}") + " absolute" * self.absolute


@dataclass(frozen=True, slots=True)
class Rule:
    """Rows for one table."""

    table: str
    fields: tuple[Field, ...]
    match: str = "*"
    """A glob on the URL that was asked for."""
    each: str = ""
    """CSS; one row a match. Empty: the page is one row."""

    def columns(self) -> dict[str, str]:
        return {field.name: field.sql_type for field in self.fields}

    def described(self) -> dict[str, Any]:
        """As JSON, for people and for comparing."""
        fields = {field.name: str(field) for field in self.fields}
        return {"table": self.table, "match": self.match, "each": self.each, "fields": fields}


DEFAULT_RULE = Rule(
    "items",
    (
        Field("title", "title"),
        Field("h1", "h1"),
        Field("description", 'meta[name="description" i]', "attr", "content"),
        Field("canonical", 'link[rel~="canonical" i]', "attr", "href", absolute=True),
        Field("lang", "html", "attr", "lang"),
        Field("links", "a[href]", "count"),
    ),
)


def field(name: str, selector: str, *, count: bool = False, absolute: bool = False) -> Field:
    """A Field from a selector as people write it: CSS, perhaps ending in ::text or ::attr(x).

    Raises ValueError when the selector cannot be used.
    """
    match = _PSEUDO.fullmatch(selector.strip())
    css = match["css"] if match else selector.strip()
    check_css(css or "*")
    if count:
        if not css:
            raise ValueError("count needs a selector of what to count")
        return Field(name, css, "count")
    if match is None:
        return Field(name, css, "text", absolute=absolute)
    if match["attr"]:
        return Field(name, css, "attr", match["attr"], absolute)
    return Field(name, css, _TAKES[match["text"]], absolute=absolute)


def check_css(css: str) -> None:
    """Raise ValueError for a selector that the parser does not understand."""
    if "::" in css:
        raise ValueError(f"{css!r}: only ::text, ::html and ::attr(name) are known, at its end")
    try:
        LexborHTMLParser("<p>").css(css)
    except SelectolaxError:
        raise ValueError(f"{css!r} is not a CSS selector") from None


def tables(rules: Sequence[Rule]) -> dict[str, dict[str, str]]:
    """Table -> column -> SQLite type, of all rules together.

    Raises ValueError when two rules give one column different types.
    """
    found: dict[str, dict[str, str]] = {}
    for rule in rules:
        columns = found.setdefault(rule.table, {})
        for name, kind in rule.columns().items():
            if columns.setdefault(name, kind) != kind:
                raise ValueError(f"table {rule.table}: two rules give {name} different types")
    return found


class Extractor:
    """Rules, ready to be applied to page after page."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = [(re.compile(fnmatch.translate(rule.match)).match, rule) for rule in rules]

    def records(self, text: str | bytes, url: str, final_url: str) -> list[Record]:
        """The rows of the first rule that matches `url`; links are relative to `final_url`.

        `text` as bytes is UTF-8. Raises MemoryError when the parser gives up, and
        OutputTooLargeError.
        """
        rule = next((rule for match, rule in self._rules if match(url)), None)
        if rule is None:
            return []
        content = text.encode(errors="replace") if isinstance(text, str) else text
        try:
            tree = LexborHTMLParser(without_overrun(content), options=_OPTIONS)
        except SelectolaxError as exc:  # it says so only when it gets no more memory
            raise MemoryError(str(exc)) from exc
        return list(_rows(tree, rule, final_url))


def _rows(tree: LexborHTMLParser, rule: Rule, base: str) -> Iterator[Record]:
    nodes: Sequence[Node] = tree.css(rule.each) if rule.each else [tree]
    base = _base(tree, base) if any(field.absolute for field in rule.fields) else base
    size = 0
    for node in nodes:
        row = {field.name: _value(node, field, base) for field in rule.fields}
        size += ROW_COST + VALUE_COST * len(row)
        # As it travels: what is escaped may be six times as long.
        size += sum(getsizeof(_quoted(value)) for value in row.values() if isinstance(value, str))
        if size > MAX_OUTPUT:
            raise OutputTooLargeError(f"more than {MAX_OUTPUT >> 20} MB of values from one page")
        yield Record(rule.table, row)


def _value(node: Node, field: Field, base: str) -> Scalar:
    if field.take == "count":
        return len(node.css(field.css))
    found = node.css_first(field.css) if field.css else node
    if found is None:
        return None
    value = _taken(found, field)
    if _UNSTORABLE.search(value):
        value = _UNSTORABLE.sub("", value)
    if not value:
        return None
    return _absolute(value, base) if field.absolute else value


def _taken(node: Node, field: Field) -> str:
    match field.take:
        case "attr":
            attributes: Mapping[str, str | None] = getattr(node, "attributes", {})
            name = field.attr
            if name not in attributes:  # HTML has them in lower case, SVG as they are
                name = name.lower()
            return (attributes.get(name) or "").strip()
        case "html":
            return node.html or ""
        case _:
            return " ".join(node.text(deep=field.take == "text").split())


def _base(tree: LexborHTMLParser, url: str) -> str:
    """What links are relative to. A base that is no web address does not count (HTML, 4.2.3)."""
    element = tree.css_first("base[href]")
    if element is None:
        return url
    try:
        base = urljoin(url, (element.attributes.get("href") or "").strip())
        return base if urlsplit(base).scheme in ("http", "https") else url
    except ValueError:
        return url


def _absolute(link: str, base: str) -> str:
    try:
        return urljoin(base, link)
    except ValueError:  # an unclosed bracket, say
        return link
