"""Reading datasets on both axes of time: what was true on a day, as the hub knew it on a night.

The master of a published version is read from its table and history, exactly as published. Any other day is computed anew
from the same rows, links and thresholds the version rested on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from sqlalchemy import Connection, select

from hub.errors import ConfigurationError
from hub.feeds import Kind, Privacy, feed_catalogue, get_feed
from hub.master.basis import Basis
from hub.master.datasets import SUPPORT_FEEDS, Dataset
from hub.master.fields import MasterField, master_fields
from hub.master.inputs import Snapshot, define_records, load_rows, load_sources, sql_type
from hub.master.projection import new_duck, project_rows
from hub.master.rules import Group, rules
from hub.store.arrow import read_arrow
from hub.store.tables.master import master_version

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa


_BATCH = 50_000  # rows handed on at a time


@dataclass(frozen=True, slots=True)
class Version:
    """One published version and the basis it was computed with."""

    version: int
    business_date: date
    basis: Basis


def find_version(connection: Connection, known_at: date | int | None = None) -> Version:
    """The version that stood at that moment, at the end of that night, or of that number; default: the newest.

    Raises:
        ConfigurationError: nothing was published by then.
    """
    query = select(master_version.c.version, master_version.c.business_date, master_version.c.basis)
    if isinstance(known_at, datetime):
        query = query.where(master_version.c.published_at <= known_at)
    elif isinstance(known_at, date):
        query = query.where(master_version.c.business_date <= known_at)
    elif known_at is not None:
        query = query.where(master_version.c.version == known_at)
    row = connection.execute(query.order_by(master_version.c.version.desc()).limit(1)).first()
    if row is None:
        raise ConfigurationError(
            "还没有发布过总表。" if known_at is None else f"到 {known_at} 为止还没有发布过总表。",
            next_step="先运行 coop-hub sync；或换一个更晚的日期。",
        )
    return Version(int(row.version), row.business_date, Basis.model_validate(row.basis))


def master_at(version: int) -> str:
    """SQL: coop_id, fields, evidence of every cooperative as that version published it."""
    return f"""(select coop_id, fields, evidence from cooperative where version <= {version}
        union all select coop_id, fields, evidence from cooperative_history where from_version <= {version} and to_version > {version})"""


def read(
    connection: Connection, wanted: Sequence[Dataset], *, as_of: date | None, known_at: date | int | None
) -> dict[str, pa.Table]:
    """See hub.master.datasets.read_datasets."""
    return {n: rows.read_all() for n, rows in stream(connection, wanted, as_of=as_of, known_at=known_at)}


def stream(
    connection: Connection, wanted: Sequence[Dataset], *, as_of: date | None, known_at: date | int | None
) -> Iterator[tuple[str, pa.RecordBatchReader]]:
    """See hub.master.datasets.stream_datasets."""
    import pyarrow as pa

    version = find_version(connection, known_at)
    duck = new_duck()
    try:
        feeds = tuple(sorted({feed for dataset in wanted for feed in dataset.feeds}))
        define_master_rows(connection, duck, version, as_of, feeds=feeds)
        for dataset in wanted:
            columns = [f'"{f.name}"' for f in dataset.fields]
            order = ", ".join(f"{c} nulls first" for c in columns)
            batches = duck.sql(
                f"select {', '.join(columns)} from ({_query(dataset)}) order by {order}"
            ).to_arrow_reader(_BATCH)
            yield (
                dataset.name,
                pa.RecordBatchReader.from_batches(dataset.schema(), (b.cast(dataset.schema()) for b in batches)),
            )
    finally:
        duck.close()


def define_master_rows(
    connection: Connection,
    duck: duckdb.DuckDBPyConnection,
    version: Version,
    as_of: date | None,
    *,
    feeds: tuple[str, ...] = (),
    coop_ids: tuple[str, ...] | None = None,
) -> None:
    """Makes `master_rows` (coop_id, fields, evidence as JSON text) and the records `now_<feed>` of `feeds`."""
    past_day = as_of is not None and as_of < version.business_date
    day = as_of if past_day and as_of is not None else version.business_date
    snapshot = Snapshot(version.version, day if past_day else None, day, coop_ids)
    sources = load_sources(connection, duck, snapshot, version.basis.thresholds.current_for_days)
    if past_day:
        # cross-checks compare cooperatives, so a past day is computed for all of them
        whole = Snapshot(version.version, snapshot.as_of, day)
        load_rows(connection, duck, whole, sources)
        project_rows(duck, version.basis, day)
        duck.execute("create or replace table master_rows as select coop_id, fields, evidence from projected")
        return
    import pyarrow as pa

    shape = pa.schema([("coop_id", pa.string()), ("fields", pa.string()), ("evidence", pa.string())])
    narrowed, parameters = ("", ()) if coop_ids is None else ("where coop_id = any(%s::text[])", (list(coop_ids),))
    rows = read_arrow(
        connection,
        f"select coop_id, fields::text, evidence::text from {master_at(version.version)} m {narrowed}",
        shape,
        parameters,
    )
    duck.register("master_rows_read", rows)
    duck.execute("create or replace table master_rows as select * from master_rows_read")
    duck.unregister("master_rows_read")
    load_rows(connection, duck, snapshot, sources, feeds, with_past=False)
    define_records(duck, map(get_feed, feeds))


def _typed(field: MasterField) -> str:
    kind = sql_type(field.kind)
    value = f'f."{field.name}"'
    if field.rule == "answer":
        value = f"coalesce({value}, 'unknown')"
    return f'{value} as "{field.name}"' if kind == "varchar" else f'try_cast({value} as {kind}) as "{field.name}"'


def _head() -> str:
    return """(select coop_id, (fields->>'$.name') as name, (fields->>'$.uscc') as uscc, (fields->>'$.town') as town from master_rows)"""


def _query(dataset: Dataset) -> str:
    if dataset.name == "cooperatives":
        shape = ", ".join(f'"{f.name}": "VARCHAR"' for f in master_fields())
        columns = ", ".join(_typed(f) for f in master_fields())
        return (
            f"select coop_id, {columns} from (select coop_id, from_json(fields, '{{{shape}}}') as f from master_rows)"
        )
    if dataset.name == "support":
        return _support(dataset)
    if dataset.name == "clues":
        return _clues()
    if dataset.name == "differences":
        return _differences()
    if dataset.name == "union_memberships":
        return _memberships(dataset)
    own = ", ".join(f'r."{f.name}"' for f in dataset.fields[4:])
    return f"select m.*, {own} from now_{dataset.feeds[0]} r join {_head()} m using (coop_id) where {dataset.where}"


def every_source() -> tuple[str, ...]:
    """All `feed.field` a master value can come from."""
    return tuple(sorted({s for f in master_fields() for s in f.sources if "." in s}))


def source_title(source: str) -> str:
    """`feed.field` as a person calls it: 税务登记情况·纳税人名称."""
    feed, _, name = source.partition(".")
    declared = get_feed(feed)
    return f"{declared.title.zh}·{declared.by_name[name].title.zh}" if name else declared.title.zh


def _support(dataset: Dataset) -> str:
    parts = []
    for feed, columns in SUPPORT_FEEDS.items():
        own = ", ".join(
            f"""{columns.get(f.name, "null")}::{sql_type(f.kind)} as "{f.name}\"""" for f in dataset.fields[5:]
        )
        parts.append(f"select coop_id, '{feed_catalogue()[feed].title.zh}' as source, {own} from now_{feed}")
    return f"select m.*, r.* exclude (coop_id) from ({' union all '.join(parts)}) r join {_head()} m using (coop_id)"


def _memberships(dataset: Dataset) -> str:
    """The union is found by its code, else by its whole name, if one cooperative alone is called so."""
    own = ", ".join(f'r."{f.name}"' for f in dataset.fields[5:])
    return f"""with head as (select * from {_head()}),
        coded as (select uscc, min(coop_id) as coop_id from head where uscc is not null group by uscc having count(*) = 1),
        called as (select name, min(coop_id) as coop_id from head group by name having count(*) = 1)
        select m.*, coalesce(c.coop_id, n.coop_id) as union_coop_id, {own} from now_union_members r join head m using (coop_id)
        left join coded c on c.uscc = r.union_code left join called n on n.name = r.union_name"""


def _clues() -> str:
    parts = []
    for rule in rules():
        if rule.group not in (Group.CLUE, Group.CHECK):
            continue
        because = ", ".join(
            f"case when (evidence->>'$.{rule.name}.parts.{name}') = 'true' then '{part.zh}' end"
            for name, part in rule.parts.items()
        )
        shown = f"nullif(concat_ws('；', {because}), '')" if because else "null"
        parts.append(
            f"select coop_id, '{rule.name}' as rule, '{rule.title.zh}' as rule_title, '{rule.group.value}' as \"group\","
            f" 'yes' as answer, {shown} as because, '{rule.basis}' as basis from master_rows where (fields->>'$.{rule.name}') = 'yes'"
        )
    return f"select m.*, r.* exclude (coop_id) from ({' union all '.join(parts)}) r join {_head()} m using (coop_id)"


def _differences() -> str:
    parts = []
    for f in master_fields():
        if f.privacy is not Privacy.PUBLIC or f.rule in ("derived", "answer") or f.kind is Kind.SERIAL:
            continue
        parts.append(
            f"""select coop_id, '{f.name}' as field, '{f.title.zh}' as field_title, (fields->>'$.{f.name}') as value,
                (evidence->>'$.{f.name}.source') as source,
                unnest(from_json(evidence->'$.{f.name}.others', '[{{"value": "VARCHAR", "source": "VARCHAR"}}]')) as o
                from master_rows where (evidence->'$.{f.name}.others') is not null"""
        )
    titles = " union all ".join(f"select '{s}' as source, '{source_title(s)}' as title" for s in every_source())
    return f"""select m.*, field, field_title, value, a.title as source, o.value as other_value, b.title as other_source
        from ({" union all ".join(parts)}) r join {_head()} m using (coop_id)
        left join ({titles}) a on a.source = r.source left join ({titles}) b on b.source = o.source"""
