"""Request -> Page, or the Outcome that says why not. aiohttp lives here and nowhere else."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from base64 import b64encode
from collections.abc import Coroutine, Mapping, MutableMapping
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, TypeVar

import aiohttp
from yarl import URL

from scrapeq.decode import DecodeError, decompress
from scrapeq.meter import Latency
from scrapeq.models import Outcome, Page, Request
from scrapeq.private import is_private
from scrapeq.retry import RETRY_STATUSES, Failure, RetryPolicy, handed_back, retry_after
from scrapeq.urls import MASK, Credentials

REDIRECTS = frozenset({301, 302, 303, 307, 308})
HEADER_LIMIT = 32 << 10
"""Bytes of one header line; aiohttp's own 8,190 refuse servers that curl accepts."""
SMALL_BODY = 64 << 10
"""An unwanted body up to this size is read, so that its connection can be used again."""

_WANTED = ("text/", "application/xhtml+xml", "application/xml")
_HEADERS = {
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.5",
    "Accept-Encoding": "gzip, deflate, br, zstd",
}

T = TypeVar("T")

Private = Literal["default", "allow", "block"]
"""`default`: a URL of the list may be private, a redirect from a public host may not."""


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """Seconds and bytes of one attempt."""

    total: float = 30.0
    connect: float = 10.0
    read: float = 20.0
    """Between two pieces of an answer."""
    max_size: int = 10 << 20
    """Of a body on the wire."""
    max_redirects: int = 10


class _NoPageError(Exception):
    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.reason)
        self.failure = failure


class _SkippedError(Exception):
    pass


class Fetcher:
    """One aiohttp session for a whole run."""

    def __init__(
        self,
        limits: FetchLimits,
        retry: RetryPolicy,
        *,
        user_agent: str,
        credentials: Mapping[str, Credentials] | None = None,
        private: Private = "default",
    ) -> None:
        self.latency = Latency()
        self._limits = limits
        self._retry = retry
        self._headers = {**_HEADERS, "User-Agent": user_agent}
        self._credentials = credentials or {}
        self._private = private
        self._under_way: set[asyncio.Timeout] = set()
        self.stopping = False

    async def __aenter__(self) -> Fetcher:
        self.session = aiohttp.ClientSession(
            # aiohttp would choose another resolver as soon as aiodns is installed.
            connector=aiohttp.TCPConnector(
                limit=0, ttl_dns_cache=300, resolver=aiohttp.ThreadedResolver()
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=self._headers,
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(
                total=None, sock_connect=self._limits.connect, sock_read=self._limits.read
            ),
            max_line_size=HEADER_LIMIT,
            max_field_size=HEADER_LIMIT,
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.session.close()

    def stop(self) -> None:
        """Hand back what was not begun: it stays pending."""
        self.stopping = True

    def abort(self) -> None:
        """Hand back also what is under way."""
        self.stopping = True
        now = asyncio.get_running_loop().time()
        for timeout in self._under_way:
            timeout.reschedule(now)

    async def fetch(self, request: Request) -> Page | Outcome:
        """One attempt, with all its redirects. Never raises for what a server does."""
        if self.stopping:
            return handed_back(request)
        clock = asyncio.get_running_loop().time
        started = clock()
        try:
            return await self._in_time(self._follow(request, started))
        except _SkippedError as exc:
            return Outcome(request, "skipped", "content_type", str(exc), attempts=request.attempt)
        except _NoPageError as exc:
            failure = exc.failure
        except (aiohttp.ClientError, OSError, ValueError) as exc:
            if self.stopping and isinstance(exc, TimeoutError):
                return handed_back(request)
            failure = failure_of(exc, self._limits)
        finally:
            self.latency.add(clock() - started)
        return self._retry.verdict(request, failure, time.time())

    async def read_small(self, url: URL, limit: int, max_redirects: int) -> tuple[int, bytes]:
        """Status and the first `limit` bytes of a file for the run itself; 0 without an answer."""
        try:
            return await self._in_time(self._small(url, limit, max_redirects))
        except _NoPageError as exc:
            return (404 if exc.failure.reason == "redirects" else 0), b""
        except (aiohttp.ClientError, OSError, ValueError, DecodeError):
            return 0, b""

    async def _in_time(self, attempt: Coroutine[None, None, T]) -> T:
        """Within the total time of one attempt, which `abort` can end early."""
        timeout = asyncio.timeout(self._limits.total)
        self._under_way.add(timeout)
        try:
            async with timeout:
                return await attempt
        finally:
            self._under_way.discard(timeout)

    async def _small(self, url: URL, limit: int, max_redirects: int) -> tuple[int, bytes]:
        _, response = await self._answer(url, {}, max_redirects)
        async with response:
            body = await response.content.read(limit)
            while piece := await response.content.read(limit - len(body)):
                body += piece
            coding = response.headers.get("Content-Encoding", "")
            if not response.content.at_eof():
                _cut(response)
            return response.status, decompress(body, coding, limit)[0]

    async def _follow(self, request: Request, started: float) -> Page:
        url = URL(request.url, encoded=True)
        headers = self._authorization(url)
        url = url.with_user(None)
        if self._private == "block" and await _resolves_to_private(url):
            raise _NoPageError(Failure("private_network", "the host is not on the public internet"))
        url, response = await self._answer(url, headers, self._limits.max_redirects)
        async with response:
            return await self._page(request, url, response, started)

    async def _answer(
        self, url: URL, headers: dict[str, str], max_redirects: int
    ) -> tuple[URL, aiohttp.ClientResponse]:
        """The first answer that is no redirect, and where it came from. The caller closes it."""
        seen = {url}
        while True:
            response = await self.session.get(url, allow_redirects=False, headers=headers)
            if response.status not in REDIRECTS or "Location" not in response.headers:
                return url, response
            async with response:
                target = _target(url, response.headers["Location"])
                await _discard(response)
            if target in seen or len(seen) > max_redirects:
                kind = "a loop" if target in seen else f"more than {max_redirects}"
                raise _NoPageError(Failure("redirects", f"{kind}: {target}", final_url=str(url)))
            await self._check_hop(url, target)
            if target.origin() != url.origin():
                headers = {}  # what was said to one origin is not for another
            seen.add(target)
            url = target

    async def _page(
        self, request: Request, url: URL, response: aiohttp.ClientResponse, started: float
    ) -> Page:
        if not 200 <= response.status < 300:
            await _discard(response)
            raise _NoPageError(_status_failure(response, url))
        content_type = response.headers.get("Content-Type", "")
        if not _is_wanted(content_type):
            _cut(response)
            raise _SkippedError(content_type)
        return Page(
            request,
            str(url),
            response.status,
            await self._body(response),
            content_type,
            ", ".join(response.headers.getall("Content-Encoding", ())),
            asyncio.get_running_loop().time() - started,
        )

    async def _body(self, response: aiohttp.ClientResponse) -> bytes:
        limit = self._limits.max_size
        pieces = []
        size = response.content_length or 0
        if size <= limit:
            size = 0
            async for piece in response.content.iter_any():
                pieces.append(piece)
                size += len(piece)
                if size > limit:
                    break
            else:
                return b"".join(pieces)
        _cut(response)
        raise _NoPageError(
            Failure("too_large", f"more than {limit:,} bytes", status=response.status)
        )

    async def _check_hop(self, url: URL, target: URL) -> None:
        if url.scheme == "https" and target.scheme == "http":
            raise _NoPageError(Failure("redirect_downgrade", f"from https to {target}"))
        if self._private == "allow" or url.host == target.host:
            return
        if await _resolves_to_private(target) and not await _resolves_to_private(url):
            raise _NoPageError(Failure("private_network", f"redirected to {target}"))

    def _authorization(self, url: URL) -> dict[str, str]:
        if url.user != MASK:
            return {}
        secret = self._credentials.get(str(url.origin()))
        if secret is None:
            raise _NoPageError(
                Failure("credentials", "its user and password are not stored: give the list again")
            )
        token = b64encode(f"{secret.user}:{secret.password}".encode()).decode()
        return {"Authorization": f"Basic {token}"}


def remember(credentials: MutableMapping[str, Credentials], found: Credentials | None) -> None:
    """Keep what a URL of the list said, for its origin alone and for this run alone."""
    if found is not None:
        credentials[found.origin] = found


def failure_of(exc: Exception, limits: FetchLimits) -> Failure:
    """The Failure of an attempt that ended in an exception of aiohttp or the system."""
    text = str(exc) or type(exc).__name__
    match exc:
        case aiohttp.ConnectionTimeoutError():
            return Failure("connect_timeout", f"no connection in {limits.connect:g}s", again=True)
        case aiohttp.SocketTimeoutError():
            return Failure("read_timeout", f"silent for {limits.read:g}s", again=True)
        case TimeoutError():
            return Failure("timeout", f"not done in {limits.total:g}s", again=True)
        case aiohttp.ClientConnectorDNSError():
            return Failure("dns", text, again=_dns_may_recover(exc))
        case aiohttp.ClientConnectorCertificateError():
            return Failure("tls_cert", str(exc.certificate_error))
        case aiohttp.ClientConnectorSSLError() | ssl.SSLError():
            return Failure("tls", text)
        case aiohttp.ClientConnectorError():
            return Failure("connect", exc.strerror or text, again=True)
        case aiohttp.ServerDisconnectedError():
            return Failure("disconnected", "closed before the answer was whole", again=True)
        case aiohttp.ClientPayloadError():
            reset = isinstance(exc.__cause__, ConnectionError)
            return Failure("reset" if reset else "truncated", text, again=True)
        case aiohttp.InvalidURL():
            return Failure("invalid_url", text)
        case aiohttp.ClientResponseError():
            too_large = "Got more than" in exc.message
            return Failure("header_too_large" if too_large else "protocol", exc.message)
        case OSError():  # ClientOSError among them
            return Failure("reset", exc.strerror or text, again=True)
        case _:
            return Failure("protocol", text)


def _dns_may_recover(exc: aiohttp.ClientConnectorDNSError) -> bool:
    """NXDOMAIN and the like are answers; SERVFAIL and silence are not."""
    return exc.errno not in (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", None))


def _status_failure(response: aiohttp.ClientResponse, url: URL) -> Failure:
    status = response.status
    patience = None
    if status in (429, 503):
        patience = retry_after(response.headers.get("Retry-After"), time.time())
    return Failure(
        str(status),
        f"{status} {response.reason or ''}".strip(),
        again=status in RETRY_STATUSES,
        status=status,
        final_url=str(url),
        patience=patience,
    )


def _target(url: URL, location: str) -> URL:
    """Where a redirect leads. User and password in it are nobody's and are dropped."""
    try:
        target = url.join(URL(location.strip())).with_fragment(None)
        if target.scheme not in ("http", "https"):
            raise _NoPageError(Failure("redirect_scheme", f"to {target.scheme}:"))
        if not target.raw_host or not target.port:
            raise ValueError("no host")
        return target.with_user(None)
    except ValueError as exc:
        raise _NoPageError(Failure("redirect_invalid", f"{location[:200]!r}: {exc}")) from None


async def _resolves_to_private(url: URL) -> bool:
    """Whether any address of the host is private. A name without addresses is not."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            url.raw_host, url.port, type=socket.SOCK_STREAM
        )
    except OSError:
        return False
    return any(is_private(str(address[0])) for *_, address in found)


def _is_wanted(content_type: str) -> bool:
    kind = content_type.partition(";")[0].strip().lower()
    return not kind or kind.startswith(_WANTED) or kind.endswith("+xml")


async def _discard(response: aiohttp.ClientResponse) -> None:
    """Read away a small body; cut the connection rather than read a large one."""
    if response.content_length is not None and response.content_length <= SMALL_BODY:
        await response.read()
    else:
        _cut(response)


def _cut(response: aiohttp.ClientResponse) -> None:
    if response.connection is not None and response.connection.transport is not None:
        response.connection.transport.abort()  # close() goes on reading on a TLS connection
    response.close()
