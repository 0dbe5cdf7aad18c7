"""Host names -> addresses, by the system's own resolver."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from threading import Thread
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

MAX_LOOKUPS = 256
"""At a time. One may take half a minute, and nothing can end it early."""


class Resolver(AbstractResolver):
    """Each lookup has a thread of its own, so that a name whose servers are silent holds up no
    other name, and no thread that is not done holds up the end of the process.

    Raises OSError for a name that has no address, or is not answered in `limit` seconds.
    """

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self._slots = asyncio.Semaphore(MAX_LOOKUPS)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        await self._slots.acquire()
        found = self._begin(lambda: _look_up(host, port, family))
        try:
            async with asyncio.timeout(self._limit):
                return await found
        except TimeoutError:
            raise socket.gaierror(
                socket.EAI_AGAIN, f"no answer to who {host} is in {self._limit:g}s"
            ) from None

    async def addresses(self, url: URL) -> Sequence[str]:
        """All that its host has, perhaps none. Raises OSError when that cannot be known now."""
        try:
            return [one["host"] for one in await self.resolve(url.raw_host or "", url.port or 0)]
        except ValueError:
            return ()
        except socket.gaierror as exc:
            if may_recover(exc.errno):
                raise
            return ()

    async def close(self) -> None:
        """Lookups that are not done are left alone."""

    def _begin(
        self, look_up: Callable[[], list[ResolveResult]]
    ) -> asyncio.Future[list[ResolveResult]]:
        loop = asyncio.get_running_loop()
        found: asyncio.Future[list[ResolveResult]] = loop.create_future()

        def work() -> None:
            told: tuple[Callable[[Any], None], Any]
            try:
                told = found.set_result, look_up()
            except Exception as exc:  # a UnicodeError for odd names, among others
                told = found.set_exception, exc
            with suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(self._tell, found, *told)

        try:
            Thread(target=work, name="lookup", daemon=True).start()
        except RuntimeError as exc:  # no more threads
            self._slots.release()
            raise OSError(str(exc)) from exc
        return found

    def _tell(self, found: asyncio.Future[Any], tell: Callable[[Any], None], what: object) -> None:
        self._slots.release()
        if not found.done():
            tell(what)


def may_recover(number: int | None) -> bool:
    """NXDOMAIN and the like are answers; SERVFAIL and silence are not."""
    return number not in (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", None))


def _look_up(host: str, port: int, family: socket.AddressFamily) -> list[ResolveResult]:
    infos = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    return [
        {
            "hostname": host,
            "host": str(address[0]),
            "port": int(address[1]),
            "family": kind,
            "proto": protocol,
            "flags": socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
        }
        for kind, _, protocol, _, address in infos
    ]
