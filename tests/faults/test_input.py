"""Faults of the list: 1 to 20."""

from __future__ import annotations

import json
import os
import random
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.faults.kit import Met, look_into, start, wire
from tests.program_kit import PLAIN, endings, running, states, until, write_list
from tests.servers import answer
from tests.site import Site

pytestmark = pytest.mark.timeout(120)

FEW = ("--no-robots", "--retries", "0", "--summary", "sum.json")
MB = 1 << 20


def met(folder: Path, *words: str | Path, **options: Any) -> Met:
    """A run over these sources to its end, which is a good one."""
    found = start(folder, "run", *PLAIN, *FEW, *words, **{"seconds": 60, **options})
    assert found.code == 0, found.err
    assert not [url for url, page in found.pages.items() if page["state"] == "pending"]
    return found


def verdicts(found: Met) -> dict[str, str]:
    return {url: str(page["ending"]) for url, page in found.pages.items()}


def told(folder: Path, name: str) -> Any:
    """Something of the summary."""
    return json.loads((folder / "sum.json").read_text())[name]


def refused(folder: Path, *words: str | Path) -> str:
    """What is said when nothing was begun."""
    found = start(folder, "run", *PLAIN, *words, seconds=20)
    assert found.code == 2, found.err
    assert (found.out, found.err.count("\n")) == ("", 1)
    assert not (folder / "scrapeq.db").exists()
    return found.err


# ---- how a list is written


def test_001_a_byte_order_mark_is_no_part_of_a_url(site: Site, tmp_path: Path) -> None:
    mark = b"\xef\xbb\xbf"
    (tmp_path / "a.txt").write_bytes(mark + site.page(1).encode())
    (tmp_path / "b.txt").write_bytes(mark + site.page(2).encode() + b"\n")
    (tmp_path / "c.csv").write_bytes(mark + b"url\n" + site.page(3).encode())
    found = met(tmp_path, "a.txt", "b.txt", "c.csv")
    assert verdicts(found) == dict.fromkeys(site.pages(3), "done")


def test_002_a_list_in_another_encoding_is_refused_by_name_before_the_first_request(
    site: Site, tmp_path: Path
) -> None:
    good = write_list(tmp_path, site.pages(2), "good.txt")
    for codec in ("utf-16", "utf-16-be", "utf-32"):
        (tmp_path / "bad.txt").write_bytes(f"{site.page(3)}\n".encode(codec))
        expected = f"bad.txt: is {codec.upper()[:6]}; save it as UTF-8"
        assert expected in refused(tmp_path, good, "bad.txt")
    (tmp_path / "bad.csv").write_text("link,title\nhttp://x.test/,x\n")
    assert "bad.csv: no column named 'url'" in refused(tmp_path, good, "bad.csv")
    assert not site.counts


def test_002_fresh_does_not_empty_a_database_for_a_list_that_is_none(
    site: Site, tmp_path: Path
) -> None:
    met(tmp_path, *site.pages(2))
    (tmp_path / "bad.txt").write_bytes(site.page(1).encode("utf-16"))
    found = start(tmp_path, "run", *PLAIN, "--fresh", "bad.txt")
    assert found.code == 2
    assert len(found.items) == 2


def test_003_line_ends_change_no_url(site: Site, tmp_path: Path) -> None:
    for name, text in (("dos", "{}\r\n{}\r\n"), ("mac", "{}\r{}\r"), ("unix", "{}\n{}")):
        (tmp_path / name).write_bytes(text.format(*site.pages(2)).encode())
    found = met(tmp_path, "dos", "mac", "unix")
    assert verdicts(found) == dict.fromkeys(site.pages(2), "done")
    assert told(tmp_path, "duplicates") == 4


def test_004_blank_lines_are_ignored_and_counted(site: Site, tmp_path: Path) -> None:
    (tmp_path / "urls.txt").write_text(f"\n\n{site.page(1)}\n  \t\n\n{site.page(2)}\n\n")
    found = met(tmp_path, "urls.txt")
    assert verdicts(found) == dict.fromkeys(site.pages(2), "done")
    assert told(tmp_path, "ignored") == 5


def test_005_a_comment_is_ignored_and_a_hash_in_a_url_is_none(site: Site, tmp_path: Path) -> None:
    lines = [
        "# all of them",
        f"  # {site.page(1)}",
        f"{site.page(2)}#part",
        f"{site.page(3)}?a=%23",
    ]
    found = met(tmp_path, write_list(tmp_path, lines))
    assert verdicts(found) == dict.fromkeys([site.page(2), f"{site.page(3)}?a=%23"], "done")
    assert told(tmp_path, "ignored") == 2


# ---- the same URL


def test_006_a_duplicate_has_one_row_and_is_counted(site: Site, tmp_path: Path) -> None:
    found = met(tmp_path, write_list(tmp_path, [*site.pages(3), *site.pages(3), site.page(1)]))
    assert verdicts(found) == dict.fromkeys(site.pages(3), "done")
    assert len(site.arrivals) == 3
    assert told(tmp_path, "duplicates") == 4
    assert "duplicate lines 4" in found.err


def test_007_duplicates_of_the_canonical_form_have_one_row(tmp_path: Path) -> None:
    lines = [
        "http://host.test/a",
        "HTTP://HOST.test/a",
        "http://host.test:80/a",
        "http://host.test/a#part",
        "http://host.test/b/../a",
    ]
    found = met(tmp_path, write_list(tmp_path, lines), world={"names": {}})
    assert verdicts(found) == {"http://host.test/a": "failed:dns"}
    assert told(tmp_path, "duplicates") == 4


# ---- what is no URL to fetch


def test_008_other_schemes_are_skipped_and_never_opened(site: Site, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("<title>secret</title>")
    lines = [
        f"file://{secret}",
        "ftp://127.0.0.1/a",
        "javascript:alert(1)",
        "data:text/html,<title>x</title>",
        "gopher://127.0.0.1:70/_x",
        "mailto:me@host.test",
        f"view-source:{site.page(1)}",
    ]
    found = met(tmp_path, write_list(tmp_path, [*lines, site.page(2)]))
    assert [page["ending"] for page in found.pages.values()] == ["skipped:scheme"] * 7 + ["done"]
    assert [item["title"] for item in found.items] == ["Page 2"]


def test_009_no_scheme_is_never_guessed(site: Site, tmp_path: Path) -> None:
    host = site.url.removeprefix("http://")
    lines = [f"{host}/page/1", f"//{host}/page/1", "www.host.test", "/page/1", "localhost"]
    found = met(tmp_path, write_list(tmp_path, lines))
    assert set(verdicts(found).values()) == {"skipped:invalid_url"}
    assert len(found.pages) == 5
    assert not site.counts


def test_010_a_host_of_other_letters_is_kept_as_given_and_in_ascii(
    site: Site, tmp_path: Path
) -> None:
    port = site.url.rpartition(":")[2]
    given = f"http://Bücher.test:{port}/page/1"
    found = met(
        tmp_path,
        write_list(tmp_path, [given]),
        world={"names": {"xn--bcher-kva.test": ["127.0.0.1"]}},
    )
    (page,) = found.pages.values()
    assert page["url"] == f"http://xn--bcher-kva.test:{port}/page/1"
    assert (page["given"], page["host"]) == (given, "xn--bcher-kva.test")
    assert page["ending"] == "done"


def test_011_no_character_of_a_url_can_add_a_header(tmp_path: Path) -> None:
    with wire(answer(b"<title>x</title>")) as server:
        base = server.url("/x")
        lines = [
            f"{base} y",
            f"{base}%0d%0aX-Evil:1",
            f"{base}\tX-Evil: 2",
            f"{base}\x00X-Evil: 3",
            f"{base}\x0bX-Evil: 4",
            f"{base}\u2028X-Evil: 5",
            json.dumps({"url": f"{base}\r\nX-Evil: 6\r\n"}),
            json.dumps({"url": f"{base}\nX-Evil: 7"}),
            json.dumps({"url": base.replace("/x", "\r\nX-Evil: 8/")}),
        ]
        text = "\n".join(lines) + f"\n{base}\rX-Evil: 9\n"
        (tmp_path / "urls.txt").write_bytes(text.encode())
        found = met(tmp_path, "urls.txt")
        sent = b"".join(server.heads)
    assert b"\nx-evil" not in sent.lower()
    assert sorted(server.paths) == ["/x", "/x%0D%0AX-Evil:1", "/x%20y"]
    bad = {page["ending"] for page in found.pages.values() if page["state"] != "done"}
    assert bad == {"skipped:invalid_url", "skipped:scheme"}  # `X-Evil: 9` is a line of its own


def test_013_garbage_is_skipped_line_by_line(site: Site, tmp_path: Path) -> None:
    garbage = random.Random(13).randbytes(20_000).replace(b"{", b"[")
    zeros = b"\0" * 5_000
    body = b"\n".join([site.page(1).encode(), garbage, site.page(2).encode(), zeros, b"\xff\xfe"])
    (tmp_path / "urls.txt").write_bytes(body + b"\n" + site.page(3).encode())
    found = met(tmp_path, "urls.txt")
    good = {url: ending for url, ending in verdicts(found).items() if ending == "done"}
    assert list(good) == site.pages(3)
    rest = set(verdicts(found).values()) - {"done"}
    assert rest <= {"skipped:invalid_url", "skipped:scheme"}
    assert len(found.pages) > 50


def test_020_a_port_or_an_address_that_is_none_is_skipped(tmp_path: Path) -> None:
    lines = [
        "http://host.test:99999/",
        "http://host.test:abc/",
        "http://host.test:-1/",
        "http://host.test:0/",
        "http://[::1/",
        "http://[::1]x/",
        "http://[host.test]/",
        "http://:80/",
        "http://",
    ]
    found = met(tmp_path, write_list(tmp_path, lines))
    assert len(found.pages) == len(lines)
    assert set(verdicts(found).values()) == {"skipped:invalid_url"}


# ---- sources


def test_014_an_empty_list_is_no_fault(tmp_path: Path) -> None:
    (tmp_path / "urls.txt").write_bytes(b"")
    found = met(tmp_path, "urls.txt")
    assert found.pages == {}
    assert "0 urls" in found.err


def test_015_a_list_that_cannot_be_read_is_refused_before_the_first_request(
    site: Site, tmp_path: Path
) -> None:
    good = write_list(tmp_path, site.pages(2))
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop").symlink_to("loop")
    for name, why in {
        "missing.txt": "No such file",
        "folder": "is a folder",
        "loop": "symbolic links",
        "urls.txt/x": "Not a directory",
    }.items():
        assert why in refused(tmp_path, good, name)
    assert not site.counts


def test_017_a_list_on_stdin_is_there_for_the_next_run(site: Site, tmp_path: Path) -> None:
    site.hold(after=1)
    with running(tmp_path, "-", "-j", "1", stdin=subprocess.PIPE) as program:
        program.stdin.write("".join(f"{url}\n" for url in site.pages(5)))
        program.stdin.close()
        site.wait_for(2)
        until(lambda: states(tmp_path / "scrapeq.db") == {"done": 1, "pending": 4})
        program.process.kill()
        program.wait()
    site.release()
    found = met(tmp_path, "-")  # with nothing on it
    assert verdicts(found) == dict.fromkeys(site.pages(5), "done")
    assert len(site.arrivals) == 6, "what was under way is asked for again, and nothing else"


def test_018_work_begins_before_a_list_ends(site: Site, tmp_path: Path) -> None:
    """On a named pipe and on stdin, which are read one after the other."""
    db = tmp_path / "scrapeq.db"
    os.mkfifo(tmp_path / "pipe")
    with running(tmp_path, "pipe", "-", stdin=subprocess.PIPE) as program:
        with (tmp_path / "pipe").open("w") as pipe:
            for number in (1, 2):
                print(site.page(number), file=pipe, flush=True)
                until(lambda n=number: db.exists() and states(db)["done"] == n)  # type: ignore[misc]
        print(site.page(3), file=program.stdin, flush=True)
        until(lambda: states(db)["done"] == 3)
        assert program.process.poll() is None
        program.stdin.close()
        assert program.wait() == 0, program.stderr
    assert endings(db) == dict.fromkeys(site.pages(3), "done")


def test_019_what_a_list_has_gained_is_fetched_and_what_it_has_lost_is_kept(
    site: Site, tmp_path: Path
) -> None:
    met(tmp_path, write_list(tmp_path, site.pages(4)))
    changed = [site.page(1), site.page(5), site.page(3), site.page(6), site.page(7)]
    found = met(tmp_path, write_list(tmp_path, changed))
    assert verdicts(found) == dict.fromkeys(site.pages(7), "done")
    assert site.counts == {f"/page/{n}": 1 for n in range(1, 8)}
    assert "  list " in found.err
    assert "new 3  known 2  not in it 2" in found.err
    assert (told(tmp_path, "new"), told(tmp_path, "known")) == (3, 2)


# ---- how large a list may be


def peak(folder: Path, *words: str) -> int:
    """Bytes of memory that a run took at most."""
    met(folder, *words, world={"peak": "peak.txt"}, seconds=100)
    return int((folder / "peak.txt").read_text())


def test_012_a_line_of_a_megabyte_is_skipped_and_costs_no_memory(
    site: Site, tmp_path: Path
) -> None:
    small = peak(tmp_path, site.page(1))
    with (tmp_path / "urls.txt").open("w") as file:
        print(site.page(2), file=file)
        for n in range(40):
            print(f"http://host.test/{n}/", "x" * MB, sep="", file=file)
        print(site.page(3), file=file)
    assert peak(tmp_path, "urls.txt") < small + 16 * MB
    pages, _ = look_into(tmp_path / "scrapeq.db")
    endings = [page["ending"] for page in pages.values()]
    assert endings == ["done"] * 2 + ["skipped:url_too_long"] * 40 + ["done"]
    assert max(len(url) for url in pages) < 1000


def test_016_memory_does_not_grow_with_the_list(site: Site, tmp_path: Path) -> None:
    peaks = []
    for lines in (20_000, 100_000):
        folder = tmp_path / str(lines)
        folder.mkdir()
        with (folder / "urls.txt").open("w") as file:
            file.writelines(f"ftp://host.test/{n * 7919 % lines:012}\n" for n in range(lines))
            print(site.page(1), file=file)
        peaks.append(peak(folder, "urls.txt"))
        assert states(folder / "scrapeq.db") == {"skipped": lines, "done": 1}
    assert peaks[1] < peaks[0] + 24 * MB
