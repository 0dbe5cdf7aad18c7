"""Which part of the pipeline holds the others back, and the flag that moves it."""

from __future__ import annotations

from dataclasses import dataclass

from scrapeq.models import QueueStatus, Reading, StageStatus
from scrapeq.values import parse_size, shown_size
from scrapeq.window import Window, named, share

MAX_FETCHERS = 1000
MAX_SAVE_QUEUE = 8192

_ALL_BUSY = 0.85
_INBOUND = {"fetch": "urls", "parse": "pages", "save": "outcomes"}
_QUEUE_WORDS = {"urls": "URL queue", "pages": "parse queue", "outcomes": "save queue"}


@dataclass(frozen=True, slots=True)
class Bottleneck:
    """The one place where more would help."""

    stage: str
    """`fetch`, `parse`, `save`, `memory`, `politeness`, `list`, or empty: nothing to name."""
    why: str
    """For a person: `fetch (16/16 busy, parse queue 5% full)`."""
    advice: str = ""
    """Flags to append to the command (`--fetchers 32`), or empty."""


def bottleneck(reading: Reading, earlier: Reading | None, cores: int) -> Bottleneck:
    """Name the last stage that is all busy behind a full queue, or what starves the first.

    The window is from `earlier` to `reading`, or the whole run. `cores` caps the parsers.
    """
    window = Window(reading, earlier)
    if window.seconds < 1:
        return Bottleneck("", "none (too early to tell)")
    for name in ("save", "parse", "fetch"):
        if _holds_back(window, name):
            return _overloaded(window, name, cores)
    limit = _limit(window)
    if limit.startswith("--max-in-flight "):
        return _short_of_memory(window, limit, cores)
    fetch = named(reading.stages, "fetch")
    if fetch is not None and window.busy(fetch) >= _ALL_BUSY:
        return _overloaded(window, "fetch", cores)
    if limit:
        return _polite(window, limit, fetch)
    return _idle(window, fetch)


def _limit(window: Window) -> str:
    """The limit that kept fetchers waiting for most of the time, or that does now."""
    shares = window.held_back()
    worst = max(shares, key=lambda name: shares[name], default="")
    if worst and shares[worst] >= 0.5:
        return worst
    return window.reading.held_back if window.earlier else ""


def _holds_back(window: Window, name: str) -> bool:
    stage = named(window.reading.stages, name)
    queue = named(window.reading.queues, _INBOUND[name])
    if stage is None or queue is None:
        return False
    return window.stays_full(queue) and window.busy(stage) >= _ALL_BUSY


def _overloaded(window: Window, name: str, cores: int) -> Bottleneck:
    stage = named(window.reading.stages, name)
    # Of fetch, the queue behind it shows that it is not the parsers who hold it back.
    queue = named(window.reading.queues, "pages" if name == "fetch" else _INBOUND[name])
    if stage is None:
        return Bottleneck("", "unknown")
    remark, advice = _cure(stage, window.reading, cores)
    facts = [_busy_words(window, stage)]
    if queue is not None:
        facts.append(_queue_facts(window, queue))
    return Bottleneck(name, f"{name} ({', '.join(facts)}{remark})", advice)


def _busy_words(window: Window, stage: StageStatus) -> str:
    if window.earlier is None:
        return f"{window.busy(stage):.0%} busy"
    return f"{stage.busy}/{stage.workers} busy"


def _queue_facts(window: Window, queue: QueueStatus) -> str:
    words = _QUEUE_WORDS[queue.name]
    if window.earlier is None:
        return f"{words} full {window.full(queue):.0%} of the run"
    return f"{words} {share(queue.depth, queue.capacity):.0%} full"


def _cure(stage: StageStatus, reading: Reading, cores: int) -> tuple[str, str]:
    """A remark for the sentence, and flags for the command."""
    match stage.name:
        case "fetch" if stage.workers < MAX_FETCHERS:
            return "", f"--fetchers {min(2 * stage.workers, MAX_FETCHERS)}"
        case "parse" if stage.workers < cores:
            return "", f"--parsers {min(2 * stage.workers, cores)}"
        case "parse":
            return "; the machine is the limit", ""
        case "save":
            # There is one writing connection: another saver would only wait for it.
            return "; the disk is the limit", _longer_save_queue(reading)
    return "; as many as there can be", ""


def _longer_save_queue(reading: Reading) -> str:
    queue = named(reading.queues, "outcomes")
    if queue is None or queue.capacity >= MAX_SAVE_QUEUE:
        return ""
    return f"--save-queue {min(2 * queue.capacity, MAX_SAVE_QUEUE)}"


def _short_of_memory(window: Window, limit: str, cores: int) -> Bottleneck:
    """Few large pages fill the memory before they fill the queue in front of the parsers."""
    parse = named(window.reading.stages, "parse")
    if parse is not None and window.busy(parse) >= _ALL_BUSY:
        remark, advice = _cure(parse, window.reading, cores)
        facts = f"{_busy_words(window, parse)}, {limit} full"
        return Bottleneck("parse", f"parse ({facts}{remark})", advice)
    flag, _, size = limit.partition(" ")
    more = shown_size(2 * parse_size(size))
    return Bottleneck("memory", f"{limit} holds fetchers back", f"{flag} {more}")


def _polite(window: Window, held_back: str, fetch: StageStatus | None) -> Bottleneck:
    """The limit is there for the hosts' sake: name it, and say what a kind host may allow."""
    busy = ""
    if fetch is not None:
        now = f"{fetch.busy}/{fetch.workers} fetchers"
        busy = f", {now if window.earlier else f'fetchers {window.busy(fetch):.0%}'} busy"
    return Bottleneck("politeness", f"{held_back} holds back{busy}", _less_polite(held_back))


def _less_polite(held_back: str) -> str:
    match held_back.split():
        case ["--per-host", number] if number.isdecimal():
            return f"--per-host {2 * int(number)}"
        case ["--delay", seconds]:
            try:
                return f"--delay {float(seconds) / 2:g}"
            except ValueError:
                return ""
    return ""


def _idle(window: Window, fetch: StageStatus | None) -> Bottleneck:
    reading = window.reading
    if fetch is None:
        return Bottleneck("", "none yet")
    if window.starved(fetch) < 0.5:
        return Bottleneck("", f"none (fetchers {window.busy(fetch):.0%} busy, no queue full)")
    if reading.counts.settled - reading.before.settled < 10 * fetch.workers:
        return Bottleneck("", "none (too few URLs to tell)")
    if window.earlier is None:
        waited = f"fetchers waited {window.starved(fetch):.0%} of the run"
        return Bottleneck("list", f"too few URLs at a time ({waited}: the list, or politeness)")
    if not reading.complete:
        return Bottleneck("list", "the list (fetchers wait for more URLs to be read)")
    if reading.counts.pending <= fetch.workers:
        return Bottleneck("", "none (the last URLs are under way)")
    return Bottleneck("politeness", "hosts and retries that are due later")
