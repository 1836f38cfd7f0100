"""What a header's rows say of each column: merged cells spread, levels from the top."""

from __future__ import annotations

from hub.intake.reader.layout.cell import one_line
from hub.intake.reader.layout.sheet import SheetView
from hub.intake.reader.words import squeeze

MAX_COLUMNS_KEPT = 2000


def header_levels(sheet: SheetView, rows: list[int]) -> dict[int, tuple[str, ...]]:
    """Header texts of each column from the top, merged cells spread, the same text not repeated."""
    spread: dict[int, dict[int, str]] = {row: dict(sheet.filled(row)) for row in rows}
    low, high = rows[0], rows[-1]
    for top in range(low, high + 1):
        for first, left, bottom, right in sheet.down.get(top, ()):
            text = sheet.text(first, left)
            if not text:
                continue
            for row in rows:
                if first <= row <= bottom:
                    for column in range(left, min(right, left + MAX_COLUMNS_KEPT) + 1):
                        spread[row].setdefault(column, text)
    if not sheet.grid.has_merges:
        for row in rows[:-1]:
            below = spread[rows[rows.index(row) + 1]]
            for left, right in groups(sheet, row):
                text = spread[row][left]
                for column in range(left, right + 1):
                    if column in below:
                        spread[row].setdefault(column, text)
    levels: dict[int, tuple[str, ...]] = {}
    for column in sorted({c for cells in spread.values() for c in cells}):
        texts: list[str] = []
        for row in rows:
            text = one_line(spread[row].get(column, ""))
            if text and (not texts or squeeze(texts[-1]) != squeeze(text)):
                texts.append(text)
        levels[column] = tuple(texts)
    return levels


def groups(sheet: SheetView, row: int) -> list[tuple[int, int]]:
    """Columns spanned by group labels of a header row: merged cells, or, without merges, a label and the blanks
    after it."""
    merged = [(left, right) for _, left, bottom, right in sheet.down.get(row, ()) if right > left and bottom == row]
    if merged or sheet.grid.has_merges:
        return merged
    cells = sheet.filled(row)
    last = max((len(c) for c in sheet.rows.values()), default=0) - 1
    groups = []
    for (column, _), following in zip(cells, [*cells[1:], (last + 1, "")], strict=True):
        if following[0] - column > 1:
            groups.append((column, following[0] - 1))
    return groups
