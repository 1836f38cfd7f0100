"""A grid with what the rules ask again and again: filled cells, spans, what stands below a row."""

from __future__ import annotations

from collections.abc import Collection

from hub.intake.reader.grid import Grid, Range
from hub.intake.reader.layout.cell import is_value, squeeze_light


class SheetView:
    """A grid with what the rules ask again and again."""

    def __init__(self, grid: Grid, known: Collection[str]) -> None:
        self.grid = grid
        self.known = known
        self.rows = {r: c for r, c in grid.rows.items() if any(x and squeeze_light(x) for x in c)}
        self.numbers = sorted(self.rows)
        self.width = self._usual_width()
        self.down: dict[int, list[Range]] = {}  # ranges by first row, those that span rows or columns
        for merged in grid.merges:
            self.down.setdefault(merged[0], []).append(merged)

    def _usual_width(self) -> int:
        step = max(1, len(self.rows) // 2000)
        sample = list(self.rows.values())[::step] if step > 1 else self.rows.values()
        widths = sorted(len(cells) - cells.count("") for cells in sample)
        return widths[int(len(widths) * 0.75)] if widths else 0

    def filled(self, row: int) -> list[tuple[int, str]]:
        """(column, text) of the row's own cells that hold something."""
        return [(c, x) for c, x in enumerate(self.rows.get(row, ())) if x and squeeze_light(x)]

    def span(self, row: int, column: int) -> int:
        """How many columns the cell covers."""
        for _, left, _, right in self.down.get(row, ()):
            if left == column:
                return right - left + 1
        return 1

    def depth(self, row: int, column: int) -> int:
        """How many rows the cell covers."""
        for _, left, bottom, _ in self.down.get(row, ()):
            if left == column:
                return bottom - row + 1
        return 1

    def text(self, row: int, column: int) -> str:
        cells = self.rows.get(row, ())
        return cells[column] if column < len(cells) else ""

    def first(self, row: int) -> str:
        """The row's first text."""
        return next((x for _, x in self.filled(row)), "")

    def shown(self, row: int) -> str:
        """The row in one line, for its account."""
        return "  ".join(x.strip() for _, x in self.filled(row))[:500]

    def contrast(self, place: int, cells: list[tuple[int, str]]) -> float:
        """Share of a row's words that stand above columns of values: what makes a header a header, whatever it says."""
        below = self.numbers[place + 1 : place + 26]
        hits = considered = 0
        for column, text in cells:
            if is_value(text):
                continue
            under = [x for r in below if (x := self.text(r, column)) and squeeze_light(x)]
            if under:
                considered += 1
                hits += sum(is_value(x) for x in under) >= len(under) * 0.6
        return hits / considered if considered else 0.0
