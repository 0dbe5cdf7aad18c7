"""The whole measurement: how large a run must be, the rounds, and the search."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from scrapeq.bench.lab import Lab
from scrapeq.bench.search import Search, search
from scrapeq.bench.trial import Flags, Trial, ratios, speed
from scrapeq.settings import Settings, cores

SECONDS = 2.5
"""That a run should take at most, so that its first and last moments weigh little: what is
cold in the first runs, from which this is computed, makes it less."""
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
    pages: int = 0
    bare: list[Trial] = field(default_factory=list)
    scrapeq: list[Trial] = field(default_factory=list)
    search: Search | None = None


async def measure(lab: Lab, plan: Plan, say: Say) -> Findings:
    """Raises FatalError when a program does not do its work."""
    default = Flags(Settings().fetchers, Settings().parsers)
    found = Findings(plan, default, cores(), lab.mean_bytes)
    found.pages = await _warm_up(lab, plan, found.default, say)
    for number in range(1, plan.rounds + 1):
        found.bare.append(await lab.bare(found.pages, found.default.fetchers))
        found.scrapeq.append(await lab.scrapeq(found.pages, found.default))
        say(
            f"round {number} of {plan.rounds}: bare loop {_rate(found.bare[-1:])}, "
            f"scrapeq {_rate(found.scrapeq[-1:])}"
        )
    if plan.is_quick:
        return found

    async def run(flags: Flags) -> Trial:
        trial = await lab.scrapeq(found.pages, flags)
        say(f"scrapeq {flags}: {_rate([trial])}")
        return trial

    found.search = await search(run, default, found.scrapeq, found.cores, plan.rounds)
    return found


async def _warm_up(lab: Lab, plan: Plan, default: Flags, say: Say) -> int:
    """How many pages each run will have."""
    say("warming up")
    some = min(plan.pages or WARM_UP, WARM_UP)
    speeds = [
        (await lab.bare(some, default.fetchers)).pages_per_s,
        (await lab.scrapeq(some, default)).pages_per_s,
    ]
    pages = plan.pages or _enough(speeds)
    each = sum(pages / rate + STARTING for rate in speeds)
    trial = pages / speeds[1] + STARTING
    least = plan.rounds * each + (0 if plan.is_quick else 8 * trial)
    most = least + (0 if plan.is_quick else 2 * plan.rounds * trial)
    about = f"{least:.0f}s" + (f" to {most:.0f}s" if most > least else "")
    say(f"{pages:,} pages a run, {lab.mean_bytes / 1000:.0f} kB each; about {about} in all")
    return pages


def _enough(speeds: Sequence[float]) -> int:
    wanted = min(SECONDS * max(speeds), LONGEST * min(speeds))
    return int(min(max(round(wanted, -2), FEWEST), MOST))


def _rate(trials: Sequence[Trial]) -> str:
    return f"{speed(trials):,.0f} pages/s"


def times_as_fast(found: Findings) -> list[float]:
    """scrapeq to the bare loop, round by round."""
    return ratios(found.scrapeq, found.bare)
