"""More rows for the table in mutations.py: the site of the bench, and what is made of figures.

Each is name, file, old, new, what is gone, and the tests that must notice.
"""

from __future__ import annotations

SITE = ("test_bench_site.py",)
ROOMS = ("test_bench_rooms.py",)

ROWS: list[tuple[str, str, str, str, str, tuple[str, ...]]] = [
    (
        "bench-half-a-request-lost",
        "bench/server.py",
        "(self._received + data).split(",
        "data.split(",
        "a request may come in pieces",
        SITE,
    ),
    (
        "bench-one-answer-a-packet",
        "bench/server.py",
        "for head in heads:",
        "for head in heads[:1]:",
        "requests that come at once are all answered",
        SITE,
    ),
    (
        "bench-late-answers-in-any-order",
        "bench/server.py",
        "self._late.popleft()",
        "self._late.pop()",
        "late answers keep their order",
        SITE,
    ),
    (
        "bench-head-without-end",
        "bench/server.py",
        "        if len(self._received) > MOST_HEAD:\n            self._transport.close()\n",
        "",
        "a request without an end is not collected for ever",
        SITE,
    ),
    (
        "bench-answers-after-the-last",
        "bench/server.py",
        "        if self._transport.is_closing():\n            return\n",
        "",
        "who wants no other answer gets none",
        SITE,
    ),
    (
        "bench-site-outlives",
        "bench/server.py",
        "    async for _ in questions:\n        _tell(site.news())\n",
        "    async for _ in questions:\n        _tell(site.news())\n"
        "    await asyncio.Event().wait()\n",
        "the site ends with its stdin",
        SITE,
    ),
    (
        "bench-news-of-ever",
        "bench/server.py",
        "        self.answered, self._first, self._cpu = 0, None, cpu\n",
        "",
        "news are of the time since the last",
        SITE,
    ),
    (
        "bench-luck-wins",
        "bench/search.py",
        "found.gains[found.suspect] >= CLEARLY and min(found.proof) > 1",
        "True",
        "the fastest of many must win in turn with the defaults",
        ROOMS,
    ),
    (
        "bench-a-lost-round-is-nothing",
        "bench/search.py",
        " and min(found.proof) > 1",
        "",
        "what is clearly better wins each round",
        ROOMS,
    ),
    (
        "bench-any-gain-counts",
        "bench/search.py",
        "return fastest if self.gains[fastest] >= CLEARLY else self.default",
        "return fastest",
        "the defaults are kept where nothing is clearly better",
        ROOMS,
    ),
    (
        "bench-as-it-was-at-first",
        "bench/search.py",
        "for trial in usual[-2:])",
        "for trial in usual)",
        "what is tried is compared with the defaults of the same moment",
        ROOMS,
    ),
    (
        "bench-fetchers-without-end",
        "bench/search.py",
        "while most.fetchers < MOST_FETCHERS:",
        "while True:",
        "there is an end to more fetchers",
        ROOMS,
    ),
    (
        "bench-last-look-is-all",
        "bench/cpu.py",
        "    for one in within:\n        after.update(one.used)",
        "    for one in within[-1:]:\n        after.update(one.used)",
        "what ended before the last look counts",
        ROOMS,
    ),
    (
        "bench-others-are-ours",
        "bench/bottleneck.py",
        "if others(trial, cores) >= MUCH * cores:",
        "if False:",
        "other programs are blamed for what they take",
        ROOMS,
    ),
]
