"""The CPU of a run that waits, all its processes together, and how often one of them wakes up.

python -m bench.idle [--seconds 20]

It waits for one answer, with and without the live screen (a pseudo-terminal of 120x40); for a
host that asked to be left alone; and for a line on stdin.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from bench import kit
from bench.terminal import Terminal

SETTLED = 4.0
"""Seconds after the start, by when nothing of it is at work any more."""


def measure(what: str, seconds: float) -> kit.Activity:
    """What the run does in `seconds` of waiting."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        manner = ("--busy",) if what == "retry" else ("--delay", "1000")
        server = stack.enter_context(kit.Responder(*manner))
        urls = folder / "urls.txt"
        urls.write_text(f"http://127.0.0.1:{server.port}/\n")
        long = ("--timeout", "900", "--read-timeout", "900")
        live = what == "live"
        source = "-" if what == "stdin" else urls
        command = kit.scrapeq(source, folder / "db", *long, progress="live" if live else "none")
        terminal = stack.enter_context(Terminal()) if live else None
        run = subprocess.Popen(
            command,
            env=kit.ENVIRONMENT,
            stdin=subprocess.PIPE if what == "stdin" else subprocess.DEVNULL,
            stderr=terminal.stream if terminal else subprocess.DEVNULL,
        )
        stack.callback(run.wait)
        stack.callback(run.kill)
        time.sleep(SETTLED)
        before = kit.activity(run.pid)
        time.sleep(seconds)
        return kit.activity(run.pid) - before


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--cases", nargs="+", default=["answer", "live", "stdin", "retry"])
    given = parser.parse_args()
    print(f"{'waits for':12}{'of a core':>10}{'wake-ups/s':>12}")
    for what in given.cases:
        did, share = measure(what, given.seconds), 1 / given.seconds
        print(f"{what:12}{did.cpu * share:10.2%}{did.wakeups * share:12.1f}", flush=True)


if __name__ == "__main__":
    main()
