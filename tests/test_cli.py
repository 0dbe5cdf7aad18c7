"""The command line: help, mistakes, and streams that are not there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scrapeq import __version__
from scrapeq.settings import Settings, described
from tests.program_kit import PROGRAM, CommandLine, environment, scrapeq
from tests.site import PATIENCE


@pytest.fixture
def cli(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> CommandLine:
    return CommandLine(tmp_path, monkeypatch, capsys)


# ---- help


def test_no_arguments_show_the_help(cli: CommandLine) -> None:
    called = cli()
    assert "Usage: scrapeq" in called.out + called.err
    assert "run" in called.out + called.err


@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help_goes_to_stdout(flag: str, cli: CommandLine) -> None:
    called = cli(flag)
    assert (called.code, called.err) == (0, "")
    assert called.out.startswith("Usage: scrapeq [OPTIONS] COMMAND")
    assert "env var" not in called.out


@pytest.mark.parametrize("flag", ["--version", "-V"])
def test_version_is_one_line(flag: str, cli: CommandLine) -> None:
    called = cli(flag)
    assert (called.code, called.out, called.err) == (0, f"scrapeq {__version__}\n", "")


def test_the_help_of_run_tells_each_option_with_its_default(cli: CommandLine) -> None:
    called = cli("run", "--help", COLUMNS="200")
    assert called.code == 0
    words = " ".join(called.out.split())
    for option in described():
        for flag in option.flags:
            assert flag.replace("/", " / ") in words
        assert option.option.help in words
        assert f"{option.flags[-1].replace('/', ' / ')} {option.metavar}".strip() in words
        if option.option.minimum and option.option.maximum and not option.option.parse:
            assert f"{option.option.minimum}<=x<={option.option.maximum}" in words


def test_help_fits_a_terminal_of_80_columns(cli: CommandLine) -> None:
    for words in (["--help"], ["run", "--help"], ["demo", "--help"], ["bench", "--help"]):
        assert max(map(len, cli(*words, COLUMNS="80").out.splitlines())) <= 80


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from scrapeq import cli\n"
        "try: cli.main()\n"
        "except SystemExit: pass\n"
        "heavy = {'aiohttp', 'asyncio', 'aiosqlite', 'sqlite3', 'selectolax', 'rich', 'yarl'}\n"
        "sys.exit(str(heavy & sys.modules.keys()) if heavy & sys.modules.keys() else 0)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, "--help"], capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")


# ---- mistakes


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--fetchrs", "3"], "--fetchers"),
        (["--retry-fail"], "--retry-failed"),
        (["--page-queues", "3"], "--page-queue"),
        (["--no-colour"], "--no-color"),
    ],
)
def test_a_wrong_flag_is_refused_with_the_nearest_right_one(
    words: list[str], expected: str, cli: CommandLine
) -> None:
    said = cli.refusal(*words)
    assert f"No such option: {words[0]}" in said
    assert expected in said


def test_a_flag_is_not_guessed_from_its_beginning(cli: CommandLine) -> None:
    assert "No such option" in cli.refusal("--fetch", "3")


def test_a_wrong_command_is_refused_with_the_nearest_right_one(cli: CommandLine) -> None:
    called = cli("rnu", "urls.txt")
    assert called.code == 2
    assert "run" in called.err.split("No such command")[1]


def test_a_run_without_a_source_is_refused(cli: CommandLine) -> None:
    called = cli("run")
    assert called.code == 2
    assert "SOURCE" in called.err


def test_a_flag_without_its_value_is_refused(cli: CommandLine) -> None:
    assert "requires an argument" in cli.refusal("--fetchers")


def test_flags_may_stand_before_and_after_the_sources(cli: CommandLine) -> None:
    called = cli("run", "-j", "3", "a.txt", "-R0", "-", "--", "-b.txt")
    assert called.sources == ("a.txt", "-", "-b.txt")
    assert called.settings is not None
    assert (called.settings.fetchers, called.settings.retries) == (3, 0)


def test_the_last_of_two_equal_flags_wins(cli: CommandLine) -> None:
    assert cli.run("-j", "3", "--fetchers", "4", "--fresh", "--resume").fetchers == 4
    assert cli.run("--resume", "--fresh").resume is False


def test_without_flags_all_is_as_it_is_declared(cli: CommandLine) -> None:
    assert cli.run() == Settings()


@pytest.mark.parametrize("source", ["nowhere.txt", "folder", "example.com/x"])
def test_a_source_that_cannot_be_read_is_refused_before_anything_is_made(
    source: str, tmp_path: Path
) -> None:
    (tmp_path / "folder").mkdir()
    ended = scrapeq(tmp_path, "run", "http://127.0.0.1:1/", source)
    assert ended.returncode == 2
    assert ended.stderr.startswith(f"scrapeq: {source}: ")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_a_folder_that_was_deleted_is_said(tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    ended = subprocess.run(
        ["sh", "-c", 'rmdir "$PWD"; exec "$@"', "sh", *PROGRAM, "run", "http://127.0.0.1:1/"],
        cwd=tmp_path / "gone", env=environment(tmp_path), capture_output=True, check=False,
    )  # fmt: skip
    assert (ended.returncode, ended.stdout) == (2, b"")
    assert ended.stderr == b"scrapeq: the current folder: No such file or directory\n"


def test_the_demo_takes_only_a_database_for_its_output(cli: CommandLine) -> None:
    called = cli("demo", "-o", "demo.csv")
    assert called.code == 2
    assert "results go to SQLite" in called.err


# ---- streams


@pytest.mark.parametrize("words", [["--help"], ["run", "--help"], ["--version"]])
def test_help_needs_no_stdout(words: list[str], tmp_path: Path) -> None:
    command = [*PROGRAM, *words]
    closed = subprocess.run(
        ["sh", "-c", 'exec "$@" >&-', "sh", *command],
        env=environment(tmp_path), stderr=subprocess.PIPE, check=False,
    )  # fmt: skip
    assert (closed.returncode, closed.stderr) == (0, b"")


def test_help_into_a_pipe_that_nobody_reads_leaves_no_traceback(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    ended = subprocess.run(
        [*PROGRAM, "run", "--help"],
        env=environment(tmp_path), stdout=writer, stderr=subprocess.PIPE, check=False,
    )  # fmt: skip
    os.close(writer)
    assert ended.stderr == b""


@pytest.mark.parametrize("target", ["&-", "/dev/full"])
def test_an_error_that_nobody_can_read_has_its_exit_code_all_the_same(
    target: str, tmp_path: Path
) -> None:
    ended = subprocess.run(
        ["sh", "-c", f'exec "$@" 2>{target}', "sh", *PROGRAM, "run", "nowhere.txt"],
        cwd=tmp_path, env=environment(tmp_path), stdout=subprocess.PIPE, check=False,
    )  # fmt: skip
    assert (ended.returncode, ended.stdout) == (2, b"")


@pytest.mark.parametrize("words", [["--help"], ["run", "--help"], ["run", "nowhere.txt"], ["rnu"]])
def test_what_goes_into_a_pipe_has_no_escape_codes_whatever_the_environment_says(
    words: list[str], tmp_path: Path
) -> None:
    colors = {"FORCE_COLOR": "1", "CLICOLOR_FORCE": "1", "PY_COLORS": "1", "GITHUB_ACTIONS": "1"}
    ended = scrapeq(tmp_path, *words, env=colors)
    assert "\x1b" not in ended.stdout + ended.stderr


def test_help_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [*PROGRAM, "run", "--help"],
            cwd=tmp_path,
            env=environment(tmp_path),
            stdin=subprocess.DEVNULL,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    assert ended.returncode == 1
    assert ended.stderr == "scrapeq: stdout cannot be written: No space left on device\n"
