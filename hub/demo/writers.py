"""Books to bytes: real .xlsx, real BIFF .xls, HTML that calls itself .xls, CSV as Chinese Excel saves it. Equal books give
equal bytes: no clock, no user name, no library's version goes into a file.
"""

from __future__ import annotations

import csv
import html
import io
from datetime import datetime
from pathlib import Path
from typing import Any

from hub.demo import biff
from hub.demo.sheet import Book, Form, Line, LineKind, Sheet, Value

_CREATED = datetime(2026, 1, 1)  # noqa: DTZ001 (a workbook's property has no zone)


def write_book(book: Book, folder: Path) -> Path:
    """Writes a book as `folder/<file>` and returns its path. The folder exists."""
    path = folder / book.file
    path.write_bytes(book_bytes(book))
    return path


def book_bytes(book: Book) -> bytes:
    """The file's content."""
    match book.form:
        case Form.XLSX:
            return _xlsx(book)
        case Form.BIFF:
            return _xls(book)
        case Form.HTML:
            return _html(book)
        case Form.CSV:
            return _csv(book)


def _widths(sheet: Sheet) -> tuple[int, ...]:
    """Column widths that fit the text (a Chinese character takes two), unless the sheet says otherwise."""
    if sheet.widths:
        return sheet.widths
    wide = [6] * sheet.columns
    for line in sheet.lines:
        if line.kind in (LineKind.DATA, LineKind.HEADER):
            for i, value in enumerate(line.cells):
                if value is not None:
                    text = str(value)
                    length = sum(2 if ord(c) > 0x2E80 else 1 for c in text) + 2
                    if line.kind is LineKind.HEADER:
                        length = min(length, 16)
                    wide[i] = max(wide[i], min(76, length))
    return tuple(wide)


def _xlsx(book: Book) -> bytes:
    import xlsxwriter

    out = io.BytesIO()
    options = {"in_memory": True, "strings_to_numbers": False, "strings_to_formulas": False, "strings_to_urls": False}
    workbook: Any = xlsxwriter.Workbook(out, options)
    workbook.set_properties({"created": _CREATED, "author": "", "company": ""})
    base = {"font_name": "宋体", "font_size": 11, "valign": "vcenter"}
    boxed = {**base, "border": 1}
    formats = {
        LineKind.TITLE: workbook.add_format(
            {**base, "font_name": "黑体", "font_size": 18, "bold": True, "align": "center"}
        ),
        LineKind.CAPTION: workbook.add_format(base),
        LineKind.NOTE: workbook.add_format(base),
        LineKind.BLANK: workbook.add_format(base),
        LineKind.HEADER: workbook.add_format({**boxed, "bold": True, "align": "center", "text_wrap": True}),
        LineKind.DATA: workbook.add_format({**boxed, "text_wrap": True}),
        LineKind.TOTAL: workbook.add_format({**boxed, "bold": True}),
    }
    centre = workbook.add_format({**boxed, "align": "center", "text_wrap": True})
    for sheet in book.sheets:
        page = workbook.add_worksheet(sheet.name)
        page.set_default_row(20)
        for i, width in enumerate(_widths(sheet)):
            page.set_column(i, i, width)
        merged = {(r1, c1): (r2, c2) for r1, c1, r2, c2 in sheet.merges}
        for row, line in enumerate(sheet.lines):
            if line.kind is LineKind.TITLE:
                page.set_row(row, 30)
            for column, value in enumerate(line.cells):
                short = (row, column) in merged or value is None or len(str(value)) < 4 or not isinstance(value, str)
                style = centre if line.kind is LineKind.DATA and short else formats[line.kind]
                if (row, column) in merged:
                    r2, c2 = merged[row, column]
                    page.merge_range(row, column, r2, c2, "", style)
                if value is not None and value != "":
                    page.write(row, column, value, style)
                elif line.kind in (LineKind.DATA, LineKind.HEADER, LineKind.TOTAL) and not _covered(sheet, row, column):
                    page.write_blank(row, column, None, style)
        page.set_landscape()
        page.set_paper(9)
        page.fit_to_pages(1, 0)
    workbook.close()
    return out.getvalue()


def _covered(sheet: Sheet, row: int, column: int) -> bool:
    return any(r1 <= row <= r2 and c1 <= column <= c2 for r1, c1, r2, c2 in sheet.merges)


_BIFF_STYLE = {
    LineKind.TITLE: biff.TITLE,
    LineKind.CAPTION: biff.CAPTION,
    LineKind.NOTE: biff.CAPTION,
    LineKind.BLANK: biff.PLAIN,
    LineKind.HEADER: biff.HEADER,
    LineKind.DATA: biff.BOXED,
    LineKind.TOTAL: biff.BOXED,
}


def _xls(book: Book) -> bytes:
    def styled(sheet: Sheet, row: int, line: Line) -> list[biff.Cell]:
        tops = {(r1, c1) for r1, c1, _, _ in sheet.merges}

        def style(column: int, value: Value) -> int:
            short = (row, column) in tops or value is None or len(str(value)) < 4 or not isinstance(value, str)
            centred = line.kind is LineKind.DATA and short
            return biff.BOXED_CENTRE if centred else _BIFF_STYLE[line.kind]

        return [(value, style(column, value)) for column, value in enumerate(line.cells)]

    sheets = [
        (s.name, [styled(s, row, line) for row, line in enumerate(s.lines)], s.merges, _widths(s)) for s in book.sheets
    ]
    return biff.compound_file(biff.workbook_stream(sheets, password=book.password))


def _html(book: Book) -> bytes:
    charset = "gb2312" if book.encoding == "gb18030" else book.encoding
    parts = [
        f'<html xmlns:x="urn:schemas-microsoft-com:office:excel"><head><meta http-equiv="Content-Type" '
        f'content="text/html; charset={charset}"></head>\r\n<body>\r\n'
    ]
    for sheet in book.sheets:
        spans = {(r1, c1): (r2 - r1 + 1, c2 - c1 + 1) for r1, c1, r2, c2 in sheet.merges}
        hidden = {
            (r, c) for r1, c1, r2, c2 in sheet.merges for r in range(r1, r2 + 1) for c in range(c1, c2 + 1)
        } - spans.keys()
        parts.append('<table border="1">\r\n')
        for row, line in enumerate(sheet.lines):
            tag = "th" if line.kind is LineKind.HEADER else "td"
            cells = []
            for column, value in enumerate(line.cells):
                if (row, column) in hidden:
                    continue
                down, right = spans.get((row, column), (1, 1))
                span = (f' rowspan="{down}"' if down > 1 else "") + (f' colspan="{right}"' if right > 1 else "")
                text = html.escape("" if value is None else str(value)).replace("\n", "<br>")
                as_text = " style=\"mso-number-format:'\\@'\"" if text.isdigit() and len(text) > 11 else ""
                cells.append(f"<{tag}{span}{as_text}>{text or '&nbsp;'}</{tag}>")
            parts.append(f"<tr>{''.join(cells)}</tr>\r\n")
        parts.append("</table>\r\n")
    parts.append("</body></html>\r\n")
    return "".join(parts).encode(book.encoding)


def _csv(book: Book) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    for sheet in book.sheets:
        for line in sheet.lines:
            writer.writerow(["" if v is None else v for v in line.cells])
    return out.getvalue().encode(book.encoding)
