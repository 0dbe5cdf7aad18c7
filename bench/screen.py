"""The CPU that the live screen costs: the pages of the comparison, with it and without.

python -m bench.screen [--pages 10000] [--rounds 3]

In turns, in a pseudo-terminal of 120x40; medians of user and system time of all processes.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
from pathlib import Path

from bench import corpus, kit
from bench.terminal import Terminal

FAST = ("--per-host", "64", "--fetchers", "64")


def measure(urls: Path, progress: str) -> kit.Spent:
    with tempfile.TemporaryDirectory() as name, Terminal() as terminal:
        command = kit.scrapeq(urls, Path(name, "db"), *FAST, progress=progress)
        return kit.run(command, terminal=terminal.stream)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pages", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    kit.need("" if shutil.which("nginx") else "apt-get install nginx-light", corpus.missing())
    cpu: dict[str, list[float]] = {"none": [], "live": []}
    wall: dict[str, list[float]] = {"none": [], "live": []}
    with tempfile.TemporaryDirectory() as name, kit.nginx(Path(name)):
        urls = corpus.write(Path(name, "urls.txt"), given.pages, 8481)
        for _ in range(given.rounds):
            for progress in cpu:
                spent = measure(urls, progress)
                cpu[progress].append(spent.cpu)
                wall[progress].append(spent.wall)
    print(f"{'progress':10}{'cpu s':>9}{'wall s':>9}{'cpu of none':>13}")
    none = statistics.median(cpu["none"])
    for progress, seconds in cpu.items():
        median = statistics.median(seconds)
        print(
            f"{progress:10}{median:9.2f}{statistics.median(wall[progress]):9.2f}"
            f"{median / none:13.3f}   {' '.join(f'{x:.2f}' for x in seconds)}"
        )


if __name__ == "__main__":
    main()
