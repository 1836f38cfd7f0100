"""From a grid and its layout to a `SheetReading`: merged cells filled down, columns named, rows as an Arrow table."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from hub.intake.reader.grid import Grid
from hub.intake.reader.layout import TableLayout, find_tables
from hub.intake.reader.model import Column, SheetReading, Skipped

if TYPE_CHECKING:
    import pyarrow as pa


PARTS_A_PAGE = 1000  # parts of a row on the second page beside the first count from here: row and part stay unique


def sheet_readings(grid: Grid, known: Collection[str], *, hidden: str = "read") -> list[SheetReading]:
    """The tables of one sheet. `hidden="report"` leaves hidden rows and sheets out of the data but in the account."""
    readings = []
    fills = _fills(grid)
    for layout in find_tables(grid, known):
        if hidden == "report":
            _leave_out_hidden(grid, layout)
        _drop_merged_tails(grid, layout)
        columns = name_columns(layout)
        readings.append(
            SheetReading(
                name=grid.name,
                hidden=grid.hidden,
                header_rows=list(layout.header_rows),
                columns=columns,
                data_rows=len(layout.data),
                skipped=[
                    Skipped(row, account.kind, account.text, account.until)
                    for row, account in sorted(layout.other.items())
                ],
                rows=_rows(grid, layout, fills),
                context=grid.context,
            )
        )
    return readings


def _leave_out_hidden(grid: Grid, layout: TableLayout) -> None:
    from hub.intake.reader.layout import Account

    gone = [r for r in layout.data if grid.hidden or r in grid.hidden_rows]
    for row in gone:
        layout.other[row] = Account("note", "隐藏的行，按设置未读取。")
    left_out = set(gone)
    layout.data = [r for r in layout.data if r not in left_out]


def _drop_merged_tails(grid: Grid, layout: TableLayout) -> None:
    """A column that only exists because cells are merged across it (no header and no cell of its own) is none."""
    if not layout.header_rows:
        return
    bottom = layout.header_rows[-1]
    covered = {
        column
        for top, left, last, right in grid.merges
        if top <= bottom and last >= layout.header_rows[0]
        for column in range(left + 1, min(right, left + 200) + 1)
    }
    for column in sorted(covered & set(layout.levels)):
        own = any(
            column < len(cells) and cells[column].strip()
            for row in (*layout.header_rows, *layout.data)
            if (cells := grid.rows.get(row)) is not None
        )
        if not own:
            del layout.levels[column]


def name_columns(layout: TableLayout) -> list[Column]:
    """Columns from left to right; a column without header is called by its place, a second one of the same name gets
    a number."""
    from hub.intake.reader.headers import header_unit

    columns: list[Column] = []
    seen: dict[str, int] = {}
    for place in sorted(layout.levels):
        levels = layout.levels[place]
        header = "/".join(levels) or f"第{place + 1}列"
        seen[header] = seen.get(header, 0) + 1
        shown = header if seen[header] == 1 else f"{header} ({seen[header]})"
        unit = next((u for level in reversed(levels) if (u := header_unit(level))), None)
        columns.append(Column(shown, unit=unit or layout.unit, levels=levels, place=place))
    return columns


def _fills(grid: Grid) -> dict[int, dict[int, str]]:
    """Row -> column -> text that a cell merged downwards gives to the rows below its first."""
    fills: dict[int, dict[int, str]] = {}
    last = max(grid.rows, default=0)
    for top, left, bottom, right in grid.merges:
        if bottom <= top or right - left > 50:
            continue
        cells = grid.rows.get(top, [])
        text = cells[left] if left < len(cells) else ""
        if text:
            for row in range(top + 1, min(bottom, last) + 1):
                fills.setdefault(row, {})[left] = text
    return fills


def _rows(grid: Grid, layout: TableLayout, fills: dict[int, dict[int, str]]) -> pa.Table:
    import pyarrow as pa

    places = sorted(layout.levels)
    columns: dict[str, pa.Array] = {
        "row": pa.array(layout.data, pa.int32()),
        "part": pa.array([layout.page * PARTS_A_PAGE] * len(layout.data), pa.int32()),
    }
    sources = [grid.rows[r] for r in layout.data]
    filled = [fills.get(r) for r in layout.data] if fills else []
    for number, place in enumerate(places):
        texts: list[str | None] = [(cells[place] or None) if place < len(cells) else None for cells in sources]
        for index, below in enumerate(filled):
            if below and texts[index] is None and place in below:
                texts[index] = below[place]
        columns[f"c{number}"] = pa.array(texts, pa.string())
    return pa.table(columns)
