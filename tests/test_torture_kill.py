"""Runs that are killed anywhere, and resumed: a share of `python -m tests.torture.kill`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.torture.kill import trials
from tests.torture.moments import PINNED
from tests.torture.report import complaint, figures
from tests.torture.trial import Report

pytestmark = pytest.mark.timeout(900)  # some 30 seconds where nobody else is at work

ODD, EVEN = range(1, 51, 2), range(2, 51, 2)
"""Seeds of trials that begin with a kill at a pinned moment, and of those at a random one."""


def all_hold(reports: Iterable[Report]) -> list[Report]:
    found = []
    for report in reports:
        assert not report.failure, complaint(report)
        found.append(report)
    return found


def test_a_run_killed_at_a_pinned_moment_loses_nothing_and_saves_nothing_twice(
    tmp_path: Path,
) -> None:
    reports = all_hold(trials(ODD, 2, tmp_path))
    assert set(PINNED) <= set(figures(reports, 0)["moments"])
    assert sum(kill.killed for report in reports for kill in report.kills) > len(ODD) / 2


def test_a_run_killed_at_a_random_moment_loses_nothing_and_saves_nothing_twice(
    tmp_path: Path,
) -> None:
    reports = all_hold(trials(EVEN, 2, tmp_path))
    assert sum(kill.killed for report in reports for kill in report.kills) > len(EVEN) / 2
