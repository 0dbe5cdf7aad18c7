"""One line of a list -> one canonical URL, or the reason why it is none. Pure."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from yarl import URL

MAX_URL = 8192
"""Characters. Common servers refuse a longer request line."""

MASK = "***"
"""Stands for user and password wherever a URL is stored or shown."""

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+-]*):")
_HOST_AND_PORT = re.compile(r"[^/:@]+:\d+(?:[/?#]|$)")
_NOT_IN_A_HOST = re.compile(r"[\x00-\x20#%/<>?@\\^|\[\]]")  # WHATWG URL, forbidden host code points
_USERINFO = re.compile(r"(?<=//)[^/?#]*@")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


class BadURLError(ValueError):
    """`reason` is the word stored with the skipped line."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Credentials:
    """User and password of a URL: for its origin and for nobody else."""

    origin: str
    user: str
    password: str


@dataclass(frozen=True, slots=True)
class Listed:
    """One line of a list, as the Store takes it."""

    url: str
    """Canonical: host in lower case and ASCII, no default port, no fragment, credentials
    masked. For a line that is no URL: its text, control characters made visible."""
    host: str = ""
    given: str | None = None
    """The line as written, where it differs and holds no credentials."""
    priority: float = 0.0
    depth: int = 0
    """Links followed to get here."""
    reason: str = ""
    """Why the line is skipped; empty for a URL to fetch."""
    detail: str = ""
    credentials: Credentials | None = None


def listed(text: str, priority: float = 0.0) -> Listed:
    """Read one URL as a person wrote it. Never raises: a bad one says why it is skipped."""
    text = text.strip()
    try:
        url = parse(text)
    except BadURLError as bad:
        shown = visible(text)
        return Listed(shown, priority=priority, reason=bad.reason, detail=bad.detail)
    if url.user is None and url.password is None:
        canonical = str(url)
        given = None if canonical == text else text
        return Listed(canonical, url.raw_host or "", given, priority)
    secret = Credentials(str(url.origin()), url.user or "", url.password or "")
    masked = str(url.with_password(None).with_user(MASK))
    return Listed(masked, url.raw_host or "", None, priority, credentials=secret)


def parse(text: str) -> URL:
    """The canonical URL of `text`, credentials included. Raises BadURLError."""
    if len(text) > MAX_URL:
        raise BadURLError("url_too_long", f"{len(text):,} characters; the limit is {MAX_URL:,}")
    if _CONTROL.search(text):
        raise BadURLError("invalid_url", "a control character")
    _check_scheme(text)
    try:
        url = URL(text).with_fragment(None)
    except ValueError as exc:  # bad port, unclosed bracket, host that IDNA refuses, ...
        raise BadURLError("invalid_url", str(exc)) from None
    _check_host(url)
    return url if url.raw_path else url.with_path("/", keep_query=True)


def visible(text: str, limit: int = 400) -> str:
    """A line that is no URL, as it is stored: no control characters, bounded, still distinct."""
    shown = _CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", without_credentials(text))
    if len(shown) <= limit:
        return shown
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"{shown[:limit]}… ({len(text):,} characters, sha256 {digest})"


def without_credentials(text: str) -> str:
    """Any text that may hold a URL, its user and password masked."""
    return _USERINFO.sub(f"{MASK}@", text)


def _check_scheme(text: str) -> None:
    match = _SCHEME.match(text)
    if match is None or _HOST_AND_PORT.match(text):
        raise BadURLError("invalid_url", "no scheme: write https:// in front")
    if match[1].lower() not in ("http", "https"):
        raise BadURLError("scheme", f"{match[1].lower()}: only http and https are fetched")


def _check_host(url: URL) -> None:
    host = url.raw_host or ""
    if not host:
        raise BadURLError("invalid_url", "no host")
    if _NOT_IN_A_HOST.search(host):
        raise BadURLError("invalid_url", "a character that no host name has")
    labels = host.removesuffix(".").split(".")
    if ":" not in host and (len(host) > 253 or any(not 0 < len(x) <= 63 for x in labels)):
        raise BadURLError("invalid_url", "a host name has labels of 1 to 63 characters, 253 in all")
    if url.port is None or not 0 < url.port <= 65535:
        raise BadURLError("invalid_url", "no such port")
