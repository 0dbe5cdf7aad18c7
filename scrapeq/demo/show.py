"""`scrapeq demo`: the site and a run over it, in one process."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import NoReturn

from scrapeq import session
from scrapeq.demo.site import DemoSite
from scrapeq.extract import DEFAULT_RULE
from scrapeq.runner import Ended
from scrapeq.settings import Settings
from scrapeq.source import Source


def show(settings: Settings, port: int) -> NoReturn:
    """Serve, scrape, say what came of it, and exit."""
    session.end_with(_perform(settings, port))


async def _perform(settings: Settings, port: int) -> Ended:
    async with AsyncExitStack() as stack:
        site = await _serve(stack, port)
        source = Source(list(site.product_urls()))
        return await session.perform(settings, source, (DEFAULT_RULE,), ["scrapeq", "demo"])


async def _serve(stack: AsyncExitStack, port: int) -> DemoSite:
    try:
        return await stack.enter_async_context(DemoSite(port))
    except OSError:  # taken: any other will do
        return await stack.enter_async_context(DemoSite(0))
