"""Run a plain function in processes that can be killed. It does not know which function.

Each process takes one job at a time over a socket pair, has its address space capped, and
sets an alarm before each task: a task that runs out of time dies of it, whatever C code it
is in, also when the parent is gone. A task whose process died is tried once more alone.
"""

from __future__ import annotations

import asyncio
import errno
import json
import mmap
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from types import TracebackType
from typing import Any, BinaryIO, Literal, NamedTuple, TypeVar

from scrapeq.errors import FatalError
from scrapeq.worker import BODIES, COUNTER, LENGTH, OUT_OF_MEMORY

JOB_BYTES = 8 << 20
"""A job holds less than this, unless it is a single task."""
MAX_FALSE_STARTS = 3
"""Processes in a row that may die before they are ready."""
START_TIME = 60.0
"""Seconds until a process that is still not ready counts as dead."""
PATIENCE = 5.0
"""Seconds that the parent waits beyond the deadlines of all tasks of a job."""
Loss = Literal["timeout", "memory", "crash"]

T = TypeVar("T")


class Task(NamedTuple):
    """Arguments of one call: `meta` travels as JSON, `body` as it is."""

    meta: Any
    body: bytes


class Result(NamedTuple):
    """What a task returned, or how it took its process down."""

    value: Any = None
    seconds: float = 0.0
    error: str = ""
    """What it raised, if it raised."""
    lost: Loss | None = None


Numbered = tuple[int, Task]
"""A task with its place among all that were given."""
Told = Callable[[int, Result], Awaitable[None]]
"""Told the number of a task, and what became of it."""


class _DiedError(Exception):
    """The process is gone; `at` is the task it was busy with."""

    def __init__(self, loss: Loss, detail: str, at: int) -> None:
        super().__init__(detail)
        self.loss = loss
        self.detail = detail
        self.at = at


class Pool:
    """`processes` of them, each calling what `target` made of `setup`.

    `target` is `module:function`; the function gets `setup` and returns a function of
    (meta, body) whose result JSON can hold. `deadline` is seconds a task, `memory` bytes a
    process, `largest` bytes a body.
    """

    def __init__(
        self,
        target: str,
        setup: Any,
        *,
        processes: int,
        deadline: float,
        memory: int,
        largest: int = JOB_BYTES,
    ) -> None:
        self._options = {
            "target": target, "setup": setup, "deadline": deadline, "memory": memory,
            "parent": os.getpid(),
        }  # fmt: skip
        self._deadline = deadline
        room = max(largest, JOB_BYTES)
        self._slots = [_Slot(self._options, room) for _ in range(processes)]
        self._idle: asyncio.LifoQueue[_Slot] = asyncio.LifoQueue()

    async def __aenter__(self) -> Pool:
        try:
            for slot in self._slots:
                slot.start()
                self._idle.put_nowait(slot)
        except BaseException:
            await self.__aexit__(None, None, None)
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for slot in self._slots:
            slot.kill()
        for slot in self._slots:
            slot.bury()

    def pids(self) -> list[int]:
        return [slot.process.pid for slot in self._slots if slot.process]

    async def run(self, tasks: Sequence[Task]) -> list[Result]:
        """One Result a task, in order. Raises FatalError when no process can be started."""
        results: dict[int, Result] = {}

        async def keep(number: int, result: Result) -> None:
            results[number] = result

        await self.each(tasks, keep)
        return [results[number] for number in range(len(tasks))]

    async def each(self, tasks: Sequence[Task], told: Told) -> None:
        """Tell of each task's Result as soon as it is there. While `told` takes its time the
        process waits with the next ones, so that no more than a frame of them is in memory."""
        slot = await self._idle.get()
        try:
            for job in _jobs(tasks):
                await self._run_job(slot, deque(job), told)
        finally:
            self._idle.put_nowait(slot)

    async def _run_job(self, slot: _Slot, left: deque[Numbered], told: Told) -> None:
        suspects: list[Numbered] = []
        while left:
            try:
                await self._attempt(slot, left, told)
            except _DiedError as died:
                suspects.append(left[died.at])
                del left[died.at]
        for number, task in suspects:
            await told(number, await self._alone(slot, task))

    async def _alone(self, slot: _Slot, task: Task) -> Result:
        results: list[Result] = []

        async def keep(_: int, result: Result) -> None:
            results.append(result)

        slot.kill()  # a fresh process: its memory is all for this one
        try:
            await self._attempt(slot, deque([(0, task)]), keep)
        except _DiedError as died:
            return Result(lost=died.loss, error=died.detail)
        return results[0]

    async def _attempt(self, slot: _Slot, left: deque[Numbered], told: Told) -> None:
        """Tell of Results as they come, and take their tasks off `left`. Raises _DiedError, with
        `at` the task of `left` that did it."""
        process = await slot.ready()
        answered, finished = 0, False
        try:
            await self._heard(process, process.send([task for _, task in left]), 0, len(left))
            while left:
                heard = self._heard(process, process.answers(), answered, len(left))
                for result in await heard:
                    number, _ = left.popleft()
                    answered += 1
                    await told(number, result)
            finished = True
        finally:
            if not finished:  # dead, or cancelled: what it still sends belongs to nobody
                slot.kill()

    async def _heard(self, process: _Process, heard: Awaitable[T], answered: int, left: int) -> T:
        # The process has an alarm of its own: this is for one that is stopped or stuck.
        patience = self._deadline * left + PATIENCE
        loss: Loss
        try:
            async with asyncio.timeout(patience):
                return await heard
        except TimeoutError:
            loss, detail = "timeout", f"no answer in {patience:g}s"
        except OSError:
            loss, detail = await process.autopsy(self._deadline)
        raise _DiedError(loss, detail, max(0, process.at() - answered))


class _Slot:
    """A place for one process, filled again when it dies."""

    def __init__(self, options: dict[str, Any], room: int) -> None:
        self.process: _Process | None = None
        self._dying: list[_Process] = []
        self._options = options
        self._room = room
        self._is_ready = False

    def start(self) -> _Process:
        """Raises FatalError when the system gives no process, or no memory to share with it."""
        self._dying = [process for process in self._dying if not process.is_gone()]
        try:
            self.process = _Process(self._options, self._room)
        except OSError as exc:
            hint = ": ulimit -f bounds shared memory too" if exc.errno == errno.EFBIG else ""
            why = f"{exc.strerror or exc}{hint}"
            raise FatalError(f"no parse process could be started: {why}") from exc
        self._is_ready = False
        return self.process

    async def ready(self) -> _Process:
        """A process that can take a job. Raises FatalError after MAX_FALSE_STARTS."""
        why = ""
        for _ in range(MAX_FALSE_STARTS):
            process = self.process or self.start()
            try:
                self._is_ready = self._is_ready or not (why := await process.fault_at_start())
            finally:
                if not self._is_ready:  # dead, or we were cancelled and half of a word is read
                    self.kill()
            if self._is_ready:
                return process
        raise FatalError(f"no parse process could be started: {why}")

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self._dying.append(self.process)
            self.process = None

    def bury(self) -> None:
        """Wait until all that were killed are gone."""
        for process in self._dying:
            process.wait()


class _Process:
    """A running process, the parent's end of its socket, and the memory both share."""

    def __init__(self, options: dict[str, Any], room: int) -> None:
        with ExitStack() as stack:
            self._socket, theirs = map(stack.enter_context, socket.socketpair())
            shared = stack.enter_context(_nameless_file())
            shared.truncate(BODIES + room)
            self._memory = stack.enter_context(mmap.mmap(shared.fileno(), 0))
            descriptors = (theirs.fileno(), shared.fileno())
            self._popen = subprocess.Popen(  # noqa: S603 - our own interpreter and text
                [sys.executable, "-IS", "-c", _BOOT, json.dumps([*descriptors, sys.path])],
                pass_fds=descriptors,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            stack.pop_all()
        theirs.close()
        shared.close()
        self.pid = self._popen.pid
        self._received = bytearray()
        data = json.dumps(options).encode()
        with suppress(OSError):  # it is dead already, which is found out when it is asked
            self._socket.sendall(LENGTH.pack(len(data)) + data)
        self._socket.setblocking(False)

    async def fault_at_start(self) -> str:
        """Wait until it can take a job; say why it cannot, or nothing."""
        try:
            async with asyncio.timeout(START_TIME):
                return str((await self._receive()).get("fatal", ""))
        except TimeoutError:
            return f"not ready after {START_TIME:g}s"
        except OSError:
            return (await self.autopsy(0))[1]

    async def send(self, job: Sequence[Task]) -> None:
        """Raises OSError when the process dies."""
        COUNTER.pack_into(self._memory, 0, 0)
        self._memory.seek(BODIES)
        for task in job:
            self._memory.write(task.body)
        head = json.dumps([[task.meta, len(task.body)] for task in job]).encode()
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(self._socket, LENGTH.pack(len(head)) + head)

    async def answers(self) -> list[Result]:
        """The next ones that are there. Raises OSError when the process dies."""
        return [Result(value, seconds, error) for value, seconds, error in await self._receive()]

    def at(self) -> int:
        """The task of its job that it was last seen to begin with."""
        return int(COUNTER.unpack_from(self._memory)[0])

    async def autopsy(self, deadline: float) -> tuple[Loss, str]:
        """Why it died, once its socket has closed."""
        try:
            code = await asyncio.to_thread(self._popen.wait, 5)
        except subprocess.TimeoutExpired:
            return "crash", "the process closed its connection"
        if code == OUT_OF_MEMORY:
            return "memory", "out of memory"
        if code == -signal.SIGALRM:
            return "timeout", f"not done after {deadline:g}s"
        if code == -signal.SIGKILL:
            return "memory", "killed, perhaps by the system for its memory"
        name = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return "crash", f"the process died of {name}"

    def kill(self) -> None:
        self._socket.close()
        self._memory.close()
        self._popen.kill()

    def is_gone(self) -> bool:
        return self._popen.poll() is not None

    def wait(self) -> None:
        self._popen.wait()

    async def _receive(self) -> Any:
        size = LENGTH.unpack(await self._exactly(LENGTH.size))[0]
        return json.loads(await self._exactly(size))

    async def _exactly(self, size: int) -> bytearray:
        loop = asyncio.get_running_loop()
        while len(self._received) < size:
            data = await loop.sock_recv(self._socket, 1 << 18)
            if not data:
                raise ConnectionResetError("the process has closed its socket")
            self._received += data
        if len(self._received) == size:  # a large one need not be copied
            piece, self._received = self._received, bytearray()
            return piece
        piece = self._received[:size]
        del self._received[:size]
        return piece


def _nameless_file() -> BinaryIO:
    """A file without a name that holds shared memory: in memory where the system can."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("scrapeq"), "w+b")
    return tempfile.TemporaryFile()


def _jobs(tasks: Sequence[Task]) -> Iterator[list[Numbered]]:
    job: list[Numbered] = []
    size = 0
    for number, task in enumerate(tasks):
        if job and size + len(task.body) > JOB_BYTES:
            yield job
            job, size = [], 0
        job.append((number, task))
        size += len(task.body)
    if job:
        yield job


# `-I` keeps the current folder off the path; the parent's own path replaces it, so that the
# child imports the same scrapeq, and nothing that happens to lie where the user stands.
# Signals are for the parent, also those that go to the whole group, and one may come before
# the child has imported anything.
_BOOT = (
    "import signal\n"
    "for number in signal.SIGINT, signal.SIGTERM, signal.SIGHUP:\n"
    "    signal.signal(number, signal.SIG_IGN)\n"
    "import json, sys\n"
    "connection, shared, sys.path[:] = json.loads(sys.argv[1])\n"
    "from scrapeq.worker import serve\n"
    "serve(connection, shared)\n"
)
