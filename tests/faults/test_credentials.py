"""Faults of who is told what: 21, 26, 97 and 98."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

import pytest
import trustme

from tests.faults.kit import Met, meet, start, wire
from tests.program_kit import PLAIN, write_list
from tests.servers import (
    Server,
    Wire,
    answer,
    header_of,
    path_of,
    proxying,
    redirect,
    server_tls,
)
from tests.site import Site, html

pytestmark = pytest.mark.timeout(120)

PASSWORD = "s3cret-pass"
PAGE = html("here")


def basic(user: str) -> str:
    return f"Basic {b64encode(user.encode()).decode()}"


def told_of(folder: Path, met: Met) -> str:
    """Everything that a run leaves: its database, its words."""
    files = [file.read_bytes() for file in folder.iterdir() if file.name.startswith("scrapeq.db")]
    return b"".join(files).decode("latin-1") + met.out + met.err


# ---- 21, 26


def test_021_user_and_password_of_a_url_are_for_its_origin_and_masked_everywhere(
    site: Site, tmp_path: Path
) -> None:
    with wire({"/end": answer(PAGE)}) as other:
        replies = {
            "/in": answer(PAGE),
            "/off": redirect(other.url("/end")),
            "/no": answer(b"", "404 Not Found"),
        }
        with wire(replies) as server:
            given = [server.url(path, f"me:{PASSWORD}@127.0.0.1") for path in replies]
            met = meet(tmp_path, site, *given, flags=["--summary", "-"])
            again = start(tmp_path, "run", *PLAIN, given[2], "--retry-failed", "--no-robots")
        stored = [server.url(path, "***@127.0.0.1") for path in replies]
    assert [met.ending(url) for url in stored] == ["done", "done", "failed:404"]
    told = [header_of(head, "authorization") for head in server.heads]
    assert told == [basic(f"me:{PASSWORD}")] * 4
    assert [header_of(head, "authorization") for head in other.heads] == [None]
    for one in (met, again):
        assert PASSWORD not in told_of(tmp_path, one)
    assert f"{stored[2]} --retry-failed" in again.err.replace("'", ""), "the command to type next"


def test_026_a_bad_proxy_is_refused_and_its_password_masked(tmp_path: Path) -> None:
    write_list(tmp_path, ["http://127.0.0.1:9/"])
    bad = [
        f"http://me:{PASSWORD}@proxy.test:99999",
        f"socks5://me:{PASSWORD}@proxy.test:1080",
        f"me:{PASSWORD}@proxy.test:3128",
    ]
    by_flag = [start(tmp_path, "run", *PLAIN, "--proxy", proxy, "urls.txt") for proxy in bad]
    by_variable = start(tmp_path, "run", *PLAIN, "urls.txt", env={"SCRAPEQ_RUN_PROXY": bad[0]})
    for met in (*by_flag, by_variable):
        assert met.code == 2, met.err
        assert "--proxy" in met.err
        assert "(***)@proxy.test" in met.err
        assert PASSWORD not in met.err + met.out
    assert not (tmp_path / "scrapeq.db").exists()


# ---- 97: the redirect matrix

STATUSES = (301, 302, 303, 307, 308)
OWN = {
    "Authorization": ["Bearer s3cret-1", "Bearer s3cret-2"],  # given twice
    "Cookie": ["a=s3cret-3; b=s3cret-4"],  # by -H, and by --cookie
    "X-Api-Key": ["s3cret-5"],
}
OWN_FLAGS = (
    *("-H", "Authorization: Bearer s3cret-1", "--header", "authorization:Bearer s3cret-2"),
    *("-H", "Cookie: a=s3cret-3", "--cookie", "b=s3cret-4", "-H", "X-Api-Key: s3cret-5"),
)
STAYS = ("same", "userinfo")
"""Targets in the origin that leads there."""


@dataclass
class World:
    """Servers that redirect from `/go/TARGET/STATUS` to `/land/TARGET/STATUS`, each elsewhere."""

    plain: Server
    other: Server
    secure: Server
    targets: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.targets |= {
            "same": self.plain.url("", "a.test"),
            "port": self.other.url("", "a.test"),
            "host": self.plain.url("", "b.test"),
            "subdomain": self.plain.url("", "sub.a.test"),
            "https": self.secure.url("", "a.test"),
            "http": self.plain.url("", "a.test"),  # from https
            "literal": self.plain.url("", "127.0.0.1"),
            "userinfo": self.plain.url("", "you:l0cation@a.test"),
            "userinfo-elsewhere": self.plain.url("", "you:l0cation@b.test"),
        }

    def start_of(self, target: str) -> Server:
        return self.secure if target == "http" else self.plain

    @property
    def urls(self) -> list[str]:
        return [
            self.start_of(target).url(f"/go/{target}/{status}", "a.test")
            for target, status in product(self.targets, STATUSES)
        ]

    def arrived(self) -> Iterator[tuple[str, str, bytes]]:
        """`go`, `land` or `robots.txt`, the target, and the head of each request."""
        for server in (self.plain, self.other, self.secure):
            for head in server.heads:
                _, what, target, *_ = [*path_of(head).split("/"), ""]
                yield what, target, head


@contextmanager
def crossroads(authority: trustme.CA) -> Iterator[World]:
    targets: dict[str, str] = {}

    async def lead(wire: Wire, head: bytes) -> None:
        _, what, *rest = path_of(head).split("/")
        if what == "go":
            target, status = rest
            location = f"{targets[target]}/land/{target}/{status}"
            await wire.send(redirect(location, f"{status} Moved"))
        else:
            await wire.send(answer(PAGE) if what == "land" else answer(b"", "404 Not Found"))

    certificate = authority.issue_cert("a.test")
    with ExitStack() as stack:
        servers = [stack.enter_context(wire(lead)) for _ in range(2)]
        secure = stack.enter_context(wire(lead, tls=server_tls(certificate)))
        yield World(servers[0], servers[1], secure, targets)


def said(head: bytes, name: str) -> list[str]:
    """All values of a header."""
    lines = [line.partition(":") for line in head.decode("latin-1").split("\r\n")[1:]]
    return [value.strip() for key, _, value in lines if key.lower() == name.lower()]


def check_secrets(world: World, own: dict[str, list[str]]) -> None:
    """Each secret came to the origin that it is for, and none to any other."""
    landed = set()
    for what, target, head in world.arrived():
        if what == "go" or (what == "land" and target in STAYS):
            assert {name: said(head, name) for name in own} == own, head
        elif what == "land" or header_of(head, "host") not in hosts_of(world):
            assert b"s3cret" not in head, head
            assert [said(head, name) for name in own] == [[] for _ in own], head
        assert b"l0cation" not in head
        assert basic("you:l0cation").encode() not in head
        assert said(head, "proxy-authorization") == []
        if what == "land":
            landed.add(path_of(head))
    follow = [target for target in world.targets if target != "http"]
    assert landed == {f"/land/{target}/{status}" for target, status in product(follow, STATUSES)}


def hosts_of(world: World) -> Sequence[str]:
    """Those of listed URLs: their robots.txt may be asked for with what is for them."""
    return [f"a.test:{server.port}" for server in (world.plain, world.secure)]


def test_097_no_secret_crosses_an_origin_whatever_the_redirect(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    env = {"SSL_CERT_FILE": str(tmp_path / "ca.pem"), "NO_PROXY": "", "HTTP_PROXY": "http://x.test"}
    names = {name: ["127.0.0.1"] for name in ("a.test", "b.test", "sub.a.test")}

    def scraped(name: str, world: World, *words: str) -> None:
        folder = tmp_path / name
        folder.mkdir()
        write_list(folder, world.urls)
        words = (*PLAIN, "--retries", "0", *OWN_FLAGS, *words, "--timeout", "60", "urls.txt")
        met = start(folder, "run", *words, env=env, world={"names": names}, seconds=60)
        assert met.code == 0, met.err
        for url, page in met.pages.items():
            down = "/go/http/" in url
            assert page["ending"] == ("failed:redirect_downgrade" if down else "done"), dict(page)
        assert "s3cret" not in told_of(folder, met)
        assert "l0cation" not in told_of(folder, met)

    with crossroads(authority) as world:
        scraped("direct", world)
    check_secrets(world, OWN)

    # What a proxy is told is for the proxy, and what is said in a tunnel is none of its business.
    token = basic("me:s3cret-6")
    with crossroads(authority) as world, wire(proxying(token)) as proxy:
        scraped("proxied", world, "-x", proxy.url("", "me:s3cret-6@127.0.0.1"))
    check_secrets(world, OWN)
    assert {tuple(said(head, "proxy-authorization")) for head in proxy.heads} == {(token,)}
    tunnels = [head for head in proxy.heads if head.startswith(b"CONNECT ")]
    assert tunnels
    assert [head for head in tunnels if b"s3cret" in head or said(head, "authorization")] == []


# ---- 98


def test_098_a_flood_of_cookies_is_bounded_and_forgotten(site: Site, tmp_path: Path) -> None:
    few = [f"c{n}=v; Max-Age=1{'0' * 30}; Domain=.test; Path=/" for n in range(100)]
    many = [f"c{n}=v" for n in range(10_000)]
    long = [f"c={'x' * 100_000}"]

    def page(cookies: list[str]) -> bytes:
        lines = "".join(f"Set-Cookie: {cookie}\r\n" for cookie in cookies)
        head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n{lines}Content-Length: {len(PAGE)}"
        return head.encode() + b"\r\n\r\n" + PAGE

    replies = {f"/few{n}": page(few) for n in range(20)}
    with wire({**replies, "/many": page(many), "/long": page(long)}) as server:
        bad = [server.url(path) for path in (*replies, "/many", "/long")]
        met = meet(tmp_path, site, *bad)
    assert {met.ending(url) for url in bad[:20]} == {"done"}
    assert [met.ending(url) for url in bad[20:]] == ["failed:header_too_large"] * 2
    assert [head for head in server.heads if header_of(head, "cookie")] == []
