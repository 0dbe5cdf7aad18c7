"""The TOML file: what it may say, and which line says something else."""

from __future__ import annotations

import difflib
import re
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
        text = path.read_text(encoding="utf-8-sig")
        data = tomllib.loads(text)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as exc:
        why = exc.strerror if isinstance(exc, OSError) else str(exc)
        raise UsageError(f"{path}: {why}") from None
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
    return "" if fits else f"{_shown(value)} is not {what}"


def _shown(value: Any) -> str:
    return toml_value(value) if isinstance(value, bool | str) else repr(value)


def _only(
    config: Config, table: Iterable[str], allowed: Collection[str], what: str, *keys: str | int
) -> None:
    for name in table:
        if name not in allowed:
            near = nearest(name, allowed)
            raise config.fault(f"unknown {what} {name!r}{near}", *keys, name)


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
