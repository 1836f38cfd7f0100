"""The return workbook (退回工作簿): the sender's own sheets as they sent them, the cells to correct coloured, a reason behind
each row, to be corrected in place and sent again. Every cell is text: no code loses its digits, nothing in it computes.
How it is known when it comes back: `hub.intake.return_marker`.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from sqlalchemy import Connection, text

from hub.errors import ConfigurationError, ConflictError, FormatError, HubError, Where
from hub.feeds import Feed, get_feed
from hub.intake.columns import match_columns
from hub.intake.reader.grid import MAX_ROWS, Grid
from hub.intake.reader.model import SheetReading
from hub.intake.receipt import warnings_of
from hub.intake.return_marker import COVER_SHEET, is_reason, mark_in
from hub.intake.return_writer import Cover, Finding, Findings, ReturnedSheet, Table, write_workbook
from hub.settings import Settings

_ROWS = """
select s.sheet, s."row", s.disposition, r.field, r."column", r.message
from source_row s left join row_reason r using (row_id)
where s.delivery_id = :id and s.superseded_by is null and s.disposition <> 'accepted'
order by s.sheet, s."row", s.part, r.seq
"""
_STANDING = """
select s.sheet, s."row" from source_row s
join (select distinct * from unnest(cast(:sheets as text[]), cast(:rows as int[])) as w(sheet, "row")) w using (sheet, "row")
where s.delivery_id = :id and s.superseded_by is null and s.disposition in ('accepted', 'quarantined')
"""
_LONGEST = 150  # bytes of the sender's own name: file systems end at 255, and writers put something before it
_REPEATED = "与前面的行内容相同，只采用一次，不必更正。"


@dataclass(frozen=True, slots=True)
class ReturnSummary:
    """What a return workbook holds: rows to correct, and in how many sheets."""

    delivery_id: int
    to_correct: int
    sheets: int
    warned: int  # rows with a warning that were accepted all the same


def workbook_name(delivery_id: int, name: str) -> str:
    """What the return workbook of a delivery is called: by its number, and by the sent file's name as far as a name may go."""
    stem = PurePosixPath(name).stem.encode()[:_LONGEST].decode(errors="ignore")
    return f"退回-{delivery_id}-{stem}.xlsx"


def write_return_workbook(
    connection: Connection, delivery_id: int, archive_file: Path, out: Path, *, settings: Settings | None = None
) -> ReturnSummary:
    """Writes the return workbook of a delivery whose rows are stored (accepted, held or rejected).

    Args:
        archive_file: the original, as archived.
        out: the .xlsx to write; replaced in one step.
        settings: limits of the reader's child process; the environment's when left out.

    Raises:
        ConfigurationError: there is no such delivery.
        ConflictError: its rows are not stored (still waiting, or failed as a whole).
        FormatError: the original can no longer be read, or has as many rows as a sheet can hold.
    """
    one = connection.execute(
        text(
            "select delivery_id, feed, department, name, sha256, state, reason, received_at, rows_in, rows_accepted, "
            "rows_quarantined, rows_duplicate, rows_out_of_scope, account from delivery where delivery_id = :id"
        ),
        {"id": delivery_id},
    ).first()
    if one is None:
        raise ConfigurationError(
            f"没有编号为 {delivery_id} 的来件。", next_step="用 coop-hub deliveries 查看有哪些来件。"
        )
    if one.state not in ("accepted", "held", "rejected"):
        raise ConflictError(
            f"来件 {delivery_id} 没有可退回的行（状态：{one.state}）。",
            next_step="整份不能使用的来件，请把回执（coop-hub deliveries receipt）发给发送方，由其重新报送整份文件。",
        )
    feed = get_feed(one.feed)
    findings = _findings(connection, delivery_id)
    _add_warnings(connection, delivery_id, one.account, findings, taken=one.state == "accepted")
    grids = _grids(archive_file, one.name, settings)
    if any(max(g.rows, default=0) >= MAX_ROWS for g in grids):
        raise FormatError(
            "原件的行数超过一张工作表的上限（1,048,576 行），无法做成退回工作簿。",
            next_step="按回执列出的行号在原文件里更正后重新报送。", where=Where(file=one.name),
        )  # fmt: skip
    mapping = _mapping(connection, one.feed, one.department)
    sheets = [_laid_out(g, feed, mapping) for g in grids]
    cover = Cover(
        one.delivery_id, one.sha256, one.name, feed.title.zh, one.received_at, one.rows_in, one.rows_accepted,
        one.rows_quarantined, one.rows_duplicate, one.rows_out_of_scope, one.reason,
        warnings_of(connection, delivery_id),
    )  # fmt: skip
    out.parent.mkdir(parents=True, exist_ok=True)
    temporary = out.with_name(f".{uuid.uuid4().hex}.part")
    try:
        write_workbook(temporary, cover, sheets, findings)
        temporary.replace(out)
    finally:
        temporary.unlink(missing_ok=True)
    return ReturnSummary(
        delivery_id,
        sum(f.to_correct for f in findings.values()),
        len(grids),
        sum(f.only_warns for f in findings.values()),
    )


def _findings(connection: Connection, delivery_id: int) -> Findings:
    found: Findings = {}
    for row in connection.execute(text(_ROWS), {"id": delivery_id}).mappings():
        finding = found.setdefault((row["sheet"], row["row"]), Finding())
        if row["disposition"] == "duplicate":
            finding.messages.append(_REPEATED)
            continue
        finding.messages.append(row["message"] or "这一行没有采用。")
        if row["disposition"] == "quarantined":
            finding.to_correct = True
            finding.fields |= {row["field"]} - {None}
            finding.headers |= {row["column"]} - {None}
    return found


def _add_warnings(connection: Connection, delivery_id: int, account: Any, findings: Findings, *, taken: bool) -> None:
    """Adds the warnings of rows that stand or came back for another reason. A repeated row, one of another matter and one
    that was replaced since need nobody's look."""
    warned = [
        (sheet, row, one) for one in account.get("warned", ()) for sheet, row in one["rows"]
    ] if isinstance(account, dict) else []  # fmt: skip
    if not warned:
        return
    standing = {
        (r.sheet, r.row)
        for r in connection.execute(
            text(_STANDING),
            {"id": delivery_id, "sheets": [s for s, _, _ in warned], "rows": [r for _, r, _ in warned]},
        )
    }
    for sheet, row, one in warned:
        if (sheet, row) in standing:
            finding = findings.setdefault((sheet, row), Finding())
            stands = taken and not finding.messages
            finding.warnings.append(("提醒（本行已采用）：" if stands else "提醒：") + one["message"])
            finding.warned_fields |= {one["field"]} - {None}
            finding.warned_headers |= {one["column"]} - {None}


def _mapping(connection: Connection, feed: str, department: str) -> dict[str, str | None]:
    rows = connection.execute(
        text("select header, field from column_mapping where feed = :feed and department = :department"),
        {"feed": feed, "department": department},
    )
    return {r.header: r.field for r in rows}


def _grids(archive_file: Path, name: str, settings: Settings | None) -> list[Grid]:
    """The sender's sheets, without what an earlier return workbook of ours put around them."""
    from hub.intake.reader.read import read_grids

    try:
        grids = read_grids(archive_file, settings=settings)
    except HubError as error:
        raise error.at(file=name) from None
    except OSError as error:
        raise FormatError(
            "读不到存档的原件。",
            next_step="执行 coop-hub verify 核验存档。",
            where=Where(file=name),
            detail=repr(error),
        ) from None
    return [_without_marks(g) for g in grids if g.rows and g.name != COVER_SHEET]


def _without_marks(grid: Grid) -> Grid:
    places = {
        c for cells in grid.rows.values() for c, t in enumerate(cells) if t and (mark_in(t) or is_reason(t))
    }  # fmt: skip
    marked = any(mark_in(t) for cells in grid.rows.values() for t in cells if t)
    if not marked:
        return grid
    for row, cells in grid.rows.items():
        grid.rows[row] = [t for c, t in enumerate(cells) if c not in places]
    grid.merges = [m for m in grid.merges if not places & set(range(m[1], min(m[3], m[1] + 200) + 1))]
    return grid


def _laid_out(grid: Grid, feed: Feed, mapping: Mapping[str, str | None]) -> ReturnedSheet:
    """A sheet with its tables as the reader sees them."""
    from hub.intake.reader.assemble import sheet_readings
    from hub.intake.reader.read import known_headers

    tables, data_rows = [], set[int]()
    for reading in sheet_readings(grid, known_headers()):
        columns = match_columns(reading.columns, feed, mapping).columns
        by_field = {c.field: c.place for c in columns if c.field and c.place is not None}
        by_header = {c.header: c.place for c in columns if c.place is not None}
        tables += [Table(rows, by_field, by_header) for rows in _header_blocks(reading)]
        data_rows.update(reading.rows["row"].to_pylist())
    return ReturnedSheet(grid, tuple(tables), frozenset(data_rows), tuple(f.name for f in feed.fields))


def _header_blocks(reading: SheetReading) -> list[tuple[int, ...]]:
    """The table's header and its repetitions on later pages, each as its rows."""
    rows = sorted({*reading.header_rows, *(s.row for s in reading.skipped if s.kind == "header")})
    found: list[list[int]] = []
    for row in rows:
        if found and row == found[-1][-1] + 1:
            found[-1].append(row)
        else:
            found.append([row])
    return [tuple(f) for f in found]
