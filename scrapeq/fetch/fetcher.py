"""One attempt, within its limits of time and memory, and what it came to."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import TypeVar

import aiohttp
from yarl import URL

from scrapeq.breaker import Breaker
from scrapeq.budget import Budget
from scrapeq.custom import Header
from scrapeq.deadlines import Deadlines
from scrapeq.decode import DecodeError, decompress_head
from scrapeq.fetch.addresses import Private, guarded
from scrapeq.fetch.bodies import cut, discard, first_bytes, whole
from scrapeq.fetch.connections import Connections
from scrapeq.fetch.failures import NoPageError, SkippedError, failure_of, status_failure, told
from scrapeq.fetch.headers import content_encoding, is_part, is_wanted, readable
from scrapeq.fetch.limits import FetchLimits
from scrapeq.fetch.proxy import Proxy
from scrapeq.fetch.redirects import Hop, follow
from scrapeq.fetch.secrets import Secrets
from scrapeq.meter import Latency
from scrapeq.models import Outcome, Page, Request
from scrapeq.retry import Failure, RetryPolicy, handed_back
from scrapeq.urls import Credentials

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Attempt:
    """What is known of it from the start."""

    request: Request
    hop: Hop | None
    started: float
    timeout: asyncio.Timeout


class Fetcher:
    """All attempts of a run."""

    def __init__(
        self,
        limits: FetchLimits,
        retry: RetryPolicy,
        *,
        user_agent: str,
        own: Sequence[Header] = (),
        credentials: Mapping[str, Credentials] | None = None,
        proxy: str | None = None,
        private: Private = "default",
        many_sockets: int = 512,
        budget: Budget | None = None,
        breaker: Breaker | None = None,
    ) -> None:
        self.latency = Latency()
        self._limits = limits
        self._retry = retry
        self._connections = Connections(
            limits,
            user_agent=user_agent,
            many=many_sockets,
            proxy=None if proxy is None else Proxy(proxy),
            breaker=breaker,
        )
        # Not `or {}`: it is filled as the list is read.
        self._secrets = Secrets(own, {} if credentials is None else credentials)
        self._private = private
        self._deadlines = Deadlines(limits.total)
        self._budget = budget or Budget(sys.maxsize)
        self._aborted = False
        self.stopping = False

    async def __aenter__(self) -> Fetcher:
        await self._connections.open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._connections.close()

    def stop(self) -> None:
        """Hand back what was not begun: it stays pending."""
        self.stopping = True

    def abort(self) -> None:
        """Hand back also what is under way."""
        self.stopping = self._aborted = True
        self._deadlines.expire_all()

    async def fetch(self, request: Request, hop: Hop | None = None) -> Page | Outcome:
        """One attempt, with all its redirects. Never raises for what a server does.

        The bytes of a Page are taken from the budget, for the holder of the Request's id.
        """
        if self.stopping:
            return handed_back(request)
        clock = asyncio.get_running_loop().time
        started = clock()
        page = None
        try:
            page = await self._in_time(
                lambda timeout: self._follow(_Attempt(request, hop, started, timeout))
            )
            return page
        except SkippedError as exc:
            return exc.outcome
        except NoPageError as exc:
            failure = exc.failure
        except (aiohttp.ClientError, OSError, ValueError) as exc:
            if self._aborted:
                return handed_back(request)
            failure = failure_of(self._connections.judged(exc), self._limits)
        finally:
            self.latency.add(clock() - started)
            if page is None:
                self._budget.free(request.id)
            else:
                self._budget.keep(request.id)
        return self._retry.verdict(request, told(failure, clock() - started), time.time())

    async def read_small(
        self,
        url: URL,
        limit: int,
        max_redirects: int,
        hop: Hop | None = None,
        *,
        listed: bool = False,
    ) -> tuple[int, bytes] | Failure:
        """Status and, of a 2xx, the first `limit` bytes of a file for the run itself. `listed`:
        its origin is one of the list, and may be told what the user says to those."""
        headers = self._secrets.own if listed else ()
        try:
            return await self._in_time(
                lambda _: self._small(url, headers, limit, max_redirects, hop)
            )
        except NoPageError as exc:  # it redirects to where nobody follows, or not now
            return replace(exc.failure, reason="redirects") if exc.failure.again else (404, b"")
        except (aiohttp.ClientError, OSError, ValueError, DecodeError) as exc:
            return failure_of(self._connections.judged(exc), self._limits)

    async def _in_time(self, attempt: Callable[[asyncio.Timeout], Awaitable[T]]) -> T:
        """Within the total time of one attempt, which `abort` can end early."""
        timeout = self._deadlines.begin()
        try:
            with guarded(self._private):
                async with timeout:
                    return await attempt(timeout)
        finally:
            self._deadlines.end(timeout)

    async def _small(
        self,
        url: URL,
        headers: Sequence[Header],
        limit: int,
        max_redirects: int,
        hop: Hop | None,
    ) -> tuple[int, bytes]:
        _, response = await self._answer(url, headers, max_redirects, hop)
        async with response:
            if not 200 <= response.status < 300:
                await discard(response)
                return response.status, b""
            body = await first_bytes(response, limit)
            if coding := content_encoding(response):
                body = await asyncio.to_thread(decompress_head, body, coding, limit)
            return response.status, body

    async def _follow(self, attempt: _Attempt) -> Page:
        url, headers = self._secrets.for_listed(URL(attempt.request.url, encoded=True))
        url, response = await self._answer(url, headers, self._limits.max_redirects, attempt.hop)
        async with response:
            return await self._page(attempt, url, response)

    async def _answer(
        self, url: URL, headers: Sequence[Header], max_redirects: int, hop: Hop | None
    ) -> tuple[URL, aiohttp.ClientResponse]:
        return await follow(
            self._connections, url, headers, limit=max_redirects, private=self._private, hop=hop
        )

    async def _page(self, attempt: _Attempt, url: URL, response: aiohttp.ClientResponse) -> Page:
        request = attempt.request
        if not 200 <= response.status < 300 or is_part(response):
            await discard(response)
            raise NoPageError(status_failure(response, url))
        content_type = readable(response.headers.get("Content-Type", ""))
        if not is_wanted(content_type):
            cut(response)
            raise SkippedError(
                Outcome(
                    request,
                    "skipped",
                    "content_type",
                    content_type,
                    attempts=request.attempt,
                    status=response.status,
                    final_url=str(url),
                    elapsed=asyncio.get_running_loop().time() - attempt.started,
                    content_type=content_type,
                )
            )
        return Page(
            request,
            str(url),
            response.status,
            await whole(
                response, url, self._limits.max_size, lambda size: self._take(attempt, size)
            ),
            content_type,
            content_encoding(response),
            asyncio.get_running_loop().time() - attempt.started,
        )

    async def _take(self, attempt: _Attempt, size: int) -> None:
        """Take bytes of the budget. While there are none, the clock of the attempt stands still.

        Only what has come is taken: a promise of 10 MB (Content-Length) holds nobody back.
        """
        if not self._budget.take_now(attempt.request.id, size):
            with self._deadlines.stopped(attempt.timeout):
                await self._budget.take(attempt.request.id, size)
