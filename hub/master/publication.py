"""Publishing a version: projects what is accepted and linked, keeps what changed, and moves history, in one transaction."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, insert, select, text

from hub.deployment import Deployment
from hub.master import increment, writing
from hub.master.basis import Basis, basis_of
from hub.master.figures import add_figures, figures_of, figures_of_kept, newest_as_of
from hub.master.inputs import Snapshot, load_rows, load_sources
from hub.master.live import Source, complete_feeds
from hub.master.projection import (
    FINGERPRINT,
    adding_identities,
    define_identities,
    new_duck,
    project_identified,
    project_rows,
    version_digest,
)
from hub.master.writing import Change
from hub.matching.resolve import LOCK as MATCHING
from hub.store.tables.master import master_version

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

_SETTINGS = {  # one connection works here, on whole tables or on thousands of their rows
    "work_mem": "192MB",
    "maintenance_work_mem": "192MB",
    "default_statistics_target": "10",  # of tables that live for one night
}
_SCATTERED = "set local random_page_cost = 1.1"  # last night's rows lie in memory, or on a disk that has no arm to move
_LOCK = 7_203_000_003  # one projection at a time, whoever started it


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


def project(
    engine: Engine, deployment: Deployment, run_id: int, business_date: date, *, whole: bool = False
) -> MasterSummary:
    """Projects the master table and publishes a new version if anything differs from the one before. Only cooperatives that the
    night's rows, links, rules or date touch are computed; the result is the same as computing all of them.

    Args:
        engine: the hub's database.
        deployment: the county: its towns, and its thresholds in rules.yaml.
        run_id: the night's run.
        business_date: the day the rules count back from.
        whole: computes all of them all the same.

    Raises:
        ConfigurationError: rules.yaml is wrong.
    """
    basis = basis_of(deployment)
    duck = new_duck()
    try:
        with engine.begin() as connection:
            # first, so that a matching is wholly before this version or after it, as its time says (hub.master.id_changes)
            connection.execute(text("select pg_advisory_xact_lock(:k)"), {"k": MATCHING})
            connection.execute(text("select pg_advisory_xact_lock(:k)"), {"k": _LOCK})
            for setting, value in _SETTINGS.items():
                connection.execute(text(f"set local {setting} = '{value}'"))
            return project_within(connection, duck, basis, run_id=run_id, day=business_date, whole=whole)
    finally:
        duck.close()


def project_within(
    connection: Connection, duck: duckdb.DuckDBPyConnection, basis: Basis, *, run_id: int, day: date, whole: bool
) -> MasterSummary:
    """`project` in a transaction of the caller's, who keeps others out."""
    sources = load_sources(
        connection, duck, Snapshot(version=None, as_of=None, day=day), basis.thresholds.current_for_days
    )
    premise = increment.premise_of(basis, complete_feeds(sources, day, basis.thresholds.current_for_days), sources, day)
    state = None if whole else increment.read_state(connection)
    if state is not None and (state.premise != premise or state.business_date > day):
        state = None
    if state is not None:
        connection.execute(text(_SCATTERED))
        touched = increment.mark_touched(connection, state, sources, day)
        if touched == 0:
            return _nothing_moved(connection, duck, state, sources, day)
        if touched > increment.WHOLE_FROM * max(1, int(state.figures["cooperatives"])):
            state = None
            connection.execute(text("set local random_page_cost to default"))
    if state is None:
        writing.find_relinked(connection, every=True)
        load_rows(connection, duck, Snapshot(version=None, as_of=None, day=day), sources)
        project_rows(duck, basis, day)
        writing.define_kept(duck, writing.read_kept(connection))
    else:
        _project_touched(connection, duck, basis, sources, day)
    return _publish(connection, duck, basis, run_id=run_id, day=day, sources=sources, premise=premise, state=state)


def _nothing_moved(
    connection: Connection, duck: duckdb.DuckDBPyConnection, state: increment.State, sources: list[Source], day: date
) -> MasterSummary:
    """A night that touches nobody: lists may have been sent again, and that is kept."""
    figures = {**state.figures, "as_of": newest_as_of(duck)}
    writing.remember_deliveries(connection, state.version, [s.delivery_id for s in sources])
    increment.write_state(
        connection, replace(state, business_date=day, figures=figures, deliveries=increment.deliveries_of(sources))
    )
    return MasterSummary(state.version, state.version, day, int(figures["cooperatives"]), figures=figures)


def _project_touched(
    connection: Connection, duck: duckdb.DuckDBPyConnection, basis: Basis, sources: list[Source], day: date
) -> None:
    snapshot = Snapshot(version=None, as_of=None, day=day, coop_ids="touched")
    load_rows(connection, duck, snapshot, sources)
    # PostgreSQL looks up what was while DuckDB finds out what is
    with ThreadPoolExecutor(1) as beside:
        before = beside.submit(_what_was, connection)
        define_identities(duck, basis)
        kept = [before.result()]
    if increment.bring_neighbours(connection, duck, basis):
        kept.append(writing.read_kept(connection, "brought"))
        with adding_identities(duck):
            load_rows(connection, duck, replace(snapshot, coop_ids="brought"), sources)
            define_identities(duck, basis)
    project_identified(duck, basis, day)
    writing.define_kept(duck, *kept)


def _what_was(connection: Connection) -> pa.Table:
    increment.leave_watch(connection)
    return writing.read_kept(connection, "touched")


def _publish(
    connection: Connection,
    duck: duckdb.DuckDBPyConnection,
    basis: Basis,
    *,
    run_id: int,
    day: date,
    sources: list[Source],
    premise: str,
    state: increment.State | None,
) -> MasterSummary:
    last = connection.execute(
        select(master_version.c.version, master_version.c.digest).order_by(master_version.c.version.desc()).limit(1)
    ).first()
    figures = figures_of(duck)
    digest = version_digest(duck)
    if state is not None:
        figures = add_figures(state.figures, figures, figures_of_kept(duck))
        before = duck.execute(f"select {FINGERPRINT} from kept").fetchall()[0][0]
        digest = f"{int(state.digest, 16) ^ int(digest, 16) ^ int(before):032x}"
    if last is not None and last.digest == digest:
        version = int(last.version)
    else:
        version = int(
            connection.execute(
                insert(master_version)
                .values(
                    run_id=run_id,
                    business_date=day,
                    digest=digest,
                    basis=basis.model_dump(mode="json"),
                    figures=figures,
                )
                .returning(master_version.c.version)
            ).scalar_one()
        )
    with ThreadPoolExecutor(1) as beside:
        # of the touched, what they were is at hand: counting what differs need not wait until it is written
        early = beside.submit(writing.what_changed, duck.cursor()) if state is not None else None
        new, changed, gone = writing.write_cooperatives(connection, duck, version)
        writing.write_watch(connection, duck, touched=state is not None)
    if early is None and changed:
        writing.define_kept(duck, writing.read_replaced(connection, version))
    writing.remember_deliveries(connection, version, [s.delivery_id for s in sources])
    writing.remember_links(connection, version)
    increment.write_state(
        connection, increment.State(version, day, premise, digest, figures, increment.deliveries_of(sources))
    )
    counts, examples = early.result() if early else writing.what_changed(duck) if changed else ({}, ())
    previous = int(last.version) if last is not None else None
    return MasterSummary(
        version, previous, day, int(figures["cooperatives"]), new, changed, gone, counts, examples, figures
    )


def rebuild(engine: Engine, deployment: Deployment, run_id: int, business_date: date) -> MasterSummary:
    """Drops the present rows of the master table and projects them again; history and versions stay. The same accepted rows,
    links and decisions give the same table, byte for byte."""
    with engine.begin() as connection:
        for table in ("cooperative", "cooperative_watch", "projection_state"):
            connection.execute(text(f"delete from {table}"))
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
