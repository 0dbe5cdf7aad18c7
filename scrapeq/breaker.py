"""When a host is better left alone: told how requests went, says for how long. Pure.

An outage takes seconds or minutes; without a breaker all the retries of a long list are used up
in less. A host that is down for good must not take much longer than its retries would.
"""

from __future__ import annotations

from dataclasses import dataclass

Endpoint = tuple[str, int]
"""Host and port. One port may be dead while another one answers."""

TRIPS = 5
"""Failures in a row after which an endpoint is left alone, longer after each further one."""
FIRST_PAUSE = 0.5
"""Seconds; doubled each time."""
LONGEST_PAUSE = 5.0
LONG_ROW = TRIPS + 3
"""Failures in a row after which its whole host is left alone, unless another port of it answers."""

MANY = 20
"""Endpoints that fail for the first time, with no answer from anybody: it may be the network."""
OUTAGE = 30.0
"""Seconds without any answer for which it may be the network, or this host for a moment: what
fails then counts against no URL."""
MAX_ENDPOINTS = 10_000
"""That are remembered: a list may have a million that are down."""

HOST_FAULTS = frozenset(
    {"connect", "connect_timeout", "dns", "proxy", "read_timeout", "timeout", "reset",
     "disconnected"}
)  # fmt: skip
"""Reasons why a host gave no answer at all."""


@dataclass(slots=True)
class _Row:
    """Failures of one endpoint with no answer in between."""

    since: float
    count: int = 0
    reason: str = ""
    held_until: float = float("-inf")
    given_up: bool = False

    def hold(self, steps: int, now: float) -> None:
        if steps >= 0:
            self.held_until = now + min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(steps, 32))


class Breaker:
    """What began before the end of a pause tells nothing new, and makes no row longer. `most`
    failures in a row, and an endpoint is given up; sooner, after OUTAGE, if its host has never
    answered in this run.

    All times are of one clock that only goes forward.
    """

    def __init__(self, most: int = 30) -> None:
        self._most = most
        self._rows: dict[Endpoint, _Row] = {}
        self._hosts: dict[str, float] = {}
        """Those that have answered, and when: of the last MAX_ENDPOINTS at least half."""
        self._last_answer = float("-inf")
        self._silent_since: float | None = None
        self._silent = 0
        """Endpoints that failed for the first time since the last answer."""

    @property
    def at_rest(self) -> bool:
        """Nobody has failed: there is nothing to ask."""
        return not self._rows

    def answered(self, endpoint: Endpoint | None, now: float) -> None:
        """It lives, whatever it said. None: somebody does, if only the DNS."""
        self._last_answer = now
        self._silent_since, self._silent = None, 0
        if endpoint is not None:
            if self._rows:
                self._rows.pop(endpoint, None)
            if len(self._hosts) >= MAX_ENDPOINTS:
                self._hosts = dict(list(self._hosts.items())[MAX_ENDPOINTS // 2 :])
            self._hosts[endpoint[0]] = now

    def failed(
        self, endpoint: Endpoint, reason: str, began: float, now: float, *, ours: bool = False
    ) -> bool:
        """Whether the failure counts against its URL. `ours` are those of this machine, which has
        run out of something: they never count, and call for a pause at once."""
        row = self._rows.setdefault(endpoint, _Row(now))
        if len(self._rows) > MAX_ENDPOINTS:
            del self._rows[next(iter(self._rows))]
        if self._silent_since is None:
            self._silent_since = now
        row.reason = reason
        if is_news := began >= row.held_until:
            row.count += 1
            row.hold(row.count - (1 if ours else TRIPS), now)
            # Who was slow to fail while others answered tells only of itself.
            self._silent += row.count == 1 and began > self._last_answer
            row.given_up = row.count >= self._most or (
                row.count > TRIPS and now - row.since >= OUTAGE and endpoint[0] not in self._hosts
            )
        return not ours and not self._may_be_an_outage(row, now, is_news=is_news)

    def pause(self, endpoint: Endpoint, now: float) -> float:
        """Seconds for which to leave it alone from now on; 0 for none."""
        row = self._rows.get(endpoint)
        return 0.0 if row is None else max(0.0, row.held_until - now)

    def host_pause(self, endpoint: Endpoint, now: float) -> float:
        """The same for its whole host, on which other ports may live."""
        row = self._rows.get(endpoint)
        if row is None or row.count < LONG_ROW:
            return 0.0
        lives = self._hosts.get(endpoint[0], float("-inf")) > row.since
        return 0.0 if lives else self.pause(endpoint, now)

    def given_up(self, endpoint: Endpoint) -> str:
        """Why it is not asked any more in this run; empty while it is."""
        row = self._rows.get(endpoint)
        if row is None or not row.given_up:
            return ""
        return f"given up: {row.reason}, {row.count} times in a row"

    def _may_be_an_outage(self, row: _Row, now: float, *, is_news: bool) -> bool:
        if self._silent_since is None or self._last_answer > row.since:
            return False  # others have answered since: it is its own fault
        many = not is_news or row.count > TRIPS or self._silent >= MANY
        return many and now - self._silent_since < OUTAGE
