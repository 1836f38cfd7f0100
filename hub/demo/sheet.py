"""A spreadsheet as a clerk sees it: lines of cells with what each line is and whom it speaks of. No bytes here
(`writers`), no content (`books`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

Value = str | int | float | None


class LineKind(StrEnum):
    TITLE = "title"  # printed large across the sheet
    CAPTION = "caption"  # 填报单位, 单位：万元
    HEADER = "header"
    DATA = "data"
    TOTAL = "total"  # 小计, 合计
    NOTE = "note"
    BLANK = "blank"


class Subject(NamedTuple):
    """Whom a row is about. `entity` is the USCC a cooperative was first registered with; whoever is not a cooperative
    has `OTHER:` before its code."""

    entity: str
    cooperative: bool = True


@dataclass(frozen=True, slots=True)
class Line:
    kind: LineKind
    cells: tuple[Value, ...]
    subjects: tuple[Subject, ...] = ()


@dataclass(slots=True)
class Sheet:
    """One sheet. `merges` are (first row, first column, last row, last column), from 0, inclusive. `widths` in
    characters; empty: as wide as the text."""

    name: str
    columns: int
    lines: list[Line] = field(default_factory=list)
    merges: list[tuple[int, int, int, int]] = field(default_factory=list)
    widths: tuple[int, ...] = ()

    def add(self, kind: LineKind, *cells: Value, subjects: tuple[Subject, ...] = ()) -> int:
        """Appends a line, padded to the sheet's width; returns its row, from 0."""
        padded = (*cells, *(None,) * (self.columns - len(cells)))
        self.lines.append(Line(kind, padded, subjects))
        return len(self.lines) - 1

    def title(self, text: str) -> None:
        self._across(LineKind.TITLE, text)

    def caption(self, text: str) -> None:
        self._across(LineKind.CAPTION, text)

    def note(self, text: str) -> None:
        self._across(LineKind.NOTE, text)

    def blank(self) -> None:
        self.add(LineKind.BLANK)

    def header(self, *cells: str) -> None:
        self.add(LineKind.HEADER, *cells)

    def total(self, *cells: Value) -> None:
        self.add(LineKind.TOTAL, *cells)

    def data(self, *cells: Value, subjects: tuple[Subject, ...]) -> int:
        return self.add(LineKind.DATA, *cells, subjects=subjects)

    def grouped_header(self, groups: tuple[tuple[str, tuple[str, ...]], ...]) -> None:
        """A header of two rows: a group's name merged over its columns, or one column merged over both rows."""
        upper: list[str | None] = []
        lower: list[str | None] = []
        top = len(self.lines)
        for name, columns in groups:
            at = len(upper)
            if columns:
                upper += [name, *(None,) * (len(columns) - 1)]
                lower += columns
                if len(columns) > 1:
                    self.merges.append((top, at, top, at + len(columns) - 1))
            else:
                upper.append(name)
                lower.append(None)
                self.merges.append((top, at, top + 1, at))
        self.add(LineKind.HEADER, *upper)
        self.add(LineKind.HEADER, *lower)

    def merge_runs(self, column: int, first_row: int) -> None:
        """Merges runs of equal cells in a column from `first_row` down, the way town cells are merged: only the top
        cell keeps its text."""
        start = first_row
        for row in range(first_row, len(self.lines) + 1):
            here = self.lines[row] if row < len(self.lines) else None
            same = (
                here is not None
                and here.kind is LineKind.DATA
                and self.lines[start].kind is LineKind.DATA
                and here.cells[column] == self.lines[start].cells[column]
            )
            if same:
                continue
            if row - start > 1:
                self.merges.append((start, column, row - 1, column))
                for i in range(start + 1, row):
                    line = self.lines[i]
                    cells = (*line.cells[:column], None, *line.cells[column + 1 :])
                    self.lines[i] = Line(line.kind, cells, line.subjects)
            start = row

    def _across(self, kind: LineKind, text: str) -> None:
        row = self.add(kind, text)
        if self.columns > 1:
            self.merges.append((row, 0, row, self.columns - 1))


class Form(StrEnum):
    """The kind of file. HTML and XML tables are named .xls, as their senders do."""

    XLSX = "xlsx"
    BIFF = "xls"
    HTML = "html"
    CSV = "csv"


class Truth(NamedTuple):
    """Whom one printed row is about. `row` counts from 1 as the sheet or file shows it (CSV: records), `sheet` is
    empty for CSV and HTML."""

    source: str
    file: str
    sheet: str
    row: int
    entity: str
    kind: str  # coop or not_coop


@dataclass(slots=True)
class Book:
    """One file of a feed."""

    feed: str
    file: str
    form: Form
    sheets: list[Sheet]
    encoding: str = "utf-8"
    password: str | None = None  # BIFF only

    def truth(self) -> Iterator[Truth]:
        named = self.form in (Form.XLSX, Form.BIFF)
        for sheet in self.sheets:
            for number, line in enumerate(sheet.lines, 1):
                for entity, cooperative in line.subjects:
                    yield Truth(
                        self.feed,
                        self.file,
                        sheet.name if named else "",
                        number,
                        entity,
                        "coop" if cooperative else "not_coop",
                    )
