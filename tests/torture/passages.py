"""The borders of a run: each way out to the network, the Store, a pipe or a file is a place, and
each time that the program goes through one is a passage. A passage can be made to fail, with what
that place fails with in the world.

`install` puts this into the present process, which is about to become the program.
"""

from __future__ import annotations

import asyncio
import errno
import functools
import os
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from types import FrameType
from typing import Any

import aiohttp
import aiosqlite

SEEN, REACHED = "seen", "reached"
"""What is written of a passage: that it was there; that it is the one."""


@dataclass(frozen=True)
class Passage:
    """The `number`-th time (from 1) at `place`, and what happens there: a key of FAULTS or of
    SIGNALS. `later` is how many passages, of any place, a second signal comes after the first."""

    place: str
    number: int
    fault: str
    later: int = 0


def _os(number: int) -> Callable[[], BaseException]:
    return lambda: OSError(number, os.strerror(number))


_BAD_RECORD = "[SSL: DECRYPTION_FAILED_OR_BAD_RECORD_MAC] decryption failed or bad record mac"

FAULTS: dict[str, Callable[[], BaseException]] = {
    "reset": _os(errno.ECONNRESET),
    "refused": _os(errno.ECONNREFUSED),
    "unreachable": _os(errno.ENETUNREACH),
    "broken": _os(errno.EPIPE),
    "late": TimeoutError,
    "timed_out": _os(errno.ETIMEDOUT),
    "no_files": _os(errno.EMFILE),
    "no_process": _os(errno.EAGAIN),
    "no_memory": _os(errno.ENOMEM),
    "io": _os(errno.EIO),
    "full": _os(errno.ENOSPC),
    "denied": _os(errno.EACCES),
    "no_thread": lambda: RuntimeError("can't start new thread"),
    "tls": lambda: ssl.SSLError(1, _BAD_RECORD),
    "dns": lambda: socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution"),
    "cancelled": asyncio.CancelledError,
    "db_io": lambda: sqlite3.OperationalError("disk I/O error"),
    "db_locked": lambda: sqlite3.OperationalError("database is locked"),
    "db_full": lambda: sqlite3.OperationalError("database or disk is full"),
    "db_malformed": lambda: sqlite3.DatabaseError("database disk image is malformed"),
    "end": EOFError,
    "half": EOFError,
}
"""By name, what a passage raises. `end` and `half` are not raised: the other side says nothing
more, or stops in the middle of a word."""

SIGNALS = {
    "sigterm": (signal.SIGTERM,),
    "sigint": (signal.SIGINT,),
    "twice": (signal.SIGTERM, signal.SIGINT),
}

STORE = ("db_io", "db_locked", "db_full", "db_malformed", "cancelled")

KINDS: dict[str, tuple[str, ...]] = {
    "net.await": ("reset", "late", "cancelled"),
    "net.connect": ("refused", "unreachable", "timed_out", "no_files"),
    "net.socket": ("no_files",),
    "net.dns": ("dns", "no_files"),
    "net.send": ("reset", "broken"),
    "net.recv": ("reset", "end", "half", "timed_out"),
    "net.tls": ("tls",),
    "store": STORE,
    "pipe.await": ("broken", "cancelled"),
    "pipe.recv": ("reset", "end", "half", "cancelled"),
    "pipe.send": ("broken",),
    "pipe.make": ("no_files", "no_memory"),
    "pipe.fork": ("no_process", "no_memory"),
    "list.await": ("cancelled",),
    "file.read": ("io", "denied"),
    "file.close": ("io",),
    "file.write": ("io", "full", "denied"),
    "thread": ("no_thread",),
}
"""By the first word of a place: what may happen there."""

_LIBRARIES = ("pathlib", "posixpath", "genericpath", "os", "codecs", __name__)
"""Who may stand between a call of the system and the room of scrapeq that wants it."""

_write = os.write


class Border:
    """Counts passages, and knows which one is to fail."""

    def __init__(self, log: int, chosen: Passage | None) -> None:
        self._log = log
        self._chosen = chosen
        self._counts: Counter[str] = Counter()
        self._lock = threading.RLock()
        self._second = -1
        """Passages until the second signal."""

    def passing(self, place: str) -> str:
        """What happens at this passage; nothing, mostly."""
        with self._lock:
            if self._second > 0:
                self._second -= 1
                if self._second == 0:
                    os.kill(os.getpid(), signal.SIGINT)
            self._counts[place] += 1
            number = self._counts[place]
            chosen = self._chosen
            if chosen is None:
                _write(self._log, f"{SEEN} {place}\n".encode())
                return ""
            if (chosen.place, chosen.number) != (place, number):
                return ""
            _write(self._log, f"{REACHED} {place}\n".encode())
        if chosen.fault not in SIGNALS:
            return chosen.fault
        first, *others = SIGNALS[chosen.fault]
        os.kill(os.getpid(), first)
        for other in others:
            if chosen.later:
                self._second = chosen.later
            else:
                os.kill(os.getpid(), other)
        return ""

    def check(self, place: str) -> None:
        """Raise what happens at this passage."""
        if fault := self.passing(place):
            raise FAULTS[fault]()


def install(log: int, chosen: Passage | None) -> None:
    """Watch the borders of this process. `log` is a descriptor for what is seen."""
    border = Border(log, chosen)
    _watch_sockets(border)
    _watch_network(border)
    _watch_pipes(border)
    _watch_store(border)
    _watch_files(border)
    _watch_list(border)
    _watch_threads(border)


def _room(depth: int = 12) -> str:
    """The room and function of scrapeq that wants this; empty when it is somebody else."""
    frame: FrameType | None = sys._getframe(2)
    for _ in range(depth):
        if frame is None:
            return ""
        module = frame.f_globals.get("__name__", "")
        if module.startswith("scrapeq."):
            return f"{module.removeprefix('scrapeq.')}.{frame.f_code.co_name}"
        if module not in _LIBRARIES:
            return ""
        frame = frame.f_back
    return ""


# ---- network


def _watch_sockets(border: Border) -> None:
    """Calls of the system on sockets, asyncio's among them."""

    class Watched(socket.socket):
        kind = ""
        ended = False

        def __init__(
            self,
            family: int = -1,
            type: int = -1,  # noqa: A002 - its name in the library
            proto: int = -1,
            fileno: int | None = None,
        ) -> None:
            if family in (socket.AF_INET, socket.AF_INET6) and fileno is None:
                border.check("net.socket")
                self.kind = "net"
            super().__init__(family, type, proto, fileno)

        def connect(self, address: Any) -> None:
            if self.kind == "net":
                border.check("net.connect")
            super().connect(address)

        def send(self, data: Any, *flags: int) -> int:
            if self.kind:
                border.check(f"{self.kind}.send")
            return super().send(data, *flags)

        def recv(self, size: int, *flags: int) -> bytes:
            fault = self._receiving()
            data = b"" if fault == "end" else super().recv(size, *flags)
            return data[: len(data) // 2] if fault == "half" else data

        def recv_into(self, buffer: Any, *rest: int) -> int:
            fault = self._receiving()
            size = 0 if fault == "end" else super().recv_into(buffer, *rest)
            return size // 2 if fault == "half" else size

        def _receiving(self) -> str:
            if self.kind != "net":
                return ""
            if self.ended:
                return "end"
            fault = border.passing("net.recv")
            if fault and fault not in ("end", "half"):
                raise FAULTS[fault]()
            if fault:
                self.ended = True
                self.shutdown(socket.SHUT_RD)  # so that it is called once more
            return fault

    pair = socket.socketpair

    def socketpair(*args: Any) -> tuple[socket.socket, socket.socket]:
        if not _room():
            return pair(*args)
        border.check("pipe.make socketpair")
        ours, theirs = pair(*args)
        ours.kind = "pipe"  # type: ignore[attr-defined]
        return ours, theirs

    setattr(socket, "socket", Watched)  # noqa: B010 - mypy knows it as a class
    setattr(socket, "socketpair", socketpair)  # noqa: B010 - mypy wants each parameter


def _watch_network(border: Border) -> None:
    loop = asyncio.BaseEventLoop
    _watch_await(border, aiohttp.ClientSession, "_request", "net.await request")
    _watch_await(border, aiohttp.StreamReader, "readany", "net.await body")
    _watch_await(border, aiohttp.StreamReader, "read", "net.await body of robots.txt")
    _watch_await(border, aiohttp.TCPConnector, "_create_connection", "net.await connection")
    _watch_transports(border)
    _watch_await(border, loop, "getaddrinfo", "net.await getaddrinfo")
    _watch_call(border, socket, "getaddrinfo", "net.dns")
    for name in ("do_handshake", "read", "write"):
        _watch_call(border, ssl.SSLObject, name, f"net.tls {name}")


def _watch_transports(border: Border) -> None:
    real: Any = asyncio.BaseEventLoop.create_connection

    async def watched(*args: Any, **kwargs: Any) -> Any:
        fault = border.passing("net.await transport")
        made = await real(*args, **kwargs)
        if fault:  # asyncio closes the socket that it was given, whatever happens
            made[0].abort()
            raise FAULTS[fault]()
        return made

    setattr(asyncio.BaseEventLoop, "create_connection", watched)  # noqa: B010 - a method


def _watch_await(border: Border, owner: Any, name: str, place: str) -> None:
    real: Callable[..., Awaitable[Any]] = getattr(owner, name)

    @functools.wraps(real)
    async def watched(*args: Any, **kwargs: Any) -> Any:
        border.check(place)
        return await real(*args, **kwargs)

    setattr(owner, name, watched)


def _watch_call(border: Border, owner: Any, name: str, place: str) -> None:
    real: Callable[..., Any] = getattr(owner, name)

    @functools.wraps(real)
    def watched(*args: Any, **kwargs: Any) -> Any:
        border.check(place)
        return real(*args, **kwargs)

    setattr(owner, name, watched)


# ---- parse processes


def _watch_pipes(border: Border) -> None:
    from asyncio.selector_events import BaseSelectorEventLoop as Loop

    _watch_await(border, Loop, "sock_sendall", "pipe.await send")
    receive = Loop.sock_recv
    ended: set[int] = set()

    async def sock_recv(self: Any, sock: socket.socket, size: int) -> bytes:
        fault = "end" if id(sock) in ended else border.passing("pipe.recv")
        if fault in ("end", "half"):
            ended.add(id(sock))
        elif fault:
            raise FAULTS[fault]()
        data = b"" if fault == "end" else await receive(self, sock, size)
        return data[: len(data) // 2] if fault == "half" else data

    setattr(Loop, "sock_recv", sock_recv)  # noqa: B010 - its stub names another parameter
    _watch_call(border, subprocess.Popen, "_execute_child", "pipe.fork")
    for owner, name in ((os, "memfd_create"), (sys.modules["mmap"], "mmap")):
        if hasattr(owner, name):
            _watch_call(border, owner, name, f"pipe.make {name}")


# ---- the Store


def _watch_store(border: Border) -> None:
    """Inside of its thread: what SQLite raises comes out as it really does."""
    execute: Any = aiosqlite.Connection._execute
    connect: Any = aiosqlite.Connection._connect

    async def watched(self: aiosqlite.Connection, fn: Any, *args: Any, **kwargs: Any) -> Any:
        word = str(args[0]).split()[0] if args and isinstance(args[0], str) else ""
        fault = border.passing(f"store {fn.__name__.strip('_')} {word}".strip())
        if not fault:
            return await execute(self, fn, *args, **kwargs)
        if fault == "cancelled":  # it is executed all the same
            await execute(self, fn, *args, **kwargs)
            raise asyncio.CancelledError
        return await execute(self, _failing(self, fault))

    async def connected(self: aiosqlite.Connection) -> aiosqlite.Connection:
        if fault := border.passing("store connect"):
            if fault == "cancelled":
                self.stop()
                raise asyncio.CancelledError
            self._connector = _failing(self, fault)
        await connect(self)
        return self

    setattr(aiosqlite.Connection, "_execute", watched)  # noqa: B010 - mypy: it is a method
    setattr(aiosqlite.Connection, "_connect", connected)  # noqa: B010 - the same


def _failing(db: aiosqlite.Connection, fault: str) -> Callable[[], Any]:
    def fail() -> Any:
        # A full disk takes the whole transaction back, and so may an I/O error.
        if fault == "db_full" and db._connection is not None and db.in_transaction:
            db._connection.rollback()
        raise FAULTS[fault]()

    return fail


# ---- files


def _watch_files(border: Border) -> None:
    """What the rooms of scrapeq ask of the system; nobody else's files."""
    reading = ("stat", "fstat", "access", "read")
    writing = ("open", "unlink", "remove", "rename", "replace", "chmod", "fchmod", "write", "fsync")
    for kind, names in (("read", reading), ("write", writing), ("close", ("close",))):
        for name in names:
            _watch_file(border, os, name, f"file.{kind} {name}")
    _watch_file(border, sys.modules["fcntl"], "flock", "file.read flock")
    _watch_file(border, sys.modules["io"], "open", "file.write io.open")
    _watch_file(border, sys.modules["builtins"], "open", "file.write open")
    path = type(sys.modules["pathlib"].Path()).__mro__[1]
    _watch_file(border, path, "write_text", "file.write write_text")


def _watch_file(border: Border, owner: Any, name: str, place: str) -> None:
    real: Callable[..., Any] = getattr(owner, name)

    def watched(*args: Any, **kwargs: Any) -> Any:
        if not (room := _room()):
            return real(*args, **kwargs)
        if name == "close":  # it is closed, whatever it says
            real(*args, **kwargs)
            return border.check(f"{place} {room}")
        border.check(f"{place} {room}")
        return real(*args, **kwargs)

    setattr(owner, name, watched)


def _watch_list(border: Border) -> None:
    """Where blocks come from the thread that reads."""
    real = asyncio.Queue.get

    def get(self: asyncio.Queue[Any]) -> Awaitable[Any]:
        return passing(self) if _room().startswith("source.") else real(self)

    async def passing(queue: asyncio.Queue[Any]) -> Any:
        border.check("list.await block")
        return await real(queue)

    setattr(asyncio.Queue, "get", get)  # noqa: B010 - a method


def _watch_threads(border: Border) -> None:
    real = threading.Thread.start

    def start(self: threading.Thread) -> None:
        kind = self.name.split()[0].rstrip("0123456789-_")
        border.check(f"thread {kind}")
        real(self)

    setattr(threading.Thread, "start", start)  # noqa: B010 - a method
