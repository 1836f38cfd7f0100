"""A county in a test: deliveries, rows, profiles and links put straight into the tables, so that the master room can be
tested without reading files or matching. Names and people are invented."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, text

from hub.deployment import Deployment, load_deployment
from hub.feeds import Coverage, Role, feed_catalogue
from hub.master.provenance import read_evidence
from hub.master.publication import MasterSummary, project

DEMO = Path(__file__).resolve().parents[2] / "deployments" / "demo"
COUNTY = "339127"


@cache
def demo_deployment() -> Deployment:
    return load_deployment(DEMO)


def _hash(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False, default=str).encode()).hexdigest()[:32]


@dataclass
class County:
    """`deliver` what a department says (each row names its cooperative as `coop`), then `project` the night."""

    engine: Engine
    deployment: Deployment = field(default_factory=demo_deployment)
    today: date = date(2026, 11, 1)
    run_id: int = 0
    count: int = 0

    def night(self, day: date) -> County:
        self.today = day
        with self.engine.begin() as c:
            self.run_id = c.execute(
                text("insert into run (kind, business_date) values ('nightly', :d) returning run_id"), {"d": day}
            ).scalar_one()
        return self

    def deliver(
        self,
        feed: str,
        rows: list[dict[str, Any]],
        *,
        as_of: date | None = None,
        town: str | None = None,
        name: str | None = None,
        coverage: Coverage | None = None,
        disposition: str = "accepted",
        supersedes: int | None = None,
        state: str = "accepted",
    ) -> int:
        if not self.run_id:
            self.night(self.today)
        self.count += 1
        declared = feed_catalogue()[feed]
        sha = hashlib.sha256(f"{self.count}".encode()).hexdigest()
        with self.engine.begin() as c:
            c.execute(text("insert into archived_file (sha256, sm3, size, path) values (:s, :s, 1, :s)"), {"s": sha})
            delivery = c.execute(
                text(
                    """insert into delivery (feed, department, name, sha256, run_id, as_of, coverage, state, accepted_at, supersedes, town,
                         rows_in, rows_accepted, rows_quarantined, rows_out_of_scope)
                       values (:feed, :department, :name, :sha, :run, :as_of, :coverage, :state, now(), :supersedes, :town,
                         :n, :accepted, :quarantined, :out) returning delivery_id"""
                ),
                {
                    "feed": feed,
                    "department": declared.department,
                    "name": name or f"{declared.title.zh}.xlsx",
                    "sha": sha,
                    "run": self.run_id,
                    "as_of": as_of or self.today,
                    "coverage": (coverage or declared.coverage).value,
                    "state": state,
                    "supersedes": supersedes,
                    "town": town,
                    "n": len(rows),
                    "accepted": len(rows) if disposition == "accepted" else 0,
                    "quarantined": len(rows) if disposition == "quarantined" else 0,
                    "out": len(rows) if disposition == "out_of_scope" else 0,
                },
            ).scalar_one()
            for number, given in enumerate(rows, 2):
                self._row(c, feed, int(delivery), number, dict(given), town, disposition)
        return int(delivery)

    def _row(
        self, c: Any, feed: str, delivery: int, number: int, given: dict[str, Any], town: str | None, disposition: str
    ) -> None:
        coop, link = given.pop("coop", None), given.pop("link", "identifier")
        declared = feed_catalogue()[feed]
        fields = {k: v.isoformat() if isinstance(v, date) else v for k, v in given.items()}
        if unknown := set(fields) - set(declared.by_name):
            raise AssertionError(f"{feed} has no fields {unknown}")
        who = {f.name: fields.get(f.name) for f in declared.fields if f.role is not None}
        key = _hash(sorted(who.items()), town, coop)
        codes = [v for f in declared.with_role(Role.CODE) if (v := fields.get(f.name))]
        c.execute(
            text("insert into profile (profile_key, name, codes, town) values (:k, :n, :c, :t) on conflict do nothing"),
            {"k": key, "n": fields.get("name"), "c": codes, "t": fields.get("town") or town},
        )
        if coop:
            c.execute(text("insert into cooperative_id (coop_id) values (:c) on conflict do nothing"), {"c": coop})
        if coop or link == "review":
            c.execute(
                text(
                    """insert into link (profile_key, coop_id, link, reason) values (:k, :c, :l, '测试')
                       on conflict (profile_key) do update set coop_id = excluded.coop_id, link = excluded.link"""
                ),
                {"k": key, "c": coop, "l": link},
            )
        c.execute(
            text(
                """insert into source_row (delivery_id, feed, row, disposition, profile_key, fields, raw, content_key)
                   values (:d, :f, :r, :p, :k, cast(:j as jsonb), '{}', :c)"""
            ),
            {
                "d": delivery,
                "f": feed,
                "r": number,
                "p": disposition,
                "k": key,
                "j": json.dumps(fields, ensure_ascii=False),
                "c": _hash(sorted((k, v) for k, v in fields.items() if k != "serial")),
            },
        )

    def project(self) -> MasterSummary:
        if not self.run_id:
            self.night(self.today)
        return project(self.engine, self.deployment, self.run_id, self.today)

    def one(self, coop: str) -> dict[str, Any]:
        """The master fields of one cooperative, as published."""
        with self.engine.connect() as c:
            row = c.execute(text("select fields from cooperative where coop_id = :c"), {"c": coop}).scalar()
        return dict(row) if row is not None else {}

    def evidence(self, coop: str) -> dict[str, Any]:
        """What stands behind one cooperative's fields: rows, deliveries, rules."""
        with self.engine.connect() as c:
            return read_evidence(c, [coop])[coop]
