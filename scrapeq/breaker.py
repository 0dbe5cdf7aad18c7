"""When a host is better left alone: told how requests went, says for how long. Pure.

An outage takes seconds or minutes; without a pause all the retries of a long list are used up
in less.
"""

from __future__ import annotations

from dataclasses import dataclass

TRIPS = 5
"""Failures in a row after which a host is left alone, longer after each further one."""
FIRST_PAUSE = 0.5
"""Seconds; doubled each time."""
LONGEST_PAUSE = 20.0
LONGEST_ALONE = 5.0
"""The same while other hosts answer: then it is not the network that is down."""

PROBES = 7
"""Failures after these pauses, which take about a minute, that count against no URL while no other
host answers: the one that is first in line would have used up its attempts."""

TRIPS_OF_ALL = 20
"""Hosts in a row that give no answer, after which all are left alone: the network is down."""
PAUSES_OF_ALL = 6
"""After so many, which take half a minute, it is a list of hosts that are down."""
MAX_HOSTS = 10_000
"""Hosts that are remembered: a list may have a million that are down."""

HOST_FAULTS = frozenset(
    {"connect", "connect_timeout", "dns", "proxy", "read_timeout", "timeout", "reset",
     "disconnected"}
)  # fmt: skip
"""Reasons why a host gave no answer at all."""


@dataclass(slots=True)
class _Row:
    """Failures of one host with no answer in between."""

    since: float
    count: int = 0
    reason: str = ""
    held_until: float = float("-inf")

    def hold(self, steps: int, longest: float, now: float) -> None:
        if steps >= 0:
            self.held_until = now + min(longest, FIRST_PAUSE * 2.0 ** min(steps, 32))


class Breaker:
    """A failure counts only if its request began after the last pause: what was under way before
    it, or during it, tells nothing new. `most` failures in a row, and the host is given up.

    All times are of one clock that only goes forward.
    """

    def __init__(self, most: int = 30) -> None:
        self._most = most
        self._rows: dict[str, _Row] = {}
        self._network = _Row(0.0)
        self._last_answer = float("-inf")

    def answered(self, host: str, now: float) -> None:
        """It lives, whatever it said. No host: somebody does, if only the DNS."""
        self._last_answer = now
        if self._network.count:
            self._network = _Row(now)
        if self._rows:
            self._rows.pop(host, None)

    def failed(
        self, host: str, reason: str, began: float, now: float, *, ours: bool = False
    ) -> bool:
        """Whether the failure counts against its URL. `ours` are those of this machine, which has
        run out of something: they never count against a URL, and call for a pause at once."""
        row, network = self._rows.setdefault(host, _Row(now)), self._network
        if len(self._rows) > MAX_HOSTS:
            del self._rows[next(iter(self._rows))]
        if began < max(row.held_until, network.held_until):
            return False
        row.reason = reason
        row.count += 1
        longest = LONGEST_ALONE if self._last_answer > row.since else LONGEST_PAUSE
        row.hold(row.count - (1 if ours else TRIPS), longest, now)
        # A host that has failed before, or was slow to while others answered, tells only of itself.
        if row.count == 1 and began > self._last_answer:
            network.count += 1
            if network.count < TRIPS_OF_ALL + PAUSES_OF_ALL:
                network.hold(network.count - TRIPS_OF_ALL, LONGEST_PAUSE, now)
        is_probe = TRIPS < row.count <= TRIPS + PROBES and self._last_answer <= row.since
        return not ours and not is_probe

    def pause(self, host: str, now: float) -> float:
        """Seconds for which to leave it alone from now on; 0 for none."""
        row = self._rows.get(host, self._network)
        return max(0.0, row.held_until - now, self._network.held_until - now)

    def given_up(self, host: str) -> str:
        """Why it is not asked any more in this run; empty while it is."""
        row = self._rows.get(host)
        if row is None or row.count < self._most:
            return ""
        return f"given up: {row.reason}, {row.count} times in a row"
