"""A page as it came over the wire -> what is in it. Pure; it runs inside the parse processes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from itertools import starmap
from typing import Any, NamedTuple

from scrapeq.charsets import markup
from scrapeq.decode import DecodeError, decompress, is_unknown, looks_binary
from scrapeq.extract import Extractor, Field, OutputTooLargeError, Rule
from scrapeq.models import Record


class Meta(NamedTuple):
    """What a parse process is told of a page besides its body."""

    url: str
    final_url: str
    content_type: str
    content_encoding: str


class Parsed(NamedTuple):
    """What was in a page, or why nothing could be read."""

    records: tuple[Record, ...] = ()
    encoding: str = ""
    truncated: bool = False
    skipped: str = ""
    failed: str = ""
    detail: str = ""


def parse(body: bytes, meta: Meta, extractor: Extractor, max_decoded: int) -> Parsed:
    """Decompress, decode and extract. Raises MemoryError when the page is too much."""
    try:
        content, truncated = decompress(body, meta.content_encoding, max_decoded)
    except DecodeError as exc:
        return Parsed(failed=exc.reason, detail=exc.detail)
    if is_unknown(meta.content_type) and looks_binary(content):
        return Parsed(skipped="content_type", detail="no known Content-Type, and not text")
    text, encoding = markup(content, meta.content_type)
    try:
        records = tuple(extractor.records(text, meta.url, meta.final_url))
    except OutputTooLargeError as exc:
        return Parsed(failed="too_large", detail=str(exc), encoding=encoding)
    return Parsed(records, encoding, truncated)


# ---- how both travel between processes: as JSON


def setup(rules: Sequence[Rule], max_decoded: int) -> dict[str, Any]:
    """What `load` needs in the process."""
    return {"rules": [asdict(rule) for rule in rules], "max_decoded": max_decoded}


def load(options: Mapping[str, Any]) -> Callable[[Sequence[str], bytes], list[Any]]:
    """Make the function that a parse process calls for each page."""
    rules = [
        Rule(**{**rule, "fields": tuple(Field(**field) for field in rule["fields"])})
        for rule in options["rules"]
    ]
    extractor = Extractor(rules)
    max_decoded = options["max_decoded"]

    def call(meta: Sequence[str], body: bytes) -> list[Any]:
        found = parse(body, Meta(*meta), extractor, max_decoded)
        rows = [(record.table, record.row) for record in found.records]
        return [
            rows, found.encoding, found.truncated, found.skipped, found.failed, found.detail,
        ]  # fmt: skip

    return call


def received(answer: Sequence[Any]) -> Parsed:
    """What `load`'s function returned, back in the parent."""
    rows, *rest = answer
    return Parsed(tuple(starmap(Record, rows)), *rest)
