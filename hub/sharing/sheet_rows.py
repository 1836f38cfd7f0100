"""Rows of a worksheet as SpreadsheetML (ISO/IEC 29500-1, 18.3), rendered by DuckDB and streamed into a workbook.

XlsxWriter makes the workbook: styles, widths, frozen headers, filters. Only the rows of large sheets are put in here,
because a Python call per cell is what makes spreadsheets slow (measured in benchmarks/sharing.py). Texts are inline
strings, so that memory does not grow with rows; a text is never a formula, whatever it begins with.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import IO, TYPE_CHECKING

from hub.sharing.columns import Form
from hub.sharing.flat_files import text_blocks

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

ROW_LIMIT = 1_048_576  # rows of a sheet, header included
_TEXT_LIMIT = 32_767  # characters of a cell
_LEVEL = 1  # deflate: a third of the time of level 6 for a tenth more bytes (benchmarks/sharing.py)
# What XML 1.0 cannot hold, and texts that look like the escape for it: ST_Xstring writes them as _xHHHH_.
_UNWRITABLE = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x{FFFE}\x{FFFF}\r]|_x[0-9A-Fa-f]{4}_"


class Escape(IntEnum):
    """How much of a column's texts must be escaped: most need nothing, and what is not done costs nothing."""

    NOTHING = 0
    SIGNS = 1  # & < >
    EVERYTHING = 2  # control characters, texts that look like their escape, texts longer than a cell


@dataclass(frozen=True, slots=True)
class SheetColumn:
    """One column of a streamed sheet: an expression over the source, how it is written, and its cell styles.
    `flag` is a condition under which the cell takes the style `flagged`."""

    expression: str
    form: Form
    style: int
    flag: str = ""
    flagged: int = 0
    escape: Escape = Escape.EVERYTHING


@dataclass(frozen=True, slots=True)
class StreamedRows:
    """Rows for one sheet: `source` is a table or bracketed query; `first_row` is the row (from 1) of the first."""

    columns: tuple[SheetColumn, ...]
    source: str
    rows: int
    first_row: int = 2
    offset: int = 0


def column_letters(index: int) -> str:
    """The letters of a column counted from 0."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def escape_needed(v: str) -> str:
    """DuckDB aggregate over a text expression: the `Escape` its column needs."""
    return (
        f"coalesce(max(case when regexp_matches({v}, '{_UNWRITABLE}') or length({v}) > {_TEXT_LIMIT} then 2 "
        f"when regexp_matches({v}, '[&<>]') then 1 else 0 end), 0)"
    )


def _escaped(v: str, escape: Escape) -> str:
    """Text as XML text: the three signs, and what XML cannot hold as _xHHHH_."""
    if escape is Escape.NOTHING:
        return v
    if escape is Escape.EVERYTHING:
        v = f"case when length({v}) > {_TEXT_LIMIT} then left({v}, {_TEXT_LIMIT - 1}) || '…' else {v} end"
        v = f"replace({v}, '_x', '_x005F_x')"  # every one: escapes may overlap
        for code in (*range(1, 9), 11, 12, 13, *range(14, 32), 0xFFFE, 0xFFFF):
            v = f"replace({v}, chr({code}), '_x{code:04X}_')"
    return f"replace(replace(replace({v}, '&', '&amp;'), '<', '&lt;'), '>', '&gt;')"


def _cell(column: SheetColumn, letters: str) -> str:
    """DuckDB expression of one cell; nothing where the value is null."""
    v = f"({column.expression})"
    style = str(column.style)
    if column.flag:
        style = f"' || case when {column.flag} then '{column.flagged}' else '{column.style}' end || '"
    head = f'\'<c r="{letters}\' || __r || \'" s="{style}"'
    if column.form is Form.TEXT:
        cell = (
            f'{head} t="inlineStr"><is><t xml:space="preserve">\' || {_escaped(v, column.escape)} || \'</t></is></c>\''
        )
    elif column.form is Form.DATE:
        # Excel's serial days; before 1 March 1900 its calendar is wrong, so such a date is written as text
        serial = f"{head}><v>' || datediff('day', date '1899-12-30', {v}) || '</v></c>'"
        words = f"{head} t=\"inlineStr\"><is><t>' || strftime({v}, '%Y-%m-%d') || '</t></is></c>'"
        cell = f"case when {v} >= date '1900-03-01' then {serial} else {words} end"
    else:
        number = v if column.form is Form.INTEGER else f"case when isfinite({v}) then {v} end"
        cell = f"{head}><v>' || {number} || '</v></c>'"
    return f"coalesce({cell}, '')"


def row_query(block: StreamedRows) -> str:
    """The query whose one column is the XML of the rows, in order."""
    cells = " || ".join(_cell(c, column_letters(i)) for i, c in enumerate(block.columns))
    return f"""
        select '<row r="' || __r || '">' || {cells} || '</row>'
        from (select *, row_number() over () + {block.first_row - 1} as __r
              from (select * from {block.source} limit {block.rows} offset {block.offset}))
    """


def _pour(source: IO[bytes], target: IO[bytes], blocks: Iterator[memoryview], dimension: str) -> None:
    """Copies a sheet, putting rows in before the end of its data and the true extent into its dimension."""
    text = source.read().decode("utf-8")
    start = text.index("<dimension ")
    end = text.index("/>", start) + 2
    text = f'{text[:start]}<dimension ref="{dimension}"/>{text[end:]}'
    head, tail = text.split("</sheetData>", 1)
    target.write(head.encode())
    for block in blocks:
        target.write(block)
    target.write(("</sheetData>" + tail).encode())


def pour_rows(shell: IO[bytes], target: Path, duck: DuckDBPyConnection, sheets: Mapping[str, StreamedRows]) -> None:
    """Writes `target` as the workbook `shell` with rows put into the sheets named in `sheets` (names in the package,
    such as `xl/worksheets/sheet2.xml`). Same input, same bytes: time stamps are fixed (1 January 1980, what `zipfile`
    gives to a member opened by name), the order is kept."""
    with (
        zipfile.ZipFile(shell) as source,
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL) as package,
    ):
        for item in source.infolist():
            block = sheets.get(item.filename)
            with package.open(item.filename, "w") as out, source.open(item) as original:
                if block is None:
                    out.write(original.read())
                else:
                    last = f"{column_letters(len(block.columns) - 1)}{max(block.first_row - 1 + block.rows, 1)}"
                    _pour(original, out, text_blocks(duck, row_query(block)), f"A1:{last}")
