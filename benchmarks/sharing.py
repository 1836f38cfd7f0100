"""Writing extracts: workbooks beside openpyxl (write-only) and pandas, large files beside DuckDB's own COPY; memory alone.

The rows are twelve columns as departments get them: codes, names, addresses, dates, amounts.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from benchmarks.frame import Measure, timed, timed_in_child

_ROWS = """
    select 'C' || lpad(i::varchar, 9, '0') as coop_id, '云岫县第' || i || '号种植专业合作社' as name,
      '93339127MA' || lpad((i % 99999999)::varchar, 8, '0') as uscc, '白石镇' as town, '张三' || (i % 97) as representative,
      '岚江市云岫县白石镇石门村' || (i % 300) || '号' as address, date '2010-01-01' + (i % 5000)::int as founded_on,
      case when i % 3 = 0 then '未按规定报送年度报告' end as reason, date '2023-01-01' + (i % 700)::int as listed_on,
      (i % 1000) * 1.25::double as amount, (i % 50)::bigint as members, '138****' || lpad((i % 10000)::varchar, 4, '0') as phone,
      null::varchar as dispute
    from range({rows}) r(i)
"""


def _columns() -> list[Any]:
    from hub.feeds import Kind
    from hub.sharing.agreements import Mask
    from hub.sharing.columns import DISPUTE, ExtractColumn, Form

    forms = {"founded_on": Form.DATE, "listed_on": Form.DATE, "amount": Form.NUMBER, "members": Form.INTEGER}
    names = [
        "coop_id",
        "name",
        "uscc",
        "town",
        "representative",
        "address",
        "founded_on",
        "reason",
        "listed_on",
        "amount",
        "members",
        "phone",
    ]
    return [ExtractColumn(n, n, Kind.TEXT, Mask.CLEAR, forms.get(n, Form.TEXT)) for n in [*names, DISPUTE]]


def _cover(rows: int) -> Any:
    from hub.sharing.agreements import Agreement
    from hub.sharing.changes import Changes
    from hub.sharing.workbook import Cover

    agreement = Agreement.model_validate(
        {
            "id": "bench", "title": "基准", "providers": ["agriculture"], "recipient": "tax", "dataset": "cooperatives",
            "fields": ["name"], "purpose": "基准", "legal_basis": "基准", "share_type": "unconditional",
            "term": {"start": "2026-01-01", "until": "2026-12-31"}, "update_cycle": "每日",
        }
    )  # fmt: skip
    return Cover(
        title="基准", agreement=agreement, agreement_version=1, dataset_title="基准", providers="甲", recipient="乙",
        as_of=date(2026, 1, 1), master_version=1, rows=rows, totals={}, sha256="0", sm3="0", changes=Changes(first=True),
    )  # fmt: skip


def _workbooks(folder: Path, rows: int) -> list[Measure]:
    import duckdb
    import openpyxl

    from hub.sharing.workbook import write_workbook

    duck = duckdb.connect()
    duck.execute(f"create table rows as {_ROWS.format(rows=rows)}")
    duck.execute(
        "create table changes (kind varchar, who varchar, identity varchar, field varchar, before varchar, after varchar)"
    )
    columns, cover = _columns(), _cover(rows)
    frame = duck.sql("select * from rows").df()
    records = duck.sql("select * from rows").fetchall()

    def ours() -> None:
        write_workbook(duck, columns, "rows", cover, folder / "ours.xlsx")

    def plain() -> None:
        book = openpyxl.Workbook(write_only=True)
        sheet = book.create_sheet("数据")
        sheet.append(list(frame.columns))
        for record in records:
            sheet.append(record)
        book.save(folder / "openpyxl.xlsx")

    def pandas() -> None:
        frame.to_excel(folder / "pandas.xlsx", index=False, engine="xlsxwriter")

    baseline = "xlsx: openpyxl write-only"
    return [
        Measure(baseline, timed(plain)[0], rows=rows),
        Measure("xlsx: pandas with XlsxWriter", timed(pandas)[0], rows=rows, against=baseline),
        Measure(
            "xlsx: extract with cover, dictionary and changes", timed(ours, repeat=2)[0], rows=rows, against=baseline
        ),
    ]


def _flat(folder: Path, rows: int) -> list[Measure]:
    import duckdb

    from hub.sharing.flat_files import digest_rows, write_csv, write_parquet
    from hub.sharing.selection import workspace
    from hub.sharing.workbook import write_workbook

    source = folder / "rows.parquet"
    with duckdb.connect() as duck:
        duck.execute(f"copy ({_ROWS.format(rows=rows)}) to '{source}' (format parquet)")
    columns, table = _columns(), f"read_parquet('{source}')"

    def alone(work: Callable[[Any], object]) -> tuple[float, float, Any]:
        def child() -> None:
            with workspace(folder) as duck:
                duck.execute(
                    "create table changes (kind varchar, who varchar, identity varchar, field varchar, before varchar, after varchar)"
                )
                work(duck)

        return timed_in_child(child)

    def copy(form: str) -> Callable[[Any], object]:
        return lambda duck: duck.execute(f"copy (select * from {table}) to '{folder}/copy.{form}' (format {form})")

    works: list[tuple[str, Callable[[Any], object], str | None]] = [
        ("csv: DuckDB COPY", copy("csv"), None),
        (
            "csv: extract, neutralised, with BOM",
            lambda d: write_csv(d, columns, table, folder / "x.csv"),
            "csv: DuckDB COPY",
        ),
        ("parquet: DuckDB COPY", copy("parquet"), None),
        ("parquet: extract", lambda d: write_parquet(d, columns, table, folder / "x.parquet"), "parquet: DuckDB COPY"),
        ("jsonl: both digests", lambda d: digest_rows(d, columns, table), None),
        ("xlsx: extract, streamed", lambda d: write_workbook(d, columns, table, _cover(rows), folder / "x.xlsx"), None),
    ]
    measures = []
    for name, work, against in works:
        seconds, peak, _ = alone(work)
        measures.append(Measure(name, seconds, rows=rows, peak_mb=peak, against=against))
    return measures


def run(scale: float) -> list[Measure]:
    """Workbooks of 100,000 rows, large files of 1,000,000 rows (times `scale`)."""
    with tempfile.TemporaryDirectory() as name:
        return [*_flat(Path(name), int(1_000_000 * scale)), *_workbooks(Path(name), int(100_000 * scale))]
