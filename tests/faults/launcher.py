"""Starts the program in a world that a test describes: `launcher.py JSON WORD...`.

`names`: a DNS by name; each answer is a list of addresses, or the number of a gaierror. What is
not in it does not exist, and no question leaves the machine. A list of answers is given one after
another, the last one for ever.
`silent`: an ending of names that are never answered.
`disk`: what fails; see disk.py. `user`: the id of a user to become.
`public`: addresses of loopback that count as public ones.
`no_ports`: how many of the first connections find no free port on this machine.
`parser`: what parses, as `module:function`, instead of scrapeq's own.
`peak`: a file that is told at the end how much memory the process had at most, in bytes.
`signal`, `at`: the number of a signal that comes at the first event of Python's audit hooks of
that name and first argument (`import scrapeq.cli`, `sqlite3.connect`).
`parsers`: what a parse process does before anything else, as Python.
"""

from __future__ import annotations

import errno
import importlib
import json
import os
import socket
import sys
import threading
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from typing import Any, NoReturn

from scrapeq import private
from scrapeq.__main__ import main


def enter(world: dict[str, Any]) -> None:
    """Make the world as described, in this process."""
    if "names" in world:
        _use_names(world["names"], world.get("silent", "."))
    if "disk" in world:
        importlib.import_module("disk").enter(world["disk"])  # beside this script
    if "user" in world:
        _become(world["user"])
    if "public" in world:
        _make_public(world["public"])
    if "no_ports" in world:
        _take_ports(world["no_ports"])
    if "parser" in world:
        _use_parser(world["parser"])
    if "peak" in world:
        _tell_peak(Path(world["peak"]))
    if "signal" in world:
        _send_at(world["signal"], world["at"])
    if "parsers" in world:
        from scrapeq import workers

        workers._BOOT = f"{world['parsers']}\n{workers._BOOT}"


def _become(user: int) -> None:
    """A user whom the modes of files hold, from the moment that the database is opened: such a
    one may not even be allowed to read this Python."""
    file = importlib.import_module("scrapeq.stores.file").DatabaseFile
    real = file.lock

    def lock(self: Any) -> None:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
        real(self)

    file.lock = lock


def _make_public(addresses: list[str]) -> None:
    real = private.is_private
    private.is_private = lambda address: address not in addresses and real(address)


def _use_names(names: dict[str, Any], silent: str) -> None:
    real = socket.getaddrinfo

    def answer(host: Any, *args: Any, **kwargs: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        with suppress(ValueError):
            ip_address(name)
            return real(host, *args, **kwargs)
        if name.endswith(silent):
            threading.Event().wait()
        found = names.get(name, int(socket.EAI_NONAME))
        if isinstance(found, list) and isinstance(found[0], list):
            found = found.pop(0) if len(found) > 1 else found[0]
        if isinstance(found, list) and isinstance(found[0], int):
            (found,) = found
        if isinstance(found, int):
            raise socket.gaierror(found, "as the test has it")
        return [x for address in found for x in real(address, *args, **kwargs)]

    socket.getaddrinfo = answer


def _send_at(number: int, wanted: str) -> None:
    def hear(event: str, args: tuple[object, ...]) -> None:
        if event == wanted.split()[0] and f"{event} {args[0]}".startswith(wanted):
            os.kill(os.getpid(), number)

    sys.addaudithook(hear)


def _use_parser(target: str) -> None:
    sys.path.append(str(Path(__file__).parents[2]))  # which the parse processes get as it is
    from scrapeq import runner
    from scrapeq.workers import Pool

    runner.Pool = lambda _, *args, **options: Pool(target, *args, **options)  # type: ignore


def _tell_peak(file: Path) -> None:
    leave = os._exit

    def tell(status: int) -> NoReturn:
        # Of this program alone: what getrusage tells began with the process that started it.
        lines = Path("/proc/self/status").read_text().splitlines()
        line = next(line for line in lines if line.startswith("VmHWM:"))
        file.write_text(str(int(line.split()[1]) << 10))
        leave(status)

    os._exit = tell


def _take_ports(number: int) -> None:
    real, left = socket.socket.connect, [number]

    def connect(self: socket.socket, address: Any) -> None:
        if self.family != socket.AF_UNIX and left[0]:
            left[0] -= 1
            raise OSError(errno.EADDRNOTAVAIL, "Cannot assign requested address")
        real(self, address)

    setattr(socket.socket, "connect", connect)  # noqa: B010 - mypy knows it as a method


if __name__ == "__main__":
    described, *words = sys.argv[1:]
    enter(json.loads(described))
    sys.argv = ["scrapeq", *words]
    main()
