"""Accepted rows for tests of matching, straight into the tables: what acceptance would have written."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import date
from typing import Any

from sqlalchemy import Connection, Engine, text

from hub.deployment import County, Deployment, Town
from hub.identifiers.codes import make_uscc, organisation_check_character
from hub.intake.profile import profile_key

COUNTY = County(
    name="云岫县", code="339127", city="岚江市", towns=(Town(name="白石镇"), Town(name="青溪镇"), Town(name="龙潭镇"))
)


def county_deployment(tmp_path: Any) -> Deployment:
    """A deployment of the test county without feeds of its own."""
    from hub.deployment import USUAL_DEPARTMENTS

    return Deployment(folder=tmp_path, county=COUNTY, departments=USUAL_DEPARTMENTS, feeds=())


def uscc(number: int) -> str:
    """A valid cooperative's credit code."""
    first8 = f"{number * 7919 % 100_000_000:08d}"
    return make_uscc("339127", first8 + organisation_check_character(first8))


def row(name: str | None = None, code: str | None = None, **more: Any) -> dict[str, Any]:
    """One row's profile: `representative`, `phone`, `town`, `address`, `former_name`, `founded_on`; `feed` and `times`."""
    return {"name": name, "codes": (code,) if code else (), **more}


def new_run(connection: Connection) -> int:
    """A run to hang rows and links on."""
    return int(
        connection.execute(
            text("insert into run (kind, business_date) values ('nightly', :day) returning run_id"),
            {"day": date(2026, 11, 1)},
        ).scalar_one()
    )


def accept(engine: Engine, rows: Iterable[dict[str, Any]], *, feed: str = "tax_registration") -> int:
    """Writes rows as one accepted delivery a feed; returns a run."""
    rows = list(rows)
    with engine.begin() as connection:
        run_id = new_run(connection)
        by_feed: dict[str, list[dict[str, Any]]] = {}
        for one in rows:
            by_feed.setdefault(one.get("feed", feed), []).append(one)
        for name, members in by_feed.items():
            _deliver(connection, run_id, name, members)
    return run_id


def _deliver(connection: Connection, run_id: int, feed: str, rows: list[dict[str, Any]]) -> None:
    sha = uuid.uuid4().hex
    total = sum(r.get("times", 1) for r in rows)
    connection.execute(
        text("insert into archived_file (sha256, sm3, size, path) values (:sha, :sha, 1, :sha)"), {"sha": sha}
    )
    delivery_id = connection.execute(
        text(
            "insert into delivery (feed, department, name, sha256, run_id, as_of, coverage, state, rows_in, rows_accepted) "
            "values (:feed, 'tax', :sha, :sha, :run, '2026-11-01', 'full', 'accepted', :n, :n) returning delivery_id"
        ),
        {"feed": feed, "sha": sha, "run": run_id, "n": total},
    ).scalar_one()
    number = 1
    for one in rows:
        parts = {k: v for k, v in one.items() if k not in {"feed", "times"}}
        key = profile_key(**parts)
        connection.execute(
            text(
                "insert into profile (profile_key, name, former_name, codes, representative, phone, town, address, "
                "founded_on, first_run_id) values (:key, :name, :former_name, :codes, :representative, :phone, :town, "
                ":address, :founded_on, :run) on conflict do nothing"
            ),
            {
                "key": key,
                "run": run_id,
                **{k: parts.get(k) for k in ("name", "former_name", "representative", "phone", "town", "address")},
                "founded_on": parts.get("founded_on"),
                "codes": list(parts["codes"]),
            },
        )
        for _ in range(one.get("times", 1)):
            number += 1
            connection.execute(
                text(
                    'insert into source_row (delivery_id, feed, "row", disposition, profile_key, fields, raw, content_key) '
                    "values (:d, :feed, :row, 'accepted', :key, '{}', '{}', :content)"
                ),
                {"d": delivery_id, "feed": feed, "row": number, "key": key, "content": uuid.uuid4().hex},
            )


def links(engine: Engine) -> dict[str, tuple[str | None, str]]:
    """Name (with the representative where there is one) -> (coop_id, link)."""
    with engine.connect() as connection:
        rows = connection.execute(
            text("select p.name, p.representative, l.coop_id, l.link from link l join profile p using (profile_key)")
        )
        return {f"{r.name}/{r.representative}" if r.representative else str(r.name): (r.coop_id, r.link) for r in rows}
