"""scrapeq against its peers: the same pages, the same four fields, one after the other in turns.

python -m bench.compare [--cpus 0 0,1] [--ports 8481 8482] [--rounds 3] [--pages 10000]
                        [--programs bare scrapeq scrapy go] [--scrapy-python PATH]

A table for each choice of cores and of server (8481 plain, 8482 gzip), with medians and ratios to
the bare loop; where something else runs on the machine, that of the CPU is the one to trust. Each
program must leave one row a page; a short count is said. Installs nothing: what is missing is
listed, or left out with --programs.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from bench import corpus, kit

GOQUERY = Path("/usr/share/gocode/src/github.com/PuerkitoBio/goquery")
Command = Callable[[Path, Path], list[str]]
"""(list, database) -> argv"""


def our_run(urls: Path, db: Path) -> list[str]:
    return kit.scrapeq(urls, db, "--per-host", "64", "--fetchers", "64")


def commands(options: argparse.Namespace, folder: Path) -> dict[str, Command]:
    """Of the programs that were asked for; the Go one is built."""
    here, wanted = kit.HERE, options.programs
    peer = folder / "peer"
    if "go" in wanted:
        environment = {**os.environ, "GO111MODULE": "off", "GOPATH": "/usr/share/gocode"}
        build = ["go", "build", "-o", str(peer), str(here / "peer.go")]
        subprocess.run(build, env=environment, check=True)
    every: dict[str, Command] = {
        "bare": lambda urls, db: [
            sys.executable,
            "-m",
            "scrapeq.bench.bare",
            str(urls),
            str(db),
            "64",
        ],
        "scrapeq": our_run,
        "scrapy": lambda urls, db: [
            options.scrapy_python,
            str(here / "peer_scrapy.py"),
            str(urls),
            str(db),
        ],
        "go": lambda urls, db: [str(peer), str(urls), str(db)],
    }
    return {name: every[name] for name in wanted}


def check(options: argparse.Namespace) -> None:
    wanted = options.programs
    kit.need(
        "" if shutil.which("nginx") else "apt-get install nginx-light",
        "" if shutil.which("dpkg") else "Debian's documentation packages",
        corpus.missing(),
        "" if "bare" not in wanted or _imports(sys.executable, "uvloop") else "pip install uvloop",
        ""
        if "scrapy" not in wanted or _imports(options.scrapy_python, "scrapy")
        else "pip install scrapy (or --scrapy-python PATH, or leave it out with --programs)",
        ""
        if "go" not in wanted or (shutil.which("go") and GOQUERY.is_dir())
        else "apt-get install golang-go golang-github-puerkitobio-goquery-dev",
    )


def _imports(python: str, module: str) -> bool:
    return not subprocess.run(
        [python, "-c", f"import {module}"], stderr=subprocess.DEVNULL
    ).returncode


def rows(result: Path) -> int:
    if result.read_bytes()[:6] != b"SQLite":
        return result.read_bytes().count(b"\n")
    with sqlite3.connect(result) as db:
        return int(db.execute("SELECT count(*) FROM items").fetchone()[0])


def table(programs: dict[str, Command], urls: Path, cpus: str, options: argparse.Namespace) -> None:
    spent: dict[str, list[kit.Spent]] = {name: [] for name in programs}
    short: dict[str, int] = {}
    for _ in range(options.rounds):
        for name, command in programs.items():
            with tempfile.TemporaryDirectory() as folder:
                result = Path(folder, "result.db")
                spent[name].append(kit.run(command(urls, result), cpus=cpus))
                if (found := rows(result)) != options.pages:
                    short[name] = found
    print(
        f"{'program':10}{'wall s':>9}{'cpu s':>9}{'pages/s':>9}{'wall':>8}{'cpu':>7} of the first"
    )
    base: kit.Spent | None = None
    for name, runs in spent.items():
        wall = statistics.median(run.wall for run in runs)
        cpu = statistics.median(run.cpu for run in runs)
        base = base or kit.Spent(wall, cpu)
        remark = f"   ONLY {short[name]} ROWS" if name in short else ""
        print(
            f"{name:10}{wall:9.2f}{cpu:9.2f}{options.pages / wall:9.0f}"
            f"{wall / base.wall:8.2f}{cpu / base.cpu:7.2f}{remark}",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cpus", nargs="+", default=["0", "0,1"])
    parser.add_argument("--ports", nargs="+", type=int, default=[8481, 8482])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pages", type=int, default=10_000)
    parser.add_argument("--programs", nargs="+", default=["bare", "scrapeq", "scrapy", "go"])
    parser.add_argument("--scrapy-python", default=sys.executable)
    options = parser.parse_args()
    check(options)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        programs = commands(options, folder)
        with kit.nginx(folder):
            for port in options.ports:
                urls = corpus.write(folder / f"{port}.txt", options.pages, port)
                for cpus in options.cpus:
                    print(
                        f"\n{options.pages} pages, port {port}, cpus {cpus}, "
                        f"medians of {options.rounds}",
                        flush=True,
                    )
                    table(programs, urls, cpus, options)


if __name__ == "__main__":
    main()
