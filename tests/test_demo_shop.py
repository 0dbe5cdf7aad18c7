"""The invented shop as data: the same everywhere, and each kind of page at its numbers."""

from __future__ import annotations

import pytest

from scrapeq.demo.kinds import (
    COUNT,
    NUMBERS,
    NUMBERS_BY_KIND,
    Kind,
    expected,
    kind_of,
    trail,
    wait_of,
)
from scrapeq.demo.shop import Product, product, products
from scrapeq.demo.wire import accepts


def test_the_shop_is_the_same_on_every_machine() -> None:
    assert product(1) == Product(
        number=1,
        title="One Half-Open Greenhouse, Two Windmills",
        author="Zoë McAllister",
        price=29.84,
        stock=33,
        rating=5,
        category=("Books", "History", "Local"),
        upc="244e3b72462952e1",
        description="Everything you meant to ask about the subject, in forty short chapters. "
        "Best read aloud, near a window.",
    )


def test_the_shop_has_a_thousand_products_each_with_its_own_upc() -> None:
    assert [each.number for each in products()] == list(NUMBERS)
    assert len({each.upc for each in products()}) == COUNT


def test_titles_hold_what_html_must_escape_and_letters_beyond_ascii() -> None:
    titles = "".join(each.title for each in products())
    assert set("&<'\"Łőé") <= set(titles)


def test_prices_are_whole_pence() -> None:
    assert all(each.price == float(f"{each.price:.2f}") for each in products())


def test_no_number_belongs_to_two_kinds() -> None:
    numbers = [number for places in NUMBERS_BY_KIND.values() for number in places]
    assert len(numbers) == len(set(numbers))
    assert set(numbers) <= set(NUMBERS)


def test_there_are_as_many_of_each_kind_as_promised() -> None:
    sizes = {kind: len(numbers) for kind, numbers in NUMBERS_BY_KIND.items()}
    assert {sizes[kind] for kind in (Kind.GZIP, Kind.BROTLI)} == {100}
    assert {sizes[kind] for kind in (Kind.SLOW, Kind.ZSTD, Kind.DEFLATE)} == {20}
    assert {sizes[kind] for kind in (Kind.FAILS_ONCE, Kind.BUSY_ONCE, Kind.MOVED)} == {5}
    assert {sizes[kind] for kind in (Kind.CUT_SHORT, Kind.DROPPED_ONCE)} == {2}
    assert sizes[Kind.GONE] == 10
    assert set(sizes) | {Kind.PLAIN} == set(Kind)


def test_the_busy_products_are_neighbours() -> None:
    busy = [number for number in NUMBERS if kind_of(number) is Kind.BUSY_ONCE]
    assert busy == list(range(busy[0], busy[0] + 5))


def test_slow_pages_wait_from_0_3_to_1_5_seconds_and_others_not_at_all() -> None:
    waits = [wait_of(number) for number in NUMBERS_BY_KIND[Kind.SLOW]]
    assert [min(waits), max(waits)] == pytest.approx([0.3, 1.5])
    assert wait_of(1) == 0


def test_what_is_expected_of_the_whole_list_adds_up_to_it() -> None:
    whole = expected()
    assert whole.total == COUNT
    assert (whole.done, dict(whole.skipped)) == (986, {"content_type": 1})
    assert whole.failed == {"404": 10, "truncated": 2, "redirects": 1}


def test_what_is_expected_of_a_part_of_the_list_is_of_that_part() -> None:
    assert expected([1, 75, 333]).failed == {"404": 1}
    assert expected([1, 75, 333]).total == 3


def test_only_moved_products_and_the_loop_have_a_trail() -> None:
    longer = {kind_of(number) for number in NUMBERS if len(trail(number)) > 1}
    assert longer == {Kind.MOVED, Kind.LOOP}


def test_a_coding_of_weight_zero_is_not_accepted() -> None:
    assert accepts("gzip, deflate;q=0.5, br", "deflate")
    assert accepts("GZIP", "gzip")
    assert not accepts("gzip;q=0, br;q=0.000", "gzip")
    assert not accepts("gzip;q=0, br; q=0.000", "br")
    assert not accepts("", "gzip")
