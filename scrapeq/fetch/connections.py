"""One aiohttp session for a whole run: its sockets, and which connections are kept."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from contextvars import ContextVar
from weakref import WeakSet

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from scrapeq.breaker import FIRST_PAUSE, HOST_FAULTS, Breaker, Endpoint
from scrapeq.clock import Clock
from scrapeq.custom import Header
from scrapeq.fetch.addresses import check_address, check_host
from scrapeq.fetch.failures import ProxyNameError, UncountedError, failure_of, is_ours
from scrapeq.fetch.limits import FetchLimits
from scrapeq.fetch.pool import Pool, Trip, trip
from scrapeq.fetch.proxy import Proxy
from scrapeq.fetch.resolver import Resolver
from scrapeq.urls import endpoint_of

_HEADERS = {
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.5",
    "Accept-Encoding": "gzip, deflate, br, zstd",
}

_unanswered: ContextVar[tuple[Endpoint, float] | None] = ContextVar("unanswered", default=None)
"""Whom this task has asked and when, until the head of an answer has come."""


class Connections:
    """Sends requests. `many` is the number of sockets beyond which none is kept."""

    def __init__(
        self,
        limits: FetchLimits,
        *,
        user_agent: str,
        many: int,
        proxy: Proxy | None = None,
        breaker: Breaker | None = None,
    ) -> None:
        self._limits = limits
        self._headers = {**_HEADERS, "User-Agent": user_agent}
        self._many = many
        self._proxy = proxy
        self._breaker = breaker or Breaker()
        self._clock = Clock()
        self._sockets: WeakSet[socket.socket] = WeakSet()

    async def open(self) -> None:
        """Begin. It belongs to the event loop that runs now."""
        self._clock.start()
        self.resolver = Resolver(self._limits.connect)
        self._session = aiohttp.ClientSession(
            connector=Pool(
                limit=0,
                ttl_dns_cache=300,
                resolver=self.resolver,
                socket_factory=self._socket_for,
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=self._headers,
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(
                total=None, sock_connect=self._limits.connect, sock_read=self._limits.read
            ),
            max_line_size=self._limits.max_header,
            max_field_size=self._limits.max_header,
        )
        self._session._retry_connection = False  # it would ask twice also where nobody answered

    async def close(self) -> None:
        self._clock.stop()
        await self._session.close()

    async def get(self, url: URL, headers: Sequence[Header]) -> aiohttp.ClientResponse:
        """The answer to one request, its body unread. The caller closes it.

        Raises UncountedError where a failure is no news of the host, or not its fault.
        """
        now = asyncio.get_running_loop().time
        asked = (endpoint_of(url), now())
        _unanswered.set(asked)
        try:
            response = await self._ask(url, headers)
        except (aiohttp.ClientError, OSError) as exc:
            if (judged := self.judged(exc)) is exc:
                raise  # `from` itself would be a ring, and keep its frames
            raise judged from exc
        _unanswered.set(None)
        self._breaker.answered(asked[0], now())
        return response

    def judged(self, exc: Exception) -> Exception:
        """What to make of the end of the request that this task has under way: `exc` itself, or an
        UncountedError. It is also for the end of an attempt's time, which nobody in here sees."""
        if (asked := _unanswered.get()) is None:
            return exc
        _unanswered.set(None)
        endpoint, began = asked
        now = asyncio.get_running_loop().time()
        failure = failure_of(exc, self._limits)
        if failure.reason not in HOST_FAULTS or not failure.again:
            self._breaker.answered(None, now)
            return exc
        if self._clock.stood_still_since(began):
            return UncountedError(exc, 0.0)
        if self._breaker.failed(endpoint, failure.reason, began, now, ours=is_ours(exc)):
            return exc
        return UncountedError(exc, max(FIRST_PAUSE, self._breaker.pause(endpoint, now)))

    async def _ask(self, url: URL, headers: Sequence[Header]) -> aiohttp.ClientResponse:
        sent = Trip(last=len(self._sockets) >= self._many)
        try:
            return await self._send(url, headers, sent)
        except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError):
            if not sent.in_vain:
                raise
        return await self._send(url, headers, Trip(fresh=True, last=sent.last))

    async def _send(
        self, url: URL, headers: Sequence[Header], sent: Trip
    ) -> aiohttp.ClientResponse:
        # One is kept for each host of a long list until it has idled for some seconds: more of
        # them than there may be open files.
        closing = (("Connection", "close"),) if sent.last else ()
        trip.set(sent)
        asked = CIMultiDict([*headers, *closing])
        if self._proxy is not None:
            return await self._send_through(self._proxy, url, asked)
        return await self._session.get(url, allow_redirects=False, headers=asked)

    async def _send_through(
        self, proxy: Proxy, url: URL, asked: CIMultiDict[str]
    ) -> aiohttp.ClientResponse:
        """By the proxy, which connects to where no socket of ours can be kept from."""
        await check_host(url, self.resolver)
        asked.extend(proxy.beside(url))
        try:
            return await self._session.get(
                url,
                allow_redirects=False,
                headers=asked,
                proxy=proxy.url,
                proxy_headers=proxy.ahead(url),
            )
        except aiohttp.ClientConnectorDNSError as exc:  # no other name is looked up here
            raise ProxyNameError(f"{exc.host}: {exc.strerror}") from exc

    def _socket_for(self, address: aiohttp.AddrInfoType) -> socket.socket:
        """The last look at an address before it is connected to, whatever was looked up before."""
        family, kind, protocol, _, (host, *_) = address
        if self._proxy is None:
            check_address(str(host))
        made = socket.socket(family, kind, protocol)
        self._sockets.add(made)
        return made
