"""What the reader hands over: a `Reading` with an account of every row. Data only; no parsing, no rules."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hub.errors import FormatError, HubError

if TYPE_CHECKING:
    import pyarrow as pa

ROW_KINDS = ("data", "header", "title", "total", "note", "blank")


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table as the sender drew it.

    `header` is the header as shown (levels of a multi-row header joined by "/"), made unique within its table;
    `field` the feed's field it was recognised as; `guess` the closest field when it was not; `unit` what the header
    or the sheet says money and numbers are counted in ("万元", "亩").
    """

    header: str
    field: str | None = None
    guess: str | None = None
    unit: str | None = None
    levels: tuple[str, ...] = ()
    place: int | None = None  # column of the sheet, from 0


@dataclass(frozen=True, slots=True)
class Skipped:
    """A row that is not data, and why. `kind` is one of `ROW_KINDS` (never "data"); a long run of blank rows stands
    as one entry from `row` to `until`."""

    row: int
    kind: str
    text: str
    until: int | None = None


@dataclass(slots=True)
class SheetReading:
    """One table of a sheet. A sheet with several tables gives several, of the same name, with different rows.

    `header_rows` are row numbers from 1 (empty when the table has no header); `data_rows` counts rows of the sheet.
    `rows` has columns `row` int32, `part` int32 and one string column a header, `c0`, `c1`…: the text as shown, null
    where the cell is empty. A row is there more than once only when one cell held several names (part 0, 1, 2…); of tables that lie
    beside each other, the parts of the second count from 1000.
    """

    name: str
    hidden: bool
    header_rows: list[int]
    columns: list[Column]
    data_rows: int
    skipped: list[Skipped]
    rows: pa.Table
    context: list[str] = field(default_factory=list)  # texts round the table that are no rows: titles of a page

    def column_of(self, field_name: str) -> str | None:
        """Arrow column ("c3") that holds a feed's field, or None."""
        return next((f"c{i}" for i, c in enumerate(self.columns) if c.field == field_name), None)


@dataclass(slots=True)
class Reading:
    """A file as the reader understood it. Never raised at the caller: an unreadable file has `error` set (and its
    text in `refusal`), and `hub.intake.normalise` raises it when rows are asked for.

    `format`: xlsx, xlsb, xls, ods, html, mhtml, xml2003, csv, tsv, text, docx, zip, parquet, json, jsonl. `encoding`: of text formats, else None.
    `encrypted`: the file was encrypted (with Excel's built-in password if it could be read all the same).
    `feed`: the feed whose fields the columns carry, given or guessed for all sheets.
    `remarks`: things worth telling that cost nothing (macros ignored, a missing part, hidden rows read).
    """

    file: str
    format: str | None = None
    encoding: str | None = None
    encrypted: bool = False
    error: HubError | None = None
    feed: str | None = None
    sheets: list[SheetReading] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    @property
    def refusal(self) -> str | None:
        return None if self.error is None else str(self.error)

    @property
    def data_rows(self) -> int:
        return sum(s.data_rows for s in self.sheets)

    def raise_refusal(self) -> None:
        """Raises the error that made the file unreadable, if any."""
        if self.error is not None:
            raise self.error

    def account(self) -> list[dict[str, Any]]:
        """The sheets as plain data, for `coop-hub inspect --json` and for a delivery's `account`."""
        return [
            {
                "name": s.name,
                "hidden": s.hidden,
                "header_rows": s.header_rows,
                "columns": [
                    {"header": c.header, "field": c.field} | ({"guess": c.guess} if c.guess else {}) for c in s.columns
                ],
                "data_rows": s.data_rows,
                "skipped": [
                    {"row": k.row, "kind": k.kind, "text": k.text} | ({"until": k.until} if k.until else {})
                    for k in s.skipped
                ],
            }
            for s in self.sheets
        ]


def refuse_entities() -> FormatError:
    """The refusal of XML that defines entities: no office program does, they are how XML bombs work."""
    return refuse("文件的 XML 里带有实体定义，可能有害，已拒收。", "请发送方用 Excel 或 WPS 另存为 .xlsx 后重新报送。")


class LockedError(FormatError):
    """A file with a password of its own."""


def refuse(message: str, next_step: str, detail: str = "") -> FormatError:
    """The error of an unreadable file."""
    return FormatError(message, next_step=next_step, detail=detail)
