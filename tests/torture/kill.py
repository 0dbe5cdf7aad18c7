"""Kills runs anywhere and resumes them: `python -m tests.torture.kill --trials N`.

A trial is a `scrapeq run` of 2,000 URLs, killed with SIGKILL one to three times and resumed until
it has finished. What is asserted stands in `trial.py`, when it is killed in `moments.py`. Trial
number n is made of the seed plus n, so that one that fails can be repeated alone.
"""

from __future__ import annotations

import argparse
import json
import queue
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from tests.torture import kit, trial
from tests.torture.report import as_text, complaint, figures
from tests.torture.trial import Report


def trials(seeds: Sequence[int], jobs: int, folder: Path) -> Iterator[Report]:
    """One Report a seed, in order. What a failed trial has left stays in `folder`."""
    with ExitStack() as stack:
        free: queue.SimpleQueue[kit.Site] = queue.SimpleQueue()
        for _ in range(jobs):
            free.put(stack.enter_context(kit.site()))
        reference = trial.undisturbed(_made(folder / "undisturbed"), first := free.get())
        free.put(first)

        def one(seed: int) -> Report:
            site = free.get()
            try:
                report = trial.run(seed, _made(folder / str(seed)), site, reference)
            finally:
                free.put(site)
            if not report.failure:
                shutil.rmtree(report.folder)
            return report

        pool = ThreadPoolExecutor(jobs)
        stack.callback(pool.shutdown, cancel_futures=True)  # whoever has seen enough need not wait
        yield from pool.map(one, seeds)


def _made(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def main(words: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.torture.kill", description=__doc__)
    parser.add_argument("--trials", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2, help="trials at once")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    given = parser.parse_args(words)
    began, reports = time.monotonic(), []
    folder = Path(tempfile.mkdtemp(prefix="scrapeq-kill-"))
    for report in trials(range(given.seed, given.seed + given.trials), given.jobs, folder):
        reports.append(report)
        if report.failure:
            print(complaint(report), file=sys.stderr, flush=True)
        elif len(reports) % 10 == 0:
            print(f"{len(reports)} of {given.trials}", file=sys.stderr, flush=True)
    found = figures(reports, time.monotonic() - began)
    if not found["failed"]:
        shutil.rmtree(folder)
    if given.json:
        given.json.write_text(json.dumps(found, indent=2) + "\n")
    print(as_text(found))
    return bool(found["failed"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
