"""Seconds and bytes of one attempt."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """What one attempt may take."""

    total: float = 30.0
    """Seconds, redirects included."""
    connect: float = 10.0
    read: float = 20.0
    """Between two pieces of an answer."""
    max_size: int = 10 << 20
    """Of a body on the wire."""
    max_redirects: int = 10
    max_header: int = 32 << 10
    """Bytes of one header line; aiohttp's own 8,190 refuse servers that curl accepts."""
