"""How one option is given: its flag, its variable, its key in TOML."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from scrapeq.values import toml_value


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
    mask: Callable[[str], str] | None = None
    """Makes it fit to be stored and shown, where it may hold a secret."""


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
        if isinstance(made, int) and option.minimum is not None and made < option.minimum:
            raise ValueError(f"{value} is too little")
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
