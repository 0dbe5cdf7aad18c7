"""Where URLs, verdicts and rows are kept. The Store is the truth, the queues are a cache."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from scrapeq.models import Counts, Order, Outcome, Request
from scrapeq.urls import Listed


@dataclass(frozen=True, slots=True)
class Added:
    """What became of some lines of a list."""

    new: int
    known: int
    """In the database since an earlier run."""
    duplicates: int
    """Read before in this run."""
    skipped: Mapping[str, int] = field(default_factory=dict, compare=False)
    """Of the new ones, those that are no URL to fetch, by reason."""


class Store(Protocol):
    """One row a URL: pending from the moment it is read until its verdict is committed."""

    @property
    def counts(self) -> Counts:
        """Of the whole database, as committed."""

    async def add(self, lines: Sequence[Listed]) -> Added:
        """Make each URL that is new a pending row; a line that is no URL, a skipped one."""

    async def take(
        self, limit: int, order: Order, held: Collection[int], now: float
    ) -> list[Request]:
        """Up to `limit` pending URLs that are due and not `held`, the first in `order` first.
        Due is also what is due later than any retry can be: a clock was wrong."""

    async def next_due(self, now: float) -> float | None:
        """When the next waiting retry is due, in seconds since the epoch; None without one."""

    async def save(self, outcomes: Sequence[Outcome]) -> int:
        """Commit verdicts, rows and links in one transaction; return how many links were new."""

    async def close(self, ended: str, totals: Mapping[str, Any]) -> None:
        """Note how the run ended, and let go of the database."""
