"""What the tests of the whole program share: it runs, it is looked at, its database is read."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL, Signals
from typing import IO, Any

import psutil
import pytest

from scrapeq import cli
from scrapeq.extract import Rule
from scrapeq.settings import Settings
from tests.site import PATIENCE

STATES = ("pending", "done", "failed", "skipped")
PROGRAM = (sys.executable, "-m", "scrapeq")
PLAIN = ("--parsers", "1", "--progress", "none")
"""Enough for a run that is not about parsers or the screen."""


def environment(home: Path, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The variables of a user who has configured nothing. PYTHONPATH says which code is tested."""
    ours = ("SCRAPEQ_", "FORCE_COLOR", "NO_COLOR", "TTY_", "COLUMNS", "LINES", "PYTHON", "COV_")
    kept = {
        name: text
        for name, text in os.environ.items()
        if name == "PYTHONPATH" or not name.startswith(ours)
    }
    folders = {"HOME": str(home), "XDG_CONFIG_HOME": str(home / ".config")}
    return {**kept, **folders, "TERM": "xterm-256color", **(extra or {})}


def scrapeq(
    folder: Path,
    *words: str | Path,
    env: Mapping[str, str] | None = None,
    stdin: str | None = None,
    **options: Any,
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end in `folder`."""
    source: dict[str, Any] = {"stdin": subprocess.DEVNULL} if stdin is None else {"input": stdin}
    return subprocess.run(
        [*PROGRAM, *map(str, words)],
        cwd=folder,
        env=environment(folder, env),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        **source,
        **options,
    )


def run(folder: Path, *words: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
    """`scrapeq run` with one parser and no screen."""
    return scrapeq(folder, "run", *PLAIN, *words, **options)


class Children:
    """Processes that a program has started."""

    def __init__(self, processes: Sequence[Any]) -> None:
        self._processes = processes
        self.pids = [process.pid for process in processes]

    def gone(self) -> bool:
        """Whether all have ended, or do so in the next seconds."""
        return not psutil.wait_procs(self._processes, 10)[1]

    def alive(self) -> bool:
        """Whether each is still there."""
        return all(process.is_running() for process in self._processes)

    def work(self) -> bool:
        """Whether one of them has been at work for a second."""
        return any(process.cpu_times().user > 1 for process in self._processes)


def sleeps(pid: int) -> bool:
    """Whether every thread of the process waits for something."""
    threads = psutil.Process(pid).threads()
    return {psutil.Process(one.id).status() for one in threads} == {psutil.STATUS_SLEEPING}


def has_open(pid: int, file: Path) -> bool:
    return str(file) in [found.path for found in psutil.Process(pid).open_files()]


class Running:
    """A command under way, in a process group of its own."""

    def __init__(self, process: subprocess.Popen[str], errors: Path) -> None:
        self.process = process
        self.pid = process.pid
        self._errors = errors

    @property
    def stdin(self) -> IO[str]:
        assert self.process.stdin is not None
        return self.process.stdin

    @property
    def stderr(self) -> str:
        return self._errors.read_text()

    def signal(self, number: Signals) -> None:
        self.process.send_signal(number)

    def signal_group(self, number: Signals) -> None:
        """As the terminal does it."""
        os.killpg(self.pid, number)

    def children(self) -> Children:
        return Children(psutil.Process(self.pid).children(recursive=True))

    def wait(self, seconds: float = PATIENCE) -> int:
        """Its exit code."""
        return self.process.wait(seconds)


@contextmanager
def running(
    folder: Path, *words: str | Path, env: Mapping[str, str] | None = None, **options: Any
) -> Iterator[Running]:
    """`scrapeq run` with one parser and no screen, in the background; killed with the block."""
    errors = folder / "stderr.txt"
    with errors.open("w") as file:
        process = subprocess.Popen(
            [*PROGRAM, "run", *PLAIN, *map(str, words)],
            cwd=folder,
            env=environment(folder, env),
            **{
                "stdin": subprocess.DEVNULL,
                "stdout": subprocess.DEVNULL,
                "stderr": file,
                "text": True,
                "start_new_session": True,
                **options,
            },
        )
    try:
        yield Running(process, errors)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, SIGKILL)
        process.wait(PATIENCE)
        if process.stdin:
            with suppress(OSError):
                process.stdin.close()


def until(true: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Return when it is true. For what another process does and cannot tell us."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise TimeoutError("it did not come true")
        time.sleep(0.01)


def write_list(folder: Path, urls: Sequence[str], name: str = "urls.txt") -> str:
    """The list as a file; return its name."""
    (folder / name).write_text("".join(f"{url}\n" for url in urls))
    return name


def rows(db: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(f"file:{db}?mode=ro", uri=True, timeout=PATIENCE)) as connection:
        return list(connection.execute(query))


def states(db: Path) -> Counter[str]:
    """URLs by state."""
    return Counter(dict(rows(db, "SELECT state, count(*) FROM pages GROUP BY state")))


def endings(db: Path) -> dict[str, str]:
    """By URL: `done`, `failed:404`, `skipped:scheme`, `pending`."""
    query = "SELECT url, state, reason FROM pages ORDER BY id"
    return {
        url: f"{state}:{reason}" if state in ("failed", "skipped") else state
        for url, state, reason in rows(db, query)
    }


def titles(db: Path) -> dict[str, str]:
    return dict(rows(db, "SELECT url, title FROM items"))


def summary_of(text: str) -> dict[str, Any]:
    """The JSON summary, its counts checked to balance."""
    found: dict[str, Any] = json.loads(text)
    assert found["urls"] == sum(found[state] for state in STATES), found
    return found


def check_whole(db: Path) -> None:
    """The promises that hold at every moment: nothing twice, nothing half, nothing broken."""
    assert rows(db, "PRAGMA integrity_check") == [("ok",)]
    done = {url for (url,) in rows(db, "SELECT url FROM pages WHERE state = 'done'")}
    saved = [url for (url,) in rows(db, "SELECT url FROM items")]
    assert sorted(saved) == sorted(done)


# ---- the command line alone, in the test's own process


@dataclass(frozen=True)
class Called:
    """What a command line came to."""

    code: int
    out: str
    err: str
    settings: Settings | None
    """What `run` was about to run with; None when it did not get so far."""
    rules: tuple[Rule, ...] = ()
    sources: tuple[str, ...] = ()


class CommandLine:
    """Calls `scrapeq ...` in `folder` up to the moment at which `run` would begin."""

    def __init__(
        self, folder: Path, patch: pytest.MonkeyPatch, output: pytest.CaptureFixture[str]
    ) -> None:
        self.folder = folder
        self.personal = folder / ".config" / "scrapeq" / "config.toml"
        self._patch = patch
        self._output = output
        self._begun: list[tuple[Settings, Sequence[str], Sequence[Rule]]] = []
        patch.chdir(folder)
        for name in os.environ.keys() - environment(folder).keys():
            patch.delenv(name)
        for name, text in environment(folder).items():
            patch.setenv(name, text)
        patch.setattr("scrapeq.session.scrape", self._begin)

    def __call__(self, *words: str | Path, **variables: str) -> Called:
        self._begun.clear()
        with self._patch.context() as patch:
            for name, text in variables.items():
                patch.setenv(name, text)
            patch.setattr(sys, "argv", ["scrapeq", *map(str, words)])
            with pytest.raises(SystemExit) as left:
                cli.main()
        out, err = self._output.readouterr()
        code = int(left.value.code or 0)
        if not self._begun:
            return Called(code, out, err, None)
        settings, sources, rules = self._begun[0]
        return Called(code, out, err, settings, tuple(rules), tuple(sources))

    def run(self, *words: str | Path, **variables: str) -> Settings:
        """The settings of `scrapeq run` with these flags and variables."""
        called = self("run", "http://host.test/", *words, **variables)
        assert called.settings is not None, called.err
        return called.settings

    def refusal(self, *words: str | Path, **variables: str) -> str:
        """What `scrapeq run` says when it exits with 2 before anything has begun."""
        called = self("run", "http://host.test/", *words, **variables)
        assert (called.code, called.settings, called.out) == (2, None, "")
        return called.err

    def write(self, path: Path | str, text: str) -> Path:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def _begin(
        self, settings: Settings, sources: Sequence[str], rules: Sequence[Rule], _: Sequence[str]
    ) -> None:
        self._begun.append((settings, sources, rules))
        raise SystemExit(0)
