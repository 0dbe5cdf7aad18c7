"""A long run near the top of its speed, with faults: nothing may grow, nothing may be lost.

python -m tests.torture.soak --minutes 30 --share 0.7 --faults 0.05

It measures how fast this machine scrapes such pages, then feeds a list through a pipe at a share
of that speed for the time, looks at the processes each second, and holds what came of it against
what was served. Exit 0: all of it held.
"""

from __future__ import annotations

import argparse
import html
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import psutil

from tests.program_kit import PROGRAM, environment
from tests.torture.soak_site import HOSTS, KINDS, bodies, endings_of, line

FLAGS = (
    "--quiet", "--fetchers", "256", "--retries", "1", "--read-timeout", "2", "--read-ahead", "2000",
)  # fmt: skip
TICK = 0.05
"""Seconds between two portions of the list."""
TO_END = 900.0
"""Seconds that what is inside may take once the list has ended: 17,000 lines lie in a pipe and
read ahead of a run that is behind."""

COLUMNS = ("state", "reason", "detail", "status", "attempts", "truncated", "bytes")

MOST_WAL = 64 << 20
LONG = 300.0
"""Seconds from which on a run can tell whether something grows."""
MOST_GROWTH = 16 << 20
"""Bytes that the second half may add to the parent, by a line through all of its samples."""
MOST_PEAK = 32 << 20
"""Bytes by which the parent's peak, or the mean of its children, may rise in the second half. The
children's peak is a page that is too much for one of them, at the moment of a sample, or not."""
MOST_FILES = 256 + 64
"""Descriptors of so many fetchers, and of all else; how many are open follows the load."""


@dataclass(frozen=True)
class Sample:
    """The processes of a run at one moment; bytes."""

    at: float
    parent: int
    children: int
    files: int
    threads: int
    wal: int


@dataclass(frozen=True)
class Soaked:
    """What a run came to."""

    code: int | None
    """None: it did not end in time."""
    err: str
    lines: int
    seconds: float
    """While the list was fed."""
    kinds: Counter[str] = field(default_factory=Counter)
    samples: Sequence[Sample] = ()

    @property
    def rate(self) -> float:
        """Lines a second."""
        return self.lines / self.seconds


@contextmanager
def site() -> Iterator[int]:
    """The server, in its process: its port."""
    program = [sys.executable, "-m", "tests.torture.soak_site"]
    pipe = subprocess.PIPE
    with subprocess.Popen(program, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.kill()


def soak(folder: Path, port: int, seconds: float, rate: float, every: int) -> Soaked:
    """One run over a list that goes on for `seconds` at `rate` lines a second, a fault in
    `every`. With an infinite rate it goes as fast as the run can."""
    errors = folder / "stderr.txt"
    with errors.open("w") as file:
        process = subprocess.Popen(
            [*PROGRAM, "run", "-", *FLAGS],
            cwd=folder,
            env=environment(folder, {"PYTHONWARNINGS": "always::ResourceWarning"}),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=file,
            text=True,
        )
    samples: list[Sample] = []
    over = threading.Event()
    watcher = threading.Thread(target=_watch, args=(process.pid, folder, samples, over))
    watcher.start()
    code: int | None = None
    began = time.monotonic()
    try:
        assert process.stdin is not None
        kinds = _feed(process.stdin, port, seconds, rate, every)
        fed = time.monotonic() - began
        code = process.wait(TO_END)
    except subprocess.TimeoutExpired:
        pass
    finally:
        process.kill()
        process.wait()
        over.set()
        watcher.join()
    return Soaked(code, errors.read_text(), kinds.total(), fed, kinds, samples)


def _feed(pipe: IO[str], port: int, seconds: float, rate: float, every: int) -> Counter[str]:
    """Write the list. A run that takes its time makes us wait: it is never far behind."""
    kinds: Counter[str] = Counter()
    began = time.monotonic()
    with pipe:
        while (passed := time.monotonic() - began) < seconds:
            due = min(rate * passed, kinds.total() + 100) - kinds.total()
            for _ in range(int(due)):
                text, kind = line(kinds.total(), every, port)
                kinds[kind] += 1
                pipe.write(text + "\n")
            pipe.flush()
            if due < 100:
                time.sleep(TICK)
    return kinds


def _watch(pid: int, folder: Path, samples: list[Sample], over: threading.Event) -> None:
    began = time.monotonic()
    process = psutil.Process(pid)
    wal = folder / "scrapeq.db-wal"
    while not over.wait(1):
        try:
            with process.oneshot():
                parent, threads = process.memory_info().rss, process.num_threads()
            children = sum(child.memory_info().rss for child in process.children())
            size = wal.stat().st_size if wal.exists() else 0
            passed = time.monotonic() - began
            samples.append(Sample(passed, parent, children, process.num_fds(), threads, size))
        except (psutil.Error, OSError):
            continue  # it, or one of its children, has just gone


# ---- what must hold


def faults_of(soaked: Soaked, folder: Path, port: int, every: int) -> list[str]:
    """What did not hold; empty when all did."""
    found = []
    if soaked.code != 0:
        found.append(f"exit code {soaked.code}")
    if soaked.err:
        found.append(f"said on stderr: {soaked.err[:2000]}")
    if (most := max((one.wal for one in soaked.samples), default=0)) >= MOST_WAL:
        found.append(f"a WAL of {most:,} bytes")
    if (most := max((one.files for one in soaked.samples), default=0)) > MOST_FILES:
        found.append(f"{most} descriptors")
    if soaked.seconds >= LONG:
        found += _growth(soaked.samples)
    return [*found, *_wrong_verdicts(soaked, folder / "scrapeq.db", port, every)]


def _wrong_verdicts(soaked: Soaked, db: Path, port: int, every: int) -> Iterator[str]:
    times = bytearray(soaked.lines)
    with closing(sqlite3.connect(f"file:{db}?mode=ro", uri=True)) as connection:
        if list(connection.execute("PRAGMA integrity_check")) != [("ok",)]:
            yield "the database is broken"
        for url, *row in connection.execute(f"SELECT url, {', '.join(COLUMNS)} FROM pages"):
            number = int(url.rpartition("/")[2])
            text, kind = line(number, every, port)
            times[number] += 1
            if text != url:
                yield f"{text} became {url}"
            if fault := _wrong(dict(zip(COLUMNS, row, strict=True)), kind):
                yield f"{url}: {fault}"
        yield from _wrong_items(connection)
    if (lost := times.count(0)) or sum(times) != soaked.lines:
        yield f"{lost:,} lines are lost, {sum(times):,} rows are there"


def _wrong(page: dict[str, Any], kind: str) -> str:
    ending = page["state"]
    if ending in ("failed", "skipped"):
        ending += f":{page['reason']}"
    if ending not in endings_of(kind):
        return f"{ending} ({page['detail']})"
    wanted = KINDS[kind].row if kind in KINDS else {}
    return ", ".join(
        f"{name} is {page[name]}" for name, value in wanted.items() if page[name] != value
    )


def _wrong_items(connection: sqlite3.Connection) -> Iterator[str]:
    titles = [body.partition(b"<title>")[2].partition(b"</title>")[0] for body in bodies()]
    items = 0
    for url, title in connection.execute("SELECT url, title FROM items"):
        items += 1
        _, kind, number = url.rsplit("/", 2)
        if kind == "page" and title != _text(titles[int(number) % len(titles)]):
            yield f"{url} has the title {title}"
    # One item for each page that is done, and so many in all: none for any other.
    one = "(SELECT count(*) FROM items WHERE items.url = pages.url) = 1"
    query = f"SELECT count(*), coalesce(sum({one}), 0) FROM pages WHERE state = 'done'"
    for done, alone in connection.execute(query):
        if not done == alone == items:
            yield f"{done:,} pages are done, {alone:,} with one item; {items:,} items in all"


def _text(markup: bytes) -> str:
    return " ".join(html.unescape(markup.decode()).split())


def _growth(samples: Sequence[Sample]) -> Iterator[str]:
    """What a long run says by its second half."""
    half = len(samples) // 2
    first, second = samples[:half], samples[half:]
    span = second[-1].at - second[0].at
    if (more := _slope(second) * span) > MOST_GROWTH:
        yield f"the parent grows by {more / 1e6:.1f} MB in half of the time"
    for name, level in ("parent", max), ("children", statistics.mean):
        before, after = (level(getattr(one, name) for one in half) for half in (first, second))
        if after > before + MOST_PEAK:
            yield f"the {name} rose from {before / 1e6:.1f} to {after / 1e6:.1f} MB"
    before, after = (max(one.threads for one in half) for half in (first, second))
    if after > before + 1:
        yield f"{before} threads became {after}"


def _slope(samples: Sequence[Sample]) -> float:
    """Bytes a second by which the parent grows, by a line through all of them."""
    times = [one.at for one in samples]
    return statistics.linear_regression(times, [one.parent for one in samples]).slope


def report(soaked: Soaked, faults: Sequence[str]) -> str:
    samples = soaked.samples
    quarters = [samples[len(samples) * n // 4 : len(samples) * (n + 1) // 4] for n in range(4)]

    def told(name: str, unit: float = 1e6) -> str:
        means = (statistics.mean(getattr(one, name) for one in part) for part in quarters)
        peak = max(getattr(one, name) for one in samples)
        return f"{', '.join(f'{mean / unit:.1f}' for mean in means)}; at most {peak / unit:.1f}"

    wrong = soaked.lines - soaked.kinds["page"]
    return "\n".join(
        [
            f"{soaked.lines:,} URLs in {soaked.seconds:.0f}s: {soaked.rate:.1f} a second; "
            f"all in all {samples[-1].at:.0f}s",
            f"faults: {wrong:,} of {len(soaked.kinds) - 1} kinds, {HOSTS} hosts",
            "means of the four quarters, and the peak:",
            f"parent, MB RSS: {told('parent')}; "
            f"second half: {3600 * _slope(samples[len(samples) // 2 :]) / 1e6:+.1f} MB an hour",
            f"children, MB RSS: {told('children')}",
            f"descriptors: {told('files', 1)}",
            f"threads: {told('threads', 1)}",
            f"WAL, MB: {told('wal')}",
            f"exit code {soaked.code}; {len(faults)} faults found",
            *faults[:50],
        ]
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.torture.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--share", type=float, default=0.7, help="of the top speed")
    parser.add_argument("--faults", type=float, default=0.05, help="share of the pages")
    parser.add_argument("--rate", type=float, help="URLs a second, instead of a share")
    given = parser.parse_args()
    every = round(1 / given.faults)
    with tempfile.TemporaryDirectory() as place, site() as port:
        rate = given.rate
        if rate is None:
            (folder := Path(place, "top")).mkdir()
            top = soak(folder, port, 20, float("inf"), 1 << 60)
            rate = given.share * top.rate
            print(f"top speed: {top.rate:.1f} pages a second; now {rate:.1f}", flush=True)
        (folder := Path(place, "soak")).mkdir()
        soaked = soak(folder, port, 60 * given.minutes, rate, every)
        faults = faults_of(soaked, folder, port, every)
    print(report(soaked, faults))
    return bool(faults)


if __name__ == "__main__":
    raise SystemExit(main())
