"""Which names a table or a column of records may have. Pure."""

from __future__ import annotations

import re

_IDENTIFIER = re.compile(r"[a-z_][a-z0-9_]{0,62}")
_RESERVED_TABLES = frozenset({"pages", "runs", "samples", "failures", "hosts"})


def table_name_fault(name: str) -> str:
    """Why `name` cannot be a table of records; empty when it can."""
    if fault := column_name_fault(name):
        return fault
    if name in _RESERVED_TABLES or name.startswith(("sqlite_", "pages_")):
        return "is a name that scrapeq or SQLite keeps for itself"
    return ""


def column_name_fault(name: str) -> str:
    """Why `name` cannot be a column of records; empty when it can."""
    if not _IDENTIFIER.fullmatch(name):
        return "must be of a-z, 0-9 and _, not begin with a digit, and have at most 63 characters"
    return ""
