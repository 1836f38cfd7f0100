"""Small files of every kind, made in memory. A sheet is rows of cells; merges are "A1:B2"."""

from __future__ import annotations

import csv
import io
import struct
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

from hub.demo import biff
from hub.intake.reader.model import Reading
from hub.intake.reader.xlsx import parse_range

Value = str | int | float | None
Rows = Sequence[Sequence[Value]]


@dataclass(frozen=True)
class Sheet:
    rows: Rows
    merges: tuple[str, ...] = ()
    name: str = "表"
    hidden_rows: tuple[int, ...] = ()
    hidden: bool = False
    macros: bool = False  # xls: a sheet of Excel 4 macros
    formats: dict[str, str] = field(default_factory=dict)  # cell -> number format


def _ranges(sheet: Sheet) -> list[tuple[int, int, int, int]]:
    """Merges as (first row, first column, last row, last column), rows from 1, columns from 0."""
    return [r for text in sheet.merges if (r := parse_range(text))]


def _covered(sheet: Sheet) -> set[tuple[int, int]]:
    return {
        (r, c)
        for top, left, bottom, right in _ranges(sheet)
        for r in range(top, bottom + 1)
        for c in range(left, right + 1)
        if (r, c) != (top, left)
    }


def xlsx(*sheets: Sheet, date1904: bool = False) -> bytes:
    import openpyxl
    from openpyxl.utils.datetime import CALENDAR_MAC_1904

    book = openpyxl.Workbook()
    book.remove(book.active)
    if date1904:
        book.epoch = CALENDAR_MAC_1904
    for number, sheet in enumerate(sheets or (Sheet([]),), 1):
        page = book.create_sheet(sheet.name if len(sheets) == 1 else f"{sheet.name}{number}")
        for r, cells in enumerate(sheet.rows, 1):
            for c, value in enumerate(cells, 1):
                if value not in (None, ""):
                    page.cell(r, c, value)
        for place, code in sheet.formats.items():
            page[place].number_format = code
        for merge in sheet.merges:
            page.merge_cells(merge)
        for r in sheet.hidden_rows:
            page.row_dimensions[r].hidden = True
        if sheet.hidden:
            page.sheet_state = "hidden"
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def xls(*sheets: Sheet, password: str | None = None) -> bytes:
    pages = []
    for number, sheet in enumerate(sheets, 1):
        rows = [[(v if v != "" else None, biff.PLAIN) for v in cells] for cells in sheet.rows]
        merges = [(a - 1, b, c - 1, d) for a, b, c, d in _ranges(sheet)]
        pages.append((sheet.name if len(sheets) == 1 else f"{sheet.name}{number}", rows, merges, ()))
    stream = biff.workbook_stream(pages, password=password)
    return biff.compound_file(stream if password else _with_flags(stream, sheets))


def _with_flags(stream: bytes, sheets: Sequence[Sheet]) -> bytes:
    """The Workbook stream with its sheets hidden or made macro sheets, and rows hidden, where the sheets ask for it."""
    out, place, announced, page = bytearray(stream), 0, 0, -2
    while place + 4 <= len(out):
        kind, length = struct.unpack_from("<HH", out, place)
        page += kind == 0x0809
        if kind == 0x0085:
            out[place + 8] |= sheets[announced].hidden
            out[place + 9] |= sheets[announced].macros
            announced += 1
        elif kind == 0x0208 and struct.unpack_from("<H", out, place + 4)[0] + 1 in sheets[page].hidden_rows:
            out[place + 16] |= 0x20
        place += 4 + length
    return bytes(out)


def with_storage(compound: bytes, name: str) -> bytes:
    """A compound file with one more, empty storage at its root, as the writer of small files leaves room for."""
    (tables,) = struct.unpack_from("<I", compound, 0x2C)
    out, directory = bytearray(compound), biff.SECTOR * (1 + tables)
    struct.pack_into("<I", out, directory + 128 + 72, 2)  # the workbook's sibling to the right
    wide = (name + "\0").encode("utf-16-le")
    entry = wide.ljust(64, b"\0") + struct.pack("<HBBIII", len(wide), 1, 1, biff.FREE, biff.FREE, biff.FREE) + bytes(36)
    out[directory + 256 : directory + 384] = entry + struct.pack("<IQ", 0, 0)
    return bytes(out)


def xls_95(sheet: Sheet, encoding: str, code_page: int) -> bytes:
    """A worksheet as Excel 5 and 95 saved it: texts in the code page of its Windows."""

    def record(kind: int, body: bytes = b"") -> bytes:
        return struct.pack("<HH", kind, len(body)) + body

    page = record(0x0809, struct.pack("<HHHH", 0x0500, 0x0010, 0x096C, 0x07C9))
    for r, cells in enumerate(sheet.rows):
        for c, value in enumerate(cells):
            if isinstance(value, int | float):
                page += record(0x0203, struct.pack("<HHHd", r, c, 0, value))
            elif value:
                text = str(value).encode(encoding)
                page += record(0x0204, struct.pack("<HHHH", r, c, 0, len(text)) + text)
    name = sheet.name.encode(encoding)
    book = record(0x0809, struct.pack("<HHHH", 0x0500, 0x0005, 0x096C, 0x07C9))
    book += record(0x0042, struct.pack("<H", code_page)) + record(0x00E0, bytes(16))
    first = len(book) + 4 + 7 + len(name) + 4
    book += record(0x0085, struct.pack("<IHB", first, 0, len(name)) + name) + record(0x000A)
    return biff.compound_file(book + page + record(0x000A), "Book")


def csv_text(sheet: Sheet, separator: str = ",") -> str:
    width = max((len(r) for r in sheet.rows), default=0)
    out = io.StringIO()
    writer = csv.writer(out, delimiter=separator, lineterminator="\r\n")
    for cells in sheet.rows:
        writer.writerow(["" if v is None else v for v in (*cells, *[None] * (width - len(cells)))])
    return out.getvalue()


def csv_file(sheet: Sheet, encoding: str = "utf-8-sig", separator: str = ",") -> bytes:
    return csv_text(sheet, separator).encode(encoding)


def html(sheet: Sheet, encoding: str = "gb18030", charset: str = "gb2312") -> bytes:
    spans = {(a, b): (c - a + 1, d - b + 1) for a, b, c, d in _ranges(sheet)}
    covered = _covered(sheet)
    width = max((len(r) for r in sheet.rows), default=0)
    lines = []
    for r, cells in enumerate(sheet.rows, 1):
        line = ""
        for c, value in enumerate((*cells, *[None] * (width - len(cells)))):
            if (r, c) in covered:
                continue
            high, wide = spans.get((r, c), (1, 1))
            span = (f" rowspan={high}" if high > 1 else "") + (f" colspan={wide}" if wide > 1 else "")
            line += f"<td{span}>{escape('' if value is None else str(value)).replace(chr(10), '<br>')}</td>"
        lines.append(f"<tr>{line}</tr>")
    page = f"<html><head><meta charset='{charset}'></head><body><table border=1>{''.join(lines)}</table></body></html>"
    return page.encode(encoding)


def xml2003(sheet: Sheet) -> bytes:
    spans = {(a, b): (c - a, d - b) for a, b, c, d in _ranges(sheet)}
    covered = _covered(sheet)
    lines = []
    for r, cells in enumerate(sheet.rows, 1):
        line = ""
        for c, value in enumerate(cells):
            if value in (None, "") or (r, c) in covered:
                continue
            down, across = spans.get((r, c), (0, 0))
            kind = "String" if isinstance(value, str) else "Number"
            line += (
                f'<Cell ss:Index="{c + 1}" ss:MergeAcross="{across}" ss:MergeDown="{down}">'
                f'<Data ss:Type="{kind}">{escape(str(value))}</Data></Cell>'
            )
        hidden = ' ss:Hidden="1"' if r in sheet.hidden_rows else ""
        lines.append(f'<Row ss:Index="{r}"{hidden}>{line}</Row>')
    space = "urn:schemas-microsoft-com:office:spreadsheet"
    text = (
        f'<?xml version="1.0" encoding="UTF-8"?><?mso-application progid="Excel.Sheet"?><Workbook xmlns="{space}" xmlns:ss="{space}">'
        f'<Worksheet ss:Name="{sheet.name}"><Table>{"".join(lines)}</Table></Worksheet></Workbook>'
    )
    return text.encode()


def docx(sheet: Sheet, *before: str) -> bytes:
    spans = {(a, b): (c, d) for a, b, c, d in _ranges(sheet)}
    width = max((len(r) for r in sheet.rows), default=0)
    lines = []
    for r, cells in enumerate(sheet.rows, 1):
        line, c = "", 0
        padded = [*cells, *[None] * (width - len(cells))]
        while c < width:
            right, vertical = c, ""
            for (a, b), (bottom, last) in spans.items():
                if a <= r <= bottom and b == c:
                    right = last
                    if bottom > a:
                        vertical = '<w:vMerge w:val="restart"/>' if r == a else "<w:vMerge/>"
            span = f'<w:gridSpan w:val="{right - c + 1}"/>' if right > c else ""
            text = "" if padded[c] is None or vertical == "<w:vMerge/>" else escape(str(padded[c]))
            line += f"<w:tc><w:tcPr>{span}{vertical}</w:tcPr><w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:tc>"
            c = right + 1
        lines.append(f"<w:tr>{line}</w:tr>")
    paragraphs = "".join(f"<w:p><w:r><w:t>{escape(t)}</w:t></w:r></w:p>" for t in before)
    table = f"<w:tbl>{''.join(lines)}</w:tbl>" if lines else ""
    return zipped(
        {
            "[Content_Types].xml": b"<Types/>",
            "word/document.xml": (
                '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main">'
                f"<w:body>{paragraphs}{table}</w:body></w:document>"
            ).encode(),
        }
    )


def zipped(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


def replaced(package: bytes, changes: dict[str, bytes | None]) -> bytes:
    """A zip with some members replaced, removed (None) or added."""
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members |= {name: data for name, data in changes.items() if data is not None}
    return zipped({name: data for name, data in members.items() if changes.get(name, b"") is not None})


LETTERS = {"title": "t", "total": "T", "note": "n", "blank": ".", "header": "H"}


def account_of(reading: Reading, sheet_name: str | None = None) -> str:
    """One letter for each row: t title, h header, d data, H header again, T total, n note, . blank. Fails when a row
    has no account, or two."""
    letters: dict[int, str] = {}
    for sheet in reading.sheets:
        if sheet_name is not None and sheet.name != sheet_name:
            continue
        rows = sorted(set(sheet.rows["row"].to_pylist()))
        assert len(rows) == sheet.data_rows
        entries = [(r, "h") for r in sheet.header_rows] + [(r, "d") for r in rows]
        for skipped in sheet.skipped:
            until = skipped.until or skipped.row
            entries += [(r, LETTERS[skipped.kind]) for r in range(skipped.row, until + 1)]
        for row, letter in entries:
            assert row not in letters, f"row {row} has two accounts"
            letters[row] = letter
    assert sorted(letters) == list(range(1, len(letters) + 1)), "a row has no account"
    return "".join(letters[r] for r in sorted(letters))
