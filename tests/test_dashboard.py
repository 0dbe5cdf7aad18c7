"""One frame of the screen: what it shows, where, and that it always fits."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Group
from rich.text import Text

from scrapeq.dashboard import render
from scrapeq.models import Counts, HostStatus, Reading
from tests.reading_kit import HOSTILE, a_run, any_reading, lines_of, patiently

TITLE = "scrapeq run urls.txt → results.db"
SIZES = [(80, 24), (120, 40), (60, 20), (80, 12), (80, 8), (40, 12), (20, 5), (1, 1)]

NOW = a_run(102, busy={"fetch": 1, "parse": 0.5}, full={"urls": 1, "pages": 0.05})
BEFORE = a_run(97, busy={"fetch": 1, "parse": 0.5}, full={"urls": 1, "pages": 0.05})


def frame(
    reading: Reading = NOW,
    earlier: Reading | None = BEFORE,
    width: int = 80,
    height: int = 24,
    **options: Any,
) -> Group:
    fixed: dict[str, Any] = {"title": TITLE, "run": 17, "cores": 4}
    return render(reading, earlier, width=width, height=height, **fixed | options)


def shown(*arguments: Any, **options: Any) -> list[str]:
    return [line.rstrip() for line in lines_of(frame(*arguments, **options))]


def line_with(start: str, lines: list[str]) -> str:
    return next(line for line in lines if line.startswith(start))


def styles(group: Group) -> set[str]:
    return {
        str(span.style)
        for line in group.renderables
        if isinstance(line, Text)
        for span in line.spans
    }


def test_at_eighty_by_twenty_four_everything_is_shown() -> None:
    assert shown(log="scrapeq.log") == [
        "scrapeq run urls.txt → results.db               run 17   00:01:42   ETA 00:01:14",
        "██████████████████████████████████░░░░░░░░░░░░░░░░░░░░░░░░░   5,774/10,000   57%",
        "",
        "stage      workers   busy         done       per s      fail       p50       p95",
        "─" * 80,
        "fetch           16     16        5,712        56.0         0     212ms      1.9s",
        "parse            2      1        5,712        56.0         0     2.6ms     9.1ms",
        "save             1      0        5,712    64/batch         0     4.0ms      11ms",
        "",
        "queue                                                          depth    put wait",
        "urls → fetch       ██████████████████████████████            256/256        100%",
        "fetch → parse      █░░░░░░░░░░░░░░░░░░░░░░░░░░░░░               3/64          5%",
        "parse → save       ░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░              0/512          0%",
        "",
        "bottleneck: fetch (16/16 busy, parse queue 5% full). Try --fetchers 32",
        "200 5,712  3xx 161  404 38  429 22  5xx 3  net 19            11.0 MB/s    1.1 GB",
        "",
        "host                          ok      fail  last error",
        "shop.example.com           1,204        22  429 Too Many Requests (waiting 12s)",
        "old.example.org               88        14  timeout after 30s",
        "",
        "",
        "Ctrl-C once: drain and save   twice: stop now   log: scrapeq.log",
    ]


@patiently
@given(
    st.sampled_from(SIZES),
    st.booleans(),
    any_reading,
    st.none() | any_reading,
    st.just(HOSTILE) | st.text(),
)
def test_every_frame_fits_and_holds_nothing_that_controls_a_terminal(
    size: tuple[int, int], ascii_only: bool, reading: Reading, earlier: Reading | None, title: str
) -> None:
    width, height = size
    lines = lines_of(frame(reading, earlier, width, height, title=title, ascii_only=ascii_only))
    assert len(lines) <= height
    for line in lines:
        assert cell_len(line) <= width
        assert not any(unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") for c in line)
        assert line.isascii() or not ascii_only


def test_on_a_terminal_that_is_not_utf8_every_character_is_ascii() -> None:
    lines = shown(ascii_only=True, title="scrapeq run 文字.txt → results.db")
    assert lines[0].startswith("scrapeq run ??.txt -> results.db  ")
    assert lines[1].startswith("##################################.....")
    assert line_with("urls -> fetch", lines).endswith("256/256        100%")


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_nothing_moves_between_two_frames(width: int, height: int) -> None:
    small = a_run(3, hosts=())
    large = a_run(170, full={"urls": 1, "pages": 1}, busy={"parse": 1})
    first = shown(small, a_run(1), width, height)
    second = shown(large, a_run(165), width, height)
    assert len(first) == len(second)
    for heading in ("stage", "queue", "host", "bottleneck", "Ctrl-C"):
        assert [n for n, line in enumerate(first) if line.startswith(heading)] == [
            n for n, line in enumerate(second) if line.startswith(heading)
        ]


def test_a_wider_terminal_has_wider_columns_and_more_hosts() -> None:
    hosts = tuple(HostStatus(f"{n}.example.com", 1, 1, "404") for n in range(9))
    lines = shown(replace(NOW, hosts=hosts), width=120, height=40)
    assert len(line_with("queue", lines)) == 120
    assert sum("example.com" in line for line in lines) == 5


def test_a_narrow_terminal_loses_columns_and_then_the_hosts() -> None:
    assert "p50" not in line_with("stage", shown(width=79))
    assert line_with("host", shown(width=70))
    narrow = shown(width=60, height=40)
    assert line_with("stage", narrow).split() == ["stage", "busy", "done", "per", "s", "fail"]
    assert not any(line.startswith("host") for line in narrow)


def test_the_hosts_need_two_free_rows() -> None:
    assert not any(line.startswith("host") for line in shown(height=22))
    assert sum("example" in line or "timeout" in line for line in shown(height=23)) == 2


def test_a_narrow_terminal_still_shows_who_waits() -> None:
    assert line_with("urls → fetch", shown(width=40)) == "urls → fetch           256/256      100%"


def test_a_long_error_does_not_hide_how_long_a_host_is_waited_for() -> None:
    host = HostStatus("slow.example", 1, 2, "an error " * 20, 12.0)
    line = line_with("slow.example", shown(replace(NOW, hosts=(host,))))
    assert line.endswith("an error an … (waiting 12s)")
    assert len(line) == 80


def test_advice_is_kept_where_its_reason_has_no_room() -> None:
    assert "bottleneck: fetch. Try --fetchers 32" in shown(width=60)


def test_a_very_narrow_terminal_has_one_line() -> None:
    assert len(shown(width=40)) > 1
    assert len(shown(width=39)) == 1


def test_the_number_of_the_run_is_shown_where_there_is_room_for_it() -> None:
    assert "run 17" in shown(width=60)[0]
    assert "run 17" not in shown(width=59)[0]


def test_a_low_terminal_has_one_line() -> None:
    assert shown(height=11) == ["5,774/10,000 57%  56.0/s  50 failed  00:01:42  ETA 00:01:14"]
    assert shown(height=11, width=20) == ["5,774/10,000 57%"]


def test_at_twelve_rows_there_is_a_table_without_ornaments() -> None:
    lines = shown(height=12)
    assert len(lines) == 12
    assert "" not in lines
    assert line_with("bottleneck", lines)
    assert line_with("Ctrl-C", lines)


def test_an_unknown_total_has_a_rate_and_no_bar_and_no_eta() -> None:
    lines = shown(replace(NOW, complete=False))
    assert lines[0].endswith("00:01:42")
    assert lines[1] == "5,774 settled, 56.0/s, still reading the list"
    assert "ETA" not in " ".join(shown(replace(NOW, complete=False), height=5))


def test_the_eta_is_of_this_run_and_not_of_the_earlier_ones() -> None:
    resumed = a_run(
        100, before=Counts(pending=2_000, done=8_000), counts=Counts(pending=1_000, done=9_000)
    )
    lines = shown(resumed, None)
    assert lines[0].endswith("ETA 00:01:40")
    assert lines[1].endswith("9,000/10,000   90%")


@pytest.mark.parametrize(
    ("changes", "eta"),
    [
        ({"before": NOW.counts}, "ETA --:--:--"),
        ({"stopping": "SIGINT"}, "ETA --:--:--"),
        ({"counts": Counts(pending=10**9, done=5)}, "ETA   > 99 h"),
        ({"counts": Counts(done=5)}, "ETA 00:00:00"),
    ],
)
def test_an_eta_is_only_given_where_there_is_one(changes: dict[str, Any], eta: str) -> None:
    assert shown(replace(NOW, **changes))[0].endswith(eta)


def test_a_hundred_percent_is_said_when_nothing_is_left() -> None:
    assert shown(replace(NOW, counts=Counts(pending=1, done=9_999)))[1].endswith(" 99%")
    assert shown(replace(NOW, counts=Counts(done=10_000)))[1].endswith(" 100%")


def test_while_stopping_the_footer_says_what_is_waited_for() -> None:
    assert shown(replace(NOW, stopping="SIGTERM"))[-1] == (
        "SIGTERM: waiting for 16 to fetch, 4 to parse, 0 to save   Ctrl-C again: stop now"
    )
    assert shown(replace(NOW, stopping="SIGTERM"), height=5)[0].startswith("SIGTERM: draining")


def test_text_from_the_web_is_shown_and_never_obeyed() -> None:
    host = HostStatus(HOSTILE, 1, 2, HOSTILE)
    lines = shown(replace(NOW, hosts=(host,)), width=200, height=40, title=HOSTILE)
    harmless = "␛]0;owned␇ [/b] [red] gnp.exe\ufffd2J line␊break\ufffd"
    assert lines[0].startswith(harmless)
    assert any(f"2  {harmless}" in line for line in lines)


def test_answers_are_counted_by_status() -> None:
    statuses = {200: 5, 204: 1, 301: 2, 308: 2, 404: 3, 410: 4, 429: 6, 502: 7, 999: 8, 0: 9}
    lines = shown(replace(NOW, statuses=statuses), width=120)
    fine = "200 5  2xx 1  3xx 4  404 3  429 6  4xx 4  5xx 7  other 8  net 9"
    assert line_with("200", lines).startswith(fine)


def test_answers_are_counted_by_class_where_there_is_less_room() -> None:
    lines = shown(replace(NOW, statuses={200: 10**6, 404: 10**6, 429: 10**6}), width=60)
    assert line_with("2xx", lines).split("  ")[:3] == ["2xx 1,000,000", "3xx 0", "4xx 2,000,000"]


def with_failures(stage: str, failed: int) -> Reading:
    stages = tuple(replace(s, failed=failed) if s.name == stage else s for s in NOW.stages)
    return replace(NOW, stages=stages)


def test_red_is_for_what_needs_the_user() -> None:
    assert "bold red" not in styles(frame(with_failures("fetch", 2_000)))
    assert "bold red" in styles(frame(with_failures("fetch", 3_000)))
    assert "bold red" in styles(frame(with_failures("save", 1)))
