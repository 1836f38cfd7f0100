"""A night matches only what changed, with the same links, ids, events and questions as matching everything from nothing."""

import json
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, text

from hub.deployment import Deployment
from hub.errors import ConflictError
from hub.matching.decisions import decide, revoke
from hub.matching.model import load_model
from hub.matching.names import Gazetteer
from hub.matching.reference import Reference, reference_from_json
from hub.matching.resolve import MatchSummary, resolve
from tests.matching.rows import accept, county_deployment, row, uscc
from tests.matching.test_properties import TABLES, counties

_SHOWN = {
    "link": "select profile_key, coop_id, link, score, reason, evidence::text from link order by 1",
    "candidate": "select profile_a, profile_b, kind, probability, evidence::text, rows from candidate order by 1, 2",
    "id": "select coop_id, redirects_to, seed_profile, home_profile from cooperative_id order by 1",
    "event": "select kind, coop_id, other_id, reason from id_event order by 1, 2, 3, 4",
}


def _written(connection: Connection) -> dict[str, list[Any]]:
    return {name: list(map(tuple, connection.execute(text(query)))) for name, query in _SHOWN.items()}


def _followed(connection: Connection) -> dict[str, str]:
    """Where each id leads, as whoever stored it learns from the events alone."""
    leads: dict[str, str] = {}
    for kind, coop_id, other in connection.execute(text("select kind, coop_id, other_id from id_event order by seq")):
        leads[coop_id] = other if kind == "merged" else coop_id
    return leads


def _both_ways(engine: Engine, deployment: Deployment, workspace: Path) -> MatchSummary:
    """One night matched from nothing and taken back, then matched as nights are: the same in every table."""
    from hub.matching.resolve import resolve_within

    model = load_model()
    with engine.connect() as connection:
        whole = resolve_within(connection, deployment, None, model)
        expected = _written(connection)
        connection.rollback()
    partial = resolve(engine, deployment, None, model=model, workspace=workspace)
    with engine.connect() as connection:
        assert _written(connection) == expected
        ids = connection.execute(text("select coop_id, redirects_to from cooperative_id")).all()
        assert _followed(connection) == {r.coop_id: r.redirects_to or r.coop_id for r in ids}
    assert (whole.profiles, whole.links, whole.rows, whole.cooperatives, whole.events, whole.questions) == (
        partial.profiles,
        partial.links,
        partial.rows,
        partial.cooperatives,
        partial.events,
        partial.questions,
    )
    return partial


def _take_back(engine: Engine, number: int) -> None:
    """A delivery that a person rejects after all."""
    with engine.begin() as connection:
        ids = (
            connection.execute(text("select delivery_id from delivery where state = 'accepted' order by 1"))
            .scalars()
            .all()
        )
        if ids:
            connection.execute(
                text("update delivery set state = 'rejected' where delivery_id = :id"), {"id": ids[number % len(ids)]}
            )


def _decide(engine: Engine, first: int, second: int, verdict: str) -> None:
    with engine.begin() as connection:
        keys = connection.execute(text("select profile_key from link order by 1")).scalars().all()
        a, b = keys[first % len(keys)], keys[second % len(keys)]
        if a != b:
            try:
                with connection.begin_nested():
                    decide(connection, a, b, verdict, person="张三", reason="试")
            except ConflictError:
                return


def _revoke(engine: Engine, number: int) -> None:
    with engine.begin() as connection:
        standing = (
            connection.execute(text("select decision_id from decision where revoked_at is null order by 1"))
            .scalars()
            .all()
        )
        if standing:
            revoke(connection, standing[number % len(standing)], person="李四", reason="撤")


steps = st.one_of(
    st.tuples(st.just("accept"), counties),
    st.tuples(st.just("reject"), st.integers(0, 9)),
    st.tuples(
        st.just("decide"), st.integers(0, 40), st.integers(0, 40), st.sampled_from(("same", "different", "unsure"))
    ),
    st.tuples(st.just("revoke"), st.integers(0, 9)),
)


@pytest.mark.slow
@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(counties, st.lists(st.lists(steps, min_size=1, max_size=3), min_size=1, max_size=3))
def test_a_partial_night_writes_what_a_full_one_would(
    engine: Engine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    first: list[dict[str, Any]],
    nights: list[list[Any]],
) -> None:
    monkeypatch.setattr("hub.matching.reference.DRIFT", 1e9)  # the reference stays, so every night may be partial
    monkeypatch.setattr(
        import_module("hub.matching.resolve"), "_LARGE", 0
    )  # so that full nights load as those of large counties do
    for limit, most in (("MOST_WITH_A_CUT", 2), ("MOST_WITH_A_KEY", 3), ("MOST_WITH_A_NAME_KEY", 5)):
        monkeypatch.setattr(f"hub.matching.bonds.{limit}", most)  # so that keys become too common in so small a county
    deployment = county_deployment(tmp_path)
    workspace = tmp_path / "matching.duckdb"
    with engine.begin() as connection:
        for name in TABLES:
            connection.execute(text(f"delete from {name}"))
    accept(engine, first)
    assert _both_ways(engine, deployment, workspace).full
    for night in nights:
        for kind, *rest in night:
            {"accept": accept, "reject": _take_back, "decide": _decide, "revoke": _revoke}[kind](engine, *rest)  # type: ignore[operator]
        assert not _both_ways(engine, deployment, workspace).full
    assert not resolve(engine, deployment, None, workspace=workspace).changed


def test_what_a_night_learned_is_the_same_when_read_again() -> None:
    places = Gazetteer(
        frozenset({"云岫县"}),
        frozenset({"云岫"}),
        {"白石": "白石镇"},
        frozenset({"茶叶"}),
        "云岫县",
        frozenset({"王村"}),
        {"云山县": "云岫县"},
    )
    learned = Reference(places, 300)
    assert reference_from_json(json.loads(json.dumps(learned.to_json()))) == learned


COUNTY_ROWS = [
    row(f"云岫县{brand}{trade}专业合作社", uscc(n), representative=f"王{brand}", town="白石镇", phone=f"138{n:08d}")
    for n, (brand, trade) in enumerate(
        (b, t)
        for b in ("兴旺", "石门", "大河", "金果", "和平", "绿源", "清泉", "福农")
        for t in ("果蔬", "茶叶", "生猪", "水稻", "养蜂")
    )
]


def test_a_night_looks_at_what_changed_only(engine: Engine, tmp_path: Path) -> None:
    deployment, workspace = county_deployment(tmp_path), tmp_path / "matching.duckdb"
    accept(engine, COUNTY_ROWS)
    assert resolve(engine, deployment, None, workspace=workspace).full
    accept(engine, [row("兴旺果蔬合作社", town="白石镇", feed="demonstration")])
    night = resolve(engine, deployment, None, workspace=workspace)
    assert not night.full
    assert 2 <= night.looked_at < 20
    assert night.links["name"] == 1


def test_a_list_sent_again_changes_nothing(engine: Engine, tmp_path: Path) -> None:
    deployment, workspace = county_deployment(tmp_path), tmp_path / "matching.duckdb"
    accept(engine, COUNTY_ROWS)
    resolve(engine, deployment, None, workspace=workspace)
    with engine.begin() as connection:
        connection.execute(
            text(
                "insert into delivery (feed, department, name, sha256, as_of, coverage, state, rows_in, rows_accepted) "
                "select feed, department, 'again', sha256, as_of, coverage, state, rows_in, rows_accepted from delivery"
            )
        )
        connection.execute(
            text(
                'insert into source_row (delivery_id, feed, "row", disposition, profile_key, fields, raw, content_key) '
                'select (select max(delivery_id) from delivery), feed, "row", disposition, profile_key, fields, raw, content_key '
                "from source_row"
            )
        )
    night = resolve(engine, deployment, None, workspace=workspace)
    assert (night.changed, night.full, night.looked_at) == (True, False, 0)
    assert night.rows["new"] == 2 * len(COUNTY_ROWS)


@pytest.mark.parametrize("harm", ["delete", "damage", "older"])
def test_without_its_own_tables_a_night_is_full_and_the_links_are_the_same(
    engine: Engine, tmp_path: Path, harm: str
) -> None:
    deployment, workspace = county_deployment(tmp_path), tmp_path / "matching.duckdb"
    accept(engine, COUNTY_ROWS)
    resolve(engine, deployment, None, workspace=workspace)
    older = workspace.read_bytes()
    accept(engine, [row("兴旺果蔬合作社", town="白石镇", feed="demonstration")])
    resolve(engine, deployment, None, workspace=workspace)
    accept(engine, [row("大河养蜂合作社", feed="demonstration")])
    if harm == "delete":
        workspace.unlink()
    else:
        workspace.write_bytes(b"no database" if harm == "damage" else older)
    assert _both_ways(engine, deployment, workspace).full
    accept(engine, [row("石门茶叶合作社", feed="demonstration")])
    assert not _both_ways(engine, deployment, workspace).full


def test_a_night_that_fails_halfway_leaves_nothing_and_the_next_one_does_it_all(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment, workspace = county_deployment(tmp_path), tmp_path / "matching.duckdb"
    accept(engine, COUNTY_ROWS)
    resolve(engine, deployment, None, workspace=workspace)
    accept(engine, [row("兴旺果蔬合作社", town="白石镇", feed="demonstration")])
    with engine.connect() as connection:
        before = _written(connection)

    def fail(*_: object, **__: object) -> None:
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr("hub.matching.writing.write_questions", fail)
        with pytest.raises(OSError, match="disk full"):
            resolve(engine, deployment, None, workspace=workspace)
    with engine.connect() as connection:
        assert _written(connection) == before
    assert not _both_ways(engine, deployment, workspace).full


def test_when_the_county_grows_the_gazetteer_is_learned_anew(engine: Engine, tmp_path: Path) -> None:
    deployment, workspace = county_deployment(tmp_path), tmp_path / "matching.duckdb"
    accept(engine, COUNTY_ROWS[:8])
    resolve(engine, deployment, None, workspace=workspace)
    accept(engine, COUNTY_ROWS)
    assert _both_ways(engine, deployment, workspace).full


def test_another_county_or_model_makes_a_night_full(engine: Engine, tmp_path: Path) -> None:
    deployment, workspace = county_deployment(tmp_path), tmp_path / "matching.duckdb"
    accept(engine, COUNTY_ROWS)
    resolve(engine, deployment, None, workspace=workspace)
    renamed = deployment.__class__(
        **{**deployment.__dict__, "county": deployment.county.model_copy(update={"city": "新江市"})}
    )
    assert resolve(engine, renamed, None, workspace=workspace).full
