"""What `scrapeq bench` makes of its figures. The runs are made up; nothing is timed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from scrapeq.bench.bottleneck import held_back_by, others
from scrapeq.bench.contest import Findings, Plan
from scrapeq.bench.cpu import Look, Shares, shares
from scrapeq.bench.document import as_json
from scrapeq.bench.report import lines, middle
from scrapeq.bench.search import Search, parsers_to_try, search
from scrapeq.bench.trial import Flags, Trial, ratios, speed

DEFAULT = Flags(32, 2)
PLAN = Plan(pages=1000, rounds=3, latency=0, is_quick=False)
SUMMARY: Mapping[str, Any] = {
    "bottleneck": "parse",
    "stages": {
        "fetch": {"workers": 32, "busy": 0.75},
        "parse": {"workers": 2, "busy": 0.97},
        "save": {"workers": 1, "busy": 0.5},
    },
}
STAGES = {"fetch": 0.5, "parse": 1.0, "save": 0.1}


def trial(rate: float, **fields: Any) -> Trial:
    """Of so many pages a second."""
    usual: dict[str, Any] = {"site": 0.1, "shares": Shares(STAGES, idle=0.25), "summary": SUMMARY}
    return Trial(pages=1000, seconds=1000 / rate, **{**usual, **fields})


# ---- the search


def found_by(
    rate: Callable[[Flags, int], float], usual: float = 1000, cores: int = 2
) -> tuple[Any, list[Flags]]:
    """The search where a run makes `rate(flags, runs before it)` pages a second; the runs."""
    made: list[Flags] = []

    async def run(flags: Flags) -> Trial:
        made.append(flags)
        return trial(rate(flags, len(made) - 1))

    usual_trials = [trial(usual)] * 3
    return search(run, Flags(32, cores), usual_trials, cores, rounds=3), made


@pytest.mark.parametrize(
    ("cores", "expected"), [(1, [1, 2]), (2, [1, 2, 4]), (8, [1, 8, 16]), (200, [1, 200, 256])]
)
def test_one_parser_one_a_core_and_two_a_core_are_tried(cores: int, expected: list[int]) -> None:
    assert parsers_to_try(cores) == expected


async def test_the_defaults_are_best_where_nothing_is_clearly_better() -> None:
    searching, made = found_by(lambda flags, _: 1040)
    found = await searching
    assert (found.best, found.suspect, found.leader()) == (DEFAULT, None, DEFAULT)
    parsers = [Flags(32, 1), Flags(32, 4)]
    assert made == [*parsers, DEFAULT, Flags(16, 2), Flags(64, 2), Flags(128, 2), DEFAULT]


@pytest.mark.parametrize("change", [0.98, 1.02])
async def test_a_machine_that_grows_slower_or_faster_favours_nobody(change: float) -> None:
    searching, made = found_by(lambda flags, before: 1000 * change**before)
    found = await searching
    assert found.suspect is None
    assert all(0.95 < gain < 1.05 for gain in found.gains.values())
    assert len(made) == 7


async def test_what_is_clearly_better_in_one_run_and_in_each_round_is_best() -> None:
    searching, made = found_by(lambda flags, _: 1300 if flags == Flags(64, 2) else 1000)
    found = await searching
    assert found.best == found.suspect == Flags(64, 2)
    assert found.proof == [1.3] * 3
    assert made[-6:] == [Flags(64, 2), DEFAULT] * 3
    assert (len(found.trials[Flags(64, 2)]), len(found.trials[DEFAULT])) == (4, 8)


async def test_luck_in_one_run_does_not_change_the_defaults() -> None:
    searching, _ = found_by(lambda flags, before: 2000 if before == 4 else 1000)
    found = await searching
    assert found.suspect == Flags(64, 2)
    assert (found.best, list(found.proof)) == (DEFAULT, [1.0] * 3)


async def test_a_round_that_is_lost_does_not_change_the_defaults() -> None:
    rates = {4: 1500, 7: 1500, 9: 1500, 11: 750}  # its one run, and those of the proof
    searching, _ = found_by(lambda flags, before: rates.get(before, 1000))
    found = await searching
    assert found.suspect == Flags(64, 2)
    assert list(found.proof) == [1.5, 1.5, 0.75]
    assert found.best == DEFAULT


async def test_fetchers_are_tried_with_the_parsers_that_were_clearly_better() -> None:
    searching, made = found_by(lambda flags, _: 1500 if flags.parsers == 4 else 1000)
    assert (await searching).best == Flags(32, 4)
    assert made[3:6] == [Flags(16, 4), Flags(64, 4), Flags(128, 4)]


async def test_more_fetchers_are_tried_while_they_help() -> None:
    searching, made = found_by(lambda flags, _: min(flags.fetchers, 512) * 31.25)
    found = await searching
    assert {flags.fetchers for flags in made} == {16, 32, 64, 128, 256, 512, 1024}
    assert found.best == Flags(512, 2)


async def test_there_is_an_end_to_more_fetchers() -> None:
    searching, made = found_by(lambda flags, _: flags.fetchers * 31.25)
    await searching
    assert max(flags.fetchers for flags in made) == 1024


# ---- what holds back


def test_the_site_is_named_first_when_it_is_the_limit() -> None:
    assert held_back_by(trial(1000, site=0.9), 2).startswith("the embedded site (90% of a core)")


def test_a_busy_machine_is_the_limit_and_the_heaviest_stage_is_named() -> None:
    busy = trial(1000, shares=Shares(STAGES, idle=0.25))
    assert others(busy, 2) == pytest.approx(0.05)
    assert held_back_by(busy, 2) == "the machine: its cores were busy, most of all with parse"


def test_other_programs_are_blamed_for_what_they_take() -> None:
    disturbed = trial(1000, shares=Shares({"fetch": 0.4, "parse": 0.6, "save": 0.1}, idle=0.1))
    assert others(disturbed, 2) == pytest.approx(0.7)
    assert "other programs" in held_back_by(disturbed, 2)


def test_an_event_loop_that_is_full_is_the_limit_of_a_large_machine() -> None:
    large = trial(1000, shares=Shares({"fetch": 0.97, "parse": 2.0, "save": 0.1}, idle=4.5))
    assert held_back_by(large, 8) == "the event loop: 97% of the one core that it can use"


def test_else_it_is_the_stage_that_the_summary_names() -> None:
    idle = trial(1000, shares=Shares(STAGES, idle=6.0))
    assert held_back_by(idle, 8) == "parse: its workers were 97% busy"
    assert held_back_by(replace(idle, shares=None), 8) == "parse: its workers were 97% busy"
    polite = replace(idle, summary={**SUMMARY, "bottleneck": "politeness"})
    assert held_back_by(polite, 8) == "politeness"
    far = replace(idle, summary={**SUMMARY, "bottleneck": "fetch"})
    assert held_back_by(far, 8) == "fetch: its workers were 75% busy, waiting for the site"
    short = replace(idle, summary={**SUMMARY, "bottleneck": ""})
    assert held_back_by(short, 8).startswith("nothing that could be named")


# ---- CPU by stage


def test_shares_are_of_the_time_between_and_count_a_part_that_ended() -> None:
    fetch, parse, late = ("fetch", 1), ("parse", 2), ("save", 3)
    looks = [
        Look(0.0, {fetch: 5.0}, idle=0),  # before the run
        Look(1.0, {fetch: 6.0, parse: 1.0}, idle=10.0),
        Look(2.0, {fetch: 6.5, parse: 1.75, late: 0.25}, idle=10.25),
        Look(3.0, {fetch: 7.0}, idle=10.5),  # the others are gone
        Look(9.0, {fetch: 9.0}, idle=20),  # after it
    ]
    found = shares(looks, 0.5, 3.5)
    assert found == Shares({"fetch": 0.5, "parse": 0.375, "save": 0.125}, idle=0.25)


def test_too_few_looks_tell_nothing() -> None:
    looks = [Look(at, {("fetch", 1): at}, idle=0) for at in (0.0, 1.0, 2.0)]
    assert shares(looks, 0.5, 3.0) is None
    assert shares(looks, 0.0, 3.0) is not None
    assert shares([replace(look, used={("fetch", 1): 1.0}) for look in looks], 0.0, 3.0) is None


# ---- the report


def findings(**fields: Any) -> Findings:
    found = Findings(PLAN, DEFAULT, cores=2, mean_bytes=48_397)
    found.bare = [trial(800, summary={}), trial(1000, summary={}), trial(900, summary={})]
    found.scrapeq = [trial(1200), trial(1000), trial(1350)]
    return replace(found, **fields)


def searched(**fields: Any) -> Search:
    trials = {DEFAULT: [trial(1200)] * 3, Flags(32, 1): [trial(900)], Flags(64, 2): [trial(1500)]}
    usual = {"default": DEFAULT, "best": DEFAULT, "trials": trials}
    gains = {flags: speed(each) / 1200 for flags, each in fields.get("trials", trials).items()}
    return Search(**{**usual, "gains": gains, **fields})


def test_the_ratio_is_the_median_of_those_of_each_round() -> None:
    found = findings()
    assert ratios(found.scrapeq, found.bare) == [1.5, 1.0, 1.5]
    text = "\n".join(lines(found))
    assert "scrapeq is 1.50 times as fast as the bare loop (1.50, 1.00, 1.50)" in text
    assert speed(found.scrapeq) == pytest.approx(1200)
    assert middle(found.scrapeq).pages_per_s == pytest.approx(1200)


def test_the_stages_are_shown_with_their_share_and_what_a_page_costs() -> None:
    text = "\n".join(lines(findings()))
    assert "  parse   62%  0.83 ms        2  97%   the parse processes" in text
    assert "cores busy: 1.60 with scrapeq, 0.10 with the embedded site, 0.05 others" in text


def test_where_cpu_is_not_told_the_workers_are() -> None:
    found = findings(scrapeq=[trial(1200, shares=None)] * 3)
    text = "\n".join(lines(found))
    assert "CPU is not told" in text
    assert "  parse       2  97%   the parse processes" in text
    assert as_json(found)["stages"]["parse"] == {
        "cpu": None, "share": None, "workers": 2, "busy": 0.97,
    }  # fmt: skip


def test_without_a_better_one_the_command_has_no_flags() -> None:
    text = "\n".join(lines(findings(search=searched())))
    assert "Nothing tried was faster than the defaults by 5%." in text
    assert "  scrapeq run urls.txt      # --fetchers 32 --parsers 2: the defaults" in text
    assert "\nAt 0.2s an answer that takes --fetchers 240; one host gets 8 (--per-host)." in text


def test_the_best_is_marked_proved_and_ready_to_be_typed() -> None:
    best = Flags(64, 2)
    found = findings(search=searched(best=best, suspect=best, proof=[1.25, 1.3, 1.2]))
    text = "\n".join(lines(found))
    assert "        64          2     1,500         1.25     1  best\n" in text
    assert "        32          2     1,200         1.00     3  default\n" in text
    assert "the best was 1.25, 1.30, 1.20 times the default." in text
    assert "\n  scrapeq run urls.txt --fetchers 64 --parsers 2\n" in text
    assert as_json(found)["search"]["best"] == {"fetchers": 64, "parsers": 2}


def test_what_was_not_proved_is_said_to_be_so() -> None:
    found = findings(search=searched(suspect=Flags(64, 2), proof=[1.25, 0.9, 1.2]))
    assert "1.25, 0.90, 1.20 times the default, no clear gain." in " ".join(lines(found))


def test_with_a_latency_no_other_one_is_computed() -> None:
    text = "\n".join(lines(findings(plan=replace(PLAN, latency=50.0))))
    assert "an answer that takes" not in text
    assert "one host gets 8 (--per-host)." in text


def test_no_line_is_longer_than_80_columns_however_large_the_figures() -> None:
    large = Flags(1024, 256)
    stages = {"fetch": 0.99, "parse": 120.0, "save": 0.2}
    other = trial(123_456, shares=Shares(stages, idle=0.1), site=0.8)
    trials = {DEFAULT: [other] * 100, large: [other] * 101}
    found = findings(
        cores=256,
        bare=[other] * 100,
        scrapeq=[other] * 100,
        search=searched(trials=trials, suspect=large, proof=[1.0] * 100),
    )
    assert max(map(len, lines(found))) <= 80


def test_all_of_it_fits_a_screen_of_24_lines() -> None:
    flags = [Flags(32, 1), *(Flags(fetchers, 2) for fetchers in (16, 64, 128)), Flags(32, 4)]
    trials = {DEFAULT: [trial(1200)], **{each: [trial(1100)] for each in flags}}
    found = findings(search=searched(trials=trials, suspect=Flags(128, 2), proof=[1.0] * 3))
    assert len(list(lines(found))) < 24
