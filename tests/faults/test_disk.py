"""Faults of the disk under the database: 111, and what else a disk may refuse."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.faults.kit_disk import DB, attempt, complete, listed, refused, under_way
from tests.program_kit import rows, states, until
from tests.site import Answer, Site, html

pytestmark = pytest.mark.timeout(400)

FULL: dict[str, dict[str, Any]] = {
    "at open": {"at": "open", "how": "limit"},
    "in the intake of the list": {"at": "intake", "how": "pages"},
    "in save": {"at": "save", "how": "limit"},
    "in a checkpoint": {"at": "checkpoint", "how": "limit", "step": 1, "number": 2},
    "at the end": {"at": "end", "how": "limit"},
}


@pytest.mark.parametrize("moment", FULL)
def test_111_a_full_disk_ends_the_run_with_4_and_the_next_run_completes_it(
    moment: str, site: Site, tmp_path: Path
) -> None:
    urls = listed(tmp_path, site, 60)
    told = attempt(tmp_path, world={"disk": {**FULL[moment], "db": DB}})
    assert DB in told
    assert "run the same command again" in told
    early = moment in ("at open", "in the intake of the list")
    assert (site.arrivals == []) is early
    complete(tmp_path, urls)
    if moment == "at the end":
        assert len(site.arrivals) == len(urls)


def test_111_a_small_disk_that_fills_up_is_named_as_full(site: Site, tmp_path: Path) -> None:
    urls = [site.add(f"/{n}", Answer(html(f"{n} " + "x" * 20_000))) for n in range(60)]
    (tmp_path / "urls.txt").write_text("\n".join(urls))
    db = Path("small") / DB
    (tmp_path / "small").mkdir()
    with mounted(tmp_path / "small", "size=400k") as is_small:
        instead = {"disk": {"at": "save", "how": "pages", "number": 2, "db": str(db)}}
        words = ("--output", db, "--save-queue", "8")
        told = attempt(tmp_path, *words, world=None if is_small else instead, db=str(db))
        assert "the disk is full" in told or "SQLITE_IOERR" in told
        assert states(tmp_path / db)["pending"] > 0
        if is_small:
            subprocess.run(["mount", "-o", "remount,size=32m", str(tmp_path / "small")], check=True)
        complete(tmp_path, urls, *words, db=db)


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[bool]:
    """A file system of its own, where that is allowed."""
    mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    try:
        is_mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    except OSError:
        is_mounted = False
    try:
        yield is_mounted
    finally:
        if is_mounted:
            subprocess.run(["umount", "-l", str(folder)], check=True)


FSYNC: dict[str, tuple[dict[str, Any], list[str]]] = {
    "when the database is made": ({"at": "open"}, []),
    "at a commit of --durable": ({"at": "save"}, ["--durable"]),
    "in a checkpoint": ({"at": "checkpoint", "step": 1, "number": 3}, []),
    "at the end": ({"at": "end"}, []),
}


@pytest.mark.parametrize("moment", FSYNC)
def test_111_an_fsync_that_fails_ends_the_run_with_4_and_the_next_run_completes_it(
    moment: str, site: Site, tmp_path: Path
) -> None:
    urls = listed(tmp_path, site, 30)
    world, flags = FSYNC[moment]
    told = attempt(tmp_path, *flags, world={"disk": {**world, "how": "fsync", "db": DB}})
    assert DB in told
    assert "IOERR" in told
    assert (site.arrivals == []) is (world["at"] == "open")
    complete(tmp_path, urls)


def test_111_a_log_that_a_reader_holds_shrinks_when_the_reader_has_gone(
    site: Site, tmp_path: Path
) -> None:
    urls = [site.add(f"/{n}", Answer(html("x" * 200_000))) for n in range(40)]
    (tmp_path / "urls.txt").write_text("\n".join(urls))
    log = tmp_path / f"{DB}-wal"
    world = {"disk": {"step": 1 << 20}}
    site.hold(after=20)
    with under_way(tmp_path, "-j", "4", "--save-queue", "1", world=world) as run:
        site.wait_for(1)
        with connected(tmp_path / DB) as idle, connected(tmp_path / DB) as reader:
            idle.execute("SELECT count(*) FROM pages").fetchone()
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM pages").fetchone()
            until(lambda: states(tmp_path / DB)["done"] >= 20)
            assert log.stat().st_size > 4 << 20
            reader.execute("COMMIT")
            site.hold(after=15)
            site.wait_for(36)
            until(lambda: states(tmp_path / DB)["done"] >= 35)
            assert log.stat().st_size < 3 << 20
            site.release()
            assert run.wait() == 0, run.stderr
    assert rows(tmp_path / DB, "SELECT count(*) FROM items") == [(40,)]


def connected(db: Path) -> closing[sqlite3.Connection]:
    return closing(sqlite3.connect(db, isolation_level=None))


def test_112_a_disk_that_may_only_be_read_is_found_before_the_first_request(
    site: Site, tmp_path: Path
) -> None:
    urls = listed(tmp_path, site)
    folder = tmp_path / "disk"
    folder.mkdir()
    with mounted(folder, "size=8m") as is_mounted:
        if is_mounted:
            subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
            instead = None
        else:
            folder.chmod(0o555)
            instead = {"user": 65534} if os.getuid() == 0 else None
        told = refused(tmp_path, site, "-o", f"disk/{DB}", world=instead)
        assert "no file can be made in its folder" in told
        if is_mounted:
            subprocess.run(["mount", "-o", "remount,rw", str(folder)], check=True)
        folder.chmod(0o755)
        complete(tmp_path, urls, "-o", f"disk/{DB}", db=f"disk/{DB}")
