"""URL lists: files, stdin and URLs from the command line, streamed in bounded pieces."""

from __future__ import annotations

import asyncio
import csv
import itertools
import json
import os
import re
import select
import stat
import threading
from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from contextlib import ExitStack, aclosing, suppress
from pathlib import Path

from scrapeq.errors import FatalError, UsageError
from scrapeq.lines import LineSplitter
from scrapeq.urls import Listed, listed, visible

BLOCK = 1 << 16
"""Bytes read at once."""
AHEAD = 8
"""Blocks that lie read while earlier ones are worked on; they are taken together."""
SLICE = 512
"""Lines turned into URLs before the event loop gets its turn (1 to 5 ms)."""
BATCH = 8192
"""URLs given out at once at most, to be added in one transaction: the more, the fewer pages of
the database are written twice; the fewer, the shorter does a verdict wait to be saved."""

_STDIN = 0
_IS_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://|(?:mailto|javascript|data):", re.IGNORECASE)


class Source:
    """The lines of all SOURCEs, one after another, as Listed.

    A SOURCE is a file of URLs, a URL, or `-` for stdin. `.csv` and `.tsv` files have a
    header with a `url` column and, if wanted, a `priority` column; in any other list a
    line that starts with `{` is a JSON object with these fields.
    """

    def __init__(self, sources: Sequence[str]) -> None:
        self.sources = sources
        self.ignored = 0
        """Blank lines and comments so far."""

    def check(self) -> None:
        """Raise UsageError for a source that cannot be read, before anything is done: also for
        one whose beginning shows it, where it is a file and that may be looked at."""
        for source in self.sources:
            if not _is_url(source):
                _check_file(source)
                _check_beginning(source)

    async def batches(self) -> AsyncGenerator[list[Listed], None]:
        """Yield URLs as soon as they can be read: what was read meanwhile, at most BATCH. The
        first batches are smaller, so that there is soon something to do.

        Who stops early has to `aclose()` it: a thread may be waiting to read on.
        """
        most = SLICE
        async with aclosing(self._pieces()) as pieces:
            async for lines in pieces:
                while batch := await _batch(lines, most):
                    yield batch
                    most = min(2 * most, BATCH)

    async def _pieces(self) -> AsyncGenerator[Iterator[Listed], None]:
        """One iterator for each piece of the list that is there."""
        for is_url, sources in itertools.groupby(self.sources, _is_url):
            if is_url:
                yield map(listed, sources)
                continue
            async with aclosing(self._lines(sources)) as pieces:
                async for lines in pieces:
                    yield lines

    async def _lines(self, files: Iterable[str]) -> AsyncGenerator[Iterator[Listed], None]:
        """One iterator of the lines that ended in what was read."""
        for source in files:
            splitter = LineSplitter(source)
            reader = _reader_for(source, self)
            async with aclosing(_blocks(source)) as blocks:
                async for block in blocks:
                    yield reader.read(splitter.feed(block))
            yield reader.read(splitter.end())


class _TextReader:
    """A URL a line; a line that starts with `{` is a JSON object."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def read(self, lines: Iterable[str]) -> Iterator[Listed]:
        for line in lines:
            text = line.strip()
            if not text or text.startswith("#"):
                self._source.ignored += 1
            elif text.startswith("{"):
                yield _from_json(text)
            else:
                yield listed(text)


class _CSVReader:
    """Rows under a header that names `url` and, perhaps, `priority`."""

    def __init__(self, name: str, delimiter: str, source: Source) -> None:
        self._name = name
        self._delimiter = delimiter
        self._source = source
        self._columns: dict[str, int] | None = None

    def read(self, lines: Iterable[str]) -> Iterator[Listed]:
        # A URL has no line break, so a row is a line: a stray quote cannot swallow the file.
        for line in lines:
            row = next(csv.reader([line], delimiter=self._delimiter), [])
            if not any(cell.strip() for cell in row):
                self._source.ignored += 1
            elif self._columns is None:
                self._columns = self._header(row)
            else:
                yield _entry(self._cell(row, "url"), self._cell(row, "priority"))

    def _header(self, row: list[str]) -> dict[str, int]:
        columns = {cell.strip().lower(): n for n, cell in reversed(list(enumerate(row)))}
        if "url" not in columns:
            found = ", ".join(visible(cell, 40) for cell in row[:10])
            raise UsageError(f"{self._name}: no column named 'url' in its first line ({found})")
        return columns

    def _cell(self, row: list[str], name: str) -> str:
        at = (self._columns or {}).get(name, len(row))
        return row[at] if at < len(row) else ""


def _is_url(source: str) -> bool:
    return _IS_URL.match(source) is not None


def _reader_for(source: str, counter: Source) -> _TextReader | _CSVReader:
    delimiter = {".csv": ",", ".tsv": "\t"}.get(Path(source).suffix.lower())
    return _CSVReader(source, delimiter, counter) if delimiter else _TextReader(counter)


def _from_json(text: str) -> Listed:
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError) as exc:
        return Listed(visible(text), reason="invalid_url", detail=f"not JSON: {exc}")
    url = fields.get("url")
    if not isinstance(url, str):
        return Listed(visible(text), reason="invalid_url", detail="no text field 'url'")
    return _entry(url, fields.get("priority"))


def _entry(url: str, priority: object) -> Listed:
    if priority is None or str(priority).strip() == "":
        return listed(url)
    try:
        number = float(priority)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        number = float("nan")
    if number != number:  # NaN sorts nowhere
        # Kept with its priority: the URL itself is free for the day the list is mended.
        shown = visible(f"{url.strip()} {priority}")
        detail = f"priority is no number: {visible(str(priority), 40)}"
        return Listed(shown, reason="invalid_priority", detail=detail)
    return listed(url, number)


async def _batch(lines: Iterator[Listed], most: int) -> list[Listed]:
    batch: list[Listed] = []
    while len(batch) < most and (some := list(itertools.islice(lines, SLICE))):
        batch += some
        await asyncio.sleep(0)
    return batch


def _check_file(name: str) -> None:
    try:
        mode = os.stat(_STDIN if name == "-" else name).st_mode
        readable = name == "-" or os.access(name, os.R_OK)
    except (OSError, ValueError) as exc:
        why = exc.strerror if isinstance(exc, OSError) else str(exc)
        hint = " (a URL starts with https://)" if "." in name and "/" not in name[:1] else ""
        raise UsageError(f"{visible(name)}: {why}{hint}") from None
    if stat.S_ISDIR(mode):
        raise UsageError(f"{visible(name)}: is a folder, not a list of URLs")
    if not readable:
        raise UsageError(f"{visible(name)}: may not be read (permission denied)")


def _check_beginning(name: str) -> None:
    """Raise UsageError for a file that shows in its first block that it is no list."""
    with suppress(OSError), ExitStack() as stack:  # that is for the reading to say
        if not stat.S_ISREG(os.stat(_STDIN if name == "-" else name).st_mode):
            return  # to open a pipe, and close it, would be the end of who waits to write into it
        descriptor = _STDIN
        if name != "-":
            descriptor = os.open(name, os.O_RDONLY | os.O_CLOEXEC)
            stack.callback(os.close, descriptor)
        block = os.pread(descriptor, BLOCK, os.lseek(descriptor, 0, os.SEEK_CUR))
        splitter = LineSplitter(name)
        lines = splitter.feed(block)
        if len(block) < BLOCK:
            lines += splitter.end()
        next(_reader_for(name, Source(())).read(lines), None)


async def _blocks(source: str) -> AsyncGenerator[bytes, None]:
    """Read in a thread of its own: a terminal, a pipe or a slow disk blocks nobody else.
    Blocks that are there already come as one; the last one may be empty.

    The thread is a daemon on a plain descriptor, so that a run can end while stdin stays
    silent. It waits while AHEAD blocks lie unread: that is the back-pressure on the list.
    """
    loop = asyncio.get_running_loop()
    blocks: asyncio.Queue[bytes | UsageError] = asyncio.Queue()
    room = threading.Semaphore(AHEAD)
    unwanted = threading.Event()

    def hand_over(block: bytes | UsageError) -> None:
        room.acquire()
        if not unwanted.is_set():
            with suppress(RuntimeError):  # the loop was closed this very moment
                loop.call_soon_threadsafe(blocks.put_nowait, block)

    def read() -> None:
        try:
            for block in _read(source):
                hand_over(block)
                if unwanted.is_set():
                    return
            hand_over(b"")
        except OSError as exc:
            hand_over(UsageError(f"{visible(source)}: {exc.strerror or exc}"))

    thread = threading.Thread(target=read, name=f"list {visible(source)}", daemon=True)
    try:
        thread.start()
    except RuntimeError as exc:
        raise FatalError(f"{visible(source)}: cannot be read: {exc}") from None
    try:
        last: bytes | UsageError = b"not yet"
        while last:
            together = [await blocks.get()]
            while not blocks.empty():
                together.append(blocks.get_nowait())
            room.release(len(together))
            last = together[-1]
            yield b"".join(block for block in together if isinstance(block, bytes))
            if isinstance(last, UsageError):
                raise last
    finally:
        unwanted.set()
        room.release()


def _read(source: str) -> Iterator[bytes]:
    descriptor = _STDIN if source == "-" else os.open(source, os.O_RDONLY)
    try:
        while block := _next_block(descriptor):
            yield block
    finally:
        if source != "-":
            os.close(descriptor)


def _next_block(descriptor: int) -> bytes:
    while True:
        try:
            return os.read(descriptor, BLOCK)
        except BlockingIOError:  # stdin is shared with a program that wants it so
            poll = select.poll()
            poll.register(descriptor, select.POLLIN)
            poll.poll()
