"""`scrapeq bench`: measure, say what came of it, and exit."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from typing import NoReturn

from scrapeq.bench.contest import Findings, Plan, measure
from scrapeq.bench.document import as_json
from scrapeq.bench.lab import lab
from scrapeq.bench.report import lines
from scrapeq.errors import FatalError
from scrapeq.plain import say
from scrapeq.signals import listening


def bench(plan: Plan, *, wants_json: bool) -> NoReturn:
    """Progress goes to stderr, results to stdout. Raises FatalError, when nothing is left
    behind; a signal ends it with 128 and its number."""
    found = asyncio.run(_until_stopped(plan))
    if isinstance(found, signal.Signals):
        say(sys.stderr, f"scrapeq bench: stopped by {found.name}")
        raise SystemExit(128 + found)
    text = json.dumps(as_json(found), indent=2) if wants_json else "\n".join(lines(found))
    if not say(sys.stdout, text):  # it is all that there is of a minute's work
        raise FatalError("nobody can read the results on stdout")
    raise SystemExit(0)


async def _until_stopped(plan: Plan) -> Findings | signal.Signals:
    work = asyncio.create_task(_work(plan))
    heard: list[signal.Signals] = []

    def stop(number: signal.Signals) -> None:
        heard.append(number)
        work.cancel()

    with listening(stop, lambda _: None):  # cleaning up takes no time, and is not cut short
        try:
            return await work
        except asyncio.CancelledError:
            if not heard:
                raise
            return heard[0]


async def _work(plan: Plan) -> Findings:
    try:
        async with lab(plan.latency) as place:
            return await measure(place, plan, _progress)
    except OSError as exc:  # no room on the disk, no folder, no process to be had
        raise FatalError(f"nothing can be measured: {exc}") from exc


def _progress(line: str) -> None:
    say(sys.stderr, f"scrapeq bench: {line}")
