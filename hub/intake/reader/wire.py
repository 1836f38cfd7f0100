"""How sheets go from the child process to its parent: facts as JSON, rows as Arrow files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hub.intake.reader.model import Column, SheetReading, Skipped


def pack_sheets(sheets: list[SheetReading], out: Path) -> list[dict[str, Any]]:
    """Writes the rows of each sheet into `out` and returns the rest as plain data."""
    import pyarrow as pa

    packed = []
    for number, sheet in enumerate(sheets):
        with pa.OSFile(str(out / f"{number}.arrow"), "wb") as sink, pa.ipc.new_file(sink, sheet.rows.schema) as writer:
            writer.write_table(sheet.rows)
        packed.append(
            {
                "name": sheet.name,
                "hidden": sheet.hidden,
                "header_rows": sheet.header_rows,
                "columns": [[c.header, c.unit, list(c.levels)] for c in sheet.columns],
                "data_rows": sheet.data_rows,
                "skipped": [[s.row, s.kind, s.text, s.until] for s in sheet.skipped],
                "context": sheet.context,
            }
        )
    return packed


def unpack_sheets(packed: list[dict[str, Any]], out: Path) -> list[SheetReading]:
    """The parent's half: maps the Arrow files (they may be deleted afterwards, the mapping stays)."""
    import pyarrow as pa

    sheets = []
    for number, facts in enumerate(packed):
        with pa.memory_map(str(out / f"{number}.arrow")) as source:
            rows = pa.ipc.open_file(source).read_all()
        sheets.append(
            SheetReading(
                name=str(facts["name"]),
                hidden=bool(facts["hidden"]),
                header_rows=[int(r) for r in facts["header_rows"]],
                columns=[Column(str(h), unit=u, levels=tuple(map(str, levels))) for h, u, levels in facts["columns"]],
                data_rows=int(facts["data_rows"]),
                skipped=[Skipped(int(r), str(kind), str(text), until) for r, kind, text, until in facts["skipped"]],
                rows=rows,
                context=[str(line) for line in facts["context"]],
            )
        )
    return sheets
