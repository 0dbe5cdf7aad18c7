"""URL lists of real pages: the HTML of some Debian documentation packages, 1 KB to 1 MB each.

python -m bench.corpus PAGES PORT > urls.txt
"""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from itertools import count, islice
from pathlib import Path

DOCUMENTS = Path("/usr/share/doc")
PACKAGES = ("rust-doc", "python3.11-doc", "postgresql-doc-15")


@cache
def pages() -> list[str]:
    """Paths below /usr/share/doc, always in the same shuffled order."""
    found = set()
    for package in PACKAGES:
        listing = subprocess.run(["dpkg", "-L", package], capture_output=True, text=True)
        for line in listing.stdout.splitlines():
            path = Path(line)
            if path.suffix == ".html" and "/arch/" not in line and path.is_file():
                real = path.resolve()
                if real.is_relative_to(DOCUMENTS) and 1_000 < real.stat().st_size < 1_000_000:
                    found.add(str(real.relative_to(DOCUMENTS)))
    shuffled = sorted(found)
    random.Random(7).shuffle(shuffled)
    return shuffled


def missing() -> str:
    """What to install, or nothing."""
    return "" if len(pages()) > 5_000 else f"apt-get install {' '.join(PACKAGES)}"


def urls(port: int) -> Iterator[str]:
    """Without an end: from the second round on, each page has a query that makes it another."""
    for turn in count():
        for page in pages():
            yield f"http://127.0.0.1:{port}/{page}" + (f"?v={turn}" if turn else "")


def write(path: Path, number: int, port: int) -> Path:
    path.write_text("".join(f"{url}\n" for url in islice(urls(port), number)))
    return path


if __name__ == "__main__":
    sys.stdout.writelines(f"{url}\n" for url in islice(urls(int(sys.argv[2])), int(sys.argv[1])))
