"""Pages a second from a server that takes its time, against what arithmetic allows.

python -m bench.waiting [--pages 30000] [--fetchers 1000] [--delay 0.2] [--rounds 3]

Pages a second are of the time between the first answer and the last, read from the server's log;
the CPU is that of the whole run, in cores.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path

from bench import kit


def measure(pages: int, fetchers: int, delay: float) -> tuple[float, float]:
    """Pages a second while it was going, and the cores in use."""
    with tempfile.TemporaryDirectory() as name, kit.Responder("--delay", str(delay)) as server:
        folder = Path(name)
        urls = folder / "urls.txt"
        with urls.open("w") as lines:
            lines.writelines(f"http://127.0.0.1:{server.port}/{n}\n" for n in range(pages))
        many = ("--fetchers", str(fetchers), "--per-host", str(fetchers))
        spent = kit.run(kit.scrapeq(urls, folder / "db", *many))
        log = server.stop()["127.0.0.1"]
    # The first answer came after `delay` seconds of waiting, and so did all with it.
    return log["requests"] / (log["last"] - log["first"] + delay), spent.cpu / spent.wall


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pages", type=int, default=30_000)
    parser.add_argument("--fetchers", type=int, default=1000)
    parser.add_argument("--delay", type=float, default=0.2)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    runs = [measure(given.pages, given.fetchers, given.delay) for _ in range(given.rounds)]
    possible = given.fetchers / given.delay
    speed = statistics.median(speed for speed, _ in runs)
    cores = statistics.median(cores for _, cores in runs)
    print(
        f"{speed:.0f} pages/s of {possible:.0f} ({speed / possible:.0%}), {cores:.2f} cores in use"
    )


if __name__ == "__main__":
    main()
