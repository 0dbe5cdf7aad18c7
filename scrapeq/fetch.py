"""Request -> Page, or the Outcome that says why not. aiohttp lives here and nowhere else."""

from __future__ import annotations

import asyncio
import errno
import re
import socket
import ssl
import sys
import time
from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import lru_cache
from types import TracebackType
from typing import Literal, TypeVar
from weakref import WeakSet

import aiohttp
from aiohttp.client_proto import ResponseHandler
from yarl import URL

from scrapeq.budget import Budget
from scrapeq.deadlines import Deadlines
from scrapeq.decode import DecodeError, decompress_head
from scrapeq.meter import Latency
from scrapeq.models import Outcome, Page, Request
from scrapeq.private import is_metadata, is_private
from scrapeq.retry import RETRY_STATUSES, Failure, RetryPolicy, handed_back, retry_after
from scrapeq.urls import MASK, BadURLError, Credentials, parse

REDIRECTS = frozenset({301, 302, 303, 307, 308})
HEADER_LIMIT = 32 << 10
"""Bytes of one header line; aiohttp's own 8,190 refuse servers that curl accepts."""
SMALL_BODY = 64 << 10
"""An unwanted body up to this size is read, so that its connection can be used again."""
SMALL_WAIT = 1.0
"""Seconds that the rest of one may take: longer than a new connection would."""

MAX_DETAIL = 500
"""Characters that are told of a failure: aiohttp quotes what it could not read."""

_WANTED = ("text/", "application/xhtml+xml", "application/xml")
_HEADERS = {
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.5",
    "Accept-Encoding": "gzip, deflate, br, zstd",
}

_RAW_BYTE = re.compile("[\udc80-\udcff]")

T = TypeVar("T")

Private = Literal["default", "allow", "block"]
"""`default`: a URL of the list may be private, a redirect from a public host may not."""

Grown = Callable[[int], Awaitable[None]]
"""Told of the bytes that a body has grown by."""
Hop = Callable[[URL], Awaitable[None]]
"""Asked before a redirect is followed; what it raises ends the attempt."""


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


@dataclass(frozen=True, slots=True)
class _Attempt:
    """What is known of it from the start."""

    request: Request
    hop: Hop | None
    started: float
    timeout: asyncio.Timeout


class _NoPageError(Exception):
    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.reason)
        self.failure = failure


class _SkippedError(Exception):
    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.reason)
        self.outcome = outcome


class _ForbiddenAddressError(OSError):
    """A connection that was refused here, before it was tried."""


def _nobody(_: str) -> bool:
    return False


_forbidden: ContextVar[Callable[[str], bool]] = ContextVar("forbidden", default=_nobody)
"""Which addresses the attempt of this task may not connect to, on this hop."""


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
        many_sockets: int = 512,
        budget: Budget | None = None,
    ) -> None:
        self.latency = Latency()
        self._limits = limits
        self._retry = retry
        self._headers = {**_HEADERS, "User-Agent": user_agent}
        self._credentials = {} if credentials is None else credentials  # filled as the list is read
        self._private = private
        self._deadlines = Deadlines(limits.total)
        self._budget = budget or Budget(sys.maxsize)
        self._sockets: WeakSet[socket.socket] = WeakSet()
        self._many_sockets = many_sockets
        self._aborted = False
        self.stopping = False

    async def __aenter__(self) -> Fetcher:
        self.session = aiohttp.ClientSession(
            # aiohttp would choose another resolver as soon as aiodns is installed.
            connector=aiohttp.TCPConnector(
                limit=0,
                ttl_dns_cache=300,
                resolver=aiohttp.ThreadedResolver(),
                socket_factory=self._socket_for,
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
        except _SkippedError as exc:
            return exc.outcome
        except _NoPageError as exc:
            failure = exc.failure
        except (aiohttp.ClientError, OSError, ValueError) as exc:
            if self._aborted:
                return handed_back(request)
            failure = failure_of(exc, self._limits)
        finally:
            self.latency.add(clock() - started)
            if page is None:
                self._budget.free(request.id)
            else:
                self._budget.keep(request.id)
        detail = _readable(failure.detail)[:MAX_DETAIL]
        failure = replace(failure, detail=detail, elapsed=clock() - started)
        return self._retry.verdict(request, failure, time.time())

    async def read_small(
        self, url: URL, limit: int, max_redirects: int
    ) -> tuple[int, bytes] | Failure:
        """Status and, of a 2xx, the first `limit` bytes of a file for the run itself."""
        try:
            return await self._in_time(lambda _: self._small(url, limit, max_redirects))
        except _NoPageError:  # it redirects to where nobody follows
            return 404, b""
        except (aiohttp.ClientError, OSError, ValueError, DecodeError) as exc:
            return failure_of(exc, self._limits)

    async def _in_time(self, attempt: Callable[[asyncio.Timeout], Awaitable[T]]) -> T:
        """Within the total time of one attempt, which `abort` can end early."""
        before = _forbidden.get()
        mark = _forbidden.set(is_private if self._private == "block" else before)
        timeout = self._deadlines.begin()
        try:
            async with timeout:
                return await attempt(timeout)
        finally:
            self._deadlines.end(timeout)
            _forbidden.reset(mark)

    async def _small(self, url: URL, limit: int, max_redirects: int) -> tuple[int, bytes]:
        _, response = await self._answer(url, {}, max_redirects, None)
        async with response:
            if not 200 <= response.status < 300:
                await _discard(response)
                return response.status, b""
            body = await response.content.read(limit)
            while piece := await response.content.read(limit - len(body)):
                body += piece
            if not response.content.at_eof():
                _cut(response)
            return response.status, decompress_head(body, _content_encoding(response), limit)

    async def _follow(self, attempt: _Attempt) -> Page:
        url = URL(attempt.request.url, encoded=True)
        headers = {}
        if url.raw_user is not None:
            headers = self._authorization(url)
            url = url.with_user(None)
        url, response = await self._answer(url, headers, self._limits.max_redirects, attempt.hop)
        async with response:
            return await self._page(attempt, url, response)

    async def _answer(
        self, url: URL, headers: dict[str, str], max_redirects: int, hop: Hop | None
    ) -> tuple[URL, aiohttp.ClientResponse]:
        """The first answer that is no redirect, and where it came from. The caller closes it."""
        seen = {url}
        while True:
            response = await self.session.get(
                url, allow_redirects=False, headers=headers | self._keeping()
            )
            if response.status not in REDIRECTS or "Location" not in response.headers:
                return url, response
            async with response:
                target = _target(url, response.headers.getall("Location"))
                await _discard(response)
            if target in seen or len(seen) > max_redirects:
                kind = "a loop" if target in seen else f"more than {max_redirects}"
                raise _NoPageError(Failure("redirects", f"{kind}: {target}", final_url=str(url)))
            await self._check_hop(url, target)
            if hop is not None:
                await hop(target)
            if target.origin() != url.origin():
                headers = {}  # what was said to one origin is not for another
            seen.add(target)
            url = target

    async def _page(self, attempt: _Attempt, url: URL, response: aiohttp.ClientResponse) -> Page:
        request = attempt.request
        if not 200 <= response.status < 300:
            await _discard(response)
            raise _NoPageError(_status_failure(response, url))
        content_type = _readable(response.headers.get("Content-Type", ""))
        if not _is_wanted(content_type):
            _cut(response)
            raise _SkippedError(
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
            await self._body(attempt, url, response),
            content_type,
            _content_encoding(response),
            asyncio.get_running_loop().time() - attempt.started,
        )

    async def _body(self, attempt: _Attempt, url: URL, response: aiohttp.ClientResponse) -> bytes:
        limit = self._limits.max_size
        length = response.content_length
        transfer = response.headers.get("Transfer-Encoding", "")
        if transfer and transfer.lower() not in ("chunked", "identity"):
            raise _refused(response, url, "encoding", f"unknown transfer coding {transfer[:40]!r}")
        body = None
        if (length or 0) <= limit:
            body = await _unless_reset(
                response,
                limit,
                framed=bool(transfer) or length is not None,
                grown=lambda size: self._take(attempt, size),
            )
        if body is None:
            raise _refused(response, url, "too_large", f"more than {limit:,} bytes")
        return body

    async def _take(self, attempt: _Attempt, size: int) -> None:
        """Take bytes of the budget. While there are none, the clock of the attempt stands still.

        Only what has come is taken: a promise of 10 MB (Content-Length) holds nobody back.
        """
        if not self._budget.take_now(attempt.request.id, size):
            with self._deadlines.stopped(attempt.timeout):
                await self._budget.take(attempt.request.id, size)

    async def _check_hop(self, url: URL, target: URL) -> None:
        if url.scheme == "https" and target.scheme == "http":
            raise _NoPageError(Failure("redirect_downgrade", f"from https to {target}"))
        if self._private == "block" or url.host == target.host:
            return  # what is forbidden stays so
        inside = self._private == "allow"
        if not inside:
            inside = await _resolves_to_private(target)
            if inside and not await _resolves_to_private(url):
                raise _NoPageError(Failure("private_network", f"redirected to {target}"))
        # The name may mean another address by the time it is connected to.
        _forbidden.set(is_metadata if inside else is_private)

    def _socket_for(self, address: aiohttp.AddrInfoType) -> socket.socket:
        """The last look at an address before it is connected to, whatever was looked up before."""
        family, kind, protocol, _, (host, *_) = address
        if _forbidden.get()(str(host)):
            raise _ForbiddenAddressError(errno.EACCES, "a private address")
        made = socket.socket(family, kind, protocol)
        self._sockets.add(made)
        return made

    def _keeping(self) -> dict[str, str]:
        """Whether to ask that the connection be kept. One is kept for each host of a long list
        until it has idled for some seconds: more of them than there may be open files."""
        return {} if len(self._sockets) < self._many_sockets else {"Connection": "close"}

    def _authorization(self, url: URL) -> dict[str, str]:
        if url.user != MASK:
            return {}
        secret = self._credentials.get(str(url)) or self._credentials.get(str(url.origin()))
        if secret is None:
            raise _NoPageError(
                Failure("credentials", "its user and password are not stored: give the list again")
            )
        token = b64encode(f"{secret.user}:{secret.password}".encode()).decode()
        return {"Authorization": f"Basic {token}"}


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
            if isinstance(exc.os_error, _ForbiddenAddressError):
                return Failure("private_network", f"{exc.host} has a private address")
            return Failure("connect", exc.strerror or text, again=True)
        case aiohttp.ServerDisconnectedError():
            return Failure("disconnected", "closed before the answer was whole", again=True)
        case aiohttp.ClientPayloadError():
            return Failure("truncated", text, again=True)
        case aiohttp.InvalidURL():
            return Failure("invalid_url", text)
        case aiohttp.ClientResponseError():
            too_large = "Got more than" in exc.message or "Too many headers" in exc.message
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
    if status < 200:
        return Failure("protocol", f"{status} unasked", status=status, final_url=str(url))
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


def _target(url: URL, locations: Sequence[str]) -> URL:
    """Where a redirect leads, by the rules for a URL of the list. User and password in it are
    nobody's and are dropped."""
    location = locations[0].strip()
    try:
        if any(other.strip() != location for other in locations):
            raise ValueError("two different locations")
        quoted = _RAW_BYTE.sub(lambda match: f"%{ord(match[0]) - 0xDC00:02X}", location)
        return parse(str(url.join(URL(quoted)))).with_user(None)
    except ValueError as exc:
        scheme = isinstance(exc, BadURLError) and exc.reason == "scheme"
        reason = "redirect_scheme" if scheme else "redirect_invalid"
        raise _NoPageError(Failure(reason, f"{location[:200]!r}: {exc}")) from None


async def _resolves_to_private(url: URL) -> bool:
    """Whether any address of the host is private. A name without addresses is not."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            url.raw_host, url.port, type=socket.SOCK_STREAM
        )
    except OSError:
        return False
    return any(is_private(str(address[0])) for *_, address in found)


@lru_cache(1024)
def _is_wanted(content_type: str) -> bool:
    kind = content_type.partition(";")[0].strip().lower()
    return not kind or kind.startswith(_WANTED) or kind.endswith("+xml")


def _readable(text: str) -> str:
    """Text of a header, in which aiohttp writes a byte that is not UTF-8 as a lone surrogate:
    no database takes those."""
    return text if text.isascii() else _RAW_BYTE.sub("\ufffd", text)


def _content_encoding(response: aiohttp.ClientResponse) -> str:
    return ", ".join(response.headers.getall("Content-Encoding", ()))


async def _read(
    content: aiohttp.StreamReader, limit: int, grown: Grown | None = None
) -> bytes | None:
    """A whole body, or None when it is longer than `limit`. `grown` is told of each piece, and
    may take its time."""
    pieces = []
    size = 0
    while piece := await content.readany():
        pieces.append(piece)
        size += len(piece)
        if size > limit:
            return None
        if grown is not None:
            await grown(len(piece))
    return b"".join(pieces)


async def _unless_reset(
    response: aiohttp.ClientResponse, limit: int, *, framed: bool, grown: Grown | None
) -> bytes | None:
    """The same, but raise what ended the connection if that was no orderly close. Nothing else
    tells the end of a body without a frame from a loss."""
    protocol = response.connection.protocol if response.connection else None
    try:
        body = await _read(response.content, limit, grown)
    except aiohttp.ClientPayloadError:
        _check_reset(protocol)
        raise
    if not framed and body is not None:
        _check_reset(protocol)
    return body


def _check_reset(protocol: ResponseHandler | None) -> None:
    fault = protocol.exception() if protocol is not None else None
    if isinstance(fault, OSError):
        raise fault


def _refused(response: aiohttp.ClientResponse, url: URL, reason: str, detail: str) -> _NoPageError:
    """What to raise for a body that is not read."""
    _cut(response)
    return _NoPageError(Failure(reason, detail, status=response.status, final_url=str(url)))


async def _discard(response: aiohttp.ClientResponse) -> None:
    """Read away a small body; cut the connection rather than read a large or a slow one."""
    if (response.content_length or 0) <= SMALL_BODY:
        with suppress(aiohttp.ClientError, OSError):  # whatever it lacks, nobody wants it
            async with asyncio.timeout(SMALL_WAIT):
                if await _read(response.content, SMALL_BODY) is not None:
                    return
    _cut(response)


def _cut(response: aiohttp.ClientResponse) -> None:
    if response.connection is not None and response.connection.transport is not None:
        response.connection.transport.abort()  # close() goes on reading on a TLS connection
    response.close()
