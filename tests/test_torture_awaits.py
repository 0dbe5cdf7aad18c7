"""A sample of the borders of a run, each of which fails once: see tests/torture/awaits.py."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from scrapeq.runner import _Threads
from tests.torture.awaits import Torture, sample, told, world
from tests.torture.passages import KINDS, Passage

pytestmark = pytest.mark.timeout(400)

TRIALS = 40
SEED = 4


@pytest.fixture(scope="module")
def torture() -> Iterator[Torture]:
    with world() as made:
        torture = Torture(made, jobs=2)
        try:
            yield torture
        finally:
            torture.close()


def test_every_border_of_a_run_is_watched(torture: Torture) -> None:
    assert {place.split()[0] for place in torture.places} == set(KINDS)


def test_whatever_fails_once_a_run_ends_cleanly_and_the_next_one_completes(
    torture: Torture,
) -> None:
    chosen = sample(torture.passages(), TRIALS, SEED)
    findings = [told(trial) for trial in torture.trials(chosen) if trial.findings]
    assert findings == [], "\n".join(findings)


@pytest.mark.parametrize(
    ("passage", "code"),
    [
        (Passage("list.await block", 1, "cancelled"), 1),
        (Passage("thread list", 1, "no_thread"), 1),
        (Passage("store execute COMMIT", 2, "cancelled"), 4),
        (Passage("store close", 1, "db_io"), 4),
        (Passage("net.await body of robots.txt", 1, "cancelled"), 0),
        (Passage("pipe.recv", 1, "half"), 0),
    ],
    ids=str,
)
def test_what_once_hung_or_crashed_does_so_no_more(
    torture: Torture, passage: Passage, code: int
) -> None:
    trial = torture.trial(passage)
    assert trial.reached
    assert not trial.findings, told(trial)
    assert trial.run.ended.code == code, told(trial)


def test_a_thread_that_cannot_be_started_is_a_fault_of_the_system(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with _Threads(1) as threads:
        monkeypatch.setattr(threading.Thread, "start", refuse)
        with pytest.raises(OSError, match="can't start new thread"):
            threads.submit(int)
