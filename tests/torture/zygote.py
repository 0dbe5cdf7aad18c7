"""Becomes the program again and again: it has imported everything, and forks for each trial.

It reads one Trial as JSON a line on stdin, and answers with one line: how the program ended. What
the program has left behind becomes a child of this process, so it is seen.
"""

from __future__ import annotations

import asyncio
import ctypes
import faulthandler
import functools
import gc
import ipaddress
import json
import os
import select
import signal
import socket
import sys
import threading
import time
import warnings
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import scrapeq.parse
import scrapeq.rules
import scrapeq.runner
import scrapeq.session
from scrapeq.cli import main
from scrapeq.retry import RetryPolicy
from tests.torture.passages import Passage, install

LAST_WORDS = 5.0
"""Seconds that children may live on after their parent."""
_PR_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True)
class Ended:
    """How a program ended: its exit code (negative: the signal it died of), seconds, whether it
    had to be killed, and how many of its children outlived it."""

    code: int
    seconds: float
    hung: bool
    left: int


def serve() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)
    gc.freeze()
    for line in sys.stdin:
        trial = json.loads(line)
        print(json.dumps(asdict(_run(trial))), flush=True)


def _run(trial: dict[str, Any]) -> Ended:
    began = time.monotonic()
    pid = os.fork()
    if pid == 0:
        os._exit(_exit_code_of(trial))
    hung = not _ends(pid, trial["seconds"])
    if hung:
        for number in (signal.SIGUSR2, signal.SIGUSR1):  # tasks, then threads
            os.kill(pid, number)
            _ends(pid, 1.0)
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    seconds = time.monotonic() - began
    return Ended(os.waitstatus_to_exitcode(status), seconds, hung, _left_behind())


def _ends(pid: int, seconds: float) -> bool:
    """Whether it ends in time; it is still to be waited for."""
    descriptor = os.pidfd_open(pid)
    try:
        return bool(select.select([descriptor], [], [], seconds)[0])
    finally:
        os.close(descriptor)


def _left_behind() -> int:
    """Wait for orphans, and kill and count those that do not end."""
    end = time.monotonic() + LAST_WORDS
    while time.monotonic() < end:
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                time.sleep(0.002)
        except ChildProcessError:
            return 0
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    for child in children:
        os.kill(int(child), signal.SIGKILL)
        os.waitpid(int(child), 0)
    return len(children)


def _exit_code_of(trial: dict[str, Any]) -> int:
    """Be the program, and end as the interpreter does where nobody else ends it."""
    code = 0
    try:
        _become_the_program(trial)
    except SystemExit as exc:
        code = int(exc.code or 0)
    except BaseException as exc:
        sys.excepthook(type(exc), exc, exc.__traceback__)
        code = 130 if isinstance(exc, KeyboardInterrupt) else 1
    threading._shutdown()  # type: ignore[attr-defined]
    gc.collect()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    return code


def _become_the_program(trial: dict[str, Any]) -> None:
    os.setsid()
    os.chdir(trial["folder"])
    log = os.open(trial["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND)
    for descriptor, name in ((1, "out.txt"), (2, "err.txt")):
        os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), descriptor)
    os.dup2(os.open(trial["stdin"], os.O_RDONLY), 0)
    sys.stdin = os.fdopen(0, closefd=False)
    sys.stdout = os.fdopen(1, "w", closefd=False)
    sys.stderr = os.fdopen(2, "w", closefd=False)
    warnings.simplefilter("default", ResourceWarning)
    faulthandler.register(signal.SIGUSR1, file=2, all_threads=True)
    signal.signal(signal.SIGUSR2, _show_tasks)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    _hurry()
    install(log, Passage(**trial["passage"]) if trial["passage"] else None)
    sys.argv = ["scrapeq", *trial["words"]]
    main()


def _hurry() -> None:
    """A run of a second has its samples and retries too. `*.test` is this machine."""
    sleep, lookup = asyncio.sleep, socket.getaddrinfo

    async def short(seconds: float, result: Any = None) -> Any:
        return await sleep(min(seconds, 0.1), result)

    def answer(host: Any, *args: Any, **kwargs: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if str(name).endswith(".test"):
            return lookup("127.0.0.1", *args, **kwargs)
        ipaddress.ip_address(name)
        return lookup(host, *args, **kwargs)

    setattr(asyncio, "sleep", short)  # noqa: B010 - mypy knows it as two functions
    socket.getaddrinfo = answer
    policy = functools.partial(RetryPolicy, base=0.02)
    setattr(scrapeq.runner, "RetryPolicy", policy)  # noqa: B010 - mypy knows it as a class


def _show_tasks(*_: Any) -> None:
    loop = asyncio._get_running_loop()
    for task in asyncio.all_tasks(loop) if loop else ():
        task.print_stack(file=sys.stderr)
    sys.stderr.flush()


if __name__ == "__main__":
    serve()
