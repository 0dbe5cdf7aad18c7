"""The TOML file: what it may say, and where it says what it may not."""

from __future__ import annotations

from pathlib import Path

import pytest

from scrapeq.config import line_of, load, nearest
from scrapeq.errors import UsageError
from tests.program_kit import CommandLine


@pytest.fixture
def cli(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> CommandLine:
    return CommandLine(tmp_path, monkeypatch, capsys)


def fault(folder: Path, text: str) -> str:
    file = folder / "c.toml"
    file.write_text(text)
    with pytest.raises(UsageError) as caught:
        load(file)
    return str(caught.value).removeprefix(str(file))


def test_a_file_is_its_run_table_and_its_rules(tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_text(
        "\ufeff[run]\nfetchers = 3\n[[extract]]\nfields = { a = 'b' }\n[[extract]]\n", "utf-8"
    )
    config = load(file)
    assert config.run == {"fetchers": 3}
    assert config.extract == [{"fields": {"a": "b"}}, {}]


def test_an_empty_file_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "c.toml").touch()
    config = load(tmp_path / "c.toml")
    assert (config.run, config.extract) == ({}, [])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[run]\n\nfetchrs = 3\n", ", line 3: unknown key 'fetchrs'; did you mean 'fetchers'?"),
        ("[run]\nurl-queue = 3\n", ", line 2: unknown key 'url-queue'; did you mean 'url_queue'?"),
        ("[run]\n'delai' = 3\n", ", line 2: unknown key 'delai'; did you mean 'delay'?"),
        ("[run]\nxyzzy = 3\n", ", line 2: unknown key 'xyzzy' (there are: color, "),
        ("[rum]\nx = 3\n", ", line 1: unknown section 'rum'; did you mean 'run'?"),
        ("[[extrakt]]\n", ", line 1: unknown section 'extrakt'; did you mean 'extract'?"),
        ("\nfetchers = 3\n", ", line 2: fetchers stands in no section: write [run] above it"),
        ("run = 3\n", ", line 1: run is a table: write [run]"),
        ("[[run]]\nfetchers = 3\n", ", line 1: run is a table: write [run]"),
        ("[extract]\ntable = 'x'\n", ", line 1: extract is a list of tables: write [[extract]]"),
        ("extract = [1]\n", ", line 1: extract is a list of tables: write [[extract]]"),
        ("[run]\nfetchers = '3'\n", ', line 2: fetchers: "3" is not a whole number'),
        ("[run]\nfetchers = 3.0\n", ", line 2: fetchers: 3.0 is not a whole number"),
        ("[run]\nfetchers = true\n", ", line 2: fetchers: true is not a whole number"),
        ("[run]\nfetchers = [3]\n", ", line 2: fetchers: [3] is not a whole number"),
        ("[run]\ntimeout = '1'\n", ', line 2: timeout: "1" is not a number'),
        ("[run]\nrobots = 1\n", ", line 2: robots: 1 is not true or false"),
        ("[run]\nrobots = 'no'\n", ', line 2: robots: "no" is not true or false'),
        ("[run]\noutput = 3\n", ", line 2: output: 3 is not a text"),
        ("[run]\nsummary = false\n", ", line 2: summary: false is not a text"),
        ("[run]\nselect = 'a=b'\n", ', line 2: select: "a=b" is not a list of texts'),
        ("[run]\nselect = ['a=b', 1]\n", ", line 2: select: ['a=b', 1] is not a list of texts"),
        ("[run]\nmax_size = 1.5\n", ", line 2: max_size: 1.5 is not a whole number"),
        ("[run]\norder = 'up'\n", ', line 2: order: "up" is not one of fifo, lifo, priority'),
        ("[run]\norder = 3\n", ", line 2: order: 3 is not one of fifo, lifo, priority"),
        ("[run]\nfetchers = {}\n", ", line 2: fetchers: {} is not a whole number"),
        ("run.fetchrs = 3\n", ", line 1: unknown key 'fetchrs'; did you mean 'fetchers'?"),
        ("run = { fetchrs = 3 }\n", ", line 1: unknown key 'fetchrs'; did you mean 'fetchers'?"),
    ],
)
def test_what_it_may_not_say_is_named_with_its_line(
    text: str, expected: str, tmp_path: Path
) -> None:
    assert fault(tmp_path, text).startswith(expected)


@pytest.mark.parametrize("text", ["x = [\n", "x\n", "[run]\na = 1\na = 2\n", "[run\n"])
def test_what_is_no_toml_is_said_with_its_place(text: str, tmp_path: Path) -> None:
    said = fault(tmp_path, text)
    assert said.startswith(": ")
    assert "at line" in said or "at end of document" in said


def test_a_file_that_is_no_utf_8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_bytes(b"[run]\nuser_agent = 'caf\xe9'\n")
    with pytest.raises(UsageError, match=r"c\.toml: .*utf-8"):
        load(tmp_path / "c.toml")


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, cli: CommandLine) -> None:
    assert "nowhere.toml: No such file" in cli.refusal("-c", "nowhere.toml")
    (tmp_path / "folder").mkdir()
    assert "folder: Is a directory" in cli.refusal("-c", "folder")


def test_a_file_that_never_ends_is_refused() -> None:
    with pytest.raises(UsageError, match="more than 1 MB"):
        load(Path("/dev/zero"))


def test_the_file_that_is_wrong_is_the_one_that_is_named(cli: CommandLine) -> None:
    cli.write("scrapeq.toml", "[run]\nfetchers = 3\n")
    cli.write(cli.personal, "[run]\n\n\nfetchers = 'three'\n")
    assert "scrapeq/config.toml, line 4: " in cli.refusal()


def test_a_range_and_a_selector_are_checked_with_file_and_line(cli: CommandLine) -> None:
    cli.write("scrapeq.toml", "[run]\nsavers = 1\nfetchers = 0\n")
    assert "scrapeq.toml, line 3: fetchers: " in cli.refusal()
    cli.write("scrapeq.toml", "[run]\nselect = ['a=b', 'c=d[']\n")
    assert "scrapeq.toml, line 2: --select c=d[: 'd[' is not a CSS selector" in cli.refusal()


def test_config_goes_in_place_of_the_projects_file_which_may_then_be_wrong(
    cli: CommandLine,
) -> None:
    cli.write("scrapeq.toml", "not toml")
    cli.write("own.toml", "[run]\nfetchers = 3\n")
    assert cli.run("-c", "own.toml").fetchers == 3


def test_a_hostile_key_cannot_reach_the_terminal(cli: CommandLine) -> None:
    cli.write("scrapeq.toml", '[run]\n"\\u001b]0;x\\u0007\\u202e" = 1\n')
    said = cli.refusal()
    assert "\x1b" not in said
    assert "\u202e" not in said


# ---- lines


def test_a_line_is_found_by_the_path_of_keys() -> None:
    text = (
        "# fetchers = 1\n[run]\nfetchers = 2\n\n[[extract]]\ntable = 'a'\n[extract.fields]\n"
        "table = 'b'\n[[extract]]\n[extract.fields]\n\"title\" = 'c'\nx = { css = '[' }\n"
    )
    assert line_of(text, ["run"]) == 2
    assert line_of(text, ["run", "fetchers"]) == 3
    assert line_of(text, ["extract", 0, "table"]) == 6
    assert line_of(text, ["extract", 0, "fields", "table"]) == 8
    assert line_of(text, ["extract", 1]) == 9
    assert line_of(text, ["extract", 1, "fields", "title"]) == 11
    assert line_of(text, ["extract", 1, "fields", "x", "css"]) == 12, "the nearest parent"
    assert line_of(text, ["nowhere"]) is None


def test_the_nearest_name_is_one_that_is_near() -> None:
    assert nearest("fetchers", ["fetch", "x"]) == "; did you mean 'fetch'?"
    assert nearest("zzz", ["b", "a"]) == " (there are: a, b)"
