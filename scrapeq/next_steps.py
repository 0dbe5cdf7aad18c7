"""Commands to be typed next, quoted for a POSIX shell."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from pathlib import PurePath

_SHORT = {"--fetchers": "-j", "--delay": "-w"}
_TAKES_A_FILE = ("-o", "--output", "--summary")
_OVERVIEW = "select state, reason, count(*) from pages group by 1, 2"


def with_flags(command: Sequence[str], advice: str) -> list[str]:
    """The command with `--flag value` of the advice in place of what it says now."""
    flag, value = advice.split()
    kept: list[str] = []
    words = iter(command)
    for word in words:
        short = _SHORT.get(flag, flag)
        if word in (flag, short):
            next(words, None)
        elif not _sets(word, flag, short):
            kept.append(word)
    return [*kept, flag, value]


def _sets(word: str, flag: str, short: str) -> bool:
    """`--fetchers=8` or `-j8`."""
    if word.startswith(f"{flag}="):
        return True
    return short != flag and word.startswith(short) and word[2:].lstrip("=")[:1].isdecimal()


def from_stored_list(
    command: Sequence[str], *, whole: bool = True, retry_failed: bool = False
) -> str:
    """The command to go on. A list on stdin is in the database already, if it was read `whole`."""
    before = ["", *command]
    on_stdin = any(
        word == "-" and previous not in _TAKES_A_FILE
        for previous, word in zip(before, command, strict=False)
    )
    words = [word for word in command if word != "--fresh"]
    if retry_failed and "--retry-failed" not in words:
        words.append("--retry-failed")
    again = " < /dev/null" if whole else "  (with the list on stdin again)"
    return shlex.join(words) + (again if on_stdin else "")


def look_lines(output: str) -> Iterator[str]:
    """How to see what came of it, by kind of file."""
    path = shlex.quote(f"./{output}" if output.startswith("-") else output)
    match PurePath(output).suffix.lower():
        case _ if output == "-":
            return
        case ".jsonl" | ".csv":
            yield f"head -n 3 {path}"
        case ".parquet":
            return
        case _:
            yield f"uvx datasette {path}"
            yield f"sqlite3 {path} {shlex.quote(_OVERVIEW)}"
