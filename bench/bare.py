"""The yardstick: about the least Python that does the work. python bare.py URLS DATABASE [TASKS]

aiohttp, uvloop and selectolax in one process, rows written at the end; nothing is queued,
retried or resumed.
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from collections.abc import Iterator

import aiohttp
import uvloop
from selectolax.lexbor import LexborHTMLParser

Row = tuple[str, int, str | None, str | None, str | None, int]


def row(url: str, status: int, body: bytes) -> Row:
    tree = LexborHTMLParser(body)
    title, h1 = tree.css_first("title"), tree.css_first("h1")
    about = tree.css_first("meta[name=description]")
    return (
        url,
        status,
        title and title.text(strip=True),
        h1 and h1.text(strip=True),
        about and about.attributes.get("content"),
        len(tree.css("a[href]")),
    )


async def work(urls: Iterator[str], session: aiohttp.ClientSession, rows: list[Row]) -> None:
    for url in urls:
        async with session.get(url) as response:
            rows.append(row(url, response.status, await response.read()))


async def main(path: str, db: str, tasks: int) -> None:
    with open(path) as lines:
        urls = iter(lines.read().split())
    rows: list[Row] = []
    connector = aiohttp.TCPConnector(limit=0)
    jar = aiohttp.DummyCookieJar()
    async with aiohttp.ClientSession(connector=connector, cookie_jar=jar) as session:
        await asyncio.gather(*(work(urls, session, rows) for _ in range(tasks)))
    with sqlite3.connect(db) as file:
        file.execute("CREATE TABLE items (url PRIMARY KEY, status, title, h1, description, links)")
        file.executemany("INSERT INTO items VALUES (?, ?, ?, ?, ?, ?)", rows)


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 64))
