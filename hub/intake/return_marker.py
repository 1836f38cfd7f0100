"""How a return workbook is known when it comes back, and what the reader must not take for data.

The mark stands in the table itself: a hidden column before the reason, whose header carries the delivery's id and the
beginning of the file's SHA-256, and whose cells say which row of which sheet they were. It survives saving in another
program or format, sorting, and rows deleted or added; document properties and hidden sheets do not.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, text

from hub.errors import FormatError
from hub.intake.reader.model import Reading, SheetReading, Skipped

if TYPE_CHECKING:
    import pyarrow as pa

COVER_SHEET = "退回说明"
REASON_HEADER = "退回原因"
ROW_HEADER = "原行号"  # the key of the mark in a row's raw cells, once recognised
CHECK_LENGTH = 12

_MARK = re.compile(rf"{ROW_HEADER}#(\d{{1,18}})-([0-9a-f]{{{CHECK_LENGTH}}})")
CELL = r"^\d{1,7}@"  # "12@台账": row and sheet of the delivery that was returned (PostgreSQL reads it too)


@dataclass(frozen=True, slots=True)
class ReturnMark:
    """Which delivery a returned workbook corrects, by its own word; `confirm_return` asks the database."""

    delivery_id: int
    check: str  # the first characters of that delivery's SHA-256


def mark_header(delivery_id: int, sha256: str) -> str:
    """The header of the hidden column."""
    return f"{ROW_HEADER}#{delivery_id}-{sha256[:CHECK_LENGTH]}"


def mark_cell(sheet: str, row: int) -> str:
    """A cell of the hidden column."""
    return f"{row}@{sheet}"


def mark_in(header: str) -> ReturnMark | None:
    """The mark in a header, or None."""
    found = _MARK.search(unicodedata.normalize("NFKC", header))
    return ReturnMark(int(found[1]), found[2]) if found else None


def is_reason(header: str) -> bool:
    """Whether a header is that of the reason column."""
    return "".join(header.split()) == REASON_HEADER


def take_mark(reading: Reading) -> ReturnMark | None:
    """Recognises a return workbook and takes out of the reading what we put in: the cover sheet, the reason column, rows
    that hold nothing of the sender's. The hidden column stays, as a column called `ROW_HEADER` of no field, so that each
    row keeps saying which row it was. A file that is no return workbook is left as it is.

    Raises:
        FormatError: parts of several return workbooks were put together.
    """
    marks = {m for sheet in reading.sheets for c in sheet.columns if (m := mark_in(c.header))}
    if not marks:
        return None
    if len(marks) > 1:
        raise FormatError(
            "这份文件由几份退回工作簿拼合而成，无法对应原来的行。", next_step="请把每份退回工作簿分别改好、分别报送。"
        )
    reading.sheets = [s for s in reading.sheets if s.name.strip() != COVER_SHEET]
    for sheet in reading.sheets:
        _strip(sheet)
    return marks.pop()


def _strip(sheet: SheetReading) -> None:
    keep = [i for i, c in enumerate(sheet.columns) if not is_reason(c.header)]
    columns = [sheet.columns[i] for i in keep]
    marked = [n for n, c in enumerate(columns) if mark_in(c.header)]
    # without levels it is no unknown column to be told about
    sheet.columns = [
        replace(c, header=ROW_HEADER, field=None, guess=None, levels=()) if n in marked[:1] else c
        for n, c in enumerate(columns)
    ]
    rows = sheet.rows.select(["row", "part", *(f"c{i}" for i in keep)])
    sheet.rows = rows.rename_columns(["row", "part", *(f"c{n}" for n in range(len(keep)))])
    _drop_cleared(sheet, set(marked))


def _drop_cleared(sheet: SheetReading, marked: set[int]) -> None:
    """Rows whose cells the sender emptied, our own marks apart, are blank rows."""
    import pyarrow as pa
    import pyarrow.compute as pc

    said: pa.Array = pa.array([False] * sheet.rows.num_rows, pa.bool_())
    for n in range(len(sheet.columns)):
        if n not in marked:
            said = pc.or_(said, pc.is_valid(sheet.rows[f"c{n}"].combine_chunks()))
    if pc.all(said).as_py() in (True, None):
        return
    cleared = sorted(set(sheet.rows.filter(pc.invert(said))["row"].to_pylist()))
    sheet.rows = sheet.rows.filter(said)
    sheet.data_rows -= len(cleared)
    sheet.skipped = sorted([*sheet.skipped, *(Skipped(r, "blank", "") for r in cleared)], key=lambda s: s.row)


def confirm_return(connection: Connection, mark: ReturnMark, new_delivery_id: int) -> str | None:
    """The state of the delivery a mark speaks of, if it is one of ours, of the same feed and sender as the new delivery,
    and its rows are stored (accepted, held or rejected); else None: the file says it corrects what we do not know."""
    return connection.execute(
        text(
            "select old.state from delivery old join delivery new on new.delivery_id = :new and new.feed = old.feed "
            "and new.department = old.department and new.delivery_id <> old.delivery_id "
            "where old.delivery_id = :old and old.state in ('accepted', 'held', 'rejected') "
            "and starts_with(old.sha256, :check)"
        ),
        {"old": mark.delivery_id, "new": new_delivery_id, "check": mark.check},
    ).scalar()


def supersede_rows(connection: Connection, new_delivery_id: int, old_delivery_id: int) -> int:
    """Marks the rows of a delivery that came back corrected as replaced; returns how many.

    Row by row, by the mark: a sender who sends back only the rows in question takes none of the others away. A row that
    was accepted and came back unusable keeps standing. To be called in the accepting transaction, after the new rows are
    there and before repeated rows are looked for (else an unchanged row would be its own duplicate).
    """
    done = connection.execute(
        text(
            f"""
            with back as (
                select disposition, cast(split_part(raw ->> :header, '@', 1) as int) as was_row,
                       substr(raw ->> :header, strpos(raw ->> :header, '@') + 1) as was_sheet
                from source_row where delivery_id = :new and raw ->> :header ~ '{CELL}'
            )
            update source_row old set superseded_by = :new
            from (select was_sheet, was_row, bool_or(disposition <> 'quarantined') as usable
                  from back group by was_sheet, was_row) b
            where old.delivery_id = :old and old.sheet = b.was_sheet and old."row" = b.was_row
              and old.superseded_by is null and (b.usable or old.disposition = 'quarantined')
            """
        ),
        {"new": new_delivery_id, "old": old_delivery_id, "header": ROW_HEADER},
    )
    return int(done.rowcount)


def returned_delivery_of(path: Path) -> int | None:
    """The delivery a file says it corrects, or None. Reads the file; where a `Reading` is at hand, use `take_mark`."""
    from hub.intake.reader import read_file

    mark = take_mark(read_file(path))
    return mark.delivery_id if mark else None
