"""What the trials came to, in figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from statistics import mean
from typing import Any

from tests.torture.trial import URLS, Report


def figures(reports: Sequence[Report], seconds: float) -> dict[str, Any]:
    """For `--json`."""
    kills = [kill for report in reports for kill in report.kills]
    aimed, killed = Counter(x.moment for x in kills), Counter(x.moment for x in kills if x.killed)
    repeats = [kill.repeats for kill in kills if kill.killed] or [0]
    return {
        "trials": len(reports),
        "urls": URLS,
        "failed": [asdict(report) for report in reports if report.failure],
        "kills": sum(killed.values()),
        "moments": {name: {"aimed": aimed[name], "killed": killed[name]} for name in sorted(aimed)},
        "repeats_per_kill": {"mean": round(mean(repeats), 1), "max": max(repeats)},
        "share_of_bound": round(
            max((k.repeats / r.bound for r in reports for k in r.kills), default=0.0), 2
        ),
        "seconds": round(seconds, 1),
        "slowest": round(max((report.seconds for report in reports), default=0.0), 1),
    }


def as_text(found: dict[str, Any]) -> str:
    repeats = found["repeats_per_kill"]
    lines = [
        f"{found['trials']} trials of {found['urls']} URLs in {found['seconds']} s, "
        f"the slowest {found['slowest']} s: {len(found['failed'])} failed",
        f"{found['kills']} kills; requests in vain for each: {repeats['mean']} in the mean, "
        f"{repeats['max']} at most, {found['share_of_bound']:.0%} of what may be",
    ]
    for name, kills in found["moments"].items():
        lines.append(f"  {kills['killed']:5} of {kills['aimed']:5} {name}")
    return "\n".join(lines)


def complaint(report: Report) -> str:
    """What failed, and the command that repeats it."""
    return (
        f"trial {report.seed} ({', '.join(report.moments)}) failed: {report.failure}\n"
        f"  its files: {report.folder}\n"
        f"  again: python -m tests.torture.kill --trials 1 --seed {report.seed}"
    )
