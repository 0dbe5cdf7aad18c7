"""From the list into the Store: the only way in for a URL that somebody wrote down."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import MutableMapping
from contextlib import aclosing

from scrapeq.frontier import Frontier
from scrapeq.models import Lines, Order
from scrapeq.source import Source
from scrapeq.stores import Added
from scrapeq.stores.sqlite import SQLiteStore
from scrapeq.urls import Credentials, Listed, remember

HEAD_START = 0.5
"""Seconds of reading before an order other than the list's own is asked for its first URL."""


class Intake:
    """Reads the list while the Frontier has room for it."""

    def __init__(
        self, source: Source, store: SQLiteStore, credentials: MutableMapping[str, Credentials]
    ) -> None:
        self._source = source
        self._store = store
        self._credentials = credentials
        self._added = Added(0, 0, 0)
        self.skipped: Counter[str] = Counter()
        """New lines that are no URL to fetch, by reason."""
        self.complete = False

    @property
    def lines(self) -> Lines:
        added = self._added
        return Lines(added.new, added.known, added.duplicates, self._source.ignored)

    async def read(self, frontier: Frontier, order: Order, limit: int | None) -> None:
        """Return when the list has ended, or `limit` of its URLs were read."""
        # Credentials are never stored: what waits for them must wait for its line.
        whole_list_first = await self._store.needs_credentials()
        if not whole_list_first:
            wait = 0.0 if order == "fifo" else HEAD_START
            asyncio.get_running_loop().call_later(wait, frontier.begin)
        async with aclosing(self._source.batches()) as batches:
            async for batch in batches:
                if not whole_list_first:  # else nobody would ever make room
                    await frontier.room()
                await self._add_up_to(limit, batch)
                frontier.list_grew()
                if self._left(limit) == 0:
                    break
        self.complete = True
        frontier.list_ended()

    def _left(self, limit: int | None) -> int | None:
        return None if limit is None else limit - self._added.new - self._added.known

    async def _add_up_to(self, limit: int | None, batch: list[Listed]) -> None:
        # Duplicates do not count, so it may take some pieces of a batch to reach the limit.
        while batch and (left := self._left(limit)) != 0:
            await self._add(batch[:left])
            batch = batch[left:] if left else []

    async def _add(self, batch: list[Listed]) -> None:
        for line in batch:
            remember(self._credentials, line)
        added, before = await self._store.add(batch), self._added
        self._added = Added(
            before.new + added.new,
            before.known + added.known,
            before.duplicates + added.duplicates,
        )
        self.skipped.update(added.skipped)
