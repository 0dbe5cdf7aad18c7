"""One slow host at the head of the list: how long the fast hosts behind it take.

python -m bench.slow_host [--slow 2000] [--fast 8000] [--rounds 3] [-- OPTIONS of scrapeq]

The slow host, 127.0.0.2, answers after 2 s; the fast ones are 127.0.0.10 to 127.0.0.59. The time
is from the start of the program to the last answer of a fast host, by the server's log, with the
slow host's URLs before theirs and without. The run is ended there: the slow host needs minutes.
"""

from __future__ import annotations

import argparse
import signal
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from bench import kit

SLOW = "127.0.0.2"
FAST = [f"127.0.0.{n}" for n in range(10, 60)]


def measure(slow: int, fast: int, options: list[str]) -> float:
    """Seconds from the start to the last answer of a fast host."""
    server = kit.Responder("--hosts", "10-59", "--slow", f"{SLOW}=2", "--enough", str(fast))
    with tempfile.TemporaryDirectory() as name, server:
        folder = Path(name)
        urls = folder / "urls.txt"
        with urls.open("w") as lines:
            lines.writelines(f"http://{SLOW}:{server.port}/{n}\n" for n in range(slow))
            lines.writelines(
                f"http://{FAST[n % len(FAST)]}:{server.port}/{n}\n" for n in range(fast)
            )
        started = time.time()
        command = kit.scrapeq(urls, folder / "db", "--grace", "0", *options)
        run = subprocess.Popen(command, env=kit.ENVIRONMENT, stderr=subprocess.DEVNULL)
        log = server.wait()
        run.send_signal(signal.SIGTERM)
        run.wait()
    last: float = max(log[host]["last"] for host in FAST)
    return last - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--slow", type=int, default=2000)
    parser.add_argument("--fast", type=int, default=8000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("options", nargs="*")
    given = parser.parse_args()
    alone, behind = [], []
    for _ in range(given.rounds):
        alone.append(measure(0, given.fast, given.options))
        behind.append(measure(given.slow, given.fast, given.options))
    without, with_slow = statistics.median(alone), statistics.median(behind)
    print(f"{given.fast} pages of {len(FAST)} fast hosts alone: {without:.2f} s")
    print(f"behind {given.slow} of a slow one: {with_slow:.2f} s, {with_slow / without:.2f} times")


if __name__ == "__main__":
    main()
