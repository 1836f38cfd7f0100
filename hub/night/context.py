"""What every step of a night needs: the database, the county, the date, and where the night's record is."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, select, text
from sqlalchemy.dialects.postgresql import insert

from hub.deployment import COUNTY_TIME, ConnectorDeclaration, Deployment
from hub.feeds import Coverage
from hub.settings import Settings
from hub.store.tables.intake import run


@dataclass(frozen=True)
class Night:
    """One run. `inbox`, if given, replaces every feed's connector by a folder `inbox/<feed>`."""

    engine: Engine
    settings: Settings
    deployment: Deployment
    run_id: int
    business_date: date
    inbox: Path | None = None

    def connector_of(self, feed: str) -> ConnectorDeclaration:
        """How this feed's bytes get here tonight."""
        if self.inbox is not None:
            return ConnectorDeclaration.model_validate(
                {"kind": "folder", "path": str(self.inbox / feed), "settle": "none"}
            )
        return self.deployment.feed_by_name[feed].connector

    def coverage_of(self, feed: str) -> Coverage:
        """What absence from tonight's delivery of this feed means. A query for what is new brings no full list: taken for one,
        it would look truncated, or replace all that came before."""
        declared = self.deployment.feed_by_name[feed].coverage
        if declared is None and self.connector_of(feed).only_news:
            return Coverage.INCREMENT
        return self.deployment.coverage_of(feed)

    @contextmanager
    def step(self, name: str) -> Iterator[dict[str, Any]]:
        """Times a step and appends it to the run's record; what the step puts into the dictionary is kept with it.
        Steps of two runs (a scheduled one and one by hand) never work at the same time: the second waits."""
        started, note = time.perf_counter(), dict[str, Any]()
        with self.engine.connect() as lock:  # a session's lock: it goes when the process dies
            lock.execute(text("select pg_advisory_lock(hashtext('coop_hub_step'))"))
            lock.commit()
            try:
                yield note
            finally:
                lock.execute(text("select pg_advisory_unlock(hashtext('coop_hub_step'))"))
                lock.commit()
        entry = {"step": name, "seconds": round(time.perf_counter() - started, 3), **note}
        with self.engine.begin() as connection:
            connection.execute(
                text("update run set steps = steps || cast(:entry as jsonb) where run_id = :run_id"),
                {"entry": json.dumps([entry], ensure_ascii=False, default=str), "run_id": self.run_id},
            )

    def note(self, key: str, value: Any) -> None:
        """Keeps a figure of this night under `key` of the run's summary."""
        with self.engine.begin() as connection:
            connection.execute(
                text(
                    "update run set summary = summary || jsonb_build_object(cast(:key as text), cast(:value as jsonb)) where run_id = :run_id"
                ),
                {"key": key, "value": json.dumps(value, ensure_ascii=False, default=str), "run_id": self.run_id},
            )


def business_date(settings: Settings) -> date:
    """Today in the county, or the date the settings pretend."""
    return date.fromisoformat(settings.today) if settings.today else datetime.now(COUNTY_TIME).date()


def open_night(
    engine: Engine,
    settings: Settings,
    deployment: Deployment,
    *,
    dagster_run_id: str | None,
    kind: str = "nightly",
    inbox: Path | None = None,
) -> Night:
    """The night of a Dagster run: found again if the run already has one, else begun."""
    with engine.begin() as connection:
        connection.execute(text("select pg_advisory_xact_lock(hashtext('open_night'))"))
        found = None
        if dagster_run_id is not None:
            found = connection.execute(
                select(run.c.run_id, run.c.business_date).where(run.c.dagster_run_id == dagster_run_id)
            ).first()
        if found is None:
            found = connection.execute(
                insert(run)
                .values(kind=kind, dagster_run_id=dagster_run_id, business_date=business_date(settings))
                .returning(run.c.run_id, run.c.business_date)
            ).one()
    return Night(engine, settings, deployment, found.run_id, found.business_date, inbox)
