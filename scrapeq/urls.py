"""One line of a list -> one canonical URL, or the reason why it is none. Pure."""

from __future__ import annotations

import hashlib
import ipaddress
import re
from collections.abc import MutableMapping
from dataclasses import dataclass

from yarl import URL

from scrapeq.text import MASK, safe

MAX_URL = 8192
"""Characters, as it is requested. Common servers refuse a longer request line."""

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+-]*):(//)?")
_HOST_AND_PORT = re.compile(r"[^/:@]+:\d+(?:[/?#]|$)")
_AUTHORITY = re.compile(r"[^/]*//([^/?#]*)")
_NOT_IN_A_HOST = re.compile(r"[\x00-\x20#%/<>?@\\^|\[\]]")  # WHATWG URL, forbidden host code points
_USERINFO = re.compile(r"(?:(?<=//)|(?<=\\/\\/))[^/?#]*@")  # after slashes, also as JSON has them
_IN_A_SECRET_PARAMETER = re.compile(
    r"(?<=[?&;])([^=&;?#\s]*(?:token|key|secret|sig|pass)[^=&;?#\s]*=)[^&;#\s'\"]+", re.IGNORECASE
)
_LEADING = re.compile(r"(?:[A-Za-z][A-Za-z0-9+-]*:)?[/\\]{2,}|")
_DELIMITER = re.compile(r"[/?#]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")

# URLs that `parse` gives back as they are: most lines of most lists, at a fraction of the price.
# It may know too few of them, never one too many. Possessive, so that no line is looked at twice.
_CANONICAL = re.compile(
    r"""https?://
    ([a-z0-9_-]{1,63}+ (?:\.[a-z0-9_-]{1,63}+)*+)
    (?: :(?!(?:80|443)/) [1-9][0-9]{0,3}+ )?+
    / [\w!$&'()*+,\-./:;=@~]*+
    (?: %(?:2[0235BF]|3[CEF]|5[BCDE]|[89A-F][0-9A-F]) [\w!$&'()*+,\-./:;=@~]*+ )*+
    (?: \?(?=.) [\w!$&'()*+,\-./:;=?@~]*+
    (?: %(?:2[02356B]|3[BCDE]|5[BCDE]|[89A-F][0-9A-F]) [\w!$&'()*+,\-./:;=?@~]*+ )*+ )?+
    """,
    re.ASCII | re.VERBOSE,
)
_LONGEST_HOST = 253


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
    if (host := canonical_host(text)) is not None:
        return Listed(text, host, None, priority)
    return _read(text, priority)


def canonical_host(text: str) -> str | None:
    """The host of a URL that is clearly canonical as it stands; None where it takes a look."""
    if "/." in text or len(text) > MAX_URL:  # dot segments, perhaps
        return None
    found = _CANONICAL.fullmatch(text)
    return found[1] if found and len(found[1]) <= _LONGEST_HOST else None


def _read(text: str, priority: float) -> Listed:
    try:
        url = parse(text)
    except BadURLError as bad:
        shown = visible(text)
        return Listed(shown, priority=priority, reason=bad.reason, detail=bad.detail)
    if url.raw_user is None and url.raw_password is None:
        canonical = str(url)
        given = None if canonical == text else text
        return Listed(canonical, url.raw_host or "", given, priority)
    masked = str(url.with_password(None).with_user(MASK))
    secret = None
    if masked != str(url):  # else it was masked by us: what the mask hides is not known
        secret = Credentials(str(url.origin()), url.user or "", url.password or "")
    return Listed(masked, url.raw_host or "", None, priority, credentials=secret)


def remember(credentials: MutableMapping[str, Credentials], line: Listed) -> None:
    """Keep user and password of a line for this run: under their origin, and under the URL as
    well where the origin has others already."""
    found = line.credentials
    if found is not None and credentials.setdefault(found.origin, found) != found:
        credentials[line.url] = found


def parse(text: str) -> URL:
    """The canonical URL of `text`, credentials included. Raises BadURLError."""
    _check_length(text)
    if found := _CONTROL.search(text):
        broken = "\udc80" <= found[0] <= "\udcff"
        raise BadURLError("invalid_url", "bytes not UTF-8" if broken else "a control character")
    _check_scheme(text)
    try:
        url = _canonical(text)
        _check_host(url)
        _check_written(text, url)
    except BadURLError:
        raise
    except ValueError as exc:  # bad port, unclosed bracket, host that IDNA refuses, ...
        # What it says may quote user and password.
        why = "cannot be read as a URL" if "@" in text else visible(str(exc), 200)
        raise BadURLError("invalid_url", why) from None
    _check_length(str(url))
    return url


def endpoint_of(canonical: URL | str) -> tuple[str, int]:
    """Host and port that a canonical URL leads to."""
    url = canonical if isinstance(canonical, URL) else URL(canonical, encoded=True)
    return url.raw_host or "", url.port or 0


def visible(text: str, limit: int = 400) -> str:
    """A line that is no URL, as it is stored: no control characters, bounded, still distinct."""
    shown = _CONTROL.sub(_escaped, _without_likely_credentials(text))
    if len(shown) <= limit:
        return shown
    digest = hashlib.sha256(shown.encode()).hexdigest()[:16]
    return f"{shown[:limit]}… ({len(shown):,} characters, sha256 {digest})"


def without_credentials(text: str) -> str:
    """Any text that may hold a URL, its user and password masked."""
    return _USERINFO.sub(f"{MASK}@", text)


def without_secrets(text: str) -> str:
    """Any text to be shown that may hold a URL: also the values of its query masked whose keys
    speak of a secret. The URL itself keeps them, or it could not be asked for."""
    return _IN_A_SECRET_PARAMETER.sub(rf"\1{MASK}", without_credentials(text))


def kept(detail: str) -> str:
    """What is told of a verdict, as it is stored and shown: one short line without secrets."""
    return safe(without_secrets(detail[:2000]), limit=500)


def _without_likely_credentials(text: str) -> str:
    """Of a text that is no URL: mask also what stands where a person may have put a secret.

    `user:password@host` lacks a scheme, a `/` in a password ends the host too early: what is
    before the last @ is taken for a secret if a colon, or nothing else, is before its slashes.
    The mask is not that of a good URL: a line that is wrong cannot take the row of a right one.
    """
    first, *others = _USERINFO.split(text)
    head, at, tail = first.rpartition("@")
    leading = _LEADING.match(head)
    if at and leading:
        authority, *path = _DELIMITER.split(head[leading.end() :], maxsplit=1)
        if ":" in authority or not path:
            first = f"{leading[0]}({MASK})@{tail}"
    return f"({MASK})@".join([first, *others])


def _escaped(control: re.Match[str]) -> str:
    code = ord(control[0])
    return f"\\x{code - 0xDC00 if 0xDC80 <= code <= 0xDCFF else code:02x}"


def yarl_of(text: str) -> URL:
    """A text as yarl reads it. Raises ValueError, also where yarl itself stumbles."""
    try:
        return URL(text)
    except IndexError:  # `http://[]@`
        raise ValueError("no host") from None


def _canonical(text: str) -> URL:
    url = yarl_of(text).with_fragment(None)
    if not text.isascii():
        url = URL(str(url))  # IDNA may leave a label in upper case
    # yarl takes no path for `/`, but does not write it.
    return url.with_path("/", keep_query=True) if url.raw_path == "/" else url


def _check_length(text: str) -> None:
    if len(text) > MAX_URL:
        raise BadURLError("url_too_long", f"{len(text):,} characters; the limit is {MAX_URL:,}")


def _check_scheme(text: str) -> None:
    match = _SCHEME.match(text)
    if match is None or _HOST_AND_PORT.match(text):
        raise BadURLError("invalid_url", "no scheme: write https:// in front")
    scheme, slashes = match[1].lower(), match[2]
    if scheme not in ("http", "https"):
        secret = "@" in text and not slashes  # user:password@host, for all we know
        named = "" if secret else f"{visible(scheme, 40)}: "
        raise BadURLError("scheme", f"{named}only http and https are fetched")


def _check_host(url: URL) -> None:
    host = url.raw_host or ""
    if not host:
        raise BadURLError("invalid_url", "no host")
    if _NOT_IN_A_HOST.search(host):
        raise BadURLError("invalid_url", "a character that no host name has")
    labels = host.removesuffix(".").split(".")
    if ":" not in host and (len(host) > _LONGEST_HOST or any(not 0 < len(x) <= 63 for x in labels)):
        raise BadURLError("invalid_url", "a host name has labels of 1 to 63 characters, 253 in all")
    if url.port is None or not 0 < url.port <= 65535:
        raise BadURLError("invalid_url", "no such port")


def _check_written(text: str, url: URL) -> None:
    """What yarl takes with a smile: `:8_0` and `: 80` as ports, names in the brackets of IPv6."""
    written = _AUTHORITY.match(text)
    host_and_port = written[1].rpartition("@")[2] if written else ""
    _, bracket, rest = host_and_port.rpartition("]")
    port = rest.partition(":")[2]
    if port and not (port.isascii() and port.isdigit()):
        raise BadURLError("invalid_url", "no such port")
    if bracket and not _is_ipv6(url.raw_host or ""):
        raise BadURLError("invalid_url", "brackets are for IPv6 addresses")


def _is_ipv6(host: str) -> bool:
    try:
        return bool(ipaddress.IPv6Address(host))
    except ValueError:
        return False
