"""Where another table begins below the first: its header in another place, after a gap, or with other names."""

from __future__ import annotations

from hub.intake.reader.layout.cell import header_score, is_number, is_value
from hub.intake.reader.layout.model import Account, TableLayout
from hub.intake.reader.layout.sheet import SheetView
from hub.intake.reader.words import squeeze


class Figures:
    """Which columns hold figures in the last rows of data. Asked for every row of words, so looked at anew only every
    ten rows."""

    def __init__(self, sheet: SheetView, table: TableLayout) -> None:
        self.sheet, self.table = sheet, table
        self.at, self.found = -1, frozenset[int]()

    def columns(self) -> frozenset[int]:
        data = self.table.data
        at = len(data) if len(data) < 20 else len(data) // 10 * 10
        if at != self.at:
            above = data[-20:]
            self.at = at
            self.found = frozenset(
                c for c in self.table.levels if sum(is_number(self.sheet.text(r, c)) for r in above) >= len(above) * 0.6
            )
        return self.found


def names_moved(sheet: SheetView, table: TableLayout, row: int) -> bool:
    """Whether a row much like the header has its names in other columns: another table, with a column more or less."""
    if len(table.header_rows) != 1:
        return False
    header = {c: squeeze(x) for c, x in sheet.filled(table.header_rows[0])}
    own = {c: squeeze(x) for c, x in sheet.filled(row)}
    names = set(header.values())
    return set(own.values()) != names and any(x in names and header.get(c) != x for c, x in own.items())


def _like_the_header(sheet: SheetView, table: TableLayout, cells: list[tuple[int, str]]) -> bool:
    """序号 国家库名称 依托单位 below a table with 序号 国家级库（圃）名称 依托单位: half of the names, the first among them."""
    if len(table.header_rows) != 1 or len(cells) < 3:
        return False
    header = [squeeze(x) for _, x in sheet.filled(table.header_rows[0])]
    own = [squeeze(x) for _, x in cells]
    return own[0] == header[0] and len(own) == len(header) and len({*own} & {*header}) >= len(own) * 0.5


def _like_the_data(sheet: SheetView, table: TableLayout, cells: list[tuple[int, str]]) -> bool:
    """海南 2010 研究人员 2070 人年 below rows with 2010, 研究人员 and 人年 in the same columns: one of them."""
    above = table.data[-50:]
    same = sum(any(sheet.text(r, c) == x for r in above) for c, x in cells)
    return same >= max(2, len(cells) * 0.4)


def is_new_header(sheet: SheetView, place: int, table: TableLayout, figures: Figures) -> bool:
    """Whether another table's header begins here: only known header words, after a gap or a title, and values below."""
    row = sheet.numbers[place]
    cells = sheet.filled(row)
    if len(cells) < 2 or not table.data:
        return False
    if place + 1 >= len(sheet.numbers) or any(is_value(x) for _, x in cells):
        return False
    previous = sheet.numbers[place - 1]
    gap = row - previous > 1 or table.other.get(previous, Account("data")).kind in {"title", "note", "total"}
    if _like_the_header(sheet, table, cells):
        return True
    begins = gap and any(sheet.filled(r)[0][0] == cells[0][0] for r in table.header_rows[:1])
    if begins and squeeze(sheet.first(table.header_rows[0])) == squeeze(cells[0][1]):
        return True  # 地区 again, after a gap: the next page of the table
    named = _stands_above_figures(sheet, place, figures, cells, gap=gap) or (gap and _reads_like_a_header(sheet, cells))
    return named and not _like_the_data(sheet, table, cells)


def _stands_above_figures(
    sheet: SheetView, place: int, figures: Figures, cells: list[tuple[int, str]], *, gap: bool
) -> bool:
    """Words where the table above has figures, over half of the sheet's width."""
    numeric = figures.columns()
    return (
        len(numeric) >= 2
        and sum(1 for c, _ in cells if c in numeric) >= max(2, len(numeric) * 0.4)
        and sum(sheet.span(sheet.numbers[place], c) for c, _ in cells) >= sheet.width * 0.5
        and (gap or sheet.contrast(place, cells) >= 0.5)
    )


def _reads_like_a_header(sheet: SheetView, cells: list[tuple[int, str]]) -> bool:
    scores = [header_score(x, sheet.known) for _, x in cells]
    return min(scores) >= 0 and sum(s >= 1.2 for s in scores) >= max(2, len(cells) * 0.6)
