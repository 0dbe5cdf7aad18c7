"""The bare loop: the least Python that fetches pages, takes four fields of each and saves them.

python -m scrapeq.bench.bare LIST DATABASE REQUESTS_AT_ONCE

One process, one transaction at the end; no queue, no retry, no robots.txt, no limits, no resume.
It uses uvloop if that is installed.
"""

import asyncio
import importlib
import importlib.util
import os
import sqlite3
import sys
from pathlib import Path

import aiohttp
from selectolax.lexbor import LexborHTMLParser


async def scrape(urls: list[str], at_once: int) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    waiting = iter(urls)

    async def fetch_and_parse() -> None:
        for url in waiting:
            async with session.get(url) as response:
                tree = LexborHTMLParser(await response.read())
            title, h1 = tree.css_first("title"), tree.css_first("h1")
            about = tree.css_first('meta[name="description"]')
            rows.append((
                url, title and title.text(strip=True), h1 and h1.text(strip=True),
                about and about.attributes.get("content"), len(tree.css("a[href]")),
            ))  # fmt: skip

    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0),
        cookie_jar=aiohttp.DummyCookieJar(),
        raise_for_status=True,
    ) as session:
        await asyncio.gather(*(fetch_and_parse() for _ in range(at_once)))
    return rows


def main() -> None:
    urls, database, at_once = Path(sys.argv[1]).read_text().split(), sys.argv[2], int(sys.argv[3])
    loop = importlib.import_module("uvloop" if importlib.util.find_spec("uvloop") else "asyncio")
    rows = loop.run(scrape(urls, at_once))
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE items (url PRIMARY KEY, title, h1, description, links)")
        connection.executemany("INSERT INTO items VALUES (?, ?, ?, ?, ?)", rows)


if __name__ == "__main__":
    main()
    os._exit(0)  # tidying up an interpreter that ends is no part of the job; nor does scrapeq
