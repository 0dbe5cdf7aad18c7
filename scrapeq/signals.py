"""SIGINT, SIGTERM and SIGHUP: the first asks, the second insists."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def listening(
    first: Callable[[signal.Signals], None], second: Callable[[signal.Signals], None]
) -> Iterator[None]:
    """Call `first` for the first signal and `second` for each later one; then put all back, or, if
    there was one, be deaf until the loop is closed: whoever asked is answered, and what is left to
    do (to close, and to say so) takes no time and is not cut short.

    A signal that was ignored when the process began (`nohup`, `&` in a script) stays ignored.
    """
    loop = asyncio.get_running_loop()
    heard = False

    def receive(number: signal.Signals) -> None:
        nonlocal heard
        (second if heard else first)(number)
        heard = True

    before = {number: signal.getsignal(number) for number in SIGNALS}
    ours = [number for number in SIGNALS if before[number] is not signal.SIG_IGN]
    for number in ours:
        loop.add_signal_handler(number, receive, number)
    try:
        yield
    finally:
        for number in ours:
            if heard:
                loop.add_signal_handler(number, lambda: None)
            else:
                loop.remove_signal_handler(number)
                signal.signal(number, before[number])
