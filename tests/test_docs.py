"""What is written about the options is what the options are."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from scrapeq.config import load
from scrapeq.example import example, options_table
from scrapeq.extract import tables
from scrapeq.rules import rules_of
from scrapeq.settings import Settings, described
from tests.program_kit import CommandLine

ROOT = Path(__file__).parent.parent
BEGIN, END = "<!-- options -->", "<!-- /options -->"


@pytest.fixture
def cli(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> CommandLine:
    return CommandLine(tmp_path, monkeypatch, capsys)


def uncommented(text: str) -> str:
    """With every setting in force: a comment has a blank after its #, a setting has not."""
    return re.sub(r"(?m)^#(?=[^# ])", "", text)


# ---- config.example.toml


def test_the_example_file_is_what_its_generator_makes() -> None:
    made = "run: python -m scrapeq.example > config.example.toml"
    assert (ROOT / "config.example.toml").read_text("utf-8") == example(), made


def test_the_example_file_as_it_stands_changes_nothing(cli: CommandLine) -> None:
    cli.write("scrapeq.toml", example())
    assert cli.run() == Settings()


def test_every_option_of_the_example_file_loads_and_is_the_default(cli: CommandLine) -> None:
    head, _ = uncommented(example()).split("[[extract]]")
    cli.write("scrapeq.toml", head)
    assert list(tomllib.loads(head)["run"]) == [option.name for option in described()]
    found, examples = cli.run(), {}
    for option in described():
        if option.option.example is None:
            assert getattr(found, option.name) == option.default
        else:  # one that has no default to be written
            examples[option.name] = getattr(found, option.name)
            assert option.default is None or option.option.shown_default
    assert examples == {
        "limit": 1000,
        "parsers": 4,
        "proxy": "http://proxy.example:3128/",
        "max_failures": "5%",
        "summary": "summary.json",
    }


def test_every_flag_of_the_help_stands_in_the_example_file(cli: CommandLine) -> None:
    helped = set(re.findall(r"(?m)^ +(?:-\w, )?--([a-z-]+)", cli("run", "--help").out))
    told = {name.replace("_", "-") for name in re.findall(r"(?m)^#(\w+) = ", example())}
    assert helped - told == {"config", "help"}


def test_every_option_is_shown_with_its_help_its_choices_and_its_range() -> None:
    text = " ".join(example().replace("\n#", " ").split())
    for option in described():
        assert option.option.help in text
        for choice in option.choices:
            assert choice in text
    assert "1 to 10,000. fetchers = 32" in text
    assert "fifo, lifo or priority. order =" in text
    assert "0.001 to 86,400. timeout = 30" in text


def test_the_rules_of_the_example_file_load_and_show_all_that_rules_can_do(
    tmp_path: Path,
) -> None:
    file = tmp_path / "c.toml"
    file.write_text(uncommented(example()))
    (rule,) = rules_of((), load(file))
    assert (rule.table, rule.match, rule.each) == (
        "books", "*/catalogue/*", "article.product_pod",
    )  # fmt: skip
    assert {field.take for field in rule.fields} == {"text", "own", "attr", "html", "count"}
    assert any(field.absolute for field in rule.fields)
    assert tables([rule])["books"]["stars"] == "INTEGER"


# ---- README.md


def test_the_readme_has_the_table_of_all_options() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    assert text.count(BEGIN) == text.count(END) == 1, f"README.md needs {BEGIN} and {END}, once"
    found = text.split(BEGIN)[1].split(END)[0].strip()
    command = 'python -c "from scrapeq.example import options_table; print(options_table())"'
    assert found == options_table(), f"between them goes what this prints: {command}"


def test_the_table_has_a_row_for_each_option() -> None:
    head, rule, *rows = options_table().splitlines()
    assert (head, rule) == ("| flag | default | what it does |", "|---|---|---|")
    assert len(rows) == len(list(described()))
    cells: list[Any] = [re.split(r"(?<!\\)\|", row)[1:-1] for row in rows]
    assert {len(row) for row in cells} == {3}
    by_flag = {row[0].strip(): row[1].strip() for row in cells}
    assert by_flag["`-j, --fetchers N`"] == "`32`"
    assert by_flag["`--parsers N`"] == "`CPU cores`"
    assert by_flag["`--resume/--fresh`"] == "`--resume`"
    assert by_flag["`--durable`"] == "off"
    assert by_flag["`--limit N`"] == "none"
    assert by_flag["`--order fifo\\|lifo\\|priority`"] == "`fifo`"
