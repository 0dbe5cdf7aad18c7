"""Scrapy as its manual would have it for a list of URLs. python peer_scrapy.py URLS DATABASE

Concurrency raised to 64, retries on, cookies off; a pipeline that writes SQLite in one transaction.
"""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import scrapy
from scrapy.crawler import CrawlerProcess


class ToSQLite:
    def open_spider(self) -> None:
        self._file = sqlite3.connect(sys.argv[2])
        self._file.execute(
            "CREATE TABLE items (url PRIMARY KEY, status, title, h1, description, links)"
        )

    def process_item(self, item: dict[str, Any]) -> dict[str, Any]:
        self._file.execute("INSERT INTO items VALUES (?, ?, ?, ?, ?, ?)", tuple(item.values()))
        return item

    def close_spider(self) -> None:
        self._file.commit()
        self._file.close()


class Pages(scrapy.Spider):
    name = "pages"

    async def start(self) -> AsyncIterator[scrapy.Request]:
        for url in Path(sys.argv[1]).read_text().split():
            yield scrapy.Request(url, dont_filter=True)

    def parse(self, response: Any) -> Iterator[dict[str, Any]]:
        yield {
            "url": response.request.url,
            "status": response.status,
            "title": response.css("title::text").get(),
            "h1": "".join(response.css("h1")[:1].css("::text").getall()),
            "description": response.css("meta[name=description]::attr(content)").get(),
            "links": len(response.css("a[href]")),
        }


if __name__ == "__main__":
    process = CrawlerProcess(
        {
            "CONCURRENT_REQUESTS": 64,
            "CONCURRENT_REQUESTS_PER_DOMAIN": 64,
            "DOWNLOAD_DELAY": 0,
            "ITEM_PIPELINES": {ToSQLite: 1},
            "LOG_LEVEL": "ERROR",
            "ROBOTSTXT_OBEY": False,
            "COOKIES_ENABLED": False,
            "TELNETCONSOLE_ENABLED": False,
        }
    )
    process.crawl(Pages)
    process.start()
