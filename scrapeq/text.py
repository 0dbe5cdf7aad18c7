"""Text that cannot harm a terminal, and numbers as people read them."""

from __future__ import annotations

MASK = "***"
"""Stands for a secret wherever it would be stored or shown."""

_DROPPED = (  # invisible: they reorder what is read, or make its width a matter of opinion
    *(0x00AD, 0x061C, 0x180E, 0xFEFF),
    *range(0x200B, 0x2010),  # zero-width characters, left-to-right and right-to-left marks
    *range(0x202A, 0x202F),  # bidi embeddings and overrides
    *range(0x2060, 0x2070),  # word joiner, bidi isolates
    *range(0xFE00, 0xFE10),  # variation selectors
    *range(0xFFF9, 0xFFFC),
    *range(0xE0000, 0xE01F0),  # tags and more variation selectors
)
_REPLACED = (*range(0x80, 0xA0), 0x2028, 0x2029, *range(0xD800, 0xE000))

_HARMLESS: dict[int, int | None] = {
    **dict.fromkeys(_DROPPED),
    **dict.fromkeys(_REPLACED, 0xFFFD),
    **{control: 0x2400 + control for control in range(0x20)},  # ESC becomes the picture of ESC
    0x7F: 0x2421,
    ord("\t"): ord(" "),
}


def safe(text: str, limit: int = 200) -> str:
    """Make any text fit for a terminal, a log line or an error: one line, at most `limit` long.

    Control characters become visible pictures of themselves, invisible ones go, and what is
    cut ends in an ellipsis. Doing it twice changes nothing.
    """
    head = text[: 4 * limit]  # a megabyte is not worth cleaning to show two hundred characters
    clean = head.translate(_HARMLESS)
    if len(clean) <= limit and len(head) == len(text):
        return clean
    return (clean[: limit - 1] + "…")[:limit] if limit > 0 else ""


def ms(seconds: float) -> str:
    """A latency: `2.6ms`, `212ms`, `1.9s`."""
    millis = seconds * 1000
    if millis < 9.95:
        return f"{millis:.1f}ms"
    if millis < 999.5:
        return f"{millis:.0f}ms"
    return f"{seconds:.1f}s" if seconds < 99.95 else f"{seconds:.0f}s"


def size(octets: float) -> str:
    """Decimal units, as disks and networks are sold: `1.1 GB`."""
    units = ["B", "kB", "MB", "GB", "TB", "PB"]
    while octets >= 999.95 and len(units) > 1:
        octets /= 1000
        del units[0]
    return f"{octets:.0f} B" if units[0] == "B" else f"{octets:.1f} {units[0]}"


def count(n: int) -> str:
    """`5,712`."""
    return f"{n:,}"


def clock(seconds: float) -> str:
    """`00:01:42`, for a place on the screen that never moves."""
    minutes, second = divmod(int(max(0.0, seconds)), 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{second:02}"


def span(seconds: float) -> str:
    """`4.2s`, `58s`, `2m 58s`, `3h 05m`, for a sentence."""
    if seconds < 9.95:
        return f"{max(0.0, seconds):.1f}s"
    minutes, second = divmod(round(seconds), 60)
    if minutes == 0:
        return f"{second}s"
    if minutes < 60:
        return f"{minutes}m {second:02}s"
    return f"{minutes // 60}h {minutes % 60:02}m"
