"""The bottleneck is a pure function of readings, and its advice names real flags."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrapeq.advice import MAX_FETCHERS, Bottleneck, bottleneck
from scrapeq.models import Counts, Reading
from tests.reading_kit import a_run, any_reading, patiently

FLAGS = (
    *("--fetchers", "--parsers", "--save-queue", "--per-host", "--delay"),
    "--max-in-flight",
)


def of_window(cores: int = 4, **run: Any) -> Bottleneck:
    """Of the five seconds before the 100th."""
    return bottleneck(a_run(100, **run), a_run(95, **run), cores)


def of_run(cores: int = 4, **run: Any) -> Bottleneck:
    return bottleneck(a_run(100, **run), None, cores)


def test_fetchers_that_are_all_busy_behind_a_full_queue_are_the_bottleneck() -> None:
    found = of_window(busy={"fetch": 1, "parse": 0.5}, full={"urls": 1, "pages": 0.05})
    assert found == Bottleneck("fetch", "fetch (16/16 busy, parse queue 5% full)", "--fetchers 32")


def test_the_last_stage_that_cannot_keep_up_is_named_not_those_it_blocks() -> None:
    everything: dict[str, Any] = {"busy": {"fetch": 1, "parse": 1, "save": 1}}
    assert of_window(**everything, full={"urls": 1}).stage == "fetch"
    assert of_window(**everything, full={"urls": 1, "pages": 1}).stage == "parse"
    assert of_window(**everything, full={"urls": 1, "pages": 1, "outcomes": 1}).stage == "save"


def test_a_full_queue_alone_is_not_a_bottleneck() -> None:
    busy, full = {"fetch": 1, "parse": 0.3}, {"urls": 1, "pages": 1}
    assert of_window(busy=busy, full=full).stage == "fetch"


def test_parsers_may_double_up_to_the_cores() -> None:
    busy, full = {"fetch": 1, "parse": 1}, {"urls": 1, "pages": 1}
    assert of_window(cores=8, busy=busy, full=full).advice == "--parsers 4"
    assert of_window(cores=3, busy=busy, full=full).advice == "--parsers 3"


def test_parsers_on_every_core_mean_that_the_machine_is_the_limit() -> None:
    found = of_window(cores=2, busy={"fetch": 1, "parse": 1}, full={"urls": 1, "pages": 1})
    assert found == Bottleneck(
        "parse", "parse (2/2 busy, parse queue 100% full; the machine is the limit)", ""
    )


def test_a_second_saver_is_never_advised() -> None:
    found = of_window(busy={"save": 1}, full={"outcomes": 1})
    assert found == Bottleneck(
        "save", "save (1/1 busy, save queue 100% full; the disk is the limit)", "--save-queue 1024"
    )


def test_a_save_queue_that_is_long_already_is_not_made_longer() -> None:
    run = a_run(busy={"save": 1}, full={"outcomes": 1})
    long = tuple(replace(queue, capacity=8192) for queue in run.queues)
    assert bottleneck(replace(run, queues=long), None, 4).advice == ""


@pytest.mark.parametrize(("fetchers", "advice"), [(600, "--fetchers 1000"), (1000, "")])
def test_fetchers_are_never_advised_past_a_thousand(fetchers: int, advice: str) -> None:
    run: dict[str, Any] = {
        "busy": {"fetch": 1},
        "full": {"urls": 1},
        "workers": {"fetch": fetchers},
    }
    assert of_window(**run).advice == advice


def test_fetchers_that_are_all_busy_without_a_full_queue_are_still_the_bottleneck() -> None:
    assert of_window(busy={"fetch": 0.95}).advice == "--fetchers 32"


@pytest.mark.parametrize(
    ("limit", "advice"),
    [
        ("--per-host 8", "--per-host 16"),
        ("--delay 1.5", "--delay 0.75"),
        ("--rate-limit 5", ""),
        ("--delay soon", ""),
    ],
)
def test_a_politeness_limit_that_holds_back_is_named(limit: str, advice: str) -> None:
    found = of_window(busy={"fetch": 0.25}, held_back=limit)
    assert found.stage == "politeness"
    assert found.why == f"{limit} holds back, 4/16 fetchers busy"
    assert found.advice == advice


def test_a_full_queue_is_named_before_a_politeness_limit() -> None:
    run: dict[str, Any] = {"busy": {"fetch": 1, "parse": 1}, "full": {"pages": 1}}
    assert of_window(**run, held_back="--per-host 8").stage == "parse"


def test_memory_that_is_full_of_bodies_is_named_before_the_fetchers_that_wait_for_it() -> None:
    limit = "--max-in-flight 64M"
    found = of_window(busy={"fetch": 1, "parse": 0.5}, held_back=limit)
    assert found == Bottleneck("memory", f"{limit} holds fetchers back", "--max-in-flight 128M")


def test_parsers_that_do_not_empty_the_memory_are_the_bottleneck() -> None:
    run: dict[str, Any] = {"busy": {"fetch": 1, "parse": 1}, "held_back": "--max-in-flight 64M"}
    found = of_window(cores=2, **run)
    assert found.stage == "parse"
    assert found.why == "parse (2/2 busy, --max-in-flight 64M full; the machine is the limit)"
    assert of_window(cores=8, **run).advice == "--parsers 4"


def test_a_slow_list_is_the_limit_when_everything_starves() -> None:
    assert of_window(busy={"fetch": 0.1}, complete=False).stage == "list"


def test_hosts_are_waited_for_when_urls_are_left_but_none_may_go() -> None:
    found = of_window(busy={"fetch": 0.1})
    assert (found.stage, found.advice) == ("politeness", "")


def test_the_last_urls_are_nobodys_bottleneck() -> None:
    found = of_window(busy={"fetch": 0.1}, counts=Counts(pending=3, done=9_997))
    assert found == Bottleneck("", "none (the last URLs are under way)")


def test_a_balanced_pipeline_has_no_bottleneck() -> None:
    assert of_window(busy={"fetch": 0.7, "parse": 0.7}).stage == ""


def test_a_run_of_a_few_urls_is_too_small_to_tell() -> None:
    found = of_run(counts=Counts(done=9), before=Counts(pending=9))
    assert found == Bottleneck("", "none (too few URLs to tell)")


@pytest.mark.parametrize("earlier", [None, a_run(0)])
def test_less_than_a_second_is_too_early_to_tell(earlier: Reading | None) -> None:
    run = a_run(0.9, busy={"fetch": 1}, full={"urls": 1})
    assert bottleneck(run, earlier, 4) == Bottleneck("", "none (too early to tell)")


def test_a_whole_run_is_told_in_shares_of_its_time() -> None:
    found = of_run(busy={"fetch": 0.98}, full={"urls": 0.97})
    assert found.why == "fetch (98% busy, parse queue full 0% of the run)"


def test_a_queue_that_fills_up_after_each_batch_counts_as_full() -> None:
    assert of_run(busy={"parse": 1}, full={"pages": 0.5}).stage == "parse"
    assert of_run(busy={"parse": 1}, full={"pages": 0.4}).stage != "parse"


def test_a_queue_that_is_nearly_full_at_both_ends_of_a_window_counts_as_full() -> None:
    def run(seconds: float, depth: int) -> Reading:
        reading = a_run(seconds, busy={"parse": 1})
        queues = tuple(replace(queue, depth=depth) for queue in reading.queues)
        return replace(reading, queues=queues)

    assert bottleneck(run(100, 60), run(95, 60), 4).stage == "parse"
    assert bottleneck(run(100, 60), run(95, 30), 4).stage != "parse"


def test_what_was_slow_before_the_window_is_forgotten() -> None:
    earlier = a_run(50, busy={"parse": 1}, full={"pages": 1})
    later = a_run(100, busy={"fetch": 1, "parse": 0.5}, full={"urls": 1, "pages": 0.5})
    assert bottleneck(later, earlier, 4).stage == "fetch"


@patiently
@given(any_reading, st.none() | any_reading, st.integers(1, 64))
def test_advice_is_empty_or_one_real_flag_with_a_number(
    reading: Reading, earlier: Reading | None, cores: int
) -> None:
    advice = bottleneck(reading, earlier, cores).advice
    if advice:
        flag, number = advice.split()
        assert flag in FLAGS
        assert float(number) > 0
        assert flag != "--parsers" or float(number) <= cores
        assert flag != "--fetchers" or float(number) <= MAX_FETCHERS
