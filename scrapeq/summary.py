"""What is said when a run has ended: to a person as text, to a program as one object."""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Iterator, Sequence

from scrapeq.advice import bottleneck
from scrapeq.models import Percentiles, QueueStatus, Reading, StageStatus
from scrapeq.next_steps import from_stored_list, look_lines, with_flags
from scrapeq.text import count, ms, safe, size, span
from scrapeq.window import Window

_ALWAYS_NAMED = ("robots", "scheme")  # policies of ours: say that they took nothing away
_MOST_REASONS = 12


def render_summary(
    reading: Reading,
    *,
    output: str,
    run: int,
    outcome: str,
    command: Sequence[str],
    cores: int,
    width: int = 80,
) -> list[str]:
    """The closing text, a line an element.

    `outcome` is `finished` or how it stopped (`stopped by SIGINT`). `command` is the argument
    list that started this run, fit to be shown: secrets are the caller's to mask.
    """
    preposition = "in" if outcome == "finished" else "after"
    headline = f"scrapeq  {outcome} {preposition} {span(reading.elapsed)}"
    total = f"{count(reading.counts.read)} urls -> {output} (run {run})"
    lines = [f"{headline:<33}  {total}", "", *_verdicts(reading, width), ""]
    if any(stage.done for stage in reading.stages):
        lines += [*_stages(reading), ""]
    lines += _next_steps(reading, output, command, cores)
    return [safe(line.rstrip(), limit=4000) for line in lines]


def as_json(reading: Reading, *, outcome: str, cores: int) -> dict[str, object]:
    """The object of `--summary`. Shares are 0 to 1, of the whole run; counts are of the database.

    `urls` = `done` + `failed` + `skipped` + `pending`; `already` of them were settled by
    earlier runs. `reasons`, `records`, `bytes` and `retries` are of this run.
    """
    found = bottleneck(reading, None, cores)
    counts = reading.counts
    return {
        "urls": counts.read,
        "done": counts.done,
        "failed": counts.failed,
        "skipped": counts.skipped,
        "pending": counts.pending,
        "already": reading.before.settled,
        "new": reading.lines.new,
        "known": reading.lines.known,
        "duplicates": reading.lines.duplicates,
        "ignored": reading.lines.ignored,
        "retries": reading.retries,
        "records": reading.records,
        "bytes": reading.bytes,
        "elapsed_s": round(reading.elapsed, 3),
        "pages_per_s": round(_pages_per_second(reading), 1),
        "reasons": dict(reading.reasons),
        "stages": {stage.name: _stage_object(reading, stage) for stage in reading.stages},
        "queues": {queue.name: _queue_object(reading, queue) for queue in reading.queues},
        "bottleneck": found.stage,
        "advice": found.advice,
        "outcome": outcome,
    }


def _stage_object(reading: Reading, stage: StageStatus) -> dict[str, object]:
    window, latency = Window(reading), stage.percentiles
    waits = [window.put_wait(q) for q in reading.queues if q.producer == stage.name]
    return {
        "workers": stage.workers,
        "busy": round(window.busy(stage), 3),
        "done": stage.done,
        "failed": stage.failed,
        "p50_ms": _millis(latency.p50) if latency else None,
        "p95_ms": _millis(latency.p95) if latency else None,
        "p99_ms": _millis(latency.p99) if latency else None,
        "put_wait": round(max(waits, default=0.0), 3),
        "starved": round(window.starved(stage), 3),
    }


def _millis(seconds: float) -> float:
    return round(seconds * 1000, 3)


def _queue_object(reading: Reading, queue: QueueStatus) -> dict[str, object]:
    full = round(Window(reading).full(queue), 3)
    return {"capacity": queue.capacity, "peak": queue.peak, "full": full}


def _pages_per_second(reading: Reading) -> float:
    return Window(reading).rate(reading.counts.done, reading.before.done)


# ---- for a person


def _verdicts(reading: Reading, width: int) -> Iterator[str]:
    """A line a state. Together they are all the URLs, and they say so by adding up."""
    counts = reading.counts
    speed = f"{_pages_per_second(reading):,.1f} pages/s"
    traffic = f"{size(reading.bytes)} at {size(Window(reading).bytes_per_second())}/s"
    yield from _verdict(reading, "done", counts.done, f"{speed:<15}  {traffic}", width)
    yield from _verdict(reading, "failed", counts.failed, _failures(reading), width)
    yield from _verdict(reading, "skipped", counts.skipped, _skips(reading), width)
    if counts.pending:
        yield from _verdict(reading, "pending", counts.pending, "left for the next run", width)
    if reading.before.settled:
        remark = "of these, settled by earlier runs"
        yield from _verdict(reading, "already", reading.before.settled, remark, width)
    if reading.before.read:
        yield from _verdict(reading, "list", None, _against_the_database(reading), width)


def _verdict(
    reading: Reading, state: str, number: int | None, remark: str, width: int
) -> list[str]:
    total = reading.counts.read
    percent = f"{100 * number / total:.1f}%" if number and total else ""
    room = max(9, len(count(total)))
    head = f"  {state:<8}{'' if number is None else count(number):>{room}}  {percent:>6}"
    lines = textwrap.wrap(
        remark,
        max(width, len(head) + 30),
        initial_indent=f"{head}      ",
        subsequent_indent=" " * (len(head) + 6),
        break_on_hyphens=False,
        break_long_words=False,
    )
    return [line.replace("\N{NO-BREAK SPACE}", " ") for line in lines] or [head]


def _failures(reading: Reading) -> str:
    reasons = _reasons(reading, "failed")
    words = [f"{safe(reason, 40)}\N{NO-BREAK SPACE}x{count(n)}" for reason, n in reasons]
    return _of_this_run(reading.before.failed) + _at_most(words)


def _against_the_database(reading: Reading) -> str:
    """How the list of this run differs from what earlier ones have read."""
    lines = reading.lines
    words = {"new": lines.new, "known": lines.known}
    if reading.complete:
        words["not\N{NO-BREAK SPACE}in\N{NO-BREAK SPACE}it"] = reading.before.read - lines.known
    return "  ".join(f"{word}\N{NO-BREAK SPACE}{count(n)}" for word, n in words.items())


def _of_this_run(before: int) -> str:
    """The count beside it is of the database, so say where the reasons are of less than that."""
    return "this\N{NO-BREAK SPACE}run:  " if before else ""


def _skips(reading: Reading) -> str:
    totals = dict.fromkeys(_ALWAYS_NAMED, 0) | dict(_reasons(reading, "skipped"))
    totals["duplicate\N{NO-BREAK SPACE}lines"] = reading.lines.duplicates
    words = [f"{safe(reason, 40)}\N{NO-BREAK SPACE}{count(n)}" for reason, n in totals.items()]
    return _of_this_run(reading.before.skipped) + _at_most(words)


def _at_most(words: list[str]) -> str:
    more = len(words) - _MOST_REASONS
    tail = [f"and\N{NO-BREAK SPACE}{more}\N{NO-BREAK SPACE}more"] if more > 0 else []
    return "  ".join([*words[:_MOST_REASONS], *tail])


def _reasons(reading: Reading, state: str) -> list[tuple[str, int]]:
    """This run's, the most frequent first."""
    found = [
        (key.partition(":")[2], number)
        for key, number in reading.reasons.items()
        if key.partition(":")[0] == state
    ]
    return sorted(found, key=lambda reason: (-reason[1], reason[0]))


_STAGE_LINE = "  {:<8}{:<9}{:<6}{:<8}{:<8}{:<8}{}"


def _stages(reading: Reading) -> Iterator[str]:
    window = Window(reading)
    yield _STAGE_LINE.format("stage", "workers", "busy", "p50", "p95", "p99", "queue in front")
    for stage in reading.stages:
        queue = next((q for q in reading.queues if q.consumer == stage.name), None)
        yield _STAGE_LINE.format(
            stage.name,
            count(stage.workers),
            f"{window.busy(stage):.0%}",
            *_latencies(stage.percentiles),
            _queue_in_front(window, queue) if queue else "",
        ).rstrip()


def _latencies(latency: Percentiles | None) -> list[str]:
    return [ms(latency.p50), ms(latency.p95), ms(latency.p99)] if latency else ["-"] * 3


def _queue_in_front(window: Window, queue: QueueStatus) -> str:
    path = f"{queue.producer}->{queue.consumer}"
    return f"{path:<14} full {window.full(queue):.0%} of run"


def _next_steps(reading: Reading, output: str, command: Sequence[str], cores: int) -> Iterator[str]:
    if any(stage.done for stage in reading.stages):
        found = bottleneck(reading, None, cores)
        yield f"  bottleneck  {found.why}"
        if found.advice:
            unfinished = [word for word in command if word != "--fresh"]
            kept = unfinished if reading.counts.pending or not reading.complete else command
            yield f"  try         {shlex.join(with_flags(kept, found.advice))}"
    for line in look_lines(output):
        yield f"  look        {line}"
    whole = reading.complete
    if reading.stopping and not whole:
        yield "  list        was not read to its end: give it again"
    if reading.counts.pending or (reading.stopping and not whole):
        yield f"  resume      {from_stored_list(command, whole=whole)}"
    if reading.counts.failed:
        yield f"  retry       {from_stored_list(command, whole=whole, retry_failed=True)}"
