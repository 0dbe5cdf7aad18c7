"""One trial: a run that is killed up to three times and resumed until it has finished, held
against a run that nobody disturbed."""

from __future__ import annotations

import json
import sqlite3
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from signal import SIGKILL, SIGXFSZ
from typing import Any

from scrapeq.plant import JOB
from tests.torture import kit, moments
from tests.torture.moments import Moment

URLS = 2000
DB = "scrapeq.db"
PATIENT = (
    *("--retries", "1", "--timeout", "100", "--connect-timeout", "100", "--read-timeout", "100"),
    *("--parse-timeout", "100"),
)
"""No attempt fails because the machine is busy."""
LAUNCHER = Path(__file__).with_name("launcher.py")
RULES = """
[[extract]]
table = "parts"
match = "*/page/*"
each = "li"
[extract.fields]
part = "li::text"

[[extract]]
[extract.fields]
title = "title"
"""
_TABLES = ("items", "parts")
_PAGES = "SELECT url, state, reason, status, final_url FROM pages"

Row = tuple[Any, ...]
Tables = Mapping[str, Sequence[Row]]


class BrokenPromiseError(AssertionError):
    """What must hold at every moment does not."""


def check(holds: object, what: str) -> None:
    if not holds:
        raise BrokenPromiseError(what)


def the_list(site: str) -> list[str]:
    """URLS lines of a list: pages, faults of all kinds, and 20 lines that are there already. What
    needs another attempt stands in the first half, so that no run ends with a wait for it."""
    kinds = {
        3: "older", 7: "missing", 13: "busy", 23: "old", 37: "image", 41: "slow", 53: "gone",
        61: "down", 71: "cut",
    }  # fmt: skip
    lines = []
    for n in range(URLS):
        kind = kinds.get(n % 100, "page")
        if n > URLS / 2 and kind in ("busy", "down", "cut"):
            kind = "page"
        lines.append(f"ftp://host.test/{n}" if n % 500 == 499 else f"{site}/{kind}/{n}")
    for n in range(0, URLS, 100):
        lines.insert(n + 50, lines[n])
    return lines


@dataclass(frozen=True)
class Sizes:
    """What bounds the requests that a kill can waste."""

    fetchers: int = 16
    page_queue: int = 16
    parsers: int = 1
    save_queue: int = 64

    @property
    def bound(self) -> int:
        """URLs at most that were asked for and have no verdict in the database.

        Each fetcher has one: under way, or waiting for room in a queue. The queue of pages holds
        `page_queue`, a parser a job of JOB (it may wait for room with its answers), the queue of
        outcomes `save_queue`, and the saver as many in its transaction.
        """
        return self.fetchers + self.page_queue + self.parsers * JOB + 2 * self.save_queue

    def flags(self) -> list[str]:
        return [
            # More than there are fetchers: a drain finds some that wait.
            *("--fetchers", str(self.fetchers), "--per-host", str(2 * self.fetchers)),
            *("--page-queue", str(self.page_queue), "--save-queue", str(self.save_queue)),
            *("--parsers", str(self.parsers), "--savers", "1"),
        ]


def sizes_by(chance: Random) -> Sizes:
    return Sizes(
        fetchers=chance.choice([8, 16, 32]),
        page_queue=chance.choice([4, 16, 64]),
        parsers=chance.choice([1, 1, 2]),
        save_queue=chance.choice([16, 64, 256]),
    )


@dataclass(frozen=True)
class Reference:
    """What an undisturbed run comes to, without the address of its site."""

    tables: Tables
    tally: Mapping[str, int]
    seconds: float

    @property
    def requests(self) -> int:
        return sum(self.tally.values())


@dataclass
class Kill:
    """One kill, and what it cost."""

    moment: str
    killed: bool
    """False: the moment never came, or was over."""
    repeats: int = 0
    """URLs asked for whose answer did not get into the database."""


@dataclass
class Report:
    """What a trial came to."""

    seed: int
    moments: Sequence[str]
    kills: list[Kill] = field(default_factory=list)
    bound: int = 0
    """Repeats that one kill may cause at most."""
    seconds: float = 0.0
    failure: str = ""
    folder: str = ""

    @property
    def repeats(self) -> int:
        return sum(kill.repeats for kill in self.kills)


class Trial:
    """The runs in one folder over one database."""

    def __init__(self, folder: Path, site: kit.Site, sizes: Sizes, flags: Sequence[str]) -> None:
        self.sizes = sizes
        self._folder = folder
        self._site = site
        self._urls = list(dict.fromkeys(the_list(site.url)))
        self._flags = flags
        self._lost: dict[str, int] = dict.fromkeys(self._urls, 0)
        self._runs = 0
        self._asked = 0
        (folder / "urls.txt").write_text("".join(f"{url}\n" for url in the_list(site.url)))
        (folder / "scrapeq.toml").write_text(RULES)
        site.reset()

    def finish(self) -> None:
        """Run to the end; raise BrokenPromiseError unless it gets there."""
        program = self._start(None)
        code = program.wait()
        if code is None:
            program.kill()
        check(code == 0, f"the last run ended with {code}: {program.log.read_text()[-2000:]}")
        self._check_rest(program)
        check(not self._left_files(), f"left behind: {self._left_files()}")

    def kill(self, moment: Moment, reference: Reference) -> bool:
        """Begin a run and kill it; return whether that was at its moment."""
        program = self._start(moment)
        limit = kit.PATIENCE
        left = max(reference.requests - self._asked, 1)
        if moment.request is not None:
            at = self._asked + max(1, round(moment.request * left))
            self._site.kill(program.pid, group=moment.group, at=at, after=moment.after)
        elif moment.time is not None:
            start = 0.2  # of a whole run: to begin and to end takes its time as well
            limit = moment.time * reference.seconds * max(start, left / reference.requests)
        code = program.wait(limit)
        if code is None:
            program.kill(group=moment.group)
            check(moment.time is not None, f"a run hangs: {program.log.read_text()[-2000:]}")
            code = -SIGKILL
        self._check_rest(program)
        expected = (-SIGKILL, -SIGXFSZ, 0, 130, 143)
        check(code in expected, f"a run ended with {code}: {program.log.read_text()[-2000:]}")
        in_time = "checkpoint" not in moment.script or kit.in_checkpoint(self._folder / DB)
        return code < 0 and in_time

    def look(self, reference: Reference | None = None) -> int:
        """Check what holds at every moment; return how many requests are new and in vain."""
        tally = self._site.tally()
        self._asked = sum(tally.values())
        connection = kit.read_copy(self._folder / DB, self._folder / "copy")
        attempts: Mapping[str, int] = {}
        if connection is not None:
            with closing(connection):
                found = kit.select(connection, "PRAGMA integrity_check")
                check(found == [("ok",)], f"integrity_check says {found[:3]}")
                if kit.select(connection, "SELECT 1 FROM sqlite_schema WHERE name = 'pages'"):
                    attempts = kit.mapping(connection, "SELECT url, attempts FROM pages")
                    self._check_rows(connection, reference)
        return self._count_lost(tally, attempts)

    def tables(self) -> dict[str, list[Row]]:
        with closing(sqlite3.connect(self._folder / DB)) as connection:
            return self._tables(connection)

    def _tables(self, connection: sqlite3.Connection) -> dict[str, list[Row]]:
        queries = {"pages": _PAGES} | {name: f"SELECT * FROM {name}" for name in _TABLES}
        return {name: self._rows(connection, query) for name, query in queries.items()}

    def _rows(self, connection: sqlite3.Connection, query: str) -> list[Row]:
        """Sorted, without the address of the site."""
        rows = [
            tuple(x.removeprefix(self._site.url) if isinstance(x, str) else x for x in row)
            for row in kit.select(connection, query)
        ]
        return sorted(rows, key=repr)

    def _start(self, moment: Moment | None) -> kit.Group:
        self._runs += 1
        program = ["-m", "scrapeq"]
        if moment is not None and moment.script:
            program = [str(LAUNCHER), json.dumps(moment.script)]
        flags = [*PATIENT, *self.sizes.flags(), *self._flags]
        command = [sys.executable, *program, "run", *flags, "urls.txt"]
        return kit.Group(command, self._folder, self._folder / f"stderr-{self._runs}.txt")

    def _check_rest(self, program: kit.Group) -> None:
        left = program.leftovers()
        check(not left, f"processes outlive the program: {left}")
        check("Traceback" not in program.log.read_text(), program.log.read_text()[-2000:])

    def _check_rows(self, connection: sqlite3.Connection, reference: Reference | None) -> None:
        """No URL twice; what has a verdict has all its rows, and nothing else has any."""
        tables = self._tables(connection)
        settled = {row for row in tables["pages"] if row[1] != "pending"}
        urls = [row[0] for row in tables["pages"]]
        check(len(urls) == len(set(urls)), "a URL is there twice")
        if reference is None:
            return
        wrong = settled - set(reference.tables["pages"])
        check(not wrong, f"verdicts that an undisturbed run does not give: {sorted(wrong)[:3]}")
        done = {row[0] for row in settled if row[1] == "done"}
        for name in _TABLES:
            expected = [row for row in reference.tables[name] if row[0] in done]
            check(
                tables[name] == expected,
                f"{name}: {len(tables[name])} rows, not the {len(expected)} of the finished pages",
            )

    def _count_lost(self, tally: Mapping[str, int], attempts: Mapping[str, int]) -> int:
        """Each attempt that the site saw is counted in the database, or was lost with a run."""
        new = 0
        for url in self._urls:
            asked = tally.get(url.removeprefix(self._site.url), 0)
            lost = asked - attempts.get(url, 0)
            more = lost - self._lost[url]
            check(0 <= more <= 1, f"{url}: asked {asked}x, {attempts.get(url, 0)} in the database")
            self._lost[url] = lost
            new += more
        return new

    def check_repeats(self, reference: Reference) -> None:
        """No path was asked for more often than in an undisturbed run, but for what was lost."""
        allowed = dict(reference.tally)
        for url, lost in self._lost.items():
            for path in _hops(url.removeprefix(self._site.url)):
                allowed[path] = allowed.get(path, 0) + lost
        for path, number in self._site.tally().items():
            if path != "/robots.txt":
                check(number <= allowed[path], f"{path}: asked {number}x, not {allowed[path]}x")

    def _left_files(self) -> list[str]:
        return [end for end in ("-lock", "-wal", "-shm") if (self._folder / (DB + end)).exists()]


def _hops(path: str) -> list[str]:
    _, kind, name = path.split("/") if path.count("/") == 2 else ("", "", "")
    chain = ["older", "old", "moved"]
    return [f"/{x}/{name}" for x in chain[chain.index(kind) :]] if kind in chain else [path]


def undisturbed(folder: Path, site: kit.Site) -> Reference:
    """Run once without a kill."""
    began = time.monotonic()
    trial = Trial(folder, site, Sizes(), [])
    trial.finish()
    seconds = time.monotonic() - began
    check(trial.look() == 0, "an undisturbed run asks twice")
    tables, tally = trial.tables(), site.tally()
    check(len(tables["pages"]) == URLS, f"{len(tables['pages'])} verdicts of {URLS}")
    check(all(row[1] != "pending" for row in tables["pages"]), "a run ends with pending URLs")
    return Reference(tables, tally, seconds)


def run(seed: int, folder: Path, site: kit.Site, reference: Reference) -> Report:
    """The trial that belongs to the seed. What does not hold is told in the Report."""
    chance = Random(seed)
    kills = moments.plan(seed, chance)
    report = Report(seed, [moment.name for moment in kills], folder=str(folder))
    began = time.monotonic()
    try:
        trial = Trial(folder, site, sizes_by(chance), _flags(chance))
        _run(report, kills, trial, reference)
    except BrokenPromiseError as exc:
        report.failure = str(exc)
    except Exception as exc:  # a broken database raises many things
        report.failure = f"{type(exc).__name__}: {exc}"
    report.seconds = time.monotonic() - began
    return report


def _run(report: Report, kills: Sequence[Moment], trial: Trial, reference: Reference) -> None:
    report.bound = trial.sizes.bound
    for moment in kills:
        killed = trial.kill(moment, reference)
        repeats = trial.look(reference)
        report.kills.append(Kill(moment.name, killed, repeats))
        check(repeats <= report.bound, f"{repeats} requests in vain, {report.bound} may be")
    trial.finish()
    check(trial.look(reference) == 0, "the last run asks in vain")
    for name, rows in trial.tables().items():
        check(rows == reference.tables[name], f"{name} is not that of an undisturbed run")
    trial.check_repeats(reference)


def _flags(chance: Random) -> list[str]:
    order = chance.choice(["fifo", "fifo", "fifo", "lifo", "priority"])
    durable = ["--durable"] if chance.random() < 0.1 else []
    return ["--order", order, *durable]
