"""Whose copy is this? Reads the second mark, the order of rows, out of a list that turned up somewhere.

The rows found are looked up in the published extract; every pair of neighbours found whole votes for or against each
copy. A list of some dozen rows decides; a sorted list has lost the mark, and the answer says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine, select

from hub.errors import PermissionRefusedError
from hub.settings import Settings
from hub.sharing.access import parquet_of
from hub.sharing.columns import DISPUTE, column_from_json
from hub.sharing.copies import order_seed, pair_swapped
from hub.sharing.selection import workspace
from hub.sharing.sql import literal, name
from hub.store.tables.sharing import extract, extract_copy


@dataclass(frozen=True, slots=True)
class Trace:
    """One copy beside the list: of `pairs` pairs found whole, `agreeing` stand as in this copy. Chance gives half."""

    copy_number: str
    department: str
    person: str
    pairs: int
    agreeing: int

    @property
    def certain(self) -> bool:
        """Whether so much agreement comes by chance less than once in a million lists."""
        return self.pairs >= 20 and self.agreeing == self.pairs


def trace(engine: Engine, settings: Settings, extract_id: int, found: Sequence[Sequence[str | None]]) -> list[Trace]:
    """Copies of an extract by how well their order fits, best first.

    Args:
        found: rows in the order they turned up: cells as texts in the extract's column order (as its CSV shows them),
            without the header; the dispute column may be missing.

    Raises:
        PermissionRefusedError: no such extract, or its rows are not kept any more.
    """
    import pyarrow as pa

    with engine.connect() as connection:
        row = connection.execute(select(extract).where(extract.c.extract_id == extract_id)).first()
        copies = connection.execute(select(extract_copy).where(extract_copy.c.extract_id == extract_id)).all()
    if row is None or not (settings.data / parquet_of(row.files)).is_file():
        raise PermissionRefusedError(
            f"没有编号为 {extract_id} 的摘录，或已到期清理。", next_step="核对封面上的数据集和日期。"
        )
    columns = [column_from_json(f) for f in row.fields if f["name"] != DISPUTE]
    table = pa.table(
        {
            "n": pa.array(range(len(found)), pa.int64()),
            "cells": pa.array(["\x1f".join(c or "" for c in r[: len(columns)]) for r in found], pa.string()),
        }
    )
    scratch = settings.data / "scratch"
    scratch.mkdir(parents=True, exist_ok=True)
    with workspace(scratch) as duck:
        duck.register("found", table)
        parquet = Path(settings.data / parquet_of(row.files))
        cells = " || chr(31) || ".join(f"coalesce(cast({c.shown()} as varchar), '')" for c in columns)
        duck.execute(
            f"""
            create temp table pairs as
            with original as (
              select file_row_number as p, {cells} as cells
              from read_parquet({literal(str(parquet))}, file_row_number = true)
            ), known as (
              select p, n from original join found using (cells)
              qualify count(*) over (partition by cells) = 1
            )
            select a.p // 2 * 2 as p, b.n < a.n as swapped
            from known a join known b on a.p % 2 = 0 and b.p = a.p + 1
            """
        )
        traces = []
        for copy in copies:
            expected = pair_swapped(name("p"), order_seed(settings, copy.copy_number))
            [(pairs, agreeing)] = duck.execute(
                f"select count(*), count(*) filter (swapped = {expected}) from pairs"
            ).fetchall()
            traces.append(Trace(copy.copy_number, copy.department, copy.person, int(pairs), int(agreeing)))
    return sorted(traces, key=lambda t: (-t.agreeing, t.copy_number))
