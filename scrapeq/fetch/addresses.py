"""Which addresses an attempt may connect to, decided at the last moment before it does."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Literal

from yarl import URL

from scrapeq.fetch.failures import ForbiddenAddressError, NoPageError
from scrapeq.fetch.resolver import Resolver
from scrapeq.private import is_metadata, is_private
from scrapeq.retry import Failure

Private = Literal["default", "allow", "block"]
"""`default`: a URL of the list may be private, a redirect from a public host may not."""


def _nobody(_: str) -> bool:
    return False


_forbidden: ContextVar[Callable[[str], bool]] = ContextVar("forbidden", default=_nobody)
"""Which addresses the attempt of this task may not connect to, on this hop."""
peer: ContextVar[str] = ContextVar("peer", default="")
"""The address that the last request of this task went to. Empty: a proxy's, or not known."""


@contextmanager
def guarded(private: Private) -> Iterator[None]:
    """For one attempt: what `check_hop` forbids on its way is allowed again after it."""
    before = _forbidden.get()
    mark = _forbidden.set(is_private if private == "block" else before)
    try:
        yield
    finally:
        _forbidden.reset(mark)


def check_address(address: str) -> None:
    """Raise ForbiddenAddressError unless this attempt may connect there now."""
    if _forbidden.get()(address):
        raise ForbiddenAddressError(errno.EACCES, "a private address")


async def check_host(url: URL, resolver: Resolver) -> None:
    """The same for all addresses that a name has here, where a proxy is the one to connect."""
    if _forbidden.get() is not _nobody:
        with suppress(socket.gaierror):  # only the proxy may know the name
            for address in await resolver.addresses(url):
                check_address(address)


async def check_hop(url: URL, target: URL, private: Private, resolver: Resolver) -> None:
    """Raise NoPageError for a redirect to where this URL may not lead."""
    if url.scheme == "https" and target.scheme == "http":
        raise NoPageError(Failure("redirect_downgrade", f"from https to {target}"))
    if private == "block":
        return  # what is forbidden stays so
    outside = private == "default" and peer.get() != "" and not is_private(peer.get())
    if url.host == target.host:
        if outside:  # it stays there, whatever its name means by the next hop
            _forbidden.set(is_private)
        return
    inside = private == "allow"
    if not inside:
        inside = await _is_inside(target, resolver)
        if inside and (outside or not await _is_inside(url, resolver)):
            raise NoPageError(Failure("private_network", f"redirected to {target}"))
    # The name may mean another address by the time it is connected to.
    _forbidden.set(is_metadata if inside else is_private)


async def _is_inside(url: URL, resolver: Resolver) -> bool:
    """Whether any address of the host is private. A name without addresses is not. Raises
    NoPageError when nobody can say: a guess would be a verdict for ever."""
    try:
        return any(map(is_private, await resolver.addresses(url)))
    except OSError as exc:
        detail = f"{url.host}: {exc.strerror or exc}"
        raise NoPageError(Failure("dns", detail, again=True)) from None
