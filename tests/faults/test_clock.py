"""Fault 116, the part of it that is about time: a process that stood still, clocks that jump."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from signal import SIGCONT, SIGSTOP

import psutil
import pytest

from tests.faults.kit import look_into, meet, wire
from tests.program_kit import endings, running, states, until
from tests.servers import Wire, answer
from tests.site import Site

pytestmark = pytest.mark.timeout(90)

PAGE = answer(b"<title>here</title>")


def test_116_a_process_that_stood_still_blames_no_server(tmp_path: Path) -> None:
    """Longer than any time limit, with answers, half answers and handshakes under way."""
    go = threading.Event()

    async def handler(wire: Wire, head: bytes) -> None:
        half = b"/half/" in head
        if half:
            await wire.send(PAGE[:50])
        while not go.is_set():  # a thread sets it
            await wire.pause()
        await wire.send(PAGE[50:] if half else PAGE)

    with wire(handler) as server:
        pages = [server.url(f"/{'half/' if n % 2 else ''}{n}") for n in range(16)]
        limits = ("--read-timeout", "3", "--timeout", "5", "--connect-timeout", "3")
        words = (*pages, "--no-robots", "--retries", "0", *limits, "--per-host", "16")
        with running(tmp_path, *words) as program:
            until(lambda: len(server.heads) == 16)
            program.signal(SIGSTOP)
            until(lambda: psutil.Process(program.pid).status() == psutil.STATUS_STOPPED)
            threading.Event().wait(8)  # there is nothing to wait for: the time itself is the fault
            program.signal(SIGCONT)
            threading.Timer(0.5, go.set).start()
            assert program.wait() == 0
    db = tmp_path / "scrapeq.db"
    assert set(endings(db).values()) == {"done"}
    found, items = look_into(db)
    assert {page["attempts"] for page in found.values()} == {1}
    assert len(items) == 16


def test_116_due_times_of_a_wrong_clock_hold_no_url(site: Site, tmp_path: Path) -> None:
    """An earlier run whose clock was years ahead has left retries for then."""
    urls = site.pages(20)
    site.hold(0)
    with running(tmp_path, *urls, "--no-robots") as program:
        site.wait_for(1)
        until(lambda: states(tmp_path / "scrapeq.db")["pending"] == 20)
        program.process.kill()
        program.wait()
    site.release()
    far = datetime.now(UTC) + timedelta(days=4000)
    with closing(sqlite3.connect(tmp_path / "scrapeq.db", isolation_level=None)) as db:
        db.execute(
            "UPDATE pages SET due_at = ?, attempts = 1 WHERE id > 3",
            (far.isoformat(timespec="milliseconds").replace("+00:00", "Z"),),
        )
    met = meet(tmp_path, site, *urls, seconds=30, retries=2)
    assert {met.ending(url) for url in urls} == {"done"}
