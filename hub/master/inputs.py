"""From PostgreSQL into DuckDB: the rows the projection works on, one table a feed, typed as the catalogue says.

Tables made: `source` (deliveries), `complete` (feeds whose silence means no), and `rows_<feed>` with row_id, delivery_id,
coop_id, as_of, order_no (which delivery speaks last), live, content_key and the feed's fields. Rows that no current list holds
any more come along with live = false, once per profile, because names and addresses of the past still identify.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from hub.feeds import Feed, Kind, feed_catalogue
from hub.master.live import Source, complete_feeds, known_deliveries, mark_live

if TYPE_CHECKING:
    import duckdb

# Records that carry their own dates: (begins, ends, what is void before its end). A later list tells of earlier days too.
EVENTS: dict[str, tuple[str, str | None, tuple[str, ...]]] = {
    "market_abnormal": ("listed_on", "removed_on", ("removal_reason", "removed_by")),
    "market_inspection": ("checked_on", None, ()),
    "traceability_batches": ("batch_on", None, ()),
    "complaints": ("registered_on", "closed_on", ("outcome",)),
    "support_measures": ("supported_on", None, ()),
    "union_members": ("joined_on", "left_on", ()),
}
# What makes a record the same record in two deliveries, where the feed's own key says more or less than that.
RECORD_KEYS: dict[str, tuple[str, ...]] = {
    "tax_registration": ("registration_serial", "tax_number"),
    "demonstration": ("level", "system", "awarded_in", "batch", "monitored_in"),
    "traceability_subjects": ("subject_code",),
}
_SQL_TYPES = {
    Kind.DATE: "date",
    Kind.YEAR: "bigint",
    Kind.INTEGER: "bigint",
    Kind.NUMBER: "double",
    Kind.MONEY: "double",
    Kind.BOOLEAN: "boolean",
}


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What is asked for: the version known (None: now), the day (None: all that is known), and the day rules count from."""

    version: int | None
    as_of: date | None
    day: date
    coop_ids: tuple[str, ...] | str | None = None  # None: all; a text: the temporary table that lists them


def sql_type(kind: Kind) -> str:
    """DuckDB's type of a field's normal form."""
    return _SQL_TYPES.get(kind, "varchar")


def record_key(feed: Feed) -> tuple[str, ...]:
    """Fields that make a record of one cooperative the same record in another delivery."""
    if feed.feed in RECORD_KEYS:
        return RECORD_KEYS[feed.feed]
    return tuple(n for n in feed.key if feed.by_name[n].role is None)


_FORM = "delim='\t', quote='\x02', escape='\x02', header=false, auto_detect=false, max_line_size=16777216"


def _copy_to_file(connection: Connection, query: str, parameters: Sequence[Any], path: Path) -> None:
    raw: Any = connection.connection.driver_connection
    statement = f"copy ({query}) to stdout with (format csv, delimiter E'\\t', quote E'\\x02')"
    with path.open("wb") as out, raw.cursor() as cursor, cursor.copy(statement, parameters) as copy:
        for block in copy:
            out.write(block)


def _links(version: int | None) -> str:
    """PostgreSQL relation of the links that hold: profile_key, coop_id."""
    if version is None:
        return "(select profile_key, coop_id from link where coop_id is not null and link <> 'review')"
    return (
        f"(select profile_key, coop_id from master_link where from_version <= {version}"
        f" and (to_version is null or to_version > {version}))"
    )


def _rows_query(feed: Feed | None, snapshot: Snapshot, ids: dict[str, list[int]]) -> tuple[str, list[Any]]:
    """PostgreSQL query for rows: feed, row_id, delivery_id, who, live, content_key, fields. `who` is the profile, or, when only
    some cooperatives are asked for (then of all feeds at once), the cooperative."""
    more: list[Any] = []
    who, link = "r.profile_key", ""
    if snapshot.coop_ids is not None:
        who = "l.coop_id"
        chosen = "l.coop_id = any(%s::text[])"
        if isinstance(snapshot.coop_ids, str):
            chosen = f"l.coop_id in (select coop_id from {snapshot.coop_ids})"
        else:
            more = [list(snapshot.coop_ids)]
        link = f"join {_links(snapshot.version)} l on l.profile_key = r.profile_key and {chosen}"
    of = "" if feed is None else f"and r.feed = '{feed.feed}'"
    base = f"""from source_row r join delivery d on d.delivery_id = r.delivery_id {link}
        where r.disposition = 'accepted' and r.profile_key is not null {of}
          and (r.superseded_by is null or not r.superseded_by = any(%s::bigint[]))"""
    columns = f"r.feed, r.row_id, r.delivery_id, {who} as who, {{live}} as live, r.content_key, r.fields::text"
    query = f"select {columns.format(live='true')} {base} and r.delivery_id = any(%s::bigint[])"
    parameters: list[Any] = [*more, ids["known"], ids["live"]]
    if ids["past"]:
        query += f""" union all (select distinct on (r.feed, r.profile_key) {columns.format(live="false")} {base}
            and r.delivery_id = any(%s::bigint[])
            and not exists (select 1 from source_row x where x.profile_key = r.profile_key and x.feed = r.feed
                            and x.disposition = 'accepted' and x.delivery_id = any(%s::bigint[]))
            order by r.feed, r.profile_key, d.as_of desc, d.accepted_at desc nulls last, r.delivery_id desc, r.content_key)"""
        parameters += [*more, ids["known"], ids["past"], ids["live"]]
    return query, parameters


def feed_columns(feed: Feed) -> str:
    """Select list that types a parsed JSON object `f` as the feed's fields."""
    parts = []
    for field in feed.fields:
        kind = sql_type(field.kind)
        value = f'f."{field.name}"'
        if field.kind is Kind.TOWN:
            value = f"coalesce({value}, s.town)"
        parts.append(
            f'{value} as "{field.name}"' if kind == "varchar" else f'try_cast({value} as {kind}) as "{field.name}"'
        )
    return ", ".join(parts)


def derived_columns(feed: str) -> str:
    """Columns a feed's rows get beside their fields."""
    if feed == "traceability_batches":
        # many platforms print no date, but number their batches by it
        return (
            ", coalesce(produced_on, issued_on, try_cast(try_strptime(left(batch, 8), '%Y%m%d') as date)) as batch_on"
        )
    return ""


def load_sources(
    connection: Connection, duck: duckdb.DuckDBPyConnection, snapshot: Snapshot, current_for_days: int
) -> list[Source]:
    """Makes `source` and `complete`; returns the deliveries with `live` decided."""
    sources = mark_live(connection, known_deliveries(connection, snapshot.version), snapshot.as_of)
    define_sources(duck, sources, complete_feeds(sources, snapshot.day, current_for_days))
    return sources


def define_sources(
    duck: duckdb.DuckDBPyConnection, sources: Iterable[Source], complete: Iterable[tuple[str, str | None]]
) -> None:
    """Makes `source` and `complete` from what is already known (benchmarks and tests bring their own)."""
    duck.execute(
        "create or replace table source (delivery_id bigint, feed varchar, department varchar, as_of date, town varchar,"
        " order_no bigint, live boolean)"
    )
    listed = list(sources)
    roots = {s.delivery_id: s for s in listed}
    ranked = sorted(listed, key=lambda s: (roots[s.root].rank, s.rank))
    order: dict[int, int] = {}
    for s in ranked:
        order.setdefault(s.root, len(order) + 1)
    rows = [(s.delivery_id, s.feed, s.department, s.as_of, s.town, order[s.root], s.live) for s in ranked]
    if rows:
        duck.executemany("insert into source values (?, ?, ?, ?, ?, ?, ?)", rows)
    duck.execute("create or replace table complete (feed varchar, town varchar)")
    pairs = sorted(complete, key=lambda p: (p[0], p[1] or ""))
    if pairs:
        duck.executemany("insert into complete values (?, ?)", pairs)


def load_rows(
    connection: Connection,
    duck: duckdb.DuckDBPyConnection,
    snapshot: Snapshot,
    sources: Iterable[Source],
    feeds: Iterable[str] | None = None,
    *,
    with_past: bool = True,
) -> None:
    """Makes `rows_<feed>` for each feed asked for (default: all of the catalogue)."""
    listed = list(sources)
    wanted = [f for f in feed_catalogue().values() if feeds is None or f.feed in feeds]
    if not wanted:
        return
    with tempfile.TemporaryDirectory(prefix="coop-hub-") as name:
        folder = Path(name)
        if snapshot.coop_ids is not None:
            path = folder / "rows.tsv"
            chosen = [s for s in listed if s.feed in {f.feed for f in wanted}]
            query, parameters = _rows_query(None, snapshot, _deliveries(chosen, snapshot, listed, with_past=with_past))
            _copy_to_file(connection, query, parameters, path)
            duck.execute(f"create or replace temp table said as select * from {_told(path)}")
            present = {f for (f,) in duck.execute("select distinct feed from said").fetchall()}
            for feed in wanted:
                _define_rows(duck, feed, "said" if feed.feed in present else _NOTHING, snapshot, linked=True)
            duck.execute("drop table said")
            return
        _define_links(connection, duck, snapshot, folder)
        # one thread reads from PostgreSQL while DuckDB works on what the one before brought
        with ThreadPoolExecutor(1) as behind:
            waiting: list[Future[None]] = []
            for feed in wanted:
                mine = [s for s in listed if s.feed == feed.feed]
                path = folder / f"{feed.feed}.tsv"
                if mine:
                    query, parameters = _rows_query(
                        feed, snapshot, _deliveries(mine, snapshot, listed, with_past=with_past)
                    )
                    _copy_to_file(connection, query, parameters, path)
                waiting.append(behind.submit(_define_rows_from, duck.cursor(), feed, path, snapshot))
            for one in waiting:
                one.result()
        duck.execute("drop table held_link")


def _deliveries(
    mine: list[Source], snapshot: Snapshot, listed: list[Source], *, with_past: bool
) -> dict[str, list[int]]:
    """Ids by what their rows are: known at all, live, or past."""
    live = [s for s in mine if s.live or _tells_of_then(s, snapshot)]
    past = [s for s in mine if not s.live and not (snapshot.as_of and s.as_of > snapshot.as_of)] if with_past else []
    return {
        "known": [s.delivery_id for s in listed],
        "live": [s.delivery_id for s in live],
        "past": sorted({s.delivery_id for s in past} - {s.delivery_id for s in live}),
    }


def _define_links(connection: Connection, duck: duckdb.DuckDBPyConnection, snapshot: Snapshot, folder: Path) -> None:
    """Makes `held_link`: which cooperative a profile is."""
    path = folder / "links.tsv"
    _copy_to_file(connection, f"select profile_key, coop_id from {_links(snapshot.version)} l", (), path)
    duck.execute(
        f"create or replace table held_link as select * from read_csv('{path}', {_FORM},"
        " columns={profile_key: 'VARCHAR', coop_id: 'VARCHAR'})"
        if path.stat().st_size
        else "create or replace table held_link (profile_key varchar, coop_id varchar)"
    )
    path.unlink()


def _tells_of_then(source: Source, snapshot: Snapshot) -> bool:
    return source.feed in EVENTS and snapshot.as_of is not None and source.as_of > snapshot.as_of


_ROW = {"feed": "VARCHAR", "row_id": "BIGINT", "delivery_id": "BIGINT", "who": "VARCHAR", "live": "BOOLEAN",
        "content_key": "VARCHAR", "fields": "VARCHAR"}  # fmt: skip
_NOTHING = f"(select {', '.join(f'null::{kind} as {name}' for name, kind in _ROW.items())} where false)"


def _told(path: Path) -> str:
    """SQL of the rows a file holds."""
    return f"read_csv('{path}', {_FORM}, columns={_ROW})" if path.exists() and path.stat().st_size else _NOTHING


def _define_rows_from(duck: duckdb.DuckDBPyConnection, feed: Feed, path: Path, snapshot: Snapshot) -> None:
    """Makes `rows_<feed>` of a file, which is needed no more."""
    _define_rows(duck, feed, _told(path), snapshot)
    path.unlink(missing_ok=True)


def _define_rows(
    duck: duckdb.DuckDBPyConnection,
    feed: Feed,
    told: str,
    snapshot: Snapshot,
    *,
    linked: bool = False,
) -> None:
    shape = ", ".join(f'"{f.name}": "VARCHAR"' for f in feed.fields)
    who = ("r.who", "") if linked else ("l.coop_id", "join held_link l on l.profile_key = r.who")
    duck.execute(
        f"""create or replace table rows_{feed.feed} as
            select * {derived_columns(feed.feed)} from (
              select r.row_id, r.delivery_id, {who[0]} as coop_id, s.as_of, s.order_no, r.live, r.content_key, {feed_columns(feed)}
              from (select *, from_json(fields, '{{{shape}}}') as f from {told} where feed = '{feed.feed}') r
              join source s using (delivery_id) {who[1]})"""
    )
    if snapshot.as_of is not None and feed.feed in EVENTS:
        begins, ends, void = EVENTS[feed.feed]
        day = f"date '{snapshot.as_of.isoformat()}'"
        duck.execute(f"delete from rows_{feed.feed} where {begins} > {day} or ({begins} is null and as_of > {day})")
        if ends:
            sets = ", ".join(f"{c} = null" for c in (ends, *void))
            duck.execute(f"update rows_{feed.feed} set {sets} where {ends} > {day}")


def define_records(duck: duckdb.DuckDBPyConnection, feeds: Iterable[Feed]) -> None:
    """Makes the view `now_<feed>` of each feed: live rows, each record once, as its newest delivery tells it."""
    listed = list(feeds)
    if not listed:
        return
    counts = ", ".join(f"(select count(distinct order_no) from rows_{f.feed} where live)" for f in listed)
    deliveries = duck.execute(f"select {counts}").fetchall()[0]
    for feed, several in zip(listed, deliveries, strict=True):
        key = "".join(f', "{n}"' for n in record_key(feed))
        once = (
            f" qualify dense_rank() over (partition by coop_id{key} order by order_no desc) = 1" if several > 1 else ""
        )
        duck.execute(f"create or replace view now_{feed.feed} as select * from rows_{feed.feed} where live{once}")
