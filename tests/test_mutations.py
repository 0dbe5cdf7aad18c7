"""The table of mutations does not rot: each still fits the code. None of them runs here."""

from __future__ import annotations

import ast
from collections import Counter

import pytest

from tests.mutations import MUTATIONS, ROOT, Mutation, main

each_mutation = pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda row: row.name)


@each_mutation
def test_each_mutation_fits_the_code_once_and_leaves_code(mutation: Mutation) -> None:
    code = (ROOT / "scrapeq" / mutation.file).read_text()
    mutated = mutation.apply(code)
    assert ast.dump(ast.parse(mutated)) != ast.dump(ast.parse(code))


@each_mutation
def test_the_tests_that_must_notice_a_mutation_exist(mutation: Mutation) -> None:
    assert mutation.tests
    for name in mutation.tests:
        assert (ROOT / "tests" / name.partition("::")[0]).is_file()


def test_no_two_mutations_share_a_name() -> None:
    assert max(Counter(mutation.name for mutation in MUTATIONS).values()) == 1


def test_a_mutation_that_fits_twice_or_never_is_an_error() -> None:
    mutation = Mutation("twice", "x.py", "old", "new", "nothing", ("test_mutations.py",))
    assert mutation.apply("an old tale") == "an new tale"
    for code in ("old and old", "young"):
        with pytest.raises(ValueError, match="its old text is"):
            mutation.apply(code)


def test_a_name_that_is_not_in_the_table_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["no-such-row"]) == 2
    assert "no-such-row" in capsys.readouterr().out
