"""What people write after a flag or in TOML, read and written. Pure."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

_SIZES = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


def parse_size(value: str | int) -> int:
    """Bytes: 500, 64K, 10M, 1G. Raises ValueError."""
    flags = re.IGNORECASE | re.ASCII
    match = re.fullmatch(r"(\d{1,15}(?:\.\d+)?)\s*([KMG]?)i?B?", str(value).strip(), flags)
    if not match or not (size := int(float(match[1]) * _SIZES[match[2].upper()])):
        raise ValueError(f"{value!r} is not a size such as 500K, 10M or 1G")
    return size


def shown_size(size: int) -> str:
    """Bytes as `parse_size` reads them: 64M."""
    for unit, number in reversed(_SIZES.items()):
        if size % number == 0:
            return f"{size // number}{unit}"
    return str(size)


def parse_output(value: str | Path) -> Path:
    """The results' file. Raises ValueError for what SQLite cannot be."""
    path = Path(value)
    if str(value) == "-":
        raise ValueError("results go to a SQLite file, not to stdout")
    if not path.name:
        raise ValueError(f"{str(value)!r} is no name of a file")
    if path.suffix.lower() in (".csv", ".jsonl", ".json", ".parquet", ".xlsx"):
        raise ValueError(f"{value}: results go to SQLite; name it something.db")
    return path


def parse_agent(value: str) -> str:
    """A User-Agent header. Raises ValueError."""
    if any(ord(char) < 32 or ord(char) > 126 for char in value):
        raise ValueError("only printable ASCII may stand in a header")
    return value


def parse_allowance(value: str | int) -> str:
    """A number of failures, or a share of all URLs: 100, 5%. Raises ValueError."""
    text = str(value).strip()
    match = re.fullmatch(r"(\d{1,15}(?:\.\d+)?)%|\d{1,15}", text, re.ASCII)
    if not match or (match[1] and float(match[1]) > 100):
        raise ValueError(f"{value!r} is not a number of failures, nor a share such as 5%")
    return text


def toml_value(value: Any) -> str:
    """A value as TOML writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        short = f"{value:g}"
        return short if float(short) == value else repr(value)
    if isinstance(value, int):
        return str(value)
    # TOML escapes as JSON does, and one character more.
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
