"""What a matching reads from the database: deliveries, live profiles, what changed about them, and standing decisions.

A profile is live while an accepted, not superseded row says it. `n_rows` counts different statements (feed and content): a
list sent again with the same rows says nothing new. `rows` counts rows.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, text

from hub.deployment import Deployment
from hub.matching.matcher import Pairs, profile_numbers
from hub.matching.model import Model
from hub.store.arrow import copy_in, read_arrow, read_in_pieces

if TYPE_CHECKING:
    import pyarrow as pa

ALGORITHM = "10"  # raised whenever the same input may give other links

_LIVE = """s.disposition in ('accepted', 'duplicate') and s.superseded_by is null and s.profile_key is not null
           and d.state = 'accepted'"""
_COUNTS = """
    select profile_key, sum(n)::bigint as "rows", count(*) as n_rows, string_agg(distinct feed, ',' order by feed) as feeds
    from (select s.profile_key, s.feed, s.content_key, count(*) as n
          from source_row s join delivery d using (delivery_id) {narrowed} where {live} group by 1, 2, 3) said
    group by profile_key
"""
_TEXTS = ("profile_key", "name", "former_name", "codes", "representative", "phone", "town", "address", "founded_on")
_FIELDS = """p.profile_key, p.name, p.former_name, array_to_json(p.codes)::text as codes, p.representative, p.phone, p.town,
    p.address, p.founded_on::text as founded_on"""
_DECISIONS = """
    select decision_id, profile_a, profile_b, verdict, (confirmed_at is not null or not needs_second) as binds
    from decision where revoked_at is null order by decision_id
"""


@dataclass(frozen=True)
class Decided:
    """Standing decisions as (profile, profile, verdict, whether the matcher obeys it)."""

    standing: tuple[tuple[str, str, str, bool], ...]

    def binding(self, verdict: str, known: set[str] | None = None) -> Pairs:
        """Pairs of profiles' numbers decided so, in the order of decisions; only `known` profiles, if given."""
        chosen = [
            (a, b)
            for a, b, said, binds in self.standing
            if said == verdict and binds and (known is None or (a in known and b in known))
        ]
        return list(zip(profile_numbers([a for a, _ in chosen]), profile_numbers([b for _, b in chosen]), strict=True))


@dataclass(frozen=True)
class Inputs:
    """What a matching rests on, without the profiles themselves. `digest` changes whenever any of it does, `ground` when
    anything but rows and decisions does."""

    digest: str
    ground: str
    deliveries: tuple[int, ...]
    superseded: int
    decided: Decided


def read_inputs(connection: Connection, deployment: Deployment, model: Model) -> Inputs:
    """The inputs of now."""
    deliveries = tuple(
        connection.execute(text("select delivery_id from delivery where state = 'accepted' order by delivery_id"))
        .scalars()
        .all()
    )
    superseded = connection.execute(
        text("select count(*) from source_row where superseded_by is not null")
    ).scalar_one()
    decided = Decided(tuple((r[1], r[2], r[3], r[4]) for r in connection.execute(text(_DECISIONS))))
    ground = _digest([ALGORITHM, deployment.county.model_dump(mode="json"), model.to_json()])
    digest = _digest([ground, deliveries, superseded, decided.standing])
    return Inputs(digest, ground, deliveries, int(superseded), decided)


def read_decisions(connection: Connection) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Decisions the matcher obeys, as pairs of profile keys: "same" ones and "different" ones."""
    rows = connection.execute(text(_DECISIONS)).all()
    same, different = (
        [(r.profile_a, r.profile_b) for r in rows if r.binds and r.verdict == verdict]
        for verdict in ("same", "different")
    )
    return same, different


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def read_profiles(connection: Connection) -> pa.Table:
    """All live profiles as the matcher takes them, by key, with `rows` beside.

    Rows are counted here and not by PostgreSQL, which would sort them all in one process; and while it hands over the
    profiles' texts."""
    from concurrent.futures import ThreadPoolExecutor

    import pyarrow as pa

    from hub.matching.scoring import open_workspace

    columns = ("profile_key", "feed", "content_key")
    rows = read_in_pieces(
        connection,
        f"""select {", ".join(f"s.{c}" for c in columns)} from source_row s join delivery d using (delivery_id)
            where {_LIVE}""",
        pa.schema([(c, pa.string()) for c in columns]),
    )
    duck = open_workspace()
    try:
        duck.register("row_in", rows)
        with ThreadPoolExecutor(1) as beside:
            counting = beside.submit(duck.execute, _COUNTED)
            said = read_in_pieces(
                connection, f"select {_FIELDS} from profile p", pa.schema([(t, pa.string()) for t in _TEXTS])
            )
            counting.result()
        duck.register("said_in", said)
        found: pa.Table = duck.sql(
            """select s.* replace (from_json(codes, '["VARCHAR"]') as codes), n_rows, feeds, "rows"
               from said_in s join counted using (profile_key)"""
        ).to_arrow_table()
    finally:
        duck.close()
    return found.sort_by("profile_key")


_COUNTED = """
    create temp table counted as
    with statement as (
      select profile_key, feed, sum(n) as "rows", count(*) as n_rows from (
        select profile_key, feed, content_key, count(*) as n from row_in group by all) group by all)
    select profile_key, sum(n_rows)::bigint as n_rows, list(feed order by feed) as feeds, sum("rows")::bigint as "rows"
    from statement group by all
"""


def read_sample(connection: Connection, size: int) -> pa.Table:
    """Name, town and address of the first live profiles by key, as `read_profiles` would give them."""
    import pyarrow as pa

    columns = ("name", "town", "address")
    return read_arrow(
        connection,
        f"""select {", ".join(columns)} from profile p where exists (
              select from source_row s join delivery d using (delivery_id) where s.profile_key = p.profile_key and {_LIVE})
            order by p.profile_key limit {size}""",
        pa.schema([(c, pa.string()) for c in columns]),
    )


def read_changes(connection: Connection, deliveries: Sequence[int]) -> pa.Table:
    """(profile_key, rows, n_rows, feeds) of every profile some row of these deliveries says, or a row they superseded
    said; without a live row, counts are null."""
    import pyarrow as pa

    _allow_memory(connection)
    connection.execute(text("create temporary table touched_key (profile_key text) on commit drop"))
    connection.execute(
        text(
            """insert into touched_key select distinct profile_key from source_row
               where profile_key is not null and (delivery_id = any(:ids) or superseded_by = any(:ids))"""
        ),
        {"ids": list(deliveries)},
    )
    connection.execute(text("analyze touched_key"))
    counts = _COUNTS.format(narrowed="join touched_key using (profile_key)", live=_LIVE)
    schema = pa.schema(
        [("profile_key", pa.string()), ("rows", pa.int64()), ("n_rows", pa.int64()), ("feeds", pa.string())]
    )
    table = read_arrow(
        connection,
        f"""select t.profile_key, r."rows", r.n_rows, r.feeds from touched_key t left join ({counts}) r
            using (profile_key)""",
        schema,
    )
    connection.execute(text("drop table touched_key"))
    return table.set_column(3, "feeds", _lists(table["feeds"]))


def read_some_profiles(connection: Connection, changes: pa.Table) -> pa.Table:
    """The profiles of `changes` (as `read_changes` gives them), with their counts, by key."""
    import pyarrow as pa
    import pyarrow.compute as pc

    connection.execute(text("create temporary table wanted_key (profile_key text) on commit drop"))
    copy_in(connection, "wanted_key", changes.select(["profile_key"]))
    connection.execute(text("analyze wanted_key"))
    schema = pa.schema([(t, pa.string()) for t in _TEXTS])
    found = read_arrow(connection, f"select {_FIELDS} from profile p join wanted_key using (profile_key)", schema)
    connection.execute(text("drop table wanted_key"))
    found = found.set_column(3, "codes", _code_lists(found["codes"])).sort_by("profile_key")
    counts = changes.filter(pc.is_in(changes["profile_key"], value_set=found["profile_key"])).sort_by("profile_key")
    for name in ("n_rows", "feeds", "rows"):
        found = found.append_column(name, counts[name])
    return found


def _code_lists(codes: pa.ChunkedArray) -> pa.ChunkedArray:
    import pyarrow as pa

    made = {c: json.loads(c) for c in codes.unique().to_pylist()}
    return pa.chunked_array([pa.array([made[c] for c in codes.to_pylist()], pa.list_(pa.string()))])


def _lists(feeds: pa.ChunkedArray) -> pa.ChunkedArray:
    import pyarrow as pa
    import pyarrow.compute as pc

    split = pc.split_pattern(feeds, ",")
    return split if isinstance(split, pa.ChunkedArray) else pa.chunked_array([split])


def _allow_memory(connection: Connection) -> None:
    """Counting groups in memory instead of sorting millions of rows, for this transaction only."""
    connection.execute(text("set local work_mem = '256MB'"))
    connection.execute(text("set local jit = off"))
