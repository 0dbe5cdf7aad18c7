"""What one run of one program came to."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from scrapeq.bench.cpu import Shares


class Flags(NamedTuple):
    """Options of `scrapeq run` that are tried."""

    fetchers: int
    parsers: int

    def __str__(self) -> str:
        return f"--fetchers {self.fetchers} --parsers {self.parsers}"


@dataclass(frozen=True, slots=True)
class Trial:
    """One run over the whole list."""

    pages: int
    seconds: float
    """From its first request to the end of its process: its start is another matter."""
    site: float
    """Cores of the site's process."""
    shares: Shares | None = None
    """From its first quarter on: the parse processes begin in that. None: nobody tells."""
    summary: Mapping[str, Any] = field(default_factory=dict)
    """Of scrapeq, what `--summary` says."""

    @property
    def pages_per_s(self) -> float:
        return self.pages / self.seconds


def speed(trials: Sequence[Trial]) -> float:
    """The median, in pages a second."""
    return statistics.median(trial.pages_per_s for trial in trials)


def ratios(trials: Sequence[Trial], others: Sequence[Trial]) -> list[float]:
    """How many times as fast as the other of its round, round by round."""
    return [a.pages_per_s / b.pages_per_s for a, b in zip(trials, others, strict=True)]
