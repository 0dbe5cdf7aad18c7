"""Faults of what a user configures: 22 to 24 and 27."""

from __future__ import annotations

import os
import resource
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.faults.kit import start
from tests.program_kit import PLAIN, PROGRAM, environment, write_list
from tests.site import Answer, Site

pytestmark = pytest.mark.timeout(120)


def refused(folder: Path, *words: str | Path, **options: Any) -> str:
    """What is said when nothing was begun."""
    found = start(folder, "run", *PLAIN, "http://host.test/", *words, seconds=20, **options)
    assert found.code == 2, found.err
    assert found.out == ""
    assert not (folder / "scrapeq.db").exists()
    assert not (folder / "scrapeq.db-lock").exists()
    return found.err


# ---- names


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[run]\n\nfecthers = 3\n", "line 3: unknown key 'fecthers'; did you mean 'fetchers'?"),
        ("[rum]\nfetchers = 3\n", "line 1: unknown section 'rum'; did you mean 'run'?"),
        ("fetchers = 3\n", "line 1: fetchers stands in no section: write [run] above it"),
        (
            "[[extract]]\ntabel = 'x'\n[extract.fields]\na = 'b'\n",
            "line 2: unknown key 'tabel'; did you mean 'table'?",
        ),
        ("[run]\nfetchers = 3\nfetchers = 4\n", "Cannot overwrite a value (at line 3"),
    ],
)
def test_022_an_unknown_name_in_a_file_is_refused_with_its_line_and_the_nearest(
    text: str, expected: str, tmp_path: Path
) -> None:
    (tmp_path / "c.toml").write_text(text)
    said = refused(tmp_path, "-c", "c.toml")
    assert f"scrapeq: c.toml{'' if 'Cannot' in expected else ','}" in said
    assert expected in said


def test_022_an_unknown_flag_or_variable_is_refused_with_the_nearest(tmp_path: Path) -> None:
    assert "--fetchers" in refused(tmp_path, "--fetcher", "3")
    said = refused(tmp_path, env={"SCRAPEQ_RUN_RETRY": "3"})
    assert said.startswith("scrapeq: SCRAPEQ_RUN_RETRY in the environment: run has no such option")
    assert "did you mean SCRAPEQ_RUN_RETRIES?" in said


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"x = " + b"[" * 5_000, "too deep"),
        (b"[run]\nfetchers = " + b"9" * 5_000, "4300 digits"),
        (b"[run]\nuser_agent = '\xff'\n", "utf-8"),
        (b"# x\n" * 300_000, "more than 1 MB"),
    ],
)
def test_022_a_file_that_nobody_could_mean_is_refused_in_one_sentence(
    content: bytes, why: str, tmp_path: Path
) -> None:
    (tmp_path / "c.toml").write_bytes(content)
    said = refused(tmp_path, "-c", "c.toml")
    assert why in said
    assert said.count("\n") == 1


# ---- values


def test_023_no_number_of_workers_and_no_size_of_a_queue_is_taken_that_could_not_work(
    tmp_path: Path,
) -> None:
    for flag, value in (
        ("--fetchers", "0"),
        ("--parsers", "-1"),
        ("--savers", "1000000000000"),
        ("--url-queue", "0"),
        ("--page-queue", "1e3"),
        ("--delay", "nan"),
    ):
        assert flag in refused(tmp_path, flag, value)


def test_023_a_file_and_a_variable_are_refused_as_flags_are(tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text("[run]\nsavers = 1\nsave_queue = 0\n")
    assert "c.toml, line 3: save_queue" in refused(tmp_path, "-c", "c.toml")
    assert "per-host" in refused(tmp_path, env={"SCRAPEQ_RUN_PER_HOST": "-1"})


def test_024_a_selector_that_is_none_is_refused_before_the_first_request(
    site: Site, tmp_path: Path
) -> None:
    for selector in ("a:nth-child(", "a::text::text"):
        assert "--select t=" in refused(tmp_path, site.page(1), "-s", f"t={selector}")
    (tmp_path / "c.toml").write_text("[[extract]]\n[extract.fields]\na = 'b'\nc = 'd[['\n")
    said = refused(tmp_path, site.page(1), "-c", "c.toml")
    assert "c.toml, line 4: field c: 'd[[' is not a CSS selector" in said
    assert not site.counts


def test_024_more_fields_than_a_table_can_have_are_refused(tmp_path: Path) -> None:
    fields = "".join(f"f{n} = 'a'\n" for n in range(2_000))
    (tmp_path / "c.toml").write_text(f"[[extract]]\n[extract.fields]\n{fields}")
    said = refused(tmp_path, "-c", "c.toml")
    assert "2,000 fields; a table of SQLite has room for 1,999" in said


# ---- files that are none


def test_022_a_pipe_without_its_other_end_is_refused_and_not_waited_for(
    site: Site, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "a pipe into which nobody writes" in refused(tmp_path, "-c", "pipe")
    assert "a pipe that nobody reads" in refused(tmp_path, "--summary", "pipe")
    assert not site.counts


def test_022_pipes_with_both_ends_serve_as_configuration_and_summary(
    site: Site, tmp_path: Path
) -> None:
    """As `-c <(...)` and a reader that waits."""
    os.mkfifo(tmp_path / "sum")
    with subprocess.Popen(
        ["cat", "sum"], cwd=tmp_path, stdout=subprocess.PIPE
    ) as reader, subprocess.Popen(
        ["bash", "-c", 'exec "$@" -c <(printf "[run]\\nretries = 0\\n")', "bash", *PROGRAM, "run",
         *PLAIN, "--summary", "sum", site.page(1)],
        cwd=tmp_path, env=environment(tmp_path), stderr=subprocess.PIPE,
    ) as program:  # fmt: skip
        out, _ = reader.communicate(timeout=40)
        assert program.wait(40) == 0
    assert b'"done": 1' in out


def test_022_no_list_is_taken_for_a_file_that_the_database_removes(
    site: Site, tmp_path: Path
) -> None:
    for end in ("-lock", "-wal"):
        name = write_list(tmp_path, site.pages(2), f"x.db{end}")
        found = start(tmp_path, "run", *PLAIN, name, "-o", "x.db")
        assert found.code == 2
        assert "is the list of URLs" in found.err
        assert (tmp_path / name).read_text().count("\n") == 2
        (tmp_path / name).unlink()
    assert not site.counts


# ---- descriptors


def at_most(files: int) -> Callable[[], None]:
    return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))


def test_027_few_descriptors_mean_few_fetchers_also_when_parsers_are_replaced(
    site: Site, tmp_path: Path
) -> None:
    """Each third page takes its parser down; each host keeps a connection."""
    bombs = [site.add(f"/page/{n}", Answer(b"<div>" * 400_000)) for n in (3, 6, 9)]
    crowd = ("-j", "200", "--per-host", "100", "--parsers", "2", "--parse-timeout", "0.5")
    found = start(
        tmp_path, "run", "--progress", "none", "--no-robots", "-R", "0", *crowd,
        write_list(tmp_path, site.pages(60)),
        seconds=60, preexec_fn=at_most(90),
    )  # fmt: skip
    assert found.code == 0, found.err
    assert "only 90 files may be open (ulimit -n): " in found.err
    bad = {url: page["ending"] for url, page in found.pages.items() if page["state"] != "done"}
    assert bad == dict.fromkeys(bombs, "failed:parse_timeout")


def test_027_too_few_descriptors_for_anything_is_one_sentence(site: Site, tmp_path: Path) -> None:
    for files in (8, 32):
        said = refused(tmp_path, site.page(1), preexec_fn=at_most(files))
        expected = f"only {files} files may be open (ulimit -n): at least 33 are needed"
        assert said == f"scrapeq: {expected}\n"
    words = ["run", *PLAIN, "--no-robots", "--retries", "0", *site.pages(30)]
    found = start(tmp_path, *words, preexec_fn=at_most(33))
    assert found.code == 0, found.err
    assert {page["ending"] for page in found.pages.values()} == {"done"}


def test_027_files_that_may_hardly_grow_are_one_sentence(site: Site, tmp_path: Path) -> None:
    """`ulimit -f`, which also bounds the memory that is shared with the parsers."""
    for octets in (0, 1 << 20):
        found = start(
            tmp_path, "run", *PLAIN, "-o", f"{octets}.db", *site.pages(3),
            preexec_fn=lambda n=octets: resource.setrlimit(resource.RLIMIT_FSIZE, (n, n)),
        )  # fmt: skip
        assert found.code in (1, 4), found.err
        assert found.err.count("\n") == 1 or "stopped" in found.err
        assert {page["state"] for page in found.pages.values()} <= {"pending"}
