"""Faults of redirects: 64 to 71."""

from __future__ import annotations

from pathlib import Path

import brotli
import pytest
import trustme

from tests.faults.kit import meet, wire
from tests.servers import Wire, answer, path_of, redirect, sending, server_tls
from tests.site import Site, html

pytestmark = pytest.mark.timeout(90)

PASSWORD = "s3cret-pass"
PAGE = html("the end")


def test_064_a_loop_of_redirects_is_found_at_once(site: Site, tmp_path: Path) -> None:
    replies = {
        "/self": redirect("/self"),
        "/one": redirect("/two"),
        "/two": redirect("/one#fragment"),
        "/three": redirect("four"),
        "/four": redirect("five"),
        "/five": redirect("./three"),
    }
    with wire(replies) as server:
        bad = [server.url(path) for path in ("/self", "/one", "/three")]
        met = meet(tmp_path, site, *bad)
    assert {met.ending(url) for url in bad} == {"failed:redirects"}
    assert all("a loop: " in met.row(url)["detail"] for url in bad)
    assert len(server.heads) == 1 + 2 + 3


def test_065_a_redirect_too_many_ends_the_attempt(site: Site, tmp_path: Path) -> None:
    async def endless(wire: Wire, head: bytes) -> None:
        path = path_of(head)
        number = int(path.rpartition("/")[2])
        last = path.startswith("/ends/") and number == 10
        await wire.send(answer(PAGE) if last else redirect(f"{number + 1}"))

    with wire(endless) as server:
        ends, never = server.url("/ends/0"), server.url("/never/0")
        met = meet(tmp_path, site, ends, never)
        fewer = meet(tmp_path, site, server.url("/ends/1"), flags=["--max-redirects", "8"])
    assert met.ending(ends) == "done"
    assert met.row(ends)["final_url"] == server.url("/ends/10")
    assert met.ending(never) == "failed:redirects"
    assert "more than 10" in met.row(never)["detail"]
    assert fewer.ending(server.url("/ends/1")) == "failed:redirects"


def test_066_a_redirect_to_another_scheme_is_not_followed(site: Site, tmp_path: Path) -> None:
    secret = tmp_path / "secret.html"
    secret.write_text("<title>not yours</title>")
    targets = [
        secret.as_uri(), "gopher://127.0.0.1/", "data:text/html,<title>x</title>", "ftp://h.test/",
        "javascript:alert(1)", "s3://bucket/key", "FILE:///etc/passwd", "blob:http://h.test/1",
    ]  # fmt: skip
    with wire({f"/{n}": redirect(target) for n, target in enumerate(targets)}) as server:
        bad = [server.url(f"/{n}") for n in range(len(targets))]
        met = meet(tmp_path, site, *bad)
    assert {met.ending(url) for url in bad} == {"failed:redirect_scheme"}


def test_067_a_location_that_is_none_is_a_failure_and_gives_nothing_away(
    site: Site, tmp_path: Path
) -> None:
    head = b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n"
    user = f"me:{PASSWORD}".encode()
    replies = {
        "/bracket": head + b"Location: http://[::1\r\n\r\n",
        "/two": head + b"Location: /a\r\nLocation: /b\r\n\r\n",
        "/nul": head + b"Location: /a\0b\r\n\r\n",
        "/port": head + b"Location: http://" + user + b"@h.test:99999/\r\n\r\n",
        "/host": head + b"Location: //" + user + b"@/x\r\n\r\n",
        "/slash": head + b"Location: http://" + user + b"/@h.test:x/\r\n\r\n",
        "/letter": head + b"Location: http://" + user + b"@h\xe2\x84\x80.test/\r\n\r\n",
        "/long": head + b"Location: /" + b"x" * 9000 + b"\r\n\r\n",
        "/many": head + b"Location: http://" + b"@" * 10_000 + b"h.test\r\n\r\n",
        "/empty": head + b"Location:\r\n\r\n",
        "/none": head + b"\r\n",
        "/fine": head + b"Location: /\xe4?q=\xff b\r\n\r\n",
    }
    ends = {
        **dict.fromkeys(replies, "failed:redirect_invalid"),
        "/nul": "failed:protocol",
        "/empty": "failed:redirects",  # RFC 3986, 4.4: the same document
        "/none": "failed:302",
        "/fine": "done",
    }
    with wire({**replies, "/%E4?q=%FF+b": answer(PAGE)}) as server:
        bad = {server.url(path): ending for path, ending in ends.items()}
        met = meet(tmp_path, site, *bad)
    assert {url: met.ending(url) for url in bad} == bad
    assert PASSWORD.encode() not in (tmp_path / "scrapeq.db").read_bytes()


def test_068_no_redirect_leads_from_https_to_http(site: Site, tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    with wire({"/": answer(PAGE)}) as plain:
        replies = {"/down": redirect(plain.url("/", "a.test")), "/end": answer(PAGE)}
        with wire(replies, tls=server_tls(authority.issue_cert("a.test"))) as secure:
            down = secure.url("/down", "a.test")
            with wire({"/up": redirect(secure.url("/end", "a.test"))}) as first:
                up = first.url("/up")
                met = meet(
                    tmp_path,
                    site,
                    down,
                    up,
                    env={"SSL_CERT_FILE": str(tmp_path / "ca.pem")},
                    world={"names": {"a.test": ["127.0.0.1"]}},
                )
    assert met.ending(down) == "failed:redirect_downgrade"
    assert "from https to http://a.test" in met.row(down)["detail"]
    assert plain.heads == []
    assert met.ending(up) == "done"


def test_069_a_redirect_to_a_url_of_the_list_leaves_a_row_for_each(
    site: Site, tmp_path: Path
) -> None:
    with wire({"/old": redirect("/new"), "/new": answer(PAGE)}) as server:
        old, new = server.url("/old"), server.url("/new")
        met = meet(tmp_path, site, old, new)
    for url in (old, new):
        assert met.ending(url) == "done"
        assert met.row(url)["final_url"] == new
    assert sorted(item["url"] for item in met.items if "/page" not in item["url"])[-2:] == [
        new,
        old,
    ]


def test_070_no_redirect_leads_from_the_internet_to_a_private_address(
    site: Site, tmp_path: Path
) -> None:
    """127.0.0.2 is the internet here."""
    world = {
        "names": {
            "public.test": ["127.0.0.2"],
            # Each resolver takes these for addresses.
            **{key: ["127.0.0.1"] for key in ("inside.test", "2130706433", "127.1", "0x7f.1")},
        },
        "public": ["127.0.0.2"],
    }
    with wire({"/end": answer(PAGE)}) as inside:
        hosts = ("127.0.0.1", "inside.test", "[::ffff:127.0.0.1]", "2130706433", "127.1", "0x7f.1")
        targets = [inside.url("/end", host) for host in hosts]
        targets += ["http://169.254.169.254/latest/", "http://10.0.0.1/", "http://[fe80::1]/"]
        replies = {f"/{n}": redirect(target) for n, target in enumerate(targets)}
        with wire(
            {**replies, "/end": answer(PAGE), "/on": redirect("/end")}, host="127.0.0.2"
        ) as net:
            bad = [net.url(path, "public.test") for path in replies]
            listed, on = inside.url("/end", "inside.test"), net.url("/on", "public.test")
            met = meet(tmp_path, site, *bad, listed, on, world=world)
    assert {url: met.ending(url) for url in bad} == dict.fromkeys(bad, "failed:private_network")
    assert (met.ending(listed), met.ending(on)) == ("done", "done")
    assert len(inside.heads) == 1, "only the one that was listed"


def test_071_the_body_of_a_redirect_is_not_read(site: Site, tmp_path: Path) -> None:
    bomb = brotli.compress(bytes(20 << 20))
    packed = {"Content_Encoding": "br", "Location": "/end"}
    flood = b"HTTP/1.1 302 Found\r\nLocation: /end\r\nContent-Length: 99999999999\r\n\r\n"
    endless = b"HTTP/1.1 302 Found\r\nLocation: /end\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = b"10000\r\n" + bytes(1 << 16) + b"\r\n"
    answers = {
        "/bomb": sending(answer(bomb, "302 Found", **packed), lambda _: None),
        "/flood": sending(flood, lambda wire: wire.flood(bytes(1 << 16))),
        "/endless": sending(endless, lambda wire: wire.flood(chunk)),
        "/end": sending(answer(PAGE), lambda _: None),
    }

    async def handler(wire: Wire, head: bytes) -> None:
        await answers[path_of(head)](wire, head)

    with wire(handler) as server:
        bad = [server.url(path) for path in ("/bomb", "/flood", "/endless")]
        met = meet(tmp_path, site, *bad)
    assert {met.ending(url) for url in bad} == {"done"}
    assert [met.row(url)["bytes"] for url in bad] == [len(PAGE)] * 3
