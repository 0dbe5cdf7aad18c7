"""The catalogue has no holes: each of its 117 faults has a test that begins with its number."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

FAULTS = 117
HERE = Path(__file__).parent


def numbered() -> Iterator[tuple[int, ast.FunctionDef]]:
    """All tests in this folder that are called `test_NNN_...`."""
    for file in HERE.glob("test_*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.FunctionDef) and (
                match := re.match(r"test_(\d{3})_\w+", node.name)
            ):
                yield int(match[1]), node


def test_no_fault_is_without_a_test() -> None:
    assert {number for number, _ in numbered()} == set(range(1, FAULTS + 1))


def test_each_of_them_runs_something_and_none_is_left_out() -> None:
    """By itself or by a function that it calls; a mark that skips it would be no test either."""
    for number, test in numbered():
        assert any(isinstance(node, ast.Call) for node in ast.walk(test)), number
        marks = " ".join(ast.unparse(mark) for mark in test.decorator_list)
        assert not re.search("skip|xfail", marks), number


def test_no_file_of_the_catalogue_skips_anything() -> None:
    for file in HERE.glob("*.py"):
        if file != Path(__file__):
            assert not re.search(r"pytest\.(mark\.)?(skip|xfail|importorskip)", file.read_text())
