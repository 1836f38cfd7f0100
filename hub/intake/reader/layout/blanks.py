"""The account of rows that hold nothing."""

from __future__ import annotations

from hub.intake.reader.layout.model import Account, TableLayout
from hub.intake.reader.layout.sheet import SheetView


def account_blanks(sheet: SheetView, tables: list[TableLayout]) -> None:
    """Rows between filled rows that hold nothing belong to the table before them."""
    if not tables:
        return
    owner: dict[int, TableLayout] = {}
    for table in tables:
        for row in (*table.header_rows, *table.data, *table.other):
            owner[row] = table
    current = tables[0]
    expected = 1
    for row in sheet.numbers:
        if row > expected:
            for blank in range(expected, min(row, expected + 1000)):
                current.other[blank] = Account("blank")
            if row - expected > 1000:
                current.other[expected + 1000] = Account("blank", until=row - 1)
        current = owner.get(row, current)
        expected = row + 1
