"""The whole measurement: how large a run must be, the rounds, and the search."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import chain

from scrapeq.bench.lab import Lab
from scrapeq.bench.search import Search, search
from scrapeq.bench.trial import Flags, Trial, ratios
from scrapeq.settings import Settings, cores

SECONDS = 2.5
"""That a run should take, so that its first and last moments weigh little."""
LONGEST = 5.0
"""Seconds that a run of the slower program may take for the sake of the faster one."""
STARTING = 0.7
"""Seconds that a program needs before its first request, for a guess of how long all takes."""
WARM_UP = 1000
"""Pages of the first runs, which count for nothing: files are read, code is compiled."""
FEWEST, MOST = 200, 100_000

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """What was asked for."""

    pages: int | None
    """None: as many as take SECONDS."""
    rounds: int
    latency: float
    """Milliseconds before the site answers."""
    is_quick: bool


@dataclass(slots=True)
class Findings:
    """Everything that was measured."""

    plan: Plan
    default: Flags
    cores: int
    mean_bytes: int
    bare: list[Trial] = field(default_factory=list)
    scrapeq: list[Trial] = field(default_factory=list)
    search: Search | None = None

    @property
    def pages(self) -> tuple[int, int]:
        """The fewest and the most of a run."""
        tried = self.search.trials.values() if self.search else ()
        sizes = [trial.pages for trial in chain(self.bare, self.scrapeq, *tried)]
        return min(sizes), max(sizes)


async def measure(lab: Lab, plan: Plan, say: Say) -> Findings:
    """Raises FatalError when a program does not do its work."""
    default = Flags(Settings().fetchers, Settings().parsers)
    found = Findings(plan, default, cores(), lab.mean_bytes)
    latest = await _warm_up(lab, plan, default, say)
    for number in range(1, plan.rounds + 1):
        pages = _enough(plan, latest)
        latest = [await lab.bare(pages, default.fetchers), await lab.scrapeq(pages, default)]
        found.bare.append(latest[0])
        found.scrapeq.append(latest[1])
        rates = f"bare loop {_rate(latest[0])}, scrapeq {_rate(latest[1])}"
        say(f"round {number} of {plan.rounds}: {rates}")
    if not plan.is_quick:
        run = _Runs(lab, plan, say, usual=latest[1])
        found.search = await search(run, default, found.scrapeq, found.cores, plan.rounds)
    return found


class _Runs:
    """Runs of the search: as long as they should be, however busy the machine is by now."""

    def __init__(self, lab: Lab, plan: Plan, say: Say, usual: Trial) -> None:
        self._lab = lab
        self._plan = plan
        self._say = say
        self._usual = self._last = usual

    async def __call__(self, flags: Flags) -> Trial:
        # The slower of the two would let a faster one end before it has begun.
        fastest = max(self._usual, self._last, key=lambda trial: trial.pages_per_s)
        self._last = await self._lab.scrapeq(_enough(self._plan, [fastest]), flags)
        if flags == Flags(Settings().fetchers, Settings().parsers):
            self._usual = self._last
        self._say(f"scrapeq {flags}: {_rate(self._last)}")
        return self._last


async def _warm_up(lab: Lab, plan: Plan, default: Flags, say: Say) -> list[Trial]:
    """The bare loop and scrapeq, once; say how long the rest will take."""
    say("warming up")
    some = min(plan.pages or WARM_UP, WARM_UP)
    trials = [await lab.bare(some, default.fetchers), await lab.scrapeq(some, default)]
    pages = _enough(plan, trials)
    each = [pages / trial.pages_per_s + STARTING for trial in trials]
    least = plan.rounds * sum(each) + (0 if plan.is_quick else 8 * each[1])
    most = least + (0 if plan.is_quick else 2 * plan.rounds * each[1])
    about = f"{least:.0f}s" + (f" to {most:.0f}s" if most > least else "")
    say(f"{pages:,} pages a run, {lab.mean_bytes / 1000:.0f} kB each; about {about} in all")
    return trials


def _enough(plan: Plan, latest: Sequence[Trial]) -> int:
    """Pages for the next run, where the latest were of this speed."""
    if plan.pages:
        return plan.pages
    speeds = [trial.pages_per_s for trial in latest]
    wanted = min(SECONDS * max(speeds), LONGEST * min(speeds))
    return int(min(max(round(wanted, -2), FEWEST), MOST))


def _rate(trial: Trial) -> str:
    return f"{trial.pages_per_s:,.0f} pages/s"


def times_as_fast(found: Findings) -> list[float]:
    """scrapeq to the bare loop, round by round."""
    return ratios(found.scrapeq, found.bare)
