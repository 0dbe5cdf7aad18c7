"""A long list: how soon it is in the database while pages are fetched, and how soon it is over.

python -m bench.feeding [--lines 1000000] [--rounds 1]

Three figures, in seconds from the start of the program: until the first request arrives, until
every line is in the database (both of one run, which is then ended), and a whole run over a
database in which every URL is done. The server waits 0.2 s before each answer, so that fetching
goes on and does not take the core.
"""

from __future__ import annotations

import argparse
import signal
import sqlite3
import statistics
import subprocess
import tempfile
import time
from contextlib import closing, suppress
from pathlib import Path

from bench import kit


def write(path: Path, lines: int, port: int) -> Path:
    with path.open("w") as out:
        out.writelines(f"http://127.0.0.1:{port}/item/{n}?page={n % 7}\n" for n in range(lines))
    return path


def feed(folder: Path, lines: int) -> tuple[float, float]:
    """Seconds to the first request and to the last row."""
    with kit.Responder("--delay", "0.2") as server:
        urls, db = write(folder / "urls.txt", lines, server.port), folder / "db"
        started = time.time()
        ahead = ("--read-ahead", str(2 * lines), "--grace", "0")
        run = subprocess.Popen(
            kit.scrapeq(urls, db, *ahead), env=kit.ENVIRONMENT, stderr=subprocess.DEVNULL
        )
        while _rows(db) < lines and run.poll() is None:
            time.sleep(0.05)
        stored = time.time()
        run.send_signal(signal.SIGTERM)
        run.wait()
        log = server.stop()["127.0.0.1"]
    return log["first"] - 0.2 - started, stored - started


def _rows(db: Path) -> int:
    """The highest id: rows are never deleted, so it is their number, found in no time."""
    with (
        suppress(sqlite3.OperationalError),
        closing(sqlite3.connect(f"file:{db}?mode=ro", uri=True)) as file,
    ):
        return int(file.execute("SELECT max(id) FROM pages").fetchone()[0] or 0)
    return 0


def again(folder: Path) -> float:
    """Seconds of a run over a database where everything is done."""
    with closing(sqlite3.connect(folder / "db")) as file, file:
        file.execute("UPDATE pages SET state = 'done', reason = NULL, due_at = NULL")
    return kit.run(kit.scrapeq(folder / "urls.txt", folder / "db")).wall


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=1)
    given = parser.parse_args()
    runs = []
    for _ in range(given.rounds):
        with tempfile.TemporaryDirectory() as name:
            runs.append((*feed(Path(name), given.lines), again(Path(name))))
    first, stored, over = (statistics.median(column) for column in zip(*runs, strict=True))
    print(f"first request after {first:.2f} s")
    print(f"{given.lines} lines stored after {stored:.1f} s: {given.lines / stored:.0f} a second")
    print(f"a run over {given.lines} URLs already done: {over:.1f} s")


if __name__ == "__main__":
    main()
