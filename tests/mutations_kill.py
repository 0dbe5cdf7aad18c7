"""More rows for the table in mutations.py: what a kill would bring to light.

Each is name, file, old, new, what is gone, and the tests that must notice. The tests are slow: a
row takes a minute.
"""

from __future__ import annotations

PINNED = (
    "test_torture_kill.py::"
    "test_a_run_killed_at_a_pinned_moment_loses_nothing_and_saves_nothing_twice",
)
RANDOM = (
    "test_torture_kill.py::"
    "test_a_run_killed_at_a_random_moment_loses_nothing_and_saves_nothing_twice",
)

_APART = 'await self._db.execute("COMMIT")\n        await self._db.execute("BEGIN IMMEDIATE")\n'

ROWS: list[tuple[str, str, str, str, str, tuple[str, ...]]] = [
    (
        "kill-rows-apart-from-verdicts",
        "stores/sqlite.py",
        "        changed = await self._changed(_SETTLE,",
        f"        {_APART}        changed = await self._changed(_SETTLE,",
        "rows and verdicts are committed together",
        RANDOM,
    ),
    (
        "kill-lock-is-the-file",
        "stores/file.py",
        "return os.open(self._lock_path, flags, 0o600)",
        "return os.open(self._lock_path, flags | os.O_EXCL, 0o600)",
        "the lock dies with its process",
        PINNED,
    ),
    (
        "kill-half-laid-out",
        "stores/opening.py",
        'split(";\\n"):\n            await db.execute(statement)\n',
        'split(";\\n"):\n            await db.execute(statement)\n'
        '            await db.execute("COMMIT")\n'
        '            await db.execute("BEGIN IMMEDIATE")\n',
        "the tables are made all or none",
        PINNED,
    ),
    (
        "kill-handed-out-twice",
        "stores/sqlite.py",
        "ids = json.dumps(list(held))",
        "ids = json.dumps(list(held)[::2])",
        "what is under way is not taken again",
        PINNED,
    ),
]
