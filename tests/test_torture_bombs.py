"""Bombs of every kind among good pages, in one run: see tests/torture/bombs.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.torture.bombs import BURST, EXPECTED, run


@pytest.mark.timeout(240)
def test_bombs_hurt_nobody_but_themselves(tmp_path: Path) -> None:
    """Each kind once; by hand there are ten times as many pages, and their times count."""
    report = run(tmp_path, 500, 500 // len(EXPECTED), deadline=2, seconds=200)
    assert report.faults() == []
    assert set(report.bombs) == set(EXPECTED)
    assert report.good.total() + sum(found.total() for found in report.bombs.values()) == 500
    lost = sum(found[how] for found in report.bombs.values() for how in BURST - {"done"})
    assert report.starts or not lost
