"""Faults of the parser: 102 to 108."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.kit import as_dicts, meet, start
from tests.program_kit import PLAIN
from tests.site import Site, html
from tests.torture import samples
from tests.torture.samples import page

pytestmark = pytest.mark.timeout(120)

TIGHT = ["--parse-timeout", "1", "--parse-memory", "256M"]
UNHURRIED = ["--parse-timeout", "30"]
OVER = {"failed:parse_timeout", "failed:parse_memory"}
DEADLY = {"parser": "tests.faults.deadly:load"}


def add(site: Site, *names: str) -> list[str]:
    return [site.add(f"/{name}", samples.markups()[name]) for name in names]


def test_102_elements_that_are_open_for_ever_cost_only_their_own_page(
    site: Site, tmp_path: Path
) -> None:
    (url,) = add(site, "formatting")
    assert len(samples.markups()["formatting"].body) == 50_280
    met = meet(tmp_path, site, url, flags=TIGHT, seconds=60)
    assert met.ending(url) in OVER


def test_103_a_megabyte_of_divs_costs_only_its_own_page(site: Site, tmp_path: Path) -> None:
    (url,) = add(site, "divs")
    met = meet(tmp_path, site, url, flags=TIGHT, seconds=60)
    assert met.ending(url) in OVER


def test_104_ten_thousand_attributes_are_read(site: Site, tmp_path: Path) -> None:
    (url,) = add(site, "attributes")
    met = meet(tmp_path, site, url, flags=UNHURRIED)
    assert met.ending(url) == "done"
    assert "attributes" in {row["title"] for row in met.items}


def test_105_a_megabyte_of_anything_is_read(site: Site, tmp_path: Path) -> None:
    names = ("attribute", "open-attribute", "comment", "script", "nul", "less", "utf-8",
             "references")  # fmt: skip
    urls = add(site, *names)
    met = meet(tmp_path, site, *urls, flags=UNHURRIED)
    assert {met.ending(url) for url in urls} == {"done"}
    titles = {row["url"]: row["title"] for row in met.items}
    assert [titles[url] for url in urls] == list(names)


def test_106_a_page_that_crashes_the_parser_has_failed_alone(site: Site, tmp_path: Path) -> None:
    """After one more try in a fresh process; a page that was only near it is done."""
    bad = [site.add(f"/{n}", page(html("bad") + b"<!-- SIGSEGV -->")) for n in range(3)]
    once = site.add("/once", page(html("once") + b"<!-- SIGABRT in a used process -->"))
    met = meet(tmp_path, site, bad[0], once, *bad[1:], world=DEADLY)
    assert {met.ending(url) for url in bad} == {"failed:parse_crash"}
    assert {met.row(url)["attempts"] for url in bad} == {1}
    assert met.ending(once) == "done"
    assert "SIGSEGV" in met.row(bad[0])["detail"]


def test_107_a_page_whose_process_the_system_kills_has_failed_alone(
    site: Site, tmp_path: Path
) -> None:
    url = site.add("/killed", page(html("bad") + b"<!-- SIGKILL -->"))
    once = site.add("/once", page(html("once") + b"<!-- SIGKILL in a used process -->"))
    met = meet(tmp_path, site, url, once, world=DEADLY)
    assert (met.ending(url), met.ending(once)) == ("failed:parse_memory", "done")


def test_108_a_page_gives_no_more_than_so_much(site: Site, tmp_path: Path) -> None:
    """A million matches, or a title of megabytes: too large. What fits is saved whole."""
    rules = (
        '[[extract]]\nmatch = "*/many/*"\ntable = "many"\neach = "q"\n[extract.fields]\nq = ""\n'
    )
    rules += '[[extract]]\ntable = "items"\n[extract.fields]\ntitle = "title"\n'
    (tmp_path / "rules.toml").write_text(rules)
    fits = {"fitting-title": 5 << 20, "many/words": 15_000}
    urls = {name: site.add(f"/{name}", answer) for name, answer in samples.outputs().items()}
    met = start(
        tmp_path, "run", *PLAIN, "--no-robots", *UNHURRIED, "-c", "rules.toml", *urls.values()
    )
    assert met.code == 0, met.err
    for name, url in urls.items():
        assert met.ending(url) == ("done" if name in fits else "failed:too_large"), name
    titles = {row["url"]: row["title"] for row in as_dicts(tmp_path / "scrapeq.db", "items")}
    assert len(titles[urls["fitting-title"]]) == fits["fitting-title"]
    many = as_dicts(tmp_path / "scrapeq.db", "many")
    assert [row["url"] for row in many] == [urls["many/words"]] * fits["many/words"]
