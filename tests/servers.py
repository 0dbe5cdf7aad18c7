"""Small real servers on loopback, which send exact bytes, and a DNS that knows only them."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from ipaddress import ip_address
from typing import Any

import pytest
import trustme


class Wire:
    """The server's end of one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def head(self) -> bytes:
        """The next request; empty when the client has closed."""
        try:
            return await self._reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            return b""

    async def send(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def flood(self, piece: bytes) -> None:
        """Send it again and again until the client closes."""
        with suppress(ConnectionError):
            while not self._writer.is_closing():
                await self.send(piece)
                await asyncio.sleep(0)  # a send need not wait for anything

    async def until_gone(self) -> None:
        """Say nothing more, and wait until the client closes."""
        with suppress(ConnectionError):
            while await self._reader.read(1 << 16):
                pass

    async def tunnel(self, port: int) -> None:
        """Be a wire to that port, until either end closes."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port)

        async def pour(source: asyncio.StreamReader, drain: asyncio.StreamWriter) -> None:
            with suppress(ConnectionError):
                while data := await source.read(1 << 16):
                    drain.write(data)
                    await drain.drain()
            drain.close()

        try:
            await asyncio.gather(pour(self._reader, writer), pour(reader, self._writer))
        finally:
            writer.transport.abort()

    async def pause(self) -> None:
        """Let others go on for a moment, while a test in another thread makes up its mind."""
        await asyncio.sleep(0.02)

    async def reset(self) -> None:
        """Close with RST instead of FIN."""
        raw = self._writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()
        await asyncio.Event().wait()

    async def half_close(self) -> None:
        """Send FIN, and wait until the client closes too."""
        self._writer.get_extra_info("socket").shutdown(socket.SHUT_WR)
        await self.until_gone()

    def close(self) -> None:
        self._writer.transport.abort()


Handler = Callable[[Wire, bytes], Awaitable[None]]
"""What a server does with one request: its connection, and the head of the request. When it
returns, the next request may come."""


class Server:
    """What a test sees of a running server."""

    def __init__(self, handler: Handler, scheme: str) -> None:
        self.heads: list[bytes] = []
        """All requests, in the order in which they came."""
        self.asked = asyncio.Event()
        """Set by the first of them."""
        self.connections = 0
        self.sockets: list[socket.socket] = []
        """Our ends of the connections, while they are open."""
        self.port = 0
        self._handler = handler
        self._scheme = scheme

    def url(self, path: str = "/", host: str = "127.0.0.1") -> str:
        return f"{self._scheme}://{host}:{self.port}{path}"

    @property
    def paths(self) -> list[str]:
        return [path_of(head) for head in self.heads]

    async def serve(self, wire: Wire) -> None:
        self.connections += 1
        while head := await wire.head():
            self.heads.append(head)
            self.asked.set()
            await self._handler(wire, head)


@asynccontextmanager
async def serving(
    given: Handler | Mapping[str, bytes] | bytes,
    *,
    tls: ssl.SSLContext | None = None,
    host: str = "127.0.0.1",
    port: int = 0,
) -> AsyncIterator[Server]:
    """A server for as long as the block takes. Bytes answer every request, a mapping answers
    by path."""
    server = Server(given if callable(given) else _replies(given), "https" if tls else "http")
    crew: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def serve() -> None:
            wire = Wire(reader, writer)
            ours = writer.get_extra_info("socket")._sock
            server.sockets.append(ours)
            try:
                with suppress(ConnectionError):
                    await server.serve(wire)
            finally:
                server.sockets.remove(ours)
                wire.close()

        crew.add(asyncio.create_task(serve()))

    listener = await asyncio.start_server(connected, host, port, ssl=tls)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
        for task in crew:
            task.cancel()
        ended = await asyncio.gather(*crew, return_exceptions=True)
    for fault in ended:
        if isinstance(fault, Exception):
            raise fault


def sending(data: bytes, then: Callable[[Wire], Any]) -> Handler:
    """Answer with these bytes, and then do that."""

    async def handler(wire: Wire, _: bytes) -> None:
        await wire.send(data)
        ending = then(wire)
        if ending is not None:
            await ending

    return handler


def answer(body: bytes = b"", status: str = "200 OK", **headers: str) -> bytes:
    """An HTTP answer with its length. `Content-Type` is written `Content_Type`."""
    fields = {"Content-Type": "text/html", "Content-Length": str(len(body))}
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


def chunked(*chunks: bytes, status: str = "200 OK", **headers: str) -> bytes:
    """An HTTP answer without a length, in pieces."""
    fields = {"Content-Type": "text/html", "Transfer-Encoding": "chunked"}
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in fields.items())]
    body = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in (*chunks, b""))
    return "\r\n".join([*lines, "", ""]).encode() + body


def redirect(target: str, status: str = "302 Found", body: bytes = b"") -> bytes:
    return answer(body, status, Location=target)


def proxying(token: str = "") -> Handler:
    """An HTTP proxy, for those who know the token. Every name means 127.0.0.1 to it."""

    async def handler(wire: Wire, head: bytes) -> None:
        if token and header_of(head, "proxy-authorization") != token:
            refusal = answer(b"", "407 Proxy Authentication Required", Proxy_Authenticate="Basic")
            await wire.send(refusal)
        elif head.startswith(b"CONNECT "):
            await wire.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await wire.tunnel(int(path_of(head).rpartition(":")[2]))
        else:
            await wire.send(await _forwarded(head))

    return handler


async def _forwarded(head: bytes) -> bytes:
    """The answer, which has its length, to a request that came without what was for the proxy."""
    _, *lines = head.decode("latin-1").split("\r\n")
    _, _, target = path_of(head).partition("://")
    place, _, path = target.partition("/")
    kept = [line for line in lines if not line.lower().startswith("proxy-")]
    reader, writer = await asyncio.open_connection("127.0.0.1", int(place.rpartition(":")[2] or 80))
    try:
        writer.write("\r\n".join([f"GET /{path} HTTP/1.1", *kept]).encode("latin-1"))
        said = await reader.readuntil(b"\r\n\r\n")
        return said + await reader.readexactly(int(header_of(said, "content-length") or 0))
    finally:
        writer.close()


def path_of(head: bytes) -> str:
    return head.split(b" ", 2)[1].decode()


def header_of(head: bytes, name: str) -> str | None:
    """The value of a header of a request, or None."""
    for line in head.decode("latin-1").split("\r\n")[1:]:
        key, _, value = line.partition(":")
        if key.lower() == name.lower():
            return value.strip()
    return None


def server_tls(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


def client_tls(*trusted: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    for authority in trusted:
        authority.configure_trust(context)
    return context


class Names(dict[str, list[str | OSError]]):
    """A DNS: answers by name, one after another, the last one for ever; an answer is addresses
    with blanks between them. What is not in it does not exist: no question leaves the machine."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__()
        self._real = socket.getaddrinfo
        monkeypatch.setattr(socket, "getaddrinfo", self._answer)

    def _answer(self, host: str, *args: Any, **kwargs: Any) -> Any:
        answers = self.get(host) or [_literal(host)]
        found = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(found, OSError):
            raise found
        return [x for address in found.split() for x in self._real(address, *args, **kwargs)]


def _literal(host: str) -> str | OSError:
    """An address, also in the old forms that every resolver takes: 127.1, 0x7f000001."""
    with suppress(ValueError):
        return str(ip_address(host))
    with suppress(OSError):
        return socket.inet_ntoa(socket.inet_aton(host))
    return socket.gaierror(socket.EAI_NONAME, "no such name")


def _replies(given: Mapping[str, bytes] | bytes) -> Handler:
    async def handler(wire: Wire, head: bytes) -> None:
        if isinstance(given, bytes):
            await wire.send(given)
        else:
            await wire.send(given.get(path_of(head)) or answer(b"nothing", "404 Not Found"))

    return handler
