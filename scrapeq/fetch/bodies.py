"""Bodies of answers: read within bounds, read away, or cut off."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import aiohttp
from aiohttp.client_proto import ResponseHandler
from yarl import URL

from scrapeq.fetch.failures import NoPageError
from scrapeq.retry import Failure

SMALL_BODY = 64 << 10
"""An unwanted body up to this size is read, so that its connection can be used again."""
SMALL_WAIT = 1.0
"""Seconds that the rest of one may take: longer than a new connection would."""

Grown = Callable[[int], Awaitable[None]]
"""Told of the bytes that a body has grown by. It may take its time."""


async def whole(
    response: aiohttp.ClientResponse, url: URL, limit: int, grown: Grown | None
) -> bytes:
    """A body of at most `limit` bytes. Raises NoPageError for one that is not read."""
    length = response.content_length
    transfer = response.headers.get("Transfer-Encoding", "")
    if transfer and transfer.lower() not in ("chunked", "identity"):
        raise _refused(response, url, "encoding", f"unknown transfer coding {transfer[:40]!r}")
    body = None
    if (length or 0) <= limit:
        framed = bool(transfer) or length is not None
        body = await _unless_reset(response, limit, framed=framed, grown=grown)
    if body is None:
        raise _refused(response, url, "too_large", f"more than {limit:,} bytes")
    return body


async def first_bytes(response: aiohttp.ClientResponse, limit: int) -> bytes:
    """At most `limit` bytes of a body; the rest is cut off."""
    body = await response.content.read(limit)
    while piece := await response.content.read(limit - len(body)):
        body += piece
    if not response.content.at_eof():
        cut(response)
    return body


async def discard(response: aiohttp.ClientResponse) -> None:
    """Read away a small body; cut the connection rather than read a large or a slow one."""
    if (response.content_length or 0) <= SMALL_BODY:
        with suppress(aiohttp.ClientError, OSError):  # whatever it lacks, nobody wants it
            async with asyncio.timeout(SMALL_WAIT):
                if await _read(response.content, SMALL_BODY) is not None:
                    return
    cut(response)


def cut(response: aiohttp.ClientResponse) -> None:
    """Close the connection of an answer at once."""
    if response.connection is not None and response.connection.transport is not None:
        response.connection.transport.abort()  # close() goes on reading on a TLS connection
    response.close()


async def _read(
    content: aiohttp.StreamReader, limit: int, grown: Grown | None = None
) -> bytes | None:
    """A whole body, or None when it is longer than `limit`."""
    pieces = []
    size = 0
    while piece := await content.readany():
        pieces.append(piece)
        size += len(piece)
        if size > limit:
            return None
        if grown is not None:
            await grown(len(piece))
    if (fault := content.exception()) is not None:
        raise fault  # found at its very end, when nothing was left to read
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


def _refused(response: aiohttp.ClientResponse, url: URL, reason: str, detail: str) -> NoPageError:
    """What to raise for a body that is not read."""
    cut(response)
    return NoPageError(Failure(reason, detail, status=response.status, final_url=str(url)))
