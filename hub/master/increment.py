"""Which cooperatives a night must compute again. Everything else about them stands: the projection of a cooperative hangs on its
own rows and links, on the basis, on the day, and on those that share its representative, phone or place, and on nothing more.

Touched is a cooperative
- whose rows say something else than before, or are live now and were not, or the other way round;
- whose profiles are linked differently;
- on whose day (`due_on`) a date comes or a term runs out;
- for whom it matters which feed spoke last (`contested`), if a feed that speaks of it was sent again;
- that shares a value with one that changed, where this moves an answer (done once the new values are known).
If the basis, the rules, or which lists are complete differ, all are touched.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, func, select, text

from hub.feeds import feed_catalogue
from hub.master.basis import Basis
from hub.master.live import Source
from hub.master.writing import find_relinked
from hub.store.tables.master import master_version, projection_state

if TYPE_CHECKING:
    import duckdb

WHOLE_FROM = 0.3  # share of cooperatives touched from which projecting all of them is no slower
# thresholds by which cooperatives that share a value are told apart: column of cooperative_watch -> name in Thresholds
_SHARED = {"representative": "several_representative", "phone": "several_phone", "place": "several_address"}


@dataclass(frozen=True, slots=True)
class State:
    """What the last projection was made from. `deliveries`: id -> (root, live)."""

    version: int
    business_date: date
    premise: str
    digest: str
    figures: dict[str, Any]
    deliveries: dict[int, tuple[int, bool]]


@cache
def _code() -> str:
    """Digest of the rules, the fields, the catalogue and the code that computes with them: another release computes anew."""
    import duckdb

    digest = hashlib.sha256(duckdb.__version__.encode())
    rooms = (files("hub.master"), files("hub.master.rules"), files("hub.identifiers"))
    for file in sorted((f for room in rooms for f in room.iterdir() if f.is_file()), key=str):
        if file.name.endswith((".py", ".yaml")):
            digest.update(file.name.encode() + b"\0" + file.read_bytes())
    for feed in feed_catalogue().values():
        digest.update(feed.model_dump_json().encode())
    return digest.hexdigest()


def premise_of(basis: Basis, complete: Iterable[tuple[str, str | None]], sources: Iterable[Source], day: date) -> str:
    """Digest of what all cooperatives hang on together."""
    since = basis.thresholds.batches_complete_since
    ripe = None
    if since is not None:  # as DuckDB subtracts months: the last day of a shorter month stands for those it lacks
        months = day.year * 12 + day.month - 1 - basis.thresholds.no_batch_months
        ripe = (months, day.day) >= (since.year * 12 + since.month - 1, since.day)
    told = {
        "code": _code(),
        "basis": basis.model_dump(mode="json"),
        "complete": sorted((feed, town or "") for feed, town in complete),
        "complaints": any(s.feed == "complaints" and s.live for s in sources),
        "batches_complete": ripe,
    }
    return hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()


def read_state(connection: Connection) -> State | None:
    """What the last projection left, if it left anything and its version is still the newest."""
    newest = select(func.max(master_version.c.version)).scalar_subquery()
    row = connection.execute(select(projection_state).where(projection_state.c.version == newest)).first()
    if row is None:
        return None
    deliveries = {int(i): (int(root), bool(live)) for i, (root, live) in row.deliveries.items()}
    return State(row.version, row.business_date, row.premise, row.digest, row.figures, deliveries)


def write_state(connection: Connection, state: State) -> None:
    """Keeps what this projection was made from."""
    connection.execute(projection_state.delete())
    connection.execute(
        projection_state.insert().values(
            version=state.version,
            business_date=state.business_date,
            premise=state.premise,
            digest=state.digest,
            figures=state.figures,
            deliveries={str(i): list(told) for i, told in state.deliveries.items()},
        )
    )


def deliveries_of(sources: Iterable[Source]) -> dict[int, tuple[int, bool]]:
    """The part of a state that tells deliveries apart."""
    return {s.delivery_id: (s.root, s.live) for s in sources}


def mark_touched(connection: Connection, state: State, sources: list[Source], day: date) -> int:
    """Makes the temporary table `touched` (coop_id, each once), but for neighbours; returns how many they are."""
    now, before = deliveries_of(sources), state.deliveries
    moved = {i for i in now.keys() | before.keys() if now.get(i) != before.get(i)}
    # sent again: live lists against live lists; everything else counts row by row
    came = {i for i in moved if now.get(i, (0, False))[1] and not before.get(i, (0, False))[1] and i not in before}
    went = {
        i for i in moved if before.get(i, (0, False))[1] and i in now and not now[i][1] and now[i][0] == before[i][0]
    }
    other = moved - came - went
    known = set(now.keys() ^ before.keys())
    staying = [i for i, (_, live) in now.items() if live and i not in moved]
    p = {
        "came": sorted(came), "went": sorted(went), "other": sorted(other), "known": sorted(known), "staying": staying, "day": day,
        "corrected": _corrected(connection, known),
    }  # fmt: skip
    touching = [
        "select coop_id from relinked union all select was from relinked",
        "select coop_id from cooperative_watch where due_on <= :day",
    ]
    find_relinked(connection, every=False)
    if moved:
        connection.execute(
            text(
                """create temp table moved_row on commit drop as
                select feed, profile_key, content_key, delivery_id = any(:went) as went, l.coop_id
                from source_row left join link l using (profile_key)
                where disposition = 'accepted' and profile_key is not null and delivery_id = any(cast(:came as bigint[]) || cast(:went as bigint[]))"""
            ),
            p,
        )
        connection.execute(
            text(
                """create temp table told_profile on commit drop as
                select profile_key from source_row where delivery_id = any(:other) and profile_key is not null
                union select profile_key from source_row where delivery_id = any(:corrected) and superseded_by = any(:known)
                  and profile_key is not null"""
            ),
            p,
        )
        for table in ("moved_row", "told_profile"):
            connection.execute(text(f"analyze {table}"))
        touching += [
            """select coop_id from moved_row group by feed, profile_key, content_key, coop_id
               having count(*) filter (where went) <> count(*) filter (where not went)""",
            # what a profile was linked to before is touched by `relinked`, if that differs
            "select l.coop_id from told_profile join link l using (profile_key)",
        ]
    # without an index: keeping one up row by row costs more than all that looks anything up in it
    connection.execute(text(f"create temp table touched on commit drop as {_once(touching)}"), p)
    if moved:
        connection.execute(text("analyze touched"))
        _touch_repeated(connection, sources, moved, p)
    connection.execute(text("analyze touched"))
    return int(connection.execute(text("select count(*) from touched")).scalar_one())


def _once(queries: list[str]) -> str:
    """All that any of these queries for coop_id finds, each once."""
    return f"select distinct coop_id from ({' union all '.join(f'({q})' for q in queries)}) t where coop_id is not null"


def _corrected(connection: Connection, known: set[int]) -> list[int]:
    """Deliveries some of whose rows these replace."""
    query = text("select distinct supersedes from delivery where delivery_id = any(:ids) and supersedes is not null")
    return sorted(connection.execute(query, {"ids": sorted(known)}).scalars())


def _touch_repeated(connection: Connection, sources: list[Source], moved: set[int], p: dict[str, Any]) -> None:
    """Of those a list sent again speaks of, and nothing else touches: for whom it matters which feed spoke last, and of whom
    another live list of the feed speaks, which may now be older, or newer."""
    connection.execute(
        text(
            """create temp table told_again on commit drop as
            select distinct feed, coop_id from moved_row m
            where coop_id is not null and not exists (select from touched t where t.coop_id = m.coop_id)"""
        )
    )
    connection.execute(text("analyze told_again"))
    touching = ["select coop_id from told_again join cooperative_watch w using (coop_id) where w.contested"]
    feeds = {s.feed for s in sources if s.delivery_id in moved}
    beside = [s.delivery_id for s in sources if s.feed in feeds and s.live and s.delivery_id not in moved]
    if beside:
        touching.append(
            """select a.coop_id from told_again a join link o using (coop_id)
               join source_row r on r.profile_key = o.profile_key and r.feed = a.feed where r.delivery_id = any(:beside)"""
        )
    connection.execute(text(f"insert into touched {_once(touching)}"), {**p, "beside": beside})


_UNFOLDED = "cross join lateral (values ('representative', representative), ('phone', phone), ('place', place)) s(shared, value)"
_VALUES = "(coop_id text, representative text, phone text, place text) on commit drop"
# What they shared until now. They leave the watch here, one by one: what passes over it below finds the others alone.
_LEAVE = """with left_ as (delete from cooperative_watch w using {coops} t where t.coop_id = w.coop_id
      returning w.coop_id, representative, phone, place)
    insert into was_shared select * from left_"""
# Of each value that the touched had or have now: how many of them had it, and have it.
_MOVED_VALUE = f"""create temp table moved_value on commit drop as
    select shared, value, sum(was) as was, sum(now) as now from (
      select representative, phone, place, 1 as was, 0 as now from was_shared
      union all select representative, phone, place, 0, 1 from now_shared) t
    {_UNFOLDED} where value is not null group by 1, 2"""
# The others that have one of these values. The table is read once, whichever value it is.
_HOLDER = """create temp table {holder} on commit drop as select coop_id, representative, phone, place from cooperative_watch
    where representative in (select value from {values} where shared = 'representative')
       or phone in (select value from {values} where shared = 'phone')
       or place in (select value from {values} where shared = 'place')"""
_NEAR = f"""create temp table near on commit drop as select shared, value, was, now, count(*) as others
    from holder {_UNFOLDED} join moved_value using (shared, value) group by 1, 2, 3, 4"""
_BROUGHT_VALUE = f"""create temp table brought_value on commit drop as select shared, value, count(*) as n
    from holder join brought using (coop_id) {_UNFOLDED} where value is not null group by 1, 2"""
# How many that are not computed have a value of those that are. `aside` are holders of what only those brought in have.
_COUNTED = """select shared, value, others - coalesce(n, 0) as n from near left join brought_value using (shared, value)
    where others > coalesce(n, 0)"""
_COUNTED_ASIDE = f"""
    union all select shared, value, count(*) from aside {_UNFOLDED} join other_value using (shared, value) group by 1, 2"""


def leave_watch(connection: Connection) -> None:
    """Takes the touched out of `cooperative_watch`, into `was_shared`. What they are to be watched for now, hub.master.writing
    puts in."""
    connection.execute(text("drop table if exists was_shared"))
    connection.execute(text(f"create temp table was_shared {_VALUES}"))
    connection.execute(text(_LEAVE.format(coops="touched")))


def bring_neighbours(connection: Connection, duck: duckdb.DuckDBPyConnection, basis: Basis) -> int:
    """Once `identity` of the touched is known: touches those whose answer about a shared value moves with them, and brings into
    DuckDB, as `neighbour`, how many others share a value with the touched. Returns how many were added to the touched and left
    the watch as these have (leave_watch)."""
    import pyarrow as pa

    from hub.master.facts import NEIGHBOUR, PLACE, SPECIFIC_PLACE
    from hub.store.arrow import copy_in, read_arrow

    def run(*statements: str) -> None:
        for statement in statements:
            connection.execute(text(statement))

    made = (
        "now_shared",
        "moved_value",
        "holder",
        "near",
        "brought",
        "brought_value",
        "other_value",
        "aside",
    )
    run(
        f"drop table if exists {', '.join(made)}",
        f"create temp table now_shared {_VALUES}",
    )
    new = duck.sql(
        f"select coop_id, representative, phone, case when {SPECIFIC_PLACE} then {PLACE} end as place from identity"
    ).to_arrow_table()
    copy_in(connection, "now_shared", new)
    run(
        _MOVED_VALUE,
        "analyze moved_value",
        _HOLDER.format(holder="holder", values="moved_value"),
        "analyze holder",
        _NEAR,
        "analyze near",
    )
    least = " ".join(f"when '{c}' then {getattr(basis.thresholds, t)}" for c, t in _SHARED.items())
    run(
        f"""create temp table brought on commit drop as
            with flipped as (select shared, value from (select *, case shared {least} end as least from near where was <> now) v
                             where (others + was >= least) <> (others + now >= least))
            select distinct coop_id from holder {_UNFOLDED} join flipped using (shared, value)""",
        "analyze brought",
        _BROUGHT_VALUE,
        "analyze brought_value",
    )
    brought = int(connection.execute(text("select count(*) from brought")).scalar_one())
    counted = _COUNTED
    if brought:
        run(
            "insert into touched select coop_id from brought",
            _LEAVE.format(coops="brought"),
            """create temp table other_value on commit drop as select shared, value from brought_value
               where not exists (select from moved_value m where (m.shared, m.value) = (brought_value.shared, brought_value.value))""",
            "analyze other_value",
            _HOLDER.format(holder="aside", values="other_value"),
        )
        counted += _COUNTED_ASIDE
    schema = pa.schema([("shared", pa.string()), ("value", pa.string()), ("n", pa.int64())])
    counts = read_arrow(connection, counted, schema)
    duck.execute(NEIGHBOUR)
    duck.register("near", counts)
    duck.execute("insert into neighbour select * from near")
    duck.unregister("near")
    return brought
