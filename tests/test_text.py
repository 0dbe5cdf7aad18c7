"""Text from the web on a terminal, and numbers as people read them."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrapeq import text
from scrapeq.text import safe

BIDI = [*"\u200e\u200f\u061c", *map(chr, [*range(0x202A, 0x202F), *range(0x2066, 0x206A)])]
anything = st.text(st.characters())
nasty = st.text(
    st.sampled_from([*"\x00\x07\t\n\r\x1b\x7f\x80\x9b\x9d\u2028\u2029\ud83d\udfff", *BIDI])
)


@given(anything | nasty)
def test_no_character_that_controls_a_terminal_ever_survives(words: str) -> None:
    for character in safe(words, limit=1000):
        assert unicodedata.category(character) not in ("Cc", "Cs", "Zl", "Zp")
        assert character not in BIDI


def test_every_control_and_bidi_character_there_is_is_made_harmless() -> None:
    unsafe = [
        chr(point)
        for point in range(0x110000)
        if unicodedata.category(chr(point)) in ("Cc", "Cs", "Zl", "Zp") or chr(point) in BIDI
    ]
    assert not set(unsafe) & set(safe("".join(unsafe), limit=10_000))


@given(anything | nasty, st.integers(0, 30))
def test_no_text_is_longer_than_its_limit(words: str, limit: int) -> None:
    assert len(safe(words, limit)) <= limit


@given(anything | nasty, st.integers(0, 30))
def test_what_is_safe_stays_as_it_is(words: str, limit: int) -> None:
    once = safe(words, limit)
    assert safe(once, limit) == once


@given(anything)
def test_what_is_safe_can_be_written_as_utf8(words: str) -> None:
    safe(words).encode()


@pytest.mark.parametrize("harmless", ["", "plain", "Zoë — 文字 🙂", "[/b] [red]", "a b"])
def test_harmless_text_is_left_alone(harmless: str) -> None:
    assert safe(harmless) == harmless


def test_an_attack_is_shown_for_what_it_is() -> None:
    assert safe("\x1b]0;owned\x07\x1b[2J") == "␛]0;owned␇␛[2J"
    assert safe("\x9b2J\x7f\u2028") == "\ufffd2J␡\ufffd"


def test_a_line_break_cannot_forge_a_log_line_and_a_tab_is_a_blank() -> None:
    assert safe("404\r\nINFO all is well") == "404␍␊INFO all is well"
    assert safe("a\tb") == "a b"


def test_what_reorders_or_hides_text_is_gone() -> None:
    assert safe("\u202egnp.exe\u202c") == "gnp.exe"
    assert safe("pay\u200bpal\ufeff\u2066") == "paypal"


def test_what_is_cut_ends_in_an_ellipsis() -> None:
    assert safe("abcdef", limit=4) == "abc…"
    assert safe("abcd", limit=4) == "abcd"


def test_text_that_was_cut_before_it_was_cleaned_says_so() -> None:
    assert safe("\u200b" * 100 + "end", limit=4) == "…"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0.0ms"),
        (0.0026, "2.6ms"),
        (0.00996, "10ms"),
        (0.212, "212ms"),
        (0.9996, "1.0s"),
        (1.9, "1.9s"),
        (99.96, "100s"),
        (1234, "1234s"),
    ],
)
def test_a_latency_has_two_or_three_digits_and_its_unit(seconds: float, words: str) -> None:
    assert text.ms(seconds) == words


@pytest.mark.parametrize(
    ("octets", "words"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (999.96, "1.0 kB"),
        (1000, "1.0 kB"),
        (18_400_000, "18.4 MB"),
        (999_960_000, "1.0 GB"),
        (1_100_000_000, "1.1 GB"),
        (5e19, "50000.0 PB"),
    ],
)
def test_a_size_has_a_decimal_unit(octets: float, words: str) -> None:
    assert text.size(octets) == words


def test_a_count_has_its_thousands_apart() -> None:
    assert text.count(5712) == "5,712"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-1, "00:00:00"), (102.9, "00:01:42"), (360_000, "100:00:00")],
)
def test_a_clock_has_a_fixed_place_for_each_digit(seconds: float, words: str) -> None:
    assert text.clock(seconds) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-1, "0.0s"),
        (4.24, "4.2s"),
        (9.96, "10s"),
        (59.4, "59s"),
        (59.6, "1m 00s"),
        (178, "2m 58s"),
        (3599.7, "1h 00m"),
        (11_100, "3h 05m"),
    ],
)
def test_a_span_has_the_two_units_that_matter(seconds: float, words: str) -> None:
    assert text.span(seconds) == words
