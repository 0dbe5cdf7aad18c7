"""A sample of the borders of a run, each of which fails once: see tests/torture/awaits.py."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

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
    ("place", "fault"),
    [
        ("list.await block", "cancelled"),
        ("net.await body of robots.txt", "cancelled"),
        ("store close", "db_io"),
        ("thread list", "no_thread"),
        ("thread ThreadPoolExecutor", "no_thread"),
        ("store execute COMMIT", "cancelled"),
        ("pipe.recv", "half"),
    ],
)
def test_what_once_hung_or_crashed_does_so_no_more(
    torture: Torture, place: str, fault: str
) -> None:
    trial = torture.trial(Passage(place, 1, fault))
    assert trial.reached
    assert not trial.findings, told(trial)
