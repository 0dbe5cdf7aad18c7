"""Fails each passage of a run over a border, one at a time: `python -m tests.torture.awaits`.

A border is the network, the Store, the pipe to a parse process, a file, or the start of a thread;
the run has 50 URLs. A first run, undisturbed, lists its passages by place. Each trial is the same
run with one of them failing as such a place fails, or with a signal just there, and then a run
without a fault. What has to hold is in `judge`.

The run is concurrent, so the n-th passage of a place is not the same moment in each run, but there
is one. `--all` fails every passage at least once: a place with few passages has each fault that it
can have at each of them; one with many has them by turns. `--full` has each at each.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import trustme

from tests.faults.kit import look_into
from tests.program_kit import environment
from tests.servers import server_tls
from tests.torture.passages import KINDS, REACHED, SEEN, SIGNALS, Passage
from tests.torture.small_web import SmallWeb, small_web
from tests.torture.zygote import Ended

LIMIT = 60.0
"""Seconds after which a run hangs."""
FEW = 12
"""Passages of a place that get every fault each."""
FLAGS = ("--parsers", "1", "--fetchers", "8", "--retries", "1", "--progress", "none")
SORRY = (
    "Traceback", "never retrieved", "never awaited", "ResourceWarning", "Exception ignored",
    "was destroyed", "Unclosed", "Exception in callback", "unhandled",
)  # fmt: skip
"""Words of a program that did not see it coming."""


@dataclass(frozen=True)
class Run:
    """What one run came to."""

    ended: Ended
    err: str
    summary: str
    log: Sequence[str]
    pages: Mapping[str, Mapping[str, Any]]
    items: Sequence[Mapping[str, Any]]
    broken: str = ""
    """Why the database cannot be read as one that is whole."""

    @property
    def endings(self) -> dict[str, str]:
        return {url: str(page["ending"]) for url, page in self.pages.items()}

    @property
    def titles(self) -> dict[str, Any]:
        return {row["url"]: row["title"] for row in self.items}


@dataclass(frozen=True)
class Trial:
    """A passage that failed, what came of it, and what did not hold."""

    passage: Passage
    findings: Sequence[str]
    reached: bool
    run: Run = field(repr=False)
    next: Run = field(repr=False)


class Program:
    """One zygote, and the runs it makes, one after another."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.torture.zygote"],
            env=environment(world.folder, {"SSL_CERT_FILE": str(world.authority)}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, folder: Path, passage: Passage | None) -> Run:
        words = ["run", "urls.txt", "-", "-c", "scrapeq.toml", *FLAGS, "--summary", "summary.json"]
        trial = {
            "folder": str(folder), "words": words, "log": str(folder / "log.txt"),
            "stdin": str(folder / "more.txt"), "seconds": LIMIT,
            "passage": asdict(passage) if passage else None,
        }  # fmt: skip
        summary = folder / "summary.json"
        summary.unlink(missing_ok=True)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(trial), file=self._process.stdin, flush=True)
        ended = Ended(**json.loads(self._process.stdout.readline()))
        pages, items, broken = _state_of(folder / "scrapeq.db")
        return Run(
            ended,
            (folder / "err.txt").read_text(errors="backslashreplace"),
            summary.read_text() if summary.exists() else "",
            (folder / "log.txt").read_text().splitlines(),
            pages,
            items,
            broken,
        )

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(LIMIT)
        self._process.stdout.close()


class World:
    """The web, and the folder in which all happens."""

    def __init__(self, folder: Path, web: SmallWeb, authority: Path) -> None:
        self.folder = folder
        self.web = web
        self.authority = authority
        self._numbers = itertools.count()

    def new_folder(self) -> Path:
        """With the list, half of it for stdin, and a configuration."""
        folder = self.folder / str(next(self._numbers))
        folder.mkdir()
        urls = self.web.urls()
        (folder / "urls.txt").write_text("\n".join(urls[:30]) + "\n")
        (folder / "more.txt").write_text("\n".join(urls[30:]) + "\n")
        (folder / "scrapeq.toml").write_text("[run]\nuser_agent = 'torture/1.0'\n")
        return folder


@contextmanager
def world() -> Iterator[World]:
    authority = trustme.CA()
    with (
        tempfile.TemporaryDirectory(prefix="awaits-") as name,
        small_web(server_tls(authority.issue_cert("s.test"))) as web,
    ):
        trusted = Path(name, "ca.pem")
        authority.cert_pem.write_to_path(str(trusted))
        yield World(Path(name), web, trusted)


class Torture:
    """The undisturbed run, and trials against it."""

    def __init__(self, world: World, jobs: int) -> None:
        self._world = world
        self._jobs = jobs
        self._programs: SimpleQueue[Program] = SimpleQueue()
        for _ in range(jobs):
            self._programs.put(Program(world))
        self.undisturbed = self._run(world.new_folder(), None)
        findings = [*_holds(self.undisturbed), *_complete(self.undisturbed, world.web.urls())]
        assert findings == [], (findings, self.undisturbed.err)
        seen = (line.split(" ", 1) for line in self.undisturbed.log)
        self.places = Counter(place for word, place in seen if word == SEEN)

    def close(self) -> None:
        for _ in range(self._jobs):
            self._programs.get().close()

    def passages(self, *, full: bool = False) -> list[Passage]:
        """Every passage with a fault, and every passage with a signal."""
        chosen = []
        for place, count in sorted(self.places.items()):
            kind = place.split()[0]
            faults = itertools.cycle(KINDS[kind])
            signals = itertools.cycle([(name, later) for later in (0, 3, 9) for name in SIGNALS])
            for number in range(1, count + 1):
                some = KINDS[kind] if full or count <= FEW else [next(faults)]
                chosen += [Passage(place, number, fault) for fault in some]
                signal, later = next(signals)
                chosen.append(Passage(place, number, signal, later))
        return chosen

    def trials(self, passages: Sequence[Passage]) -> Iterator[Trial]:
        with ThreadPoolExecutor(self._jobs) as pool:
            yield from pool.map(self.trial, passages)

    def trial(self, passage: Passage) -> Trial:
        folder = self._world.new_folder()
        run = self._run(folder, passage)
        after = self._run(folder, None)
        return Trial(
            passage,
            [
                *_holds(run),
                *_fits(run, passage),
                *(f"next run: {finding}" for finding in _holds(after)),
                *(f"next run: {finding}" for finding in self._completes(after, run, passage)),
            ],
            any(line.startswith(REACHED) for line in run.log),
            run,
            after,
        )

    def _run(self, folder: Path, passage: Passage | None) -> Run:
        program = self._programs.get()
        try:
            return program.run(folder, passage)
        finally:
            self._programs.put(program)

    def _completes(self, after: Run, run: Run, passage: Passage) -> Iterator[str]:
        """The run after it has every verdict of the undisturbed one, but for a URL that the fault
        has hit and that says so."""
        yield from _complete(after, self._world.web.urls())
        expected = self.undisturbed.endings
        found = after.endings
        other = {url for url in expected if found.get(url) != expected[url]}
        hit = {url for url in other if _says_so(run.pages.get(url), passage)}
        for url in sorted(other - hit):
            page = after.pages.get(url, {})
            yield f"{url}: {found.get(url)} ({page.get('detail')}), not {expected[url]}"
        if len(hit) > 1:
            shown = {url: (run.endings[url], run.pages[url]["detail"]) for url in sorted(hit)}
            yield f"one fault has hit {len(hit)} URLs: {shown}"
        titles = self.undisturbed.titles
        yield from (
            f"{url}: another title, {title!r}"
            for url, title in after.titles.items()
            if title != titles.get(url)
        )


def _says_so(page: Mapping[str, Any] | None, passage: Passage) -> bool:
    """Whether this verdict tells of this fault."""
    reasons = {
        "cancelled": ("crash_fetch", "crash_parse"),
        "tls": ("tls",),
        "dns": (),
    }
    if page is None or page["state"] != "failed":
        return False
    if page["url"].endswith("/busy"):  # it has no second attempt left for the fault
        return passage.place.startswith("net.")
    return page["reason"] in reasons.get(passage.fault, ())


def _holds(run: Run) -> Iterator[str]:
    """What holds of every run: it ends, cleanly, and leaves the database whole."""
    if run.ended.hung:
        yield f"it hung for {LIMIT:g} s"
    if run.ended.left:
        yield f"{run.ended.left} processes were left behind"
    yield from (f"stderr has {word!r}" for word in SORRY if word in run.err)
    if run.broken:
        yield f"the database: {run.broken}"
    done = Counter(url for url, page in run.pages.items() if page["state"] == "done")
    if done != Counter(row["url"] for row in run.items):
        yield "the rows are not those of the pages that are done"
    if run.summary:
        try:
            found = json.loads(run.summary)
        except ValueError:
            yield "half of a summary"
            return
        states = Counter(page["state"] for page in run.pages.values())
        for state in ("done", "failed", "skipped", "pending"):
            if found[state] != states[state] and run.ended.code != 4:
                yield f"the summary has {found[state]} {state}, the database {states[state]}"
        if found["urls"] != sum(found[x] for x in ("done", "failed", "skipped", "pending")):
            yield "the counts do not balance"


def _fits(run: Run, passage: Passage) -> Iterator[str]:
    """Whether the exit code is one that this fault may have, and is explained."""
    code, place = run.ended.code, passage.place
    if passage.fault in SIGNALS:
        allowed = {0, 130, 143, -2, -15}
    elif place.startswith("store"):
        allowed = {0, 1, 4} if passage.fault == "cancelled" else {0, 4}
    elif place.startswith(("pipe.make", "pipe.fork", "thread", "list")) or "workers." in place:
        allowed = {0, 1, 4}
    elif place.startswith("file"):
        allowed = {0, 2, 4}
    else:
        allowed = {0}
    if code not in allowed:
        yield f"exit code {code}, not one of {sorted(allowed)}"
    if code in (1, 2, 4) and "scrapeq: " not in run.err:
        yield f"exit code {code} without a word"


def _complete(run: Run, urls: Sequence[str]) -> Iterator[str]:
    if run.ended.code != 0:
        yield f"exit code {run.ended.code}: {run.err[-300:]}"
    if sorted(run.pages) != sorted(urls):
        yield f"{len(run.pages)} URLs of {len(urls)}"
    pending = sum(ending == "pending" for ending in run.endings.values())
    if pending:
        yield f"{pending} URLs are pending"


def _state_of(db: Path) -> tuple[dict[str, Any], list[dict[str, Any]], str]:
    if not db.exists() or not db.stat().st_size:
        return {}, [], ""
    try:
        return *look_into(db), ""
    except Exception as exc:
        return {}, [], f"{type(exc).__name__}: {exc}"


def sample(passages: Sequence[Passage], size: int, seed: int) -> list[Passage]:
    """Some of them, from as many places as there are: a place with hundreds is but one."""
    chance = random.Random(seed)
    shuffled = chance.sample(list(passages), len(passages))
    turn: Counter[str] = Counter()
    ranked: list[tuple[int, int, Passage]] = []
    for passage in shuffled:
        ranked.append((turn[passage.place], len(ranked), passage))
        turn[passage.place] += 1
    return [passage for *_, passage in sorted(ranked, key=lambda one: one[:2])][:size]


def told(trial: Trial) -> str:
    """All that is known of a trial in which something did not hold."""
    run, after = trial.run, trial.next
    return "\n".join(
        [
            f"FOUND at {trial.passage}",
            *(f"  - {finding}" for finding in trial.findings),
            f"  exit code {run.ended.code} after {run.ended.seconds:.1f} s; stderr:",
            *(f"  | {line}" for line in run.err.splitlines()[-60:]),
            f"  next run: exit code {after.ended.code} after {after.ended.seconds:.1f} s; stderr:",
            *(f"  | {line}" for line in after.err.splitlines()[-12:]),
        ]
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.torture.awaits")
    parser.add_argument("--sample", type=int, default=40, metavar="N", help="so many trials")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--all", action="store_true", help="every passage, faults by turns")
    parser.add_argument("--full", action="store_true", help="every passage, each of its faults")
    parser.add_argument("--only", default="", metavar="TEXT", help="places that have this in them")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    with world() as made:
        torture = Torture(made, options.jobs)
        try:
            return _report(torture, options)
        finally:
            torture.close()


def _report(torture: Torture, options: argparse.Namespace) -> int:
    for place, count in sorted(torture.places.items()):
        print(f"{count:5} {place}")
    print(f"{torture.places.total()} passages at {len(torture.places)} places", flush=True)
    passages = [p for p in torture.passages(full=options.full) if options.only in str(p)]
    if not options.all and not options.full:
        passages = sample(passages, options.sample, options.seed)
    began, found, missed = time.monotonic(), 0, list[Passage]()
    codes: Counter[int] = Counter()
    for number, trial in enumerate(torture.trials(passages), 1):
        codes[trial.run.ended.code] += 1
        if not trial.reached:
            missed.append(trial.passage)
        if trial.findings:
            found += 1
            print(told(trial), flush=True)
        if number % 50 == 0:
            print(f"... {number} of {len(passages)}, {time.monotonic() - began:.0f} s", flush=True)
    print(f"{len(passages)} trials in {time.monotonic() - began:.0f} s; exit codes {dict(codes)}")
    print(f"{found} with findings; {len(missed)} passages were not there this time: {missed}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
