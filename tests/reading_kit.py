"""Readings for the tests of what is shown: one of a plausible run, and any at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from io import StringIO

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from rich.console import Console, RenderableType

from scrapeq.models import (
    Counts,
    HostStatus,
    Lines,
    Percentiles,
    QueueStatus,
    Reading,
    StageStatus,
)

HOSTILE = "\x1b]0;owned\x07 [/b] [red] \u202egnp.exe\x9b2J line\nbreak\u2028 \ud800 \t文字"

WORKERS = {"fetch": 16, "parse": 2, "save": 1}
CAPACITIES = {"urls": 256, "pages": 64, "outcomes": 512}
_ENDS = {"urls": ("urls", "fetch"), "pages": ("fetch", "parse"), "outcomes": ("parse", "save")}
_LATENCIES = {
    "fetch": Percentiles(0.212, 1.9, 6.4),
    "parse": Percentiles(0.0026, 0.0091, 0.02),
    "save": Percentiles(0.004, 0.011, 0.03),
}


def a_run(
    seconds: float = 100.0,
    *,
    busy: Mapping[str, float] | None = None,
    full: Mapping[str, float] | None = None,
    workers: Mapping[str, int] | None = None,
    **changes: object,
) -> Reading:
    """A run of 56 pages a second, `seconds` after it began.

    `busy` and `full` are shares of its time, by stage and by queue; who is not busy starves.
    """
    done = int(56 * seconds)
    crew = WORKERS | dict(workers or {})
    reading = Reading(
        elapsed=seconds,
        counts=Counts(pending=10_000 - done - 62, done=done, failed=50, skipped=12),
        before=Counts(),
        lines=Lines(new=10_000, duplicates=12),
        complete=True,
        stages=tuple(_stage(name, crew[name], (busy or {}).get(name, 0), seconds) for name in crew),
        queues=tuple(_queue(name, (full or {}).get(name, 0), seconds, crew) for name in CAPACITIES),
        reasons={"failed:429": 22, "failed:timeout": 14, "failed:dns": 14, "skipped:robots": 12},
        statuses={200: done, 301: 161, 404: 38, 429: 22, 503: 3, 0: 19},
        hosts=(
            HostStatus("shop.example.com", 1204, 22, "429 Too Many Requests", 12.0),
            HostStatus("old.example.org", 88, 14, "timeout after 30s"),
        ),
        bytes=int(11e6 * seconds),
        records=done,
        retries=31,
    )
    return replace(reading, **changes)  # type: ignore[arg-type]


def _stage(name: str, workers: int, busy: float, seconds: float) -> StageStatus:
    return StageStatus(
        name=name,
        workers=workers,
        busy=round(busy * workers),
        done=int(56 * seconds),
        failed=0,
        retried=0,
        busy_seconds=busy * workers * seconds,
        starved_seconds=(1 - busy) * workers * seconds,
        percentiles=_LATENCIES[name],
        batch=64.0 if name == "save" else None,
    )


def _queue(name: str, full: float, seconds: float, workers: Mapping[str, int]) -> QueueStatus:
    producer, consumer = _ENDS[name]
    producers = workers.get(producer, 1)
    return QueueStatus(
        name=name,
        producer=producer,
        consumer=consumer,
        depth=int(full * CAPACITIES[name]),
        capacity=CAPACITIES[name],
        peak=int(full * CAPACITIES[name]),
        full_seconds=full * seconds,
        put_wait_seconds=full * seconds * producers,
        producers=producers,
    )


def lines_of(frame: RenderableType, width: int = 400) -> list[str]:
    """What a terminal of that width would be sent, line by line, without colours."""
    console = Console(file=StringIO(), width=width, height=100, color_system=None)
    with console.capture() as capture:
        console.print(frame)
    return capture.get().splitlines()


# ---- any reading at all

patiently = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

_numbers = st.integers(0, 10**12)
_seconds = st.floats(0, 1e9)
_words = st.one_of(st.just(HOSTILE), st.text(st.characters(), max_size=120))

_counts = st.builds(Counts, _numbers, _numbers, _numbers, _numbers)


def _any_stage(name: str) -> st.SearchStrategy[StageStatus]:
    return st.builds(
        StageStatus,
        name=st.just(name),
        workers=st.integers(1, 2000),
        busy=st.integers(0, 2000),
        done=_numbers,
        failed=_numbers,
        retried=_numbers,
        busy_seconds=_seconds,
        starved_seconds=_seconds,
        percentiles=st.none() | st.builds(Percentiles, _seconds, _seconds, _seconds),
        batch=st.none() | st.floats(1, 1e6),
    )


def _any_queue(name: str) -> st.SearchStrategy[QueueStatus]:
    return st.builds(
        QueueStatus,
        name=st.just(name),
        producer=st.sampled_from(["urls", "fetch", "parse"]),
        consumer=st.sampled_from(["fetch", "parse", "save"]),
        depth=_numbers,
        capacity=st.integers(1, 10**6),
        peak=_numbers,
        full_seconds=_seconds,
        put_wait_seconds=_seconds,
        producers=st.integers(1, 2000),
    )


any_reading = st.builds(
    Reading,
    elapsed=_seconds,
    counts=_counts,
    before=_counts,
    lines=st.builds(Lines, _numbers, _numbers, _numbers, _numbers),
    complete=st.booleans(),
    stages=st.just(()) | st.tuples(*map(_any_stage, WORKERS)),
    queues=st.just(()) | st.tuples(*map(_any_queue, CAPACITIES)),
    reasons=st.dictionaries(
        st.builds("{}:{}".format, st.sampled_from(["failed", "skipped"]), _words), _numbers
    ),
    statuses=st.dictionaries(st.integers(0, 1100), _numbers),
    hosts=st.lists(st.builds(HostStatus, _words, _numbers, _numbers, _words, _seconds)).map(tuple),
    bytes=_numbers,
    records=_numbers,
    retries=_numbers,
    held_back=st.sampled_from(["", "--per-host 8", "--delay 1.5", "--rate-limit 5", HOSTILE]),
    stopping=st.sampled_from(["", "SIGINT", HOSTILE]),
)
