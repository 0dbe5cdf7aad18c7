"""The nouns that travel. Frozen plain data: nothing here does I/O or imports asyncio.

What is made for each page is a NamedTuple: a third of the time of a frozen dataclass.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol

Scalar = str | int | float | None
"""What one column of a row holds. SQLite's types, without blobs."""

Order = Literal["fifo", "lifo", "priority"]

Verdict = Literal["done", "failed", "skipped", "retry"]
"""`retry` is the verdict on an attempt: the URL stays pending until its due time."""


class Item(Protocol):
    """Anything that travels between stages: it knows the Request it came from."""

    @property
    def request(self) -> Request: ...


class Request(NamedTuple):
    """One URL somebody wants, as the Frontier hands it out."""

    id: int
    """Its row in the Store."""
    url: str
    """Canonical. User and password, if the list gave any, are masked as `***@`."""
    host: str
    attempt: int = 1
    """1 is the first try."""
    depth: int = 0
    priority: float = 0.0
    """Lower goes first, under `--order priority`."""

    @property
    def request(self) -> Request:
        return self


class Page(NamedTuple):
    """What came back for a Request: the body is as it came over the wire."""

    request: Request
    url: str
    """Where the redirects ended."""
    status: int
    body: bytes
    content_type: str = ""
    """The whole header, parameters included."""
    content_encoding: str = ""
    elapsed: float = 0.0
    """Seconds from the first byte sent to the last byte read, all hops."""


class Record(NamedTuple):
    """One row for one table. Its page's URL is added by the Store."""

    table: str
    row: Mapping[str, Scalar]


class Outcome(NamedTuple):
    """The one verdict on a Request."""

    request: Request
    verdict: Verdict
    reason: str = ""
    """A short word from a closed set (`timeout`, `dns`, `404`, ...); empty when done."""
    detail: str = ""
    """What exactly went wrong, for a person. May hold text from the web."""
    attempts: int = 1
    """Tries that count so far; a Request handed back untouched does not count."""
    due: float | None = None
    """For `retry`: not before this time, in seconds since the epoch."""
    host_due: float | None = None
    """For `retry`: the whole host asked to be left alone until this time."""
    status: int | None = None
    final_url: str | None = None
    elapsed: float | None = None
    bytes: int | None = None
    """Size of the body on the wire."""
    content_type: str | None = None
    encoding: str | None = None
    """The charset the text was read in."""
    truncated: bool = False
    """The compressed body lacked its end: the rows are of what there was."""
    records: tuple[Record, ...] = ()
    links: tuple[str, ...] = ()


# ---- readings: what the screen and the summary are given, never handles


@dataclass(frozen=True, slots=True)
class Counts:
    """URLs by state. `read` always balances: nothing is ever in two places or in none."""

    pending: int = 0
    done: int = 0
    failed: int = 0
    skipped: int = 0

    @property
    def read(self) -> int:
        return self.pending + self.done + self.failed + self.skipped

    @property
    def settled(self) -> int:
        return self.done + self.failed + self.skipped


@dataclass(frozen=True, slots=True)
class Lines:
    """What the lines of the list were, in this run."""

    new: int = 0
    """URLs the database did not know."""
    known: int = 0
    """URLs an earlier run had read."""
    duplicates: int = 0
    """Lines whose URL stood in this list before."""
    ignored: int = 0
    """Blank lines and comments."""


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Seconds an item took, over the last 2,048 items."""

    p50: float
    p95: float
    p99: float


@dataclass(frozen=True, slots=True)
class StageStatus:
    """One stage at one moment. Times are sums since the start, in worker-seconds."""

    name: str
    workers: int
    busy: int
    done: int
    """Items it finished with, failures included."""
    failed: int
    """Of those, the ones that ended here for good."""
    retried: int
    busy_seconds: float
    starved_seconds: float
    """Waiting for something to do."""
    percentiles: Percentiles | None = None
    batch: float | None = None
    """Mean items a transaction, for the stage that saves."""


@dataclass(frozen=True, slots=True)
class QueueStatus:
    """One queue at one moment. Times are sums since the start."""

    name: str
    producer: str
    consumer: str
    depth: int
    capacity: int
    peak: int
    full_seconds: float
    put_wait_seconds: float
    """Producer-seconds spent waiting for room."""
    producers: int
    item_seconds: float = 0.0
    """Seconds that items spent waiting inside, all together: its mean depth times the time."""


@dataclass(frozen=True, slots=True)
class HostStatus:
    """How one host answers."""

    host: str
    ok: int
    failed: int
    last_error: str = ""
    waiting: float = 0.0
    """Seconds until it may be asked again; 0 when it may be asked now."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Everything that can be shown of a run at one moment."""

    elapsed: float
    counts: Counts
    """Of the whole database."""
    before: Counts
    """The same when the run began."""
    lines: Lines
    complete: bool
    """The whole list has been read: the total is known."""
    stages: tuple[StageStatus, ...]
    queues: tuple[QueueStatus, ...]
    reasons: Mapping[str, int] = field(default_factory=dict)
    """Verdicts of this run that are failed or skipped, by `state:reason`."""
    statuses: Mapping[int, int] = field(default_factory=dict)
    """HTTP statuses seen in this run; 0 is an attempt that got none."""
    hosts: tuple[HostStatus, ...] = ()
    """The hosts with the most failures, most first."""
    bytes: int = 0
    records: int = 0
    retries: int = 0
    held_back: str = ""
    """The politeness limit that keeps fetchers idle now (`--per-host 8`), or empty."""
    held_back_seconds: Mapping[str, float] = field(default_factory=dict)
    """By flag: how long nothing might go because of a politeness limit, or some fetcher waited
    for memory (`--max-in-flight 64M`)."""
    stopping: str = ""
    """The signal that asked the run to stop, or empty."""
