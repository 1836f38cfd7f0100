"""The demo county's files read back by other people's libraries, not by the hub's reader."""

from __future__ import annotations

import csv
import io
from html.parser import HTMLParser
from pathlib import Path

import msoffcrypto
import openpyxl
import xlrd

ENCODINGS = ("utf-8-sig", "gb18030")


def text_of(path: Path) -> str:
    content = path.read_bytes()
    for encoding in ENCODINGS:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise AssertionError(path)


class _Table(HTMLParser):
    """Rows of a table, with spans spread so that columns line up (only the first cell keeps the text)."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.pending: dict[tuple[int, int], str] = {}
        self.cell: list[str] | None = None
        self.span = (1, 1)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.cell = []
            found = dict(attrs)
            self.span = (int(found.get("rowspan") or 1), int(found.get("colspan") or 1))
        elif tag == "br" and self.cell is not None:
            self.cell.append("\n")

    def handle_data(self, data: str) -> None:
        if self.cell is not None:
            self.cell.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("td", "th") or self.cell is None:
            return
        row, at = self.rows[-1], len(self.rows) - 1
        while (at, len(row)) in self.pending:
            row.append(self.pending.pop((at, len(row))))
        text = "".join(self.cell).replace("\xa0", "")
        start = len(row)
        row.extend([text] + [""] * (self.span[1] - 1))
        for down in range(1, self.span[0]):
            for right in range(self.span[1]):
                self.pending[at + down, start + right] = ""
        self.cell = None


def sheets_of(path: Path) -> dict[str, list[list[object]]]:
    """Sheet name ("" for CSV and HTML) to its rows, from the first."""
    head = path.read_bytes()[:8]
    if head.startswith(b"PK"):
        book = openpyxl.load_workbook(path)
        return {s.title: [list(r) for r in s.iter_rows(values_only=True)] for s in book}
    if head.startswith(b"\xd0\xcf"):
        content = io.BytesIO(path.read_bytes())
        office = msoffcrypto.OfficeFile(content)
        if office.is_encrypted():
            office.load_key(password="VelvetSweatshop")
            content = io.BytesIO()
            office.decrypt(content)
        old = xlrd.open_workbook(file_contents=content.getvalue())
        return {s.name: [s.row_values(i) for i in range(s.nrows)] for s in old.sheets()}
    text = text_of(path)
    if head.lstrip().startswith(b"<"):
        parser = _Table()
        parser.feed(text)
        return {"": list(map(list, parser.rows))}
    return {"": [list(r) for r in csv.reader(io.StringIO(text, newline=""))]}
