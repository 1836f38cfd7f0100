"""`coop-hub export`: the crosswalk and the master table, for other programs."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hub.cli import data_option, settings_from
from hub.errors import ConfigurationError
from hub.night.context import COUNTY_TIME

if TYPE_CHECKING:
    import pyarrow as pa

_CROSSWALK = """
select s.feed, d.name as delivery, s.sheet, s."row", s.disposition,
       case when s.disposition in ('accepted', 'duplicate') and l.link is distinct from 'review' then coalesce(l.coop_id, '')
            else '' end as coop_id,
       case when s.disposition in ('accepted', 'duplicate') then coalesce(l.link, '') else '' end as link,
       case when s.disposition in ('accepted', 'duplicate') and l.score is not null then round(l.score::numeric, 4)::text
            else '' end as score,
       coalesce(case when s.disposition in ('accepted', 'duplicate') then l.reason
                     else (select string_agg(r.message, '；' order by r.seq) from row_reason r where r.row_id = s.row_id) end,
                '') as reason
from source_row s join delivery d using (delivery_id) left join link l using (profile_key)
order by s.feed, d.name, s.delivery_id, s.sheet, s."row", s.part
"""


@click.group()
def export() -> None:
    """导出 · export for other programs."""


@export.command()
@click.option("--out", required=True, type=click.Path(path_type=Path), help="CSV 文件 (UTF-8, BOM)")
@data_option
def crosswalk(out: Path, data: Path | None) -> None:
    """对照表：每份来件的每一行属于哪个合作社。One line per data row of every delivery."""
    from hub.store.database import open_engine

    settings = settings_from(data)
    engine = open_engine(settings)
    out.parent.mkdir(parents=True, exist_ok=True)
    temporary = out.with_name(f".{out.name}.part")
    with engine.connect() as connection, temporary.open("wb") as stream:
        raw: Any = connection.connection.driver_connection
        stream.write(b"\xef\xbb\xbf")
        with raw.cursor() as cursor, cursor.copy(f"copy ({_CROSSWALK}) to stdout with (format csv, header)") as copy:
            for block in copy:
                stream.write(block)
    engine.dispose()
    temporary.replace(out)
    click.echo(f"已写出 {out}")


@export.command()
@click.option("--out", required=True, type=click.Path(path_type=Path), help=".csv, .parquet 或 .xlsx")
@click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), help="业务日期 the day it speaks of")
@click.option("--known-at", type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]), help="当时所知 as known then")
@data_option
def master(out: Path, as_of: datetime | None, known_at: datetime | None, data: Path | None) -> None:
    """合作社总表。The master table, by the ending of the file."""
    from hub.master.datasets import read_dataset
    from hub.store.database import open_engine

    if out.suffix not in (".csv", ".parquet", ".xlsx"):
        raise ConfigurationError(
            f"不认识的文件类型 {out.suffix or '（无后缀）'}。", next_step="--out 用 .csv、.parquet 或 .xlsx。"
        )
    engine = open_engine(settings_from(data))
    with engine.connect() as connection:
        table = read_dataset(
            connection,
            "cooperatives",
            as_of=as_of.date() if as_of else None,
            known_at=known_at.replace(tzinfo=COUNTY_TIME) if known_at else None,
        )
    engine.dispose()
    out.parent.mkdir(parents=True, exist_ok=True)
    _write(table, out)
    click.echo(f"已写出 {out}：{table.num_rows} 行")


def _write(table: pa.Table, out: Path) -> None:
    temporary = out.with_name(f".{out.stem}.part{out.suffix}")
    if out.suffix == ".parquet":
        import pyarrow.parquet as pq

        pq.write_table(table, temporary)
    elif out.suffix == ".csv":
        import pyarrow.csv as pa_csv

        with temporary.open("wb") as stream:
            stream.write(b"\xef\xbb\xbf")
            pa_csv.write_csv(table, stream)
    else:
        _write_workbook(table, temporary)
    temporary.replace(out)


def _write_workbook(table: pa.Table, path: Path) -> None:
    """One sheet as a person wants it: headers in Chinese, frozen, filtered; everything but dates and numbers as text."""
    import datetime as dt

    import xlsxwriter

    from hub.master.fields import master_fields

    titles = {f.name: f.title.zh for f in master_fields()}
    book = xlsxwriter.Workbook(
        str(path), {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    )
    head = book.add_format({"bold": True, "bg_color": "#DDE8F0", "border": 1})
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    sheet = book.add_worksheet("合作社总表")
    sheet.freeze_panes(1, 2)
    for number, name in enumerate(table.column_names):
        title = titles.get(name, name)
        sheet.set_column(number, number, max(12, 2 * len(title) + 2))
        sheet.write_string(0, number, title, head)
    row = 0
    for batch in table.to_batches(max_chunksize=10_000):
        for record in zip(*(c.to_pylist() for c in batch.columns), strict=True):
            row += 1
            for number, value in enumerate(record):
                if isinstance(value, dt.date):
                    sheet.write_datetime(row, number, dt.datetime(value.year, value.month, value.day), day)  # noqa: DTZ001
                elif isinstance(value, int | float) and not isinstance(value, bool):
                    sheet.write_number(row, number, value)
                elif value is not None:
                    sheet.write_string(row, number, "是" if value is True else "否" if value is False else str(value))
    sheet.autofilter(0, 0, max(row, 1), table.num_columns - 1)
    book.close()
