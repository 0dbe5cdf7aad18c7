"""robots.txt by RFC 9309: one fetch an origin, in front of the Fetcher."""

from __future__ import annotations

import asyncio
import re
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from protego import Protego
from yarl import URL

from scrapeq.breaker import HOST_FAULTS
from scrapeq.models import Outcome, Page, Request
from scrapeq.retry import Failure, RetryPolicy, handed_back
from scrapeq.urls import without_secrets

MAX_ROBOTS = 500 << 10
"""Bytes that are read of a robots.txt (RFC 9309, 2.5: at least 500 KiB)."""
MAX_HOPS = 5
"""Redirects that are followed to one (RFC 9309, 2.3.1.2)."""
MANY_RULES = 64 << 10
"""Characters of rules that are not looked through in the event loop."""
MAX_ORIGINS = 10_000
"""Origins whose rules are kept in memory."""
RULES_STAND = 86_400.0
"""Seconds after which a robots.txt is fetched again (RFC 9309, 2.4)."""
FAILURE_STANDS = 60.0
"""Seconds for which one that was not to be had stands for the next URLs of its host."""

_AGENT = re.compile(r"user[-\s]*agent(?:\s*:|\s)\s*(.*)", re.I)
_OF_ALL_GROUPS = re.compile(r"(?:site-?maps?|host)\b", re.I)

_NO_HOST = frozenset(
    {
        "dns",
        "connect",
        "connect_timeout",
        "proxy",
        "tls",
        "tls_cert",
        "private_network",
        "invalid_url",
    }
)
"""Reasons why there was nobody to ask, and nobody who could send the page."""

Hop = Callable[[URL], Awaitable[None]]


class Behind(Protocol):
    """What stands behind the gate."""

    @property
    def stopping(self) -> bool: ...

    async def fetch(self, request: Request, hop: Hop | None = None) -> Page | Outcome: ...

    async def read_small(
        self, url: URL, limit: int, max_redirects: int, hop: Hop, *, listed: bool = False
    ) -> tuple[int, bytes] | Failure: ...


class _ForbiddenError(Exception):
    """The robots.txt says no."""


class _UnknownError(Exception):
    """Nobody knows what the robots.txt says."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.reason)
        self.failure = failure


@dataclass(frozen=True, slots=True)
class Rules:
    """A robots.txt that was read."""

    parsed: Protego
    are_many: bool = False
    """A look at the largest file takes 150 ms for a long URL: not in the event loop."""

    async def allow(self, url: URL) -> bool:
        """Whether this URL may be fetched. Raises _UnknownError."""
        if self.are_many:
            return await asyncio.to_thread(self._allow, str(url))
        return self._allow(str(url))

    def _allow(self, url: str) -> bool:
        try:
            return self.parsed.can_fetch(url, "*")
        except Exception as exc:  # a fault of the library is not one of the run
            why = f"its rules cannot be applied: {exc!r}"
            raise _UnknownError(Failure("robots_unreachable", why)) from exc


ALLOW_ALL = Rules(Protego.parse(""))


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
        self._known: OrderedDict[URL, _Asked] = OrderedDict()

    async def fetch(self, request: Request) -> Page | Outcome:
        """A Page or an Outcome; `skipped:robots` when robots.txt forbids the URL, or one that
        it redirects to."""
        if self._behind.stopping:
            return handed_back(request)
        try:
            check = partial(self._check, attempt=request.attempt)
            await check(URL(request.url, encoded=True).with_user(None), listed=True)
            return await self._behind.fetch(request, check)
        except _ForbiddenError as exc:
            return _skipped(request, "robots", str(exc))
        except _UnknownError as exc:
            if self._behind.stopping:
                return handed_back(request)
            return self._defer(request, exc.failure)

    async def _check(self, url: URL, *, attempt: int, listed: bool = False) -> None:
        """Raise unless the robots.txt of its origin allows to fetch this URL."""
        origin = url.origin()
        rules = await self._rules(origin, attempt, listed=listed)
        if isinstance(rules, Failure):
            raise _UnknownError(rules)
        if not await rules.allow(url):
            raise _ForbiddenError(
                f"{origin}/robots.txt forbids {without_secrets(url.raw_path_qs)} to {self._token}"
            )

    def _defer(self, request: Request, failure: Failure) -> Outcome:
        """Ask again later; in the end the URL is skipped, never fetched against a silence."""
        outcome = self._retry.verdict(request, failure, time.time())
        if outcome.verdict == "failed" and failure.reason not in _NO_HOST:
            return _skipped(request, failure.reason, failure.detail)
        return outcome

    async def _rules(self, origin: URL, attempt: int, *, listed: bool) -> Rules | Failure:
        """Of an origin, fetched once however many workers ask, and however many URLs it has.

        A server that cannot say what it forbids forbids all (RFC 9309, 2.3.1.4). It is asked
        again by a URL that has waited for it, or after a minute.
        """
        asked = self._known.get(origin)
        if mine := asked is None or not asked.stands(attempt):
            answer = asyncio.ensure_future(self._fetched(origin, listed=listed))
            asked = _Asked(answer, attempt, time.monotonic())
            self._known[origin] = asked
            if len(self._known) > MAX_ORIGINS:
                self._known.popitem(last=False)
        rules = await asyncio.shield(asked.answer)
        if not mine and isinstance(rules, Failure) and _is_outage(rules):
            return replace(rules, uncounted=rules.uncounted or 0.0)  # one failure, one attempt
        return rules

    async def _fetched(self, origin: URL, *, listed: bool) -> Rules | Failure:
        """It never raises: a fault of ours would fail all pages of the origin."""
        url = origin / "robots.txt"
        try:
            return await self._answer(url, listed=listed)
        except (Exception, asyncio.CancelledError) as exc:
            return Failure("robots_unreachable", f"{url}: {exc!r}", again=True)

    async def _answer(self, url: URL, *, listed: bool) -> Rules | Failure:
        hops: list[URL] = []

        async def hop(target: URL) -> None:
            hops.append(target)

        answer = await self._behind.read_small(url, MAX_ROBOTS, MAX_HOPS, hop, listed=listed)
        if isinstance(answer, Failure):
            if answer.reason in _NO_HOST and not hops:  # else it is another host that is not there
                # Not all who wait for it are final by one handshake.
                return replace(answer, again=answer.again or answer.reason == "tls")
            return Failure(
                "robots_unreachable", f"{url}: {answer.detail}", True, uncounted=answer.uncounted
            )
        status, body = answer
        if status >= 500:
            return Failure("robots_unreachable", f"{url}: {status}", again=True)
        if not 200 <= status < 300:
            return ALLOW_ALL  # RFC 9309, 2.3.1.3
        if len(body) >= MAX_ROBOTS:  # half a rule at its end may forbid what the whole does not
            body = body[: max(body.rfind(b"\n"), body.rfind(b"\r")) + 1]
        return await asyncio.to_thread(self._parsed, body)  # 80 ms for the largest

    def _parsed(self, body: bytes) -> Rules:
        text = rules_for(self._token, body.decode("utf-8-sig", "replace"))
        return Rules(rules_of(text), are_many=len(text) > MANY_RULES)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A robots.txt that was asked for."""

    answer: asyncio.Task[Rules | Failure]
    attempt: int
    """Of the URL that it was asked for."""
    at: float

    def stands(self, attempt: int) -> bool:
        """Whether it will do for a URL at this attempt."""
        if not self.answer.done():
            return True
        answer = None if self.answer.cancelled() else self.answer.result()
        failed = answer is None or isinstance(answer, Failure)
        if isinstance(answer, Failure) and _is_outage(answer):
            return False
        if failed and attempt > self.attempt:
            return False
        return time.monotonic() - self.at < (FAILURE_STANDS if failed else RULES_STAND)


def _is_outage(failure: Failure) -> bool:
    """It says nothing of the origin, and may be over in a second."""
    return failure.uncounted is not None or (failure.again and failure.reason in HOST_FAULTS)


def rules_of(text: str) -> Protego:
    """Where the library fails, the lines that it takes one by one (RFC 9309, 2.3.1.5: use the
    rules that can be parsed)."""
    try:
        return Protego.parse(text)
    except Exception:
        agent, *lines = text.splitlines()
        return Protego.parse("\n".join([agent, *(x for x in lines if _is_parsable(agent, x))]))


def _is_parsable(agent: str, line: str) -> bool:
    try:
        Protego.parse(f"{agent}\n{line}")
    except Exception:
        return False
    return True


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
