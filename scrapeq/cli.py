"""Options -> Settings -> run -> exit code. Heavy imports happen inside the commands."""

from __future__ import annotations

import dataclasses
import inspect
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar

import typer

from scrapeq import __version__
from scrapeq.errors import ScrapeqError
from scrapeq.settings import Described, Settings, check, described

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
        app(auto_envvar_prefix="SCRAPEQ", prog_name="scrapeq")
    except ScrapeqError as exc:
        _fail(exc)


def _fail(exc: ScrapeqError) -> NoReturn:
    from scrapeq.text import safe

    print(f"scrapeq: {safe(str(exc), limit=1000)}", file=sys.stderr)  # noqa: T201
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

    project = path or (Path(CONFIG_FILE) if Path(CONFIG_FILE).is_file() else None)
    personal = Path(typer.get_app_dir("scrapeq")) / "config.toml"
    files = [config.load(file) for file in (personal,) if file.is_file()]
    files += [config.load(project)] if project else []
    values: dict[str, Any] = {}
    for found in files:
        _check_values(ctx, found)
        values |= found.run
    ctx.default_map = values
    ctx.obj = next((found for found in reversed(files) if found.extract), None)
    return path


def _check_values(ctx: typer.Context, config: Config) -> None:
    params = {param.name: param for param in ctx.command.params}
    kinds = {option.name: option.type for option in described()}
    for key, value in config.run.items():
        try:
            if isinstance(value, bool) != (kinds[key] is bool):
                raise typer.BadParameter(f"{value!r} is no {kinds[key]}")
            if key in params:
                params[key].process_value(ctx, value)
        except typer.BadParameter as exc:
            raise config.fault(f"{key}: {exc.message}", "run", key) from None


def _parameter(option: Described) -> inspect.Parameter:
    """The flag of one setting, as Typer wants it."""
    given = option.option
    made = typer.Option(
        *option.flags,
        help=given.help,
        min=given.minimum,
        max=given.maximum,
        metavar=given.metavar or _metavar(option),
        show_envvar=False,
        parser=_refusing(given.parse) if given.parse else None,
        show_default=given.shown_default or True,
        allow_from_autoenv=given.from_environment,
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


def _metavar(option: Described) -> str | None:
    if option.type in (int, int | None):
        return "N"
    return "|".join(option.choices) or None


def _refusing(parse: Any) -> Any:
    def parsed(value: Any) -> Any:
        try:
            return parse(value)
        except ValueError as exc:
            raise typer.BadParameter(str(exc)) from None

    return parsed


def _with_settings(*names: str) -> Callable[[C], C]:
    """Give a command the flags of these settings, or of all."""

    def decorate(command: C) -> C:
        signature = inspect.signature(command, eval_str=True)
        own = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
        flags = [_parameter(x) for x in described() if not names or x.name in names]
        signature = signature.replace(parameters=[*own, *flags])
        command.__signature__ = signature  # type: ignore[attr-defined]
        return command

    return decorate


@app.command(name="run")
@_with_settings()
def run_command(
    ctx: typer.Context,
    sources: Annotated[
        list[str],
        typer.Argument(metavar="SOURCE...", help="A file of URLs, a URL, or - for stdin."),
    ],
    config: Annotated[
        Path | None,
        typer.Option(
            "-c",
            "--config",
            metavar="FILE",
            is_eager=True,
            callback=_use_config,
            help=f"Options and rules as TOML; ./{CONFIG_FILE} if it is there.",
        ),
    ] = None,
    **options: Any,
) -> None:
    """Fetch, parse and save every URL of the list. Run it again to go on where it stopped."""
    settings = Settings(**{**options, "select": tuple(options["select"])})
    check(settings)
    from scrapeq.rules import rules_of
    from scrapeq.session import scrape

    rules = rules_of(settings.select, ctx.obj)
    raise typer.Exit(scrape(settings, sources, rules, ["scrapeq", *sys.argv[1:]]))


@app.command(name="demo")
@_with_settings("fetchers", "parsers", "progress", "color", "quiet", "resume")
def demo_command(
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE", help="SQLite file for the results.")
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
    raise typer.Exit(show(dataclasses.replace(settings, per_host=settings.fetchers), port))
