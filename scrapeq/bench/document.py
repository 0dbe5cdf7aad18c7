"""The findings as one object, for a program."""

from __future__ import annotations

import platform
import statistics
from collections.abc import Sequence
from typing import Any

from scrapeq import __version__
from scrapeq.bench.bottleneck import held_back_by, others
from scrapeq.bench.contest import Findings, times_as_fast
from scrapeq.bench.cpu import STAGES
from scrapeq.bench.report import middle, uses_uvloop
from scrapeq.bench.search import Search
from scrapeq.bench.trial import Flags, Trial, speed


def as_json(found: Findings) -> dict[str, Any]:
    """Ratios are to the other program of the same round; the rest are medians of the rounds.

    `cpu` of a stage is CPU seconds a second; null where the system does not tell.
    """
    trial = middle(found.scrapeq)
    each = times_as_fast(found)
    return {
        "version": __version__,
        "python": platform.python_version(),
        "cores": found.cores,
        "pages": list(found.pages),
        "page_bytes": found.mean_bytes,
        "latency_ms": found.plan.latency,
        "rounds": found.plan.rounds,
        "bare": {"uvloop": uses_uvloop(), **_speeds(found.bare)},
        "scrapeq": {**found.default._asdict(), **_speeds(found.scrapeq)},
        "ratio": round(statistics.median(each), 3),
        "ratios": [round(ratio, 3) for ratio in each],
        "stages": {name: _stage(trial, name) for name in STAGES},
        "site_cpu": round(trial.site, 3),
        "others_cpu": round(others(trial, found.cores), 3) if trial.shares else None,
        "held_back_by": held_back_by(trial, found.cores),
        "search": _search_object(found.search) if found.search else None,
    }


def _speeds(trials: Sequence[Trial]) -> dict[str, Any]:
    runs = [round(trial.pages_per_s, 1) for trial in trials]
    return {"pages_per_s": round(speed(trials), 1), "runs": runs}


def _stage(trial: Trial, name: str) -> dict[str, Any]:
    stage = trial.summary["stages"][name]
    told = {"cpu": None, "share": None, "workers": stage["workers"], "busy": stage["busy"]}
    if trial.shares is None:
        return told
    cpu, total = trial.shares.stages[name], sum(trial.shares.stages.values())
    return {**told, "cpu": round(cpu, 3), "share": round(cpu / total, 3)}


def _search_object(search: Search) -> dict[str, Any]:
    def entry(flags: Flags) -> dict[str, Any]:
        ratio = round(search.gains[flags], 3)
        return {**flags._asdict(), **_speeds(search.trials[flags]), "of_default": ratio}

    return {
        "best": search.best._asdict(),
        "tried": [entry(flags) for flags in search.trials],
        "proved": search.suspect._asdict() if search.suspect else None,
        "proof": [round(ratio, 3) for ratio in search.proof],
    }
