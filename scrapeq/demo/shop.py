"""The shop's 1,000 books: invented, and the same on every machine and in every run."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TypeVar

from scrapeq.demo import words
from scrapeq.demo.kinds import NUMBERS, NUMBERS_BY_KIND, kind_of, listed_path, trail
from scrapeq.demo.odd_titles import ODD_TITLES

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Product:
    """One book, as its pages must show it."""

    number: int
    """From 1."""
    title: str
    author: str
    price: float
    """Pounds, two decimals."""
    stock: int
    rating: int
    """1 to 5."""
    category: tuple[str, ...]
    """From the widest shelf to the narrowest; the first is always `Books`."""
    upc: str
    """16 hexadecimal digits, unique."""
    description: str

    @property
    def path(self) -> str:
        """Where the lists say it is."""
        return listed_path(self.number)

    @property
    def home(self) -> str:
        """Where it is: the canonical path, another one only if the product has moved."""
        return trail(self.number)[-1]

    @property
    def image(self) -> str:
        """The path of its cover."""
        return f"/media/covers/{self.number}.svg"


@cache
def products() -> tuple[Product, ...]:
    """All of them, in order of number."""
    return tuple(map(_product, NUMBERS))


def product(number: int) -> Product:
    return products()[number - 1]


def _product(number: int) -> Product:
    title, author = _title_and_author(number)
    return Product(
        number=number,
        title=title,
        author=author,
        price=(499 + _draw(number, "price") % 5500) / 100,
        stock=1 + _draw(number, "stock") % 40,
        rating=1 + _draw(number, "rating") % 5,
        category=("Books", *_pick(number, "shelf", words.SHELVES).split(" > ")),
        upc=f"{_draw(number, 'upc'):016x}",
        description=f"{_pick(number, 'opening', words.OPENINGS)} "
        f"{_pick(number, 'closing', words.CLOSINGS)}",
    )


def _title_and_author(number: int) -> tuple[str, str]:
    kind = kind_of(number)
    if kind in ODD_TITLES:
        return ODD_TITLES[kind][NUMBERS_BY_KIND[kind].index(number)]
    first = _pick(number, "first name", words.FIRST_NAMES)
    return _title(number), f"{first} {_pick(number, 'last name', words.LAST_NAMES)}"


def _title(number: int) -> str:
    return _pick(number, "title", words.TITLES).format(
        adjective=_pick(number, "adjective", words.ADJECTIVES),
        noun=_pick(number, "noun", words.NOUNS),
        person=_pick(number, "person", words.PEOPLE),
        subject=_pick(number, "subject", words.SUBJECTS),
        place=_pick(number, "place", words.TOWNS),
    )


def _pick(number: int, what: str, choices: Sequence[T]) -> T:
    return choices[_draw(number, what) % len(choices)]


def _draw(number: int, what: str) -> int:
    """64 bits that depend on nothing but these two (`random` may change between Pythons)."""
    digest = hashlib.blake2b(f"{what} {number}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big")
