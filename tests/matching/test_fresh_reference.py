"""A night below the drift keeps what it takes for granted of the county (gazetteer, number of cooperatives). Learned afresh from
the same rows, everything is exactly the same if that is the same, and hardly a link is another if it is not."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, text

from hub.matching.model import load_model
from hub.matching.reference import DRIFT
from hub.matching.resolve import resolve, resolve_within
from tests.matching.counties import SORTS, SmallCounty, small_county
from tests.matching.rows import accept, county_deployment
from tests.matching.test_properties import TABLES


def rows_of(county: SmallCounty) -> list[dict[str, Any]]:
    """The county's profiles as rows to accept, one a feed."""
    rows = []
    for profile in county.profiles.to_pylist():
        said = {k: v for k, v in profile.items() if k not in {"profile_key", "n_rows", "feeds"}}
        rows += [{**said, "codes": tuple(said["codes"]), "feed": feed} for feed in profile["feeds"]]
    return rows


def written(connection: Connection) -> dict[str, dict[Any, Any]]:
    """Links with ids, open questions, and the certainties of both."""
    links = connection.execute(text("select profile_key, coop_id, link, score from link")).all()
    asked = connection.execute(text("select profile_a, profile_b, kind, rows, probability from candidate")).all()
    return {
        "links": {r.profile_key: (r.coop_id, r.link) for r in links},
        "questions": {(r.profile_a, r.profile_b): (r.kind, r.rows) for r in asked},
        "certainties": {r[0]: r.score for r in links} | {(r.profile_a, r.profile_b): r.probability for r in asked},
    }


def reference(connection: Connection) -> dict[str, Any]:
    kept = connection.execute(text("select value from match_state where name = 'reference'")).scalar_one()
    found: dict[str, Any] = json.loads(kept)["reference"]
    return found


@pytest.mark.slow
@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(sorted(SORTS)), st.integers(1, 10))
def test_a_night_below_the_drift_links_as_one_with_a_freshly_learned_reference(
    engine: Engine, tmp_path: Path, sort: str, seed: int
) -> None:
    county = small_county(sort, seed=seed, cooperatives=120, mess=1.0)
    deployment = county_deployment(tmp_path).model_copy(update={"county": county.county})
    rows = rows_of(county)
    Random(seed).shuffle(rows)
    tonight = int(len(county.entities) * DRIFT * 0.9)
    with engine.begin() as connection:
        for name in TABLES:
            connection.execute(text(f"delete from {name}"))
    accept(engine, rows[tonight:])
    resolve(engine, deployment, None, workspace=tmp_path / "matching.duckdb")
    accept(engine, rows[:tonight])
    assert not resolve(engine, deployment, None, workspace=tmp_path / "matching.duckdb").full
    with engine.connect() as connection:
        partial, kept = written(connection), reference(connection)
        connection.execute(text("delete from match_state"))
        assert resolve_within(connection, deployment, None, load_model()).full
        fresh, learned = written(connection), reference(connection)
        connection.rollback()
    if learned == kept:
        assert partial == fresh
    for what in ("links", "questions"):
        differing = {k for k in partial[what] | fresh[what] if partial[what].get(k) != fresh[what].get(k)}
        assert len(differing) <= len(partial["links"]) / 100, (what, differing)
