"""More rows for the table in mutations.py: what may fail once at the borders of a run.

Each is name, file, old, new, what is gone, and the tests that must notice.
"""

from __future__ import annotations

ONCE = ("test_torture_awaits.py::test_what_once_hung_or_crashed_does_so_no_more",)

ROWS: list[tuple[str, str, str, str, str, tuple[str, ...]]] = [
    (
        "list-lost",
        "runner.py",
        "        if task is not None and not task.cancelling():\n",
        "        if False:\n",
        "a reader of the list that is lost ends the run",
        ONCE,
    ),
    (
        "threads-none-left",
        "runner.py",
        "raise OSError(errno.EAGAIN, str(exc)) from None",
        "raise",
        "no thread for a look-up is a fault that passes",
        ("test_torture_awaits.py::test_a_thread_that_cannot_be_started_is_a_fault_of_the_system",),
    ),
    (
        "list-without-thread",
        "source.py",
        '        raise FatalError(f"{visible(source)}: cannot be read: {exc}") from None\n',
        "        raise\n",
        "a list that no thread can read is told in a sentence",
        ONCE,
    ),
    (
        "robots-cancelled",
        "robots.py",
        "except (Exception, asyncio.CancelledError) as exc:",
        "except Exception as exc:",
        "a robots.txt whose fetch is lost is asked for again",
        ONCE,
    ),
    (
        "store-answer-lost",
        "stores/sqlite.py",
        "            if task.cancelled():  # by nobody of ours: we only ever wait for it\n",
        "            if False:\n",
        "an answer of SQLite that is lost is a fault of the Store",
        ONCE,
    ),
]
