"""Whose copy is this? Reads the marks out of a list that turned up somewhere.

First mark: the copy's number, on the cover and in the file's name. Second mark: the order of rows. The rows found are
looked up in the published extract by the columns both have; every pair of neighbours found whole votes for or against each
copy. A list of some dozen rows decides, whatever was cut out of it; a sorted list has lost the mark, and the answer says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import comb, erfc, sqrt
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, Row, select

from hub.errors import PermissionRefusedError
from hub.settings import Settings
from hub.sharing.access import parquet_of
from hub.sharing.columns import DISPUTE, ExtractColumn, Form, column_from_json
from hub.sharing.copies import order_seed, pair_swapped
from hub.sharing.selection import workspace
from hub.sharing.sql import literal, name
from hub.store.tables.sharing import extract, extract_copy

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from hub.intake.reader import Reading, SheetReading

_NUMBER = re.compile(r"(?<!\d)(\d{1,18}-[0-9A-F]{8})(?![0-9A-F])")
_TRIED = 60  # extracts a list is looked up in, the likeliest first
_ALIKE = 0.6  # share of the list's headers that an extract must have


@dataclass(frozen=True, slots=True)
class Trace:
    """One copy beside the list: of `pairs` pairs found whole, `agreeing` stand as in this copy. Chance gives half."""

    copy_number: str
    department: str
    person: str
    pairs: int
    agreeing: int
    extract_id: int = 0
    title: str = ""

    @property
    def chance(self) -> float:
        """How likely so much agreement is for a copy that is not the one."""
        n, a = self.pairs, self.agreeing
        if n == 0:
            return 1.0
        if n > 1000:
            return float(erfc((a - n / 2) / sqrt(n / 2)) / 2)
        return float(sum(comb(n, k) for k in range(a, n + 1)) / 2**n)

    @property
    def certain(self) -> bool:
        """Whether so much agreement comes by chance less than once in a million lists."""
        return self.chance < 1e-6


@dataclass(frozen=True, slots=True)
class NamedCopy:
    """A copy whose number stands in the list or in its file's name. `known` is false for a number the ledger never gave."""

    copy_number: str
    known: bool
    department: str = ""
    person: str = ""
    extract_id: int = 0
    title: str = ""


@dataclass(frozen=True, slots=True)
class Findings:
    """What a list tells: copies by number, copies by the order of rows (best first), rows read, and extracts tried."""

    named: tuple[NamedCopy, ...]
    traces: tuple[Trace, ...]
    rows: int
    tried: int

    @property
    def certain(self) -> tuple[Trace, ...]:
        return tuple(t for t in self.traces if t.certain)


def trace_list(engine: Engine, settings: Settings, reading: Reading, *, extract_id: int | None = None) -> Findings:
    """Whose copy a file is, as the reader understood it.

    Args:
        extract_id: the extract it is thought to come from; else those with the same columns are tried.

    Raises:
        HubError: the file cannot be read.
        PermissionRefusedError: the extract named is not there, or its rows are not kept any more.
    """
    reading.raise_refusal()
    with engine.connect() as connection:
        named = named_copies(connection, _texts(reading))
        candidates = _candidates(connection, reading, extract_id, [n.extract_id for n in named if n.known])
    traces: list[Trace] = []
    tried: set[int] = set()
    for sheet, row in candidates:
        titles = [c.header for c in sheet.columns]
        rows = [sheet.rows[f"c{i}"].to_pylist() for i in range(len(titles))]
        found = trace(engine, settings, row.extract_id, list(zip(*rows, strict=True)), titles=titles)
        traces += [t for t in found if t.pairs]
        tried.add(int(row.extract_id))
    best = sorted(traces, key=lambda t: (t.chance, -t.agreeing, t.copy_number))
    return Findings(named, tuple(best), sum(s.data_rows for s in reading.sheets), len(tried))


def _texts(reading: Reading) -> Iterator[str]:
    """The file's name, and what stands in it beside long tables: covers, titles, notes."""
    yield reading.file
    for sheet in reading.sheets:
        yield sheet.name
        yield from (c.header for c in sheet.columns)
        yield from sheet.context
        yield from (s.text for s in sheet.skipped)
        if sheet.rows.num_rows <= 200:
            for column in sheet.rows.column_names[2:]:
                yield from (str(v) for v in sheet.rows[column].to_pylist() if v)


def named_copies(connection: Connection, texts: Iterable[str]) -> tuple[NamedCopy, ...]:
    """The copies whose numbers stand in some texts."""
    numbers = list(dict.fromkeys(n for t in texts for n in _NUMBER.findall(t)))[:50]
    if not numbers:
        return ()
    known = {
        r.copy_number: r
        for r in connection.execute(
            select(extract_copy, extract.c.title)
            .join(extract, extract.c.extract_id == extract_copy.c.extract_id)
            .where(extract_copy.c.copy_number.in_(numbers))
        )
    }
    return tuple(
        NamedCopy(n, True, known[n].department, known[n].person, known[n].extract_id, known[n].title)
        if n in known
        else NamedCopy(n, False)
        for n in numbers
    )


def _candidates(
    connection: Connection, reading: Reading, extract_id: int | None, named: Sequence[int]
) -> list[tuple[SheetReading, Row[int, str, object]]]:
    """Tables of the file with the extracts they may come from: the one named, else those with like columns and copies that
    left, the likeliest and newest first."""
    query = select(extract.c.extract_id, extract.c.title, extract.c.fields).order_by(extract.c.extract_id.desc())
    if extract_id is not None:
        query = query.where(extract.c.extract_id == extract_id)
    else:
        query = query.where(extract.c.extract_id.in_(select(extract_copy.c.extract_id)))
    rows = connection.execute(query).all()
    if extract_id is not None and not rows:
        raise PermissionRefusedError(f"没有编号为 {extract_id} 的摘录。", next_step="核对封面上的数据集和日期。")
    ranked: list[tuple[bool, int, int, int, SheetReading, Row[int, str, object]]] = []
    for sheet in reading.sheets:
        headers = {c.header for c in sheet.columns}
        for row in rows:
            common = len(headers & {str(f["title"]) for f in row.fields})
            if extract_id is not None or (common >= 2 and common >= _ALIKE * len(headers)):
                ranked.append((row.extract_id not in named, -common, -row.extract_id, len(ranked), sheet, row))
    ranked.sort(key=lambda r: r[:4])
    return [(sheet, row) for *_, sheet, row in ranked[:_TRIED]]


def _comparable(expression: str, column: ExtractColumn) -> str:
    """A cell as both sides write it: numbers without separators, dates as dates, texts without blanks and apostrophes."""
    text = f"trim(cast({expression} as varchar))"
    if column.form in (Form.INTEGER, Form.NUMBER):
        return f"coalesce(cast(try_cast(replace({text}, ',', '') as double) as varchar), {text}, '')"
    if column.form is Form.DATE:
        return f"coalesce(cast(try_cast({text} as date) as varchar), {text}, '')"
    return f"coalesce(ltrim({text}, ''''), '')"


def trace(
    engine: Engine,
    settings: Settings,
    extract_id: int,
    found: Sequence[Sequence[str | None]],
    *,
    titles: Sequence[str] | None = None,
) -> list[Trace]:
    """Copies of an extract by how well their order fits, best first.

    Args:
        found: rows in the order they turned up: cells as texts, without the header.
        titles: the list's headers; columns the extract does not have are left aside. Default: the extract's own, in
            order (the dispute column may be missing).

    Raises:
        PermissionRefusedError: no such extract, or its rows are not kept any more.
    """
    with engine.connect() as connection:
        row = connection.execute(select(extract).where(extract.c.extract_id == extract_id)).first()
        copies = connection.execute(select(extract_copy).where(extract_copy.c.extract_id == extract_id)).all()
    if row is None or not (settings.data / parquet_of(row.files)).is_file():
        raise PermissionRefusedError(
            f"没有编号为 {extract_id} 的摘录，或已到期清理。", next_step="核对封面上的数据集和日期。"
        )
    columns = [column_from_json(f) for f in row.fields if f["name"] != DISPUTE]
    given = list(titles) if titles is not None else [c.title for c in columns]
    both = [(given.index(c.title), c) for c in columns if c.title in given]
    scratch = settings.data / "scratch"
    scratch.mkdir(parents=True, exist_ok=True)
    with workspace(scratch) as duck:
        if not both or not found:
            return []
        _pair_up(duck, Path(settings.data / parquet_of(row.files)), found, both)
        traces = []
        for copy in copies:
            expected = pair_swapped(name("p"), order_seed(settings, copy.copy_number))
            [(pairs, agreeing)] = duck.execute(
                f"select count(*), count(*) filter (swapped = {expected}) from pairs"
            ).fetchall()
            traces.append(
                Trace(copy.copy_number, copy.department, copy.person, int(pairs), int(agreeing), extract_id, row.title)
            )
    return sorted(traces, key=lambda t: (-t.agreeing, t.copy_number))


def _pair_up(
    duck: DuckDBPyConnection,
    parquet: Path,
    found: Sequence[Sequence[str | None]],
    both: Sequence[tuple[int, ExtractColumn]],
) -> None:
    """Fills `pairs`: neighbours of the published order that stand in the list, and whether they stand swapped there."""
    import pyarrow as pa

    cells = {
        f"f{place}": pa.array([r[place] if place < len(r) else None for r in found], pa.string()) for place, _ in both
    }
    duck.register("found", pa.table({"n": pa.array(range(len(found)), pa.int64()), **cells}))
    original = " || chr(31) || ".join(_comparable(c.shown(), c) for _, c in both)
    listed = " || chr(31) || ".join(_comparable(name(f"f{place}"), c) for place, c in both)
    duck.execute(
        f"""
        create temp table pairs as
        with original as (
          select file_row_number as p, {original} as cells
          from read_parquet({literal(str(parquet))}, file_row_number = true)
        ), listed as (select n, {listed} as cells from found
        ), known as (
          select p, n from original join listed using (cells)
          qualify count(*) over (partition by cells) = 1
        )
        select a.p // 2 * 2 as p, b.n < a.n as swapped
        from known a join known b on a.p % 2 = 0 and b.p = a.p + 1
        """
    )
