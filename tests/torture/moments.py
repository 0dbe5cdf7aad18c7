"""When to kill: a name, and what the launcher or the site is to do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

RECOVERY = "while the log is recovered"
ROWS = r"^(INSERT INTO \"|UPDATE pages)"
SETTLED = r"^\s*UPDATE pages SET state"


@dataclass(frozen=True)
class Moment:
    """One of: `script` for the launcher; `request`, killed by the site at this part of the
    requests that are left; `time`, killed from outside at this part of the time that is left."""

    name: str
    script: Mapping[str, Any] = field(default_factory=dict)
    request: float | None = None
    time: float | None = None
    after: float = 0.0
    """Seconds from the request to the kill."""
    group: bool = True
    """Whether the whole group dies at once, or the main process alone."""


def _step(match: str, do: str | None = None, *, on: str = "sql", **more: Any) -> dict[str, Any]:
    return {"on": on, "match": match, **({"do": do} if do else {}), **more}


def _steps(*steps: dict[str, Any]) -> dict[str, Any]:
    return {"steps": list(steps)}


def _creation(chance: Random) -> dict[str, Any]:
    """From the lock file to the first statement."""
    event = chance.choice([r"^open .*-lock'", r"^open .*scrapeq\.db'", r"^sqlite3\.connect "])
    return _steps(_step(event, "kill", on="audit", after=chance.uniform(0, 0.01)))


def _layout(chance: Random) -> dict[str, Any]:
    return _steps(_step("", "kill", nth=chance.randint(1, 26)))


def _first_commit(chance: Random) -> dict[str, Any]:
    """Of verdicts: as it begins, or within the next 2 ms."""
    after = chance.choice([0.0, chance.uniform(0.0001, 0.002)])
    return _steps(_step(SETTLED), _step("^COMMIT", "kill", after=after))


def _transaction(chance: Random) -> dict[str, Any]:
    """Between BEGIN and COMMIT, after some rows of a batch."""
    return _steps(_step(ROWS, "kill", nth=chance.randint(1, 6000)))


def _torn_write(chance: Random) -> dict[str, Any]:
    """Anywhere in the bytes that one commit writes."""
    begun = _step("^COMMIT", "limit", nth=chance.randint(1, 12), bytes=chance.randint(0, 60_000))
    return _steps(_step(SETTLED), begun)


def _checkpoint(chance: Random) -> dict[str, Any]:
    return {"pages": chance.randint(40, 150), "checkpoint": chance.randint(1, 3)}


def _last_checkpoint(chance: Random) -> dict[str, Any]:
    """The one that closing makes."""
    return {"pages": 0, "checkpoint": 1}


def _last_commit(chance: Random) -> dict[str, Any]:
    """From the last statement to the removal of the lock."""
    begun = _step("^UPDATE runs SET ended_at")
    return chance.choice(
        [
            _steps(begun | {"do": "kill"}),
            _steps(begun, _step("^COMMIT", "kill", after=chance.uniform(0, 0.005))),
            _steps(begun, _step(r"^os\.remove .*-lock'", "kill", on="audit")),
        ]
    )


def _reading(chance: Random) -> dict[str, Any]:
    """While a part of the list is in the Store, and a part is not."""
    after = chance.uniform(0, 0.01)
    return _steps(
        _step("^INSERT OR FAIL INTO pages", "kill", nth=chance.randint(1, 3), after=after)
    )


def _worker_starts(chance: Random) -> dict[str, Any]:
    after = chance.uniform(0, 0.15)
    return _steps(_step(r"^subprocess\.Popen", "kill", on="audit", after=after))


def _worker_replaced(chance: Random) -> dict[str, Any]:
    return _steps(
        _step(ROWS, "child", nth=chance.randint(1, 4000)),
        _step(r"^subprocess\.Popen", "kill", on="audit", after=chance.uniform(0, 0.2)),
    )


def _drain(chance: Random) -> dict[str, Any]:
    asked = _step(ROWS, chance.choice(["SIGTERM", "SIGINT"]), nth=chance.randint(1, 5000))
    return _steps(asked, _step(ROWS + "|^COMMIT", "kill", nth=chance.randint(1, 150)))


PINNED: Mapping[str, Callable[[Random], dict[str, Any]]] = {
    "while the database is created": _creation,
    "while it is laid out": _layout,
    "while a parse worker starts": _worker_starts,
    "while the list is read": _reading,
    "in the first commit": _first_commit,
    "within a transaction": _transaction,
    "in the writes of a commit": _torn_write,
    "during a checkpoint": _checkpoint,
    "after a worker was replaced": _worker_replaced,
    "during the drain": _drain,
    "in the last commit": _last_commit,
    "during the last checkpoint": _last_checkpoint,
}


CHEAP = tuple(PINNED)[:3]
"""So early that a trial has time for three of them."""


def plan(seed: int, chance: Random) -> list[Moment]:
    """The kills of one trial. An odd seed begins with a moment of the table, in turn; an even one
    with a random moment."""
    if seed % 2:
        name = list(PINNED)[seed // 2 % len(PINNED)]
        times = 3 if name in CHEAP else 1
        kills = [Moment(name, PINNED[name](chance)) for _ in range(times)]
    else:
        kills = [_random(chance)]
    for _ in range(chance.choice([0, 0, 0, 1, 1, 2])):
        kills.append(_recovery() if chance.random() < 0.2 else _random(chance))
    return kills[:3]


def _random(chance: Random) -> Moment:
    """Anywhere in what is left of a run, by its progress or by time."""
    group = chance.random() < 0.75
    if chance.random() < 0.25:
        return Moment("at a random time", time=chance.random(), group=group)
    after = chance.choice([0.0, chance.uniform(0, 0.15)])
    return Moment("at a random request", request=chance.random(), after=after, group=group)


def _recovery() -> Moment:
    """While the log that the kill before has left is read back."""
    return Moment(RECOVERY, {"checkpoint": 1})
