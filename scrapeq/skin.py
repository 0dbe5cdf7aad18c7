"""What the lines of the screen are made of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rich.text import Text

from scrapeq.text import safe
from scrapeq.window import Window


@dataclass(frozen=True)
class Skin:
    """The characters a terminal can show."""

    ascii_only: bool = False

    def text(self, words: str, style: str = "", limit: int = 400) -> Text:
        """Words from anywhere, the web included: harmless, and never read as markup."""
        words = safe(words, limit)
        if not self.ascii_only:
            return Text(words, style, no_wrap=True, overflow="ellipsis")
        words = words.replace("→", "->").replace("…", "~").encode("ascii", "replace").decode()
        return Text(words, style, no_wrap=True, overflow="crop")

    def bar(self, filled: float, width: int, style: str) -> Text:
        on, off = "#." if self.ascii_only else "█░"
        cells = int(filled * width)
        line = self.text("")
        return line.append(on * cells, style).append(off * (width - cells), "dim")

    def rule(self, width: int) -> Text:
        return self.text("").append(("-" if self.ascii_only else "─") * width, "dim")


@dataclass(frozen=True)
class View:
    """What every panel needs to know."""

    window: Window
    width: int
    skin: Skin

    def row(self, cells: Iterable[tuple[Text, int]]) -> Text:
        """Cells of given widths side by side; a negative width aligns to the right."""
        line = self.skin.text("")
        for cell, width in cells:
            room = abs(width)
            cell.truncate(room if width > 0 else max(0, room - 1))
            cell.align("left" if width > 0 else "right", room)
            line.append_text(cell)
        line.truncate(self.width)
        return line

    def sides(self, left: Text, right: Text) -> Text:
        """One to the left edge, one to the right; the left one gives way."""
        room = max(0, self.width - right.cell_len - 2)
        return self.row([(left, room + 1), (right, -(self.width - room - 1))])
