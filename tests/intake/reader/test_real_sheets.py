"""The same real government spreadsheets cell by cell: all headers and all rows, against what another library
sees in the file. Nothing of their content stands here."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hub.intake.reader import read_file

pytestmark = pytest.mark.shared_data

Raw = list[list[str]]  # a sheet's cells as another library gives them


def _plain(value: Any) -> str:
    """A cell so that two libraries can be compared: no white space, numbers by value."""
    text = re.sub(r"\s+", "", "" if value is None else str(value))
    try:
        return f"{float(text):.9g}"
    except ValueError:
        return text


def by_openpyxl(path: Path) -> dict[str, Raw]:
    import openpyxl

    book = openpyxl.load_workbook(path, data_only=True)
    found = {}
    for sheet in book.worksheets:
        cells = [[_plain(c) for c in row] for row in sheet.iter_rows(values_only=True)]
        for area in sheet.merged_cells.ranges:
            for row in range(area.min_row, area.max_row + 1):
                cells[row - 1][area.min_col - 1] = cells[area.min_row - 1][area.min_col - 1]
        found[sheet.title] = cells
    return found


def by_calamine(path: Path) -> dict[str, Raw]:
    import msoffcrypto
    import python_calamine

    data = path.read_bytes()
    office = msoffcrypto.OfficeFile(io.BytesIO(data))
    if office.is_encrypted():
        office.load_key(password="VelvetSweatshop")  # what every Excel tries by itself
        office.decrypt(out := io.BytesIO())
        data = out.getvalue()
    book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
    return {
        name: [[_plain(c) for c in row] for row in book.get_sheet_by_name(name).to_python(skip_empty_area=False)]
        for name in book.sheet_names
    }


def by_lxml(path: Path) -> dict[str, Raw]:
    from lxml import html

    tables = html.fromstring(path.read_bytes().decode("utf-8")).iter("table")
    table = max(tables, key=lambda t: len(t.findall(".//td")) if t.find(".//table") is None else 0)
    cells: dict[tuple[int, int], str] = {}
    for r, row in enumerate(table.iter("tr")):
        c = 0
        for cell in row.iter("td", "th"):
            while (r, c) in cells:
                c += 1
            for down in range(int(cell.get("rowspan") or 1)):
                for right in range(int(cell.get("colspan") or 1)):
                    cells[r + down, c + right] = _plain(cell.text_content()) if not right else ""
            c += int(cell.get("colspan") or 1)
    width, height = max(c for _, c in cells) + 1, max(r for r, _ in cells) + 1
    return {"": [[cells.get((r, c), "") for c in range(width)] for r in range(height)]}


TABLES: dict[str, Callable[[Path], dict[str, Raw]]] = {
    "04": by_openpyxl, "05": by_openpyxl, "06": by_openpyxl, "07": by_calamine, "08": by_lxml, "09": by_calamine, "11": by_calamine,
}  # fmt: skip


@pytest.mark.parametrize("number", sorted(TABLES))
def test_every_row_from_the_first_to_the_last_holds_the_cells_another_library_sees_and_no_other(
    shared_data: Path, number: str
) -> None:
    (path,) = (shared_data / "spreadsheets").glob(f"{number}_*")
    other = TABLES[number](path)
    sheets = [s for s in read_file(path).sheets if s.columns]
    assert sheets
    for sheet in sheets:
        for row in sheet.rows.to_pylist():
            cells = {c.place: _plain(row[f"c{n}"]) for n, c in enumerate(sheet.columns)}
            raw = other[sheet.name][row["row"] - 1]
            assert {c: v for c, v in cells.items() if v} == {c: v for c, v in enumerate(raw) if v}, row["row"]


@pytest.mark.parametrize("number", sorted(TABLES))
def test_every_header_is_what_stands_above_its_column(shared_data: Path, number: str) -> None:
    (path,) = (shared_data / "spreadsheets").glob(f"{number}_*")
    other = TABLES[number](path)
    for sheet in (s for s in read_file(path).sheets if s.columns):
        above = [other[sheet.name][r - 1] for r in sheet.header_rows]
        said = {_plain(level) for c in sheet.columns for level in c.levels}
        assert said == {cell for row in above for cell in row if cell}
        for column in sheet.columns:
            own = [row[column.place] for row in above if column.place < len(row) and row[column.place]]
            levels = [_plain(level) for level in column.levels]
            assert levels, "no column without a header"
            assert [cell for cell in dict.fromkeys(own) if cell not in levels] == []
            assert not own or levels[-1] == own[-1]


@pytest.mark.parametrize(("number", "encoding"), [("12", "gb18030"), ("13", "gb18030"), ("14", "utf-8")])
def test_a_list_without_a_table_is_its_lines_from_the_first_to_the_last(
    shared_data: Path, number: str, encoding: str
) -> None:
    from lxml import html

    (path,) = (shared_data / "spreadsheets").glob(f"{number}_*")
    text = path.read_bytes().decode(encoding)
    lines = text.splitlines() if number == "14" else [
        line for part in html.fromstring(text).find("body").itertext() for line in part.splitlines()
    ]  # fmt: skip
    lines = [re.sub(r"\s+", "", line).strip("\u200b\u3000") for line in lines]
    lines = [line for line in lines if line]
    (sheet,) = read_file(path).sheets
    read = [_plain(cell) for cell in sheet.rows["c0"].to_pylist()]
    first = lines.index(read[0])
    assert read == lines[first : first + len(read)]
