"""A parser that dies of some pages, each of a signal that the page names."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from scrapeq import parse

_WISH = re.compile(rb"<!-- (SIG[A-Z]+)( in a used process)? -->")


def load(options: Mapping[str, Any]) -> Callable[[Sequence[str], bytes], list[Any]]:
    call = parse.load(options)
    parsed = 0

    def deadly(meta: Sequence[str], body: bytes) -> list[Any]:
        nonlocal parsed
        wish = _WISH.search(body)
        if wish and (parsed or not wish[2]):
            os.kill(os.getpid(), signal.Signals[wish[1].decode()])
        parsed += 1
        return call(meta, body)

    return deadly
