"""Options -> Settings -> run -> exit code. Heavy imports happen inside the commands."""

from __future__ import annotations

import dataclasses
import errno
import inspect
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar

import typer

from scrapeq import __version__
from scrapeq.errors import ScrapeqError
from scrapeq.options import Described
from scrapeq.settings import Settings, check, completed, described
from scrapeq.values import parse_output

if TYPE_CHECKING:
    from scrapeq.config import Config

C = TypeVar("C", bound=Callable[..., None])

CONFIG_FILE = "scrapeq.toml"

app = typer.Typer(
    add_completion=True,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="A list of URLs becomes a SQLite database.",
)


def main() -> None:
    """The `scrapeq` command. Exits 0, 1, 2, 3, 4, 129, 130 or 143, as the README says."""
    try:
        _open_what_is_closed()
        app(prog_name="scrapeq")
    except ScrapeqError as exc:
        _fail(exc)
    except OSError as exc:
        if exc.errno not in (errno.ENOSPC, errno.EIO):
            raise
        _fail(ScrapeqError(f"stdout cannot be written: {exc.strerror}"))
    except KeyboardInterrupt:  # before or after Typer was there to notice
        raise SystemExit(130) from None


def _open_what_is_closed() -> None:
    """Without this, the database could become the file that stderr writes to (`2>&-`)."""
    for descriptor, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # it takes the lowest number that is free
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(descriptor, "w" if descriptor else "r", closefd=False))


def _fail(exc: ScrapeqError) -> NoReturn:
    from scrapeq.text import safe

    with suppress(OSError):
        print(f"scrapeq: {safe(str(exc), limit=1000)}", file=sys.stderr)  # noqa: T201
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:  # or the interpreter would try again, and exit with a code of its own
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    raise SystemExit(exc.exit_code)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"scrapeq {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", "-V", callback=_show_version, is_eager=True, help="Show it."),
    ] = False,
) -> None:
    pass


def _use_config(ctx: typer.Context, path: Path | None) -> Path | None:
    """Let TOML files give the defaults of the flags: the project's over the user's."""
    from scrapeq import config

    config.check_environment(os.environ)
    # Not Path.is_file: it raises where it may not look.
    project = path or (Path(CONFIG_FILE) if os.path.isfile(CONFIG_FILE) else None)
    personal = _personal_folder() / "scrapeq" / "config.toml"
    files = [config.load(file) for file in (personal,) if os.path.isfile(file)]
    files += [config.load(project)] if project else []
    values: dict[str, Any] = {}
    for found in files:
        _check_values(ctx, found)
        values |= found.run
    ctx.default_map = values
    ctx.obj = next((found for found in reversed(files) if found.extract), None)
    return path


def _personal_folder() -> Path:
    """As the XDG Base Directory Specification has it: a relative path counts as none."""
    given = Path(os.environ.get("XDG_CONFIG_HOME", ""))
    return given if given.is_absolute() else Path(os.path.expanduser("~/.config"))


def _check_values(ctx: typer.Context, config: Config) -> None:
    """Raise UsageError, with file and line, for what the flags of the same name would refuse."""
    params = {param.name: param for param in ctx.command.params}
    for key, value in config.run.items():
        try:
            params[key].process_value(ctx, value)
        except typer.BadParameter as exc:
            raise config.fault(f"{key}: {exc.message}", "run", key) from None
    if select := config.run.get("select"):
        from scrapeq.rules import rules_of

        try:
            rules_of(select, None)
        except ScrapeqError as exc:
            raise config.fault(str(exc), "run", "select") from None


def _parameter(option: Described, *, is_run: bool) -> inspect.Parameter:
    """The flag of one setting, as Typer wants it."""
    given = option.option
    made = typer.Option(
        *option.flags,
        help=given.help,
        min=None if given.parse else given.minimum,
        max=None if given.parse else given.maximum,
        metavar=option.metavar or None,
        envvar=(option.variable or None) if is_run else None,
        show_envvar=False,
        parser=_refusing(option.parse) if given.parse else None,
        show_default=given.shown_default or True,
        rich_help_panel=given.panel,
    )
    kind = list[str] if option.type == Sequence[str] else option.type
    default = list(option.default) if kind == list[str] else option.default
    return inspect.Parameter(
        option.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=default,
        annotation=Annotated[kind, made],
    )


def _refusing(parse: Any) -> Any:
    def parsed(value: Any) -> Any:
        try:
            return parse(value)
        except ValueError as exc:
            raise typer.BadParameter(str(exc)) from None

    return parsed


def _with_settings(*names: str) -> Callable[[C], C]:
    """Give a command the flags of these settings; without names, those of all, and `run`'s
    variables of the environment with them."""

    def decorate(command: C) -> C:
        signature = inspect.signature(command, eval_str=True)
        own = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
        chosen = (option for option in described() if not names or option.name in names)
        flags = [_parameter(option, is_run=not names) for option in chosen]
        signature = signature.replace(parameters=[*own, *flags])
        command.__signature__ = signature  # type: ignore[attr-defined]
        return command

    return decorate


@app.command(
    name="run",
    epilog=f"Every option may also stand in [run] of {CONFIG_FILE} (url_queue = 8) and, but for "
    "--select, in the environment (SCRAPEQ_RUN_URL_QUEUE=8).",
)
@_with_settings()
def run_command(
    ctx: typer.Context,
    sources: Annotated[
        list[str],
        typer.Argument(metavar="SOURCE", help="A file of URLs, a URL, or - for stdin."),
    ],
    config: Annotated[
        Path | None,
        typer.Option(
            "-c",
            "--config",
            metavar="FILE",
            is_eager=True,
            callback=_use_config,
            envvar="SCRAPEQ_RUN_CONFIG",
            show_envvar=False,
            help=f"Options and rules as TOML; ./{CONFIG_FILE} if it is there.",
        ),
    ] = None,
    **options: Any,
) -> None:
    """Fetch, parse and save every URL of the list. Run it again to go on where it stopped."""
    given: Any = {name: tuple(x) if isinstance(x, list) else x for name, x in options.items()}
    settings = completed(Settings(**given))
    check(settings)
    from scrapeq.rules import rules_of
    from scrapeq.session import scrape

    rules = rules_of(settings.select, ctx.obj)
    scrape(settings, sources, rules, ["scrapeq", *sys.argv[1:]])


@app.command(name="demo")
@_with_settings("fetchers", "parsers", "progress", "color", "quiet", "resume", "retry_failed")
def demo_command(
    output: Annotated[
        Path,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            parser=_refusing(parse_output),
            help="SQLite file for the results.",
        ),
    ] = Path("demo.db"),
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Of the site, on 127.0.0.1; 0: any free one.")
    ] = 7357,
    **options: Any,
) -> None:
    """Scrape a shop of 1,000 pages that this command itself serves, faults and all. Offline."""
    from scrapeq.demo.show import show

    settings = Settings(output=output, **options)
    check(settings)
    show(dataclasses.replace(settings, per_host=settings.fetchers), port)


@app.command(name="bench")
def bench_command(
    pages: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=1_000_000,
            metavar="N",
            show_default="as many as take 2.5 seconds",
            help="Pages a run.",
        ),
    ] = None,
    rounds: Annotated[
        int,
        typer.Option(
            min=1, max=100, metavar="N", help="Bare loop and scrapeq in turn, so many times."
        ),
    ] = 3,
    latency: Annotated[
        float,
        typer.Option(
            min=0,
            max=10_000,
            metavar="MS",
            help="Milliseconds before the site answers, as one far away would.",
        ),
    ] = 0.0,
    quick: Annotated[
        bool, typer.Option("--quick", help="Compare only: try no --fetchers and --parsers.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Results as one JSON object.")] = False,
) -> None:
    """Measure pages/s on this machine, and find its best flags. Offline.

    A process of its own serves pages of 48 kB on 127.0.0.1. Two programs scrape them in turn:
    scrapeq with everything on, and the bare loop, the least Python that does the same (aiohttp,
    selectolax, one transaction; no queue, no retry, no resume: scrapeq/bench/bare.py). Then
    scrapeq tries other --fetchers and --parsers. Pages/s are from the first
    request to the end of the program.

    It takes about a minute, tells on stderr what it does, and leaves nothing behind.
    """
    from scrapeq.bench.contest import Plan
    from scrapeq.bench.show import bench

    bench(Plan(pages, rounds, latency, quick), wants_json=as_json)
