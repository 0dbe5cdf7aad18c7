"""The catalogue has no holes: each of its 117 faults has a test that begins with its number."""

from __future__ import annotations

import ast
import re
from pathlib import Path

FAULTS = 117
HERE = Path(__file__).parent


def numbers() -> set[int]:
    """Of all tests in this folder that are called `test_NNN_...`."""
    found = set()
    for file in HERE.glob("test_*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.FunctionDef) and (
                match := re.match(r"test_(\d{3})_\w+", node.name)
            ):
                found.add(int(match[1]))
    return found


def test_no_fault_is_without_a_test() -> None:
    assert numbers() == set(range(1, FAULTS + 1))
