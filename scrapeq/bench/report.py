"""The findings for a person, in 80 columns as many lines as one screen has."""

from __future__ import annotations

import platform
import statistics
import textwrap
from collections.abc import Iterator, Sequence
from importlib.util import find_spec

from scrapeq import __version__
from scrapeq.bench.bottleneck import held_back_by, others
from scrapeq.bench.contest import Findings, times_as_fast
from scrapeq.bench.cpu import STAGES
from scrapeq.bench.search import CLEARLY, Search
from scrapeq.bench.trial import Trial, speed
from scrapeq.settings import Settings
from scrapeq.text import count

WORK = {
    "fetch": "the event loop: requests, queues",
    "parse": "the parse processes",
    "save": "SQLite, and reading the list",
}
WIDTH = 80
FAR_AWAY = 0.2
"""Seconds that a site takes to answer, for the example."""


def uses_uvloop() -> bool:
    """Whether the bare loop does."""
    return find_spec("uvloop") is not None


def lines(found: Findings) -> Iterator[str]:
    yield (
        f"scrapeq {__version__}, Python {platform.python_version()}, {_cores(found.cores)}: "
        f"{_to(*found.pages)} pages of {found.mean_bytes / 1000:.0f} kB a run"
    )
    yield from _comparison(found)
    yield ""
    yield from _stages(found)
    why = held_back_by(middle(found.scrapeq), found.cores)
    yield from _wrapped(f"held back by {why}")
    yield ""
    if found.search:
        yield from _search(found.search)
    yield from _next_steps(found)


def _wrapped(sentence: str) -> list[str]:
    return textwrap.wrap(sentence, WIDTH, break_on_hyphens=False)


def _to(least: int, most: int) -> str:
    return count(least) if least == most else f"{count(least)} to {count(most)}"


def _cores(number: int) -> str:
    return f"{number} core{'s' if number > 1 else ''}"


def middle(trials: Sequence[Trial]) -> Trial:
    """The one of median speed; of an even number, the slower of the two."""
    return sorted(trials, key=lambda trial: trial.pages_per_s)[(len(trials) - 1) // 2]


def _comparison(found: Findings) -> Iterator[str]:
    fetchers = found.default.fetchers
    yield f"{f'{fetchers} requests at once':<28}{'pages/s':>9}   of the rounds"
    bare = "bare loop (with uvloop)" if uses_uvloop() else "bare loop"
    for name, trials in ((bare, found.bare), ("scrapeq", found.scrapeq)):
        speeds = [trial.pages_per_s for trial in trials]
        spread = _to(round(min(speeds)), round(max(speeds)))
        yield f"  {name:<26}{count(round(speed(trials))):>9}   {spread}"
    each = times_as_fast(found)
    ratio = statistics.median(each)
    yield f"  scrapeq is {ratio:.2f} times as fast as the bare loop ({_listed(each)})"


def _stages(found: Findings) -> Iterator[str]:
    trial = middle(found.scrapeq)
    stages = trial.summary["stages"]
    if trial.shares is None:
        yield "stage   workers busy   (CPU is not told: the run was short, or by this system)"
        for name in STAGES:
            workers, busy = stages[name]["workers"], stages[name]["busy"]
            yield f"  {name:<7}{workers:>6} {busy:>4.0%}   {WORK[name]}"
        return
    total = sum(trial.shares.stages.values())
    yield "stage     CPU   a page  workers busy"
    for name, cores in trial.shares.stages.items():
        millis = 1000 * cores / trial.pages_per_s
        yield (
            f"  {name:<6}{cores / total:>5.0%}  {millis:.2f} ms  {stages[name]['workers']:>7} "
            f"{stages[name]['busy']:>4.0%}   {WORK[name]}"
        )
    yield (
        f"cores busy: {total:.2f} with scrapeq, {trial.site:.2f} with the embedded site, "
        f"{others(trial, found.cores):.2f} others"
    )


def _search(search: Search) -> Iterator[str]:
    yield "--fetchers  --parsers   pages/s   of default  runs"
    for flags in sorted(search.trials, key=lambda flags: (flags.parsers, flags.fetchers)):
        trials = search.trials[flags]
        words = ["best"] * (flags == search.best) + ["default"] * (flags == search.default)
        yield (
            f"{flags.fetchers:>10}{flags.parsers:>11}{count(round(speed(trials))):>10}"
            f"{search.gains[flags]:>13.2f}{len(trials):>6}  {', '.join(words)}"
        ).rstrip()
    yield from _wrapped(_choice(search))


def _choice(search: Search) -> str:
    if search.suspect is None:
        return f"Nothing tried was faster than the defaults by {CLEARLY - 1:.0%}."
    proof = f"{_listed(search.proof)} times the default"
    if search.best == search.default:
        return f"{search.suspect}: {proof}, no clear gain."
    return f"In turn with the default, the best was {proof}."


def _listed(each: Sequence[float]) -> str:
    """Round by round, of many the first."""
    return ", ".join(f"{ratio:.2f}" for ratio in each[:4]) + ", ..." * (len(each) > 4)


def _next_steps(found: Findings) -> Iterator[str]:
    best, trials = found.default, found.scrapeq
    if found.search:
        best, trials = found.search.best, found.search.trials[found.search.best]
        usual = f"      # {best}: the defaults"
        yield f"  scrapeq run urls.txt{usual if best == found.default else f' {best}'}"
    host = f"one host gets {Settings().per_host} (--per-host)."
    if found.plan.latency:
        yield f"Many --fetchers need many hosts: {host}"
    else:
        many = round(speed(trials) * FAR_AWAY)
        yield f"At {FAR_AWAY:g}s an answer that takes --fetchers {many}; {host}"
