"""Sheets with one column, and free text: lists, a line a row."""

from __future__ import annotations

import re

from hub.intake.reader import words
from hub.intake.reader.headers import header_keys
from hub.intake.reader.layout.blanks import account_blanks
from hub.intake.reader.layout.cell import one_line
from hub.intake.reader.layout.model import Account, TableLayout
from hub.intake.reader.layout.sheet import SheetView
from hub.intake.reader.words import squeeze

_LIST_TITLE = re.compile(r"(名单|名录|目录|一览表|公示|通知|公告|汇总表|情况表|统计表)([(（].*)?$|^附件\d*$")


def is_one_column(sheet: SheetView) -> bool:
    """All there is stands in one column: a list, with or without a header."""
    return (
        len(sheet.numbers) > 2
        and len({tuple(c for c, _ in sheet.filled(r)) for r in sheet.numbers}) == 1
        and (len(sheet.filled(sheet.numbers[0])) == 1)
    )


def read_list(sheet: SheetView) -> TableLayout:
    """A list, a line a row: perhaps a title, perhaps a header, then entries."""
    column = sheet.filled(sheet.numbers[0])[0][0]
    table = TableLayout([], {column: ()}, [], {})
    for number in sheet.numbers:
        text = sheet.rows[number][column]
        if not table.data and not table.header_rows and any(k in sheet.known for k in header_keys(text)):
            table.header_rows, table.levels = [number], {column: (one_line(text),)}
        elif not table.data and not table.header_rows and len(sheet.numbers) > 3 and _LIST_TITLE.search(squeeze(text)):
            table.titles.append(text.strip())
            table.other[number] = Account("title", text.strip()[:500])
        elif words.is_note(text) or words.is_footer(text):
            table.other[number] = Account("note", text.strip()[:500])
        elif words.is_total(text):
            table.other[number] = Account("total", text.strip()[:500])
        else:
            table.data.append(number)
    account_blanks(sheet, [table])
    return table
