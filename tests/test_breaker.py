"""When a host is left alone, and when it is given up."""

from __future__ import annotations

from scrapeq.breaker import (
    FIRST_PAUSE,
    LONGEST_ALONE,
    LONGEST_PAUSE,
    MAX_HOSTS,
    PAUSES_OF_ALL,
    PROBES,
    TRIPS,
    TRIPS_OF_ALL,
    Breaker,
)


def failing(breaker: Breaker, host: str = "h", *, times: int, now: float = 0.0) -> float:
    """Let it fail so often, each time as soon as it may be asked; return when that was done."""
    for _ in range(times):
        now += breaker.pause(host, now)
        breaker.failed(host, "connect", now, now)
    return now


def pauses(breaker: Breaker, host: str = "h", *, times: int, now: float = 0.0) -> list[float]:
    """How long it is left alone after each failure."""
    found = []
    for _ in range(times):
        now = failing(breaker, host, times=1, now=now)
        found.append(breaker.pause(host, now))
    return found


def test_some_failures_in_a_row_are_followed_by_growing_pauses() -> None:
    found = pauses(Breaker(), times=TRIPS + 8)
    assert found[: TRIPS - 1] == [0.0] * (TRIPS - 1)
    assert found[TRIPS - 1 : TRIPS + 2] == [FIRST_PAUSE, 2 * FIRST_PAUSE, 4 * FIRST_PAUSE]
    assert found[-1] == LONGEST_PAUSE


def test_one_answer_and_all_is_forgotten() -> None:
    breaker = Breaker()
    now = failing(breaker, times=TRIPS)
    breaker.answered("h", now)
    assert breaker.pause("h", now) == 0.0
    assert pauses(breaker, times=TRIPS, now=now)[-1] == FIRST_PAUSE


def test_an_outage_of_a_minute_uses_up_the_attempts_of_no_url() -> None:
    breaker = Breaker()
    counted = []
    now = 0.0
    while now < 45:
        now += breaker.pause("h", now)
        counted.append(breaker.failed("h", "connect", now, now))
    assert counted == [True] * TRIPS + [False] * PROBES
    now = failing(breaker, times=1, now=now)
    assert breaker.failed("h", "connect", now + LONGEST_PAUSE, now + LONGEST_PAUSE)


def test_while_others_answer_each_failure_of_a_host_counts() -> None:
    breaker = Breaker()
    failing(breaker, times=1)
    breaker.answered("other", 0.1)
    now = failing(breaker, times=TRIPS, now=0.2)
    now += breaker.pause("h", now)
    assert breaker.failed("h", "connect", now, now)


def test_hosts_have_nothing_to_do_with_each_other() -> None:
    breaker = Breaker()
    now = failing(breaker, times=TRIPS)
    assert breaker.pause("other", now) == 0.0


def test_pauses_stay_short_while_others_answer() -> None:
    """Then it is not the network that is down."""
    breaker = Breaker()
    failing(breaker, times=1)
    breaker.answered("other", 0.1)
    assert pauses(breaker, times=TRIPS + 8, now=0.2)[-1] == LONGEST_ALONE


def test_what_began_before_the_end_of_a_pause_does_not_count() -> None:
    breaker = Breaker(most=TRIPS + 1)
    now = failing(breaker, times=TRIPS)
    for began in (now - 1, now, now + FIRST_PAUSE / 2):
        assert not breaker.failed("h", "read_timeout", began, now + FIRST_PAUSE * 3)
    assert not breaker.given_up("h")
    breaker.failed("h", "read_timeout", now + FIRST_PAUSE, now + FIRST_PAUSE * 3)
    assert breaker.given_up("h") == f"given up: read_timeout, {TRIPS + 1} times in a row"


def test_a_host_is_given_up_after_so_many_failures_in_a_row_until_it_answers() -> None:
    breaker = Breaker(most=3)
    failing(breaker, times=2)
    assert not breaker.given_up("h")
    now = failing(breaker, times=1)
    assert breaker.given_up("h")
    assert not breaker.given_up("other")
    breaker.answered("h", now)  # to somebody who had been waiting
    assert not breaker.given_up("h")


def test_what_this_machine_lacks_calls_for_a_pause_at_once_and_never_counts() -> None:
    breaker = Breaker(most=3)
    now = 0.0
    for step in range(3):
        assert not breaker.failed("h", "connect", now, now, ours=True)
        assert breaker.pause("h", now) == FIRST_PAUSE * 2**step
        now += breaker.pause("h", now)
    assert breaker.given_up("h")


def test_an_outage_of_minutes_gives_up_nobody() -> None:
    breaker = Breaker()
    now = 0.0
    while now < 300:
        now = failing(breaker, times=1, now=now)
        assert not breaker.given_up("h")


def test_many_hosts_that_fail_without_an_answer_from_any_are_all_left_alone() -> None:
    breaker = Breaker()
    for n in range(TRIPS_OF_ALL - 1):
        failing(breaker, f"h{n}", times=1)
    assert breaker.pause("another", 0.0) == 0.0
    failing(breaker, "last", times=1)
    assert breaker.pause("another", 0.0) == FIRST_PAUSE
    assert not breaker.failed("another", "connect", 0.0, 0.1)
    breaker.answered("h0", 0.2)
    assert breaker.pause("another", 0.2) == 0.0


def test_the_same_hosts_again_are_no_sign_that_the_network_is_down() -> None:
    breaker = Breaker()
    for _ in range(3):
        for n in range(TRIPS_OF_ALL - 1):
            failing(breaker, f"h{n}", times=1, now=1.0)
    assert breaker.pause("another", 1.0) == 0.0


def test_hosts_that_are_slow_to_fail_while_others_answer_are_none_either() -> None:
    breaker = Breaker()
    breaker.answered("good", 1.0)
    for n in range(2 * TRIPS_OF_ALL):
        assert breaker.failed(f"h{n}", "connect_timeout", 0.5, 10.0)
    assert breaker.pause("another", 10.0) == 0.0


def test_hosts_that_are_all_down_are_not_waited_for_together_for_ever() -> None:
    breaker = Breaker()
    now = 0.0
    for n in range(TRIPS_OF_ALL + PAUSES_OF_ALL):
        now = failing(breaker, f"h{n}", times=1, now=now)
    assert 30 < now < 60
    now = failing(breaker, "another", times=1, now=now)
    assert breaker.pause("one more", now) == 0.0


def test_of_very_many_hosts_that_are_down_the_last_are_remembered() -> None:
    breaker = Breaker(most=1)
    for n in range(MAX_HOSTS + 1):
        breaker.failed(f"h{n}", "connect", 1e9, 1.0)
    assert not breaker.given_up("h0")
    assert breaker.given_up("h1")
    assert breaker.given_up(f"h{MAX_HOSTS}")
