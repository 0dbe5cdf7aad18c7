"""The references that a parser cannot bear: what they do to it, and that none reaches it."""

from __future__ import annotations

import subprocess
import sys
from html.entities import html5

import pytest

from scrapeq.extract import DEFAULT_RULE, Extractor
from scrapeq.overrun import without_overrun

SHORTER = ["&" + name for name, text in html5.items() if len(text.encode()) > len(name) + 1]


def test_they_are_all_whose_meaning_is_longer_than_they() -> None:
    assert sorted(SHORTER) == ["&nGt;", "&nLt;"]


@pytest.mark.parametrize("reference", SHORTER)
@pytest.mark.parametrize("before", [b"", b"\0", b"x\0&nGt", b"&nLt"])
def test_each_is_written_out_wherever_it_stands(reference: str, before: bytes) -> None:
    found = without_overrun(before + reference.encode() * 3 + b"&gt;")
    assert found == before + html5[reference[1:]].encode() * 3 + b"&gt;"


def test_what_only_looks_like_one_stays() -> None:
    text = b"&nGt &ngt; &nGtv; nGt; &nL;t; \0 &nGg;"
    assert without_overrun(text) == text


@pytest.mark.parametrize("template", ["<title>{}", "<p title='{}'>", "<title>x</title>{}<p>"])
@pytest.mark.parametrize("reference", SHORTER)
@pytest.mark.timeout(60)
def test_a_page_full_of_them_leaves_the_heap_whole(template: str, reference: str) -> None:
    """In a process of its own whose malloc looks after its heap. Without the mending it dies
    here, as it does of `python -c` with the parser alone."""
    code = (
        "import sys; from scrapeq.extract import DEFAULT_RULE, Extractor\n"
        "for n in (1, 3276, 3277, 5000, 40000):\n"
        "    for pad in range(5):\n"
        "        text = sys.argv[1].format('x' * pad + sys.argv[2] * n)\n"
        "        Extractor([DEFAULT_RULE]).records(text.encode(), 'http://a.test/', 'x')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, template, reference],
        env={"MALLOC_CHECK_": "3", "MALLOC_PERTURB_": "165"},
        capture_output=True,
        timeout=50,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")


def test_they_mean_what_they_mean() -> None:
    (record,) = Extractor([DEFAULT_RULE]).records("<title>a&nGt;b&nLt;", "http://a.test/", "x")
    assert record.row["title"] == "a≫\u20d2b≪\u20d2"
