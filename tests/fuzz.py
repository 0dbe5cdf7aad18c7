"""What holds of the pure parts whatever they are given: `python -m tests.fuzz [NAME...]`.

Each property is a plain function that raises when it does not hold, in a table with what it is
tried on. The suite tries each on a few hundred cases. This command tries `--cases` of them, each
property in a process of its own, so that a crash of C code is a finding too.
"""

from __future__ import annotations

import argparse
import faulthandler
import json
import math
import os
import random
import re
import shlex
import sqlite3
import subprocess
import sys
import tempfile
import time
import tomllib
import unicodedata
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from encodings.aliases import aliases
from functools import cache
from io import StringIO
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Any

import hypothesis
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st
from protego import Protego
from yarl import URL

from scrapeq import cli, config, decode, session, source, text, urls, values, worker
from scrapeq.charsets import LABELS, decode_text, markup
from scrapeq.decode import DecodeError, decompress, decompress_head
from scrapeq.errors import ScrapeqError, UsageError
from scrapeq.extract import Extractor, Rule, field, tables
from scrapeq.fetch.failures import NoPageError
from scrapeq.fetch.redirects import target_of
from scrapeq.lines import MAX_LINE, LineSplitter
from scrapeq.next_steps import from_stored_list, look_lines, with_flags
from scrapeq.parse import Meta, load, parse, received, setup
from scrapeq.private import is_metadata, is_private
from scrapeq.retry import retry_after
from scrapeq.robots import rules_for
from scrapeq.rules import rules_of
from scrapeq.source import Source
from scrapeq.stores.schema import create_table, insert_record
from tests import fuzz_kit as kit

SIZES = (40, 200, 600)
"""Bytes of which a case of the long run is made."""
NEWS = 10_000
"""Cases between two lines that tell how far it is."""
MOST_FINDINGS = 3
"""Of different kinds, until a property is given up."""


def storable(*texts: str | None) -> None:
    """Raise for what SQLite refuses, or hides."""
    for found in texts:
        if found is not None:
            found.encode()
            assert "\0" not in found


# ---- URLs


def url_line(written: str) -> None:
    """A line of a list is a canonical URL, or says why not; and stays what it is."""
    line = urls.listed(written)
    storable(line.url, line.host, line.given, line.detail)
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", line.url + line.detail)
    assert len(line.detail) < 1000
    if line.reason:
        assert len(line.url) < 1000
        assert line.reason in ("invalid_url", "scheme", "url_too_long")
        assert line.detail
        return
    assert re.fullmatch(r"https?://[!-~]+", line.url)
    assert len(line.url) <= urls.MAX_URL + len(text.MASK)
    again = urls.listed(line.url)
    assert (again.url, again.host, again.reason) == (line.url, line.host, "")
    assert again.credentials is None
    asked = URL(line.url, encoded=True)
    assert (str(asked), asked.raw_host) == (line.url, line.host)
    assert asked.port
    assert asked.raw_fragment == ""


def url_quick(written: str) -> None:
    """What is known for canonical at a glance is so."""
    host = urls.canonical_host(written)
    if host is not None:
        url = urls.parse(written)
        assert (str(url), url.raw_host) == (written, host)
        assert url.raw_user is None


def url_secret(written: str) -> None:
    """A password is nowhere but in the credentials."""
    line = urls.listed(written)
    for shown in (line.url, line.given or "", line.detail, urls.visible(written)):
        assert kit.SECRET not in shown


def url_visible(written: str, limit: int) -> None:
    """A line that is no URL is stored without harm, bounded."""
    shown = urls.visible(written, limit)
    storable(shown)
    assert len(shown) <= limit + 100
    assert urls.visible(shown, 10**6) == shown or "@" in shown


def location(base: str, written: str) -> None:
    """A redirect leads to a URL, without credentials, or says without them why not."""
    try:
        target = target_of(URL(base), [written])
    except NoPageError as exc:
        refused = exc.failure.detail
    else:
        refused = ""
    assert kit.SECRET not in refused
    if refused:
        return
    assert target.raw_user is None
    assert target.raw_password is None
    assert target.scheme in ("http", "https")
    assert urls.listed(str(target)).url == str(target)


# ---- lists


def list_cuts(data: bytes, cuts: Sequence[int]) -> None:
    """Lines do not depend on the blocks in which they come."""
    places = sorted({cut % len(data) for cut in cuts if data} - {0})
    whole = _lines([data])
    assert _lines([data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True)]) == (
        whole
    )
    if whole is None:
        assert re.match(rb"\xff\xfe|\xfe\xff|\0\0\xfe\xff|[!-~]?\0[!-~]\0", data)
        return
    pieces = re.split(rb"\r\n|\n|\r", data)
    assert len(whole) == len(pieces) - (not pieces[-1])
    for line, piece in zip(whole, pieces, strict=False):
        expected = piece[:MAX_LINE].decode("utf-8", "surrogateescape").removeprefix("\ufeff")
        if len(piece) > MAX_LINE:
            expected += f"[{len(piece) - MAX_LINE:,} more bytes]"
        assert line == expected


def _lines(blocks: Sequence[bytes]) -> list[str] | None:
    splitter = LineSplitter()
    try:
        return [line for block in blocks for line in splitter.feed(block)] + splitter.end()
    except UsageError:
        return None


def list_lines(lines: Sequence[str], name: str) -> None:
    """Any line of any kind of list can be stored."""
    counter = Source([])
    lines = [re.sub(r"[\r\n]", "", line) for line in lines]
    try:
        found = list(source._reader_for(name, counter).read(lines))
    except UsageError:
        assert name != "a.txt"
        return
    assert len(found) + counter.ignored + (name != "a.txt" and bool(found)) <= len(lines) + 1
    for line in found:
        storable(line.url, line.host, line.given, line.detail)
        assert line.url or line.reason  # a row of a table may lack its URL
        assert not math.isnan(line.priority)


# ---- decoding


def charset(body: bytes, content_type: str) -> None:
    """Any bytes under any header become text that can be stored."""
    found, name = decode_text(body, content_type)
    found.encode()
    assert name in LABELS.values()
    same, also = markup(body, content_type)
    assert (same.decode(), also) == (found, name)


def charset_label(seed: int) -> None:
    """A label means what the Encoding Standard says, and what is none counts for nothing."""
    rng = random.Random(seed)
    label = rng.choice([*LABELS, *aliases])
    if rng.random() < 0.3:
        at = rng.randrange(len(label) + 1)
        label = label[:at] + rng.choice(["-", "_", "0", "x", "8", ""]) + label[at + 1 :]
    written = "".join(rng.choice([c.upper(), c.lower()]) for c in label)
    meant = LABELS.get(label)
    body = b"caf\xe9 x"
    for given in (written, f'"{written}"', f" {written} ", f"{written}; charset=zlib"):
        assert decode_text(body, f"text/html; charset={given}")[1] == (meant or "cp1252")
    body = f"<meta charset='{written}'>".encode() + body
    by_meta = {"x-user-defined": "cp1252", "utf-16-le": "utf-8", "utf-16-be": "utf-8"}
    assert decode_text(body, "")[1] == by_meta.get(meant or "", meant or "cp1252")


def coded_rubbish(body: bytes, header: str, limit: int) -> None:
    """Whatever comes, decompressing ends in bounded bytes or in a DecodeError."""
    _decompressed(body, header, limit)


def coded_mutations(seed: int) -> None:
    """A stream that was tampered with is bounded, and has one verdict with either zlib."""
    rng = random.Random(seed)
    names, bodies = kit.packed(rng, kit.payload(rng))
    body = kit.mutated(rng, bodies[-1])
    limit = rng.choice([1, 100, 5000, 10**6])
    verdict = _decompressed(body, ", ".join(names), limit)
    with _the_other_zlib():
        assert _decompressed(body, ", ".join(names), limit) == verdict
    head = rng.randrange(1, 2000)
    with suppress(DecodeError):
        start = decompress_head(body, ", ".join(names), head)
        assert len(start) <= head
        if isinstance(verdict[0], bytes):
            assert verdict[0].startswith(start)


def coded_cuts(seed: int) -> None:
    """What was cut short is never whole, however many codings lie around the cut."""
    rng = random.Random(seed)
    data = kit.payload(rng)
    names, bodies = kit.packed(rng, data)
    layer = rng.randrange(len(bodies))
    assert decompress(bodies[-1], ", ".join(names), 10**6) == (data, False)
    if len(bodies[layer]) == 1:
        return  # nothing at all, by brotli
    body = bodies[layer][: rng.randrange(1, len(bodies[layer]))]
    for name in names[layer + 1 :]:
        body = kit.PACKERS[name][0](body)
    found, cut = _decompressed(body, ", ".join(names), 10**6)
    assert cut is True or not isinstance(found, bytes)
    assert not isinstance(found, bytes) or len(names) > 1 or data.startswith(found)


def _decompressed(body: bytes, header: str, limit: int) -> tuple[bytes | str, bool | str]:
    found: tuple[bytes | str, bool | str]
    try:
        found = decompress(body, header, limit)
    except DecodeError as exc:
        found = exc.reason, exc.detail
        storable(exc.detail)
    assert len(found[0]) <= limit or found[0] in ("encoding", "too_large")
    return found


@contextmanager
def _the_other_zlib() -> Iterator[None]:
    used, decode._zlib = decode._zlib, zlib
    try:
        yield
    finally:
        decode._zlib = used


# ---- extraction


def page_soup(seed: int) -> None:
    """Any markup under any rules gives rows that SQLite takes as they are, and they come
    through the pipe of a parse process unchanged."""
    rng = random.Random(seed)
    fields = tuple(
        field(name, kit.selector(rng), count=False, absolute=rng.random() < 0.3)
        for name in ("a", "b", "c")
    )
    each = rng.choice(["", "", "p", "*", "tr", "svg, math", "title"])
    rules = [Rule("items", (*fields, field("n", "*", count=True)), each=each)]
    coding = rng.choice(["utf-8", "utf-8", "utf-16-le", "cp1252", "shift_jis"])
    body = kit.soup(rng).encode(coding, rng.choice(["replace", "surrogatepass", "ignore"])
                                if coding.startswith("utf") else "replace")  # fmt: skip
    meta = Meta("http://a.test/x", "http://a.test/y/z?q", f"text/html; charset={coding}", "")
    found = parse(body, meta, Extractor(rules), 10**6)
    storable(found.failed, found.detail, found.encoding)
    for record in found.records:
        for value in record.row.values():
            assert value is None or isinstance(value, str | int)
            storable(value if isinstance(value, str) else None)
        _sqlite().execute("VALUES (?, ?, ?, ?)", [*record.row.values()]).fetchall()
    answer = json.loads(worker._call(load(setup(rules, 10**6)), meta, body))
    assert not answer[2]
    assert received(answer[0]) == found


def page_links(base: str, link: str) -> None:
    """Any link is made absolute, or left as it is."""
    page = f"<base href='{base}'><a href='{link}'>x</a>"
    rule = Rule("items", (field("link", "a::attr(href)", absolute=True),))
    for text_or_bytes in (page, page.encode("utf-8", "replace")):
        for record in Extractor([rule]).records(
            text_or_bytes, "http://a.test/", "http://a.test/b/"
        ):
            found = record.row["link"]
            storable(found if isinstance(found, str) else None)


_PAGE = "<html><title>t</title><p class=x id=x>a<a href='/'>b</a><ul><li>1<li>2</ul><svg viewBox=0>"


def selectors(css: str, count: bool) -> None:
    """A selector is refused beforehand, or works."""
    try:
        made = field("a", css, count=count)
    except ValueError as exc:
        str(exc)
        return
    rules = [Rule("items", (made,)), Rule("items", (made,), each=made.css or "p")]
    for rule in rules:
        Extractor([rule]).records(_PAGE, "http://a.test/", "http://a.test/")


def selected(words: Sequence[str]) -> None:
    """`-s` is refused in a sentence, or becomes a table that SQLite makes."""
    with suppress(UsageError):
        _usable(rules_of(words, None))


def rule_tables(seed: int) -> None:
    """Whatever TOML can say becomes rules, or a sentence."""
    rng = random.Random(seed)
    extract = [kit.rule_table(rng) for _ in range(rng.randint(1, 2))]
    found = config.Config(Path("x.toml"), rng.choice(["", kit.toml_text(rng)]), {}, extract)
    with _refused_by("x.toml"):
        _usable(rules_of((), found))


@contextmanager
def _refused_by(name: str) -> Iterator[None]:
    """For a UsageError that names the file."""
    try:
        yield
    except UsageError as exc:
        if name not in str(exc):
            raise AssertionError(f"no {name} in {exc}") from None


def _usable(rules: Sequence[Rule]) -> None:
    """A page can be taken by them, and SQLite makes their tables."""
    Extractor(rules).records(_PAGE, "http://a.test/", "http://a.test/")
    for table, columns in tables(rules).items():
        _sqlite().execute("BEGIN")
        for statement in create_table(table, columns):
            _sqlite().execute(statement)
        row = [None] * len(columns)
        _sqlite().execute(insert_record(table, columns), ["http://a.test/", *row, 1])
        _sqlite().execute("ROLLBACK")


@cache
def _sqlite() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute("CREATE TABLE pages (id INTEGER PRIMARY KEY, state TEXT)")
    return connection


def toml_file(seed: int) -> None:
    """A file is configuration, or is refused with its name."""
    _FILE.write_bytes(kit.toml_text(random.Random(seed)).encode("utf-8", "surrogatepass"))
    with _refused_by(str(_FILE)):
        rules_of((), config.load(_FILE))


_FILE = Path(tempfile.gettempdir(), f"scrapeq-fuzz-{os.getpid()}.toml")


# ---- settings and the command line


def amount(written: str | int) -> None:
    """A size or an allowance is what it says, or a ValueError."""
    with suppress(ValueError):
        size = values.parse_size(written)
        assert size > 0
        if size < 2**53:
            assert values.parse_size(values.shown_size(size)) == size
            assert values.parse_size(size) == size
    with suppress(ValueError):
        allowed = values.parse_allowance(written)
        assert values.parse_allowance(allowed) == allowed
        assert float(allowed.removesuffix("%")) >= 0
    with suppress(ValueError):
        path = values.parse_output(str(written))
        assert values.parse_output(path) == path
    with suppress(ValueError):
        values.parse_agent(str(written)).encode("ascii")


def toml_values(value: Any) -> None:
    """What is written as TOML is read as the same."""
    assert tomllib.loads(f"x = {values.toml_value(value)}")["x"] == value


def command_line(words: Sequence[str]) -> None:
    """Any words and flags begin a run, or end in one clear sentence; never in a traceback."""
    begun = []

    def begin(*given: Any) -> None:
        begun.append(given)
        raise SystemExit(0)

    saved = session.scrape, sys.argv, sys.stdout, sys.stderr
    session.scrape, sys.argv = begin, ["scrapeq", "run", *words]  # type: ignore[assignment]
    sys.stdout, sys.stderr = StringIO(), StringIO()
    code: Any = None
    try:
        try:
            _command().main(["run", *words], prog_name="scrapeq")
        except ScrapeqError as exc:
            cli._fail(exc)
    except SystemExit as exc:
        code = exc.code
    finally:
        said = sys.stdout.getvalue() + sys.stderr.getvalue()
        session.scrape, sys.argv, sys.stdout, sys.stderr = saved
    assert code in (0, 2), code
    assert begun or said
    assert "Traceback" not in said


@cache
def _command() -> Any:
    import typer.main

    return typer.main.get_command(cli.app)


# ---- what is shown


def safe_text(written: str, limit: int) -> None:
    """One line without control, bidi and surrogate characters, within its limit, for good."""
    shown = text.safe(written, limit)
    shown.encode()
    assert len(shown) <= limit
    assert text.safe(shown, limit) == shown
    assert not [c for c in shown if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp")]
    assert not [c for c in shown if unicodedata.bidirectional(c) in _BIDI]


_BIDI = ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")


def next_steps(command: Sequence[str], flag: str, value: str) -> None:
    """A shell reads a proposed command as it was meant."""
    words = shlex.split(from_stored_list(command).removesuffix(" < /dev/null"))
    assert words == [word for word in command if word != "--fresh"]
    assert with_flags(command, f"{flag} {value}")[-2:] == [flag, value]
    for name in command:
        for line in look_lines(name):
            assert {name, f"./{name}"} & set(shlex.split(line))


# ---- manners


def retry_afters(value: str) -> None:
    """A number of seconds that can be waited for, or none."""
    seconds = retry_after(value, 1.7e9)
    assert seconds is None or 0 <= seconds < 1e12


def robots(written: str, agent: str, url: str) -> None:
    """Any robots.txt is read; its rules for one agent are no longer than it was."""
    found = rules_for(agent, written)
    assert len(found) <= len(written) + len("User-agent: *\n")
    rules = Protego.parse(found)
    line = urls.listed(url)
    assert line.reason or rules.can_fetch(line.url, "*") in (True, False)


def addresses(address: str, number: int) -> None:
    """An address is as private in any wrapping as it is alone."""
    if not is_private(address):
        assert (
            IPv4Address(address) if ":" not in address else IPv6Address(address.partition("%")[0])
        )
    alone = IPv4Address(number)
    wrapped = [
        f"::ffff:{alone}", f"::ffff:{number >> 16:x}:{number & 0xFFFF:x}", f"64:ff9b::{alone}",
        f"2002:{number >> 16:x}:{number & 0xFFFF:x}::1", f"::ffff:{alone}%eth0",
    ]  # fmt: skip
    if number > 0xFFFF:  # below, `::1` and `::` are addresses of their own
        wrapped.append(f"::{alone}")
    for one in wrapped:
        assert is_private(one) == is_private(str(alone)), one
        assert is_metadata(one) == is_metadata(str(alone)), one
    if alone.is_private or alone.is_loopback or alone.is_link_local or alone.is_multicast:
        assert is_private(str(alone))


# ---- the table


@dataclass(frozen=True)
class Property:
    """What must hold, and of what."""

    check: Callable[..., None]
    given: tuple[st.SearchStrategy[Any], ...]
    weight: float = 1.0
    """Of one case, against the others: the suite tries fewer of a heavy one."""


_limits = st.integers(0, 60)
_texts = kit.any_text | kit.url_texts
_headers = st.lists(st.sampled_from([*kit.PACKERS, "identity", "x-gzip", "", " GZIP "]), max_size=3)
_public = st.sampled_from([8, 127, 10, 169, 172, 192, 203]).flatmap(
    lambda top: st.integers(top << 24, (top << 24) + 0xFFFFFF)
)

PROPERTIES = {
    found.check.__name__: found
    for found in (
        Property(addresses, (kit.addresses, st.integers(0, 2**32 - 1) | _public)),
        Property(amount, (kit.amounts,)),
        Property(toml_values, (st.text() | st.integers(-(2**63), 2**63) | st.booleans()
                               | st.floats(allow_nan=False),)),
        Property(retry_afters, (kit.retry_afters,)),
        Property(url_quick, (kit.canonical_texts,)),
        Property(safe_text, (kit.any_text | st.text("\x1b\x9b\u202e\u2066\ud800\0a\t", max_size=99),
                             _limits)),
        Property(url_visible, (_texts, st.integers(1, 60))),
        Property(charset_label, (kit.seeds,)),
        Property(url_line, (_texts,)),
        Property(url_secret, (kit.secret_texts,)),
        Property(location, (st.sampled_from(["http://a.test/b/c?d", "https://[::1]:1/"]),
                            kit.secret_texts | _texts)),
        Property(next_steps, (kit.commands, st.sampled_from(["--fetchers", "--parsers", "--delay"]),
                              st.sampled_from(["8", "0.5"]))),
        Property(list_cuts, (kit.list_bytes, st.lists(st.integers(0, 2**20), max_size=5))),
        Property(list_lines, (kit.list_lines, st.sampled_from(["a.txt", "a.csv", "a.tsv"]))),
        Property(charset, (kit.charset_bytes, kit.content_types)),
        Property(coded_rubbish, (st.binary(max_size=60), _headers.map(",".join) | kit.any_text,
                                 st.integers(1, 10**4))),
        Property(coded_mutations, (kit.seeds,)),
        Property(coded_cuts, (kit.seeds,)),
        Property(robots, (kit.robots_texts, st.sampled_from(["scrapeq", "*", "\xe9"]),
                          kit.canonical_texts)),
        Property(selectors, (kit.css_texts, st.booleans())),
        Property(selected, (kit.select_words,)),
        Property(page_links, (_texts, _texts)),
        Property(rule_tables, (kit.seeds,), 2),
        Property(toml_file, (kit.seeds,), 2),
        Property(page_soup, (kit.seeds,), 3),
        Property(command_line, (kit.command_words,), 10),
    )
}  # fmt: skip
"""By name; about the cheapest first."""


Case = tuple[Any, ...]


def check(name: str, cases: int, seed: int) -> int:
    """Try a property on so many cases, the same ones for the same seed; raise what it raises,
    for the smallest case that does. Return how many there were: some strategies have no more."""
    found = PROPERTIES[name]
    tried = 0

    def counted(case: Case) -> None:
        nonlocal tried
        tried += 1
        found.check(*case)

    hypothesis.seed(seed)(_tried_on(found, counted, cases))()
    return tried


def _tried_on(found: Property, counted: Callable[[Case], None], cases: int) -> Any:
    # Stated whole: hypothesis has another profile where CI is set.
    quiet = hypothesis.settings(
        max_examples=cases,
        deadline=None,
        database=None,
        derandomize=False,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
        report_multiple_bugs=False,
        print_blob=False,
    )
    return quiet(hypothesis.given(st.tuples(*found.given))(counted))


# ---- the long run


def long_run(name: str, cases: int, seed: int) -> dict[str, Any]:
    """So many cases of one property in this process, made of random bytes at half the price."""
    found, rng, began = PROPERTIES[name], random.Random(seed), time.monotonic()
    tried, last, findings = 0, "", dict[str, str]()

    def counted(case: Case) -> None:
        nonlocal tried, last
        tried, last = tried + 1, repr(case)
        if tried % NEWS == 0:
            print(f"{name} {tried}", file=sys.stderr, flush=True)
        found.check(*case)

    try_on = _tried_on(found, counted, 1).hypothesis.fuzz_one_input
    while tried < cases and len(findings) < MOST_FINDINGS:
        try:
            try_on(rng.randbytes(rng.choice(SIZES)))
        except Exception as exc:
            findings.setdefault(type(exc).__name__, f"{str(exc)[:300]}: {last[:2000]}")
    seconds = time.monotonic() - began
    return {"name": name, "cases": tried, "seconds": round(seconds, 1), "findings": findings}


def _in_a_child(name: str, cases: int, seed: int) -> dict[str, Any]:
    words = ["--cases", str(cases), "--seed", str(seed), "--inside", name]
    ended = subprocess.run(
        [sys.executable, "-m", "tests.fuzz", *words], capture_output=True, text=True, check=False
    )
    if ended.returncode == 0:
        result: dict[str, Any] = json.loads(ended.stdout)
        return result
    return {"name": name, "cases": 0, "seconds": 0.0,
            "findings": {f"exit code {ended.returncode}": ended.stderr[-2000:]}}  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(PROPERTIES))
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0, help="other cases")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    names = given.names or list(PROPERTIES)
    if given.inside:
        faulthandler.enable()
        print(json.dumps(long_run(names[0], given.cases, given.seed)))
        return 0
    found = 0
    with ThreadPoolExecutor(given.jobs) as pool:
        for result in pool.map(lambda name: _in_a_child(name, given.cases, given.seed), names):
            print("{name:16} {cases:>8,} cases {seconds:>8} s".format(**result), end="  ")
            print(f"{len(result['findings'])} findings", flush=True)
            for fault, example in result["findings"].items():
                print(f"    {fault}\n        {example}", flush=True)
            found += len(result["findings"])
    return bool(found)


if __name__ == "__main__":
    raise SystemExit(main())
