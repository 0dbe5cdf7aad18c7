"""Faults of names: 28 to 34."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.faults.kit import meet, wire
from tests.servers import Wire, answer, path_of, redirect
from tests.site import Site

pytestmark = pytest.mark.timeout(60)

PAGE = answer(b"<title>here</title>")


def test_028_a_name_that_does_not_exist_is_final(site: Site, tmp_path: Path) -> None:
    names = {"empty.test": int(socket.EAI_NODATA)}
    bad = ["http://nowhere.test/", "http://nowhere.test/2", "https://empty.test/"]
    met = meet(tmp_path, site, *bad, world={"names": names}, retries=2)
    assert {met.ending(url) for url in bad} == {"failed:dns"}
    assert {met.row(url)["attempts"] for url in bad} == {1}
    assert all(met.row(url)["detail"] for url in bad)


def test_029_a_dns_that_fails_is_tried_again(site: Site, tmp_path: Path) -> None:
    again = int(socket.EAI_AGAIN)
    with wire(PAGE) as server:
        names = {
            "servfail.test": again,
            "broken.test": int(socket.EAI_FAIL),
            "back.test": [[again], ["127.0.0.1"]],
        }
        bad = [server.url(host=name) for name in (*names, "mute.test")]
        met = meet(
            tmp_path, site, *bad, world={"names": names, "silent": "mute.test"}, retries=1,
            flags=["--connect-timeout", "1"],
        )  # fmt: skip
    assert [met.ending(url) for url in bad] == ["failed:dns", "failed:dns", "done", "failed:dns"]
    assert {met.row(url)["attempts"] for url in bad} == {2}


def test_030_names_that_nobody_answers_stall_no_other_host(site: Site, tmp_path: Path) -> None:
    """More of them than there are threads for anything else, and before the others in the list."""
    with wire(PAGE) as server:
        silent = [server.url(host=f"{n}.mute.test") for n in range(120)]
        good = [server.url(host=f"good{n}.test") for n in range(10)]
        names = {f"good{n}.test": ["127.0.0.1"] for n in range(10)}
        met = meet(
            tmp_path, site, *silent, *good, world={"names": names, "silent": ".mute.test"},
            flags=["--connect-timeout", "1", "--fetchers", "64", "--timeout", "20"], seconds=120,
        )  # fmt: skip
    assert {met.ending(url) for url in silent} == {"failed:dns"}
    assert {met.ending(url) for url in good} == {"done"}
    assert max(met.row(url)["fetched_at"] for url in good) < max(
        met.row(url)["fetched_at"] for url in silent
    )


def test_031_a_name_of_a_private_address_follows_the_policy(site: Site, tmp_path: Path) -> None:
    async def handler(wire: Wire, head: bytes) -> None:
        path = path_of(head)
        await wire.send(redirect(path.replace("/to/", "http://")) if "/to/" in path else PAGE)

    with wire(handler) as public, wire(PAGE, host="127.0.0.2") as private:
        names = {
            "private.test": ["127.0.0.2"],
            "mapped.test": ["::ffff:127.0.0.2"],
            "cloud.test": ["169.254.169.254"],
            "some.test": ["127.0.0.1", "127.0.0.2"],
        }
        inside = [private.url(host=name) for name in names]
        hops = [public.url(f"/to/{name}:{private.port}/") for name in names]
        world = {"names": names, "public": ["127.0.0.1"]}
        flags = ["--connect-timeout", "2"]
        met = meet(tmp_path, site, inside[0], *hops, world=world, flags=flags)
        assert met.ending(inside[0]) == "done"  # the user has listed it
        assert {met.ending(url) for url in hops} == {"failed:private_network"}
        assert len(private.heads) == 1
        flags += ["--private", "block", "--fresh"]
        met = meet(tmp_path, site, *inside[:3], *hops, world=world, flags=flags)
        assert {met.ending(url) for url in (*inside[:3], *hops)} == {"failed:private_network"}
        assert {met.row(url)["attempts"] for url in hops} == {1}
        assert len(private.heads) == 1


def test_032_a_name_that_turns_private_is_caught_when_it_is_connected_to(
    site: Site, tmp_path: Path
) -> None:
    with wire(PAGE, host="127.0.0.2") as private:
        target = private.url("/admin", host="rebind.test")
        with wire(redirect(target)) as public:
            names = {"rebind.test": [["127.0.0.1"], ["127.0.0.2"]]}
            world = {"names": names, "public": ["127.0.0.1"]}
            met = meet(tmp_path, site, public.url(), world=world)
    assert met.ending(public.url()) == "failed:private_network"
    assert private.heads == []


def test_033_without_ipv6_the_next_address_is_tried(site: Site, tmp_path: Path) -> None:
    with wire(PAGE) as server:  # not on ::1
        names = {"six.test": ["::1"], "both.test": ["::1", "127.0.0.1"]}
        only, both = (server.url(host=name) for name in names)
        met = meet(tmp_path, site, only, both, world={"names": names})
    assert met.ending(only) == "failed:connect"
    assert met.ending(both) == "done"


def test_034_a_name_that_is_too_long_is_no_url(site: Site, tmp_path: Path) -> None:
    bad = [
        f"http://{'a' * 64}.test/",
        f"http://{'a.' * 126}test/",
        f"http://{chr(0xFC) * 62}.test/",
    ]
    met = meet(tmp_path, site, *bad)
    long = [page for page in met.pages.values() if page["state"] == "skipped"]
    assert [page["ending"] for page in long] == ["skipped:invalid_url"] * 3
    assert {page["attempts"] for page in long} == {0}
