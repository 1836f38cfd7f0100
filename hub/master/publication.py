"""Publishing a version: projects what is accepted and linked, keeps what changed, and moves history, in one transaction."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, insert, select, text

from hub.deployment import Deployment
from hub.feeds import Privacy
from hub.master.basis import Basis, basis_of
from hub.master.fields import master_fields
from hub.master.figures import figures_of
from hub.master.inputs import Snapshot, load_rows, load_sources
from hub.master.projection import new_duck, project_rows, version_digest
from hub.store.arrow import copy_in
from hub.store.tables.master import master_version

if TYPE_CHECKING:
    import duckdb

_LOCK = 7_203_000_003  # one projection at a time, whoever started it
_COLUMNS = ("name", "uscc", "representative", "town", "address", "phone", "registry_status", "tax_status")
EXAMPLES = 12


@dataclass(frozen=True, slots=True)
class Change:
    """One value of one cooperative that differs from the version before. Personal fields are never among them."""

    coop_id: str
    name: str
    field: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class MasterSummary:
    """What a night made of the master table. `fields` counts changed values by field; `figures` are hub.master.figures'."""

    version: int
    previous: int | None
    business_date: date
    rows: int
    new: int = 0
    changed: int = 0
    gone: int = 0
    fields: dict[str, int] = field(default_factory=dict)
    examples: tuple[Change, ...] = ()
    figures: dict[str, Any] = field(default_factory=dict)

    @property
    def published(self) -> bool:
        """Whether this night made a new version."""
        return self.version != self.previous

    @property
    def changes(self) -> dict[str, Any]:
        """Counts and examples, ready for a report or metadata."""
        return {
            "new": self.new,
            "changed": self.changed,
            "gone": self.gone,
            "fields": self.fields,
            "examples": [
                {"coop_id": c.coop_id, "name": c.name, "field": c.field, "before": c.before, "after": c.after}
                for c in self.examples
            ],
        }


def project(engine: Engine, deployment: Deployment, run_id: int, business_date: date) -> MasterSummary:
    """Projects the master table and publishes a new version if anything differs from the one before.

    Args:
        engine: the hub's database.
        deployment: the county: its towns, and its thresholds in rules.yaml.
        run_id: the night's run.
        business_date: the day the rules count back from.

    Raises:
        ConfigurationError: rules.yaml is wrong.
    """
    basis = basis_of(deployment)
    duck = new_duck()
    try:
        with engine.begin() as connection:
            connection.execute(text("select pg_advisory_xact_lock(:k)"), {"k": _LOCK})
            snapshot = Snapshot(version=None, as_of=None, day=business_date)
            sources = load_sources(connection, duck, snapshot, basis.thresholds.current_for_days)
            load_rows(connection, duck, snapshot, sources)
            project_rows(duck, basis, business_date)
            return _publish(
                connection,
                duck,
                basis,
                run_id=run_id,
                business_date=business_date,
                deliveries=[s.delivery_id for s in sources],
            )
    finally:
        duck.close()


def _publish(
    connection: Connection,
    duck: duckdb.DuckDBPyConnection,
    basis: Basis,
    *,
    run_id: int,
    business_date: date,
    deliveries: list[int],
) -> MasterSummary:
    last = connection.execute(
        select(master_version.c.version, master_version.c.digest).order_by(master_version.c.version.desc()).limit(1)
    ).first()
    digest = version_digest(duck)
    figures = figures_of(duck)
    rows = int(duck.execute("select count(*) from projected").fetchall()[0][0])
    if last is not None and last.digest == digest:
        version = int(last.version)
    else:
        version = int(
            connection.execute(
                insert(master_version)
                .values(
                    run_id=run_id,
                    business_date=business_date,
                    digest=digest,
                    basis=basis.model_dump(mode="json"),
                    figures=figures,
                )
                .returning(master_version.c.version)
            ).scalar_one()
        )
    _send_differences(connection, duck)
    new, changed, gone = _write(connection, version)
    _remember_inputs(connection, version, deliveries)
    previous = int(last.version) if last is not None else None
    counts, examples = _what_changed(connection, version) if changed else ({}, ())
    return MasterSummary(version, previous, business_date, rows, new, changed, gone, counts, examples, figures)


def _send_differences(connection: Connection, duck: duckdb.DuckDBPyConnection) -> None:
    """Brings only differing rows to PostgreSQL: temporary tables `arrived` and `departed`."""
    import pyarrow as pa

    from hub.store.arrow import read_arrow

    kept = read_arrow(
        connection,
        "select coop_id, digest, proof from cooperative",
        pa.schema([("coop_id", pa.string()), ("digest", pa.string()), ("proof", pa.string())]),
    )
    duck.register("kept", kept)
    columns = ", ".join(_COLUMNS)
    connection.execute(
        text(
            f"""create temp table arrived on commit drop as select coop_id, initials, {columns}, founded_on, fields, evidence, records,
                digest, proof, false as same from cooperative with no data"""
        )
    )
    connection.execute(text("create temp table departed (coop_id text primary key) on commit drop"))
    _define_initials(duck)
    reader = duck.sql(
        f"""select p.coop_id, translate(lower(p.name), i.letters, i.firsts) as initials, {", ".join("p." + c for c in _COLUMNS)},
                   try_cast(p.founded_on as date) as founded_on, p.fields, p.evidence, p.records, p.digest, p.proof,
                   k.digest is not distinct from p.digest as same
            from projected p left join kept k using (coop_id) cross join initial i
            where k.digest is distinct from p.digest or k.proof is distinct from p.proof"""
    ).to_arrow_reader(50_000)
    for batch in reader:
        copy_in(connection, "arrived", pa.Table.from_batches([batch]))
    departed = duck.sql(
        "select coop_id from kept where coop_id not in (select coop_id from projected)"
    ).to_arrow_table()
    copy_in(connection, "departed", departed)
    duck.unregister("kept")


def _define_initials(duck: duckdb.DuckDBPyConnection) -> None:
    """Pinyin initials, character by character (the rare second reading of a character is left out)."""
    from pypinyin import Style, lazy_pinyin

    letters = [
        c
        for (c,) in duck.execute(
            "select distinct unnest(string_split(lower(name), '')) as c from projected where name is not null order by c"
        ).fetchall()
        if c and not c.isascii()
    ]
    firsts = [(lazy_pinyin(c, style=Style.FIRST_LETTER) or [" "])[0][:1].lower() or " " for c in letters]
    # a character that stays itself (a bracket, a rare character without a reading) keeps its place
    firsts = [f if f.isascii() and f.isalnum() else c for f, c in zip(firsts, letters, strict=True)]
    duck.execute(
        "create or replace table initial as select ?::varchar as letters, ?::varchar as firsts",
        ["".join(letters), "".join(firsts)],
    )


def _write(connection: Connection, version: int) -> tuple[int, int, int]:
    """Moves what no longer holds to history, writes what holds now. Returns how many are new, changed and gone."""
    v = {"v": version}
    connection.execute(
        text(
            """insert into cooperative_history (coop_id, from_version, to_version, fields, evidence, records, digest)
               select c.coop_id, c.version, :v, c.fields, c.evidence, c.records, c.digest from cooperative c
               where c.version < :v and (exists (select 1 from arrived a where a.coop_id = c.coop_id and not a.same)
                                         or exists (select 1 from departed d where d.coop_id = c.coop_id))"""
        ),
        v,
    )
    gone = connection.execute(text("delete from cooperative c using departed d where c.coop_id = d.coop_id")).rowcount
    sets = ", ".join(f"{c} = a.{c}" for c in ("initials", *_COLUMNS, "founded_on", "fields", "records", "digest"))
    changed = connection.execute(
        text(
            f"""update cooperative c set {sets}, evidence = a.evidence, proof = a.proof, version = :v
                from arrived a where a.coop_id = c.coop_id and not a.same"""
        ),
        v,
    ).rowcount
    connection.execute(
        text(
            "update cooperative c set evidence = a.evidence, proof = a.proof from arrived a where a.coop_id = c.coop_id and a.same"
        )
    )
    columns = ", ".join(
        ("coop_id", "initials", *_COLUMNS, "founded_on", "fields", "evidence", "records", "digest", "proof")
    )
    new = connection.execute(
        text(
            f"""insert into cooperative ({columns}, version) select {columns}, :v from arrived a
                where not exists (select 1 from cooperative c where c.coop_id = a.coop_id)"""
        ),
        v,
    ).rowcount
    return int(new), int(changed), int(gone)


def _remember_inputs(connection: Connection, version: int, deliveries: list[int]) -> None:
    """Keeps which deliveries and links this version rests on, so that it can be computed again."""
    p = {"v": version, "ids": deliveries}
    for statement in (
        "delete from master_delivery where to_version is null and from_version = :v and not delivery_id = any(:ids)",
        "update master_delivery set to_version = :v where to_version is null and not delivery_id = any(:ids)",
        """insert into master_delivery (delivery_id, from_version) select d, :v from unnest(cast(:ids as bigint[])) d
           where not exists (select 1 from master_delivery m where m.delivery_id = d and m.to_version is null)""",
        """create temp table holding on commit drop as select profile_key, coop_id from link
           where coop_id is not null and link <> 'review'""",
        "create index on holding (profile_key)",
        """delete from master_link m where to_version is null and from_version = :v and not exists
           (select from holding l where l.profile_key = m.profile_key and l.coop_id = m.coop_id)""",
        """update master_link m set to_version = :v where to_version is null and not exists
           (select from holding l where l.profile_key = m.profile_key and l.coop_id = m.coop_id)""",
        """insert into master_link (profile_key, from_version, coop_id) select l.profile_key, :v, l.coop_id from holding l
           where not exists (select 1 from master_link m where m.profile_key = l.profile_key and m.to_version is null)""",
    ):
        connection.execute(text(statement), p)


def _what_changed(connection: Connection, version: int) -> tuple[dict[str, int], tuple[Change, ...]]:
    personal = [f.name for f in master_fields() if f.privacy is not Privacy.PUBLIC]
    differing = """from cooperative_history h join cooperative c using (coop_id)
        cross join lateral (select coalesce(a.key, b.key) as key, a.value as before, b.value as after
          from jsonb_each(h.fields) a full join jsonb_each(c.fields) b on a.key = b.key where a.value is distinct from b.value) d
        where h.to_version = :v and not d.key = any(:personal)"""
    p = {"v": version, "personal": personal}
    counts = connection.execute(text(f"select d.key, count(*) as n {differing} group by 1 order by 2 desc, 1"), p)
    found = {r.key: int(r.n) for r in counts}
    rows = connection.execute(
        text(
            f"select c.coop_id, c.name, d.key, d.before, d.after {differing} order by c.coop_id, d.key limit {EXAMPLES}"
        ),
        p,
    )
    return found, tuple(Change(r.coop_id, r.name, r.key, r.before, r.after) for r in rows)


def rebuild(engine: Engine, deployment: Deployment, run_id: int, business_date: date) -> MasterSummary:
    """Drops the present rows of the master table and projects them again; history and versions stay. The same accepted rows,
    links and decisions give the same table, byte for byte."""
    with engine.begin() as connection:
        connection.execute(text("delete from cooperative"))
    return project(engine, deployment, run_id, business_date)


def write_canonical(engine: Engine, path: Path) -> None:
    """The present master table as canonical JSON lines (for comparing two projections byte for byte)."""
    with engine.connect() as connection, path.open("w", encoding="utf-8") as out:
        rows = connection.execute(
            text("select coop_id, fields, evidence, records, digest from cooperative order by coop_id")
        )
        for r in rows:
            out.write(
                json.dumps([r.coop_id, r.fields, r.evidence, r.records, r.digest], ensure_ascii=False, sort_keys=True)
                + "\n"
            )
