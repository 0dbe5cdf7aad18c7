"""Faults of HTTP framing: 51 to 63. (53 is in test_headers.py.)"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from email.utils import formatdate
from pathlib import Path

import pytest

from tests.faults.kit import Met, meet, wire
from tests.servers import Handler, Wire, answer, chunked, path_of
from tests.site import Site

pytestmark = pytest.mark.timeout(60)

OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
SHORT = ("--read-timeout", "2", "--timeout", "10")


def saying(replies: Mapping[str, bytes | Sequence[bytes]], then: str = "stay") -> Handler:
    """Answer by path; pieces of an answer go in packets of their own. `then`: `close`, `stay`."""

    async def handler(wire: Wire, head: bytes) -> None:
        reply = replies[path_of(head)]
        for piece in (reply,) if isinstance(reply, bytes) else reply:
            await wire.send(piece)
            await asyncio.sleep(0.02)  # a packet of its own; together they mean the same
        if then == "close":
            await wire.half_close()

    return handler


def met_by(
    folder: Path,
    site: Site,
    replies: Mapping[str, bytes | Sequence[bytes]],
    *,
    then: str = "stay",
    flags: Sequence[str] = (),
    seconds: float = 25,
    retries: int = 0,
) -> tuple[dict[str, str], Met]:
    """The ending of each path, and the run."""
    with wire(saying(replies, then)) as server:
        urls = {path: server.url(path) for path in replies}
        met = meet(
            folder, site, *urls.values(), flags=[*SHORT, *flags], seconds=seconds, retries=retries
        )
    return {path: met.ending(url) for path, url in urls.items()}, met


def test_051_what_is_no_status_line_is_a_protocol_error(site: Site, tmp_path: Path) -> None:
    replies = {
        "/rubbish": b"rubbish\r\n\r\n",
        "/0.9": b"<title>HTTP/0.9</title>",
        "/1.2": b"HTTP/1.2 200 OK\r\nContent-Length: 0\r\n\r\n",
        "/digits": b"HTTP/1.1 " + b"2" * 100 + b" OK\r\nContent-Length: 0\r\n\r\n",
        "/two-digits": b"HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n",
        "/radio": b"ICY 200 OK\r\nContent-Length: 0\r\n\r\n",
    }
    endings, _ = met_by(tmp_path, site, replies)
    assert set(endings.values()) == {"failed:protocol"}


def test_052_a_header_that_is_none_is_recorded(site: Site, tmp_path: Path) -> None:
    replies = {
        "/no-colon": OK + b"no colon here\r\nContent-Length: 2\r\n\r\nhi",
        "/no-name": OK + b": nameless\r\nContent-Length: 2\r\n\r\nhi",
        "/folded": OK + b"X-Long: first\r\n  second\r\nContent-Length: 2\r\n\r\nhi",
    }
    endings, met = met_by(tmp_path, site, replies)
    assert endings["/no-colon"] == endings["/no-name"] == "failed:protocol"
    assert endings["/folded"] in ("done", "failed:protocol")
    assert all(row["detail"] for row in met.pages.values() if row["state"] == "failed")


def test_054_a_length_that_is_no_number_or_two_is_a_protocol_error(
    site: Site, tmp_path: Path
) -> None:
    lengths = ("-2", "two", "", "0x2", "+2", "2, 3", "2\r\nContent-Length: 3", "9" * 30)
    replies = {
        f"/{n}": OK + f"Content-Length: {length}\r\n\r\nhi".encode()
        for n, length in enumerate(lengths)
    }
    endings, _ = met_by(tmp_path, site, replies)
    assert set(endings.values()) == {"failed:protocol"}


def test_055_a_length_beside_chunks_is_a_protocol_error(site: Site, tmp_path: Path) -> None:
    chunk = b"2\r\nhi\r\n0\r\n\r\n"
    replies = {
        "/length-first": OK + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk,
        "/chunks-first": OK + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n" + chunk,
    }
    endings, _ = met_by(tmp_path, site, replies)
    assert set(endings.values()) == {"failed:protocol"}


def test_056_a_body_shorter_than_its_frame_is_truncated_and_tried_again(
    site: Site, tmp_path: Path
) -> None:
    replies = {
        "/length": OK + b"Content-Length: 20\r\n\r\n<title>half",
        "/no-last-chunk": CHUNKED + b"b\r\n<title>half\r\n",
        "/half-a-chunk": CHUNKED + b"ff\r\n<title>half",
        "/no-end-of-trailer": CHUNKED + b"b\r\n<title>half\r\n0\r\n",
    }
    with wire(saying(replies, "close")) as server:
        bad = [server.url(path) for path in replies]
        met = meet(tmp_path, site, *bad, seconds=30, retries=1, flags=SHORT)
    assert {met.ending(url) for url in bad} == {"failed:truncated"}
    assert {met.row(url)["attempts"] for url in bad} == {2}
    assert sorted(server.paths) == sorted([*replies, *replies])


def test_057_a_broken_chunk_is_a_protocol_error(site: Site, tmp_path: Path) -> None:
    """Whether it comes with the head of the answer or in a later packet."""
    broken = {
        "no-number": b"zz\r\nhi\r\n0\r\n\r\n",
        "overflow": b"f" * 19 + b"\r\nhi\r\n0\r\n\r\n",
        "too-long": b"2\r\nhi there\r\n0\r\n\r\n",
        "nul-in-trailer": b"2\r\nhi\r\n0\r\nX: a\0b\r\n\r\n",
        "negative": b"-2\r\nhi\r\n0\r\n\r\n",
    }
    replies: dict[str, bytes | Sequence[bytes]] = {}
    for name, body in broken.items():
        replies[f"/at-once/{name}"] = CHUNKED + body
        replies[f"/later/{name}"] = (CHUNKED + b"1\r\nx\r\n", body)
    endings, met = met_by(tmp_path, site, replies, flags=["--read-timeout", "30"], seconds=25)
    assert set(endings.values()) == {"failed:protocol"}, endings
    assert met.seconds < 9  # nobody waited for a time limit


def test_058_a_body_without_a_frame_ends_with_its_connection(site: Site, tmp_path: Path) -> None:
    replies = {
        "/1.1": OK + b"\r\n<title>to the end</title>",
        "/1.0": b"HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n<title>to the end</title>",
        "/empty": OK + b"\r\n",
    }
    endings, met = met_by(tmp_path, site, replies, then="close")
    assert set(endings.values()) == {"done"}
    titles = [row["title"] for row in met.items]
    assert titles.count("to the end") == 2


def test_059_early_answers_are_bounded(site: Site, tmp_path: Path) -> None:
    few = b"HTTP/1.1 100 Continue\r\n\r\n" + b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" * 5

    async def handler(wire: Wire, head: bytes) -> None:
        match path_of(head):
            case "/few":
                await wire.send(few + answer(b"<title>after few</title>"))
            case "/flood":
                await wire.flood(few * 100)
            case _:  # one a packet
                await wire.flood(b"HTTP/1.1 103 Early Hints\r\n\r\n")

    with wire(handler) as server:
        paths = ("/few", "/flood", "/drip")
        met = meet(tmp_path, site, *map(server.url, paths), seconds=25, flags=["--timeout", "30"])
    assert [met.ending(server.url(path)) for path in paths] == [
        "done", "failed:protocol", "failed:protocol",
    ]  # fmt: skip
    assert met.seconds < 15


def test_060_a_body_where_there_is_none_is_ignored(site: Site, tmp_path: Path) -> None:
    """Also by the next request, which does not take it for its answer."""
    stray = b"<title>stray</title>"
    no_content = b"HTTP/1.1 204 No Content\r\nContent-Type: text/html\r\n"
    not_modified = b"HTTP/1.1 304 Not Modified\r\n"
    good = answer(b"<title>good</title>")
    replies: dict[str, bytes | Sequence[bytes]] = {
        "/204": no_content + b"\r\n" + stray,
        "/204-length": no_content + b"Content-Length: 20\r\n\r\n" + stray,
        "/204-later": (no_content + b"\r\n", stray),
        "/204-and-answer": no_content + b"\r\n" + answer(stray),
        "/304": not_modified + b"\r\n" + stray,
        "/304-length": not_modified + b"Content-Length: 20\r\n\r\n" + stray,
        "/more-than-its-length": good + stray,
        "/more-than-its-chunks": chunked(b"<title>good</title>") + stray,
        "/two-answers": good + answer(stray),
        "/second-answer-later": (good, answer(stray)),
    }
    # One by one, with pauses: what comes while the next request is under way is its answer.
    endings, met = met_by(
        tmp_path, site, {**replies, "/last": good}, flags=["--per-host", "1", "--delay", "0.2"]
    )
    assert {path: ending for path, ending in endings.items() if ending != "done"} == {
        "/304": "failed:304",
        "/304-length": "failed:304",
    }
    titles = [row["title"] for row in met.items]
    assert "stray" not in titles
    assert titles.count("good") == 5


def test_061_a_status_that_nobody_knows_is_kept_as_a_number(site: Site, tmp_path: Path) -> None:
    replies = {f"/{n}": answer(b"hi", f"{n} Odd") for n in (299, 399, 600, 999)}
    endings, met = met_by(tmp_path, site, replies)
    assert endings == {
        "/299": "done", "/399": "failed:399", "/600": "failed:600", "/999": "failed:999",
    }  # fmt: skip
    assert {row["status"] for row in met.pages.values()} == {200, 299, 399, 600, 999}


def test_062_an_upgrade_that_nobody_asked_for_is_a_protocol_error(
    site: Site, tmp_path: Path
) -> None:
    upgrade = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: "
    replies = {
        "/websocket": upgrade + b"websocket\r\n\r\n\x81\x02hi",
        "/h2c": upgrade + b"h2c\r\n\r\n" + answer(b"hi"),
        "/bare": b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
    }
    endings, met = met_by(tmp_path, site, replies)
    assert set(endings.values()) == {"failed:protocol"}
    assert met.seconds < 9


def test_063_retry_after_is_honoured_up_to_a_cap(site: Site, tmp_path: Path) -> None:
    """A host that asks for patience gets it, and the others go on meanwhile. The names are
    different hosts of one server."""
    began: dict[str, list[float]] = {}

    async def handler(wire: Wire, head: bytes) -> None:
        path = path_of(head)
        times = began.setdefault(path, [])
        times.append(time.monotonic())
        if path == "/absurd":
            await wire.send(answer(b"", "503 Later", Retry_After=str(10**9)))
        elif len(times) > 1:
            await wire.send(answer(b"<title>now</title>"))
        elif path == "/seconds":
            await wire.send(answer(b"", "429 Too Many", Retry_After="2"))
        else:
            moment = formatdate(time.time() + 3, usegmt=True)
            await wire.send(answer(b"", "503 Later", Retry_After=moment))

    names = {f"{name}.test": ["127.0.0.1"] for name in ("seconds", "date", "absurd")}
    with wire(handler) as server:
        urls = {name: server.url(f"/{name}", host=f"{name}.test") for name in ("seconds", "date")}
        met = meet(tmp_path, site, *urls.values(), world={"names": names}, retries=1)
        assert {met.ending(url) for url in urls.values()} == {"done"}
        assert all(later - first > 1.5 for first, later in began.values())
        absurd = server.url("/absurd", host="absurd.test")
        met = meet(tmp_path, site, absurd, world={"names": names}, flags=["--fresh"])
    assert met.ending(absurd) == "failed:503"
    assert met.seconds < 20
