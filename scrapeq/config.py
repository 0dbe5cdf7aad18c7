"""The TOML file: what it may say, and which line says something else."""

from __future__ import annotations

import difflib
import os
import re
import stat
import tomllib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import NoneType
from typing import Any, get_args

from scrapeq.errors import UsageError
from scrapeq.options import Described
from scrapeq.settings import described
from scrapeq.values import toml_value

MAX_FILE = 1 << 20
"""Bytes of a file. Nobody writes a longer one, and some files never end (`/dev/zero`)."""


@dataclass(frozen=True, slots=True)
class Config:
    """A file as read: `[run]` by name of setting, `[[extract]]` as it stands."""

    path: Path
    text: str
    run: Mapping[str, Any]
    extract: Sequence[Mapping[str, Any]]

    def fault(self, message: str, *keys: str | int) -> UsageError:
        """An error that names file and line of what stands at `keys`."""
        line = line_of(self.text, keys)
        return UsageError(f"{self.path}{f', line {line}' if line else ''}: {message}")


def load(path: Path) -> Config:
    """Read a configuration file. Raises UsageError for what it cannot say."""
    try:
        text = _read(path).decode("utf-8-sig")
        data = tomllib.loads(text)
    except (OSError, ValueError) as exc:  # a number of 5,000 digits is no TOMLDecodeError
        why = exc.strerror if isinstance(exc, OSError) else str(exc)
        raise UsageError(f"{path}: {why}") from None
    except RecursionError:
        raise UsageError(f"{path}: brackets in brackets in brackets: too deep") from None
    empty = Config(path, text, {}, ())
    options = {option.name: option for option in described()}
    for name in options.keys() & data.keys():
        raise empty.fault(f"{name} stands in no section: write [run] above it", name)
    _only(empty, data, ("run", "extract"), "section")
    run, extract = data.get("run", {}), data.get("extract", [])
    if not isinstance(run, dict):
        raise empty.fault("run is a table: write [run]", "run")
    if not isinstance(extract, list) or not all(isinstance(rule, dict) for rule in extract):
        raise empty.fault("extract is a list of tables: write [[extract]]", "extract")
    _only(empty, run, options, "key", "run")
    for name, value in run.items():
        if fault := _kind_fault(options[name], value):
            raise empty.fault(f"{name}: {fault}", "run", name)
    return Config(path, text, run, extract)


def _read(path: Path) -> bytes:
    """All of a file. A pipe has to have its writer already: nobody waits for one in silence.
    Raises OSError, and ValueError for a file that is too long."""
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb", 0) as file:
        first = file.read(MAX_FILE)
        if first == b"" and stat.S_ISFIFO(os.fstat(file.fileno()).st_mode):
            raise ValueError("a pipe into which nobody writes")
        os.set_blocking(file.fileno(), True)
        pieces = [first or b""]
        size = len(pieces[0])
        while size <= MAX_FILE and (piece := file.read(MAX_FILE)):
            pieces.append(piece)
            size += len(piece)
    if size > MAX_FILE:
        raise ValueError(f"more than {MAX_FILE >> 20} MB of configuration")
    return b"".join(pieces)


_KINDS: dict[Any, tuple[tuple[type, ...], str]] = {
    bool: ((bool,), "true or false"),
    int: ((int,), "a whole number"),
    float: ((int, float), "a number"),
    Sequence[str]: ((list,), "a list of texts"),
}


def _kind_fault(option: Described, value: Any) -> str:
    """Why a value is not of its option's type; empty when it is. Its range is another matter."""
    if option.choices:
        fits = value in option.choices
        return "" if fits else f"{_shown(value)} is not one of {', '.join(option.choices)}"
    kind = next((x for x in get_args(option.type) if x is not NoneType), option.type)
    kind = Sequence[str] if option.type == Sequence[str] else kind
    types, what = _KINDS.get(kind, ((str,), "a text"))
    if option.option.also:
        types = (*types, option.option.also)
    fits = isinstance(value, types) and isinstance(value, bool) == (kind is bool)
    if fits and isinstance(value, list):
        fits = all(isinstance(one, str) for one in value)
    if fits:
        return ""
    return f"this is not {what}" if option.option.mask else f"{_shown(value)} is not {what}"


def _shown(value: Any) -> str:
    return toml_value(value) if isinstance(value, bool | str) else repr(value)


def _only(
    config: Config, table: Iterable[str], allowed: Collection[str], what: str, *keys: str | int
) -> None:
    for name in table:
        if name not in allowed:
            near = nearest(name, allowed)
            raise config.fault(f"unknown {what} {name!r}{near}", *keys, name)


def check_environment(environ: Mapping[str, str]) -> None:
    """Raise UsageError for a variable that looks like an option of `run` and is none."""
    prefix = "SCRAPEQ_RUN_"
    known = {option.variable for option in described()} | {f"{prefix}CONFIG"}
    for name in sorted(environ.keys() - known):
        if name.startswith(prefix) and environ[name]:
            names = {word.removeprefix(prefix): word for word in known if word}
            near = difflib.get_close_matches(name.removeprefix(prefix), names, n=1)
            hint = f"; did you mean {names[near[0]]}?" if near else ""
            raise UsageError(f"{name} in the environment: run has no such option{hint}")


def nearest(name: str, allowed: Iterable[str]) -> str:
    """`; did you mean 'x'?`, or what there is."""
    names = sorted(allowed)
    close = difflib.get_close_matches(name.replace("-", "_"), names, n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else f" (there are: {', '.join(names)})"


def line_of(text: str, keys: Sequence[str | int]) -> int | None:
    """The line on which a key path stands, or its nearest parent; None when none does.

    A number in `keys` counts the `[[...]]` tables of the name before it.
    """
    lines = text.splitlines()
    at: int | None = None
    start = 0
    for n, key in enumerate(keys):
        if isinstance(key, int):
            heads = [i for i, line in enumerate(lines) if _is_head(line, str(keys[n - 1]))]
            found = heads[key] if key < len(heads) else None
        else:
            found = next((i for i in range(start, len(lines)) if _names(lines[i], key)), None)
        if found is None:
            break
        at = start = found
    return None if at is None else at + 1


def _is_head(line: str, name: str) -> bool:
    return re.match(rf"\s*\[\[\s*{re.escape(name)}\s*\]\]", line) is not None


def _names(line: str, key: str) -> bool:
    """Whether a line is `key = ...`, `[key]`, `[[key]]` or `[....key]`."""
    name = rf"[\"']?{re.escape(key)}[\"']?"
    return re.match(rf"\s*(?:\[\[?(?:[^\]]*\.)?\s*)?{name}\s*(?:=|\.|\])", line) is not None
