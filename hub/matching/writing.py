"""What a matching writes into the database: ids and their events, links, and the questions left for people. Everything here is
part of the caller's one transaction, and touches only the profiles the matching looked at.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, text

from hub.matching.assignment import Assignment, KnownId, assign_ids
from hub.matching.chains import Question
from hub.matching.model import Model
from hub.matching.reasons import evidence_items
from hub.matching.results import facts_of, groups_of
from hub.store.arrow import copy_in
from hub.store.large_loads import indexed_at_the_end

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa


def note_profiles(connection: Connection, duck: duckdb.DuckDBPyConnection, gone: Sequence[str]) -> None:
    """Temporary table `looked_at` of the profiles in `result`, and of those `gone`, for the statements below."""
    connection.execute(text("create temporary table looked_at (profile_key text primary key) on commit drop"))
    keys: pa.Table = duck.sql(
        "select profile_key from profile semi join result using (profile) order by 1"
    ).to_arrow_table()
    copy_in(connection, "looked_at", keys)
    connection.execute(
        text("insert into looked_at select unnest(cast(:keys as text[])) on conflict do nothing"), {"keys": list(gone)}
    )


def forget_profiles(connection: Connection) -> None:
    """Drops the temporary tables, so that one transaction may hold several matchings."""
    connection.execute(text("drop table if exists looked_at, concerned_id"))


def give_ids(connection: Connection, duck: duckdb.DuckDBPyConnection, *, everything: bool) -> Assignment:
    """Ids of the groups of `result`, and of those they share an id's history with. Afterwards `assignment.ids` runs with
    table `bearing` (grp) of the DuckDB connection, in its order."""
    if everything:
        duck.execute("create or replace temp table concerned as select profile from result")
        ids = "select coop_id from cooperative_id"
    else:
        connection.execute(text("analyze looked_at"))
        _follow_ids(connection, duck)
        ids = "select coop_id from concerned_id"
    known = [
        KnownId(*row)
        for row in connection.execute(
            text(
                f"select coop_id, seq, redirects_to, seed_profile, home_profile from cooperative_id where coop_id in ({ids}) order by seq"
            )
        )
    ]
    linked = {
        r.profile_key: r.coop_id
        for r in connection.execute(text(f"select profile_key, coop_id from link where coop_id in ({ids})"))
    }
    numbers, groups = groups_of(duck, "concerned")
    seeds = {k.stands_by for k in known}
    given = connection.execute(text("select count(*) from cooperative_id")).scalar_one()
    assignment = assign_ids(groups, known, linked, _waiting(duck, seeds), given=int(given))
    _note_bearers(duck, numbers, assignment, known)
    return assignment


def _follow_ids(connection: Connection, duck: duckdb.DuckDBPyConnection) -> None:
    """Table `concerned_id`: ids whose bearers may change, with all that redirects, links and the profiles they stand by tie to them;
    DuckDB table `concerned`: the profiles of `result` and those that bear such an id."""
    connection.execute(text("create temporary table concerned_id (coop_id text primary key) on commit drop"))
    connection.execute(
        text(
            """insert into concerned_id select distinct coop_id from (
                 select coop_id from link join looked_at using (profile_key) where coop_id is not null
                 union all select coop_id from cooperative_id
                   where seed_profile in (select profile_key from looked_at)
                      or home_profile in (select profile_key from looked_at)) x"""
        )
    )
    while True:
        added = connection.execute(
            text(
                """insert into concerned_id select distinct coop_id from (
                     select c.redirects_to as coop_id from cooperative_id c join concerned_id using (coop_id)
                       where c.redirects_to is not null
                     union all select coop_id from cooperative_id where redirects_to in (select coop_id from concerned_id)
                     union all select l.coop_id from cooperative_id c join concerned_id using (coop_id)
                       join link l on l.profile_key in (c.seed_profile, c.home_profile) where l.coop_id is not null
                     union all select coop_id from cooperative_id
                       where seed_profile in (select profile_key from link where coop_id in (select coop_id from concerned_id))
                          or home_profile in (select profile_key from link where coop_id in (select coop_id from concerned_id))) x
                   on conflict do nothing"""
            )
        ).rowcount
        if not added:
            break
    bearers = connection.execute(
        text("select profile_key from link where coop_id in (select coop_id from concerned_id)")
    ).scalars()
    _register_keys(duck, "bearer_in", list(bearers))
    duck.execute(
        """create or replace temp table concerned as select profile from result
           union select profile from profile semi join bearer_in using (profile_key)"""
    )
    duck.unregister("bearer_in")


def live_keys(duck: duckdb.DuckDBPyConnection, keys: list[str]) -> set[str]:
    """Those of the keys whose profile is live."""
    _register_keys(duck, "key_in", keys)
    rows = duck.execute("select profile_key from key_in semi join profile using (profile_key)").fetchall()
    duck.unregister("key_in")
    return {r[0] for r in rows}


def _register_keys(duck: duckdb.DuckDBPyConnection, name: str, keys: list[str]) -> None:
    import pyarrow as pa

    duck.register(name, pa.table({"profile_key": pa.array(keys, pa.string())}))


def _waiting(duck: duckdb.DuckDBPyConnection, seeds: set[str | None]) -> set[str]:
    """Those of the first profiles that wait for a person."""
    _register_keys(duck, "seed_in", [s for s in seeds if s is not None])
    rows = duck.execute(
        """select profile_key from seed_in join profile using (profile_key) join settled using (profile)
           where link = 'review'"""
    ).fetchall()
    duck.unregister("seed_in")
    return {r[0] for r in rows}


def _note_bearers(
    duck: duckdb.DuckDBPyConnection, numbers: list[int], assignment: Assignment, known: list[KnownId]
) -> None:
    import pyarrow as pa

    seeds = {k.coop_id: k.seed_profile for k in known} | dict(assignment.seeds)
    bearing = pa.table(
        {
            "grp": pa.array(numbers, pa.int64()),
            "coop_id": pa.array(assignment.ids, pa.string()),
            "seed": pa.array([seeds.get(i) for i in assignment.ids], pa.string()),
        }
    )
    duck.register("bearing_in", bearing)
    duck.execute("create or replace temp table bearing as select * from bearing_in")
    duck.unregister("bearing_in")


def write_ids(connection: Connection, assignment: Assignment, run_id: int | None) -> None:
    """New ids, redirects and the change feed of ids."""
    import pyarrow as pa

    run = pa.scalar(run_id, pa.int64())

    def table(**columns: list[Any]) -> pa.Table:
        size = len(next(iter(columns.values())))
        made = {n: pa.array(v, pa.string()) for n, v in columns.items()}
        return pa.table(made | {"run": pa.array([run.as_py()] * size, pa.int64())})

    if assignment.seeds:
        new = table(coop_id=list(assignment.seeds), seed_profile=list(assignment.seeds.values()))
        copy_in(connection, "cooperative_id", new.rename_columns(["coop_id", "seed_profile", "created_run_id"]))
    if assignment.redirects:
        connection.execute(
            text("update cooperative_id set redirects_to = :target where coop_id = :id"),
            [{"id": i, "target": t} for i, t in assignment.redirects.items()],
        )
    if assignment.homes:
        connection.execute(
            text("update cooperative_id set home_profile = :profile where coop_id = :id"),
            [{"id": i, "profile": p} for i, p in assignment.homes.items()],
        )
    if assignment.events:
        events = table(
            kind=[e.kind for e in assignment.events],
            coop_id=[e.coop_id for e in assignment.events],
            other_id=[e.other_id for e in assignment.events],
            reason=[e.reason for e in assignment.events],
        )
        copy_in(connection, "id_event", events.rename_columns(["kind", "coop_id", "other_id", "reason", "run_id"]))


def write_links(
    connection: Connection, rows: pa.Table, *, assignment: Assignment, run_id: int | None, large: bool = False
) -> None:
    """Upserts what changed of `results.link_rows`; profiles that are no longer live keep their link, led on to the id that bears
    it now. `large`: worth to put off what can be put off, where there are no links yet."""
    import pyarrow as pa

    if not connection.execute(text("select exists (select from link)")).scalar_one():
        runs = pa.array([run_id] * rows.num_rows, pa.int64())
        _write_first_links(connection, rows.append_column("run_id", runs), large)
        return
    connection.execute(
        text(
            "create temporary table new_link (profile_key text, coop_id text, link text, score float8, reason text, "
            "evidence jsonb) on commit drop"
        )
    )
    copy_in(connection, "new_link", rows)
    connection.execute(text("analyze new_link"))
    connection.execute(
        text(
            """
            insert into link (profile_key, coop_id, link, score, reason, evidence, run_id)
            select n.profile_key, n.coop_id, n.link, n.score, n.reason, n.evidence, :run from new_link n left join link l using (profile_key)
            where l.profile_key is null or (l.coop_id, l.link, l.score, l.reason, l.evidence)
                  is distinct from (n.coop_id, n.link, n.score, n.reason, n.evidence)  -- most are what they were
            order by profile_key
            on conflict (profile_key) do update set coop_id = excluded.coop_id, link = excluded.link, score = excluded.score,
                reason = excluded.reason, evidence = excluded.evidence, run_id = excluded.run_id
            """
        ),
        {"run": run_id},
    )
    if assignment.redirects:
        connection.execute(
            text(
                "update link set coop_id = c.redirects_to from cooperative_id c "
                "where c.coop_id = link.coop_id and c.redirects_to is not null and c.coop_id = any(:ids)"
            ),
            {"ids": list(assignment.redirects)},
        )
    connection.execute(text("drop table new_link"))


def _write_first_links(connection: Connection, rows: pa.Table, large: bool) -> None:
    if not large:
        copy_in(connection, "link", rows)
        return
    with indexed_at_the_end(connection, "link"):
        # the trigger would keep all rows a second time, to note of each that it moved
        connection.execute(text("alter table link disable trigger note_insert"))
        copy_in(connection, "link", rows)
        connection.execute(text("alter table link enable trigger note_insert"))
    connection.execute(text("insert into moved_link select profile_key from link"))


def write_questions(
    connection: Connection,
    duck: duckdb.DuckDBPyConnection,
    questions: Sequence[Question],
    *,
    model: Model,
    run_id: int | None,
    everything: bool,
) -> None:
    """The questions left for people; those whose answer was "unsure" return only when a side says something new."""
    answered = _Answers(connection, duck, everything)
    facts = facts_of(duck, {p for q in questions for p in (q.a, q.b, *(o for o, _ in q.others))})
    owners = facts_of(duck, {f["conflict"] for f in facts.values() if f["conflict"] is not None})
    settles = _rows_of_groups(duck, {facts[q.a]["grp"] for q in questions})
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for q in questions:
        asked, other = facts[q.a], facts[q.b]
        if frozenset((asked["grp"], other["grp"])) in answered.unsure:
            continue
        evidence = {
            "asked": asked["profile_key"],
            "owner": owners.get(asked["conflict"], {}).get("name"),
            "items": evidence_items(q.levels, model),
            "others": [{"profile_key": facts[o]["profile_key"], "probability": round(p, 4)} for o, p in q.others],
        }
        a, b = sorted((asked["profile_key"], other["profile_key"]))
        found[a, b] = {
            "kind": q.kind,
            "probability": q.probability,
            "evidence": json.dumps(evidence, ensure_ascii=False),
            "rows": settles[asked["grp"]] if q.waits else asked["n_rows"],
        }
    for (a, b), verdict in answered.changed.items():
        recheck = {
            "kind": "recheck",
            "probability": 1.0 if verdict == "same" else 0.0,
            "evidence": json.dumps({"asked": a, "items": []}),
            "rows": 0,
        }
        found.setdefault((a, b), recheck)
    _replace_questions(connection, found, run_id, everything=everything)


def _replace_questions(
    connection: Connection, found: dict[tuple[str, str], dict[str, Any]], run_id: int | None, *, everything: bool
) -> None:
    if everything:
        connection.execute(text("delete from candidate"))
    else:
        connection.execute(
            text(
                """delete from candidate where evidence ->> 'asked' in (select profile_key from looked_at)
                   or kind = 'recheck' and (profile_a in (select profile_key from looked_at)
                                            or profile_b in (select profile_key from looked_at))"""
            )
        )
    if found:
        connection.execute(
            text(
                "insert into candidate (profile_a, profile_b, kind, probability, evidence, rows, run_id) "
                "values (:a, :b, :kind, :probability, cast(:evidence as jsonb), :rows, :run) on conflict do nothing"
            ),
            [{"a": a, "b": b, "run": run_id, **row} for (a, b), row in found.items()],
        )


def _rows_of_groups(duck: duckdb.DuckDBPyConnection, groups: set[int]) -> dict[int, int]:
    import pyarrow as pa

    duck.register("group_in", pa.table({"grp": pa.array(sorted(groups), pa.int64())}))
    rows = duck.execute(
        """select grp, sum("rows")::bigint from settled semi join group_in using (grp) join profile using (profile) group by grp"""
    ).fetchall()
    duck.unregister("group_in")
    return dict(rows)


class _Answers:
    """Standing decisions seen against today's groups: `unsure` pairs of groups not to be asked about again, and `changed`
    pairs of profiles decided before a side said something new (name, representative, phone)."""

    def __init__(self, connection: Connection, duck: duckdb.DuckDBPyConnection, everything: bool) -> None:
        self.unsure: set[frozenset[int]] = set()
        self.changed: dict[tuple[str, str], str] = {}
        about = (
            ""
            if everything
            else (
                "and (profile_a in (select profile_key from looked_at) or profile_b in (select profile_key from looked_at))"
            )
        )
        standing = connection.execute(
            text(f"select profile_a, profile_b, verdict, decided_at from decision where revoked_at is null {about}")
        ).all()
        if not standing:
            return
        group, members = self._groups(duck, {k for r in standing for k in (r.profile_a, r.profile_b)})
        keys = [m["profile_key"] for found in members.values() for m in found]
        arrived: dict[str, Any] = {
            r[0]: r[1]
            for r in connection.execute(
                text(
                    "select p.profile_key, r.started_at from profile p left join run r on r.run_id = p.first_run_id "
                    "where p.profile_key = any(:keys)"
                ),
                {"keys": keys},
            )
        }
        for a, b, verdict, decided_at in standing:
            if a not in group or b not in group:
                continue
            sides = members[group[a]] + (members[group[b]] if group[a] != group[b] else [])
            old = [m for m in sides if arrived.get(m["profile_key"]) is None or arrived[m["profile_key"]] <= decided_at]
            said = ("name", "representative", "phone")
            before = {c: {m[c] for m in old if m[c]} for c in said}
            kept = {m["profile_key"] for m in old}
            news = any(m[c] and m[c] not in before[c] for m in sides if m["profile_key"] not in kept for c in said)
            if verdict == "unsure" and not news:
                self.unsure.add(frozenset((group[a], group[b])))
            elif verdict != "unsure" and news:
                self.changed[a, b] = verdict

    def _groups(
        self, duck: duckdb.DuckDBPyConnection, keys: set[str]
    ) -> tuple[dict[str, int], dict[int, list[dict[str, Any]]]]:
        """Group by live profile, and its members."""
        _register_keys(duck, "decided_in", sorted(keys))
        group = dict(
            duck.execute(
                "select profile_key, grp from decided_in join profile using (profile_key) join settled using (profile)"
            ).fetchall()
        )
        rows: list[dict[str, Any]] = (
            duck.sql(
                """select grp, profile_key, name, representative, phone from settled semi join (
                     select grp from decided_in join profile using (profile_key) join settled using (profile)) using (grp)
                   join profile using (profile)"""
            )
            .to_arrow_table()
            .to_pylist()
        )
        duck.unregister("decided_in")
        members: dict[int, list[dict[str, Any]]] = {}
        for row in rows:
            members.setdefault(row["grp"], []).append(row)
        return group, members
