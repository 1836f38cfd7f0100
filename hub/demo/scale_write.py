"""Writes a large county's feeds in DuckDB, a feed at a time, so that memory stays bounded; the truth and the flat rows beside
them. What each feed holds is declared in `scale_feeds`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hub.demo.scale_feeds import DRAWS, FEEDS, ScaleFeed, clerk_sql
from hub.deployment import County

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa
    from numpy.typing import NDArray


def feed_rows(table: pa.Table, feed: ScaleFeed, seed: int) -> pa.Table:
    """Which entity each row is about (`number`), whose code it carries (`code_of`: the row above's, now and then), which
    of the entity's rows it is (`nth`), and its draws. One row in five hundred stands twice."""
    import pyarrow as pa

    from hub.demo.scale import Draws

    draws = Draws(seed, f"scale/{feed.feed}")
    count = table.num_rows
    condition = table["condition"].to_numpy()
    rate = np.asarray(feed.rates)[condition]
    kind = table["kind"].to_numpy(zero_copy_only=False)
    if feed.sector:
        rate = np.where(table["sector"].to_numpy(zero_copy_only=False) == feed.sector, rate, 0)
    rate = np.where(kind == "coop", rate, feed.strangers)
    times = np.floor(rate).astype(np.int64)
    times += draws.share(count) < rate - times
    number = np.repeat(np.arange(count), times)
    first_row = np.repeat(np.cumsum(times) - times, times)
    nth = np.arange(len(number)) - first_row
    columns: list[NDArray[np.int32]] = []
    while len(columns) < DRAWS:
        columns += draws.quarters(len(number))
    slips = draws.share(len(number)) < 0.003
    code_of = np.where(slips, np.roll(number, 1), number) if len(number) else number
    again = np.sort(np.concatenate([np.arange(len(number)), np.flatnonzero(draws.share(len(number)) < 0.002)]))
    return pa.table(
        {
            "row": np.arange(len(again)) + 2,
            "number": number[again],
            "code_of": code_of[again],
            "nth": nth[again].astype(np.int32),
            **{f"d{i}": column[again] for i, column in enumerate(columns[:DRAWS])},
        }
    )


_BASE = """
create table entities as select number, kind, uscc, region, brand, slip, trade, product, sector, suffix, town, village, representative,
  former_representative, phone, founded, ended, condition, modern, region || brand || trade || suffix as official,
  '{county}' || town || village || '村' || house || '号' as address, '{code}NA' || lpad(number::varchar, 7, '0') as regno,
  case when kind = 'coop' then uscc else 'OTHER:' || uscc end as entity
from cooperatives"""


def write_feeds(
    out: Path,
    table: pa.Table,
    *,
    county: County,
    seed: int,
    form: str,
    progress: Callable[[str, int, int], None] | None,
) -> dict[str, int]:
    """Writes every feed, the truth, the entities and the flat rows. Returns the rows of each feed."""
    import duckdb
    import pyarrow.parquet as pq

    words = {"county": county.name, "bare": county.name[:-1], "code": county.code}
    connection = duckdb.connect(config={"memory_limit": "2500MB", "temp_directory": str(out / ".spill")})
    counts: dict[str, int] = {}
    flat: pq.ParquetWriter | None = None
    try:
        connection.register("cooperatives", table)
        connection.execute(_filled(_BASE, words))
        connection.unregister("cooperatives")
        for done, feed in enumerate(FEEDS, 1):
            rows = feed_rows(table, feed, seed)
            counts[feed.feed] = rows.num_rows
            connection.register("feed_rows", rows)
            connection.execute(_filled(_WRITTEN.format(clerk=clerk_sql(feed.habits)), words))
            _copy_feed(connection, out, feed, form, words)
            reader = connection.sql(_FLAT.format(feed=feed.feed, form=form)).to_arrow_reader(200_000)
            flat = flat or pq.ParquetWriter(out / "rows.parquet", reader.schema, compression="zstd")
            for batch in reader:
                flat.write_batch(batch)
            connection.unregister("feed_rows")
            if progress:
                progress(feed.feed, done, len(FEEDS))
        if flat:
            flat.close()
        _copy_truth(connection, out, form)
    finally:
        if flat:
            flat.close()
        connection.close()
    return counts


_WRITTEN = """
create or replace temp table written as
select r.*, e.* exclude (number), pasted, {clerk}
from feed_rows r join entities e using (number) join (select number as code_of, uscc as pasted from entities) using (code_of)"""

_FLAT = """
select '{feed}' as feed, '{feed}.{form}' as file, row::integer as row, w_name as name, w_code as code,
  w_person as representative, w_phone as phone, town, address, founded as founded_on, entity
from written order by row"""


def _filled(sql: str, words: dict[str, str]) -> str:
    for key, value in words.items():
        sql = sql.replace("{" + key + "}", value)
    return sql


def _target(path: Path, form: str) -> str:
    options = "format parquet, compression zstd" if form == "parquet" else "format csv, header true"
    return f"to '{str(path).replace(chr(39), chr(39) * 2)}' ({options})"


def _copy_feed(
    connection: duckdb.DuckDBPyConnection, out: Path, feed: ScaleFeed, form: str, words: dict[str, str]
) -> None:
    folder = out / "inbox" / feed.feed
    folder.mkdir(parents=True, exist_ok=True)
    columns = ", ".join(f'{sql} as "{header}"' for header, sql in feed.columns)
    target = _target(folder / f"{feed.feed}.{form}", form)
    connection.execute(_filled(f"copy (select {columns} from written order by row) ", words) + target)


def _copy_truth(connection: duckdb.DuckDBPyConnection, out: Path, form: str) -> None:
    rows = connection.read_parquet(str(out / "rows.parquet"))
    connection.execute(
        "copy (select feed as source, file, '' as sheet, row, entity, "
        "case when entity like 'OTHER:%' then 'not_coop' else 'coop' end as kind from rows) "
        + _target(out / f"truth.{form}", form)
    )
    rows.close()
    connection.execute(
        "copy (select entity, official as name, uscc, representative as legal_rep, town, founded as founded_on, "
        "ended is not null as deregistered from entities where kind = 'coop' order by number) "
        + _target(out / f"entities.{form}", form)
    )
