"""Faults of TLS: 42 to 50."""

from __future__ import annotations

import datetime
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest
import trustme

from tests.faults.kit import Met, meet, wire
from tests.servers import Server, Wire, answer, path_of, sending, server_tls
from tests.site import Site

pytestmark = pytest.mark.timeout(60)

PAGE = answer(b"<title>secret</title>")


class Trust:
    """A certificate authority that the program believes."""

    def __init__(self, folder: Path) -> None:
        self.ca = trustme.CA()
        pem = folder / "ca.pem"
        self.ca.cert_pem.write_to_path(str(pem))
        self.env = {"SSL_CERT_FILE": str(pem), "SSL_CERT_DIR": str(folder / "nowhere")}


@pytest.fixture
def trust(tmp_path: Path) -> Trust:
    return Trust(tmp_path)


def refused(folder: Path, site: Site, trust: Trust, tls: ssl.SSLContext) -> tuple[Met, str, Server]:
    """A run that meets a server with this side of TLS, beside one that is well."""
    good_tls = server_tls(trust.ca.issue_cert("127.0.0.1"))
    with wire(PAGE, tls=tls) as server, wire(PAGE, tls=good_tls) as good:
        met = meet(
            folder, site, server.url(), good.url(), env=trust.env, retries=2,
            flags=["--connect-timeout", "5"],
        )  # fmt: skip
        assert met.ending(good.url()) == "done"
        return met, server.url(), server


def is_not_believed(folder: Path, site: Site, trust: Trust, tls: ssl.SSLContext) -> None:
    """It is final at once, says why, and nothing was asked: neither here nor without TLS."""
    met, url, server = refused(folder, site, trust, tls)
    assert met.ending(url) == "failed:tls_cert"
    assert met.row(url)["attempts"] == 1
    assert "certificate" in met.row(url)["detail"]
    assert server.heads == []
    assert server.connections == 0  # handshakes that were finished


def test_042_an_expired_certificate(site: Site, tmp_path: Path, trust: Trust) -> None:
    yesterday = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)
    tls = server_tls(trust.ca.issue_cert("127.0.0.1", not_after=yesterday))
    is_not_believed(tmp_path, site, trust, tls)


def test_043_a_self_signed_certificate(site: Site, tmp_path: Path, trust: Trust) -> None:
    alone = trustme.CA()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with alone.private_key_pem.tempfile() as key, alone.cert_pem.tempfile() as certificate:
        tls.load_cert_chain(certificate, key)
    is_not_believed(tmp_path, site, trust, tls)


def test_044_a_certificate_of_another_host(site: Site, tmp_path: Path, trust: Trust) -> None:
    is_not_believed(tmp_path, site, trust, server_tls(trust.ca.issue_cert("example.org")))


def test_045_a_certificate_of_a_root_that_nobody_trusts(
    site: Site, tmp_path: Path, trust: Trust
) -> None:
    is_not_believed(tmp_path, site, trust, server_tls(trustme.CA().issue_cert("127.0.0.1")))


def test_046_a_certificate_without_its_intermediate(
    site: Site, tmp_path: Path, trust: Trust
) -> None:
    leaf = trust.ca.create_child_ca().issue_cert("127.0.0.1")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with leaf.private_key_pem.tempfile() as key, leaf.cert_chain_pems[0].tempfile() as alone:
        tls.load_cert_chain(alone, key)
    is_not_believed(tmp_path, site, trust, tls)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1 is deprecated")
def test_047_tls_that_is_too_weak(site: Site, tmp_path: Path, trust: Trust) -> None:
    """Only TLS 1.0, a cipher of yesterday, a tiny Diffie-Hellman group."""
    weak = {}
    for name in ("tls1.0", "cipher", "group"):
        context = server_tls(trust.ca.issue_cert("127.0.0.1", key_type=trustme.KeyType.RSA))
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        match name:
            case "tls1.0":
                context.set_ciphers("ALL:@SECLEVEL=0")
                context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1
            case "cipher":
                context.set_ciphers("AES128-SHA:NULL-SHA:@SECLEVEL=0")
            case "group":
                context.set_ciphers("DHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0")
                group = tmp_path / "dh.pem"
                group.write_text(TINY_GROUP)
                context.load_dh_params(str(group))
        weak[name] = context
    with ExitStack() as stack:
        bad = [stack.enter_context(openssl(tls, {"/": PAGE})) for tls in weak.values()]
        met = meet(tmp_path, site, *bad, env=trust.env, retries=2)
    assert {met.ending(url) for url in bad} == {"failed:tls"}
    assert {met.row(url)["attempts"] for url in bad} == {1}


def test_048_http_on_the_https_port_and_the_reverse(
    site: Site, tmp_path: Path, trust: Trust
) -> None:
    """A TLS server answers a plain request with an alert, or in plain HTTP, or not at all."""
    tls = server_tls(trust.ca.issue_cert("127.0.0.1"))
    alert = sending(b"\x15\x03\x01\x00\x02\x02\x46", Wire.half_close)
    complaint = answer(b"You speak HTTP to a port with TLS", "400 Bad Request")
    with (
        plain_http() as no_tls,
        wire(alert) as alerted,
        wire(complaint) as refused,
        openssl(tls, {"/": PAGE}) as silent,
    ):
        silent = silent.replace("https:", "http:")
        bad = [no_tls, alerted.url(), refused.url(), silent]
        met = meet(tmp_path, site, *bad, env=trust.env, flags=["--connect-timeout", "4"])
    assert [met.ending(url) for url in bad[:3]] == ["failed:tls", "failed:protocol", "failed:400"]
    assert met.ending(silent) in ("failed:disconnected", "failed:reset")


def test_049_a_handshake_that_never_ends_has_the_time_limit_of_a_connection(
    site: Site, tmp_path: Path, trust: Trust
) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=16) as nobody:  # connects, says nothing
        url = f"https://127.0.0.1:{nobody.getsockname()[1]}/"
        met = meet(tmp_path, site, url, flags=["--connect-timeout", "1"], env=trust.env)
    assert met.ending(url) == "failed:connect_timeout"
    assert met.seconds < 20


def test_050_tls_without_a_goodbye_is_truncated_unless_the_length_proves_it_whole(
    site: Site, tmp_path: Path, trust: Trust
) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
    replies = {
        "/unframed": head + b"\r\n<title>whole?</title>",
        "/unframed-empty": head + b"\r\n",
        "/unframed-1.0": b"HTTP/1.0 200 OK\r\n\r\n<title>whole?</title>",
        "/short": head + b"Content-Length: 99\r\n\r\n<title>half",
        "/length": answer(b"<title>whole</title>"),
        "/chunked": head + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
        "/goodbye": head + b"\r\n<title>whole</title>",
    }
    tls = server_tls(trust.ca.issue_cert("127.0.0.1"))
    with openssl(tls, replies) as base:
        bad = [base.rstrip("/") + path for path in replies]
        met = meet(tmp_path, site, *bad, env=trust.env, retries=0, flags=["--timeout", "10"])
    assert {url.rpartition("/")[2]: met.ending(url) for url in bad} == {
        "unframed": "failed:truncated",
        "unframed-empty": "failed:truncated",
        "unframed-1.0": "failed:truncated",
        "short": "failed:truncated",
        "length": "done",
        "chunked": "done",
        "goodbye": "done",
    }


@contextmanager
def openssl(tls: ssl.SSLContext, replies: Mapping[str, bytes]) -> Iterator[str]:
    """A server whose TLS is OpenSSL's on a real socket, and its URL. It breaks off without a
    goodbye, but on /goodbye."""

    def talk(raw: socket.socket) -> None:
        with tls.wrap_socket(raw, server_side=True) as made:
            head = b""
            while b"\r\n\r\n" not in head:
                if not (piece := made.recv(1 << 16)):
                    return
                head += piece
            path = path_of(head)
            made.sendall(replies[path])
            if path == "/goodbye":
                made.unwrap()

    with blocking(talk) as port:
        yield f"https://127.0.0.1:{port}/"


@contextmanager
def plain_http() -> Iterator[str]:
    """The https URL of a server that answers whatever it is told in plain HTTP."""

    def talk(raw: socket.socket) -> None:
        raw.recv(1 << 16)
        raw.sendall(answer(b"You speak TLS to a port without", "400 Bad Request"))

    with blocking(talk) as port:
        yield f"https://127.0.0.1:{port}/"


@contextmanager
def blocking(talk: Callable[[socket.socket], None]) -> Iterator[int]:
    """The port of a server that talks to one client after another."""

    def serve() -> None:
        with suppress(OSError):  # it is over
            while True:
                raw, _ = listener.accept()
                with raw, suppress(OSError):
                    raw.settimeout(20)
                    talk(raw)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(30)


TINY_GROUP = """\
-----BEGIN DH PARAMETERS-----
MIGHAoGBAN4N5Lxp/t0/jBJZMD2aBbPQUR9h4ZHo+4u15iRhHB0qaWT2kmUgxRT5
ME5nuy7tMwsO1FaVoyy5XLn0bgl+dNvIFmAYJi3rrsR4ejtSlUILZfSVuVQEkagJ
+Bik0pLdNzng80vBshlfehW+nPnnuAHCU//lzK1BCFg0uwXfXWYHAgEC
-----END DH PARAMETERS-----
"""
"""1024 bits: less than half of what counts as safe, and the least that OpenSSL serves."""
