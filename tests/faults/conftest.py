"""What all fault tests may ask for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.site import Site, serving


@pytest.fixture
def site() -> Iterator[Site]:
    """Pages that are well."""
    with serving() as site:
        yield site
