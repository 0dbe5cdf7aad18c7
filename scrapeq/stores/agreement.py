"""Do the rules of this run agree with those by which the database was filled? Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Described = Sequence[Mapping[str, Any]]
"""Rules as JSON: `table`, `match`, `each`, and `fields` (name -> what it takes)."""

_SHOWN = 3


def differences(before: Described, now: Described) -> str:
    """What is not as it was, for a person: `items.price: 'b' was 'a'`. Empty if nothing."""
    old, new = dict(_parts(before)), dict(_parts(now))
    found = [
        f"{name}: {_shown(new.get(name))} was {_shown(old.get(name))}"
        for name in {**old, **new}
        if old.get(name) != new.get(name)
    ]
    if not found and list(old) != list(new):
        return "the rules are in another order"
    more = [f"{len(found) - _SHOWN} more"] if len(found) > _SHOWN else []
    return ", ".join(found[:_SHOWN] + more)


def _parts(rules: Described) -> Iterator[tuple[str, str]]:
    for rule in rules:
        which = "" if rule["match"] == "*" else f" ({rule['match']})"
        yield f"{rule['table']}{which} each", rule["each"]
        for name, takes in rule["fields"].items():
            yield f"{rule['table']}.{name}{which}", takes


def _shown(takes: str | None) -> str:
    return "not there" if takes is None else repr(takes)
