"""Faults of the database: 109, 110, 112 to 115, and 25."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from signal import SIGINT
from typing import Any

import pytest

from tests.faults.kit import Met, start
from tests.faults.kit_disk import (
    DB,
    RUN,
    SECONDS,
    attempt,
    complete,
    contents,
    listed,
    refused,
    sentence,
    under_way,
)
from tests.program_kit import check_whole, endings, rows, states, until
from tests.site import PATIENCE, Site

pytestmark = pytest.mark.timeout(400)


HOLDER = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
"""


@contextmanager
def taken(db: Path) -> Iterator[Callable[[], None]]:
    """Another program is writing into the database, until it is called. (A process of its own:
    whoever opens and closes the file in the same one takes its locks away.)"""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(db)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )

    def release() -> None:
        holder.communicate(timeout=PATIENCE)

    with holder:
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        try:
            yield release
        finally:
            holder.kill()


def begin(folder: Path, *words: str, **options: Any) -> Met:
    return start(folder, *RUN, *words, seconds=SECONDS, **options)


def filled(folder: Path, site: Site) -> list[str]:
    """A database with 40 URLs of `urls.txt`, two of them done."""
    urls = listed(folder, site, 40)
    met = begin(folder, "-q", *urls[:2])
    assert met.code == 0, met.err
    with closing(sqlite3.connect(folder / DB)) as db:
        assert db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
    return urls


# ---- 25: other rules


def test_025_other_rules_on_the_same_database_are_refused_unless_forced(
    site: Site, tmp_path: Path
) -> None:
    urls = listed(tmp_path, site)
    one, two = ("-s", "name=title"), ("-s", "name=h1", "-s", "link=a::attr(href)")
    assert begin(tmp_path, *one, "urls.txt").code == 0
    told = refused(tmp_path, site, *two, code=2)
    assert "items.name: 'h1' was 'title', items.link: 'a::attr(href)' was not there" in told
    assert "--force" in told
    assert "--fresh" in told
    (tmp_path / "urls.txt").write_text("\n".join([*urls, site.page(6)]))
    forced = begin(tmp_path, *two, "--force", "urls.txt")
    assert forced.code == 0
    assert "new in table items: link" in forced.err
    links = dict(rows(tmp_path / DB, "SELECT url, link FROM items"))
    assert links == {**dict.fromkeys(urls), site.page(6): "/page/60"}
    assert begin(tmp_path, *two, "urls.txt").code == 0  # now these are the rules
    assert begin(tmp_path, *one, "--fresh", "urls.txt").code == 0
    assert states(tmp_path / DB) == {"done": 6}


def test_025_other_rules_are_no_matter_while_no_page_is_done(site: Site, tmp_path: Path) -> None:
    (tmp_path / "urls.txt").write_text("ftp://x.test/\n")
    assert begin(tmp_path, "-s", "name=title", "urls.txt").code == 0
    assert begin(tmp_path, "-s", "name=h1", "-j", "3", "urls.txt").code == 0


# ---- 109: locked by another program


def test_109_a_lock_held_by_another_program_ends_the_run_with_4_and_all_pending(
    site: Site, tmp_path: Path
) -> None:
    urls = filled(tmp_path, site)
    impatient = {"disk": {"patience": 0.5}}
    with taken(tmp_path / DB):
        assert "is locked by another program" in refused(tmp_path, site, world=impatient)
        met = begin(tmp_path, "urls.txt", world=impatient)
        assert met.code == 4
        assert met.err.count("waiting for scrapeq.db: another program has locked it") == 1
    site.hold(after=3)
    with under_way(tmp_path, world=impatient) as run:
        site.wait_for(2 + 4)
        until(lambda: states(tmp_path / DB)["done"] == 5)
        with taken(tmp_path / DB):
            site.release()
            assert run.wait() == 4, run.stderr
    assert run.stderr.count("waiting for") == 1
    assert "is locked by another program" in run.stderr
    assert states(tmp_path / DB) == {"done": 5, "pending": 35}
    complete(tmp_path, urls)


def test_109_a_lock_that_is_given_back_holds_the_run_up_and_no_more(
    site: Site, tmp_path: Path
) -> None:
    urls = filled(tmp_path, site)
    patient = {"disk": {"patience": 600}}
    with taken(tmp_path / DB) as release, under_way(tmp_path, world=patient) as run:
        until(lambda: "waiting for" in run.stderr)
        release()
        assert run.wait() == 0, run.stderr
    check_whole(tmp_path / DB)
    assert endings(tmp_path / DB) == dict.fromkeys(urls, "done")


def test_109_who_waits_for_a_lock_hears_signals(site: Site, tmp_path: Path) -> None:
    urls = filled(tmp_path, site)
    patient = {"disk": {"patience": 600}}
    with taken(tmp_path / DB), under_way(tmp_path, world=patient) as run:
        until(lambda: "waiting for" in run.stderr)  # before the start
        run.signal(SIGINT)
        assert run.wait() in (130, -SIGINT)
    assert "Traceback" not in run.stderr
    site.hold(after=3)
    with under_way(tmp_path, world=patient) as run:
        site.wait_for(2 + 4)
        until(lambda: states(tmp_path / DB)["done"] == 5)
        with taken(tmp_path / DB):
            site.release()
            until(lambda: "waiting for" in run.stderr)
            run.signal(SIGINT)
            run.signal(SIGINT)
            assert run.wait() == 130
    assert "Traceback" not in run.stderr
    complete(tmp_path, urls)


# ---- 110: two at once


def test_110_a_second_run_on_one_database_is_refused_by_whatever_name(
    site: Site, tmp_path: Path
) -> None:
    urls = listed(tmp_path, site)
    home = tmp_path / "home"
    home.mkdir()
    (tmp_path / "folder").symlink_to(home)
    site.hold()
    with under_way(tmp_path, "-o", f"home/{DB}") as run:
        site.wait_for(1)
        (tmp_path / "link.db").symlink_to(home / DB)
        os.link(home / DB, tmp_path / "hard.db")
        for name in (f"home/{DB}", f"./home/../home/{DB}", str(home / DB), f"folder/{DB}"):
            assert "another scrapeq run is using it" in attempt(tmp_path, "-o", name)
        assert "is a symbolic link" in attempt(tmp_path, "-o", "link.db")
        assert "has another name too (a hard link)" in attempt(tmp_path, "-o", "hard.db")
        site.release()
        assert run.wait() == 0, run.stderr
    assert sorted(site.arrivals) == sorted(url.removeprefix(site.url) for url in urls)
    assert endings(home / DB) == dict.fromkeys(urls, "done")


@pytest.mark.parametrize("is_list", [True, False])
def test_110_a_file_that_has_the_name_of_one_of_the_database_is_never_written_over(
    is_list: bool, site: Site, tmp_path: Path
) -> None:
    listed(tmp_path, site)
    for end in ("-lock", "-wal", "-shm", "-journal"):
        file = tmp_path / f"out.db{end}"
        file.write_text(f"{site.page(1)}\n")
        more = [file.name] if is_list else []
        assert "out.db" in refused(tmp_path, site, "-o", "out.db", *more, code=2)
        assert file.read_text() == f"{site.page(1)}\n"
        file.unlink()


# ---- 112: no place to write


def test_112_a_place_that_may_not_be_written_is_found_before_the_first_request(
    site: Site, tmp_path: Path
) -> None:
    urls = filled(tmp_path, site)
    told = refused(tmp_path, site, "-o", f"missing/{DB}")
    assert "missing" in told
    assert "no file can be made in its folder (No such file or directory)" in told
    user = {"user": 65534} if os.getuid() == 0 else None
    tmp_path.chmod(0o777)
    (tmp_path / DB).chmod(0o444)
    assert "Permission denied" in refused(tmp_path, site, world=user)
    tmp_path.chmod(0o555)
    (tmp_path / DB).chmod(0o666)
    assert "no file can be made in its folder" in refused(tmp_path, site, world=user)
    tmp_path.chmod(0o755)
    complete(tmp_path, urls)


# ---- 113: no database, or a broken one


def page_of(db: Path, name: str) -> slice:
    """Where the root page of a table or an index is in the file."""
    ((root, size),) = rows(
        db, f"SELECT rootpage, page_size FROM sqlite_schema, pragma_page_size WHERE name = '{name}'"
    )
    return slice((root - 1) * size, root * size)


def flipped(content: bytes, where: slice) -> bytes:
    damaged = bytearray(content)
    damaged[where] = bytes(byte ^ 0xFF for byte in damaged[where])
    return bytes(damaged)


DAMAGES: dict[str, Callable[[bytes, Path], bytes]] = {
    "all pages but the first": lambda content, db: flipped(content, slice(4096, None)),
    "a page in the middle": lambda content, db: flipped(content, page_of(db, "pages_pending")),
    "the page of the tables": lambda content, db: flipped(content, slice(100, 4096)),
    "cut short": lambda content, db: content[: len(content) // 2],
    "text": lambda content, db: b"http://x.test/\n",
    "text that begins as a database": lambda content, db: content[:16] + b"x" * 5000,
}


def test_113_what_is_broken_or_no_database_is_refused_and_never_overwritten(
    site: Site, tmp_path: Path
) -> None:
    urls = filled(tmp_path, site)
    whole = (tmp_path / DB).read_bytes()
    damaged = {name: damage(whole, tmp_path / DB) for name, damage in DAMAGES.items()}
    for name, content in damaged.items():
        clear(tmp_path)
        (tmp_path / DB).write_bytes(content)
        asked = len(site.arrivals)
        told = sentence(begin(tmp_path, "-q", "urls.txt", db="none"))
        assert DB in told, name
        assert "damaged" in told or "is not a SQLite database" in told, (name, told)
        assert "give another file with -o" in told
        assert (tmp_path / DB).read_bytes() == content, name
        assert len(site.arrivals) == asked, name
    clear(tmp_path)
    (tmp_path / DB).write_bytes(whole)
    complete(tmp_path, urls)


def clear(folder: Path) -> None:
    for file in folder.glob(f"{DB}*"):
        file.unlink()


def test_113_an_empty_file_becomes_a_database_unless_its_log_says_that_it_was_one(
    site: Site, tmp_path: Path
) -> None:
    urls = filled(tmp_path, site)
    with closing(sqlite3.connect(tmp_path / DB)) as db:
        db.execute("UPDATE runs SET outcome = 'x'")
        db.commit()
        log = (tmp_path / f"{DB}-wal").read_bytes()
    clear(tmp_path)
    (tmp_path / DB).touch()
    (tmp_path / f"{DB}-wal").write_bytes(log)
    assert "is empty, but its -wal is not" in refused(tmp_path, site)
    (tmp_path / f"{DB}-wal").unlink()
    complete(tmp_path, urls)


# ---- 114: of another program, or another version


def test_114_a_foreign_database_and_another_version_are_refused_with_both_versions(
    site: Site, tmp_path: Path
) -> None:
    urls = filled(tmp_path, site)
    db = tmp_path / DB
    ((ours,),) = rows(db, "PRAGMA user_version")
    for version in (ours + 1, ours - 1, 0):
        set_pragma(db, f"user_version = {version}")
        told = refused(tmp_path, site)
        assert f"version {version}," in told
        assert f"version {ours};" in told
    set_pragma(db, f"user_version = {ours}")
    complete(tmp_path, urls)
    set_pragma(db, "application_id = 7")
    assert "another program (tables: " in refused(tmp_path, site)
    assert "another program" in refused(tmp_path, site, "--fresh", "--force")


def set_pragma(db: Path, text: str) -> None:
    with closing(sqlite3.connect(db)) as connection:
        connection.execute(f"PRAGMA {text}")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


# ---- 115: what lies under it


def test_115_a_file_system_without_wal_is_named_and_used_all_the_same(
    site: Site, tmp_path: Path
) -> None:
    urls = listed(tmp_path, site, 40)
    met = begin(tmp_path, "urls.txt", world={"disk": {"no_wal": True}})
    assert met.code == 0, met.err
    assert f"{DB}: no WAL on this file system (it uses delete): slower" in met.err
    check_whole(tmp_path / DB)
    complete(tmp_path, urls)
    assert len(site.arrivals) == 40


def replaced(db: Path) -> None:
    other = db.with_name("other.db")
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE mine (x)")
        connection.commit()
    os.replace(other, db)


LOSSES: dict[str, Callable[[Path], None]] = {
    "the database deleted": Path.unlink,
    "the database replaced": replaced,
    "its log deleted": lambda db: db.with_name(f"{DB}-wal").unlink(),
    "its shared memory deleted": lambda db: db.with_name(f"{DB}-shm").unlink(),
    "its folder moved": lambda db: os.rename(db.parent, db.parent.with_name("moved")),
}


@pytest.mark.parametrize("loss", LOSSES)
def test_115_a_database_that_is_lost_under_a_run_is_noticed_at_the_next_commit(
    loss: str, site: Site, tmp_path: Path
) -> None:
    urls = listed(tmp_path, site, 40)
    home = tmp_path / "home"
    home.mkdir()
    words = ("-o", f"home/{DB}")
    site.hold(after=5)
    with under_way(tmp_path, *words, "-q") as run:
        site.wait_for(6)
        until(lambda: states(home / DB)["done"] == 5)
        LOSSES[loss](home / DB)
        before = contents(home) if loss == "the database replaced" else {}
        site.release()
        assert run.wait() == 4, run.stderr
    (line,) = run.stderr.splitlines()
    assert "was deleted or moved while in use" in line
    if loss == "the database replaced":
        assert contents(home)[DB] == before[DB]
        (home / DB).unlink()
    elif loss == "its folder moved":
        (tmp_path / "moved").rename(home)
    if loss.startswith("its"):  # what was saved is still there
        check_whole(home / DB)
        assert states(home / DB) == {"done": 5, "pending": 35}
    complete(tmp_path, urls, *words, db=f"home/{DB}")


def test_115_a_database_that_is_moved_away_takes_along_all_that_was_saved(
    site: Site, tmp_path: Path
) -> None:
    urls = listed(tmp_path, site, 40)
    site.hold(after=5)
    with under_way(tmp_path, "-q") as run:
        site.wait_for(6)
        until(lambda: states(tmp_path / DB)["done"] == 5)
        (tmp_path / DB).rename(tmp_path / "moved.db")
        site.release()
        assert run.wait() == 4, run.stderr
    check_whole(tmp_path / "moved.db")
    assert states(tmp_path / "moved.db") == {"done": 5, "pending": 35}
    complete(tmp_path, urls, "-o", "moved.db", db="moved.db")
