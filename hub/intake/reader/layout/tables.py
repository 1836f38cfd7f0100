"""A sheet cut into tables, from the top; each row gets one account."""

from __future__ import annotations

from collections.abc import Collection

from hub.intake.reader import words
from hub.intake.reader.grid import Grid
from hub.intake.reader.layout.blanks import account_blanks
from hub.intake.reader.layout.body import sort_body
from hub.intake.reader.layout.cell import is_ordinal
from hub.intake.reader.layout.header import find_header, first_level, header_depth, headerless
from hub.intake.reader.layout.header_text import MAX_COLUMNS_KEPT, header_levels
from hub.intake.reader.layout.model import Account, TableLayout
from hub.intake.reader.layout.plain_list import is_one_column, read_list
from hub.intake.reader.layout.sheet import SheetView
from hub.intake.reader.layout.side_by_side import pages_beside
from hub.intake.reader.words import squeeze


def find_tables(grid: Grid, known: Collection[str]) -> list[TableLayout]:
    """Cuts a sheet into its tables, from the top. Together they account for every row from 1 to the last filled one;
    where pages lie beside each other, each page accounts for its own part of a row.

    Args:
        grid: the sheet.
        known: header keys (`hub.intake.columns.header_key`) that offices use; any others are fine too.
    """
    sheet = SheetView(grid, known)
    if not sheet.numbers:
        return []
    if grid.paragraphs or is_one_column(sheet):
        return [read_list(sheet)]
    if pages := pages_beside(sheet):
        return _beside_each_other(sheet, [_one_below_the_other(SheetView(page, known)) for page in pages])
    return _one_below_the_other(sheet)


def _beside_each_other(sheet: SheetView, pages: list[list[TableLayout]]) -> list[TableLayout]:
    """The tables of pages laid beside each other. A row that only one page leaves blank is no blank row."""
    for number, page in enumerate(pages):
        for table in page:
            table.page = number
            blank = [r for r, a in table.other.items() if a.kind == "blank" and a.until is None]
            for row in blank:
                if number or row in sheet.rows:
                    del table.other[row]
    return [table for page in pages for table in page]


def _one_below_the_other(sheet: SheetView) -> list[TableLayout]:
    tables: list[TableLayout] = []
    position = 0
    while position < len(sheet.numbers):
        table, position = _table(sheet, position, first=not tables)
        if tables and not table.data and not table.header_rows:
            tables[-1].other.update(table.other)
            break
        tables.append(table)
    account_blanks(sheet, tables)
    return tables


def _table(sheet: SheetView, start: int, *, first: bool) -> tuple[TableLayout, int]:
    """The table that begins at place `start`, and the place after it."""
    found = find_header(sheet, start)
    if found is not None and headerless(sheet, found):
        found = None
    other: dict[int, Account] = {}
    titles: list[str] = []
    header: list[int] = []
    levels: dict[int, tuple[str, ...]] = {}
    place = start
    if found is None and first and max(len(sheet.filled(r)) for r in sheet.numbers) == 1 and len(sheet.numbers) <= 2:
        other = {r: Account("title", sheet.shown(r)) for r in sheet.numbers}
        return TableLayout([], {}, [], other), len(sheet.numbers)
    if found is not None:
        found = first_level(sheet, found, start)
        for number in sheet.numbers[start:found]:
            text = sheet.shown(number)
            titles.append(text)
            is_note = words.is_note(text) and not words.is_form_line(text)
            other[number] = Account("note" if is_note else "title", text)
        depth = header_depth(sheet, found)
        header = sheet.numbers[found : found + depth]
        levels = header_levels(sheet, header)
        place = found + depth
        if all(is_ordinal(squeeze(x)) for _, x in sheet.filled(header[-1])) and len(header) > 1:
            levels = header_levels(sheet, header[:-1])
    elif first:
        while place < len(sheet.numbers) and _is_title(sheet, place):
            text = sheet.shown(sheet.numbers[place])
            titles.append(text)
            other[sheet.numbers[place]] = Account("title", text)
            place += 1
    table = TableLayout(header, levels, [], other, titles=titles)
    table.unit = next((u for t in titles if (u := words.unit_in(t))), None)
    place = sort_body(sheet, table, place)
    width = max((len(sheet.rows[r]) for r in table.data), default=0)
    for column in range(min(width, MAX_COLUMNS_KEPT)):
        if column not in table.levels and any(sheet.text(r, column) for r in table.data):
            table.levels[column] = ()
    return table, place


def _is_title(sheet: SheetView, place: int) -> bool:
    """A row above a table without header: one cell where the rows below have more, or a form line."""
    row = sheet.numbers[place]
    cells = sheet.filled(row)
    if words.is_form_line(cells[0][1]):
        return True
    return len(cells) == 1 and sheet.width > 1


def judge_rows(
    layout: TableLayout,
    grid: Grid,
    odd: dict[int, list[str]],
    sample: dict[int, list[str]],
    known: Collection[str],
) -> dict[int, Account]:
    """What single rows of a large table are: accounts of those of `odd` that are no data.

    Args:
        layout: header and columns, found on the first rows of `grid`.
        odd: row number -> cells of the rows to judge.
        sample: the same of rows that surely are data, the last of them included.
    """
    header = {r: grid.rows[r] for r in layout.header_rows}
    rows = {**header, **sample, **odd}
    sheet = SheetView(Grid("", rows=rows), known)
    table = TableLayout(list(layout.header_rows), dict(layout.levels), [], {}, titles=list(layout.titles))
    sort_body(sheet, table, len(header), whole=True)
    return {r: a for r, a in table.other.items() if r in odd}
