"""What a projection found, written into the master table and its history, set-based, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, text

from hub.feeds import Privacy
from hub.master.fields import master_fields
from hub.master.initials import initials_of
from hub.store.arrow import copy_batches, copy_in, read_arrow, read_in_pieces

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

COLUMNS = ("name", "uscc", "representative", "town", "address", "phone", "registry_status", "tax_status")
_ALL = ("coop_id", "initials", *COLUMNS, "founded_on", "fields", "evidence", "records", "digest")
BATCH = 20_000
EXAMPLES = 12


@dataclass(frozen=True, slots=True)
class Change:
    """One value of one cooperative that differs from the version before. Personal fields are never among them."""

    coop_id: str
    name: str
    field: str
    before: Any
    after: Any


def read_kept(connection: Connection, coops: str | None = None) -> pa.Table:
    """What the master table holds, of all or of those a temporary table lists: coop_id and digest. Of listed ones also `fields`,
    because a night tells what changed in them."""
    import pyarrow as pa

    columns = ["coop_id", "digest", *(["fields"] if coops else [])]
    select = ", ".join(f"{c}::text" if c == "fields" else c for c in columns)
    query = f"select {select} from cooperative" + (f" join {coops} using (coop_id)" if coops else "")
    read = read_arrow if coops else read_in_pieces  # fields are wide, and come of few
    return read(connection, query, pa.schema([(c, pa.string()) for c in columns]))


def read_replaced(connection: Connection, version: int) -> pa.Table:
    """The same of what a version replaced, read back from history: a whole projection holds no fields of all beforehand."""
    import pyarrow as pa

    return read_arrow(
        connection,
        "select coop_id, digest, fields::text from cooperative_history where to_version = %s",
        pa.schema([(c, pa.string()) for c in ("coop_id", "digest", "fields")]),
        (version,),
    )


def define_kept(duck: duckdb.DuckDBPyConnection, *tables: pa.Table) -> None:
    """Makes `kept` of what was read."""
    import pyarrow as pa

    duck.register("kept_read", pa.concat_tables(tables))
    duck.execute("create or replace table kept as select * from kept_read")
    duck.unregister("kept_read")


def write_cooperatives(connection: Connection, duck: duckdb.DuckDBPyConnection, version: int) -> tuple[int, int, int]:
    """Moves what no longer holds to history, writes what holds now. Needs `projected` and `kept`; returns how many cooperatives are
    new, changed and gone."""
    import pyarrow as pa

    departed = duck.sql("select coop_id from kept anti join projected using (coop_id)").to_arrow_table()
    changed = duck.sql(
        "select p.coop_id from projected p join kept k using (coop_id) where p.digest <> k.digest"
    ).to_arrow_table()
    connection.execute(text("create temp table leaving (coop_id text) on commit drop"))
    copy_in(connection, "leaving", pa.concat_tables([departed, changed]))
    connection.execute(text("analyze leaving"))
    connection.execute(
        text(
            """with gone as (delete from cooperative c using leaving l where c.coop_id = l.coop_id
                 returning c.coop_id, version, fields, evidence, records, digest)
               insert into cooperative_history (coop_id, from_version, to_version, fields, evidence, records, digest)
               select coop_id, version, :v, fields, evidence, records, digest from gone where version < :v"""
        ),
        {"v": version},
    )
    own = ", ".join(f"p.{c}" for c in COLUMNS)
    reader = duck.sql(
        f"""select p.coop_id, {own},
                   try_cast(p.founded_on as date) as founded_on, p.fields, p.evidence, p.records, p.digest, {version}::bigint as version
            from projected p left join kept k using (coop_id) where k.digest is distinct from p.digest"""
    ).to_arrow_reader(BATCH)
    first = _empty(connection, "cooperative")
    with _filled_at_once(connection, "cooperative", when=first):
        written = copy_batches(connection, "cooperative", _with_initials(reader), frozen=first)
    return written - changed.num_rows, changed.num_rows, departed.num_rows


def write_watch(connection: Connection, duck: duckdb.DuckDBPyConnection, *, touched: bool) -> None:
    """What the next night must know of the cooperatives projected now. The touched have left the watch already, when their
    neighbours were looked for (hub.master.increment)."""
    reader = duck.sql("select coop_id, representative, phone, place, due_on, contested from projected").to_arrow_reader(
        BATCH
    )
    with _filled_at_once(connection, "cooperative_watch", when=not touched):
        copy_batches(connection, "cooperative_watch", reader, frozen=not touched)


@contextmanager
def _filled_at_once(connection: Connection, table: str, *, when: bool) -> Iterator[None]:
    """Empties a table that is to be filled from nothing and drops its indexes and its primary key, and makes them again: sorting
    once is far cheaper than finding a million random places, and rows of a table emptied in their own transaction need no
    write-ahead log (hub.store.embedded)."""
    if not when:
        yield
        return
    found = connection.execute(
        text(
            """select indexname, indexdef, conname, pg_get_constraintdef(c.oid) as promised
               from pg_indexes left join pg_constraint c on c.conname = indexname and c.conrelid = to_regclass(:t)
               where tablename = :t and schemaname = current_schema()"""
        ),
        {"t": table},
    ).all()
    connection.execute(text(f"truncate {table}"))
    for row in found:
        connection.execute(
            text(
                f'alter table {table} drop constraint "{row.conname}"'
                if row.conname
                else f'drop index "{row.indexname}"'
            )
        )
    yield
    for row in found:
        again = f'alter table {table} add constraint "{row.conname}" {row.promised}'
        connection.execute(text(again if row.conname else row.indexdef))


def _empty(connection: Connection, table: str) -> bool:
    return not connection.execute(text(f"select exists (select from {table})")).scalar_one()


def _with_initials(reader: pa.RecordBatchReader) -> pa.RecordBatchReader:
    import pyarrow as pa

    shape = reader.schema.append(pa.field("initials", pa.string()))
    return pa.RecordBatchReader.from_batches(
        shape, (b.append_column("initials", initials_of(b["name"])) for b in reader)
    )


def remember_deliveries(connection: Connection, version: int, deliveries: list[int]) -> None:
    """Keeps which deliveries this version rests on, so that it can be computed again."""
    p = {"v": version, "ids": deliveries}
    for statement in (
        "delete from master_delivery where to_version is null and from_version = :v and not delivery_id = any(:ids)",
        "update master_delivery set to_version = :v where to_version is null and not delivery_id = any(:ids)",
        """insert into master_delivery (delivery_id, from_version) select d, :v from unnest(cast(:ids as bigint[])) d
           where not exists (select 1 from master_delivery m where m.delivery_id = d and m.to_version is null)""",
    ):
        connection.execute(text(statement), p)


_DIFFERING = """
    select profile_key, l.coop_id, m.coop_id as was
    from (select profile_key, coop_id from link where coop_id is not null and link <> 'review' {noted}) l
    full join (select profile_key, coop_id from master_link where to_version is null {noted}) m using (profile_key)
    where l.coop_id is distinct from m.coop_id"""


def find_relinked(connection: Connection, *, every: bool) -> None:
    """Makes the temporary table `relinked`: profiles whose link differs from the one the last version rested on. Only links noted
    as moved are compared, unless `every`. Notes go before links are read: one made meanwhile stays for the next night."""
    noted = "and profile_key in (select profile_key from noted)"
    for statement in (
        "drop table if exists relinked",
        "create temp table if not exists noted (profile_key text) on commit drop",
        "with taken as (delete from moved_link returning profile_key) insert into noted select distinct profile_key from taken",
        "analyze noted",
        f"create temp table relinked on commit drop as {_DIFFERING.format(noted='' if every else noted)}",
    ):
        connection.execute(text(statement))


def remember_links(connection: Connection, version: int) -> None:
    """Keeps which links this version rests on. Needs the temporary table `relinked` (find_relinked)."""
    p = {"v": version}
    with _filled_at_once(connection, "master_link", when=_empty(connection, "master_link")):
        for statement in (
            "delete from master_link m using relinked r where m.profile_key = r.profile_key and to_version is null and from_version = :v",
            "update master_link m set to_version = :v from relinked r where m.profile_key = r.profile_key and to_version is null",
            """insert into master_link (profile_key, from_version, coop_id)
               select profile_key, :v, coop_id from relinked where coop_id is not null""",
        ):
            connection.execute(text(statement), p)


def what_changed(duck: duckdb.DuckDBPyConnection) -> tuple[dict[str, int], tuple[Change, ...]]:
    """How often each field changed, and some examples, among cooperatives that were there before and are now; personal fields are
    left out. Needs `projected`, and `kept` with `fields`."""
    public = [f.name for f in master_fields() if f.privacy is Privacy.PUBLIC]
    shape = ", ".join(f'"{n}": "VARCHAR"' for n in public)
    each = ", ".join(f'case when a."{n}" is distinct from b."{n}" then {i}::utinyint end' for i, n in enumerate(public))
    # parsed once and not kept: a table of a hundred columns twice is dear to write
    duck.execute(
        f"""create or replace temp table differing as
            select coop_id, list_filter([{each}], lambda x: x is not null) as places from (
              select coop_id, from_json(k.fields, '{{{shape}}}') as b, from_json(p.fields, '{{{shape}}}') as a
              from projected p join kept k using (coop_id) where p.digest <> k.digest)"""
    )
    places = duck.execute("select place, count(*) from (select unnest(places) as place from differing) group by 1")
    counted = [(public[place], int(n)) for place, n in places.fetchall()]
    counts = dict(sorted(counted, key=lambda p: (-p[1], p[0])))
    rows = duck.execute(
        f"""select coop_id, name, field, from_json(k.fields, '"JSON"')->('$.' || field), from_json(p.fields, '"JSON"')->('$.' || field)
            from (select coop_id, unnest(list_transform(places, lambda x: list_extract({public!r}, x + 1))) as field from (
                    select * from differing where len(places) > 0 order by coop_id limit {EXAMPLES})
                  order by coop_id, field limit {EXAMPLES}) d
            join projected p using (coop_id) join kept k using (coop_id) order by coop_id, field"""
    ).fetchall()
    return counts, tuple(Change(c, n, f, _plain(b), _plain(a)) for c, n, f, b, a in rows)


def _plain(value: str | None) -> Any:
    import json

    return None if value is None else json.loads(value)
