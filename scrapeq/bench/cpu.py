"""CPU of a running scrapeq by stage, as /proc tells it; systems without it do not tell."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

STAGES = ("fetch", "parse", "save")

Used = Mapping[tuple[str, int], float]
"""CPU seconds by stage and by number of thread or process."""


def used_by(pid: int) -> Used:
    """What it has used so far: its main thread fetches, its other threads save (and read the
    list), its child processes parse. Raises OSError when it is gone, or nobody tells."""
    found: dict[tuple[str, int], float] = {}
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    for thread in map(int, os.listdir(f"/proc/{pid}/task")):
        stage = "fetch" if thread == pid else "save"
        found[stage, thread] = _seconds(f"/proc/{pid}/task/{thread}/stat")
    for child in map(int, children):
        found["parse", child] = _seconds(f"/proc/{child}/stat")
    return found


@dataclass(frozen=True, slots=True)
class Look:
    """What had been used at one moment."""

    at: float
    """Seconds on the monotonic clock."""
    used: Used
    idle: float
    """Seconds that the cores we may use have been idle, all together."""


@dataclass(frozen=True, slots=True)
class Shares:
    """Cores, which is CPU seconds a second, over a part of a run."""

    stages: Mapping[str, float]
    idle: float


def look(pid: int) -> Look | None:
    """None when it is gone, or nobody tells."""
    try:
        used = used_by(pid)
        return Look(time.monotonic(), used, _idle())
    except OSError:
        return None


def shares(looks: Sequence[Look], begin: float, end: float) -> Shares | None:
    """Of the time between; None when it was too short to tell."""
    within = [look for look in looks if begin <= look.at <= end]
    if len(within) < 3:
        return None
    before, last = within[0], within[-1]
    after: dict[tuple[str, int], float] = {}
    for one in within:
        after.update(one.used)  # the last look may come when a part has ended
    spent = dict.fromkeys(STAGES, 0.0)
    for key, seconds in after.items():
        spent[key[0]] += seconds - before.used.get(key, 0.0)
    if not any(spent.values()):
        return None
    span = last.at - before.at
    cores = {stage: seconds / span for stage, seconds in spent.items()}
    return Shares(cores, (last.idle - before.idle) / span)


def _idle() -> float:
    ours = {f"cpu{number}" for number in os.sched_getaffinity(0)}
    ticks = 0
    for line in Path("/proc/stat").read_text().splitlines():
        name, *fields = line.split()
        if name in ours:
            ticks += int(fields[3]) + int(fields[4])  # idle, and waiting for a disk
    return ticks / os.sysconf("SC_CLK_TCK")


def _seconds(stat: str) -> float:
    """User and system time of one `stat` file; 0 when its owner has just gone."""
    try:
        fields = Path(stat).read_text().rpartition(")")[2].split()  # a name may hold blanks
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
