"""The parts of the screen. Each is a list of lines of exactly `width` cells, built from readings.

Columns stand where the width alone puts them, never where a number would, so that nothing
moves between two frames.
"""

from __future__ import annotations

from collections.abc import Mapping

from rich.text import Text

from scrapeq.models import HostStatus, QueueStatus, StageStatus
from scrapeq.skin import View
from scrapeq.text import count, ms, safe, size
from scrapeq.window import share

# ---- stages

_STAGE_COLUMNS = {
    "stage": 10,
    "workers": -8,
    "busy": -7,
    "done": -13,
    "per s": -12,
    "fail": -10,
    "p50": -10,
    "p95": -10,
}
_FIRST_TO_GO = ("p50", "workers", "p95", "fail", "per s")


def stage_lines(view: View) -> list[Text]:
    """A heading, a rule, and one line a stage."""
    widths = _stage_widths(view.width)
    skin = view.skin
    lines = [
        view.row((skin.text(title, "dim"), width) for title, width in widths.items()),
        skin.rule(view.width),
    ]
    for stage in view.window.reading.stages:
        cells = _stage_cells(view, stage)
        lines.append(view.row((cells[title], width) for title, width in widths.items()))
    return lines


def _stage_widths(width: int) -> dict[str, int]:
    columns = dict(_STAGE_COLUMNS)
    for title in _FIRST_TO_GO:
        if sum(map(abs, columns.values())) <= width:
            break
        del columns[title]
    spare = max(0, width - sum(map(abs, columns.values())))
    for title in list(columns)[1:]:
        columns[title] -= spare // (len(columns) - 1)
    return columns


def _stage_cells(view: View, stage: StageStatus) -> dict[str, Text]:
    text = view.skin.text
    latency = stage.percentiles
    speed = f"{view.window.per_second(stage):,.1f}"
    if stage.name == "save":
        speed = f"{stage.batch:,.0f}/batch" if stage.batch else "-"
    return {
        "stage": text(stage.name, "bold"),
        "workers": text(count(stage.workers)),
        "busy": text(count(stage.busy)),
        "done": text(count(stage.done)),
        "per s": text(speed),
        "fail": text(count(stage.failed), "bold red" if _alarming(stage) else ""),
        "p50": text(ms(latency.p50) if latency else "-"),
        "p95": text(ms(latency.p95) if latency else "-"),
    }


def _alarming(stage: StageStatus) -> bool:
    """A row that was not saved, or most of what was tried: somebody should look."""
    if stage.name == "save":
        return stage.failed > 0
    return stage.done >= 20 and stage.failed > stage.done / 2


# ---- queues


def queue_lines(view: View) -> list[Text]:
    """A heading, and one line a queue with its bar."""
    label, bar, depth, wait = _queue_widths(view.width)
    text = view.skin.text
    head = [(text("queue", "dim"), label + bar), (text("depth", "dim"), -depth)]
    lines = [view.row([*head, (text("put wait", "dim"), -wait)])]
    for queue in view.window.reading.queues:
        cells = [
            (text(f"{queue.producer} → {queue.consumer}"), label),
            (_queue_bar(view, queue, bar), bar),
            (text(f"{count(queue.depth)}/{count(queue.capacity)}"), -depth),
            (text(f"{view.window.put_wait(queue):.0%}"), -wait),
        ]
        lines.append(view.row(cells))
    return lines


def _queue_widths(width: int) -> tuple[int, int, int, int]:
    """The bar takes what the rest leaves it."""
    label, depth, wait = (19, 19, 12) if width >= 80 else (16, 14, 10)
    return label, max(0, width - label - depth - wait), depth, wait


def _queue_bar(view: View, queue: QueueStatus, width: int) -> Text:
    filled = share(queue.depth, queue.capacity)
    return view.skin.bar(filled, width, "yellow" if filled >= 0.8 else "cyan")


# ---- what came back


def status_line(view: View) -> Text:
    """Answers by HTTP status, and the bytes."""
    reading = view.window.reading
    rate = f"{size(view.window.bytes_per_second())}/s"
    right = view.skin.text(f"{rate} {size(reading.bytes):>9}" if view.width >= 70 else rate)
    room = view.width - right.cell_len - 3
    left = ""
    for kinds in _FINE, _COARSE:
        left = _status_words(reading.statuses, kinds)
        if len(left) <= room:
            break
    return view.sides(view.skin.text(left), right)


_FINE = ("200", "2xx", "3xx", "404", "429", "4xx", "5xx", "other", "net")
_COARSE = ("2xx", "3xx", "4xx", "5xx", "other", "net")
_ONLY_WHEN_SEEN = {_FINE: ("2xx", "4xx", "other"), _COARSE: ("other",)}


def _status_words(statuses: Mapping[int, int], kinds: tuple[str, ...]) -> str:
    totals = dict.fromkeys(kinds, 0)
    for status, number in statuses.items():
        totals[_kind(status, kinds)] += number
    return "  ".join(
        f"{kind} {count(number)}"
        for kind, number in totals.items()
        if number or kind not in _ONLY_WHEN_SEEN[kinds]
    )


def _kind(status: int, kinds: tuple[str, ...]) -> str:
    if status == 0:
        return "net"
    return next((k for k in (str(status), f"{status // 100}xx") if k in kinds), "other")


# ---- hosts


def host_lines(view: View, rows: int) -> list[Text]:
    """A heading and exactly `rows` lines: the hosts that fail most, then empty ones."""
    text = view.skin.text
    widths = _host_widths(view.width)
    titles = ("host", "ok", "fail", "  last error")
    lines = [view.row((text(t, "dim"), w) for t, w in zip(titles, widths, strict=True))]
    for host in view.window.reading.hosts[:rows]:
        cells = (text(host.host), text(count(host.ok)), text(count(host.failed)))
        lines.append(
            view.row(zip((*cells, text(_last_error(host, widths[-1]))), widths, strict=True))
        )
    lines += [text("") for _ in range(rows + 1 - len(lines))]
    return lines


def _host_widths(width: int) -> tuple[int, int, int, int]:
    name = 22 if width < 100 else 36
    return name, -10, -10, width - name - 20


def _last_error(host: HostStatus, room: int) -> str:
    """The wait is always said; a long error gives way."""
    wait = f" (waiting {host.waiting:.0f}s)" if host.waiting >= 0.5 else ""
    return f"  {safe(host.last_error, room - 2 - len(wait))}{wait}"
