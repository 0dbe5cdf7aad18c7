"""More rows for the table in mutations.py: the disk under the database, and who else uses it.

Each is name, file, old, new, what is gone, and the tests that must notice.
"""

from __future__ import annotations

STORE = ("faults/test_store.py",)
DISK = ("faults/test_disk.py",)
AGREEMENT = ("test_agreement.py",)

ROWS: list[tuple[str, str, str, str, str, tuple[str, ...]]] = [
    (
        "disk-rules-not-compared",
        "stores/opening.py",
        "if rules is not None and not force and store.counts.done:",
        "if False:",
        "other rules are refused",
        STORE,
    ),
    (
        "disk-rules-in-any-order",
        "stores/agreement.py",
        "    if not found and list(old) != list(new):",
        "    if False:",
        "the order of rules is one of their parts",
        AGREEMENT,
    ),
    (
        "disk-lock-waited-for-for-ever",
        "stores/patience.py",
        "        if time.monotonic() >= self._until:",
        "        if False:",
        "a lock is waited for only so long",
        STORE,
    ),
    (
        "disk-waits-on-after-two-signals",
        "runner.py",
        "        self._plant.store.hurry()\n",
        "",
        "a second signal ends the waiting for a lock",
        STORE,
    ),
    (
        "disk-waits-without-a-word",
        "stores/patience.py",
        '            self._say(f"waiting for',
        '            str(f"waiting for',
        "it is said that a lock is waited for",
        STORE,
    ),
    (
        "disk-hard-link",
        "stores/file.py",
        "        if about.st_nlink > 1:",
        "        if False:",
        "a second name of a database in use is refused",
        STORE,
    ),
    (
        "disk-companion-written-over",
        "stores/file.py",
        "        self._check_companions()\n",
        "",
        "a file that has the name of the log is left alone",
        STORE,
    ),
    (
        "disk-log-of-an-empty-file",
        "stores/file.py",
        '        if not header and not is_new and self._size("-wal"):',
        "        if False:",
        "a log whose database is empty is left alone",
        STORE,
    ),
    (
        "disk-moved-without-its-log",
        "stores/sqlite.py",
        "            await self._log.copy_back()\n",
        "            pass\n",
        "a database that was moved is whole",
        STORE,
    ),
    (
        "disk-log-never-copied-back",
        "stores/sqlite.py",
        "            await self._log.shrink()\n",
        "            pass\n",
        "the log is copied back during the run",
        DISK,
    ),
    (
        "disk-end-in-silence",
        "runner.py",
        '            outcome, fault = f"stopped: {exc}", str(exc)\n',
        "            return Ended(store.run, outcome, exit_code, reading, fault)\n",
        "a disk that fails at the end is told",
        DISK,
    ),
]
