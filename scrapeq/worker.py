"""What runs inside a process of the pool. It is imported there, so it stays light.

Frames both ways are a length and JSON; the bodies of a job lie in memory that both share,
behind a counter that tells which task of the job was begun last. Nothing that comes back is
ever unpickled: the process has read the web, the parent has not.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import mmap
import os
import resource
import signal
import socket
import struct
import sys
import time
from collections.abc import Callable
from io import BufferedReader
from typing import Any

LENGTH = struct.Struct("<I")
COUNTER = struct.Struct("<q")
BODIES = COUNTER.size
"""Where the first body begins in the shared memory."""

OUT_OF_MEMORY = 77
"""The exit code of a process that ran into its memory cap."""

FLUSH_AFTER = 0.05
"""Seconds that finished answers wait for the rest of their job: less is lost with a process."""

FLUSH_SIZE = 1 << 20
"""Bytes of answers that are sent at once: the parent takes one frame at a time."""

MAX_ERROR = 1000
"""Characters that are told of an exception."""

_as_json = json.JSONEncoder(ensure_ascii=False).encode  # `\u4e2d` would be twice as long

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD = -1, -2, -3
_PR_SET_PDEATHSIG = 1

Function = Callable[[Any, bytes], Any]


def serve(connection: int, shared: int) -> None:
    """Answer jobs until the parent closes the connection."""
    with socket.socket(fileno=connection) as peer, _reader(peer) as stream:
        options = _read_frame(stream)
        try:
            _tie_to(options["parent"])
            function = _load(options["target"])(options["setup"])
            _limit(options["memory"])
            memory = mmap.mmap(shared, 0)
            gc.freeze()
            gc.set_threshold(50_000, 20, 20)
        except Exception as exc:
            _send(peer, json.dumps({"fatal": f"{type(exc).__name__}: {exc}"}).encode())
            return
        _send(peer, b"{}")
        try:
            while True:
                _answer(peer, _read_frame(stream), memory, function, options["deadline"])
        except (EOFError, OSError):
            return
        except MemoryError:
            os._exit(OUT_OF_MEMORY)  # what is left of the heap is not to be trusted


def _answer(
    peer: socket.socket,
    job: list[tuple[Any, int]],
    memory: mmap.mmap,
    function: Function,
    deadline: float,
) -> None:
    """Do one job, [meta, size of the body] each, and send [value, seconds, error] each."""
    answers: list[bytes] = []
    waiting, flushed = 0, time.monotonic()
    start = BODIES
    for at, (meta, size) in enumerate(job):
        COUNTER.pack_into(memory, 0, at)
        signal.setitimer(signal.ITIMER_REAL, deadline)
        answers.append(_call(function, meta, memory[start : start + size]))
        start += size
        waiting += len(answers[-1])
        if waiting > FLUSH_SIZE or time.monotonic() - flushed > FLUSH_AFTER:
            _flush(peer, answers)
            answers, waiting, flushed = [], 0, time.monotonic()
    _flush(peer, answers)


def _flush(peer: socket.socket, answers: list[bytes]) -> None:
    signal.setitimer(signal.ITIMER_REAL, 0)  # it may be the parent that takes its time
    if answers:
        _send(peer, b"[" + b",".join(answers) + b"]")


def _call(function: Function, meta: Any, body: bytes) -> bytes:
    started = time.perf_counter()
    value, error = None, ""
    try:
        value = _as_json(function(meta, body))
    except MemoryError:
        raise
    except Exception as exc:
        error = f"{type(exc).__name__}: {exc}"[:MAX_ERROR]
    seconds = time.perf_counter() - started
    answer = f"[{value or 'null'},{seconds},{_as_json(error)}]"
    return answer.encode("utf-8", "surrogatepass")


def _load(target: str) -> Callable[[Any], Function]:
    module, _, name = target.partition(":")
    factory: Callable[[Any], Function] = getattr(importlib.import_module(module), name)
    return factory


def _tie_to(parent: int) -> None:
    """Do not outlive the parent."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    if sys.platform == "linux":
        import ctypes  # 30 ms, which the parent need not pay for

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before it could be watched
        os._exit(1)


def _limit(memory: int) -> None:
    """Cap the address space, and make malloc keep what it has: a parser frees all of a tree,
    and giving those pages back to be faulted in again costs more than half of its time."""
    with contextlib.suppress(OSError, AttributeError):
        import ctypes

        libc = ctypes.CDLL(None)
        libc.mallopt(_M_MMAP_THRESHOLD, 1 << 30)
        libc.mallopt(_M_TRIM_THRESHOLD, (1 << 31) - 1)
        libc.mallopt(_M_TOP_PAD, 64 << 20)
    with contextlib.suppress(ValueError, OSError):  # macOS has no such cap
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _reader(peer: socket.socket) -> BufferedReader:
    return BufferedReader(socket.SocketIO(peer, "r"), 1 << 20)


def _read_frame(stream: BufferedReader) -> Any:
    return json.loads(_read(stream, LENGTH.unpack(_read(stream, LENGTH.size))[0]))


def _read(stream: BufferedReader, size: int) -> bytes:
    data = stream.read(size)
    if len(data) < size:
        raise EOFError
    return data


def _send(peer: socket.socket, frame: bytes) -> None:
    peer.sendall(LENGTH.pack(len(frame)) + frame)
