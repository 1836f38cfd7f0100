"""From a path to tables: parse, lay out, assemble. The part of reading that runs in the child process."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from hub.intake.reader.assemble import sheet_readings
from hub.intake.reader.large_csv import LARGE, read_large_csv
from hub.intake.reader.model import SheetReading, refuse
from hub.intake.reader.parse import Parsed, parse


def read_tables(path: Path, known: Collection[str], *, hidden: str) -> tuple[Parsed, list[SheetReading]]:
    """All tables of a file, columns not yet matched to fields.

    Raises:
        FormatError: the file cannot be read or holds no table.
        OSError: it is not there, or may not be opened.
    """
    if path.stat().st_size >= LARGE and (large := read_large_csv(path, known)) is not None:
        return large
    parsed = parse(path.read_bytes())
    sheets = parsed.sheets + [sheet for grid in parsed.grids for sheet in sheet_readings(grid, known, hidden=hidden)]
    if concealed := sum(len(g.hidden_rows & g.rows.keys()) for g in parsed.grids):
        done = "已照常读取" if hidden == "read" else "只作记录，未读取"
        parsed.remarks.append(f"有 {concealed} 个隐藏的行，{done}。")
    if names := [g.name for g in parsed.grids if g.hidden and g.rows]:
        done = "已照常读取" if hidden == "read" else "只作记录，未读取"
        parsed.remarks.append(f"有隐藏的工作表：{'、'.join(names)}，{done}。")
    if not parsed.sheets and not any(s.data_rows or s.header_rows for s in sheets):
        raise refuse("文件里没有表格。", "请发送方确认报送的是数据表，检查后重新报送。")
    return parsed, sheets
