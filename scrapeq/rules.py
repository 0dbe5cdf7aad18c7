"""`[[extract]]` and `-s` as people write them -> Rules, checked before the first request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from scrapeq.config import Config, nearest
from scrapeq.errors import UsageError
from scrapeq.extract import DEFAULT_RULE, Field, Rule, check_css, field, tables
from scrapeq.names import column_name_fault, table_name_fault

MOST_FIELDS = 1999
"""Columns of a SQLite table, but for its `url`."""

_RULE_KEYS = ("table", "match", "each", "fields")
_FIELD_KEYS = ("css", "count", "type")


def rules_of(select: Sequence[str], config: Config | None) -> tuple[Rule, ...]:
    """`-s` wins over `[[extract]]`, which wins over the default record. Raises UsageError."""
    if select:
        if len(select) > MOST_FIELDS:
            raise UsageError(f"--select: {_too_many(len(select))}")
        return (Rule("items", _selected(select)),)
    if config is None or not config.extract:
        return (DEFAULT_RULE,)
    rules = tuple(_rule(config, n, table) for n, table in enumerate(config.extract))
    try:
        columns = tables(rules)
    except ValueError as exc:
        raise config.fault(str(exc), "extract") from None
    for name, fields in columns.items():
        if len(fields) > MOST_FIELDS:
            raise config.fault(f"table {name}: {_too_many(len(fields))}", "extract")
    return rules


def _too_many(fields: int) -> str:
    return f"{fields:,} fields; a table of SQLite has room for {MOST_FIELDS:,}"


def _selected(select: Sequence[str]) -> tuple[Field, ...]:
    fields: dict[str, Field] = {}
    for text in select:
        name, equals, selector = text.partition("=")
        name = name.strip()
        if not equals:
            raise UsageError(f"--select {text}: write it as NAME=SELECTOR")
        fault = "is there already" if name in fields else _field_name_fault(name)
        if fault:
            raise UsageError(f"--select {text}: {name!r} {fault}")
        try:
            fields[name] = field(name, selector)
        except ValueError as exc:
            raise UsageError(f"--select {text}: {exc}") from None
    return tuple(fields.values())


def _rule(config: Config, n: int, table: Mapping[str, Any]) -> Rule:
    where = ("extract", n)
    _check_keys(config, table, _RULE_KEYS, where)
    name = _text(config, table, "table", where) or "items"
    if fault := table_name_fault(name):
        raise config.fault(f"table {name!r} {fault}", *where, "table")
    fields = table.get("fields")
    if not isinstance(fields, dict) or not fields:
        raise config.fault("a rule needs fields: write [extract.fields] below it", *where)
    each = _text(config, table, "each", where)
    try:
        check_css(each or "*")
    except ValueError as exc:
        raise config.fault(f"each: {exc}", *where, "each") from None
    made = tuple(_field(config, key, value, (*where, "fields")) for key, value in fields.items())
    return Rule(name, made, _text(config, table, "match", where) or "*", each)


def _field(config: Config, name: str, value: Any, where: tuple[str | int, ...]) -> Field:
    at = (*where, name)
    if fault := _field_name_fault(name):
        raise config.fault(f"field {name!r} {fault}", *at)
    if isinstance(value, str):
        value = {"css": value}
    if not isinstance(value, dict):
        raise config.fault(f"field {name}: a selector, or a table with css", *at)
    _check_keys(config, value, _FIELD_KEYS, at)
    css, count, kind = value.get("css"), value.get("count", False), value.get("type", "str")
    if not isinstance(css, str):
        raise config.fault(f"field {name}: css must be a text", *at)
    if not isinstance(count, bool):
        raise config.fault(f"field {name}: count must be true or false", *at)
    if count and "type" in value:
        raise config.fault(f"field {name}: a count has no other type", *at)
    if kind not in ("str", "url"):
        raise config.fault(f"field {name}: type {kind!r} is unknown (there are: str, url)", *at)
    try:
        return field(name, css, count=count, absolute=kind == "url")
    except ValueError as exc:
        raise config.fault(f"field {name}: {exc}", *at) from None


def _field_name_fault(name: str) -> str:
    return "is there already" if name == "url" else column_name_fault(name)


def _check_keys(
    config: Config, table: Mapping[str, Any], allowed: Sequence[str], where: tuple[str | int, ...]
) -> None:
    for key in table:
        if key not in allowed:
            raise config.fault(f"unknown key {key!r}{nearest(key, allowed)}", *where, key)


def _text(config: Config, table: Mapping[str, Any], key: str, where: tuple[str | int, ...]) -> str:
    value = table.get(key, "")
    if not isinstance(value, str):
        raise config.fault(f"{key} must be a text", *where, key)
    return value
