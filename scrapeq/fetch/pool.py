"""Connections that are kept: which of them may be used once more."""

from __future__ import annotations

import select
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection

from scrapeq.fetch.addresses import peer
from scrapeq.fetch.wire import Wire


@dataclass(slots=True)
class Trip:
    """One request on its way."""

    fresh: bool = False
    """It takes no connection that was kept."""
    last: bool = False
    """Its connection is not kept."""
    wire: Wire | None = None
    """The connection it was sent on."""

    @property
    def in_vain(self) -> bool:
        """Whether not a byte of an answer came on a connection that was kept: that may have been
        closed before. The server may not even know of the request."""
        return self.wire is not None and self.wire.asked > 1 and not self.wire.heard


trip: ContextVar[Trip] = ContextVar("trip")
"""Of this task. To be set before each request."""


class Pool(aiohttp.TCPConnector):
    """aiohttp's, with Wires for connections. It reads the Trip of its task."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._factory = cast(partial[ResponseHandler], partial(Wire, loop=self._loop))

    async def connect(self, req: aiohttp.ClientRequest, *args: Any, **options: Any) -> Connection:
        connection = await super().connect(req, *args, **options)
        peer.set("" if req.proxy else _address_of(connection))
        way, wire = trip.get(), cast(Wire, connection.protocol)
        way.wire = wire
        if way.last:
            wire.force_close()
        return connection

    async def _get(self, *args: Any) -> Connection | None:
        if trip.get().fresh:
            return None
        while (connection := await super()._get(*args)) is not None and _is_stale(connection):
            connection.close()
        return connection


def _address_of(connection: Connection) -> str:
    transport = connection.transport
    name = transport.get_extra_info("peername") if transport is not None else None
    return str(name[0]) if name else ""


def _is_stale(connection: Connection) -> bool:
    """Whether something has come that nobody asked for, or the end, and was not yet read."""
    if connection.transport is None:
        return True
    poll = select.poll()
    poll.register(connection.transport.get_extra_info("socket").fileno(), select.POLLIN)
    return bool(poll.poll(0))
