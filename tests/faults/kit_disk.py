"""What the tests of the database and its disk share: it is refused, or it fails, and then the same
command completes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from signal import SIGKILL
from typing import Any

from tests.faults.kit import LAUNCHER, Met, start
from tests.program_kit import PLAIN, Running, check_whole, endings, environment, write_list
from tests.site import PATIENCE, Site

DB = "scrapeq.db"
RUN = ("run", *PLAIN, "--no-robots", "--retries", "0", "--timeout", "900", "--read-timeout", "900")
SECONDS = 120


def attempt(folder: Path, *words: str | Path, code: int = 4, **options: Any) -> str:
    """Run over `urls.txt`; it has to end with `code`. Return the one sentence that it says."""
    met = start(folder, *RUN, "-q", *words, "urls.txt", seconds=SECONDS, **options)
    return sentence(met, code)


def sentence(met: Met, code: int = 4) -> str:
    assert met.code == code, (met.code, met.err)
    (line,) = met.err.splitlines()
    assert line.startswith("scrapeq: "), line
    return line


def refused(folder: Path, site: Site, *words: str | Path, code: int = 4, **options: Any) -> str:
    """As `attempt`; nothing was asked for, and no file is other than it was."""
    before, asked = contents(folder), len(site.arrivals)
    told = attempt(folder, *words, code=code, **options)
    assert contents(folder) == before
    assert len(site.arrivals) == asked
    return told


def contents(folder: Path) -> dict[str, bytes]:
    """Every file in it, but for those of SQLite that keep nothing: whoever looks makes them."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    found = {path.name: path.read_bytes() for path in files if not path.name.endswith("-shm")}
    return {name: content for name, content in found.items() if content or name[-4:] != "-wal"}


def complete(folder: Path, urls: Sequence[str], *words: str | Path, db: Path | str = DB) -> None:
    """The same command again: every URL is done, with one row."""
    met = start(folder, *RUN, "-q", *words, "urls.txt", db=str(db), seconds=SECONDS)
    assert (met.code, met.err) == (0, "")
    check_whole(folder / db)
    assert endings(folder / db) == dict.fromkeys(urls, "done")


def listed(folder: Path, site: Site, count: int = 5) -> list[str]:
    urls = site.pages(count)
    write_list(folder, urls)
    return urls


@contextmanager
def under_way(
    folder: Path, *words: str | Path, world: Mapping[str, Any] | None = None
) -> Iterator[Running]:
    """A run over `urls.txt` in the background; killed with the block."""
    errors = folder / "stderr.txt"
    program = [str(LAUNCHER), json.dumps(world)] if world else ["-m", "scrapeq"]
    with errors.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, *program, *RUN, *map(str, words), "urls.txt"],
            cwd=folder,
            env=environment(folder),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=file,
            text=True,
            start_new_session=True,
        )
    try:
        yield Running(process, errors)
    finally:
        with suppress(ProcessLookupError):
            process.send_signal(SIGKILL)
        process.wait(PATIENCE)
