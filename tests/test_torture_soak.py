"""A few seconds of `tests.torture.soak`: whether nothing grows, only the long run can tell."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.torture import soak, soak_site

EVERY = 4


@pytest.mark.timeout(180)
def test_a_run_with_faults_of_all_kinds_gives_each_url_its_verdict_and_says_nothing(
    tmp_path: Path,
) -> None:
    with soak.site() as port:
        soaked = soak.soak(tmp_path, port, 4, 60, EVERY)
        assert soak.faults_of(soaked, tmp_path, port, EVERY) == []
    missing = {*soak_site.COMMON, *soak_site.BAD_LINES, "tags"} - soaked.kinds.keys()
    assert not missing
    assert soaked.samples
