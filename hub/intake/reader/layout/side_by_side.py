"""Pages of a long table laid beside each other on one sheet, a few rows shifted: 地区 … | 地区 …, as converters from PDF
and printed yearbooks leave them. Read as one table, the header of one page would swallow the first rows of the other.
"""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

from hub.intake.reader.grid import Grid
from hub.intake.reader.layout.cell import is_value
from hub.intake.reader.layout.sheet import SheetView
from hub.intake.reader.words import squeeze

LABEL_ROWS = 200  # rows in which labels are compared
LEAST_COMMON = 5  # labels two pages must share
MOST_COLUMNS = 300


def pages_beside(sheet: SheetView) -> list[Grid]:
    """The pages as sheets of their own (rows and columns numbered as before), or nothing when there is only one.

    Pages repeat the labels of the first column. Where those stand in the same rows, the sheet is one wide table and is
    left alone.
    """
    labels = _labels(sheet)
    if len(labels) < 2:
        return []
    first = min(labels)
    starts = {c: s for c in labels if c != first and (s := _shift(labels[first], labels[c])) is not None}
    if not any(starts.values()):
        return []
    starts[first] = 0
    bounds = [*sorted(starts), max(len(c) for c in sheet.rows.values())]
    return [_cut(sheet.grid, left if left != first else 0, right) for left, right in pairwise(bounds)]


def _labels(sheet: SheetView) -> dict[int, dict[str, int]]:
    """Column -> text -> row, of texts that are no values and stand once in their column."""
    seen: dict[int, Counter[str]] = {}
    rows: dict[int, dict[str, int]] = {}
    for row in sheet.numbers[:LABEL_ROWS]:
        for column, text in sheet.filled(row)[:MOST_COLUMNS]:
            flat = squeeze(text)
            if len(flat) >= 2 and not is_value(flat):
                seen.setdefault(column, Counter())[flat] += 1
                rows.setdefault(column, {})[flat] = row
    return {
        column: kept
        for column, found in rows.items()
        if len(kept := {text: row for text, row in found.items() if seen[column][text] == 1}) >= LEAST_COMMON
    }


def _shift(left: dict[str, int], right: dict[str, int]) -> int | None:
    """By how many rows the labels of two columns are apart; None when they are not the same labels in the same order."""
    common = left.keys() & right.keys()
    if len(common) < max(LEAST_COMMON, 0.6 * len(right)):
        return None
    apart, times = Counter(right[t] - left[t] for t in common).most_common(1)[0]
    return apart if times >= 0.8 * len(common) else None


def _cut(grid: Grid, left: int, right: int) -> Grid:
    rows = {}
    for number, cells in grid.rows.items():
        if any(cells[left:right]):
            rows[number] = [""] * min(left, len(cells)) + cells[left:right]
    merges = [m for m in grid.merges if left <= m[1] < right]
    return Grid(grid.name, rows, merges, grid.hidden, grid.hidden_rows, grid.has_merges, grid.height, grid.context)
