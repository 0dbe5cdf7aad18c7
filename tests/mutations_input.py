"""More rows for the table in mutations.py: robots.txt, configuration and the files of a run.

Each is name, file, old, new, what is gone, and the tests that must notice.
"""

from __future__ import annotations

ROBOTS = ("test_robots.py",)
CONFIG = ("faults/test_config.py",)

ROWS: list[tuple[str, str, str, str, str, tuple[str, ...]]] = [
    (
        "robots-blame",
        "robots.py",
        "if answer.reason in _NO_HOST and not hops:",
        "if answer.reason in _NO_HOST:",
        "a robots.txt that was moved to a dead host does not blame the living one",
        ROBOTS,
    ),
    (
        "robots-fault-of-ours",
        "robots.py",
        "except (Exception, asyncio.CancelledError) as exc:",
        "except ZeroDivisionError as exc:",
        "a fault of ours does not fail all pages of an origin",
        ROBOTS,
    ),
    (
        "robots-asked-by-each",
        "robots.py",
        "        if failed and attempt > self.attempt:\n",
        "        if failed:\n",
        "a silence stands for all URLs of an origin",
        ROBOTS,
    ),
    (
        "robots-never-again",
        "robots.py",
        "        if failed and attempt > self.attempt:\n            return False\n",
        "",
        "a URL that has waited asks again",
        ROBOTS,
    ),
    (
        "robots-line-by-line",
        "robots.py",
        "*(x for x in lines if _is_parsable(agent, x))",
        "",
        "what can be parsed of a robots.txt is obeyed",
        ROBOTS,
    ),
    (
        "config-endless",
        "config.py",
        "        while size <= MAX_FILE and (piece",
        "        while (piece",
        "a file that never ends is not read to its end",
        ("test_config.py",),
    ),
    (
        "config-silent-pipe",
        "config.py",
        '        if first == b"" and stat.S_ISFIFO(',
        "        if first is None and stat.S_ISFIFO(",
        "a pipe without a writer is refused",
        CONFIG,
    ),
    (
        "config-unknown-variable",
        "cli.py",
        "    config.check_environment(os.environ)\n",
        "",
        "a variable of no option is refused",
        ("test_settings.py",),
    ),
    (
        "summary-silent-pipe",
        "session.py",
        "os.O_WRONLY | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC",
        "os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC",
        "a pipe that nobody reads is not waited for",
        CONFIG,
    ),
    (
        "summary-pipe-let-go",
        "session.py",
        "    if not stat.S_ISFIFO(os.fstat(descriptor).st_mode):",
        "    if True:",
        "who reads the summary from a pipe is not told that it has ended before it came",
        CONFIG,
    ),
    (
        "list-beside-the-database",
        "session.py",
        "{results, *(results + end for end in COMPANIONS)}",
        "{results}",
        "a list is never removed as a file of the database",
        CONFIG,
    ),
    (
        "too-many-columns",
        "rules.py",
        "        if len(fields) > MOST_FIELDS:\n",
        "        if len(fields) > 10 * MOST_FIELDS:\n",
        "more fields than a table can have are refused",
        CONFIG,
    ),
]
