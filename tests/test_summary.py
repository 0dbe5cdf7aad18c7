"""The closing text and the closing object: what they say, that they balance, what to type next."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrapeq.models import Counts, Lines, Reading
from scrapeq.next_steps import from_stored_list, look_lines, with_flags
from scrapeq.summary import as_json, render_summary
from tests.reading_kit import HOSTILE, a_run, any_reading, patiently

COMMAND = ("scrapeq", "run", "urls.txt", "-o", "results.db")

FINISHED = a_run(
    178,
    busy={"fetch": 0.98, "parse": 0.44, "save": 0.2},
    full={"urls": 0.97},
    counts=Counts(done=9_938, failed=50, skipped=12),
)


def summary(
    reading: Reading = FINISHED, outcome: str = "finished", command: Sequence[str] = COMMAND
) -> list[str]:
    return render_summary(
        reading, output="results.db", run=17, outcome=outcome, command=command, cores=2, width=80
    )


def said(label: str, lines: list[str]) -> list[str]:
    """What stands beside a label."""
    return [line.split(maxsplit=1)[1] for line in lines if line.split()[:1] == [label]]


def test_a_finished_run_is_told_in_one_screen() -> None:
    assert summary() == [
        "scrapeq  finished in 2m 58s        10,000 urls -> results.db (run 17)",
        "",
        "  done        9,938   99.4%      55.8 pages/s     2.0 GB at 11.0 MB/s",
        "  failed         50    0.5%      429 x22  dns x14  timeout x14",
        "  skipped        12    0.1%      robots 12  scheme 0  duplicate lines 12",
        "",
        "  stage   workers  busy  p50     p95     p99     queue in front",
        "  fetch   16       98%   212ms   1.9s    6.4s    urls->fetch    full 97% of run",
        "  parse   2        44%   2.6ms   9.1ms   20ms    fetch->parse   full 0% of run",
        "  save    1        20%   4.0ms   11ms    30ms    parse->save    full 0% of run",
        "",
        "  bottleneck  fetch (98% busy, parse queue full 0% of the run)",
        "  try         scrapeq run urls.txt -o results.db --fetchers 32",
        "  look        uvx datasette results.db",
        "  look        sqlite3 results.db "
        "'select state, reason, count(*) from pages group by 1, 2'",
        "  retry       scrapeq run urls.txt -o results.db --retry-failed",
    ]


def test_a_stopped_run_says_how_and_what_is_left_and_how_to_go_on() -> None:
    lines = summary(a_run(60), outcome="stopped by SIGINT")
    assert lines[0].startswith("scrapeq  stopped by SIGINT after 1m 00s  10,000 urls")
    assert said("pending", lines) == ["6,578   65.8%      left for the next run"]
    assert said("resume", lines) == ["scrapeq run urls.txt -o results.db"]


def test_a_finished_run_has_nothing_to_resume() -> None:
    assert not said("pending", summary())
    assert not said("resume", summary())
    assert not said("already", summary())


def test_without_failures_there_is_nothing_to_retry() -> None:
    flawless = replace(FINISHED, counts=Counts(done=10_000), reasons={})
    lines = summary(flawless)
    assert said("failed", lines) == ["0"]
    assert said("skipped", lines) == ["0              robots 0  scheme 0  duplicate lines 12"]
    assert not said("retry", lines)


def test_a_resumed_run_says_what_it_already_had_and_whose_reasons_it_gives() -> None:
    before = Counts(pending=6_000, done=3_960, failed=30, skipped=10)
    lines = summary(replace(FINISHED, before=before))
    assert said("already", lines) == ["4,000   40.0%      of these, settled by earlier runs"]
    assert "this run:  429 x22" in said("failed", lines)[0]
    assert "this run:  robots 12" in said("skipped", lines)[0]
    assert "33.6 pages/s" in said("done", lines)[0]


def test_a_list_that_has_changed_is_compared_with_what_earlier_runs_have_read() -> None:
    before = Counts(done=5_000, pending=2_000)
    changed = replace(FINISHED, before=before, lines=Lines(new=3_000, known=6_990))
    assert said("list", summary(changed)) == ["new 3,000  known 6,990  not in it 10"]
    half_read = replace(changed, complete=False)
    assert said("list", summary(half_read)) == ["new 3,000  known 6,990"]
    assert not said("list", summary())


def test_a_run_that_found_nothing_to_do_is_short() -> None:
    counts = Counts(done=10_000)
    idle = Reading(0.2, counts, counts, Lines(known=10_000), True, (), ())
    lines = summary(idle)
    assert not any("stage" in line or "bottleneck" in line for line in lines)
    assert said("already", lines) == ["10,000  100.0%      of these, settled by earlier runs"]


def test_an_empty_list_is_no_error() -> None:
    nothing = Reading(0.0, Counts(), Counts(), Lines(), True, (), ())
    assert said("done", summary(nothing)) == ["0              0.0 pages/s      0 B at 0 B/s"]


def test_many_reasons_take_more_lines_and_then_end() -> None:
    reasons = {f"failed:reason_{n:02}": 100 - n for n in range(20)}
    lines = summary(replace(FINISHED, reasons=reasons))
    start = next(n for n, line in enumerate(lines) if line.startswith("  failed"))
    block = " ".join(lines[start : start + 5])
    assert "reason_11 x89" in block
    assert "reason_12" not in block
    assert "and 8 more" in block
    assert all(len(line) <= 80 for line in lines[: start + 5])


def test_text_from_the_web_is_harmless_in_the_summary() -> None:
    lines = summary(replace(FINISHED, reasons={f"failed:{HOSTILE}": 1}), outcome=HOSTILE)
    assert all(line.isprintable() for line in lines)
    assert "␛]0;owned␇ [/b] [red]" in lines[0]


@patiently
@given(any_reading, st.text(st.characters()), st.text(st.characters(), min_size=1))
def test_a_summary_is_printable_whatever_the_run_was(
    reading: Reading, outcome: str, output: str
) -> None:
    lines = render_summary(reading, output=output, run=1, outcome=outcome, command=COMMAND, cores=2)
    assert all("\n" not in line and "\x1b" not in line for line in lines)
    "\n".join(lines).encode()


# ---- the object


def of(reading: Reading = FINISHED) -> dict[str, Any]:
    """As a program reads it."""
    loaded = json.loads(json.dumps(as_json(reading, outcome="finished", cores=2)))
    assert isinstance(loaded, dict)
    return loaded


def test_the_object_has_exactly_the_keys_it_promises() -> None:
    found = of()
    assert " ".join(found) == (
        "urls done failed skipped pending already new known duplicates ignored retries records "
        "bytes elapsed_s pages_per_s reasons stages queues bottleneck advice outcome"
    )
    assert " ".join(found["stages"]) == "fetch parse save"
    assert {" ".join(stage) for stage in found["stages"].values()} == {
        "workers busy done failed p50_ms p95_ms p99_ms put_wait starved"
    }
    assert " ".join(found["queues"]) == "urls pages outcomes"
    assert {" ".join(queue) for queue in found["queues"].values()} == {"capacity peak full"}


def test_the_object_says_what_the_text_says() -> None:
    found = of()
    assert found["pages_per_s"] == 55.8
    assert found["reasons"] == {
        "failed:429": 22,
        "failed:timeout": 14,
        "failed:dns": 14,
        "skipped:robots": 12,
    }
    assert found["stages"]["fetch"] == {
        "workers": 16,
        "busy": 0.98,
        "done": 9968,
        "failed": 0,
        "p50_ms": 212,
        "p95_ms": 1900,
        "p99_ms": 6400,
        "put_wait": 0,
        "starved": 0.02,
    }
    assert found["queues"]["urls"] == {"capacity": 256, "peak": 248, "full": 0.97}
    assert (found["bottleneck"], found["advice"]) == ("fetch", "--fetchers 32")
    assert (found["outcome"], found["retries"], found["already"]) == ("finished", 31, 0)


def test_a_stage_waits_with_what_it_puts_behind_it() -> None:
    stages = of(a_run(full={"pages": 0.4}))["stages"]
    assert [stages[name]["put_wait"] for name in ("fetch", "parse", "save")] == [0.4, 0, 0]


def test_latencies_that_nobody_measured_are_null() -> None:
    stages = tuple(replace(stage, percentiles=None) for stage in FINISHED.stages)
    assert of(replace(FINISHED, stages=stages))["stages"]["save"]["p99_ms"] is None


@patiently
@given(any_reading)
def test_the_object_balances_and_its_shares_are_shares(reading: Reading) -> None:
    found = of(reading)
    states = ("done", "failed", "skipped", "pending")
    assert found["urls"] == sum(found[state] for state in states)
    shares = [s[key] for s in found["stages"].values() for key in ("busy", "put_wait", "starved")]
    shares += [queue["full"] for queue in found["queues"].values()]
    assert all(0 <= share <= 1 for share in shares)


# ---- what to type next


@pytest.mark.parametrize(
    "before",
    ["--fetchers 8", "--fetchers=8", "-j 8", "-j8", "-j=8", "-j 4 --fetchers 8", ""],
)
def test_advice_takes_the_place_of_the_flag_it_changes(before: str) -> None:
    command = ["scrapeq", "run", *before.split(), "urls.txt"]
    expected = ["scrapeq", "run", "urls.txt", "--fetchers", "32"]
    assert with_flags(command, "--fetchers 32") == expected


def test_advice_leaves_other_flags_alone() -> None:
    command = ["scrapeq", "run", "--fetchers-file", "-joker", "--per-host", "8", "-w1"]
    assert with_flags(command, "--fetchers 32") == [*command, "--fetchers", "32"]


def test_a_list_from_stdin_is_not_waited_for_again() -> None:
    assert from_stored_list(["scrapeq", "run", "-"]) == "scrapeq run - < /dev/null"
    assert from_stored_list(["scrapeq", "run", "a", "-o", "-"]) == "scrapeq run a -o -"


def test_a_list_on_stdin_that_was_not_read_to_its_end_is_wanted_again() -> None:
    found = from_stored_list(["scrapeq", "run", "-"], whole=False)
    assert found == "scrapeq run -  (with the list on stdin again)"
    assert from_stored_list(["scrapeq", "run", "a"], whole=False) == "scrapeq run a"


def test_to_retry_is_said_once() -> None:
    command = ["scrapeq", "run", "a", "--retry-failed"]
    assert from_stored_list(command, retry_failed=True) == "scrapeq run a --retry-failed"


def test_going_on_does_not_start_afresh() -> None:
    assert from_stored_list(["scrapeq", "run", "a", "--fresh"]) == "scrapeq run a"


@pytest.mark.parametrize("name", ["my list.txt", "a;rm -rf ~", "it's", "$(id)"])
def test_commands_can_be_pasted_into_a_shell(name: str) -> None:
    lines = summary(command=["scrapeq", "run", name])
    [retry] = said("retry", lines)
    assert shlex.split(retry) == ["scrapeq", "run", name, "--retry-failed"]
    assert all(name in shlex.split(line) for line in look_lines(name))


@pytest.mark.parametrize(
    ("output", "first"),
    [
        ("results.db", ["uvx datasette results.db"]),
        ("-x.db", ["uvx datasette ./-x.db"]),
        ("out.JSONL", ["head -n 3 out.JSONL"]),
        ("out.csv", ["head -n 3 out.csv"]),
        ("out.parquet", []),
        ("-", []),
    ],
)
def test_each_kind_of_file_is_looked_at_in_its_own_way(output: str, first: list[str]) -> None:
    assert list(look_lines(output))[:1] == first
