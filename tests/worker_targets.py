"""What the processes of the tests do with a task: well-behaved, and not at all."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from typing import Any

Function = Callable[[Any, bytes], Any]


def echo(setup: Any) -> Function:
    """Give back what was sent, and say who gives it."""

    def call(meta: Any, body: bytes) -> Any:
        return [setup, meta, len(body), body[:9].decode("latin-1"), os.getpid()]

    return call


def obey(_: Any) -> Function:
    """Do what the task says: its meta is the name of a deed."""
    return lambda meta, body: _DEEDS[meta](body)


def broken(_: Any) -> Function:
    raise ValueError("this setup is not for me")


def dies_at_start(_: Any) -> Function:
    os._exit(3)


def hangs_at_start(_: Any) -> Function:
    time.sleep(3600)
    raise AssertionError


def _loop(_: bytes) -> None:
    while True:
        pass


def _eat(_: bytes) -> None:
    hoard = []
    while True:
        hoard.append(bytearray(1 << 20))


_hoard: list[bytearray] = []


def _keep(_: bytes) -> str:
    _hoard.append(bytearray(120 << 20))
    return "hoarded"


def _need(_: bytes) -> str:
    bytearray(120 << 20)
    return "enough"


def _raise(body: bytes) -> None:
    raise KeyError(body.decode())


def _kill(number: int) -> Callable[[bytes], None]:
    return lambda _: os.kill(os.getpid(), number)


def _stop(_: bytes) -> None:
    """Stand still, as a debugger would make it: no alarm of its own can end that."""
    signal.setitimer(signal.ITIMER_REAL, 0)
    os.kill(os.getpid(), signal.SIGSTOP)


_DEEDS: dict[str, Callable[[bytes], Any]] = {
    "length": len,
    "nap": lambda _: time.sleep(0.06),
    "large": lambda _: "x" * (4 << 20),
    "huge": lambda _: "x" * (70 << 20),
    "strange": lambda _: {"a": object()},
    "surrogate": lambda _: "a\udcffb\0",
    "loop": _loop,
    "eat": _eat,
    "hoard": _keep,
    "need": _need,
    "raise": _raise,
    "exit": lambda _: os._exit(7),
    "quit": lambda _: (_ for _ in ()).throw(SystemExit(0)),
    "segv": _kill(signal.SIGSEGV),
    "kill": _kill(signal.SIGKILL),
    "stop": _stop,
    "close": lambda _: os.closerange(3, 100),
    "path": lambda _: __import__("sys").path,
    "modules": lambda _: sorted(__import__("sys").modules),
}
