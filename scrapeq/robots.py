"""robots.txt by RFC 9309: one fetch an origin, in front of the Fetcher."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from typing import Protocol

from protego import Protego
from yarl import URL

from scrapeq.models import Outcome, Page, Request
from scrapeq.retry import Failure, RetryPolicy, handed_back

MAX_ROBOTS = 500 << 10
"""Bytes that are read of a robots.txt (RFC 9309, 2.5: at least 500 KiB)."""
MAX_HOPS = 5
"""Redirects that are followed to one (RFC 9309, 2.3.1.2)."""
MAX_ORIGINS = 10_000
"""Origins whose rules are kept in memory."""


class Rules(Protocol):
    """What is asked of a robots.txt."""

    def can_fetch(self, url: str, user_agent: str) -> bool: ...


class Behind(Protocol):
    """What stands behind the gate."""

    @property
    def stopping(self) -> bool: ...

    async def fetch(self, request: Request) -> Page | Outcome: ...

    async def read_small(self, url: URL, limit: int, max_redirects: int) -> tuple[int, bytes]: ...


ALLOW_ALL = Protego.parse("")


class RobotsGate:
    """Lets a Request pass to the Fetcher if its origin allows it."""

    def __init__(
        self,
        behind: Behind,
        retry: RetryPolicy,
        *,
        user_agent: str,
    ) -> None:
        self._behind = behind
        self._retry = retry
        self._token = user_agent.partition("/")[0].strip() or "*"
        self._known: OrderedDict[URL, asyncio.Task[Rules | None]] = OrderedDict()

    async def fetch(self, request: Request) -> Page | Outcome:
        """A Page or an Outcome; `skipped:robots` when robots.txt forbids the URL."""
        url = URL(request.url, encoded=True).with_user(None)
        rules = await self._rules(url.origin())
        if self._behind.stopping:
            return handed_back(request)
        if rules is None:
            return self._defer(request, url)
        if rules.can_fetch(str(url), self._token):
            return await self._behind.fetch(request)
        detail = f"{url.origin()}/robots.txt forbids it to {self._token}"
        return Outcome(request, "skipped", "robots", detail, attempts=request.attempt)

    def _defer(self, request: Request, url: URL) -> Outcome:
        """Ask again later; in the end the URL is skipped, never fetched against a silence."""
        failure = Failure("robots_unreachable", f"no answer for {url.origin()}/robots.txt", True)
        outcome = self._retry.verdict(request, failure, time.time())
        if outcome.verdict == "retry":
            return outcome
        return Outcome(request, "skipped", failure.reason, failure.detail, attempts=request.attempt)

    async def _rules(self, origin: URL) -> Rules | None:
        """Of an origin, fetched once however many workers ask at the same time.

        None: a server that cannot say what it forbids forbids all (RFC 9309, 2.3.1.4).
        """
        task = self._known.get(origin)
        if task is None:
            task = asyncio.ensure_future(self._fetched(origin))
            self._known[origin] = task
            if len(self._known) > MAX_ORIGINS:
                self._known.popitem(last=False)
        rules = await asyncio.shield(task)
        if rules is None and self._known.get(origin) is task:
            del self._known[origin]  # the next attempt asks again
        return rules

    async def _fetched(self, origin: URL) -> Rules | None:
        status, body = await self._behind.read_small(origin / "robots.txt", MAX_ROBOTS, MAX_HOPS)
        if status == 0 or status >= 500:
            return None
        if not 200 <= status < 300:
            return ALLOW_ALL  # RFC 9309, 2.3.1.3
        text = body.decode("utf-8-sig", "replace")
        return await asyncio.to_thread(Protego.parse, text)  # 81 ms for the largest
