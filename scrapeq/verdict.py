"""A Page and what the parse processes say of it -> its Outcome. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from sys import getsizeof

from scrapeq.models import Outcome, Page, Record, Verdict
from scrapeq.parse import Parsed, received
from scrapeq.retry import Failure, RetryPolicy
from scrapeq.urls import kept
from scrapeq.workers import Result


def outcome_of(
    page: Page, result: Result, retry: RetryPolicy, now: float, *, strict: bool = False
) -> Outcome:
    """The verdict on a fetched page. `strict`: one without its end is never done."""
    if result.lost:
        return _outcome(page, Parsed(failed=f"parse_{result.lost}", detail=result.error))
    if result.error:
        return _outcome(page, Parsed(failed="crash_parse", detail=result.error))
    parsed = received(result.value)
    if parsed.truncated and (strict or page.request.attempt <= retry.retries):
        failure = Failure(
            "truncated",
            "the compressed body lacks its end",
            again=True,
            status=page.status,
            final_url=page.url,
            elapsed=page.elapsed,
        )
        return retry.verdict(page.request, failure, now)
    return _outcome(page, parsed)


def weight(records: Sequence[Record]) -> int:
    """Bytes of memory that records take."""
    rows = [row for _, row in records]
    values = chain.from_iterable(row.values() for row in rows)
    return sum(map(getsizeof, rows)) + sum(map(getsizeof, values))


def _outcome(page: Page, parsed: Parsed) -> Outcome:
    verdict: Verdict = "done"
    if parsed.failed or parsed.skipped:
        verdict = "failed" if parsed.failed else "skipped"
    return Outcome(
        page.request,
        verdict,
        parsed.failed or parsed.skipped,
        kept(parsed.detail),
        attempts=page.request.attempt,
        status=page.status,
        final_url=page.url,
        elapsed=page.elapsed,
        bytes=len(page.body),
        content_type=page.content_type or None,
        encoding=parsed.encoding or None,
        truncated=parsed.truncated,
        records=parsed.records,
    )
