"""When a failed attempt is worth another: exponential, with jitter, capped. Pure."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime

from scrapeq.models import Outcome, Request

RETRY_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504, 522, 524})
"""Statuses that may be better next time (Scrapy's list, and 425 of RFC 8470)."""

LONGEST_WAIT = 120.0
"""Seconds that no retry waits longer than."""
WRONG_CLOCK = 2 * LONGEST_WAIT
"""A due time further ahead was written by a clock that was wrong: it counts as due."""


@dataclass(frozen=True, slots=True)
class Failure:
    """One attempt that gave no page."""

    reason: str
    detail: str = ""
    again: bool = False
    """Whether another attempt may help."""
    status: int | None = None
    final_url: str | None = None
    elapsed: float | None = None
    patience: float | None = None
    """Seconds that the server asked everybody to wait (Retry-After)."""
    uncounted: float | None = None
    """It says nothing about the URL: to be tried again after so many seconds, as if never tried."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """`retries` after the first try, `base` * 2^n seconds apart and at most `cap`."""

    retries: int = 2
    base: float = 1.0
    cap: float = 60.0
    patience: float = LONGEST_WAIT
    """The longest Retry-After that is kept; a longer one is cut to it."""
    jitter: Callable[[], float] = random.random

    def verdict(self, request: Request, failure: Failure, now: float) -> Outcome:
        """`retry` with its due time, or `failed`."""
        if failure.uncounted is not None:
            return Outcome(
                request,
                "retry",
                failure.reason,
                failure.detail,
                attempts=request.attempt - 1,
                due=now + failure.uncounted,
                elapsed=failure.elapsed,
            )
        pause = min(failure.patience, self.patience) if failure.patience else None
        again = failure.again and request.attempt <= self.retries
        wait = max(self._backoff(request.attempt), pause or 0.0)
        return Outcome(
            request,
            "retry" if again else "failed",
            failure.reason,
            failure.detail,
            attempts=request.attempt,
            due=now + wait if again else None,
            host_due=now + pause if pause else None,
            status=failure.status,
            final_url=failure.final_url,
            elapsed=failure.elapsed,
        )

    def _backoff(self, attempt: int) -> float:
        """Half of the step is fixed, half is chance, so that a crowd does not return at once."""
        step = min(self.cap, self.base * 2.0 ** min(attempt - 1, 32))
        return step * (0.5 + 0.5 * self.jitter())


def handed_back(request: Request, due: float | None = None) -> Outcome:
    """The Outcome of a Request that nobody tried: it stays pending, and no attempt is counted."""
    reason = "stopped" if due is None else "host_paused"
    return Outcome(request, "retry", reason, attempts=request.attempt - 1, due=due)


def given_up(request: Request, why: str) -> Outcome:
    """The Outcome of a Request that nobody will try: its host only fails."""
    return Outcome(request, "failed", "host_down", why, attempts=request.attempt - 1)


def retry_after(value: str | None, now: float) -> float | None:
    """Seconds that a Retry-After header asks for (RFC 9110, 10.2.3); None without a valid one."""
    if value is None:
        return None
    if value.strip().isdecimal():
        return float(value.strip()[:12])
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):  # a year of twenty digits, say
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, moment.timestamp() - now)
