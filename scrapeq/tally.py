"""What this run's verdicts add up to, for the screen and the summary."""

from __future__ import annotations

import heapq
from collections import Counter, OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scrapeq.models import HostStatus, Outcome

MAX_HOSTS = 4096
"""Hosts counted at once; the one heard of longest ago is forgotten first."""


@dataclass(slots=True)
class _Host:
    ok: int = 0
    failed: int = 0
    last_error: str = ""


class Tally:
    """Counts of committed Outcomes. Bounded, however many hosts there are."""

    def __init__(self) -> None:
        self.reasons: Counter[str] = Counter()
        self.statuses: Counter[int] = Counter()
        self.bytes = 0
        self.records = 0
        self.retries = 0
        self._hosts: OrderedDict[str, _Host] = OrderedDict()

    def add(self, outcome: Outcome) -> None:
        if outcome.verdict == "retry" and outcome.due is None:
            return  # handed back: nothing was tried
        if outcome.status or outcome.verdict != "skipped":  # what robots.txt forbids asked nobody
            self.statuses[outcome.status or 0] += 1
        self.bytes += outcome.bytes or 0
        self.records += len(outcome.records)
        self.retries += outcome.verdict == "retry"
        if outcome.verdict in ("failed", "skipped"):
            self.reasons[f"{outcome.verdict}:{outcome.reason}"] += 1
        self._add_host(outcome)

    def hosts(self, waits: Mapping[str, float], limit: int = 50) -> Sequence[HostStatus]:
        """The hosts with the most failures, then the busiest; `waits` is seconds by host."""
        worst = heapq.nsmallest(
            limit, ((-host.failed, -host.ok, name) for name, host in self._hosts.items())
        )
        return [
            HostStatus(name, -ok, -failed, self._hosts[name].last_error, waits.get(name, 0.0))
            for failed, ok, name in worst
        ]

    def _add_host(self, outcome: Outcome) -> None:
        name = outcome.request.host
        host = self._hosts.pop(name, None) or _Host()
        self._hosts[name] = host  # the latest heard of comes last
        if outcome.verdict == "done":
            host.ok += 1
        else:
            host.failed += outcome.verdict == "failed"
            known = outcome.detail.startswith(outcome.reason)  # `404 Not Found`
            host.last_error = outcome.detail if known else f"{outcome.reason} {outcome.detail}"
        if len(self._hosts) > MAX_HOSTS:
            self._hosts.popitem(last=False)
