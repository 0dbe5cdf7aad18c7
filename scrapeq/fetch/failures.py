"""What an attempt ended in -> the Failure that is kept of it."""

from __future__ import annotations

import errno
import ssl
import time
from dataclasses import replace

import aiohttp
from yarl import URL

from scrapeq.fetch.headers import readable
from scrapeq.fetch.limits import FetchLimits
from scrapeq.fetch.resolver import may_recover
from scrapeq.fetch.wire import BrokenFrameError
from scrapeq.models import Outcome
from scrapeq.retry import RETRY_STATUSES, Failure, retry_after
from scrapeq.urls import without_secrets

MAX_DETAIL = 500
"""Characters that are told of a failure: aiohttp quotes what it could not read."""


_OURS = frozenset(
    {errno.EADDRNOTAVAIL, errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EAGAIN}
)


class NoPageError(Exception):
    """Ends an attempt that will bring no page."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.reason)
        self.failure = failure


class SkippedError(Exception):
    """Ends an attempt whose page nobody wants."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.reason)
        self.outcome = outcome


class ForbiddenAddressError(OSError):
    """A connection that was refused here, before it was tried."""


class ProxyNameError(OSError):
    """The name of the proxy has no address now."""


class UncountedError(OSError):
    """An exchange that failed, and says nothing about the URL it was for."""

    def __init__(self, cause: Exception, seconds: float) -> None:
        super().__init__(str(cause))
        self.cause = cause
        self.seconds = seconds


def failure_of(exc: Exception, limits: FetchLimits) -> Failure:
    """The Failure of an attempt that ended in an exception of aiohttp or the system."""
    text = str(exc) or type(exc).__name__
    match exc:
        case UncountedError():
            return replace(failure_of(exc.cause, limits), uncounted=exc.seconds)
        case aiohttp.ConnectionTimeoutError():
            return Failure("connect_timeout", f"no connection in {limits.connect:g}s", again=True)
        case aiohttp.SocketTimeoutError():
            return Failure("read_timeout", f"silent for {limits.read:g}s", again=True)
        case TimeoutError():
            return Failure("timeout", f"not done in {limits.total:g}s", again=True)
        case aiohttp.ClientConnectorDNSError():
            return Failure("dns", text, again=may_recover(exc.errno))
        case ProxyNameError():
            return Failure("proxy", text, again=True)
        case aiohttp.ClientHttpProxyError():
            again = exc.status in RETRY_STATUSES
            return Failure("proxy", f"the proxy says {exc.status} {exc.message}", again=again)
        case aiohttp.ClientProxyConnectionError():
            return Failure("proxy", text, again=True)
        case ForbiddenAddressError():
            return Failure("private_network", text)
        case aiohttp.ClientConnectorCertificateError():
            return Failure("tls_cert", str(exc.certificate_error))
        case aiohttp.ClientConnectorSSLError():
            return Failure("tls", text)
        case ssl.SSLError():  # they had agreed already
            return Failure("tls", text, again=True)
        case aiohttp.ClientConnectorError():
            if isinstance(exc.os_error, ForbiddenAddressError):
                return Failure("private_network", f"{exc.host} has a private address")
            return Failure("connect", exc.strerror or text, again=True)
        case aiohttp.ServerDisconnectedError():
            return Failure("disconnected", "closed before the answer was whole", again=True)
        case BrokenFrameError():
            return Failure("protocol", text)
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


def status_failure(response: aiohttp.ClientResponse, url: URL) -> Failure:
    """The Failure of an answer whose status is neither a redirect nor that of a whole page."""
    status = response.status
    if status < 200 or status == 206:
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


def told(failure: Failure, elapsed: float) -> Failure:
    """As it is kept: a line that a database takes, not too much of it, and no secrets."""
    line = " ".join(readable(failure.detail[: 4 * MAX_DETAIL]).split())
    detail = without_secrets(line)[:MAX_DETAIL]  # a secret that is cut looks like none
    return replace(failure, detail=detail, elapsed=elapsed)


def is_ours(exc: BaseException | None) -> bool:
    """Whether this machine has run out of something: ports, descriptors, buffers."""
    return isinstance(exc, OSError) and exc.errno in _OURS
