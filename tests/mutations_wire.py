"""More rows for the table in mutations.py: the wire, names, hosts that are down, clocks.

Each is name, file, old, new, what is gone, and the tests that must notice.
"""

from __future__ import annotations

FETCH = ("test_fetch.py",)
FRAMING = ("faults/test_framing.py",)
TLS = ("faults/test_tls.py",)
DNS = ("faults/test_dns.py",)
TCP = ("faults/test_tcp.py",)
BREAKER = ("test_breaker.py",)
CLOCK = ("test_clock.py",)
DEADLINES = ("test_deadlines.py",)
STANDSTILL = ("faults/test_clock.py",)
FRONTIER = ("test_frontier.py",)
STORE = ("test_store.py",)

ROWS: list[tuple[str, str, str, str, str, tuple[str, ...]]] = [
    # ---- fetch/wire.py
    (
        "wire-broken-chunk-hangs",
        "fetch/wire.py",
        "            self._break(str(self._exception))\n",
        "            pass\n",
        "who reads a body is told that it is broken",
        FRAMING,
    ),
    (
        "wire-surplus-loses-answer",
        "fetch/wire.py",
        "            end = found.end() if found else len(data)\n",
        "            end = len(data)\n",
        "an answer is taken before what follows its head is looked at",
        FRAMING,
    ),
    (
        "wire-surplus-kept",
        "fetch/wire.py",
        "            if self._is_idle():\n                self._hang_up()\n",
        "            if False:\n",
        "what nobody asked for ends a connection",
        FRAMING,
    ),
    (
        "wire-early-without-end",
        "fetch/wire.py",
        "if self._early > MAX_EARLY:",
        "if False:",
        "answers before the answer are counted",
        FETCH,
    ),
    (
        "wire-nul-in-trailer",
        "fetch/wire.py",
        '                self._break("a NUL in a trailer")\n',
        "                pass\n",
        "a trailer has no NUL",
        FRAMING,
    ),
    (
        "wire-control-characters",
        "fetch/wire.py",
        "any(_CONTROL.search(n + v) for n, v in message.raw_headers)",
        "False",
        "a control character in a head is a fault",
        ("test_advisories_wire.py",),
    ),
    (
        "wire-blank-lines",
        "fetch/wire.py",
        "if self._blank > MAX_BLANK:",
        "if False:",
        "blank lines before an answer are few",
        ("test_wire.py",),
    ),
    (
        "wire-head-size",
        "fetch/wire.py",
        "if self._head > self._max_head:",
        "if False:",
        "a head is bounded as a whole",
        ("test_wire.py",),
    ),
    (
        "wire-heads-size",
        "fetch/wire.py",
        "if self.heard > 2 * self._max_head:",
        "if False:",
        "all heads of one answer are bounded together",
        ("test_wire.py",),
    ),
    (
        "wire-tls-cut",
        "fetch/wire.py",
        "        except OSError:\n            return True\n",
        "        except OSError:\n            return False\n",
        "a body that TLS cut off is not whole",
        TLS,
    ),
    (
        "wire-goodbye-unheard",
        "fetch/wire.py",
        "        except ssl.SSLZeroReturnError:\n            return False\n",
        "",
        "a body that TLS ended is whole",
        TLS,
    ),
    (
        "wire-late-timer",
        "fetch/wire.py",
        "self._loop.time() - timer.when() > LATE",
        "False",
        "a read time-out that came late is this process's own",
        STANDSTILL,
    ),
    # ---- fetch/pool.py, fetch/connections.py
    (
        "pool-dead-twice",
        "fetch/connections.py",
        "Trip(fresh=True, last=sent.last)",
        "Trip(last=sent.last)",
        "the second try of a request takes no connection that was kept",
        FETCH,
    ),
    (
        "pool-always-twice",
        "fetch/pool.py",
        "self.wire.asked > 1 and self.wire.awaited",
        "self.wire.awaited",
        "a fresh connection is asked once",
        FETCH,
    ),
    (
        "pool-stale",
        "fetch/pool.py",
        "    return bool(poll.poll(0))\n",
        "    return False\n",
        "a connection is looked at before it is used again",
        FETCH,
    ),
    (
        "pool-kept-all-the-same",
        "fetch/pool.py",
        "        if way.last:\n            wire.force_close()\n",
        "",
        "`Connection: close` holds whatever the server makes of it",
        FETCH,
    ),
    # ---- fetch/resolver.py
    (
        "lookup-without-end",
        "fetch/resolver.py",
        "asyncio.timeout(self._limit)",
        "asyncio.timeout(None)",
        "a name that nobody answers has the time limit of a connection",
        DNS,
    ),
    # ---- breaker.py and where it is asked
    (
        "breaker-counts-what-was-under-way",
        "breaker.py",
        "if began >= row.held_until:",
        "if True:",
        "what was under way at a pause makes no row longer",
        BREAKER,
    ),
    (
        "breaker-never-forgets",
        "breaker.py",
        "            self._rows.pop(endpoint, None)\n",
        "            pass\n",
        "an answer ends the row of failures",
        BREAKER,
    ),
    (
        "breaker-remembers-all",
        "breaker.py",
        "if len(self._rows) > MAX_ENDPOINTS:",
        "if False:",
        "not all of a million dead hosts are remembered",
        BREAKER,
    ),
    (
        "breaker-holds-live-ports",
        "breaker.py",
        "return 0.0 if lives else self.pause(endpoint, now)",
        "return self.pause(endpoint, now)",
        "a host is not left alone for a dead port",
        BREAKER,
    ),
    (
        "breaker-no-outage",
        "breaker.py",
        "return many and now - self._silent_since < OUTAGE",
        "return False",
        "in an outage the first in line keeps its attempts",
        BREAKER,
    ),
    (
        "breaker-outage-for-ever",
        "breaker.py",
        "return many and now - self._silent_since < OUTAGE",
        "return many",
        "a host that is dead for good is not waited for",
        BREAKER,
    ),
    (
        "breaker-own-fault",
        "breaker.py",
        "if self._silent_since is None or self._last_answer > row.since:",
        "if self._silent_since is None:",
        "while others answer each failure counts",
        BREAKER,
    ),
    (
        "breaker-old-news",
        "breaker.py",
        "row.count == 1 and began > self._last_answer",
        "row.count == 1",
        "a host that is slow to fail while others answer is no sign of an outage",
        BREAKER,
    ),
    (
        "breaker-same-hosts-again",
        "breaker.py",
        "row.count == 1 and began > self._last_answer",
        "began > self._last_answer",
        "the same hosts again are no sign of an outage",
        BREAKER,
    ),
    (
        "robots-one-failure-for-all",
        "robots.py",
        "if not mine and isinstance(rules, Failure) and _is_outage(rules):",
        "if False:",
        "one failure of a robots.txt is one attempt of one URL",
        ("test_robots.py",),
    ),
    (
        "breaker-unasked",
        "plant.py",
        'self.frontier.pause(request.host, down, "a host that is down")',
        "pass",
        "a host that is down is left alone",
        TCP,
    ),
    (
        "breaker-gives-nobody-up",
        "plant.py",
        "            return given_up(request, why)\n",
        "            pass\n",
        "a host that only fails is given up",
        TCP,
    ),
    (
        "ours-is-theirs",
        "breaker.py",
        "return not ours and not self._may_be_an_outage(row, now)",
        "return not self._may_be_an_outage(row, now)",
        "what this machine lacks is no fault of a URL",
        (*BREAKER, *TCP),
    ),
    (
        "left-out-costs-an-interval",
        "frontier.py",
        "        self._hosts[request.host].unstarted -= 1\n        self.answered(request)\n",
        "        self.started(request)\n        self.answered(request)\n",
        "what is settled without a request costs no interval",
        FRONTIER,
    ),
    # ---- clocks
    (
        "clock-never-late",
        "clock.py",
        "            self._woke = loop.time()\n",
        "            pass\n",
        "a standstill is noticed",
        CLOCK,
    ),
    (
        "deadline-of-a-standstill",
        "deadlines.py",
        "if late > LATE:",
        "if False:",
        "time in which the process stood still was nobody's",
        DEADLINES,
    ),
    (
        "due-in-years",
        "frontier.py",
        "due = not 0 < wait <= WRONG_CLOCK",
        "due = not 0 < wait",
        "a due time of a wrong clock is now",
        FRONTIER,
    ),
    (
        "store-due-in-years",
        "stores/sqlite.py",
        "execute_fetchall(lost, (far,",
        "execute_fetchall(lost, (iso(1e18),",
        "a due time of a wrong clock is now",
        STORE,
    ),
]
