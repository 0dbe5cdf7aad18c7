"""One frame of the screen: readings in, lines out. Nothing is remembered between frames."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rich.console import Group
from rich.text import Text

from scrapeq.advice import bottleneck
from scrapeq.models import Reading
from scrapeq.panels import host_lines, queue_lines, stage_lines, status_line
from scrapeq.skin import Skin, View
from scrapeq.text import clock, count
from scrapeq.window import Window, named

MIN_WIDTH = 40
MIN_HEIGHT = 12
HOSTS_FROM_WIDTH = 70
MOST_HOSTS = 5


@dataclass(frozen=True)
class Labels:
    """What stays the same in every frame of a run."""

    title: str
    """`scrapeq run urls.txt → results.db`"""
    run: int
    log: str = ""


def render(
    reading: Reading,
    earlier: Reading | None,
    *,
    title: str,
    run: int,
    width: int,
    height: int,
    cores: int,
    ascii_only: bool = False,
    log: str = "",
) -> Group:
    """The screen at one moment, never wider than `width` nor taller than `height`.

    Rates and shares are of the window from `earlier` to `reading`; the ETA is of the run.
    """
    view = View(Window(reading, earlier), max(1, width), Skin(ascii_only))
    labels = Labels(title, run, log)
    if width < MIN_WIDTH or height < MIN_HEIGHT:
        lines = [_one_line(view)]
    else:
        lines = next(_arrangements(view, labels, height, cores))
    for line in lines:
        line.truncate(view.width)
    return Group(*lines)


def _arrangements(view: View, labels: Labels, height: int, cores: int) -> Iterator[list[Text]]:
    """The ways to lay the parts out that fit, the roomiest first."""
    top = [_header(view, labels), _progress(view)]
    stages, queues = stage_lines(view), queue_lines(view)
    verdict = [_bottleneck(view, cores), status_line(view)]
    foot = [_footer(view, labels)]
    tight = [*top, *stages, *queues, *verdict, *foot]
    if height > len(tight) + 8 and view.width >= HOSTS_FROM_WIDTH:
        # One line stays free, or a log line printed above would scroll the frame away.
        hosts = host_lines(view, min(MOST_HOSTS, height - len(tight) - 7))
        yield _spaced(view, top, stages, queues, verdict, hosts, foot)
    if height > len(tight) + 4:
        yield _spaced(view, top, stages, queues, verdict, foot)
    yield tight if height >= len(tight) else _tightest(tight, stages, verdict, height)


def _spaced(view: View, *parts: list[Text]) -> list[Text]:
    lines = list(parts[0])
    for part in parts[1:]:
        lines += [view.skin.text(""), *part]
    return lines


def _tightest(
    lines: list[Text], stages: list[Text], verdict: list[Text], height: int
) -> list[Text]:
    """Without the rule and the statuses; whatever else is too much goes from the middle."""
    spare = (stages[1], verdict[1])
    lines = [line for line in lines if not any(line is one for one in spare)]
    return [*lines[: height - 1], lines[-1]] if len(lines) > height else lines


def _header(view: View, labels: Labels) -> Text:
    reading = view.window.reading
    right = f"{clock(reading.elapsed)}   {_eta(reading)}"
    if view.width >= 60:
        right = f"run {labels.run}   {right}"
    return view.sides(view.skin.text(labels.title, "bold"), view.skin.text(right))


def _eta(reading: Reading) -> str:
    """Of this run's own speed: what earlier runs settled took none of its time."""
    if not reading.complete:
        return " " * len("ETA --:--:--")
    speed = Window(reading).settled_per_second()
    if not speed or reading.stopping:
        return "ETA --:--:--"
    seconds = reading.counts.pending / speed
    return f"ETA {clock(seconds)}" if seconds < 360_000 else "ETA   > 99 h"


def _progress(view: View) -> Text:
    reading = view.window.reading
    settled = reading.counts.settled
    if not reading.complete:
        speed = f"{view.window.settled_per_second():,.1f}/s"
        return view.skin.text(f"{count(settled)} settled, {speed}, still reading the list", "cyan")
    room = 2 * len(count(reading.counts.read)) + 1
    right = f"  {_of_total(reading):>{room}}  {_percent(reading):>4}"
    width = max(0, view.width - len(right))
    bar = view.skin.bar(settled / max(1, reading.counts.read), width, "green")
    return bar.append(right)


def _of_total(reading: Reading) -> str:
    return f"{count(reading.counts.settled)}/{count(reading.counts.read)}"


def _percent(reading: Reading) -> str:
    """Rounded down: 100% is said when nothing is left."""
    return f"{100 * reading.counts.settled // max(1, reading.counts.read)}%"


def _bottleneck(view: View, cores: int) -> Text:
    found = bottleneck(view.window.reading, view.window.earlier, cores)
    if not found.advice:
        return view.skin.text(f"bottleneck: {found.why}")
    room = view.width - len(f"bottleneck: . Try {found.advice}")
    why = found.why if len(found.why) <= room else found.stage
    line = view.skin.text(f"bottleneck: {why}. Try ")
    return line.append(found.advice, "bold yellow")


def _footer(view: View, labels: Labels) -> Text:
    reading = view.window.reading
    if reading.stopping:
        words = f"{reading.stopping}: {_awaited(reading)}   Ctrl-C again: stop now"
        return view.skin.text(words, "bold yellow")
    log = f"   log: {labels.log}" if labels.log else ""
    return view.skin.text(f"Ctrl-C once: drain and save   twice: stop now{log}", "dim")


def _awaited(reading: Reading) -> str:
    """What is still inside: at work in each stage, or waiting in front of it."""
    inside = []
    for stage, queue in (("fetch", None), ("parse", "pages"), ("save", "outcomes")):
        at_work = named(reading.stages, stage)
        waiting = named(reading.queues, queue) if queue else None
        number = (at_work.busy if at_work else 0) + (waiting.depth if waiting else 0)
        inside.append(f"{count(number)} to {stage}")
    return f"waiting for {', '.join(inside)}"


def _one_line(view: View) -> Text:
    """As many facts as fit, the most wanted first."""
    reading = view.window.reading
    total = f"{_of_total(reading)} {_percent(reading)}"
    speed = f"{view.window.settled_per_second():,.1f}/s"
    facts = [
        reading.stopping and f"{reading.stopping}: draining",
        total if reading.complete else f"{count(reading.counts.settled)} settled",
        speed,
        f"{count(reading.counts.failed)} failed",
        clock(reading.elapsed),
        _eta(reading),
    ]
    words = ""
    for fact in filter(str.strip, facts):
        longer = f"{words}  {fact}" if words else fact
        if len(longer) > view.width:
            break
        words = longer
    return view.skin.text(words or total)
