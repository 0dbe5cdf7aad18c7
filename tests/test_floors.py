"""Who may know whom, read from the source. ARCHITECTURE.md draws what is tested here."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HOUSE = Path(__file__).parent.parent
PACKAGE = HOUSE / "scrapeq"

FLOORS = (
    ("cli", "__main__", "example"),
    ("bench",),
    ("demo",),
    ("session",),
    ("runner",),
    ("plant",),
    ("dashboard", "frame", "panels", "skin", "plain", "summary", "next_steps"),
    ("advice", "window", "tally"),
    ("intake", "frontier", "source", "robots", "fetch", "stores", "verdict", "workers", "signals"),
    ("pipeline", "stage", "channel", "deadlines", "budget", "clock"),
    ("rules", "config", "worker", "parse", "extract", "decode", "charsets", "retry", "breaker"),
    ("settings", "options", "custom", "values", "names"),
    ("urls", "lines", "text", "private", "meter", "prescan", "overrun", "legacy"),
    ("models", "errors", "__init__"),
)
"""From the roof down. A room may import from lower floors, and from its own without a circle."""

HOMES = {
    "aiohttp": {"fetch", "demo", "bench"},
    "selectolax": {"extract", "bench"},
    "sqlite3": {"stores", "bench"},
    "aiosqlite": {"stores"},
    "typer": {"cli"},
    "rich": {"dashboard", "frame", "panels", "skin"},
    "w3lib": {"charsets"},
    "brotli": {"decode", "demo"},
    "protego": {"robots"},
    "signal": {"__main__", "signals", "worker", "workers", "runner", "bench"},
}
"""Where a library may be imported, and nowhere else."""

WITHOUT_ASYNCIO = {
    *("models", "errors", "settings", "options", "values", "custom", "names"),
    *("urls", "lines", "text", "private", "meter", "prescan", "overrun", "legacy"),
    *("rules", "config", "worker", "parse", "extract", "decode", "charsets", "retry", "breaker"),
    *("advice", "window", "tally", "dashboard", "frame", "panels", "skin", "plain"),
    *("summary", "next_steps", "cli", "example"),
}
"""Pure rooms, and rooms that other people call from their loop."""

FLOW = {"channel", "stage", "pipeline"}


def room_of(path: Path) -> str:
    """`stores/sqlite.py` is in the room `stores`."""
    inside = path.relative_to(PACKAGE)
    return inside.parts[0] if len(inside.parts) > 1 else inside.stem


def modules() -> dict[str, Path]:
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        name = ".".join(path.relative_to(HOUSE).with_suffix("").parts)
        found[name.removesuffix(".__init__")] = path
    return found


def imports_of(path: Path) -> Iterator[str]:
    """Full names of the modules that a file imports, at its top and in its functions."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def rooms_imported_by(path: Path) -> set[str]:
    names = (name.split(".") for name in imports_of(path))
    known = {room_of(other) for other in modules().values()}
    return {
        parts[1] if parts[1] in known else "__init__" for parts in names if parts[0] == "scrapeq"
    }


def floor_of(room: str) -> int:
    return next(n for n, rooms in enumerate(FLOORS) if room in rooms)


@pytest.mark.parametrize("path", modules().values(), ids=lambda path: path.stem)
def test_imports_point_down(path: Path) -> None:
    room = room_of(path)
    for other in rooms_imported_by(path) - {room}:
        assert floor_of(other) >= floor_of(room), f"{room} may not know {other}: it is above"


def test_no_room_knows_itself_through_another() -> None:
    knows: dict[str, set[str]] = {}
    for path in modules().values():
        knows.setdefault(room_of(path), set()).update(rooms_imported_by(path) - {room_of(path)})
    done: set[str] = set()

    def visit(room: str, trail: tuple[str, ...]) -> None:
        assert room not in trail, " -> ".join([*trail, room])
        if room not in done:
            for other in knows.get(room, ()):
                visit(other, (*trail, room))
            done.add(room)

    for room in knows:
        visit(room, ())


@pytest.mark.parametrize("library", HOMES)
def test_a_library_stays_in_its_rooms(library: str) -> None:
    users = {
        room_of(path)
        for path in modules().values()
        if any(name.split(".")[0] == library for name in imports_of(path))
    }
    assert users <= HOMES[library], f"{library} is used in {users - HOMES[library]}"
    assert users, f"{library} is used nowhere: take it out of the table"


def test_in_the_bench_only_the_bare_loop_fetches_and_parses() -> None:
    users = {
        path.stem
        for path in modules().values()
        if room_of(path) == "bench"
        and {name.split(".")[0] for name in imports_of(path)} & {"aiohttp", "selectolax"}
    }
    assert users == {"bare"}


@pytest.mark.parametrize("path", modules().values(), ids=lambda path: path.stem)
def test_pure_rooms_know_no_asyncio(path: Path) -> None:
    if room_of(path) in WITHOUT_ASYNCIO:
        assert "asyncio" not in {name.split(".")[0] for name in imports_of(path)}


def test_the_flow_says_no_word_of_its_uses() -> None:
    words = re.compile(r"\b(http|html|sql|url|fetch|parse|rich|aiohttp)\b", re.IGNORECASE)
    for room in FLOW:
        tree = ast.parse((PACKAGE / f"{room}.py").read_text())
        names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        names |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        assert not [name for name in names if words.search(name)]


def test_a_parse_process_imports_nothing_heavy() -> None:
    code = (
        "import sys; import scrapeq.worker, scrapeq.parse;"
        "print([m for m in ('asyncio', 'aiohttp', 'typer', 'rich', 'pydantic', 'sqlite3')"
        " if m in sys.modules])"
    )
    found = subprocess.run(
        [sys.executable, "-IS", "-c", f"import sys; sys.path[:] = {sys.path!r}; {code}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.strip() == "[]"


def test_every_floor_is_drawn_in_the_map() -> None:
    drawn = (HOUSE / "ARCHITECTURE.md").read_text()
    rooms = {room for floor in FLOORS for room in floor} - {"__main__", "__init__"}
    assert {room_of(path) for path in modules().values()} - {"__main__", "__init__"} == rooms
    missing = [room for room in sorted(rooms) if not re.search(rf"\b{room}\b", drawn)]
    assert not missing
