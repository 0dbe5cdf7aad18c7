"""Lists of URLs: files, pipes, stdin, their encodings, line ends and columns."""

from __future__ import annotations

import asyncio
import json
import os
import re
import select
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import Iterator, Sequence
from contextlib import aclosing
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from scrapeq import lines as line_module
from scrapeq import source as module
from scrapeq.errors import UsageError
from scrapeq.lines import MAX_LINE, LineSplitter
from scrapeq.source import AHEAD, BLOCK, Source
from scrapeq.urls import Listed, listed
from tests.flow_kit import a_turn, settled

patiently = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

# Reads the SOURCEs of its command line, tells each URL at once, and why it could not go on.
READER = """
import asyncio, sys
from scrapeq.errors import UsageError
from scrapeq.source import Source

async def main(source):
    print("ready", flush=True)
    async for batch in source.batches():
        for line in batch:
            print(line.url, flush=True)
    print("end", flush=True)

source = Source(sys.argv[1:])
try:
    source.check()
    asyncio.run(main(source))
except UsageError as exc:
    print(f"exit {exc.exit_code}: {exc}", flush=True)
"""


def readers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("list ")]


@pytest.fixture(autouse=True)
def no_reader_is_left_behind() -> Iterator[None]:
    """A thread that reads a list ends with the reading, however that ended."""
    yield
    for thread in readers():
        thread.join(10)
    assert not readers()


async def batches_of(*sources: object) -> list[list[Listed]]:
    source = Source([str(x) for x in sources])
    source.check()
    return [batch async for batch in source.batches()]


async def lines_of(*sources: object) -> list[Listed]:
    return [line for batch in await batches_of(*sources) for line in batch]


async def urls_of(*sources: object) -> list[str]:
    return [line.url for line in await lines_of(*sources)]


def names(urls: Sequence[str]) -> str:
    """The last letters of URLs that end in one letter each."""
    return "".join(url[-1] for url in urls)


def a_list(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


# ---- where lists come from


async def test_files_and_urls_are_read_in_the_order_given(tmp_path: Path) -> None:
    one = a_list(tmp_path / "one.txt", "http://x.test/b\nhttp://x.test/c\n")
    two = a_list(tmp_path / "two.csv", "url\nhttp://x.test/e\n")
    found = await urls_of("http://x.test/a", one, "http://x.test/d", two, one, "http://x.test/f")
    assert names(found) == "abcdebcf"


async def test_an_argument_that_is_another_kind_of_url_is_no_file_name() -> None:
    lines = await lines_of("ftp://x.test/a", "mailto:me@x.test", "javascript:x", "HTTP://x.test/b")
    assert [line.reason for line in lines] == ["scheme", "scheme", "scheme", ""]


async def test_an_empty_list_is_a_list(tmp_path: Path) -> None:
    assert await urls_of(a_list(tmp_path / "list", "")) == []
    assert await urls_of(a_list(tmp_path / "list.csv", "")) == []
    assert await urls_of(a_list(tmp_path / "list", b"\xef\xbb\xbf")) == []


@pytest.mark.parametrize("kind", ["a file", "arguments"])
async def test_others_run_after_each_slice_of_lines(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SLICE", 4)
    urls = [f"http://x.test/{n}" for n in range(41)]
    sources = urls if kind == "arguments" else [str(a_list(tmp_path / "list", "\n".join(urls)))]
    read: list[int] = []

    def counted(text: str, priority: float = 0.0) -> Listed:
        read[-1] += 1
        return listed(text, priority)

    async def turn() -> None:
        while True:
            read.append(0)
            await asyncio.sleep(0)

    monkeypatch.setattr(module, "listed", counted)
    turning = asyncio.create_task(turn())
    await asyncio.sleep(0)
    async with aclosing(Source(sources).batches()) as batches:
        found = [line.url async for batch in batches for line in batch]
    turning.cancel()
    assert found == urls
    assert max(read) == 4


@pytest.mark.parametrize("kind", ["a file", "arguments"])
async def test_batches_are_small_at_first_and_soon_as_large_as_they_may_be(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SLICE", 1)
    monkeypatch.setattr(module, "BATCH", 4)
    urls = ["http://x.test/"] * 13
    sources = (
        urls if kind == "arguments" else [str(a_list(tmp_path / "list", "\n".join([*urls, ""])))]
    )
    async with aclosing(Source(sources).batches()) as batches:
        assert [len(batch) async for batch in batches] == [1, 2, 4, 4, 2]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("missing.txt", "No such file"),
        ("folder", "folder"),
        ("list/inside", "Not a directory"),
        ("loop", "symbolic links"),
        ("x" * 300, "too long"),
        ("nul\0", "null"),
        ("example.com", "https://"),
    ],
)
async def test_a_source_that_cannot_be_read_is_a_usage_error_before_anything_is_read(
    name: str, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("folder").mkdir()
    Path("list").touch()
    Path("loop").symlink_to("loop")
    with pytest.raises(UsageError, match=why) as caught:
        Source(["http://x.test/", name]).check()
    assert caught.value.exit_code == 2
    assert name[:10].rstrip("\0") in str(caught.value)


def test_a_file_that_may_not_be_read_is_a_usage_error(tmp_path: Path) -> None:
    a_list(tmp_path / "secret", "http://x.test/").chmod(0)
    tmp_path.chmod(0o755)
    script = """
import os
from scrapeq.errors import UsageError
from scrapeq.source import Source
if os.getuid() == 0:
    os.setuid(65534)  # root may read everything
try:
    Source(["secret"]).check()
except UsageError as exc:
    print(exc.exit_code, exc)
"""
    run = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True)
    assert run.stdout == b"2 secret: may not be read (permission denied)\n"


async def test_a_source_that_becomes_unreadable_later_ends_the_reading_with_its_name(
    tmp_path: Path,
) -> None:
    path = a_list(tmp_path / "list", "http://x.test/")
    source = Source([str(path)])
    source.check()
    path.unlink()
    with pytest.raises(UsageError, match="list: No such file"):
        await settled(anext(source.batches()))


# ---- stdin


class Reader:
    """scrapeq's Source in a process of its own, its stdin in our hands."""

    def __init__(self, stdin: int, *sources: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", READER, *(sources or ("-",))],
            stdin=stdin,
            stdout=subprocess.PIPE,
            text=True,
        )
        os.close(stdin)

    def line(self) -> str:
        """What it told next; waits for it."""
        assert self._process.stdout
        return self._process.stdout.readline().rstrip("\n")

    def rest(self) -> list[str]:
        """All it told until it ended."""
        out, _ = self._process.communicate(timeout=30)
        assert self._process.returncode == 0
        return out.splitlines()


def test_stdin_is_worked_on_before_it_ends() -> None:
    inside, outside = os.pipe()
    reader = Reader(inside)
    assert reader.line() == "ready"
    os.write(outside, b"http://x.test/a\nhttp://x.te")
    assert reader.line() == "http://x.test/a"
    os.write(outside, b"st/b\r")
    assert reader.line() == "http://x.test/b"
    os.write(outside, b"\n# a comment\n\nhttp://x.test/c")
    os.close(outside)
    assert reader.rest() == ["http://x.test/c", "end"]


def test_stdin_can_stand_between_other_sources_and_ends_once() -> None:
    inside, outside = os.pipe()
    os.write(outside, b"http://x.test/b\n")
    os.close(outside)
    reader = Reader(inside, "http://x.test/a", "-", "http://x.test/c", "-")
    ready, *urls, end = reader.rest()
    assert (ready, names(urls), end) == ("ready", "abc", "end")


async def test_a_stdin_that_somebody_made_non_blocking_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    polled = asyncio.Event()
    loop = asyncio.get_running_loop()

    class Poll:
        """Tells when it is waited for."""

        def __init__(self) -> None:
            self._poll = real()
            self.register = self._poll.register

        def poll(self) -> None:
            loop.call_soon_threadsafe(polled.set)
            self._poll.poll()

    real = select.poll
    inside, outside = os.pipe()
    os.set_blocking(inside, False)
    monkeypatch.setattr(module, "_STDIN", inside)
    monkeypatch.setattr(select, "poll", Poll)
    async with aclosing(Source(["-"]).batches()) as batches:
        for name in (b"a", b"b"):
            reading = asyncio.ensure_future(anext(batches))
            waiting = asyncio.ensure_future(polled.wait())
            await asyncio.wait({reading, waiting}, return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()
            if not reading.done():
                os.write(outside, b"http://x.test/%s\n" % name)
            (line,) = await settled(reading)
            assert line.url.encode() == b"http://x.test/%s" % name
    os.close(outside)
    for thread in readers():
        thread.join(5)
    os.close(inside)


def test_a_stdin_that_breaks_in_the_middle_is_an_error_after_what_was_read() -> None:
    master, slave = os.openpty()  # once its other side is closed, reading gives EIO
    reader = Reader(master)
    assert reader.line() == "ready"
    os.write(slave, b"http://x.test/a\n")
    assert reader.line() == "http://x.test/a"
    os.close(slave)
    (told,) = reader.rest()
    assert re.fullmatch(r"exit 2: -: .*[Ii]nput/output error", told)


def test_a_stdin_that_is_closed_is_refused_at_once() -> None:
    command = f"exec {sys.executable} -c '{READER}' - <&-"
    run = subprocess.run(["sh", "-c", command], capture_output=True, text=True)
    assert run.stdout == "exit 2: -: Bad file descriptor\n"


def test_a_stdin_that_is_a_folder_is_refused_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    descriptor = os.open(tmp_path, os.O_RDONLY)
    monkeypatch.setattr(module, "_STDIN", descriptor)
    with pytest.raises(UsageError, match="-: is a folder"):
        Source(["-"]).check()
    os.close(descriptor)


# ---- pipes and threads


@pytest.fixture
def pipe(tmp_path: Path) -> Iterator[tuple[str, int]]:
    """A named pipe, and a descriptor that keeps it open and writes into it."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    descriptor = os.open(path, os.O_RDWR)
    yield str(path), descriptor
    os.close(descriptor)


async def test_a_pipe_that_never_ends_is_worked_on(pipe: tuple[str, int]) -> None:
    path, descriptor = pipe
    source = Source([path])
    source.check()
    async with aclosing(source.batches()) as batches:
        for n in range(3):
            os.write(descriptor, b"#\nhttp://x.test/%d\n" % n)
            (line,) = await settled(anext(batches))
            assert line.url == f"http://x.test/{n}"
    assert source.ignored == 3


async def test_a_silent_pipe_holds_up_neither_the_loop_nor_a_cancellation(
    pipe: tuple[str, int],
) -> None:
    path, descriptor = pipe
    os.write(descriptor, b"http://x.test/a\n")
    batches = Source([path]).batches()
    await settled(anext(batches))
    reading = asyncio.ensure_future(anext(batches))
    await a_turn()
    assert not reading.done()
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await settled(reading)


async def test_a_reader_that_waits_for_room_ends_when_nobody_wants_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    taken, full = threading.Event(), threading.Event()

    def blocks(_: str) -> Iterator[bytes]:
        yield b"http://x.test/\n"
        taken.wait(5)
        yield from [b"http://x.test/\n"] * AHEAD
        full.set()
        yield b"http://x.test/no\n"

    monkeypatch.setattr(module, "_read", blocks)
    async with aclosing(Source(["any"]).batches()) as batches:
        await anext(batches)
        taken.set()
        await asyncio.to_thread(full.wait, 5)
        (thread,) = readers()
    thread.join(5)
    assert not thread.is_alive()


def test_a_reader_that_outlives_its_loop_does_not_complain(monkeypatch: pytest.MonkeyPatch) -> None:
    closed, survived = threading.Event(), threading.Event()

    def blocks(_: str) -> Iterator[bytes]:
        yield b"http://x.test/a\n"
        closed.wait(10)
        yield b"http://x.test/b\n"
        survived.set()

    monkeypatch.setattr(module, "_read", blocks)
    loop = asyncio.new_event_loop()
    batches = Source(["any"]).batches()  # nobody closes it
    loop.run_until_complete(anext(batches))
    loop.close()
    (thread,) = readers()
    closed.set()
    thread.join(10)
    assert survived.is_set()


async def test_what_is_read_ahead_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    made = 0
    ahead = []

    def endless(_: str) -> Iterator[bytes]:
        nonlocal made
        while True:
            made += 1
            yield b"http://x.test/%d\n" % made

    monkeypatch.setattr(module, "_read", endless)
    taken = 0
    async with aclosing(Source(["any"]).batches()) as batches:
        for _ in range(50):
            taken += len(await anext(batches))
            ahead.append(made - taken)
    # those that wait, some that came after room was made for them, and one that has no room
    assert max(ahead) <= 2 * AHEAD + 1
    assert taken > 50  # what was there already came together


@pytest.mark.parametrize(
    "line",
    [b"http://x.test/" + b"x" * 1000 + b"\n", b"# %098d\n" % 0, b"%100s\n" % b"", b"x" * 10_000],
    ids=["urls", "comments", "blanks", "no line end at all"],
)
async def test_memory_does_not_grow_with_the_list(line: bytes, tmp_path: Path) -> None:
    blocks = 12 * AHEAD
    path = tmp_path / "list"
    with path.open("wb") as file:
        for _ in range(blocks):
            file.write(line * (BLOCK // len(line)))
    peaks = []
    for source in (a_list(tmp_path / "small", path.read_bytes()[: 4 * AHEAD * BLOCK]), path):
        tracemalloc.start()
        async with aclosing(Source([str(source)]).batches()) as batches:
            async for _ in batches:
                pass
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 4 * AHEAD * BLOCK


# ---- lines


def split(blocks: Sequence[bytes]) -> list[str]:
    splitter = LineSplitter()
    lines = [line for block in blocks for line in splitter.feed(block)]
    return lines + splitter.end()


def cut(content: bytes, places: Sequence[int]) -> list[bytes]:
    """The same bytes as blocks that end at these places."""
    ends = sorted({place % (len(content) + 1) for place in places})
    blocks = [content[a:b] for a, b in zip([0, *ends], [*ends, len(content)], strict=True)]
    return [block for block in blocks if block]  # an empty block is the end of a file


_places = st.lists(st.integers(0, 10_000), max_size=12)
_contents = st.binary(max_size=80) | st.lists(
    st.sampled_from([b"\r", b"\n", b"\r\n", b"http://x.test/", b"\xc3\xbc", b"\xef\xbb\xbf", b"#"]),
    max_size=20,
).map(b"".join)
_utf8 = _contents.filter(lambda x: not x.startswith((b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff")))


@patiently
@given(_utf8, _places)
@example(b"http://x.test/\r\nx", [15])
@example(b"abcd\r\n\r\n", [5, 6, 7])
@example(b"a\r\n\n", [1, 2, 3])
@example(b"abcdef\rb\nc", [7, 8])
@example(b"\xef\xbb\xbfabc", [1, 2])
def test_lines_are_the_same_wherever_the_blocks_end(content: bytes, places: list[int]) -> None:
    *pieces, last = re.split(rb"\r\n|\n|\r", content)
    expected = [x.decode("utf-8", "surrogateescape").removeprefix("\ufeff") for x in pieces]
    if last:
        expected.append(last.decode("utf-8", "surrogateescape").removeprefix("\ufeff"))
    assert split(cut(content, places)) == expected


@patiently
@given(_contents, _places, _places)
def test_a_long_line_is_cut_the_same_wherever_the_blocks_end(
    content: bytes, some: list[int], others: list[int]
) -> None:
    content = b"abcde" + content
    with mock.patch.object(line_module, "MAX_LINE", 7):
        lines = split(cut(content, some))
        assert lines == split(cut(content, others))
    if content.isascii():
        for line, whole in zip(lines, split([content]), strict=True):
            dropped = len(whole) - 7
            assert line == (f"{whole[:7]}[{dropped} more bytes]" if dropped > 0 else whole)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
@pytest.mark.parametrize("final", [True, False], ids=["", "no final newline"])
@pytest.mark.parametrize("block", [1, 2, 3, 7, BLOCK])
async def test_every_kind_of_line_end_gives_the_same_urls_and_counts(
    end: str, final: bool, block: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BLOCK", block)
    lines = ["http://x.test/a", "", "# comment", "http://x.test/b", "", "http://x.test/c"]
    path = a_list(tmp_path / "list", end.join(lines) + (end if final else ""))
    source = Source([str(path)])
    found = [line.url async for batch in source.batches() for line in batch]
    assert names(found) == "abc"
    assert source.ignored == 3


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
async def test_blank_lines_at_the_end_are_counted_too(end: str, tmp_path: Path) -> None:
    source = Source([str(a_list(tmp_path / "list", f"http://x.test/a{end}{end}{end}"))])
    assert [len(batch) async for batch in source.batches()] == [1]
    assert source.ignored == 2


async def test_blank_lines_and_comments_are_counted_and_a_hash_in_a_url_is_none(
    tmp_path: Path,
) -> None:
    content = (
        "#\n  # x\n\t\n \v\f\n\u00a0\n\nhttp://x.test/a#part\n http://x.test/b \n#http://x.test/c"
    )
    source = Source([str(a_list(tmp_path / "list", content))])
    found = [line.url async for batch in source.batches() for line in batch]
    assert names(found) == "ab"
    assert source.ignored == 7


async def test_a_byte_order_mark_is_no_part_of_a_url_at_the_start_of_any_file(
    tmp_path: Path,
) -> None:
    one = a_list(tmp_path / "one", "\ufeffhttp://x.test/a\n")
    two = a_list(tmp_path / "two.csv", "\ufeffurl\nhttp://x.test/b\n")
    joined = a_list(tmp_path / "joined", one.read_bytes() + one.read_bytes())
    assert names(await urls_of(one, two, one, joined)) == "abaaa"


@pytest.mark.parametrize("content", ["", "x", "http://x.test/\n"])
@pytest.mark.parametrize(
    ("encoding", "mark"),
    [
        ("UTF-16", b"\xff\xfe"),
        ("UTF-16", b"\xfe\xff"),
        ("UTF-32", b"\xff\xfe\0\0"),
        ("UTF-32", b"\0\0\xfe\xff"),
    ],
)
async def test_another_encoding_is_refused_by_name(
    encoding: str, mark: bytes, content: str, tmp_path: Path
) -> None:
    little = "le" if mark.startswith(b"\xff") else "be"
    path = a_list(tmp_path / "list", mark + content.encode(f"{encoding}-{little}"))
    with pytest.raises(UsageError, match=encoding) as caught:
        await urls_of(path)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("mark", [b"\xff\xfe", b"\xfe\xff", b"\xff\xfe\0\0", b"\0\0\xfe\xff"])
def test_another_encoding_is_refused_also_when_it_comes_byte_by_byte(mark: bytes) -> None:
    content = mark + b"h\0t\0t\0p\0"
    with pytest.raises(UsageError, match="UTF-"):
        split([content[n : n + 1] for n in range(len(content))])


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
def test_utf_16_is_known_by_its_zeros_where_it_has_no_mark(codec: str) -> None:
    with pytest.raises(UsageError, match="UTF-16"):
        split(["http://x.test/".encode(codec)])
    assert split([b"h\0ttp://x.test/\n"]) == ["h\0ttp://x.test/"]


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.txt", b"\xff\xfeh\0"), ("a.csv", b"\n\nlink\nhttp://x.test/\n"), ("a.tsv", b"link")],
)
def test_a_file_that_is_no_list_is_refused_before_anything_is_read(
    name: str, content: bytes, tmp_path: Path
) -> None:
    good = a_list(tmp_path / "good", "http://x.test/a")
    with pytest.raises(UsageError, match=f"/{name}: "):
        Source([str(good), str(a_list(tmp_path / name, content))]).check()


def test_to_look_at_a_list_on_stdin_is_not_to_read_it(tmp_path: Path) -> None:
    path = a_list(tmp_path / "list", "no\nhttp://x.test/a\nhttp://x.test/b\n")
    for content, expected in (path.read_bytes(), ["http://x.test/a", "http://x.test/b", "end"]), (
        b"no\n\xff\xfeh\0", ["exit 2: the list on stdin: is UTF-16; save it as UTF-8"],
    ):  # fmt: skip
        path.write_bytes(content)
        with path.open("rb", 0) as file:
            file.readline()  # as a shell does that has read a line of it itself
            out = subprocess.run(
                [sys.executable, "-c", READER, "-"], stdin=file, capture_output=True, text=True,
                timeout=30, check=False,
            ).stdout.removeprefix("ready\n")  # fmt: skip
        assert [line.partition(" (")[0] for line in out.splitlines()] == expected


async def test_garbage_is_skipped_line_by_line(tmp_path: Path) -> None:
    garbage = bytes(range(256)) * 20
    path = a_list(tmp_path / "list", b"http://x.test/a\n" + garbage + b"\nhttp://x.test/b\n")
    lines = await lines_of(path)
    good = [line.url for line in lines if not line.reason]
    assert names(good) == "ab"
    assert len(lines) > 20
    for line in lines:
        line.url.encode()


@pytest.mark.parametrize("bad", [b"caf\xe9", b"a\0b", b"a\x1bb", b"\xed\xa0\x80"])
@pytest.mark.parametrize("form", [b"http://x.test/%s", b'{"url": "http://x.test/%s"}', b""])
async def test_a_byte_that_no_url_has_is_skipped_and_never_turned_into_another(
    bad: bytes, form: bytes, tmp_path: Path
) -> None:
    if form:
        path = a_list(tmp_path / "list", form % bad)
    else:
        path = a_list(tmp_path / "list.csv", b"url\nhttp://x.test/%s" % bad)
    (line,) = await lines_of(path)
    assert line.reason == "invalid_url"
    assert line.url.isprintable()


async def test_a_line_of_a_megabyte_is_one_skipped_line(tmp_path: Path) -> None:
    path = a_list(tmp_path / "list", b"http://x.test/a\n" + b"x" * 1_000_000 + b"\nhttp://x.test/b")
    first, long, last = await lines_of(path)
    assert names([first.url, last.url]) == "ab"
    assert long.reason == "url_too_long"
    assert len(long.url) < 500
    assert len(split([b"x" * 1_000_000])[0]) < MAX_LINE + 40


# ---- columns and fields


@pytest.mark.parametrize(("suffix", "mark"), [(".csv", ","), (".tsv", "\t"), (".CSV", ",")])
async def test_a_table_gives_its_url_column_and_its_priorities(
    suffix: str, mark: str, tmp_path: Path
) -> None:
    rows = [
        ["Name", " URL ", "priority"],
        ["b", "http://x.test/b", "2"],
        ['"quoted, too"', '"http://x.test/c?x=1,2"', " 1.5 "],
        ["", "", ""],
        ["a", "http://x.test/a", ""],
        ["d", "http://x.test/d"],
        ["e", "http://x.test/e", "  "],
        ["f", "http://x.test/f", "-inf"],
    ]
    path = a_list(tmp_path / f"list{suffix}", "\n".join(mark.join(row) for row in rows))
    source = Source([str(path)])
    lines = [line async for batch in source.batches() for line in batch]
    assert [(line.url[-1], line.priority, line.reason) for line in lines] == [
        ("b", 2.0, ""),
        ("2", 1.5, ""),
        ("a", 0.0, ""),
        ("d", 0.0, ""),
        ("e", 0.0, ""),
        ("f", float("-inf"), ""),
    ]
    assert source.ignored == 1


@pytest.mark.parametrize("block", [1, 5, BLOCK])
async def test_a_table_without_priorities_is_read_in_blocks_of_any_size(
    block: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BLOCK", block)
    path = a_list(tmp_path / "list.csv", "id,url,url\n1,http://x.test/a,no\n2,http://x.test/b,no\n")
    assert names(await urls_of(path)) == "ab"


async def test_each_table_has_its_own_header(tmp_path: Path) -> None:
    one = a_list(tmp_path / "one.csv", "url,n\nhttp://x.test/a,1")
    two = a_list(tmp_path / "two.csv", "n,url\n1,http://x.test/b")
    assert names(await urls_of(one, two, one)) == "aba"


async def test_a_table_without_a_url_column_is_a_usage_error_that_names_its_columns(
    tmp_path: Path,
) -> None:
    path = a_list(tmp_path / "list.csv", "link;title\x1b\nhttp://x.test/a;A\n")
    with pytest.raises(UsageError, match=r"list\.csv.*'url'.*link;title") as caught:
        await urls_of(path)
    assert caught.value.exit_code == 2
    assert "\x1b" not in str(caught.value)


async def test_a_stray_quote_swallows_one_line_and_not_the_file(tmp_path: Path) -> None:
    path = a_list(tmp_path / "list.csv", 'url\n"http://x.test/a\nhttp://x.test/b\n')
    assert names(await urls_of(path)) == "ab"


async def test_a_row_without_a_url_is_skipped(tmp_path: Path) -> None:
    path = a_list(tmp_path / "list.csv", "title,url\nA,\nB\nC,http://x.test/c\n")
    assert [line.reason for line in await lines_of(path)] == ["invalid_url", "invalid_url", ""]


async def test_json_lines_and_plain_lines_may_stand_together(tmp_path: Path) -> None:
    objects = [
        {"url": "http://x.test/a", "priority": 3, "other": [1, {}]},
        {"url": " http://x.test/b ", "priority": "-1.5"},
        {"url": "http://x.test/c", "priority": None},
        {"url": "http://x.test/d", "priority": ""},
    ]
    content = "\n".join(["http://x.test/0", *map(json.dumps, objects), " {} ", "http://x.test/9"])
    lines = await lines_of(a_list(tmp_path / "list.jsonl", content))
    assert [line.priority for line in lines] == [0, 3, -1.5, 0, 0, 0, 0]
    assert names([line.url for line in lines if not line.reason]) == "0abcd9"


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "{}",
        '{"url": 5}',
        '{"url": null}',
        '{"URL": "http://x.test/"}',
        '{"url": ["http://x.test/"]}',
        '{"url": "http://x.test/"} trailing',
        "{'url': 'http://x.test/'}",
        '{"url": "\\ud800http://x.test/"}',
        '{"a":' * 5000 + "1" + "}" * 5000,
        '{"n": ' + "9" * 5000 + ', "url": "http://x.test/"}',
    ],
)
async def test_a_line_that_is_no_such_object_is_skipped(text: str, tmp_path: Path) -> None:
    (line,) = await lines_of(a_list(tmp_path / "list", text))
    assert line.reason == "invalid_url"
    assert line.detail
    assert len(line.url) < 500


@pytest.mark.parametrize(
    "priority",
    ["high", "1,5", float("nan"), [1], {"a": 1}, "nan", 10**400, "0x10", "1 2"],
    ids=lambda x: str(x)[:8],
)
async def test_a_priority_that_is_no_number_is_skipped_and_its_url_stays_free(
    priority: object, tmp_path: Path
) -> None:
    objects = [{"url": "http://x.test/a", "priority": x} for x in (priority, 1)]
    path = a_list(tmp_path / "list", "\n".join(map(json.dumps, objects)))
    bad, good = await lines_of(path)
    assert bad.reason == "invalid_priority"
    assert len(bad.detail) < 200
    assert len(bad.url) < 600
    assert (good.url, good.priority, good.reason) == ("http://x.test/a", 1.0, "")
    assert bad.url != good.url


async def test_a_bad_priority_in_a_table_does_not_tell_the_password_of_its_url(
    tmp_path: Path,
) -> None:
    path = a_list(tmp_path / "list.csv", "url,priority\nhttp://u:s3cr3t@x.test/,soon\n")
    (line,) = await lines_of(path)
    assert line.reason == "invalid_priority"
    assert "s3cr3t" not in f"{line.url}{line.detail}"
    assert "soon" in line.detail
