"""Processes of our own interpreter that leave nothing behind, and a watch over one."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import IO

from scrapeq.bench.cpu import Look, look

BETWEEN_LOOKS = 0.1
"""Seconds."""


@asynccontextmanager
async def started(
    words: Sequence[str], folder: Path, *, errors: IO[bytes], piped: bool = False
) -> AsyncIterator[Process]:
    """`python -m ...` in `folder`; when the block ends it is killed with all that it started.

    It is in a session of its own: Ctrl-C in the terminal is for us alone. `piped` gives it a
    stdin and a stdout that we hold.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", *words),
        cwd=folder,
        env=_environment(folder),
        stdin=asyncio.subprocess.PIPE if piped else asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE if piped else asyncio.subprocess.DEVNULL,
        stderr=errors,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError, PermissionError):  # macOS: a group of the dead
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


def _environment(folder: Path) -> dict[str, str]:
    """Ours, but for what the user has configured of scrapeq, and with the code that we run."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("SCRAPEQ_")}
    path = os.pathsep.join(os.path.abspath(place) for place in sys.path)
    return {**kept, "XDG_CONFIG_HOME": str(folder), "PYTHONPATH": path}


async def watch(pid: int, looks: list[Look]) -> None:
    """Look at a process now and then, until cancelled."""
    while True:
        if found := look(pid):
            looks.append(found)
        await asyncio.sleep(BETWEEN_LOOKS)
