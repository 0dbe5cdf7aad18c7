"""Headers, cookies and a proxy of the user's own: how they are written, and how they are shown."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from scrapeq.errors import UsageError
from scrapeq.text import MASK, safe

Header = tuple[str, str]
"""Name and value."""

MAX_FILE = 1 << 20
"""Bytes of a file of headers."""

_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # RFC 9110, 5.6.2
_UNFIT = re.compile(r"[^ -~]")

_OURS = {
    **dict.fromkeys(
        ("host", "content-length", "transfer-encoding", "connection", "keep-alive", "upgrade",
         "te", "trailer", "expect", "proxy-connection"),
        "is scrapeq's own to set",
    ),
    "proxy-authorization": "belongs into --proxy http://USER:PASSWORD@HOST:PORT",
}  # fmt: skip
"""What a request cannot say otherwise without being another request, or none."""


def parse_header(text: str) -> str:
    """`Name: value` as it stands, or `@file`. Raises ValueError, which quotes no value."""
    if text.startswith("@"):
        return text
    _check_text(text)
    name, colon, value = text.partition(":")
    if not colon or not _NAME.fullmatch(name) or not value.strip():
        raise ValueError("a header is written 'Name: value'")
    if why := _OURS.get(name.lower()):
        raise ValueError(f"{name} {why}")
    return text


def parse_cookie(text: str) -> str:
    """`a=b`, or `a=b; c=d`, as it stands, or `@file`. Raises ValueError, which quotes no value."""
    if text.startswith("@"):
        return text
    _check_text(text)
    if not all(name.strip() and equals for name, equals, _ in _cookies(text)):
        raise ValueError("a cookie is written name=value")
    return text


def parse_proxy(text: str) -> str:
    """The canonical URL of an HTTP proxy. Raises ValueError, which quotes no password."""
    from scrapeq.urls import BadURLError, parse, visible  # not for `--help`

    try:
        url = parse(text)
    except BadURLError as bad:
        why = "only an HTTP proxy can be asked" if bad.reason == "scheme" else bad.detail
        raise ValueError(f"{visible(text)}: {why.replace('https://', 'http://')}") from None
    shown = masked_proxy(str(url))
    if url.scheme != "http":
        raise ValueError(f"{shown}: only an HTTP proxy can be asked; write http:// in front")
    if url.path_qs != "/":
        raise ValueError(f"{shown}: a proxy has no path")
    if ":" in (url.user or ""):
        raise ValueError(f"{shown}: the name of a user has no colon")
    return str(url)


def masked_header(text: str) -> str:
    """`Authorization: ***`."""
    return text if text.startswith("@") else f"{text.partition(':')[0]}: {MASK}"


def masked_cookie(text: str) -> str:
    """`a=***; c=***`."""
    if text.startswith("@"):
        return text
    return "; ".join(f"{name.strip()}={MASK}" for name, _, _ in _cookies(text))


def masked_proxy(text: str) -> str:
    """Any text that may hold a URL, its user and password masked."""
    from scrapeq.urls import without_credentials

    return without_credentials(text)


def lines_of(given: Sequence[str], check: Callable[[str], str], flag: str) -> tuple[str, ...]:
    """Each text of `given`, and in place of an `@file` its lines, but for blank ones and those
    that begin with `#`. A file is read once: it may be a pipe. Raises UsageError."""
    found: list[str] = []
    for text in given:
        if not text.startswith("@"):
            found.append(text)
            continue
        for number, line in enumerate(_read(text, flag).split("\n"), 1):
            line = line.removesuffix("\r")
            if not line.strip() or line.startswith("#"):
                continue
            try:
                if line.startswith("@"):
                    raise ValueError("a file names no other file")
                found.append(check(line))
            except ValueError as exc:
                raise UsageError(f"{flag} {safe(text)}, line {number}: {exc}") from None
    return tuple(found)


def headers_of(headers: Sequence[str], cookies: Sequence[str]) -> tuple[Header, ...]:
    """What a request says besides scrapeq's own headers. All cookies are in one (RFC 6265, 5.4);
    a name that is spelt in two ways is one name."""
    spelt: dict[str, str] = {}
    found: list[Header] = []
    jar: list[str] = []
    for text in headers:
        name, _, value = text.partition(":")
        if name.lower() == "cookie":
            jar.append(value.strip())
        else:
            found.append((spelt.setdefault(name.lower(), name), value.strip()))
    jar += [cookie.strip().rstrip(";") for cookie in cookies]
    return (*found, ("Cookie", "; ".join(jar))) if jar else tuple(found)


def _cookies(text: str) -> list[tuple[str, str, str]]:
    return [one.partition("=") for one in text.strip().rstrip(";").split(";")]


def _check_text(text: str) -> None:
    if _UNFIT.search(text):
        raise ValueError("only printable ASCII may stand in a header")


def _read(text: str, flag: str) -> str:
    path = Path(text[1:]).expanduser()
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE + 1)
    except OSError as exc:
        raise UsageError(f"{flag} {safe(text)}: {exc.strerror}") from None
    if len(data) > MAX_FILE:
        raise UsageError(f"{flag} {safe(text)}: more than {MAX_FILE >> 20} MB")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(f"{flag} {safe(text)}: not UTF-8") from None
