"""Peak memory of a run, all its processes together.

python -m bench.memory urls [--numbers 10000 1000000]       short runs against long ones
python -m bench.memory bodies [--pages 100] [--size 10000000]   large pages

The pages of `urls` are tiny, of one host that is asked as quickly as scrapeq can; everything else
is as by default. RSS counts what processes share once for each of them, PSS divides it.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from bench import kit

HEAD = f"{'':12}{'wall s':>9}{'pages/s':>9}{'RSS MB':>9}{'PSS MB':>9}{'of the first':>14}"


def measure(number: int, server: kit.Responder, options: tuple[str, ...]) -> kit.Spent:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        urls = folder / "urls.txt"
        with urls.open("w") as lines:
            lines.writelines(f"http://127.0.0.1:{server.port}/{n}\n" for n in range(number))
        return kit.run(kit.scrapeq(urls, folder / "db", *options), memory=True)


def report(number: int, spent: kit.Spent, first: kit.Spent) -> None:
    print(
        f"{number:<12}{spent.wall:9.1f}{number / spent.wall:9.0f}{spent.rss:9.0f}{spent.pss:9.0f}"
        f"{spent.pss / first.pss:14.2f}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("urls", "bodies"))
    parser.add_argument("--numbers", nargs="+", type=int, default=[10_000, 1_000_000])
    parser.add_argument("--pages", type=int, default=100)
    parser.add_argument("--size", type=int, default=10_000_000)
    parser.add_argument("options", nargs="*", help="after --: more options for scrapeq")
    given = parser.parse_args()
    print(HEAD, flush=True)
    if given.what == "bodies":
        with kit.Responder("--bytes", str(given.size)) as server:
            spent = measure(given.pages, server, tuple(given.options))
        return report(given.pages, spent, spent)
    first = None
    for number in given.numbers:
        with kit.Responder() as server:
            spent = measure(number, server, tuple(given.options))
        first = first or spent
        report(number, spent, first)
    return None


if __name__ == "__main__":
    main()
