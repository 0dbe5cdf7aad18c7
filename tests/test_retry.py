"""When a failed attempt is worth another, and how long it waits."""

from __future__ import annotations

import datetime
import random
import statistics
import time
from collections.abc import Iterator
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrapeq.models import Request
from scrapeq.retry import Failure, RetryPolicy, handed_back, retry_after

NOW = 1_800_000_000.0
AGAIN = Failure("timeout", "not done in 30s", again=True)


def asked(attempt: int = 1) -> Request:
    return Request(7, "https://host.test/", "host.test", attempt)


def wait(policy: RetryPolicy, attempt: int, failure: Failure = AGAIN) -> float:
    """Seconds until the next attempt."""
    due = policy.verdict(asked(attempt), failure, NOW).due
    assert due is not None
    return due - NOW


# ---- whether


def test_a_failure_that_may_pass_is_tried_again_until_the_attempts_are_used_up() -> None:
    policy = RetryPolicy(retries=2)
    verdicts = [policy.verdict(asked(n), AGAIN, NOW) for n in (1, 2, 3, 4)]
    assert [x.verdict for x in verdicts] == ["retry", "retry", "failed", "failed"]
    assert [x.attempts for x in verdicts] == [1, 2, 3, 4]
    assert [x.due is None for x in verdicts] == [False, False, True, True]


def test_a_failure_that_will_not_pass_is_final_at_once() -> None:
    found = RetryPolicy(retries=5).verdict(asked(), Failure("tls_cert"), NOW)
    assert (found.verdict, found.attempts, found.due) == ("failed", 1, None)


def test_without_retries_the_first_attempt_is_the_last() -> None:
    assert RetryPolicy(retries=0).verdict(asked(), AGAIN, NOW).verdict == "failed"


def test_a_verdict_tells_what_is_known_of_the_failure() -> None:
    failure = Failure("503", "503 Busy", True, 503, "https://host.test/end", 1.5, None)
    found = RetryPolicy().verdict(asked(), failure, NOW)
    assert (found.request, found.reason, found.detail) == (asked(), "503", "503 Busy")
    assert (found.status, found.final_url, found.elapsed) == (503, "https://host.test/end", 1.5)
    assert found.host_due is None


# ---- when


def test_the_wait_doubles_with_each_attempt_up_to_a_cap() -> None:
    policy = RetryPolicy(retries=100, base=1.0, cap=60.0, jitter=lambda: 1.0)
    assert [wait(policy, n) for n in range(1, 9)] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert wait(policy, 100) == 60


@given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True))
def test_the_wait_is_between_half_of_its_step_and_all_of_it(attempt: int, chance: float) -> None:
    policy = RetryPolicy(retries=10_000, base=1.0, cap=60.0, jitter=lambda: chance)
    step = min(60.0, 2.0 ** min(attempt - 1, 10))
    assert step / 2 <= wait(policy, attempt) + 1e-6
    assert wait(policy, attempt) <= step


def test_a_crowd_does_not_return_at_once() -> None:
    policy = RetryPolicy(base=10.0, jitter=random.Random(1).random)
    waits = [wait(policy, 1) for _ in range(1000)]
    assert statistics.stdev(waits) > 1
    assert min(waits) < 5.5
    assert max(waits) > 9.5


def test_chance_is_really_chance_by_default() -> None:
    assert len({wait(RetryPolicy(), 1) for _ in range(10)}) > 1


# ---- what the server asks for


def test_patience_is_kept_when_it_is_longer_than_the_backoff() -> None:
    policy = RetryPolicy(base=8.0, jitter=lambda: 1.0)
    assert wait(policy, 1, Failure("429", again=True, patience=30)) == 30
    assert wait(policy, 1, Failure("429", again=True, patience=3)) == 8


def test_too_much_patience_is_cut() -> None:
    found = RetryPolicy(patience=120).verdict(
        asked(), Failure("429", again=True, patience=10**9), NOW
    )
    assert (found.due, found.host_due) == (NOW + 120, NOW + 120)


def test_the_host_is_left_alone_also_when_the_url_itself_has_failed_for_good() -> None:
    found = RetryPolicy(retries=0).verdict(asked(), Failure("429", again=True, patience=30), NOW)
    assert (found.verdict, found.due, found.host_due) == ("failed", None, NOW + 30)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("0", 0), ("7", 7), (" 120 ", 120), ("1000000000", 10**9), ("007", 7)],
)
def test_retry_after_in_seconds(value: str, seconds: float) -> None:
    assert retry_after(value, NOW) == seconds


def test_absurdly_many_digits_are_still_a_number() -> None:
    found = retry_after("9" * 5000, NOW)
    assert found is not None
    assert 10**9 < found < 10**13


def date_in(seconds: float) -> str:
    moment = datetime.datetime.fromtimestamp(NOW + seconds, datetime.UTC)
    return format_datetime(moment, usegmt=True)


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine whose clock does not show UTC."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("elsewhere")
def test_retry_after_as_a_date() -> None:
    assert retry_after(date_in(90), NOW) == 90
    assert retry_after(date_in(90).replace("GMT", "-0000"), NOW) == 90
    assert retry_after(date_in(90).replace(" GMT", ""), NOW) == 90, "without a zone it is UTC"
    assert retry_after("Friday, 15-Jan-27 08:01:30 GMT", NOW) == 90, "as RFC 850 had it"


def test_a_date_that_has_passed_is_no_time_to_wait() -> None:
    assert retry_after(date_in(-90), NOW) == 0


@pytest.mark.parametrize("value", [None, "", "soon", "-1", "1.5", "1e3", "0x10", "Mon", "1 2",
                                   "Mon, 01 Jan 99999999999999 00:00:00 GMT"])  # fmt: skip
def test_what_is_neither_is_ignored(value: str | None) -> None:
    assert retry_after(value, NOW) is None


_words = st.sampled_from(
    ["Mon,", "01", "Jan", "2027", "99999999999999999999", "00:00:00", "24:61:61", "GMT", "+9999",
     "-99999999999", "(", ")", ":", ",", "-", "²", "٣", "\0", "\udcff"]
)  # fmt: skip


@given(st.text() | st.lists(_words).map(" ".join) | st.lists(_words).map("".join))
def test_no_header_makes_it_raise(value: str) -> None:
    found = retry_after(value, NOW)
    assert found is None or found >= 0


# ---- handed back


def test_a_request_that_nobody_tried_counts_no_attempt_and_waits_for_nothing() -> None:
    found = handed_back(asked(attempt=3))
    assert (found.verdict, found.reason, found.attempts) == ("retry", "stopped", 2)
    assert (found.due, found.host_due) == (None, None)
