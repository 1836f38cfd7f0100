"""`coop-hub export`: the crosswalk and the master table, for other programs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hub.cli import data_option, settings_from
from hub.deployment import COUNTY_TIME
from hub.errors import ConfigurationError

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
    try:
        with engine.connect() as connection, temporary.open("wb") as stream:
            raw: Any = connection.connection.driver_connection
            stream.write(b"\xef\xbb\xbf")
            with (
                raw.cursor() as cursor,
                cursor.copy(f"copy ({_CROSSWALK}) to stdout with (format csv, header)") as copy,
            ):
                for block in copy:
                    stream.write(block)
    finally:
        engine.dispose()
    temporary.replace(out)
    click.echo(f"已写出 {out}")


_MOMENT = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"])
_out = click.option("--out", required=True, type=click.Path(path_type=Path), help=".csv, .parquet 或 .xlsx")
_as_of = click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), help="说的是哪一天 the day it speaks of")
_known_at = click.option("--known-at", type=_MOMENT, help="到那一夜（那一刻）为止所知 as known then")


@export.command()
@_out
@_as_of
@_known_at
@data_option
def master(out: Path, as_of: datetime | None, known_at: datetime | None, data: Path | None) -> None:
    """合作社总表。The master table, by the ending of the file."""
    _export("cooperatives", out, as_of, known_at, data)


@export.command()
@click.argument("dataset")
@_out
@_as_of
@_known_at
@data_option
def records(dataset: str, out: Path, as_of: datetime | None, known_at: datetime | None, data: Path | None) -> None:
    """某个数据集的明细，如 abnormal_decisions、tax_registrations；名称见 coop-hub catalogue。A dataset's records."""
    _export(dataset, out, as_of, known_at, data)


def _moment(known_at: datetime | None) -> date | None:
    """A day means the end of that night; with a time, that very moment."""
    if known_at is None:
        return None
    return known_at.date() if known_at.time() == time() else known_at.replace(tzinfo=COUNTY_TIME)


def _check_ending(out: Path) -> None:
    if out.suffix not in (".csv", ".parquet", ".xlsx"):
        raise ConfigurationError(
            f"不认识的文件类型 {out.suffix or '（无后缀）'}。", next_step="--out 用 .csv、.parquet 或 .xlsx。"
        )


def _export(name: str, out: Path, as_of: datetime | None, known_at: datetime | None, data: Path | None) -> None:
    from hub.master.datasets import DATASETS, read_dataset
    from hub.master.documents.workbook import write_workbook
    from hub.master.reading import find_version
    from hub.store.database import open_engine

    _check_ending(out)
    engine = open_engine(settings_from(data))
    try:
        with engine.connect() as connection:
            moment = _moment(known_at)
            table = read_dataset(connection, name, as_of=as_of.date() if as_of else None, known_at=moment)
            version = find_version(connection, moment)
    finally:
        engine.dispose()
    day = min(as_of.date(), version.business_date) if as_of else version.business_date
    about = f"数据截至 {day:%Y-%m-%d}，按总表第 {version.version} 版（{version.business_date:%Y-%m-%d} 夜）所知"
    _write(table, out, lambda path: write_workbook(DATASETS[name], table, path, about=about))
    click.echo(f"已写出 {out}：{table.num_rows} 行，{about}")


def _write(table: pa.Table, out: Path, workbook: Callable[[Path], None]) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
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
        workbook(temporary)
    temporary.replace(out)
