"""Which --fetchers and --parsers are best here: a coarse sweep, and a proof for its winner."""

from __future__ import annotations

import statistics
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from scrapeq.bench.trial import Flags, Trial, ratios, speed

CLEARLY = 1.05
"""Times as fast as the defaults: what is less may be chance, and is no reason to change them."""
FETCHERS = (16, 32, 64, 128)
MOST_FETCHERS = 1024
MOST_PARSERS = 256

Run = Callable[[Flags], Awaitable[Trial]]


@dataclass(slots=True)
class Search:
    """What was tried, and what came of it."""

    default: Flags
    best: Flags
    trials: dict[Flags, list[Trial]]
    """One run each, but for the defaults and what had to be proved."""
    gains: dict[Flags, float]
    """Times as fast as the defaults were just before and just after."""
    suspect: Flags | None = None
    """The one that seemed clearly better in its one run."""
    proof: Sequence[float] = ()
    """Of that: times as fast as the defaults, round by round."""

    def leader(self) -> Flags:
        """The fastest, if it is clearly faster than the defaults; else those."""
        fastest = max(self.gains, key=lambda flags: self.gains[flags])
        return fastest if self.gains[fastest] >= CLEARLY else self.default


def parsers_to_try(cores: int) -> list[int]:
    return sorted({1, min(cores, MOST_PARSERS), min(2 * cores, MOST_PARSERS)})


async def search(
    run: Run, default: Flags, usual: Sequence[Trial], cores: int, rounds: int
) -> Search:
    """`run` makes one run; `usual` are those that were made with the defaults, just now."""
    found = Search(default, default, {default: list(usual)}, {default: 1.0})
    await _try(found, run, [default._replace(parsers=each) for each in parsers_to_try(cores)])
    parsers = found.leader().parsers
    await _try(found, run, [Flags(fetchers, parsers) for fetchers in FETCHERS])
    await _try_more(found, run, Flags(FETCHERS[-1], parsers))
    if found.leader() != default:
        await _prove(found, run, rounds)
    return found


async def _try(found: Search, run: Run, several: Sequence[Flags]) -> None:
    """Once each, and then the defaults: by now the machine may be busier than it was."""
    usual = found.trials[found.default]
    new = [flags for flags in several if flags not in found.trials]
    for flags in new:
        found.trials[flags] = [await run(flags)]
    if new:
        usual.append(await run(found.default))
    around = statistics.mean(trial.pages_per_s for trial in usual[-2:])
    found.gains |= {flags: speed(found.trials[flags]) / around for flags in new}


async def _try_more(found: Search, run: Run, most: Flags) -> None:
    """Twice as many fetchers, as long as that helped the last time."""
    while most.fetchers < MOST_FETCHERS:
        half = most._replace(fetchers=most.fetchers // 2)
        if found.gains[most] < CLEARLY * found.gains[half]:
            return
        most = most._replace(fetchers=2 * most.fetchers)
        await _try(found, run, [most])


async def _prove(found: Search, run: Run, rounds: int) -> None:
    """The fastest of many is also the luckiest: let it run in turn with the defaults."""
    found.suspect = found.leader()
    theirs, ours = [], []
    for _ in range(rounds):
        theirs.append(await run(found.suspect))
        ours.append(await run(found.default))
    found.proof = ratios(theirs, ours)
    found.gains[found.suspect] = statistics.median(found.proof)
    if found.gains[found.suspect] >= CLEARLY and min(found.proof) > 1:
        found.best = found.suspect
    found.trials[found.suspect] += theirs
    found.trials[found.default] += ours
