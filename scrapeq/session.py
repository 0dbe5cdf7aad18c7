"""One run as a person sees it: what is said before, during and after."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from scrapeq import runner
from scrapeq.dashboard import Labels, Screen, choose_screen, say, terminal_console
from scrapeq.errors import UsageError
from scrapeq.extract import Rule
from scrapeq.settings import Settings, cores
from scrapeq.source import Source
from scrapeq.stores.sqlite import SQLiteStore
from scrapeq.summary import as_json, render_summary
from scrapeq.text import count, safe
from scrapeq.urls import without_credentials


def scrape(
    settings: Settings, sources: Sequence[str], rules: Sequence[Rule], command: Sequence[str]
) -> int:
    """Run to the end and return the exit code. Raises ScrapeqError before the first request."""
    source = Source(sources)
    source.check()
    _check_summary(settings.summary)
    ended = asyncio.run(perform(settings, source, rules, command))
    return farewell(ended)


async def perform(
    settings: Settings, source: Source, rules: Sequence[Rule], command: Sequence[str]
) -> runner.Ended:
    """The run itself, with its screen and its closing words."""
    shown = [safe(without_credentials(word), limit=200) for word in command]

    def screen_for(store: SQLiteStore) -> Screen:
        if not settings.quiet:
            _say_what_is_there(settings, store)
        mode = "none" if settings.quiet else settings.progress
        title = f"{' '.join(shown)} → {settings.output}"
        console = terminal_console(sys.stderr)
        console.no_color = console.no_color or not settings.color
        return choose_screen(
            mode, sys.stderr, labels=Labels(title, store.run), cores=cores(), console=console
        )

    ended = await runner.run(settings, source, rules, screen_for=screen_for)
    _say_how_it_ended(settings, ended, shown)
    return ended


def farewell(ended: runner.Ended) -> int:
    """The exit code. A run that was stopped leaves at once: a thread that waits for a name
    server, or for stdin, would hold the process for as long as it likes."""
    if ended.outcome != "finished":
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except OSError:
                continue
        os._exit(ended.exit_code)
    return ended.exit_code


def _say_what_is_there(settings: Settings, store: SQLiteStore) -> None:
    if store.warning:
        say(sys.stderr, f"scrapeq: {store.warning}")
    counts = store.counts
    if counts.read:
        states = ", ".join(
            f"{count(number)} {state}"
            for state, number in (
                ("done", counts.done), ("failed", counts.failed),
                ("skipped", counts.skipped), ("pending", counts.pending),
            ) if number
        )  # fmt: skip
        say(
            sys.stderr,
            f"scrapeq: {settings.output} already has {count(counts.read)} URLs: {states}",
        )


def _say_how_it_ended(settings: Settings, ended: runner.Ended, command: Sequence[str]) -> None:
    if not settings.quiet or ended.exit_code in (1, 4):
        lines = render_summary(
            ended.reading,
            output=str(settings.output),
            run=ended.run,
            outcome=ended.outcome,
            command=command,
            cores=cores(),
        )
        say(sys.stderr, "\n".join(lines))
    if settings.summary:
        found = as_json(ended.reading, outcome=ended.outcome, cores=cores())
        text = json.dumps(found, indent=2, ensure_ascii=True)
        if settings.summary == "-":
            say(sys.stdout, text)
        else:
            Path(settings.summary).write_text(text + "\n", encoding="utf-8")


def _check_summary(target: str | None) -> None:
    if target is None or target == "-":
        return
    try:
        with open(target, "a", encoding="utf-8"):
            pass
    except OSError as exc:
        raise UsageError(f"--summary {safe(target)}: {exc.strerror}") from None
