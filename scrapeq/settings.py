"""Every option, declared once: flags, environment, TOML, the example file and the README's
table are all made of, or checked against, what stands here. Standard library only."""

from __future__ import annotations

import dataclasses
import json
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from scrapeq import __version__
from scrapeq.errors import UsageError
from scrapeq.models import Order

Progress = Literal["auto", "live", "plain", "none"]

_SIZES = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


@dataclass(frozen=True, slots=True)
class Option:
    """How a setting is given. The long flag is its name unless `flags` say otherwise."""

    help: str
    panel: str
    flags: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    metavar: str | None = None
    parse: Callable[[Any], Any] | None = None
    """Makes the value of what was written, or raises ValueError. It takes a made one as well."""
    also: type | None = None
    """A type that TOML may give besides that of the setting: `10M` for a number of bytes."""
    shown_default: str | None = None
    example: str | int | None = None
    """For the example file, where the default is none that could be written."""
    from_environment: bool = True


def parse_size(value: str | int) -> int:
    """Bytes: 500, 64K, 10M, 1G. Raises ValueError."""
    flags = re.IGNORECASE | re.ASCII
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMG]?)i?B?", str(value).strip(), flags)
    if not match or not (size := int(float(match[1]) * _SIZES[match[2].upper()])):
        raise ValueError(f"{value!r} is not a size such as 500K, 10M or 1G")
    return size


def shown_size(size: int) -> str:
    """Bytes as `parse_size` reads them: 64M."""
    for unit, number in reversed(_SIZES.items()):
        if size % number == 0:
            return f"{size // number}{unit}"
    return str(size)


def parse_output(value: str | Path) -> Path:
    """The results' file. Raises ValueError for what SQLite cannot be."""
    path = Path(value)
    if str(value) == "-":
        raise ValueError("results go to a SQLite file, not to stdout")
    if not path.name:
        raise ValueError(f"{str(value)!r} is no name of a file")
    if path.suffix.lower() in (".csv", ".jsonl", ".json", ".parquet", ".xlsx"):
        raise ValueError(f"{value}: results go to SQLite; name it something.db")
    return path


def parse_agent(value: str) -> str:
    """A User-Agent header. Raises ValueError."""
    if any(ord(char) < 32 or ord(char) > 126 for char in value):
        raise ValueError("only printable ASCII may stand in a header")
    return value


def parse_allowance(value: str | int) -> str:
    """A number of failures, or a share of all URLs: 100, 5%. Raises ValueError."""
    text = str(value).strip()
    match = re.fullmatch(r"(\d+(?:\.\d+)?)%|\d+", text, re.ASCII)
    if not match or (match[1] and float(match[1]) > 100):
        raise ValueError(f"{value!r} is not a number of failures, nor a share such as 5%")
    return text


def cores() -> int:
    """CPU cores this process may use, as `taskset` and containers set them."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


_A_DAY = 86_400
_LARGEST = 64 << 30
_PARSER_ITSELF = 128 << 20
"""Address space of a parse process that has not read a page yet, and some room to parse one."""

_INPUT, _WORKERS, _POLITE, _LIMITS, _SCREEN = (
    "Input and output", "Workers and queues", "Politeness", "Limits", "Screen",
)  # fmt: skip


@dataclass(frozen=True)
class Settings:
    """The options of `scrapeq run`."""

    output: Annotated[
        Path,
        Option(
            "SQLite file for the results.",
            _INPUT,
            ("-o", "--output"),
            metavar="FILE",
            parse=parse_output,
        ),
    ] = Path("scrapeq.db")
    select: Annotated[
        Sequence[str],
        Option(
            "Take this from every page: plain CSS, or ending in ::text or ::attr(name). Repeat it.",
            _INPUT,
            ("-s", "--select"),
            metavar="NAME=SELECTOR",
            from_environment=False,  # selectors have blanks, at which a list would be split
        ),
    ] = ()
    order: Annotated[
        Order, Option("Which URL goes first; priority: the lowest number.", _INPUT)
    ] = "fifo"
    limit: Annotated[
        int | None,
        Option("Read at most so many URLs of the list.", _INPUT, minimum=1, example=1000),
    ] = None
    resume: Annotated[
        bool,
        Option(
            "Go on where the database stands, or empty it first.", _INPUT, ("--resume/--fresh",)
        ),
    ] = True
    retry_failed: Annotated[
        bool, Option("Try again what failed in earlier runs.", _INPUT, ("--retry-failed",))
    ] = False
    durable: Annotated[
        bool, Option("Survive a power cut too: fsync each commit.", _INPUT, ("--durable",))
    ] = False

    fetchers: Annotated[
        int, Option("Requests at once.", _WORKERS, ("-j", "--fetchers"), 1, 10_000)
    ] = 32
    parsers: Annotated[
        int,
        Option("Parse processes.", _WORKERS, minimum=1, maximum=256, shown_default="CPU cores",
               example=4),
    ] = dataclasses.field(default_factory=cores)  # fmt: skip
    savers: Annotated[int, Option("Workers that save.", _WORKERS, minimum=1, maximum=64)] = 1
    url_queue: Annotated[
        int, Option("URLs that wait for a fetcher.", _WORKERS, minimum=1, maximum=1_000_000)
    ] = 256
    page_queue: Annotated[
        int, Option("Pages that wait for a parser.", _WORKERS, minimum=1, maximum=1_000_000)
    ] = 64
    save_queue: Annotated[
        int, Option("Verdicts that wait to be saved.", _WORKERS, minimum=1, maximum=1_000_000)
    ] = 512
    read_ahead: Annotated[
        int,
        Option(
            "Pending URLs in the database at which reading the list waits.", _WORKERS, minimum=1
        ),
    ] = 1_000_000

    per_host: Annotated[
        int, Option("Requests at once to one host.", _POLITE, minimum=1, maximum=10_000)
    ] = 8
    delay: Annotated[
        float,
        Option(
            "Seconds between two requests to one host.",
            _POLITE,
            ("-w", "--delay"),
            0,
            _A_DAY,
            metavar="SECONDS",
        ),
    ] = 0.0
    robots: Annotated[
        bool, Option("Obey robots.txt, or do not.", _POLITE, ("--robots/--no-robots",))
    ] = True
    user_agent: Annotated[
        str,
        Option("How to introduce ourselves.", _POLITE, ("-A", "--user-agent"), metavar="TEXT",
               parse=parse_agent),
    ] = f"scrapeq/{__version__}"  # fmt: skip

    timeout: Annotated[
        float,
        Option("Seconds for one attempt, redirects included.", _LIMITS, (), 0.001, _A_DAY,
               metavar="SECONDS"),
    ] = 30.0  # fmt: skip
    connect_timeout: Annotated[
        float, Option("Seconds to connect.", _LIMITS, (), 0.001, _A_DAY, metavar="SECONDS")
    ] = 10.0
    read_timeout: Annotated[
        float,
        Option("Seconds of silence in an answer.", _LIMITS, (), 0.001, _A_DAY, metavar="SECONDS"),
    ] = 20.0
    retries: Annotated[
        int, Option("Attempts after the first.", _LIMITS, ("-R", "--retries"), 0, 100)
    ] = 2
    max_redirects: Annotated[
        int, Option("Redirects to follow.", _LIMITS, minimum=0, maximum=100)
    ] = 10
    max_size: Annotated[
        int,
        Option("Body on the wire.", _LIMITS, maximum=_LARGEST, metavar="SIZE", parse=parse_size,
               also=str, shown_default="10M"),
    ] = 10 << 20  # fmt: skip
    max_decoded: Annotated[
        int,
        Option("Body decompressed.", _LIMITS, maximum=_LARGEST, metavar="SIZE", parse=parse_size,
               also=str, shown_default="20M"),
    ] = 20 << 20  # fmt: skip
    max_in_flight: Annotated[
        int,
        Option("Bodies in memory, from the wire until they are parsed; more wait.", _LIMITS,
               maximum=_LARGEST, metavar="SIZE", parse=parse_size, also=str, shown_default="64M"),
    ] = 64 << 20  # fmt: skip
    parse_timeout: Annotated[
        float, Option("Seconds to parse one page.", _LIMITS, (), 0.01, _A_DAY, metavar="SECONDS")
    ] = 5.0
    parse_memory: Annotated[
        int,
        Option("Memory of a parse process.", _LIMITS, maximum=_LARGEST, metavar="SIZE",
               parse=parse_size, also=str, shown_default="512M"),
    ] = 512 << 20  # fmt: skip
    private: Annotated[
        Literal["default", "allow", "block"],
        Option(
            "Private addresses. default: a listed URL may be private, a redirect from a public "
            "host to a private one is refused; allow: both may; block: neither.",
            _LIMITS,
        ),
    ] = "default"
    grace: Annotated[
        float,
        Option("Seconds to save what is inside after Ctrl-C.", _LIMITS, (), 0, _A_DAY,
               metavar="SECONDS"),
    ] = 20.0  # fmt: skip
    max_failures: Annotated[
        str | None,
        Option("Exit with 3 when more URLs than this failed.", _LIMITS, metavar="N|N%",
               parse=parse_allowance, also=int, example="5%"),
    ] = None  # fmt: skip

    progress: Annotated[Progress, Option("What to show while it runs.", _SCREEN)] = "auto"
    summary: Annotated[
        str | None,
        Option("Write the summary as JSON, - for stdout.", _SCREEN, metavar="FILE|-",
               example="summary.json"),
    ] = None  # fmt: skip
    quiet: Annotated[bool, Option("Show nothing but errors.", _SCREEN, ("-q", "--quiet"))] = False
    color: Annotated[bool, Option("Colors on the screen.", _SCREEN, ("--color/--no-color",))] = True


@dataclass(frozen=True, slots=True)
class Described:
    """One field of Settings, with what is needed to make a flag or a TOML key of it."""

    name: str
    type: Any
    """Without Annotated: `int`, `int | None`, `Literal[...]`, `Sequence[str]`."""
    option: Option
    default: Any

    @property
    def flags(self) -> tuple[str, ...]:
        return self.option.flags or (f"--{self.name.replace('_', '-')}",)

    @property
    def variable(self) -> str:
        """Its name in the environment of `scrapeq run`; empty when it has none."""
        return f"SCRAPEQ_RUN_{self.name.upper()}" if self.option.from_environment else ""

    def parse(self, value: Any) -> Any:
        """What was written, with the option's own rule. Raises ValueError."""
        option = self.option
        made = option.parse(value) if option.parse else value
        if isinstance(made, int) and option.maximum is not None and made > option.maximum:
            raise ValueError(f"{value} is too much")
        return made

    @property
    def choices(self) -> tuple[str, ...]:
        return get_args(self.type) if get_origin(self.type) is Literal else ()

    @property
    def metavar(self) -> str:
        """What stands for its value after the flag; empty for a switch."""
        if self.option.metavar or self.type is bool:
            return self.option.metavar or ""
        return "|".join(self.choices) or "N"

    @property
    def shown_default(self) -> str:
        """As it stands in the help and the README."""
        if self.option.shown_default:
            return self.option.shown_default
        if self.default is None or self.default == ():
            return "none"
        number = isinstance(self.default, int | float)
        return toml_value(self.default) if number else str(self.default)


def described() -> Iterator[Described]:
    """All options, in the order in which they are shown."""
    hints = get_type_hints(Settings, include_extras=True)
    for field in dataclasses.fields(Settings):
        plain, option = get_args(hints[field.name])
        made = field.default_factory
        default = field.default if made is dataclasses.MISSING else made()
        yield Described(field.name, plain, option, default)


def toml_value(value: Any) -> str:
    """A value as TOML writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        short = f"{value:g}"
        return short if float(short) == value else repr(value)
    if isinstance(value, int):
        return str(value)
    # TOML escapes as JSON does, and one character more.
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")


def check(settings: Settings) -> None:
    """Raise UsageError for options that do not go together."""
    least = settings.max_size + _PARSER_ITSELF
    if settings.parse_memory < least:
        raise UsageError(
            f"--parse-memory {settings.parse_memory >> 20}M: with --max-size "
            f"{settings.max_size >> 20}M a parser needs at least {-(-least >> 20)}M"
        )
