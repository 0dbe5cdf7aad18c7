"""What the tests of the Fetcher share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from scrapeq.fetch import Fetcher, FetchLimits
from scrapeq.models import Outcome, Page, Request
from scrapeq.retry import RetryPolicy
from scrapeq.urls import Credentials, listed, remember

LIMITS = FetchLimits(total=30, connect=10, read=10, max_size=100_000, max_redirects=5)


@asynccontextmanager
async def fetching(limits: FetchLimits = LIMITS, **options: Any) -> AsyncIterator[Fetcher]:
    options = {"user_agent": "tests/1"} | options
    async with Fetcher(limits, RetryPolicy(0), **options) as fetcher:
        yield fetcher


async def fetched(url: str, **options: Any) -> Page | Outcome:
    """What becomes of a URL of a list, which may have a user and a password."""
    credentials: dict[str, Credentials] = {}
    line = listed(url)
    remember(credentials, line)
    async with fetching(credentials=credentials, **options) as fetcher:
        return await fetcher.fetch(wanted(line.url))


def wanted(url: str) -> Request:
    return Request(1, url, "host.test")


async def ending(url: str, **options: Any) -> str:
    """`done`, or the reason why not."""
    found = await fetched(url, **options)
    return "done" if isinstance(found, Page) else found.reason
