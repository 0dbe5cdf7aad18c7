"""Pages that hurt among good ones: `python -m tests.torture.bombs --pages N`.

One page of a hundred is a bomb, of every kind in turn. All good pages are done, each bomb has
its verdict, the program's own memory hardly rises, and its event loop is never held.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.program_kit import endings, environment, rows, write_list
from tests.site import Answer, serving
from tests.torture import samples

GAUGE = Path(__file__).with_name("gauge.py")
MEMORY = 64 << 20
"""Bytes by which the program may grow."""
HELD = 0.1
"""Seconds for which its event loop may be held."""
BACK = 1.0
"""Seconds in which a parse process that was killed is replaced."""

RULES = """
[[extract]]
match = "*/many/*"
table = "many"
each = "q"
[extract.fields]
word = "::text"

[[extract]]
table = "items"
[extract.fields]
title = "title"
lang = "html::attr(lang)"
"""

BURST = frozenset({"done", "failed:parse_timeout", "failed:parse_memory", "failed:parse_crash"})
SLOW = "failed:parse_timeout"
"""What becomes of any bomb on a machine that has no time for it."""
TOO_LARGE = frozenset({"failed:too_large"})
EXPECTED: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(samples.bodies(), TOO_LARGE),
    "tiny-brotli": frozenset({"done"}),
    "members": frozenset({"failed:encoding"}),
    "frames": frozenset({"failed:encoding"}),
    **dict.fromkeys(samples.markups(), BURST),
    **dict.fromkeys(samples.outputs(), TOO_LARGE),
    "fitting-title": frozenset({"done"}),
    "many/words": frozenset({"done"}),
}


@dataclass(frozen=True)
class Report:
    """What a run came to."""

    code: int
    errors: str
    seconds: float
    good: Counter[str]
    """Endings of the good pages."""
    bombs: Mapping[str, Counter[str]]
    """Endings of the bombs, by kind."""
    grown: int
    """Bytes."""
    held_cpu: float
    held_wall: float
    starts: Sequence[float]

    def faults(self) -> list[str]:
        """What does not hold, whatever else this machine is doing."""
        found = []
        if self.code != 0 or "Traceback" in self.errors:
            found.append(f"exit code {self.code}: {self.errors}")
        if set(self.good) != {"done"}:
            found.append(f"good pages: {dict(self.good)}")
        for name, ended in self.bombs.items():
            if not set(ended) <= EXPECTED[name] | {SLOW}:
                found.append(f"{name}: {dict(ended)}")
        if self.grown > MEMORY:
            found.append(f"memory grew by {self.grown >> 20} MB")
        if self.held_cpu > HELD:
            found.append(f"the loop was held for {self.held_cpu:.3f} s of CPU")
        return found

    def slow(self) -> list[str]:
        """What does not hold by the clock."""
        found = [
            f"{name}: {SLOW} {ended[SLOW]}"
            for name, ended in self.bombs.items()
            if ended[SLOW] and SLOW not in EXPECTED[name]
        ]
        if self.held_wall > HELD:
            found.append(f"the loop was held for {self.held_wall:.3f} s")
        if self.starts and max(self.starts) > BACK:
            found.append(f"a parse process took {max(self.starts):.2f} s to be back")
        return found


def run(
    folder: Path, pages: int, every: int = 100, *, deadline: float = 5, seconds: float = 7200
) -> Report:
    """One run over `pages` URLs, of which one of `every` is a bomb. `deadline` is for parsing."""
    kinds: Sequence[tuple[str, Answer]] = [
        *samples.bodies().items(), *samples.markups().items(), *samples.outputs().items(),
    ]  # fmt: skip
    named: dict[str, str] = {}
    with serving() as site:
        urls = site.pages(pages)
        for number, place in enumerate(range(every // 2, pages, every)):
            name, answer = kinds[number % len(kinds)]
            urls[place] = site.add(f"/{name}/{number}", answer)
            named[urls[place]] = name
        write_list(folder, urls)
        (folder / "rules.toml").write_text(RULES)
        told = folder / "gauge.json"
        began = time.monotonic()
        ended = subprocess.run(
            [sys.executable, str(GAUGE), str(told), "run", "--progress", "none", "--no-robots",
             "--parsers", "2", "--parse-timeout", f"{deadline:g}", "--retries", "0",
             "--per-host", "32", "-c", "rules.toml", "urls.txt"],
            cwd=folder, env=environment(folder, {"PYTHONPATH": str(GAUGE.parents[2])}),
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds, check=False,
        )  # fmt: skip
        took = time.monotonic() - began
    good: Counter[str] = Counter()
    bombs: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for url, ending in endings(folder / "scrapeq.db").items():
        (bombs[named[url]] if url in named else good)[ending] += 1
    assert rows(folder / "scrapeq.db", "PRAGMA integrity_check") == [("ok",)]
    gauge = json.loads(told.read_text())
    return Report(
        ended.returncode,
        ended.stderr,
        took,
        good,
        dict(bombs),
        gauge["peak"] - gauge["memory"],
        gauge["held_cpu"],
        gauge["held_wall"],
        gauge["starts"],
    )


def show(report: Report) -> None:
    for name, ended in sorted(report.bombs.items()):
        print(f"  {name:16}" + "  ".join(f"{what} {n}" for what, n in ended.items()))
    print(f"  good pages      {dict(report.good)}")
    print(f"  {report.seconds:.1f} s; memory grew by {report.grown / 1e6:.1f} MB")
    print(f"  the loop was held {report.held_cpu * 1e3:.0f} ms of CPU at most, "
          f"{report.held_wall * 1e3:.0f} ms by the clock")  # fmt: skip
    if report.starts:
        print(f"  {len(report.starts)} parse processes were replaced, each within "
              f"{max(report.starts):.2f} s")  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=int, default=5_000)
    parser.add_argument("--every", type=int, default=100)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="scrapeq-bombs-") as folder:
        report = run(Path(folder), options.pages, options.every)
    show(report)
    faults = report.faults() + report.slow()
    print("\n".join(faults) or "all of it holds")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
