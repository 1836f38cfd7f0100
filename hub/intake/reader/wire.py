"""How sheets go from the child process to its parent: facts as JSON, rows as Arrow files, whole grids as lines of JSON."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from hub.intake.reader.grid import Grid
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
                "columns": [[c.header, c.unit, list(c.levels), c.place] for c in sheet.columns],
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
                columns=[
                    Column(str(header), unit=unit, levels=tuple(map(str, levels)), place=place)
                    for header, unit, levels, place in facts["columns"]
                ],
                data_rows=int(facts["data_rows"]),
                skipped=[Skipped(int(r), str(kind), str(text), until) for r, kind, text, until in facts["skipped"]],
                rows=rows,
                context=[str(line) for line in facts["context"]],
            )
        )
    return sheets


def pack_grids(grids: list[Grid], out: Path) -> None:
    """Writes the sheets as they stand in the file, cells that are no data included, one a line."""
    with (out / "grids.jsonl").open("w", encoding="utf-8") as lines:
        for grid in grids:
            plain = asdict(grid)
            plain["hidden_rows"] = sorted(grid.hidden_rows)
            lines.write(json.dumps(plain, ensure_ascii=True) + "\n")


def unpack_grids(out: Path) -> list[Grid]:
    """The parent's half."""
    grids = []
    with (out / "grids.jsonl").open(encoding="utf-8") as lines:
        for line in lines:
            plain = json.loads(line)
            plain["rows"] = {int(row): cells for row, cells in plain["rows"].items()}
            plain["merges"] = [tuple(m) for m in plain["merges"]]
            plain["hidden_rows"] = set(plain["hidden_rows"])
            grids.append(Grid(**plain))
    return grids
