"""Which rows were seen: a set of numbers that costs a bit each."""

from __future__ import annotations

from collections.abc import Iterable

_CHUNK = 1 << 16


class Marks:
    """A set of row ids, dense or not: 1.25 MB for ten million that follow one another."""

    def __init__(self) -> None:
        self._chunks: dict[int, bytearray] = {}

    def __contains__(self, number: int) -> bool:
        chunk, at = divmod(number, _CHUNK)
        bits = self._chunks.get(chunk)
        return bits is not None and bool(bits[at >> 3] & 1 << (at & 7))

    def update(self, numbers: Iterable[int]) -> None:
        for number in numbers:
            chunk, at = divmod(number, _CHUNK)
            if chunk not in self._chunks:
                self._chunks[chunk] = bytearray(_CHUNK >> 3)
            self._chunks[chunk][at >> 3] |= 1 << (at & 7)
