"""Faults of content codings: 72 to 79."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from pathlib import Path

import brotli
import pytest

from tests.faults.kit import meet
from tests.site import Site, html
from tests.torture import samples
from tests.torture.samples import page

pytestmark = pytest.mark.timeout(90)

BODY = html("A page") + b"<p>words</p>" * 200


def raw_deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(body) + packer.flush()


def pack_brotli(body: bytes) -> bytes:
    return bytes(brotli.compress(body, quality=4))


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress, "deflate": zlib.compress, "br": pack_brotli,
    "zstd": samples.pack_zstd,
}  # fmt: skip


def test_072_a_bomb_is_too_large_in_every_coding(site: Site, tmp_path: Path) -> None:
    kinds = ("tiny-brotli", "brotli", "gzip", "deflate", "zstd", "stacked", "text")
    assert len(samples.bodies()["tiny-brotli"].body) < 35
    bad = [site.add(f"/{kind}", samples.bodies()[kind]) for kind in kinds]
    met = meet(tmp_path, site, *bad, flags=["--max-decoded", "10M", "--parse-timeout", "30"])
    assert {met.ending(url) for url in bad} == {"failed:too_large"}


def test_073_five_codings_are_undone_and_six_are_refused(site: Site, tmp_path: Path) -> None:
    body = BODY
    for coding in ("gzip", "br", "zstd", "deflate", "gzip"):
        body = PACKERS[coding](body)
    five = site.add("/five", page(body, "gzip, br, zstd, deflate, gzip"))
    six = site.add("/six", page(gzip.compress(body), "gzip, br, zstd, deflate, gzip, gzip"))
    met = meet(tmp_path, site, five, six)
    assert (met.ending(five), met.ending(six)) == ("done", "failed:encoding")
    assert {row["title"] for row in met.items if row["url"] == five} == {"A page"}


def test_074_an_unknown_coding_is_an_encoding_error(site: Site, tmp_path: Path) -> None:
    bad = [
        site.add(f"/{n}", page(BODY, coding))
        for n, coding in enumerate(["compress", "sdch", "gzip, nonsense", "utf-16", "dcb"])
    ]
    plain = site.add("/plain", page(BODY, "utf-8"))  # a charset in the wrong place
    met = meet(tmp_path, site, *bad, plain)
    assert {met.ending(url) for url in bad} == {"failed:encoding"}
    assert met.ending(plain) == "done"


def test_075_a_plain_body_under_a_coding_is_read_if_that_coding_has_a_mark(
    site: Site, tmp_path: Path
) -> None:
    """gzip and zstd begin with a mark: what lacks it is plain. deflate and brotli have none."""
    urls = {coding: site.add(f"/{coding}", page(BODY, coding)) for coding in PACKERS}
    met = meet(tmp_path, site, *urls.values())
    assert {coding: met.ending(url) for coding, url in urls.items()} == {
        "gzip": "done", "zstd": "done", "deflate": "failed:encoding", "br": "failed:encoding",
    }  # fmt: skip
    titles = {row["url"]: row["title"] for row in met.items}
    assert titles[urls["gzip"]] == titles[urls["zstd"]] == "A page"


def test_076_raw_deflate_is_deflate(site: Site, tmp_path: Path) -> None:
    url = site.add("/raw", page(raw_deflate(BODY), "deflate"))
    met = meet(tmp_path, site, url)
    assert met.ending(url) == "done"
    assert "A page" in {row["title"] for row in met.items}


def test_077_a_stream_without_its_end_is_tried_again_and_then_done_with_a_flag(
    site: Site, tmp_path: Path
) -> None:
    cuts = {name: pack(BODY)[:-3] for name, pack in PACKERS.items()}
    urls = [site.add(f"/{name}", page(body, name)) for name, body in cuts.items()]
    met = meet(tmp_path, site, *urls, retries=1)
    assert {met.ending(url) for url in urls} == {"done"}
    assert [(met.row(url)["truncated"], met.row(url)["attempts"]) for url in urls] == [(1, 2)] * 4
    assert [site.counts[f"/{name}"] for name in cuts] == [2] * 4
    assert {page["truncated"] for url, page in met.pages.items() if url not in urls} == {0}


def test_077_under_strict_a_stream_without_its_end_has_failed(site: Site, tmp_path: Path) -> None:
    cuts = {name: pack(BODY)[:-3] for name, pack in PACKERS.items()}
    urls = [site.add(f"/{name}", page(body, name)) for name, body in cuts.items()]
    met = meet(tmp_path, site, *urls, flags=["--strict"])
    assert {met.ending(url) for url in urls} == {"failed:truncated"}
    assert {row["url"] for row in met.items}.isdisjoint(urls)


def test_078_junk_at_the_end_and_many_members_are_bounded(site: Site, tmp_path: Path) -> None:
    junk = [
        site.add(f"/junk/{name}", page(pack(BODY) + b"\0junk" * 1000, name))
        for name, pack in PACKERS.items()
    ]
    some = b"".join(gzip.compress(BODY[n : n + 10]) for n in range(0, len(BODY), 10))
    few = site.add("/few", page(some, "gzip"))
    many = [site.add(f"/{kind}", samples.bodies()[kind]) for kind in ("members", "frames")]
    met = meet(tmp_path, site, *junk, few, *many, flags=["--parse-timeout", "30"])
    assert {met.ending(url) for url in (*junk, few)} == {"done"}
    assert {met.row(url)["truncated"] for url in (*junk, few)} == {0}
    assert {met.ending(url) for url in many} == {"failed:encoding"}


def test_079_an_empty_body_is_done_with_no_bytes(site: Site, tmp_path: Path) -> None:
    urls = [
        site.add(f"/{n}", page(b"", coding))
        for n, coding in enumerate(["", "identity", "identity, identity", "gzip", "br"])
    ]
    met = meet(tmp_path, site, *urls)
    assert {(met.ending(url), met.row(url)["bytes"]) for url in urls} == {("done", 0)}
    assert {met.row(url)["truncated"] for url in urls} == {0}
