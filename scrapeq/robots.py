"""robots.txt by RFC 9309: one fetch an origin, in front of the Fetcher."""

from __future__ import annotations

import asyncio
import re
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
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

_AGENT = re.compile(r"user[-\s]*agent(?:\s*:|\s)\s*(.*)", re.I)
_OF_ALL_GROUPS = re.compile(r"(?:site-?maps?|host)\b", re.I)

_NO_HOST = frozenset(
    {"dns", "connect", "connect_timeout", "tls", "tls_cert", "private_network", "invalid_url"}
)
"""Reasons why there was nobody to ask, and nobody who could send the page."""

Hop = Callable[[URL], Awaitable[None]]


class Rules(Protocol):
    """What is asked of a robots.txt."""

    def can_fetch(self, url: str, user_agent: str) -> bool: ...


class Behind(Protocol):
    """What stands behind the gate."""

    @property
    def stopping(self) -> bool: ...

    async def fetch(self, request: Request, hop: Hop | None = None) -> Page | Outcome: ...

    async def read_small(
        self, url: URL, limit: int, max_redirects: int
    ) -> tuple[int, bytes] | Failure: ...


class _ForbiddenError(Exception):
    """The robots.txt says no."""


class _UnknownError(Exception):
    """Nobody knows what the robots.txt says."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.reason)
        self.failure = failure


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
        self._known: OrderedDict[URL, asyncio.Task[Rules | Failure]] = OrderedDict()

    async def fetch(self, request: Request) -> Page | Outcome:
        """A Page or an Outcome; `skipped:robots` when robots.txt forbids the URL, or one that
        it redirects to."""
        if self._behind.stopping:
            return handed_back(request)
        try:
            await self._check(URL(request.url, encoded=True).with_user(None))
            return await self._behind.fetch(request, self._check)
        except _ForbiddenError as exc:
            return _skipped(request, "robots", str(exc))
        except _UnknownError as exc:
            if self._behind.stopping:
                return handed_back(request)
            return self._defer(request, exc.failure)

    async def _check(self, url: URL) -> None:
        """Raise unless the robots.txt of its origin allows to fetch this URL."""
        origin = url.origin()
        rules = await self._rules(origin)
        if isinstance(rules, Failure):
            raise _UnknownError(rules)
        if not rules.can_fetch(str(url), "*"):
            raise _ForbiddenError(f"{origin}/robots.txt forbids {url.raw_path_qs} to {self._token}")

    def _defer(self, request: Request, failure: Failure) -> Outcome:
        """Ask again later; in the end the URL is skipped, never fetched against a silence."""
        outcome = self._retry.verdict(request, failure, time.time())
        if outcome.verdict == "failed" and failure.reason not in _NO_HOST:
            return _skipped(request, failure.reason, failure.detail)
        return outcome

    async def _rules(self, origin: URL) -> Rules | Failure:
        """Of an origin, fetched once however many workers ask at the same time.

        A server that cannot say what it forbids forbids all (RFC 9309, 2.3.1.4).
        """
        task = self._known.get(origin)
        if task is None:
            task = asyncio.ensure_future(self._fetched(origin))
            self._known[origin] = task
            if len(self._known) > MAX_ORIGINS:
                self._known.popitem(last=False)
        rules = await asyncio.shield(task)
        if isinstance(rules, Failure) and self._known.get(origin) is task:
            del self._known[origin]  # the next attempt asks again
        return rules

    async def _fetched(self, origin: URL) -> Rules | Failure:
        url = origin / "robots.txt"
        answer = await self._behind.read_small(url, MAX_ROBOTS, MAX_HOPS)
        if isinstance(answer, Failure):
            if answer.reason in _NO_HOST:
                return answer
            return Failure("robots_unreachable", f"{url}: {answer.detail}", again=True)
        status, body = answer
        if status >= 500:
            return Failure("robots_unreachable", f"{url}: {status}", again=True)
        if not 200 <= status < 300:
            return ALLOW_ALL  # RFC 9309, 2.3.1.3
        if len(body) >= MAX_ROBOTS:  # half a rule at its end may forbid what the whole does not
            body = body[: max(body.rfind(b"\n"), body.rfind(b"\r")) + 1]
        return await asyncio.to_thread(self._parsed, body)  # 80 ms for the largest

    def _parsed(self, body: bytes) -> Rules:
        return Protego.parse(rules_for(self._token, body.decode("utf-8-sig", "replace")))


def rules_for(token: str, text: str) -> str:
    """Of a robots.txt, only the groups for this agent, or else those for everybody (RFC 9309,
    2.2.1), as one group for everybody.

    Protego keeps each rule once for each agent of its group: 74 KB of agents and rules cost it
    200 MB and many seconds.
    """
    found: dict[str, list[str]] = {}
    names: set[str] = set()
    rules_began = False
    for raw in text.splitlines():
        line = raw.partition("#")[0].strip()
        if match := _AGENT.fullmatch(line):
            if rules_began:
                names, rules_began = set(), False
            name = match[1].partition("/")[0].strip().lower()
            if name and token.lower().startswith(name.strip("*")):
                names.add(name.strip("*"))
                found.setdefault(name.strip("*"), [])
        elif line and not _OF_ALL_GROUPS.match(line):
            rules_began = True
            for name in names:
                found[name].append(line)
    best = max(found, key=len, default="")
    return "\n".join(["User-agent: *", *found.get(best, ())])


def _skipped(request: Request, reason: str, detail: str) -> Outcome:
    return Outcome(request, "skipped", reason, detail, attempts=request.attempt)
