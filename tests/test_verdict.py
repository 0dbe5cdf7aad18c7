"""What a parsed page becomes."""

from __future__ import annotations

from typing import Any

import pytest

from scrapeq.models import Outcome, Page, Record, Request
from scrapeq.parse import load, setup
from scrapeq.retry import RetryPolicy
from scrapeq.verdict import outcome_of, weight
from scrapeq.workers import Result

NOW = 1_800_000_000.0
RETRY = RetryPolicy(retries=2, jitter=lambda: 1.0)


def a_page(attempt: int = 1, content_type: str = "text/html") -> Page:
    request = Request(7, "http://host.test/", "host.test", attempt)
    return Page(request, "http://host.test/end", 200, b"<body>", content_type, "", 0.5)


def answered(
    rows: tuple[tuple[str, dict[str, Any]], ...] = (),
    *,
    truncated: bool = False,
    skipped: str = "",
    failed: str = "",
    detail: str = "",
) -> Result:
    """What a parse process answers."""
    return Result([list(rows), "utf-8", truncated, skipped, failed, detail], 0.01)


def verdict(result: Result, page: Page | None = None) -> Outcome:
    return outcome_of(page or a_page(), result, RETRY, NOW)


def test_a_parsed_page_is_done_and_tells_all_that_is_known_of_it() -> None:
    found = verdict(answered((("items", {"title": "x"}),)), a_page(attempt=2))
    assert found == Outcome(
        a_page(attempt=2).request, "done", attempts=2, status=200,
        final_url="http://host.test/end", elapsed=0.5, bytes=6, content_type="text/html",
        encoding="utf-8", records=(Record("items", {"title": "x"}),),
    )  # fmt: skip


def test_a_page_without_rows_is_done() -> None:
    assert verdict(answered()).verdict == "done"


def test_what_is_not_known_is_none_and_not_an_empty_text() -> None:
    found = verdict(Result([[], "", False, "", "", ""]), a_page(content_type=""))
    assert (found.content_type, found.encoding) == (None, None)


@pytest.mark.parametrize("loss", ["timeout", "memory", "crash"])
def test_a_page_that_took_its_process_down_has_failed_for_good(loss: Any) -> None:
    found = verdict(Result(lost=loss, error="what happened"))
    assert (found.verdict, found.reason, found.detail) == (
        "failed",
        f"parse_{loss}",
        "what happened",
    )
    assert (found.status, found.bytes, found.attempts) == (200, 6, 1)


def test_a_page_whose_parser_raised_has_failed_for_good() -> None:
    found = verdict(Result(error="KeyError: 'x'"))
    assert (found.verdict, found.reason, found.detail) == ("failed", "crash_parse", "KeyError: 'x'")
    found = verdict(Result(error="ValueError: https://me:word@h.test/" + "x" * 10_000))
    assert found.detail.startswith("ValueError: https://***@h.test/x")
    assert len(found.detail) == 500


def test_a_body_that_cannot_be_read_has_failed_for_good() -> None:
    found = verdict(answered(failed="too_large", detail="more than 20 bytes"))
    assert (found.verdict, found.reason) == ("failed", "too_large")
    assert found.detail == "more than 20 bytes"


def test_what_is_no_text_is_skipped() -> None:
    found = verdict(answered(skipped="content_type", detail="not text"))
    assert (found.verdict, found.reason, found.detail) == ("skipped", "content_type", "not text")


def test_a_body_without_its_end_is_fetched_again_and_in_the_end_taken_with_a_flag() -> None:
    result = answered((("items", {"title": "x"}),), truncated=True)
    found = [verdict(result, a_page(attempt=n)) for n in (1, 2, 3)]
    assert [(x.verdict, x.reason) for x in found] == [
        ("retry", "truncated"), ("retry", "truncated"), ("done", ""),
    ]  # fmt: skip
    assert [(x.attempts, bool(x.records), x.truncated) for x in found] == [
        (1, False, False), (2, False, False), (3, True, True),
    ]  # fmt: skip
    assert found[0].due == NOW + 1


def test_under_strict_a_body_without_its_end_has_failed_in_the_end() -> None:
    result = answered((("items", {"title": "x"}),), truncated=True)
    found = [outcome_of(a_page(attempt=n), result, RETRY, NOW, strict=True) for n in (1, 3)]
    assert [(x.verdict, x.reason, x.records) for x in found] == [
        ("retry", "truncated", ()), ("failed", "truncated", ()),
    ]  # fmt: skip
    assert (found[1].status, found[1].final_url) == (200, "http://host.test/end")


def test_records_weigh_what_they_take_in_memory() -> None:
    assert weight(()) == 0
    light, heavy = ((Record("t", {"a": text, "b": None, "c": 1}),) for text in ("x", "x" * 10**6))
    assert 100 < weight(light) < 1000
    assert abs(weight(heavy) - weight(light) - 10**6) < 10
    assert weight(heavy * 2) == 2 * weight(heavy)


def test_the_answer_of_the_real_function_is_understood() -> None:
    answer = load(setup([], 1000))(["http://a.test/", "http://a.test/", "text/html", ""], b"<p>")
    assert verdict(Result(answer)).verdict == "done"
