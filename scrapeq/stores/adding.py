"""SQL that finds and adds many pages in one step.

SQLite's thread has to win the interpreter back from the event loop after each step: with a
statement a row, that costs more than the rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from hashlib import blake2b
from itertools import chain

from scrapeq.models import Scalar

SIZES = (16, 128, 1024)
"""Rows that a statement takes, so that few statements are ever prepared. Places left over are
NULL, and not looked at."""

Row = tuple[Scalar, ...]
"""key, url, host, reason, priority, detail, given, depth: a page before its first verdict."""


def key_of(url: str) -> int:
    """Four bytes that stand for a URL in the index, which so is a sixth as large and stays in
    memory. Two URLs may have the same: who looks for one has to compare the URL as well."""
    return int.from_bytes(blake2b(url.encode(), digest_size=4).digest(), "big", signed=True)


def find(keys: Sequence[int], urls: Sequence[str]) -> tuple[str, list[Scalar]]:
    """SQL that gives two JSON arrays: which of the `urls` have a page (0 is the first), and the
    ids of these pages."""
    size = _size(len(keys))
    return _find(size), _filled(chain.from_iterable(zip(keys, urls, strict=True)), 2 * size)


def insert(run: int, rows: Sequence[Row]) -> tuple[str, list[Scalar]]:
    """SQL that adds new pages: pending, or skipped where there is a reason."""
    size = _size(len(rows))
    return _insert(size), _filled(chain([run], chain.from_iterable(rows)), 8 * size + 1)


def _size(count: int) -> int:
    return next(size for size in SIZES if count <= size)


def _filled(values: Iterable[Scalar], count: int) -> list[Scalar]:
    filled = list(values)
    filled += [None] * (count - len(filled))
    return filled


@cache
def _find(size: int) -> str:
    places = ", ".join(f"({n}, ?, ?)" for n in range(size))
    return (
        "SELECT json_group_array(column1), json_group_array(id) "  # noqa: S608 - only numbers
        f"FROM (VALUES {places}) CROSS JOIN pages ON key = column2 AND url = column3"
    )


@cache
def _insert(size: int) -> str:
    places = ", ".join(["(?, ?, ?, ?, ?, ?, ?, ?)"] * size)
    # OR FAIL, since the whole transaction is rolled back: what could take back one statement
    # has to copy each page before it changes it.
    return (
        "INSERT OR FAIL INTO pages "  # noqa: S608 - only question marks
        "(listed_run, state, key, url, host, reason, priority, detail, given, depth) "
        "SELECT ?, iif(column4 IS NULL, 'pending', 'skipped'), * "
        f"FROM (VALUES {places}) WHERE column1 IS NOT NULL"
    )
