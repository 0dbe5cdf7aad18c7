"""What a page says of its charset in its first bytes (HTML Standard, 13.2.3.2, "prescan")."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator

DEPTH = 1024
"""Bytes in which browsers look for it."""

_NEXT = re.compile(
    rb"""<(?: (?P<comment>!--) | (?P<meta>meta)(?=[\t\n\f\r /])
    | (?P<tag>/?[a-z][^\t\n\f\r >]*+) | [!/?][^>]*+ )""",
    re.VERBOSE,
)
"""In a head whose letters are all small."""
_ATTRIBUTE = re.compile(
    rb"""[\t\n\f\r /]*+
    (=?[^\t\n\f\r />=]*+)  # its name
    (?:[\t\n\f\r ]*+=[\t\n\f\r ]*+ ("[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z)|[^\t\n\f\r >]*+))?""",
    re.VERBOSE,
)
_CHARSET = re.compile(
    rb"""charset[\t\n\f\r ]*+=[\t\n\f\r ]*+
    (?: "([^"]*+)" | '([^']*+)' | ([^\t\n\f\r ;"'][^\t\n\f\r ;]*+) )""",
    re.VERBOSE,
)
_XML = re.compile(
    rb"""<\?xml[^>]*?encoding[\0-\x20]*+=[\0-\x20]*+(["'])(?P<label>[^"'>\0-\x20]*+)\1[^>]*+>"""
)
_XML_16 = {b"<\0?\0x\0": "utf-16le", b"\0<\0?\0x": "utf-16be"}


def declared_label(body: bytes, known: Container[str]) -> str | None:
    """The first label that a declaration gives and that is `known`, in small letters."""
    if label := _XML_16.get(body[:6]):
        return label
    head = body[:DEPTH]
    if (found := _XML.match(head)) and (label := _word(found["label"])) in known:
        return label
    lower = head.lower()
    if b"charset" not in lower or b"<meta" not in lower:
        return None
    for attributes in _metas(lower):
        label = _word(_said_by(attributes))
        if label in known:
            return label
    return None


def _metas(head: bytes) -> Iterator[dict[bytes, bytes]]:
    """The attributes of each meta element that is no comment."""
    at = 0
    while found := _NEXT.search(head, at):
        at = found.end()
        if found["comment"]:
            if (end := head.find(b"-->", at - 2)) < 0:
                return
            at = end + 3
        elif found["meta"] or found["tag"]:
            attributes, at = _attributes(head, found.end())
            if at >= len(head):
                return  # it may go on
            if found["meta"]:
                yield attributes


def _attributes(head: bytes, at: int) -> tuple[dict[bytes, bytes], int]:
    """By name, the first of each; and where they end."""
    found: dict[bytes, bytes] = {}
    while (match := _ATTRIBUTE.match(head, at)) and match[1]:
        value = match[2] or b""
        if value[:1] in (b'"', b"'"):
            if len(value) < 2 or value[-1:] != value[:1]:
                return found, len(head)
            value = value[1:-1]
        found.setdefault(match[1], value)
        at = match.end()
    return found, match.end() if match else at


def _said_by(attributes: dict[bytes, bytes]) -> bytes:
    if b"charset" in attributes:
        return attributes[b"charset"]
    if attributes.get(b"http-equiv") != b"content-type":
        return b""
    found = _CHARSET.search(attributes.get(b"content", b""))
    return (found[1] or found[2] or found[3] or b"") if found else b""


def _word(label: bytes) -> str:
    return label.strip(b"\t\n\f\r ").decode("latin-1").lower()
