"""`scrapeq run` as its users meet it: real processes, a real server, databases on disk."""

from __future__ import annotations

import os
import random
import resource
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from scrapeq.source import BATCH
from tests.program_kit import (
    check_whole,
    endings,
    environment,
    rows,
    run,
    running,
    sleeps,
    states,
    summary_of,
    titles,
    until,
    write_list,
)
from tests.site import BUSY, MISSING, PATIENCE, Answer, Site, html, moved, serving

HANGS_THE_PARSER = b"<div>" * 200_000
"""Quadratic in every parser that keeps a stack of open elements."""
EATS_MEMORY = (
    "".join(f"<b {n}>" for n in range(1500))
    + "".join(f"<i {n}>" for n in range(1500))
    + "x</b>" * 1500
).encode()
"""29 kB that become 740 MB of formatting elements."""


@pytest.fixture
def site() -> Iterator[Site]:
    with serving() as site:
        yield site


@pytest.fixture
def db(tmp_path: Path) -> Path:
    return tmp_path / "scrapeq.db"


# ---- the main job


def test_two_hundred_urls_become_two_hundred_rows_with_the_right_titles(
    site: Site, tmp_path: Path, db: Path
) -> None:
    ended = run(tmp_path, write_list(tmp_path, site.pages(200)))
    assert ended.returncode == 0, ended.stderr
    assert titles(db) == {site.page(n): f"Page {n}" for n in range(1, 201)}
    assert states(db) == {"done": 200}
    assert rows(db, "SELECT outcome, ended_at > started_at FROM runs") == [("finished", 1)]
    check_whole(db)


def test_one_worker_and_a_hundred_over_queues_of_one_give_the_same_rows(
    site: Site, tmp_path: Path
) -> None:
    site.add("/page/7", MISSING)
    site.add("/page/8", moved("/page/9"))
    urls = write_list(tmp_path, site.pages(150))
    crowds = {
        "few.db": ["--fetchers", "1", "--parsers", "1"],
        "many.db": ["--fetchers", "100", "--parsers", "4", "--savers", "2", "--per-host", "100",
                    "--url-queue", "1", "--page-queue", "1", "--save-queue", "1"],
    }  # fmt: skip
    found = []
    for name, crowd in crowds.items():
        ended = run(tmp_path, urls, "-o", name, *crowd)
        assert ended.returncode == 0, ended.stderr
        check_whole(tmp_path / name)
        pages = "SELECT url, state, reason, status, final_url FROM pages ORDER BY url"
        items = "SELECT * FROM items ORDER BY url"
        found.append((rows(tmp_path / name, pages), rows(tmp_path / name, items)))
    assert found[0] == found[1]
    assert len(found[0][1]) == 149


def test_urls_on_the_command_line_and_files_are_read_one_after_another(
    site: Site, tmp_path: Path, db: Path
) -> None:
    one, two = write_list(tmp_path, [site.page(1)], "1.txt"), write_list(tmp_path, [], "2.txt")
    ended = run(tmp_path, one, site.page(2), two, site.page(3), "-", stdin=site.page(4))
    assert ended.returncode == 0, ended.stderr
    assert list(endings(db)) == site.pages(4)


def test_work_starts_while_stdin_is_still_open(site: Site, tmp_path: Path, db: Path) -> None:
    with running(tmp_path, "-", stdin=subprocess.PIPE) as program:
        program.stdin.write(site.page(1) + "\n")
        program.stdin.flush()
        site.wait_for(1)
        until(lambda: states(db)["done"] == 1)
        program.stdin.write(site.page(2))  # no line end
        program.stdin.close()
        assert program.wait() == 0, program.stderr
    assert endings(db) == {site.page(1): "done", site.page(2): "done"}


def test_what_no_one_can_fetch_is_skipped_and_counted(site: Site, tmp_path: Path, db: Path) -> None:
    lines = ["# a comment", "", site.page(1), "ftp://host.test/x", site.page(1), "no url", "\0\x1b"]
    ended = run(tmp_path, write_list(tmp_path, lines), "--summary", "-")
    assert ended.returncode == 0, ended.stderr
    summary = summary_of(ended.stdout)
    assert (summary["urls"], summary["done"], summary["skipped"]) == (4, 1, 3)
    assert summary["duplicates"] == 1
    assert summary["reasons"] == {"skipped:scheme": 1, "skipped:invalid_url": 2}
    assert states(db) == {"done": 1, "skipped": 3}


def test_an_empty_list_is_no_error(tmp_path: Path, db: Path) -> None:
    ended = run(tmp_path, write_list(tmp_path, []))
    assert ended.returncode == 0, ended.stderr
    assert "0 urls" in ended.stderr
    assert states(db) == {}


def test_each_http_fault_is_a_row_and_no_reason_for_another_exit_code(
    site: Site, tmp_path: Path, db: Path
) -> None:
    site.add("/page/2", MISSING)
    site.add("/page/3", moved("/page/3"))
    site.add("/page/4", Answer(b"%PDF-1.7", headers={"Content-Type": "application/pdf"}))
    site.add("/page/5", moved("file:///etc/passwd"))
    ended = run(tmp_path, *site.pages(5), "http://127.0.0.1:1/", "-R", "0")
    assert ended.returncode == 0, ended.stderr
    assert list(endings(db).values()) == [
        "done", "failed:404", "failed:redirects", "skipped:content_type",
        "failed:redirect_scheme", "failed:connect",
    ]  # fmt: skip


# ---- again


def test_a_second_run_on_a_finished_database_asks_for_nothing_and_says_what_is_there(
    site: Site, tmp_path: Path, db: Path
) -> None:
    urls = write_list(tmp_path, [*site.pages(20), "ftp://host.test/"])
    site.add("/page/3", MISSING)
    run(tmp_path, urls)
    asked = sum(site.counts.values())
    ended = run(tmp_path, urls, "--summary", "-")
    assert ended.returncode == 0, ended.stderr
    assert "already has 21 URLs: 19 done, 1 failed, 1 skipped" in ended.stderr
    assert sum(site.counts.values()) == asked, "not even robots.txt"
    assert summary_of(ended.stdout)["already"] == 21
    assert states(db) == {"done": 19, "failed": 1, "skipped": 1}


def test_a_list_that_has_grown_fetches_what_is_new(site: Site, tmp_path: Path, db: Path) -> None:
    run(tmp_path, write_list(tmp_path, site.pages(10)))
    ended = run(tmp_path, write_list(tmp_path, site.pages(15)[5:]), "--summary", "-")
    assert ended.returncode == 0, ended.stderr
    assert [site.counts[f"/page/{n}"] for n in range(1, 16)] == [1] * 15
    assert summary_of(ended.stdout)["done"] == 15
    check_whole(db)


def test_retry_failed_asks_again_for_what_failed_and_for_nothing_else(
    site: Site, tmp_path: Path, db: Path
) -> None:
    site.add("/page/2", MISSING, Answer(html("Found")))
    urls = write_list(tmp_path, site.pages(3))
    run(tmp_path, urls)
    assert run(tmp_path, urls).returncode == 0
    assert endings(db)[site.page(2)] == "failed:404"
    ended = run(tmp_path, urls, "--retry-failed", "--summary", "-")
    assert summary_of(ended.stdout)["failed"] == 0
    assert titles(db)[site.page(2)] == "Found"
    assert rows(db, "SELECT DISTINCT reason FROM pages") == [(None,)]
    assert site.counts["/page/1"] == 1
    check_whole(db)


def test_fresh_empties_the_database_first(site: Site, tmp_path: Path, db: Path) -> None:
    run(tmp_path, *site.pages(5), "-s", "name=h1")
    ended = run(tmp_path, *site.pages(3), "--fresh")
    assert ended.returncode == 0, ended.stderr
    assert "already" not in ended.stderr
    assert titles(db) == {site.page(n): f"Page {n}" for n in (1, 2, 3)}
    assert rows(db, "SELECT count(*) FROM runs") == [(1,)]
    assert rows(db, "SELECT 1 FROM pragma_table_info('items') WHERE name = 'name'") == []
    check_whole(db)


def test_limit_reads_so_many_urls_and_leaves_the_rest_of_an_open_stdin(
    site: Site, tmp_path: Path, db: Path
) -> None:
    with running(tmp_path, "-", "--limit", "3", stdin=subprocess.PIPE) as program:
        program.stdin.write("\n".join([site.page(1), *site.pages(9)]) + "\n")
        program.stdin.flush()
        assert program.wait() == 0, program.stderr
    assert endings(db) == dict.fromkeys(site.pages(3), "done")
    urls = write_list(tmp_path, site.pages(9))
    run(tmp_path, urls, "--limit", "3")
    assert states(db) == {"done": 3}, "the first three are known already"
    run(tmp_path, urls)
    assert states(db) == {"done": 9}


# ---- kill -9


def kill_process(program: int) -> None:
    os.kill(program, signal.SIGKILL)


def kill_group(program: int) -> None:
    os.killpg(program, signal.SIGKILL)


@pytest.mark.parametrize(
    ("kill", "answered"),
    [(kill_process, 0), (kill_group, 1), (kill_process, 60), (kill_group, 199)],
)
def test_kill_9_and_the_same_command_again_lose_nothing_and_double_nothing(
    kill: Callable[[int], None], answered: int, site: Site, tmp_path: Path, db: Path
) -> None:
    urls = write_list(tmp_path, site.pages(200))
    site.hold(after=answered)
    with running(tmp_path, urls, "--save-queue", "7") as program:
        site.wait_for(min(answered + 8, 200))
        until(lambda: states(db)["done"] == answered)
        children = program.children()
        kill(program.pid)
        program.wait()
    assert children.gone()
    assert states(db) == {"done": answered, "pending": 200 - answered} or not answered
    check_whole(db)
    done = [url for url, state in endings(db).items() if state == "done"]
    site.release()
    ended = run(tmp_path, urls, "--save-queue", "7")
    assert ended.returncode == 0, ended.stderr
    assert states(db) == {"done": 200}
    assert titles(db) == {site.page(n): f"Page {n}" for n in range(1, 201)}
    assert {site.counts[url.removeprefix(site.url)] for url in done} <= {1}
    check_whole(db)


@pytest.mark.parametrize("arrived", [30, 150])
def test_kill_9_in_full_flow_leaves_a_whole_database(
    arrived: int, site: Site, tmp_path: Path, db: Path
) -> None:
    urls = write_list(tmp_path, site.pages(200))
    with running(tmp_path, urls, "--savers", "2") as program:
        site.wait_for(arrived)
        program.signal_group(signal.SIGKILL)
        program.wait()
    check_whole(db)
    assert sum(states(db).values()) == 200
    assert run(tmp_path, urls).returncode == 0
    assert states(db) == {"done": 200}
    check_whole(db)


# ---- order


def arrivals(site: Site) -> list[int]:
    return [int(path.removeprefix("/page/")) for path in site.arrivals]


ONE_AT_A_TIME = ("-j", "1", "--url-queue", "1", "--page-queue", "1", "--save-queue", "1")


def test_fifo_asks_in_the_order_of_the_list(site: Site, tmp_path: Path) -> None:
    numbers = random.Random(1).sample(range(1, 500), 60)
    urls = write_list(tmp_path, [site.page(n) for n in numbers])
    assert run(tmp_path, urls, *ONE_AT_A_TIME, "--order", "fifo").returncode == 0
    assert arrivals(site) == numbers


def test_lifo_asks_for_the_last_of_the_list_first(site: Site, tmp_path: Path) -> None:
    urls = write_list(tmp_path, site.pages(60))
    assert run(tmp_path, urls, *ONE_AT_A_TIME, "--order", "lifo").returncode == 0
    assert arrivals(site) == list(range(60, 0, -1))


def test_priority_asks_for_the_lowest_number_first_and_equals_as_listed(
    site: Site, tmp_path: Path
) -> None:
    ranks = [random.Random(2).choice([-1, 0, 2.5, 10]) for _ in range(60)]
    lines = [f"{site.page(n)},{rank}" for n, rank in enumerate(ranks)]
    urls = write_list(tmp_path, ["url,priority", *lines], "urls.csv")
    assert run(tmp_path, urls, *ONE_AT_A_TIME, "--order", "priority").returncode == 0
    assert arrivals(site) == sorted(range(60), key=lambda n: (ranks[n], n))


# ---- rules


def test_select_takes_what_it_names_instead_of_the_default_record(
    site: Site, tmp_path: Path, db: Path
) -> None:
    site.add("/page/1", Answer(html("One", "<a href='/x?a=1&amp;b=2'>Text <b>bold</b></a>")))
    select = ["-s", "name=h1", "--select", "link=a::attr(href)", "-s", "own=a::text"]
    ended = run(tmp_path, site.page(1), *select, "-s", "nothing=article")
    assert ended.returncode == 0, ended.stderr
    assert rows(db, "SELECT * FROM items") == [(site.page(1), "One", "/x?a=1&b=2", "Text", None)]


def test_extract_each_gives_a_row_for_every_match_in_the_table_it_names(
    site: Site, tmp_path: Path, db: Path
) -> None:
    books = "".join(
        f'<article><h3>Book {n}</h3><a href="b/{n}">x</a><i></i><i></i></article>' for n in (1, 2)
    )
    site.add("/shop/1", Answer(html("Shop", books)))
    (tmp_path / "scrapeq.toml").write_text(
        '[[extract]]\ntable = "books"\nmatch = "*/shop/*"\neach = "article"\n'
        '[extract.fields]\ntitle = "h3"\nlink = { css = "a::attr(href)", type = "url" }\n'
        'stars = { css = "i", count = true }\n'
        '[[extract]]\nfields = { name = "h1::text" }\n'
    )
    ended = run(tmp_path, f"{site.url}/shop/1", site.page(2))
    assert ended.returncode == 0, ended.stderr
    assert rows(db, "SELECT * FROM books ORDER BY title") == [
        (f"{site.url}/shop/1", "Book 1", f"{site.url}/shop/b/1", 2),
        (f"{site.url}/shop/1", "Book 2", f"{site.url}/shop/b/2", 2),
    ]
    assert rows(db, "SELECT * FROM items") == [(site.page(2), "Page 2")]


def test_a_rule_that_finds_nothing_leaves_a_page_done_without_rows(
    site: Site, tmp_path: Path, db: Path
) -> None:
    (tmp_path / "c.toml").write_text('[[extract]]\neach = "article"\nfields = { a = "b" }\n')
    assert run(tmp_path, site.page(1), "-c", "c.toml").returncode == 0
    assert endings(db) == {site.page(1): "done"}
    assert rows(db, "SELECT * FROM items") == []


# ---- failures


@pytest.mark.parametrize(("allowed", "code"), [("2", 3), ("3", 0), ("29%", 3), ("30%", 0)])
def test_more_failures_than_allowed_exit_with_3(
    allowed: str, code: int, site: Site, tmp_path: Path, db: Path
) -> None:
    for n in (2, 4, 6):
        site.add(f"/page/{n}", MISSING)
    ended = run(tmp_path, *site.pages(10), "--max-failures", allowed)
    assert ended.returncode == code, ended.stderr
    assert states(db) == {"done": 7, "failed": 3}


def test_a_page_that_is_busy_twice_is_tried_a_third_time_when_it_is_due(
    site: Site, tmp_path: Path, db: Path
) -> None:
    site.add("/page/1", BUSY, BUSY, Answer(html("At last")))
    site.add("/page/2", BUSY)
    ended = run(tmp_path, *site.pages(40), "--summary", "-")
    assert ended.returncode == 0, ended.stderr
    assert titles(db)[site.page(1)] == "At last"
    assert endings(db)[site.page(2)] == "failed:503"
    assert rows(db, "SELECT attempts FROM pages ORDER BY id LIMIT 3") == [(3,), (3,), (1,)]
    assert (site.counts["/page/1"], site.counts["/page/2"]) == (3, 3)
    assert set(site.arrivals[-2:]) == {"/page/1", "/page/2"}, "nobody waited for them"
    summary = summary_of(ended.stdout)
    assert (summary["retries"], summary["reasons"]) == (4, {"failed:503": 1})


def test_a_retry_that_is_due_later_is_kept_over_kill_9(
    site: Site, tmp_path: Path, db: Path
) -> None:
    site.add("/page/1", BUSY, Answer(html("At last")))
    with running(tmp_path, site.page(1)) as program:
        until(lambda: site.arrivals and rows(db, "SELECT 1 FROM pages WHERE due_at IS NOT NULL"))
        program.signal(signal.SIGKILL)
        program.wait()
    assert endings(db) == {site.page(1): "pending"}
    assert run(tmp_path, site.page(1)).returncode == 0
    assert rows(db, "SELECT state, attempts, due_at FROM pages") == [("done", 2, None)]


@pytest.mark.parametrize(
    ("body", "reason", "limits"),
    [
        (HANGS_THE_PARSER, "failed:parse_timeout", ("--parse-timeout", "0.5")),
        (EATS_MEMORY, "failed:parse_memory", ("--parse-memory", "300M", "--parse-timeout", "20")),
    ],
)
def test_a_page_that_kills_its_parser_fails_alone(
    body: bytes, reason: str, limits: tuple[str, ...], site: Site, tmp_path: Path, db: Path
) -> None:
    site.add("/page/13", Answer(body))
    ended = run(tmp_path, *site.pages(30), *limits)
    assert ended.returncode == 0, ended.stderr
    assert endings(db) == {**dict.fromkeys(site.pages(30), "done"), site.page(13): reason}
    check_whole(db)


# ---- the disk


def test_a_full_disk_ends_the_run_with_4_and_the_next_run_completes_it(
    site: Site, tmp_path: Path, db: Path
) -> None:
    urls = write_list(tmp_path, site.pages(300))
    site.hold(after=100)
    with running(tmp_path, urls, "--summary", "sum.json") as program:
        site.wait_for(108)
        until(lambda: states(db)["done"] == 100)
        room = (tmp_path / "scrapeq.db-wal").stat().st_size + 10_000
        resource.prlimit(program.pid, resource.RLIMIT_FSIZE, (room, room))
        site.release()
        assert program.wait() == 4, program.stderr
        assert "run the same command again" in program.stderr
        assert "Traceback" not in program.stderr
    summary = summary_of((tmp_path / "sum.json").read_text())
    assert summary["urls"] == 300
    assert summary["pending"] == states(db)["pending"] > 0
    check_whole(db)
    assert run(tmp_path, urls).returncode == 0
    assert states(db) == {"done": 300}
    check_whole(db)


def test_a_missing_folder_is_found_before_the_first_request(site: Site, tmp_path: Path) -> None:
    ended = run(tmp_path, *site.pages(3), "-o", "nowhere/out.db")
    assert ended.returncode == 4
    assert "nowhere/out.db" in ended.stderr
    assert not site.counts


def foreign_database(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE pages (photo BLOB)")


def text_file(path: Path) -> None:
    path.write_text("my diary\n" * 100)


def newer_database(path: Path) -> None:
    assert run(path.parent, write_list(path.parent, []), "-o", path.name).returncode == 0
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")


@pytest.mark.parametrize("make", [foreign_database, text_file, newer_database])
@pytest.mark.parametrize("flags", [(), ("--fresh",)])
def test_a_file_that_is_not_ours_is_refused_and_left_as_it_was(
    make: Callable[[Path], None], flags: tuple[str, ...], site: Site, tmp_path: Path, db: Path
) -> None:
    make(db)
    before = db.read_bytes()
    ended = run(tmp_path, *site.pages(3), *flags)
    assert ended.returncode == 4
    assert "scrapeq.db" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert db.read_bytes() == before
    assert not site.counts
    assert not list(tmp_path.glob("scrapeq.db-*"))


def test_the_database_is_only_for_its_owner(site: Site, tmp_path: Path, db: Path) -> None:
    site.hold()
    with running(tmp_path, site.page(1)) as program:
        site.wait_for(1)
        files = [db, *tmp_path.glob("scrapeq.db-*")]
        assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
        site.release()
        assert program.wait() == 0
    assert not list(tmp_path.glob("scrapeq.db-*")), "nothing is left beside it"


def test_a_second_run_at_the_same_time_is_refused(site: Site, tmp_path: Path, db: Path) -> None:
    urls = write_list(tmp_path, site.pages(20))
    site.hold(after=5)
    with running(tmp_path, urls) as program:
        site.wait_for(6)
        asked = sum(site.counts.values())
        for flags in ((), ("--fresh",)):
            second = run(tmp_path, urls, *flags)
            assert second.returncode == 4
            assert "another scrapeq run" in second.stderr
        assert sum(site.counts.values()) <= asked + 8
        site.release()
        assert program.wait() == 0, program.stderr
    assert states(db) == {"done": 20}
    assert rows(db, "SELECT count(*) FROM runs") == [(1,)]


def test_a_summary_file_that_cannot_be_written_is_found_before_the_first_request(
    site: Site, tmp_path: Path
) -> None:
    ended = run(tmp_path, site.page(1), "--summary", "nowhere/sum.json")
    assert ended.returncode == 2
    assert "nowhere/sum.json" in ended.stderr
    assert not site.counts


@pytest.mark.parametrize(
    "flags",
    [("--summary", "./scrapeq.db"), ("--summary", "urls.txt"), ("-o", "../urls/urls.txt")],
)
def test_no_file_of_the_run_is_written_over_by_another(
    flags: tuple[str, str], site: Site, tmp_path: Path
) -> None:
    folder = tmp_path / "urls"
    folder.mkdir()
    ended = run(folder, write_list(folder, []), site.page(1), *flags)
    assert ended.returncode == 2
    assert flags[1] in ended.stderr
    assert not site.counts
    assert [(file.name, file.read_text()) for file in folder.iterdir()] == [("urls.txt", "")]


def test_a_summary_that_cannot_be_written_at_the_end_is_said_and_nothing_is_lost(
    site: Site, tmp_path: Path, db: Path
) -> None:
    ended = run(tmp_path, *site.pages(3), "--summary", "/dev/full")
    assert ended.returncode == 4
    assert "/dev/full" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert states(db) == {"done": 3}


@pytest.mark.parametrize("lost", ["scrapeq.db", "scrapeq.db-wal"])
def test_a_database_that_is_deleted_under_a_run_ends_it_with_4(
    lost: str, site: Site, tmp_path: Path, db: Path
) -> None:
    site.hold(after=5)
    urls = write_list(tmp_path, site.pages(20))
    with running(tmp_path, urls) as program:
        site.wait_for(13)
        until(lambda: states(db)["done"] == 5)
        (tmp_path / lost).unlink()
        site.release()
        assert program.wait() == 4
        assert "scrapeq.db: was deleted" in program.stderr
    assert run(tmp_path, urls).returncode == 0
    assert states(db) == {"done": 20}
    check_whole(db)


def test_few_file_descriptors_mean_few_fetchers_and_a_word_about_it(
    site: Site, tmp_path: Path, db: Path
) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (80, 80))

    crowd = ("-j", "100", "--per-host", "100", "-R", "0")
    ended = run(tmp_path, *site.pages(100), *crowd, preexec_fn=limit)
    assert ended.returncode == 0, ended.stderr
    assert "only 80 files may be open (ulimit -n): 14 fetchers instead of 100" in ended.stderr
    assert states(db) == {"done": 100}


def test_a_low_limit_of_descriptors_that_may_be_raised_is_raised(
    site: Site, tmp_path: Path, db: Path
) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 4096))

    crowd = ("-j", "100", "--per-host", "100", "-R", "0")
    ended = run(tmp_path, *site.pages(100), *crowd, preexec_fn=limit)
    assert "files may be open" not in ended.stderr
    assert states(db) == {"done": 100}


BROKEN_PARSERS = """
import scrapeq.workers
scrapeq.workers._BOOT = "raise SystemExit(3)"
from scrapeq.cli import main
main()
"""


def test_parse_processes_that_cannot_start_end_the_run_with_all_pending(
    site: Site, tmp_path: Path, db: Path
) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", BROKEN_PARSERS, "run", *site.pages(10)],
        cwd=tmp_path, env=environment(tmp_path), stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert ended.returncode == 1
    assert "scrapeq: no parse process could be started" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert states(db) == {"pending": 10}


# ---- back-pressure


def test_an_endless_list_is_not_read_on_while_the_server_holds_its_answers(
    site: Site, tmp_path: Path, db: Path
) -> None:
    most = 2_000_000
    site.hold()
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with running(tmp_path, "-", "--read-ahead", "50", stdin=reader) as program:
        os.close(reader)
        sent = fill(writer, site)
        site.wait_for(8)
        asleep = 0
        while asleep < 20 and sent < most:
            more = fill(writer, site)
            sent += more
            asleep = 0 if more or not sleeps(program.pid) else asleep + 1
        os.close(writer)
        assert sent < most, "a few blocks of 64 KiB, and the pipe"
        assert 50 <= states(db)["pending"] <= 50 + BATCH


def fill(pipe: int, site: Site) -> int:
    """Write URLs until nobody takes them; return how many bytes that were."""
    sent = 0
    with suppress(BlockingIOError):
        while True:
            sent += os.write(pipe, f"{site.url}/page/{random.randrange(10**9)}\n".encode())
    return sent


# ---- secrets


def test_passwords_are_never_stored_and_never_shown(site: Site, tmp_path: Path, db: Path) -> None:
    host = site.url.removeprefix("http://")
    secret = "hunter2"
    listed = [
        f"http://joe:{secret}@{host}/page/1",
        f"http://joe:{secret}@{host}:99999/",
        f"http://joe:{secret}@",
        f"ftp://joe:{secret}@{host}/x",
        f"http://{secret}@{host}/page/2",
        f"http://joe:{secret}@127.0.0.1:1/",
    ]
    site.add("/page/3", MISSING)
    ended = run(
        tmp_path,
        write_list(tmp_path, listed),
        f"http://joe:{secret}@{host}/page/3",
        *("--summary", "sum.json", "--progress", "plain", "-R", "0"),
    )
    assert ended.returncode == 0, ended.stderr
    assert secret not in ended.stderr
    assert "***@" in ended.stderr
    for file in (db, tmp_path / "sum.json"):
        assert secret.encode() not in file.read_bytes()
    assert len(endings(db)) == 7


def test_a_password_is_sent_to_its_origin_and_again_when_the_list_is_given_again(
    site: Site, tmp_path: Path, db: Path
) -> None:
    urls = [url.replace("//", "//joe:hunter2@") for url in site.pages(2)]
    site.hold(after=1)
    with running(tmp_path, write_list(tmp_path, urls), "-j", "1") as program:
        until(lambda: program.process.poll() is not None or len(site.arrivals) == 2)
        program.process.kill()
        program.wait()
    site.release()
    assert run(tmp_path, "urls.txt").returncode == 0
    assert list(endings(db).values()) == ["done", "done"]
    for path in ("/page/1", "/page/2"):
        assert site.headers[path]["Authorization"] == "Basic am9lOmh1bnRlcjI="


# ---- the options that reach the server


def test_robots_txt_is_obeyed_unless_told_otherwise(site: Site, tmp_path: Path, db: Path) -> None:
    rules = b"User-agent: *\nDisallow: /page/2\n"
    site.add("/robots.txt", Answer(rules, headers={"Content-Type": "text/plain"}))
    run(tmp_path, *site.pages(2))
    assert list(endings(db).values()) == ["done", "skipped:robots"]
    assert site.counts["/robots.txt"] == 1
    run(tmp_path, *site.pages(2), "-o", "all.db", "--no-robots", "-A", "me/1")
    assert set(endings(tmp_path / "all.db").values()) == {"done"}
    assert site.counts["/robots.txt"] == 1
    assert site.headers["/page/2"]["User-Agent"] == "me/1"
