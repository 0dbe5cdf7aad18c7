"""Which product's page behaves in which way, and how each must end for a client that retries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from itertools import chain
from typing import Literal

COUNT = 1_000
"""Products in the shop. They are numbered from 1."""

NUMBERS = range(1, COUNT + 1)

Ending = Literal["done", "failed", "skipped"]


class Kind(Enum):
    """The way a product's page is served. The value says it to a person."""

    PLAIN = "plain"
    SLOW = "slow"
    GONE = "gone (404)"
    FAILS_ONCE = "500 at first"
    BUSY_ONCE = "429 at first"
    DROPPED_ONCE = "connection dropped at first"
    CUT_SHORT = "body cut short"
    MOVED = "moved three times"
    LOOP = "redirect loop"
    PDF = "a PDF"
    HOSTILE = "escape codes in the title"
    WINDOWS_1251 = "windows-1251, said by the header only"
    SHIFT_JIS = "shift_jis, said by the meta tag only"
    LATIN_1 = "windows-1252 that says it is iso-8859-1"
    UTF_16 = "utf-16, said by the byte order mark only"
    GB2312 = "gbk that says it is gb2312"
    GZIP = "gzip"
    BROTLI = "brotli"
    ZSTD = "zstd"
    DEFLATE = "deflate"


NUMBERS_BY_KIND: Mapping[Kind, Sequence[int]] = {
    Kind.SLOW: range(30, 1_001, 50),
    Kind.GONE: range(75, 1_001, 100),
    Kind.FAILS_ONCE: range(110, 1_001, 200),
    # Neighbours in the list are asked for together, so that one pause covers them all.
    Kind.BUSY_ONCE: range(401, 406),
    Kind.DROPPED_ONCE: (352, 852),
    Kind.CUT_SHORT: (252, 752),
    Kind.MOVED: range(16, 1_001, 200),
    Kind.LOOP: (666,),
    Kind.PDF: (333,),
    Kind.HOSTILE: (513,),
    Kind.WINDOWS_1251: range(21, 1_001, 200),
    Kind.SHIFT_JIS: range(62, 1_001, 200),
    Kind.LATIN_1: range(103, 1_001, 200),
    Kind.UTF_16: range(144, 1_001, 200),
    Kind.GB2312: range(184, 1_001, 200),
    Kind.GZIP: range(7, 1_001, 10),
    Kind.BROTLI: range(8, 1_001, 10),
    Kind.ZSTD: range(19, 1_001, 50),
    Kind.DEFLATE: range(39, 1_001, 50),
}
"""The numbers of every kind but the plain one. No number stands twice."""

_KINDS = {number: kind for kind, numbers in NUMBERS_BY_KIND.items() for number in numbers}

_ENDINGS: Mapping[Kind, tuple[Ending, str]] = {
    Kind.GONE: ("failed", "404"),
    Kind.LOOP: ("failed", "redirects"),
    Kind.CUT_SHORT: ("failed", "truncated"),
    Kind.PDF: ("skipped", "content_type"),
}


def kind_of(number: int) -> Kind:
    return _KINDS.get(number, Kind.PLAIN)


def wait_of(number: int) -> float:
    """Seconds before the first byte: 1.5 falling to 0.3 for the slow pages, 0 for all others."""
    if kind_of(number) is not Kind.SLOW:
        return 0.0
    slow = NUMBERS_BY_KIND[Kind.SLOW]
    return 1.5 - 1.2 * slow.index(number) / (len(slow) - 1)


def listed_path(number: int) -> str:
    """Where the listing pages, the sitemap and the list of URLs say that the product is."""
    return f"/catalogue/book-{number}.html"


def trail(number: int) -> tuple[str, ...]:
    """The paths from the listed one to the page's own, each redirecting to the next."""
    listed = listed_path(number)
    match kind_of(number):
        case Kind.MOVED:
            return listed, f"/books/{number}", f"/books/{number}/", f"/library/{number}/"
        case Kind.LOOP:
            return listed, f"/books/{number}", listed
        case _:
            return (listed,)


def ending_of(number: int) -> tuple[Ending, str]:
    """The final state and its reason (empty when done), for a client that tries more than once."""
    return _ENDINGS.get(kind_of(number), ("done", ""))


@dataclass(frozen=True, slots=True)
class Expected:
    """How many product URLs must end in which way."""

    done: int = 0
    failed: Mapping[str, int] = field(default_factory=dict)
    """By reason."""
    skipped: Mapping[str, int] = field(default_factory=dict)
    """By reason."""

    @property
    def total(self) -> int:
        return self.done + sum(chain(self.failed.values(), self.skipped.values()))


def expected(numbers: Iterable[int] = NUMBERS) -> Expected:
    """What a client that retries twice must report after asking for these products."""
    endings = Counter(map(ending_of, numbers))

    def reasons(state: Ending) -> dict[str, int]:
        return {why: count for (ended, why), count in endings.items() if ended == state}

    return Expected(endings["done", ""], reasons("failed"), reasons("skipped"))
