"""What the rows below a header are: data, totals, notes, titles, the header again; and where another table begins."""

from __future__ import annotations

import re
from collections.abc import Collection

from hub.intake.reader import words
from hub.intake.reader.layout.cell import is_number
from hub.intake.reader.layout.model import Account, TableLayout
from hub.intake.reader.layout.next_table import Figures, is_new_header, names_moved
from hub.intake.reader.layout.sheet import SheetView
from hub.intake.reader.words import squeeze

_BARE_TOTALS = frozenset({"合计", "小计", "总计", "共计"})


def sort_body(sheet: SheetView, table: TableLayout, place: int, *, whole: bool = False) -> int:
    """Sorts the rows below a header; stops where another table begins (unless the table is known to be `whole`).
    Returns the place after the last row."""
    header_texts = [{squeeze(x) for _, x in sheet.filled(r)} for r in table.header_rows]
    columns = sorted(table.levels)
    header_firsts = {sheet.first(r) for r in table.header_rows}
    figures = Figures(sheet, table)
    while place < len(sheet.numbers):
        row = sheet.numbers[place]
        if _plainly_data(sheet.rows[row], header_firsts):
            table.data.append(row)
            place += 1
            continue
        cells = sheet.filled(row)
        texts = [x for _, x in cells]
        own = {squeeze(x) for x in texts}
        if any(own == h or (len(own) >= 3 and len(own & h) >= 0.8 * max(len(own), len(h))) for h in header_texts):
            if not whole and table.data and names_moved(sheet, table, row):
                return _with_titles(sheet, table, place)
            table.other[row] = Account("header", sheet.shown(row))
        elif _is_total_row(texts):
            table.other[row] = Account("total", sheet.shown(row))
        elif len(cells) == 1 and (kind := _lonely(sheet, table, place, columns)) is not None:
            table.other[row] = Account(kind, sheet.shown(row))
        elif len(cells) <= 4 and (words.is_footer(texts[0]) or (words.is_note(texts[0]) and len(cells) <= 2)):
            table.other[row] = Account("note", sheet.shown(row))
        elif table.header_rows and words.is_form_line(texts[0]) and len(cells) <= 3:
            table.other[row] = Account("title", sheet.shown(row))
        elif not whole and table.header_rows and is_new_header(sheet, place, table, figures):
            return _with_titles(sheet, table, place)
        else:
            table.data.append(row)
        place += 1
    _notes_to_the_end(table)
    _totals_that_are_values(sheet, table)
    return place


def _totals_that_are_values(sheet: SheetView, table: TableLayout) -> None:
    """地区 | 年份 | 指标 | 数值, where 合计 is one of the few values of 指标: rows as full as all the others are data."""
    suspects = {
        row: column
        for row, account in table.other.items()
        if account.kind == "total"
        and (column := next((c for c, x in sheet.filled(row)[1:3] if squeeze(x) in _BARE_TOTALS), None)) is not None
        and not words.is_total(sheet.first(row))
    }
    if len(suspects) < 2 or len(table.data) < 6:
        return
    full = sorted(len(sheet.filled(r)) for r in table.data[:500])[len(table.data[:500]) // 2]
    for column in set(suspects.values()):
        values = [squeeze(x) for r in table.data[:500] if (x := sheet.text(r, column))]
        if len(set(values)) > len(values) * 0.34:
            continue
        for row in [r for r, c in suspects.items() if c == column and len(sheet.filled(r)) >= full]:
            del table.other[row]
            table.data.append(row)
    table.data.sort()


def _plainly_data(cells: list[str], header_firsts: Collection[str]) -> bool:
    """A numbered row with five cells or more and no word for a total: data, by every rule below. Most rows of long
    tables are of this kind, and the rules cost time."""
    first = cells[0]
    return (
        first.isdigit()
        and first not in header_firsts
        and len(cells) - cells.count("") > 4
        and not {"计", "計"} & set("".join(cells[:6]))
        and all(c.strip() or not c for c in cells[:8])
    )


def _notes_to_the_end(table: TableLayout) -> None:
    """Below the last row of data, what follows a note belongs to it."""
    last = max((*table.data, *table.header_rows), default=0)
    noted = False
    for row in sorted(r for r in table.other if r > last):
        account = table.other[row]
        noted = noted or account.kind == "note"
        if noted and account.kind == "title":
            account.kind = "note"


def _with_titles(sheet: SheetView, table: TableLayout, place: int) -> int:
    """Where the next table begins, its titles included: single cells and form lines right above its header. They
    leave the account of the table before it."""
    top = place
    while top > 1 and _heads(sheet, table, sheet.numbers[top - 1]):
        top -= 1
    while top < place and not _apart(sheet, table, top):
        top += 1  # a row that follows the data without a gap belongs to it, unless it was known as a title
    for row in sheet.numbers[top:place]:
        table.other.pop(row, None)
        if row in table.data:
            table.data.remove(row)
    return top


def _heads(sheet: SheetView, table: TableLayout, row: int) -> bool:
    cells = sheet.filled(row)
    if row in table.header_rows or (row in table.other and table.other[row].kind != "title"):
        return False
    return len(cells) == 1 or (len(cells) <= 3 and any(words.is_form_line(x) for _, x in cells))


def _apart(sheet: SheetView, table: TableLayout, place: int) -> bool:
    row = sheet.numbers[place]
    return row in table.other or row - sheet.numbers[place - 1] > 1


def _is_total_row(texts: list[str]) -> bool:
    """合计 in the first cell, in the second behind a number, or bare in the second or third (behind a merged town)."""
    if words.is_total(texts[0]):
        return True
    if len(texts) > 1 and is_number(texts[0]) and words.is_total(texts[1]):
        return True
    # deeper in a long row of words 合计 is a value of its column (a list of indicators): totals come with figures
    return any(squeeze(x) in _BARE_TOTALS for x in texts[1:3]) and (len(texts) <= 3 or any(is_number(x) for x in texts))


def _lonely(sheet: SheetView, table: TableLayout, place: int, columns: list[int]) -> str | None:
    """What a row with a single filled cell is; None when it may be data after all."""
    row = sheet.numbers[place]
    (column, text), *_ = sheet.filled(row)
    if words.is_note(text) or words.is_footer(text):
        return "note"
    if len(columns) <= 1:
        return None
    if _translates(sheet, table, row, column, text) or _goes_on(sheet, table, row, column, text):
        return "note"
    if _signed(sheet, table, place):
        return "note"
    above = table.other.get(row - 1)
    if above is not None and above.kind == "note" and not is_number(text):
        return "note"  # a note goes on in the next line
    if any(squeeze(text) == squeeze(t) for t in table.titles):
        return "title"
    if words.is_continuation_title(text) or words.is_form_line(text):
        return "title"
    wide = sheet.span(row, column)
    last = place == len(sheet.numbers) - 1
    if wide >= max(2, len(columns) * 0.5):
        return "note" if last or len(squeeze(text)) > 40 else "title"
    if words.is_section(text) and len(columns) > 1 and column == min(columns) and len(squeeze(text)) <= 30:
        return "title"
    if len(columns) >= 3 and (column == min(columns) or column not in columns):
        if is_number(text):
            return None
        if words.is_section(text) or squeeze(text).endswith(":"):
            return "title"
        if len(squeeze(text)) > 40 and column == min(columns):
            return "note"
        if not _similar_column(sheet, table, column, text):
            return "note" if last or len(squeeze(text)) > 30 else "title"
    return None


def _translates(sheet: SheetView, table: TableLayout, row: int, column: int, text: str) -> bool:
    """北京 with its figures in one row, a lone "Beijing" below it."""
    label = sheet.text(row - 1, column)
    return (
        bool(table.data)
        and table.data[-1] == row - 1
        and bool(re.fullmatch(r"[A-Za-z' ()-]{3,}", text.strip()))
        and bool(re.search(r"[\u4e00-\u9fff]", label))
        and len(sheet.filled(row - 1)) > 1
    )


def _signed(sheet: SheetView, table: TableLayout, place: int) -> bool:
    """清禾县农业农村局, and 2026年10月31日 below it: nothing but lone cells to the end, a day among the next three."""
    rest = sheet.numbers[place : place + 4]
    last = table.data[-1] if table.data else 0
    return (
        len(rest) < 4
        and all(len(sheet.filled(r)) == 1 for r in rest)
        and any(words.is_day(sheet.first(r)) for r in rest)
        and not any(words.is_day(x) for _, x in sheet.filled(last) if last)
    )


def _goes_on(sheet: SheetView, table: TableLayout, row: int, column: int, text: str) -> bool:
    """港澳台 | Hong Kong, | 47241 in one row, a lone "Macao and Taiwan" below the English name."""
    label = sheet.text(row - 1, column)
    return (
        bool(table.data)
        and table.data[-1] == row - 1
        and column > min(table.levels, default=0)
        and all(bool(re.fullmatch(r"[A-Za-z&,.' ()-]{3,}", x.strip())) for x in (label, text))
        and any(is_number(x) for _, x in sheet.filled(row - 1))
    )


def _similar_column(sheet: SheetView, table: TableLayout, column: int, text: str) -> bool:
    """Whether a lone text looks like the other cells of its column (a row with only its key filled in)."""
    others = [x for r in table.data[-30:] if (x := sheet.text(r, column))]
    if not others:
        return True
    numeric = sum(is_number(x) for x in others) / len(others)
    if numeric > 0.5:
        return is_number(text)
    longest = max(len(squeeze(x)) for x in others)
    return len(squeeze(text)) <= max(longest * 1.5, 6)
