"""Which rules are the same: what is said where they are not."""

from __future__ import annotations

from scrapeq.extract import DEFAULT_RULE, Field, Rule
from scrapeq.stores.agreement import differences

BOOKS = Rule("books", (Field("title", "h3 a", "attr", "title"), Field("stars", ".on", "count")))


def told(before: list[Rule], now: list[Rule]) -> str:
    return differences([x.described() for x in before], [x.described() for x in now])


def test_the_same_rules_differ_in_nothing() -> None:
    assert told([BOOKS, DEFAULT_RULE], [BOOKS, DEFAULT_RULE]) == ""


def test_each_part_of_a_rule_that_is_another_is_named() -> None:
    changed = Rule("books", (Field("title", "h3 a"), Field("price", ".price", "own")), each="li")
    assert told([BOOKS], [changed]) == (
        "books each: 'li' was '', books.title: 'h3 a' was 'h3 a::attr(title)', "
        "books.stars: not there was '.on count', 1 more"
    )
    elsewhere = Rule("books", BOOKS.fields[:1], match="*/shop/*")
    assert told([BOOKS], [BOOKS, elsewhere]) == (
        "books (*/shop/*) each: '' was not there, "
        "books.title (*/shop/*): 'h3 a::attr(title)' was not there"
    )
    link = Rule("items", (Field("link", "a", "attr", "href", absolute=True),))
    relative = Rule("items", (Field("link", "a", "attr", "href"),))
    assert told([link], [relative]) == "items.link: 'a::attr(href)' was 'a::attr(href) absolute'"


def test_the_first_rule_that_fits_counts_so_their_order_does_too() -> None:
    assert told([BOOKS, DEFAULT_RULE], [DEFAULT_RULE, BOOKS]) == "the rules are in another order"
