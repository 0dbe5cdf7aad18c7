"""When a host is left alone, when it is given up, and what counts against a URL."""

from __future__ import annotations

from scrapeq.breaker import (
    FIRST_PAUSE,
    LONG_ROW,
    LONGEST_PAUSE,
    MANY,
    MAX_ENDPOINTS,
    OUTAGE,
    TRIPS,
    Breaker,
    Endpoint,
)

H: Endpoint = ("h", 80)
OTHER: Endpoint = ("other", 80)


def failing(
    breaker: Breaker, endpoint: Endpoint = H, *, times: int, now: float = 0.0
) -> tuple[float, list[bool]]:
    """Let it fail so often, each time as soon as it may be asked; return when that was done, and
    what counted."""
    counted = []
    for _ in range(times):
        now += breaker.pause(endpoint, now)
        counted.append(breaker.failed(endpoint, "connect", now, now))
    return now, counted


def pauses(breaker: Breaker, *, times: int, now: float = 0.0) -> list[float]:
    """How long it is left alone after each failure."""
    found = []
    for _ in range(times):
        now, _ = failing(breaker, times=1, now=now)
        found.append(breaker.pause(H, now))
    return found


def test_some_failures_in_a_row_are_followed_by_growing_pauses() -> None:
    found = pauses(Breaker(), times=TRIPS + 8)
    assert found[: TRIPS - 1] == [0.0] * (TRIPS - 1)
    assert found[TRIPS - 1 : TRIPS + 2] == [FIRST_PAUSE, 2 * FIRST_PAUSE, 4 * FIRST_PAUSE]
    assert found[-1] == LONGEST_PAUSE


def test_one_answer_and_all_is_forgotten() -> None:
    breaker = Breaker()
    now, _ = failing(breaker, times=TRIPS)
    breaker.answered(H, now)
    assert breaker.at_rest
    assert breaker.pause(H, now) == 0.0
    assert pauses(breaker, times=TRIPS, now=now)[-1] == FIRST_PAUSE


def test_endpoints_have_nothing_to_do_with_each_other() -> None:
    breaker = Breaker()
    now, _ = failing(breaker, times=TRIPS)
    assert breaker.pause(OTHER, now) == 0.0
    assert breaker.pause(("h", 443), now) == 0.0


def test_a_host_is_left_alone_for_a_dead_port_only_if_no_other_port_answers() -> None:
    breaker = Breaker()
    now, _ = failing(breaker, times=LONG_ROW - 1)
    assert breaker.host_pause(H, now) == 0.0
    now, _ = failing(breaker, times=1, now=now)
    assert breaker.host_pause(H, now) == breaker.pause(H, now) > 0
    breaker.answered(("h", 443), now)
    assert breaker.host_pause(H, now) == 0.0
    assert breaker.pause(H, now) > 0


def test_what_began_before_the_end_of_a_pause_makes_no_row_longer() -> None:
    breaker = Breaker(most=TRIPS + 1)
    now, _ = failing(breaker, times=TRIPS)
    for began in (now - 1, now, now + FIRST_PAUSE / 2):
        breaker.failed(H, "read_timeout", began, now + FIRST_PAUSE * 3)
    assert not breaker.given_up(H)
    breaker.failed(H, "read_timeout", now + FIRST_PAUSE, now + FIRST_PAUSE * 3)
    assert breaker.given_up(H) == f"given up: read_timeout, {TRIPS + 1} times in a row"


def test_an_endpoint_is_given_up_after_so_many_failures_in_a_row_until_it_answers() -> None:
    breaker = Breaker(most=3)
    failing(breaker, times=2)
    assert not breaker.given_up(H)
    now, _ = failing(breaker, times=1)
    assert breaker.given_up(H)
    assert not breaker.given_up(OTHER)
    breaker.answered(H, now)  # to somebody who had been waiting
    assert not breaker.given_up(H)


def test_a_host_that_has_answered_is_given_up_within_two_minutes() -> None:
    breaker = Breaker()
    breaker.answered(H, 0.0)
    now, _ = failing(breaker, times=29, now=1.0)
    assert not breaker.given_up(H)
    now, _ = failing(breaker, times=1, now=now)
    assert breaker.given_up(H)
    assert 60 < now < 120


def test_a_host_that_never_answered_is_given_up_after_half_a_minute() -> None:
    breaker = Breaker()
    now = 0.0
    while not breaker.given_up(H):
        now, _ = failing(breaker, times=1, now=now)
    assert OUTAGE <= now < OUTAGE + 2 * LONGEST_PAUSE


def test_what_this_machine_lacks_calls_for_a_pause_at_once_and_never_counts() -> None:
    breaker = Breaker(most=3)
    now = 0.0
    for step in range(3):
        assert not breaker.failed(H, "connect", now, now, ours=True)
        assert breaker.pause(H, now) == FIRST_PAUSE * 2**step
        now += breaker.pause(H, now)
    assert breaker.given_up(H)


def test_an_outage_of_a_host_uses_up_the_attempts_of_no_url_for_half_a_minute() -> None:
    breaker = Breaker()
    now, counted = failing(breaker, times=TRIPS)
    assert counted == [True] * TRIPS
    while (now + breaker.pause(H, now)) < OUTAGE:
        now, counted = failing(breaker, times=1, now=now)
        assert counted == [False]
    assert failing(breaker, times=3, now=now)[1] == [True] * 3


def test_while_others_answer_each_failure_of_a_host_counts() -> None:
    breaker = Breaker()
    failing(breaker, times=1)
    breaker.answered(OTHER, 0.1)
    assert failing(breaker, times=TRIPS + 8, now=0.2)[1] == [True] * (TRIPS + 8)


def test_many_hosts_that_fail_without_any_answer_are_an_outage() -> None:
    breaker = Breaker()
    for n in range(MANY - 1):
        assert breaker.failed((f"h{n}", 80), "connect", 1.0, 1.0)
    assert not breaker.failed(("one more", 80), "connect", 1.0, 1.0)
    assert breaker.failed(("much later", 80), "connect", 1.0 + OUTAGE, 1.0 + OUTAGE)


def test_an_answer_ends_an_outage() -> None:
    breaker = Breaker()
    for n in range(MANY):
        breaker.failed((f"h{n}", 80), "connect", 1.0, 1.0)
    breaker.answered(None, 2.0)
    assert breaker.failed(("h0", 80), "connect", 3.0, 3.0)
    assert breaker.failed(("one more", 80), "connect", 3.0, 3.0)


def test_the_same_hosts_again_are_no_sign_of_an_outage() -> None:
    breaker = Breaker()
    for _ in range(2):
        for n in range(MANY - 1):
            assert breaker.failed((f"h{n}", 80), "connect", 1.0, 1.0)


def test_hosts_that_are_slow_to_fail_while_others_answer_are_none_either() -> None:
    breaker = Breaker()
    breaker.answered(OTHER, 1.0)
    for n in range(2 * MANY):
        assert breaker.failed((f"h{n}", 80), "connect_timeout", 0.5, 10.0)


def test_of_very_many_endpoints_that_are_down_the_last_are_remembered() -> None:
    breaker = Breaker(most=1)
    for n in range(MAX_ENDPOINTS + 1):
        breaker.failed((f"h{n}", 80), "connect", 1e9, 1.0)
    assert not breaker.given_up(("h0", 80))
    assert breaker.given_up(("h1", 80))
    assert breaker.given_up((f"h{MAX_ENDPOINTS}", 80))
