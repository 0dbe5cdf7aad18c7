"""Every option, wherever it is given: one declaration, five places, one order among them."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrapeq.errors import UsageError
from scrapeq.options import Described
from scrapeq.settings import Settings, check, cores, described
from scrapeq.values import (
    parse_agent,
    parse_allowance,
    parse_output,
    parse_size,
    shown_size,
    toml_value,
)
from tests.program_kit import CommandLine

OPTIONS = {option.name: option for option in described()}


@pytest.fixture
def cli(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> CommandLine:
    return CommandLine(tmp_path, monkeypatch, capsys)


# ---- values


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("500", 500), (500, 500), ("64K", 65_536), ("10M", 10 << 20), ("1.5G", 3 << 29),
        ("10m", 10 << 20), ("10MB", 10 << 20), ("10MiB", 10 << 20), (" 10 M ", 10 << 20),
    ],
)  # fmt: skip
def test_sizes_are_read_as_people_write_them(text: str | int, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(
    "text", ["", "0", "0.1", "-1", "M", "10X", "1e6", "ten", "1,5M", "١٢", 0, "9" * 400]
)
def test_what_is_no_size_is_refused(text: str | int) -> None:
    with pytest.raises(ValueError, match="is not a size such as"):
        parse_size(text)


@given(st.integers(1, 10**6), st.sampled_from(["", "K", "M", "G"]))
def test_a_size_is_its_number_times_its_unit(number: int, unit: str) -> None:
    assert (
        parse_size(f"{number}{unit}") == number * {"": 1, "K": 2**10, "M": 2**20, "G": 2**30}[unit]
    )


@pytest.mark.parametrize("text", ["0", "7", 7, "0%", "5%", "2.5%", "100%"])
def test_failures_are_allowed_as_a_number_or_a_share(text: str | int) -> None:
    assert parse_allowance(text) == str(text)


@pytest.mark.parametrize("text", ["", "-1", "101%", "5.5", "%", "5 %", "many", "٣", "9" * 5000])
def test_what_is_no_number_of_failures_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a number of failures"):
        parse_allowance(text)


@pytest.mark.parametrize("name", ["-", "x.csv", "x.JSONL", "x.parquet", "", ".", "/"])
def test_results_go_to_a_file_that_can_be_a_database(name: str) -> None:
    with pytest.raises(ValueError, match=r"SQLite|no name"):
        parse_output(name)


def test_a_user_agent_cannot_smuggle_a_header() -> None:
    with pytest.raises(ValueError, match="printable ASCII"):
        parse_agent("me\r\nCookie: x")
    assert parse_agent("me/1 (+https://me.test)") == "me/1 (+https://me.test)"


def test_parsers_are_as_many_as_the_cores_we_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 5, 7}, raising=False)
    assert cores() == 3
    assert Settings().parsers == 3


def test_a_parser_has_room_for_the_largest_page() -> None:
    check(Settings())
    with pytest.raises(UsageError, match="needs at least 728M"):
        check(Settings(max_size=600 << 20))
    with pytest.raises(UsageError, match="--parse-memory 64M"):
        check(Settings(parse_memory=64 << 20))


VALUES = (
    st.text(st.characters(exclude_categories=["Cs"]))
    | st.booleans()
    | st.integers()
    | st.floats(0, 1e5).map(lambda number: round(number, 2))
)


@given(VALUES)
def test_a_value_is_written_as_toml_reads_it(value: Any) -> None:
    assert tomllib.loads(f"x = {toml_value(value)}")["x"] == value


# ---- what each option has


@pytest.mark.parametrize("option", OPTIONS.values(), ids=OPTIONS)
def test_each_option_is_described_and_its_default_is_one_it_allows(option: Described) -> None:
    given = option.option
    assert given.help.endswith(".")
    assert given.help[0].isupper()
    assert given.panel
    assert option.flags[-1].startswith("--")
    assert option.default in (None, ()) or option.parse(option.default) == option.default
    if isinstance(option.default, int | float):
        assert (given.minimum or 0) <= option.default <= (given.maximum or 10**9)
    if option.choices:
        assert option.default in option.choices


def test_no_two_options_share_a_flag_and_all_settings_are_options() -> None:
    flags = [
        flag for option in OPTIONS.values() for given in option.flags for flag in given.split("/")
    ]
    assert len(flags) == len(set(flags))
    assert list(OPTIONS) == [field.name for field in fields(Settings)]


# ---- where an option may be given

LADDERS: Sequence[tuple[str, list[tuple[Any, Any]]]] = [
    # name, then (as written, as meant) for: flag, environment, --config, ./scrapeq.toml, personal
    ("fetchers", [(1, 1), (2, 2), (3, 3), (4, 4), (5, 5)]),
    ("limit", [(1, 1), (2, 2), (3, 3), (4, 4), (5, 5)]),
    ("timeout", [(1.5, 1.5), (2.5, 2.5), (3, 3.0), (4.5, 4.5), (5, 5.0)]),
    ("order", [("lifo", "lifo"), ("priority", "priority"), ("fifo", "fifo"),
               ("lifo", "lifo"), ("priority", "priority")]),
    ("output", [(f"{n}.db", Path(f"{n}.db")) for n in "abcde"]),
    ("user_agent", [(f"me {n}", f"me {n}") for n in "abcde"]),
    ("max_size", [("1K", 1024), ("2K", 2048), (3, 3), ("4M", 4 << 20), ("5M", 5 << 20)]),
    ("max_failures", [("1", "1"), ("2%", "2%"), (3, "3"), ("4%", "4%"), (5, "5")]),
    ("summary", [("-", "-"), ("b", "b"), ("c", "c"), ("d", "d"), ("e", "e")]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "rungs"), LADDERS, ids=[name for name, _ in LADDERS])
def test_flag_over_environment_over_config_over_project_over_personal_over_default(
    name: str, rungs: list[tuple[Any, Any]], cli: CommandLine
) -> None:
    option = OPTIONS[name]
    flag, variable, config, project, personal = (written for written, _ in rungs)
    cli.write("own.toml", f"[run]\n{name} = {toml_value(config)}\n")
    cli.write("scrapeq.toml", f"[run]\n{name} = {toml_value(project)}\n")
    cli.write(cli.personal, f"[run]\n{name} = {toml_value(personal)}\n")
    flags: list[str] = ["--config", "own.toml", option.flags[-1], str(flag)]
    variables = {option.variable: str(variable)}

    def value(flags: Sequence[str], **variables: str) -> Any:
        return getattr(cli.run(*flags, **variables), name)

    found = [value(flags, **variables), value(flags[:2], **variables), value(flags[:2]), value([])]
    (cli.folder / "scrapeq.toml").unlink()
    found.append(value([]))
    cli.personal.unlink()
    assert found == [meant for _, meant in rungs]
    assert value([]) == option.default


@pytest.mark.parametrize("name", [name for name, option in OPTIONS.items() if option.type is bool])
def test_a_switch_can_be_turned_on_and_off_in_each_place(name: str, cli: CommandLine) -> None:
    option = OPTIONS[name]
    on, _, off = option.flags[-1].partition("/")

    def value(*flags: str, **variables: str) -> bool:
        return bool(getattr(cli.run(*flags, **variables), name))

    for text, meant in (("1", True), ("true", True), ("0", False), ("false", False), ("no", False)):
        assert value(**{option.variable: text}) is meant
    for meant in (True, False):
        cli.write("scrapeq.toml", f"[run]\n{name} = {toml_value(meant)}\n")
        assert value() is meant
        assert value(**{option.variable: str(not meant)}) is not meant
        assert value(on, **{option.variable: "0"}) is True
        if off:
            assert value(off, **{option.variable: "1"}) is False


def test_selectors_come_from_a_file_or_from_flags_but_not_from_the_environment(
    cli: CommandLine,
) -> None:
    cli.write("scrapeq.toml", '[run]\nselect = ["a = p > b", "c=d"]\n')
    assert cli.run().select == ("a = p > b", "c=d")
    assert "SCRAPEQ_RUN_SELECT" in cli.refusal(SCRAPEQ_RUN_SELECT="x=y")
    assert cli.run("-s", "e=f", "-s", "g=h i").select == ("e=f", "g=h i")


@pytest.mark.parametrize("option", OPTIONS.values(), ids=OPTIONS)
def test_each_option_has_its_variable_in_the_environment(
    option: Described, cli: CommandLine
) -> None:
    if not option.variable:
        assert option.name in ("select", "header", "cookie")
        return
    assert option.variable == f"SCRAPEQ_RUN_{option.name.upper()}"
    example: Any = {
        "private": "allow", "progress": "none", "order": "lifo", "parse_memory": "600M",
        "max_size": "1M", "max_decoded": "1M", "output": "x.db", "user_agent": "me",
        "summary": "x", "max_failures": "3", "max_header": "3K", "proxy": "http://p.test/",
    }.get(option.name, str(not option.default).lower() if option.type is bool else "3")  # fmt: skip
    assert getattr(cli.run(**{option.variable: example}), option.name) != option.default


def test_an_empty_variable_is_no_variable(cli: CommandLine) -> None:
    assert cli.run(SCRAPEQ_RUN_FETCHERS="", SCRAPEQ_RUN_SUMMARY="") == Settings()


def test_variables_of_others_change_nothing(cli: CommandLine) -> None:
    variables = ("SCRAPEQ_VERSION", "SCRAPEQ_FETCHERS", "FETCHERS", "SCRAPEQ_RUN")
    assert cli.run(**dict.fromkeys(variables, "1"), SCRAPEQ_RUN_NONSENSE="") == Settings()


def test_a_variable_of_no_option_is_refused_with_the_nearest_name(cli: CommandLine) -> None:
    refusal = cli.refusal(SCRAPEQ_RUN_FETCHER="1")
    assert "SCRAPEQ_RUN_FETCHER" in refusal
    assert "did you mean SCRAPEQ_RUN_FETCHERS?" in refusal


def test_config_may_come_from_the_environment(cli: CommandLine) -> None:
    cli.write("own.toml", "[run]\nfetchers = 7\n")
    assert cli.run(SCRAPEQ_RUN_CONFIG="own.toml").fetchers == 7


@pytest.mark.parametrize("folder", ["", "relative"])
def test_a_personal_folder_that_is_no_absolute_path_is_none(folder: str, cli: CommandLine) -> None:
    cli.write(f"{folder or '.'}/scrapeq/config.toml", "[run]\nfetchers = 7\n")
    assert cli.run(XDG_CONFIG_HOME=folder).fetchers == 32
    cli.write(cli.personal, "[run]\nfetchers = 8\n")
    assert cli.run(XDG_CONFIG_HOME=folder).fetchers == 8, "~/.config it is"


def test_options_of_different_files_add_up(cli: CommandLine) -> None:
    cli.write(cli.personal, "[run]\nfetchers = 5\nsavers = 2\n")
    cli.write("scrapeq.toml", "[run]\nfetchers = 6\nretries = 7\n")
    settings = cli.run("--delay", "0.5")
    assert (settings.fetchers, settings.savers, settings.retries, settings.delay) == (6, 2, 7, 0.5)


# ---- what is refused

WRONG = [
    ("fetchers", ["0", "-1", "10001", "3.5", "many", "99999999999999999999", "1e3"]),
    ("parsers", ["0", "257"]),
    ("savers", ["0", "65"]),
    ("url_queue", ["0", "1000001"]),
    ("page_queue", ["0", "1000001"]),
    ("save_queue", ["0", "1000001"]),
    ("read_ahead", ["0"]),
    ("per_host", ["0"]),
    ("limit", ["0", "none"]),
    ("delay", ["-1", "nan", "inf", "soon", "86401"]),
    ("timeout", ["0", "-1", "inf", "nan"]),
    ("connect_timeout", ["0", "inf"]),
    ("read_timeout", ["0", "inf"]),
    ("parse_timeout", ["0", "inf", "1e12"]),
    ("grace", ["-1", "inf"]),
    ("retries", ["-1", "101"]),
    ("max_redirects", ["-1"]),
    ("max_size", ["0", "lots", "65G", "-1M"]),
    ("max_decoded", ["0", "65G"]),
    ("parse_memory", ["1M", "65G"]),
    ("max_header", ["0", "1023", "2M"]),
    ("proxy", ["p.test:80", "socks5://p.test/", "https://p.test/", "http://p.test/x", "http://"]),
    ("order", ["random", "FIFO"]),
    ("private", ["maybe"]),
    ("progress", ["much"]),
    ("max_failures", ["-1", "101%", "few"]),
    ("output", ["-", "x.csv"]),
    ("user_agent", ["me\nx: y", "mé"]),
]


@pytest.mark.parametrize(("name", "values"), WRONG, ids=[name for name, _ in WRONG])
def test_a_wrong_value_is_refused_by_flag_by_variable_and_by_file(
    name: str, values: list[str], cli: CommandLine
) -> None:
    option = OPTIONS[name]
    flag = option.flags[-1]
    for value in values:
        assert flag in cli.refusal(f"{flag}={value}")
        assert flag in cli.refusal(**{option.variable: value})
        number = value if option.type in (int, float, int | None) and value[-1].isdigit() else None
        written = number or toml_value(value)
        cli.write("scrapeq.toml", f"[run]\n\n{name} = {written}\n")
        if name == "parse_memory" and value == "1M":  # only too little beside --max-size
            continue
        assert f"scrapeq.toml, line 3: {name}: " in cli.refusal()
        (cli.folder / "scrapeq.toml").unlink()


@pytest.mark.parametrize("text", ["1", "1023", "64M", "500K", "3G", "1025"])
def test_a_size_is_shown_as_it_can_be_written(text: str) -> None:
    assert shown_size(parse_size(text)) == text
