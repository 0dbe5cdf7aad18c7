"""Takes decisions back, one at a time, to see that a test notices: `python -m tests.mutations`.

A guard whose removal fails no test is untested. Each row of MUTATIONS is one guard: an exact
piece of the code, what to put in its place, and the tests that must fail, or run out of time,
without it. Names on the command line pick rows; without any, all run. The working tree is
not touched: each mutation is made in a copy.
"""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PARALLEL = 2
LIMIT = 180
"""Seconds for the tests of one row, all together."""

# Runs pytest on the copy, and refuses to if the code under test came from anywhere else.
RUN = """
import pathlib, sys, pytest, scrapeq
if not pathlib.Path(scrapeq.__file__).is_relative_to(pathlib.Path.cwd()):
    sys.exit(f"the code under test is {scrapeq.__file__}")
sys.exit(10 + pytest.main(sys.argv[1:]))
"""
PASSED, FAILED = 10, 11  # pytest's own 0 and 1; anything else means that nothing was tested


@dataclass(frozen=True)
class Mutation:
    """One decision taken back."""

    name: str
    file: str
    """Under scrapeq/."""
    old: str
    """Stands in the file exactly once."""
    new: str
    removes: str
    """The decision that is gone."""
    tests: tuple[str, ...]
    """Files under tests/, of which one must notice."""

    def apply(self, code: str) -> str:
        if code.count(self.old) != 1:
            raise ValueError(f"{self.name}: its old text is {code.count(self.old)}x in {self.file}")
        return code.replace(self.old, self.new)


CHANNEL = ("test_channel.py",)
BUDGET = ("test_budget.py",)
DEADLINES = ("test_deadlines.py",)
FLOW = ("test_flow.py",)

# Left out, since no test could notice: what only saves time (the fast paths of put and get
# taken never, the full meter set again to what it is).
MUTATIONS: list[Mutation] = [
    # ---- channel.py: order
    Mutation(
        "lifo-end-on-top",
        "channel.py",
        "self._queue.insert(0, item)  # type: ignore[attr-defined]",
        "super()._put(item)",
        "the end marker of a stack lies below every item",
        CHANNEL,
    ),
    Mutation(
        "lifo-is-fifo",
        "channel.py",
        "self._queue = _LastInFirstOut(capacity)",
        "self._queue = asyncio.Queue(capacity)",
        "the newest item leaves first",
        CHANNEL,
    ),
    Mutation(
        "priority-end-first",
        "channel.py",
        "end = isinstance(item, _End)\n        super()._put((end, 0.0 if end",
        "end = isinstance(item, _End)\n        super()._put((not end, 0.0 if end",
        "the end marker of a heap sorts after every item",
        CHANNEL,
    ),
    Mutation(
        "priority-end-by-rank",
        "channel.py",
        "super()._put((end, 0.0 if end else",
        "super()._put((0, 1e300 if end else",
        "the end marker of a heap sorts after every item, whatever its rank",
        CHANNEL,
    ),
    Mutation(
        "priority-without-rank",
        "channel.py",
        "0.0 if end else self._rank(item)",
        "0.0",
        "the lowest rank leaves first",
        CHANNEL,
    ),
    Mutation(
        "priority-equals-reversed",
        "channel.py",
        "next(self._arrival), item",
        "-next(self._arrival), item",
        "equal priorities leave as they came",
        CHANNEL,
    ),
    Mutation(
        "priority-equals-compared",
        "channel.py",
        "next(self._arrival), item",
        "0, item",
        "items are never compared with each other",
        CHANNEL,
    ),
    # ---- channel.py: capacity
    Mutation(
        "fifo-unbounded",
        "channel.py",
        "self._queue = asyncio.Queue(capacity)",
        "self._queue = asyncio.Queue()",
        "a queue is bounded",
        CHANNEL,
    ),
    Mutation(
        "fifo-unbounded-pipeline",
        "channel.py",
        "self._queue = asyncio.Queue(capacity)",
        "self._queue = asyncio.Queue()",
        "back-pressure reaches the source",
        FLOW,
    ),
    Mutation(
        "lifo-unbounded",
        "channel.py",
        "self._queue = _LastInFirstOut(capacity)",
        "self._queue = _LastInFirstOut()",
        "a stack is bounded",
        CHANNEL,
    ),
    Mutation(
        "priority-unbounded",
        "channel.py",
        "super().__init__(capacity)",
        "super().__init__()",
        "a heap is bounded",
        CHANNEL,
    ),
    Mutation(
        "put-never-waits",
        "channel.py",
        "        if self._queue.full():\n            self._putting",
        "        if False:\n            self._putting",
        "a put on a full channel waits",
        CHANNEL,
    ),
    Mutation(
        "get-never-waits",
        "channel.py",
        "if self._queue.empty():\n            self._getting",
        "if False:\n            self._getting",
        "a get on an empty channel waits",
        CHANNEL,
    ),
    # ---- channel.py: the end
    Mutation(
        "end-not-handed-on",
        "channel.py",
        "            self._queue.put_nowait(item)\n            raise EndOfChannel",
        "            raise EndOfChannel",
        "a consumer hands the end marker to the next",
        CHANNEL,
    ),
    Mutation(
        "end-not-handed-on-pipeline",
        "channel.py",
        "            self._queue.put_nowait(item)\n            raise EndOfChannel",
        "            raise EndOfChannel",
        "every worker of a stage hears the end",
        FLOW,
    ),
    Mutation(
        "end-is-an-item",
        "channel.py",
        "if isinstance(item, _End):\n            # Hand",
        "if False:\n            # Hand",
        "the end marker is not an item",
        CHANNEL,
    ),
    Mutation(
        "close-drops-the-end-when-full",
        "channel.py",
        "await self._queue.put(_End())",
        "self._queue.full() or self._queue.put_nowait(_End())",
        "a close waits for room",
        CHANNEL,
    ),
    Mutation(
        "end-counted",
        "channel.py",
        "        self._closed = True",
        "        self._closed = False",
        "the length does not count the end marker",
        CHANNEL,
    ),
    Mutation(
        "end-discounted-too-soon",
        "channel.py",
        "        await self._queue.put(_End())\n        self._closed = True",
        "        self._closed = True\n        await self._queue.put(_End())",
        "an end marker that waits for room is not yet inside",
        CHANNEL,
    ),
    Mutation(
        "put-after-the-end",
        "channel.py",
        """        if self._closed:
            raise RuntimeError("put after the end")
""",
        "",
        "a put on a closed channel is an error",
        CHANNEL,
    ),
    Mutation(
        "closed-twice",
        "channel.py",
        """        if self._closed:
            raise RuntimeError("closed twice")
""",
        "",
        "a second close is an error",
        CHANNEL,
    ),
    # ---- channel.py: many at once
    Mutation(
        "get-many-waits-to-fill",
        "channel.py",
        "min(limit - 1, len(self) // (1 + self._getting.level))",
        "limit - 1",
        "a batch is what is there, and never waits for more",
        CHANNEL,
    ),
    Mutation(
        "get-many-without-limit",
        "channel.py",
        "min(limit - 1, len(self) // (1 + self._getting.level))",
        "len(self) // (1 + self._getting.level)",
        "a batch has a limit",
        CHANNEL,
    ),
    Mutation(
        "get-many-takes-one",
        "channel.py",
        "min(limit - 1, len(self) // (1 + self._getting.level))",
        "0",
        "a batch takes all that is there",
        CHANNEL,
    ),
    Mutation(
        "get-many-leaves-nothing",
        "channel.py",
        "min(limit - 1, len(self) // (1 + self._getting.level))",
        "min(limit - 1, len(self))",
        "who takes many leaves their share to those who wait",
        CHANNEL,
    ),
    # ---- channel.py: letting items gather
    Mutation(
        "gathering-not-told-of-a-put",
        "channel.py",
        """        if self._gatherers:
            self._tell_gatherers()
""",
        "",
        "items gather until there are enough",
        CHANNEL,
    ),
    Mutation(
        "gathering-not-told-of-the-end",
        "channel.py",
        "        self._closed = True\n        self._tell_gatherers()\n",
        "        self._closed = True\n",
        "after the end nobody waits for more",
        CHANNEL,
    ),
    Mutation(
        "gathering-in-a-full-queue",
        "channel.py",
        "self._closed or depth >= self.capacity or enough(depth)",
        "self._closed or enough(depth)",
        "a full queue is enough",
        CHANNEL,
    ),
    Mutation(
        "gathering-although-enough",
        "channel.py",
        """        self._gatherers.append(gatherer)
        self._tell_gatherers()
""",
        "        self._gatherers.append(gatherer)\n",
        "nobody waits for what is there already",
        CHANNEL,
    ),
    # ---- channel.py: levels and times
    Mutation(
        "put-meter-unbalanced-on-cancel",
        "channel.py",
        """            try:
                await self._queue.put(item)
            finally:
                self._putting.set(self._putting.level - 1)""",
        """            await self._queue.put(item)
            self._putting.set(self._putting.level - 1)""",
        "a cancelled put stops its clock",
        CHANNEL,
    ),
    Mutation(
        "get-meter-unbalanced-on-cancel",
        "channel.py",
        """            try:
                item = await self._queue.get()
            finally:
                self._getting.set(self._getting.level - 1)""",
        """            item = await self._queue.get()
            self._getting.set(self._getting.level - 1)""",
        "a cancelled get stops its clock",
        CHANNEL,
    ),
    Mutation(
        "put-meter-counts-one",
        "channel.py",
        "self._putting.set(self._putting.level + 1)",
        "self._putting.set(1)",
        "every producer that waits is counted",
        CHANNEL,
    ),
    Mutation(
        "get-meter-counts-one",
        "channel.py",
        "self._getting.set(self._getting.level + 1)",
        "self._getting.set(1)",
        "every consumer that waits is counted",
        CHANNEL,
    ),
    Mutation(
        "meters-swapped",
        "channel.py",
        "return self._putting.area()",
        "return self._getting.area()",
        "put-wait and starvation are two things",
        CHANNEL,
    ),
    Mutation(
        "depth-not-noted-by-put",
        "channel.py",
        "            self._queue.put_nowait(item)\n        self._note_depth()",
        "            self._queue.put_nowait(item)",
        "a put may be the peak, or fill the channel",
        CHANNEL,
    ),
    Mutation(
        "depth-not-noted-by-get",
        "channel.py",
        "        self._note_depth()\n        return item",
        "        return item",
        "a get ends the time without room",
        CHANNEL,
    ),
    Mutation(
        "peak-forgotten",
        "channel.py",
        "self.peak = max(self.peak, depth)",
        "self.peak = depth",
        "the peak stays when the depth falls",
        CHANNEL,
    ),
    Mutation(
        "full-too-late",
        "channel.py",
        "full = depth >= self.capacity",
        "full = depth > self.capacity",
        "full is when there is no room",
        CHANNEL,
    ),
    # ---- stage.py: the end
    Mutation(
        "first-finisher-closes",
        "stage.py",
        """        if self.outbound is not None:
            await self.outbound.close()

    async def _work(self) -> None:
        while True:
            self._stop_if_told()  # settle() may have swallowed it
            try:
                items = await self.inbound.get_many(self.batch)
            except EndOfChannel:
                return""",
        """
    async def _work(self) -> None:
        while True:
            try:
                items = await self.inbound.get_many(self.batch)
            except EndOfChannel:
                if self.outbound is not None and not self.outbound._closed:
                    await self.outbound.close()
                return""",
        "the stage closes what comes next, and not its first worker to finish",
        FLOW,
    ),
    Mutation(
        "others-not-told-of-an-exit",
        "stage.py",
        "            except BaseException:\n                self._stopping = True",
        "            except Exception:\n                self._stopping = True",
        "whatever leaves a worker, the workers beside it are told",
        FLOW,
    ),
    Mutation(
        "swallowed-in-settle",
        "stage.py",
        "            self._stop_if_told()  # settle() may have swallowed it\n",
        "",
        "a cancellation that settle() swallowed still ends its worker",
        FLOW,
    ),
    Mutation(
        "lost-worker-stops-others",
        "stage.py",
        """            except asyncio.CancelledError:
                raise
            except BaseException:""",
        "            except BaseException:",
        "a worker lost to a leaked cancellation does not stop the others' items",
        FLOW,
    ),
    Mutation(
        "nobody-closes",
        "stage.py",
        "        if self.outbound is not None:\n            await self.outbound.close()",
        "",
        "a stage that is done closes what comes next",
        FLOW,
    ),
    Mutation(
        "nothing-closed-too",
        "stage.py",
        "        if self.outbound is not None:\n            await self.outbound.close()",
        "        await self.outbound.close()",
        "the last stage has nothing to close",
        FLOW,
    ),
    Mutation(
        "stage-closes-in-finally",
        "stage.py",
        """        async with asyncio.TaskGroup() as group:
            crew = [
                group.create_task(self._work(), name=f"{self.name}-{n}")
                for n in range(self.workers)
            ]
            try:
                await asyncio.wait(crew)
            except asyncio.CancelledError:
                self._stopping = True  # before the group cancels the crew
                raise
        if any(worker.cancelled() for worker in crew):  # TaskGroup does not mind; we do
            raise FatalError(f"{self.name}: a worker was lost")
        if self.outbound is not None:
            await self.outbound.close()""",
        """        try:
            async with asyncio.TaskGroup() as group:
                crew = [
                    group.create_task(self._work(), name=f"{self.name}-{n}")
                    for n in range(self.workers)
                ]
                try:
                    await asyncio.wait(crew)
                except asyncio.CancelledError:
                    self._stopping = True
                    raise
            if any(worker.cancelled() for worker in crew):  # TaskGroup does not mind; we do
                raise FatalError(f"{self.name}: a worker was lost")
        finally:
            if self.outbound is not None:
                await self.outbound.close()""",
        "a stage that crashes does not close",
        FLOW,
    ),
    Mutation(
        "one-worker-only",
        "stage.py",
        "for n in range(self.workers)",
        "for n in range(1)",
        "a stage has as many workers as it was given",
        FLOW,
    ),
    # ---- stage.py: whose failure it is
    Mutation(
        "lost-worker-ignored",
        "stage.py",
        "if any(worker.cancelled() for worker in crew):",
        "if False:",
        "a lost worker ends the run with an error",
        FLOW,
    ),
    Mutation(
        "all-workers-must-be-lost",
        "stage.py",
        "if any(worker.cancelled() for worker in crew):",
        "if all(worker.cancelled() for worker in crew):",
        "one lost worker is enough",
        FLOW,
    ),
    Mutation(
        "every-cancellation-ours",
        "stage.py",
        """            self._stop_if_told()
            await self._isolate(items, exc)""",
        """            if isinstance(exc, asyncio.CancelledError):
                raise
            await self._isolate(items, exc)""",
        "a leaked cancellation is the failure of its item",
        FLOW,
    ),
    Mutation(
        "cancellation-not-caught",
        "stage.py",
        "except (Exception, asyncio.CancelledError) as exc:",
        "except Exception as exc:",
        "a leaked cancellation is caught at all",
        FLOW,
    ),
    Mutation(
        "exits-are-the-items",
        "stage.py",
        "except (Exception, asyncio.CancelledError) as exc:",
        "except BaseException as exc:",
        "an interpreter that is told to exit is no failure of an item",
        FLOW,
    ),
    Mutation(
        "cancelling-asked",
        "stage.py",
        "        if self._stopping:",
        """        task = asyncio.current_task()
        if task is not None and task.cancelling():""",
        "a mark that a handler left on its task is no cancellation of ours",
        FLOW,
    ),
    Mutation(
        "only-plain-cancellations-ours",
        "stage.py",
        """            self._stop_if_told()
            await self._isolate(items, exc)""",
        """            if isinstance(exc, asyncio.CancelledError):
                self._stop_if_told()
            await self._isolate(items, exc)""",
        "a worker that was told to stop stops, though its handler translates",
        FLOW,
    ),
    Mutation(
        "told-and-failed-goes-on",
        "stage.py",
        """            self._stop_if_told()
            await self._isolate(items, exc)""",
        "            await self._isolate(items, exc)",
        "a worker that was told to stop stops",
        FLOW,
    ),
    Mutation(
        "told-and-done-goes-on",
        "stage.py",
        """            self._stop_if_told()
            self.done += len(items)""",
        "            self.done += len(items)",
        "a worker that was told to stop stops, though its handler swallows",
        FLOW,
    ),
    Mutation(
        "told-and-done-counts",
        "stage.py",
        """            self._stop_if_told()
            self.done += len(items)""",
        """            self.done += len(items)
            self._stop_if_told()""",
        "what a handler makes of its cancellation does not count",
        FLOW,
    ),
    Mutation(
        "cancelled-crew-not-told",
        "stage.py",
        "                self._stopping = True  # before the group cancels the crew\n",
        "",
        "the cancellation of the run tells the crew to stop",
        FLOW,
    ),
    Mutation(
        "others-not-told",
        "stage.py",
        "                self._stopping = True  # before the group cancels the others\n",
        "",
        "a worker that ends the run tells the others to stop",
        FLOW,
    ),
    Mutation(
        "fatal-is-the-items",
        "stage.py",
        "        except FatalError:\n            raise\n",
        "",
        "a fatal error ends the run",
        FLOW,
    ),
    Mutation(
        "every-error-fatal",
        "stage.py",
        "        except FatalError:\n",
        "        except Exception:\n",
        "an item's error is a value",
        FLOW,
    ),
    # ---- stage.py: batches
    Mutation(
        "whole-batch-fails",
        "stage.py",
        """            for item in items:
                await self._process([item])
            return""",
        """            for item in items:
                await self._isolate([item], exc)
            return""",
        "a failed batch is tried again one by one",
        FLOW,
    ),
    Mutation(
        "first-of-a-batch-blamed",
        "stage.py",
        "if len(items) > 1:",
        "if False:",
        "each item of a failed batch gets its own verdict",
        FLOW,
    ),
    Mutation(
        "failed-item-tried-for-ever",
        "stage.py",
        "if len(items) > 1:",
        "if len(items) > 0:",
        "an item that fails alone is not tried again",
        FLOW,
    ),
    Mutation(
        "failed-batch-then-blamed",
        "stage.py",
        "                await self._process([item])\n            return",
        "                await self._process([item])",
        "the first of a failed batch is not blamed for the others",
        FLOW,
    ),
    Mutation(
        "batch-ignored",
        "stage.py",
        "self.inbound.get_many(self.batch)",
        "self.inbound.get_many(1)",
        "a stage takes its batch at once",
        FLOW,
    ),
    Mutation(
        "done-items-held",
        "stage.py",
        "            items.clear()  # what",
        "            # what",
        "a stage lets go of what it has done",
        FLOW,
    ),
    Mutation(
        "pace-ignored",
        "stage.py",
        "                await self.inbound.gather(early, self.enough)",
        "                pass",
        "what comes within the pace of a stage is taken together",
        FLOW,
    ),
    # ---- stage.py: verdicts and counts
    Mutation(
        "crash-not-settled",
        "stage.py",
        "        await self.settle(crashed(items[0].request, self.name, exc))",
        "",
        "what a handler raises is an outcome",
        FLOW,
    ),
    Mutation(
        "outcomes-go-on",
        "stage.py",
        "if isinstance(result, Outcome):",
        "if False:",
        "an outcome is settled and does not go on",
        FLOW,
    ),
    Mutation(
        "outcomes-not-settled",
        "stage.py",
        "            await self.settle(result)",
        "",
        "an outcome is settled",
        FLOW,
    ),
    Mutation(
        "results-kept",
        "stage.py",
        "            await self.outbound.put(result)",
        "            pass",
        "what is not an outcome goes on",
        FLOW,
    ),
    Mutation(
        "results-need-a-next-stage",
        "stage.py",
        "        elif self.outbound is not None:",
        "        else:",
        "what leaves the last stage ends there",
        FLOW,
    ),
    Mutation(
        "done-not-counted",
        "stage.py",
        "self.done += len(items)",
        "self.done += 1",
        "every item of a batch is counted",
        FLOW,
    ),
    Mutation(
        "crash-not-done",
        "stage.py",
        "        self.done += 1\n        self.failed += 1",
        "        self.failed += 1",
        "done counts failures too",
        FLOW,
    ),
    Mutation(
        "crash-not-failed",
        "stage.py",
        "        self.done += 1\n        self.failed += 1",
        "        self.done += 1",
        "a crash counts as a failure",
        FLOW,
    ),
    Mutation(
        "failed-verdict-not-counted",
        "stage.py",
        '            self.failed += result.verdict == "failed"\n',
        "",
        "a verdict of failed counts as a failure",
        FLOW,
    ),
    Mutation(
        "every-verdict-but-done-failed",
        "stage.py",
        'self.failed += result.verdict == "failed"',
        'self.failed += result.verdict != "done"',
        "a skipped item and a retry are no failures",
        FLOW,
    ),
    Mutation(
        "retries-not-counted",
        "stage.py",
        '            self.retried += result.verdict == "retry"\n',
        "",
        "retries are counted",
        FLOW,
    ),
    Mutation(
        "busy-unbalanced",
        "stage.py",
        "            finally:\n                self._busy.set(self._busy.level - 1)",
        "            self._busy.set(self._busy.level - 1)",
        "a worker that is stopped is not busy",
        FLOW,
    ),
    Mutation(
        "busy-counts-one",
        "stage.py",
        "self._busy.set(self._busy.level + 1)",
        "self._busy.set(1)",
        "every busy worker is counted",
        FLOW,
    ),
    Mutation(
        "starved-is-put-wait",
        "stage.py",
        "starved_seconds=self.inbound.starved_seconds()",
        "starved_seconds=self.inbound.put_wait_seconds()",
        "a stage starves while its own workers wait",
        FLOW,
    ),
    Mutation(
        "attempts-forgotten",
        "stage.py",
        "attempts=request.attempt,",
        "",
        "a crash is an attempt that counts",
        FLOW,
    ),
    # ---- pipeline.py
    Mutation(
        "pipeline-never-closes",
        "pipeline.py",
        "            await self.stages[0].inbound.close()",
        "",
        "a source that is exhausted ends the run",
        FLOW,
    ),
    Mutation(
        "pipeline-closes-in-finally",
        "pipeline.py",
        """            await asyncio.wait({self._intake})  # exhausted, drained or failed
            if self._intake.cancelled() and not self._draining:
                raise FatalError("the source was lost")
            # Not in a `finally`: a run that failed is cancelled, it is not closed.
            await self.stages[0].inbound.close()
""",
        """            try:
                await asyncio.wait({self._intake})
                if self._intake.cancelled() and not self._draining:
                    raise FatalError("the source was lost")
            finally:
                await self.stages[0].inbound.close()
""",
        "a run that failed is cancelled, it is not closed",
        FLOW,
    ),
    Mutation(
        "feed-closes-in-finally",
        "pipeline.py",
        """            # Not in a `finally`: a run that failed is cancelled, it is not closed.
            await self.stages[0].inbound.close()

    async def _feed(self) -> None:
        async for request in self.source:
            if self._draining:
                return
            await self.stages[0].inbound.put(request)
""",
        """
    async def _feed(self) -> None:
        try:
            async for request in self.source:
                if self._draining:
                    return
                await self.stages[0].inbound.put(request)
        finally:
            await self.stages[0].inbound.close()
""",
        "an intake that failed or was cancelled does not close",
        FLOW,
    ),
    Mutation(
        "drain-cancels-the-close",
        "pipeline.py",
        """            # Not in a `finally`: a run that failed is cancelled, it is not closed.
            await self.stages[0].inbound.close()

    async def _feed(self) -> None:
        async for request in self.source:
            if self._draining:
                return
            await self.stages[0].inbound.put(request)
""",
        """
    async def _feed(self) -> None:
        try:
            async for request in self.source:
                if self._draining:
                    break
                await self.stages[0].inbound.put(request)
        except asyncio.CancelledError:
            if not self._draining:
                raise
        await self.stages[0].inbound.close()
""",
        "a drain cancels the intake and never the close after it",
        FLOW,
    ),
    Mutation(
        "drain-skips-the-close",
        "pipeline.py",
        "            await self.stages[0].inbound.close()\n\n",
        """            if not self._draining:
                await self.stages[0].inbound.close()

""",
        "a drained run is closed too",
        FLOW,
    ),
    Mutation(
        "drain-raises",
        "pipeline.py",
        "await asyncio.wait({self._intake})",
        "await self._intake",
        "a drained run ends without an error",
        FLOW,
    ),
    Mutation(
        "drain-does-not-cancel",
        "pipeline.py",
        """        if self._intake is not None and not self._draining:
            self._intake.cancel()
""",
        "",
        "a drain stops the intake",
        FLOW,
    ),
    Mutation(
        "drain-needs-a-run",
        "pipeline.py",
        "        if self._intake is not None and not self._draining:",
        "        if not self._draining:",
        "a drain may come before the run",
        FLOW,
    ),
    Mutation(
        "every-drain-cancels",
        "pipeline.py",
        "        if self._intake is not None and not self._draining:",
        "        if self._intake is not None:",
        "a second drain does not interrupt the source's cleanup",
        FLOW,
    ),
    Mutation(
        "feed-trusts-the-source",
        "pipeline.py",
        "            if self._draining:\n                return\n",
        "",
        "a source that swallows the drain is drained all the same",
        FLOW,
    ),
    Mutation(
        "feed-asks-too-late",
        "pipeline.py",
        """            if self._draining:
                return
            await self.stages[0].inbound.put(request)
""",
        """            await self.stages[0].inbound.put(request)
            if self._draining:
                return
""",
        "nothing is put after a drain",
        FLOW,
    ),
    Mutation(
        "lost-source-ignored",
        "pipeline.py",
        """            if self._intake.cancelled() and not self._draining:
                raise FatalError("the source was lost")
""",
        "",
        "a source lost to a leaked cancellation ends the run with an error",
        FLOW,
    ),
    Mutation(
        "lost-source-closed-first",
        "pipeline.py",
        """            if self._intake.cancelled() and not self._draining:
                raise FatalError("the source was lost")
            # Not in a `finally`: a run that failed is cancelled, it is not closed.
            await self.stages[0].inbound.close()
""",
        """            await self.stages[0].inbound.close()
            if self._intake.cancelled() and not self._draining:
                raise FatalError("the source was lost")
""",
        "a run whose source was lost is cancelled, it is not closed",
        FLOW,
    ),
    Mutation(
        "drained-source-is-lost",
        "pipeline.py",
        "if self._intake.cancelled() and not self._draining:",
        "if self._intake.cancelled():",
        "a drained source is not lost",
        FLOW,
    ),
    Mutation(
        "drain-before-start-forgotten",
        "pipeline.py",
        "        self._draining = True\n",
        "",
        "a drain before the run is remembered",
        FLOW,
    ),
    Mutation(
        "drain-before-start-ignored",
        "pipeline.py",
        "            if self._draining:\n                self._intake.cancel()\n",
        "",
        "a drain before the run is obeyed",
        FLOW,
    ),
    Mutation(
        "last-stage-left-out",
        "pipeline.py",
        "for stage in self.stages:\n                group",
        "for stage in self.stages[:-1]:\n                group",
        "every stage runs",
        FLOW,
    ),
    # ---- budget.py, deadlines.py
    Mutation(
        "budget-younger-first",
        "budget.py",
        "for holder in [reader for reader in self._reading if reader in self._waiting]:",
        "for holder in list(self._waiting)[::-1]:",
        "what comes back goes to the eldest that waits",
        BUDGET,
    ),
    Mutation(
        "budget-without-a-way-out",
        "budget.py",
        "return not self._read and not self._values and holder == next(iter(self._reading))",
        "return False",
        "a body larger than all gets through",
        BUDGET,
    ),
    Mutation(
        "budget-way-out-for-everybody",
        "budget.py",
        "return not self._read and not self._values and holder == next(iter(self._reading))",
        "return holder == next(iter(self._reading))",
        "nobody exceeds the limit while bodies are there to be parsed",
        BUDGET,
    ),
    Mutation(
        "budget-readers-forget-values",
        "budget.py",
        "return not self._read and not self._values and holder == next(iter(self._reading))",
        "return not self._read and holder == next(iter(self._reading))",
        "nobody exceeds the limit while values are there to be saved",
        BUDGET,
    ),
    Mutation(
        "budget-values-unbounded",
        "budget.py",
        "                await self._saved.wait()\n",
        "                break\n",
        "values wait for others to be saved",
        BUDGET,
    ),
    Mutation(
        "budget-values-all-at-once",
        "budget.py",
        "            while self._values and sum",
        "            while sum",
        "values of one page may be more than all",
        BUDGET,
    ),
    Mutation(
        "budget-given-to-the-gone",
        "budget.py",
        "if not given.done():",
        "if True:",
        "who gave up is given nothing",
        BUDGET,
    ),
    Mutation(
        "budget-freed-unnoticed",
        "budget.py",
        "        if self._waiting:\n            self._serve()\n",
        "",
        "what comes back goes to who waits",
        BUDGET,
    ),
    Mutation(
        "deadline-timer-once",
        "deadlines.py",
        '        self._wait(min(self._due.values(), default=float("inf")))\n',
        "        pass\n",
        "each attempt has its own end",
        DEADLINES,
    ),
    Mutation(
        "deadline-clock-runs-on",
        "deadlines.py",
        '        self._due[timeout] = float("inf")\n',
        "        pass\n",
        "nobody is late who was told to wait",
        DEADLINES,
    ),
    Mutation(
        "deadline-of-the-past",
        "deadlines.py",
        "if due <= now",
        "if True",
        "only those end whose time is over",
        DEADLINES,
    ),
    # ---- meter.py: levels over time
    Mutation(
        "meter-forgets-the-past",
        "meter.py",
        "self._area += self.level * (now - self._since)",
        "self._area = self.level * (now - self._since)",
        "times are sums since the start",
        CHANNEL,
    ),
    Mutation(
        "meter-ignores-the-present",
        "meter.py",
        "return self._area + self.level * (time.monotonic() - self._since)",
        "return self._area",
        "a wait is seen while it lasts",
        CHANNEL,
    ),
    Mutation(
        "meter-counts-twice",
        "meter.py",
        "        self._since = now\n",
        "",
        "no second is counted twice",
        CHANNEL,
    ),
]
MUTATIONS += [
    Mutation(*row)
    for path in sorted(Path(__file__).parent.glob("mutations_*.py"))
    for row in importlib.import_module(f"tests.{path.stem}").ROWS
]


def copy(target: Path) -> None:
    """The code and its tests, as they are now."""
    clutter = shutil.ignore_patterns("__pycache__", "*.pyc")
    for folder in ("scrapeq", "tests"):
        shutil.copytree(ROOT / folder, target / folder, ignore=clutter)
    shutil.copy(ROOT / "pyproject.toml", target)


def test(folder: Path, tests: Sequence[str]) -> tuple[str, str]:
    """What became of the tests there (passed, failed, hung or broken), and what they wrote."""
    options = ["-x", "-q", "-p", "no:cacheprovider", "--timeout=10", "--tb=line"]
    command = [sys.executable, "-c", RUN, *options, *[f"tests/{name}" for name in tests]]
    env = os.environ | {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        run = subprocess.run(
            command, cwd=folder, env=env, timeout=LIMIT, capture_output=True, text=True
        )
    except subprocess.TimeoutExpired:
        return "hung", ""
    verdict = {PASSED: "passed", FAILED: "failed"}.get(run.returncode, "broken")
    return verdict, run.stdout + run.stderr


test.__test__ = False  # type: ignore[attr-defined]  # pytest is not to collect it


def try_out(mutation: Mutation | None, tests: Sequence[str]) -> tuple[str, str]:
    """Run the tests on a copy with the mutation, if any, made."""
    with tempfile.TemporaryDirectory(prefix="scrapeq-mutation-") as name:
        folder = Path(name).resolve()
        copy(folder)
        if mutation is not None:
            file = folder / "scrapeq" / mutation.file
            file.write_text(mutation.apply(file.read_text()))
        return test(folder, tests)


def report(mutation: Mutation, verdict: str, output: str) -> bool:
    """Print one line. True if the decision was missed."""
    noticed = verdict in ("failed", "hung")
    failures = [line for line in output.splitlines() if line.startswith("FAILED")]
    by = failures[0].split()[1] if failures else verdict
    word = "noticed" if noticed else "SURVIVED" if verdict == "passed" else "BROKEN"
    print(f"{word:9}{mutation.name:32}{by if noticed else mutation.removes}", flush=True)
    if word == "BROKEN":
        print(output)
    return noticed


def main(names: Sequence[str]) -> int:
    unknown = set(names) - {mutation.name for mutation in MUTATIONS}
    if unknown:
        print(f"no such mutation: {', '.join(sorted(unknown))}")
        return 2
    chosen = [mutation for mutation in MUTATIONS if not names or mutation.name in names]
    verdict, output = try_out(None, sorted({test for row in chosen for test in row.tests}))
    if verdict != "passed":
        print(output, f"the tests fail before any mutation: {verdict}", sep="\n")
        return 1
    with ThreadPoolExecutor(PARALLEL) as pool:
        results = pool.map(lambda row: try_out(row, row.tests), chosen)
        noticed = [report(row, *result) for row, result in zip(chosen, results, strict=True)]
    print(f"{sum(noticed)} of {len(noticed)} noticed")
    return not all(noticed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
