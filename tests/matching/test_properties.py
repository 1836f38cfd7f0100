"""What holds for every county: order does not matter, revoking is as if never decided, a "different" cuts every path."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import networkx as nx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from hub.deployment import Deployment
from hub.matching.assignment import Group, KnownId, assign_ids
from hub.matching.clusters import Clusters
from hub.matching.coop_id import ALPHABET, clean_coop_id, is_coop_id, make_coop_id
from hub.matching.decisions import decide, revoke
from hub.matching.matcher import Outcome, match_profiles
from hub.matching.resolve import resolve
from tests.matching.profiles import partition, profile_table
from tests.matching.rows import COUNTY, accept, county_deployment, row, uscc

few = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])

_BRANDS = ("兴旺", "兴盛", "兴望", "旺兴", "牛山", "牛蹄山", "石门", "石")
_TRADES = ("果蔬", "茶叶", "茶业", "果蔬种植")
_SUFFIXES = ("专业合作社", "农民专业合作社", "合作社", "专业合作社联合社", "专业社")
_REGIONS = ("云岫县", "", "云岫", "岚江市", "白石镇")
names = st.builds(
    lambda r, b, t, s: f"{r}{b}{t}{s}",
    st.sampled_from(_REGIONS),
    st.sampled_from(_BRANDS),
    st.sampled_from(_TRADES),
    st.sampled_from(_SUFFIXES),
)
people = st.sampled_from(("王小明", "王小名", "李大山", None))
rows = st.builds(
    lambda name, code, rep, phone, town, feed: row(
        name, uscc(code) if code else None, representative=rep, phone=phone, town=town, feed=feed
    ),
    names,
    st.integers(0, 4),
    people,
    st.sampled_from(("13800000001", "13800000002", None)),
    st.sampled_from(("白石镇", "青溪镇", None)),
    st.sampled_from(("tax_registration", "demonstration", "township_cleanup")),
)
counties = st.lists(rows, min_size=2, max_size=14)


def matched(table: Any, same: Any = (), different: Any = ()) -> Outcome:
    return match_profiles(table, county=COUNTY, same=list(same), different=set(different))


def facts(table: Any, outcome: Outcome) -> Any:
    keys = table["profile_key"].to_pylist()
    asked = {frozenset((keys[q.a], keys[q.b])) for q in outcome.questions}
    return partition(keys, outcome.group, outcome.link), outcome.link, asked


@few
@given(counties, st.randoms(use_true_random=False))
def test_the_order_of_rows_and_of_decisions_does_not_matter(county: list[dict[str, Any]], random: Any) -> None:
    table = profile_table(county)
    shuffled = list(county)
    random.shuffle(shuffled)
    n = table.num_rows
    same = [(random.randrange(n), random.randrange(n)) for _ in range(2)]
    same = [p for p in same if p[0] != p[1]]
    assert facts(table, matched(table, same)) == facts(table, matched(profile_table(shuffled), same[::-1]))


@few
@given(counties, st.data())
def test_no_cooperative_holds_two_profiles_decided_to_be_different(county: list[dict[str, Any]], data: Any) -> None:
    table = profile_table(county)
    pair = st.tuples(st.integers(0, table.num_rows - 1), st.integers(0, table.num_rows - 1)).filter(
        lambda p: p[0] < p[1]
    )
    if table.num_rows < 2:
        return
    different = data.draw(st.sets(pair, max_size=4))
    outcome = matched(table, (), different)
    assert all(outcome.group[a] != outcome.group[b] for a, b in different)


@few
@given(counties)
def test_no_cooperative_has_two_valid_credit_codes(county: list[dict[str, Any]]) -> None:
    table = profile_table(county)
    outcome = matched(table)
    bears: dict[int, set[str]] = {}
    for i, codes in enumerate(table["codes"].to_pylist()):
        if i in outcome.grouping.how:
            bears.setdefault(outcome.group[i], set()).update(codes)
    assert all(len(codes) <= 1 for codes in bears.values())


@given(st.integers(2, 30), st.data())
def test_sets_without_decisions_are_connected_components(size: int, data: Any) -> None:
    item = st.integers(0, size - 1)
    edges = data.draw(st.lists(st.tuples(item, item), max_size=40))
    sets = Clusters(size)
    for a, b in edges:
        assert sets.join(a, b)
    graph = nx.Graph()
    graph.add_nodes_from(range(size))
    graph.add_edges_from(edges)
    expected = {min(c): sorted(c) for c in nx.connected_components(graph)}
    assert {sets.find(i): sorted(sets.members(i)) for i in range(size)} == expected


@given(st.integers(2, 20), st.data())
def test_sets_never_join_what_is_decided_different(size: int, data: Any) -> None:
    pair = st.tuples(st.integers(0, size - 1), st.integers(0, size - 1)).filter(lambda p: p[0] != p[1])
    different = data.draw(st.lists(pair, max_size=5))
    sets = Clusters(size, different)
    for a, b in data.draw(st.lists(pair, max_size=40)):
        sets.join(a, b)
    assert all(sets.find(a) != sets.find(b) for a, b in different)


@given(st.integers(0, 594_823_320))
def test_an_id_shows_every_wrong_character_and_every_swap(number: int) -> None:
    coop_id = make_coop_id(number)
    assert is_coop_id(coop_id)
    assert clean_coop_id(f" {coop_id[:3]}-{coop_id[3:].lower()}") == coop_id
    for i in range(7):
        for c in ALPHABET:
            wrong = coop_id[:i] + c + coop_id[i + 1 :]
            assert is_coop_id(wrong) == (wrong == coop_id)
    for i in range(6):
        swapped = coop_id[:i] + coop_id[i + 1] + coop_id[i] + coop_id[i + 2 :]
        assert is_coop_id(swapped) == (swapped == coop_id)


@given(st.sets(st.integers(0, 594_823_320), max_size=50))
def test_ids_of_different_numbers_differ(numbers: set[int]) -> None:
    assert len({make_coop_id(n) for n in numbers}) == len(numbers)


def test_merging_and_undoing_gives_the_old_ids_back() -> None:
    one, two = Group(("a",), True, 3), Group(("b",), False, 1)
    first = assign_ids([one, two], [], {})
    known = [KnownId(i, n, None, s) for n, (i, s) in enumerate(first.seeds.items())]
    linked = {"a": first.ids[0], "b": first.ids[1]}
    merged = assign_ids([Group(("a", "b"), True, 4)], known, linked)
    assert merged.ids == [first.ids[0]]
    assert merged.redirects == {first.ids[1]: first.ids[0]}
    known = [KnownId(k.coop_id, k.order, merged.redirects.get(k.coop_id), k.seed_profile) for k in known]
    undone = assign_ids([one, two], known, {"a": first.ids[0], "b": first.ids[0]})
    assert undone.ids == first.ids
    assert [e.kind for e in undone.events] == ["restored"]
    assert undone.redirects == {first.ids[1]: None}


def test_an_id_whose_first_profile_waits_stays_with_a_part_that_has_no_other() -> None:
    a, b = KnownId("A", 1, None, "a"), KnownId("B", 2, None, "b")
    linked = {"a": "A", "a2": "A", "a3": "A", "b": "B", "b2": "B"}
    one, two = Group(("b", "b2", "a2"), True, 3), Group(("a3",), True, 1)
    moved = assign_ids([one, two], [a, b], linked, {"a"})
    assert moved.ids == ["B", "A"]
    assert not moved.events
    assert not moved.redirects


def test_redirects_never_lead_to_a_redirect() -> None:
    groups = [Group((p,), False, 1) for p in "abc"]
    first = assign_ids(groups, [], {})
    known = [KnownId(i, n, None, s) for n, (i, s) in enumerate(first.seeds.items())]
    a, b, c = first.ids
    step = assign_ids([Group(("b", "c"), False, 2), groups[0]], known, {"a": a, "b": b, "c": c})
    assert step.redirects == {c: b}
    known = [KnownId(k.coop_id, k.order, step.redirects.get(k.coop_id), k.seed_profile) for k in known]
    last = assign_ids([Group(("a", "b", "c"), False, 3)], known, {"a": a, "b": b, "c": b})
    assert last.ids == [a]
    assert last.redirects == {b: a, c: a}


def test_an_id_that_leads_elsewhere_because_of_another_is_told_too() -> None:
    """C went into A, and A into B; A comes back and takes C along: whoever stored C must learn where it leads."""
    known = [KnownId("A", 1, "B", "a"), KnownId("B", 0, None, "b"), KnownId("C", 2, "B", "c")]
    back = assign_ids([Group(("a", "c"), False, 2), Group(("b",), False, 1)], known, {"a": "B", "b": "B", "c": "B"})
    assert back.ids == ["A", "B"]
    assert back.redirects == {"A": None, "C": "A"}
    assert [(e.kind, e.coop_id, e.other_id) for e in back.events] == [("restored", "A", "B"), ("merged", "C", "A")]


@given(st.lists(st.lists(st.integers(0, 3), min_size=6, max_size=6), min_size=2, max_size=6), st.data())
def test_whoever_follows_the_events_knows_where_every_id_leads(nights: list[list[int]], data: Any) -> None:
    """Profiles a to f lie together in other ways every night; some wait for a person."""
    known: dict[str, KnownId] = {}
    linked: dict[str, str] = {}
    leads: dict[str, str] = {}
    for lying in nights:
        waiting = data.draw(st.sets(st.sampled_from("abcdef"), max_size=2))
        inside: dict[int, list[str]] = {}
        for profile, where in zip("abcdef", lying, strict=True):
            if profile not in waiting:
                inside.setdefault(where, []).append(profile)
        groups = [Group(tuple(found), "a" in found, len(found)) for found in inside.values()]
        made = assign_ids(groups, list(known.values()), linked, waiting)
        known |= {i: KnownId(i, len(known) + n, None, seed) for n, (i, seed) in enumerate(made.seeds.items())}
        known |= {i: replace(known[i], redirects_to=target) for i, target in made.redirects.items()}
        known |= {i: replace(known[i], home_profile=home) for i, home in made.homes.items()}
        linked = {p: i for p, i in linked.items() if p not in waiting}
        linked |= {p: i for group, i in zip(groups, made.ids, strict=True) for p in group.profiles}
        for event in made.events:
            leads[event.coop_id] = str(event.other_id) if event.kind == "merged" else event.coop_id
        assert leads == {i: k.redirects_to or i for i, k in known.items()}


TABLES = (
    "match_state", "candidate", "decision", "link", "id_event", "cooperative_id", "source_row", "delivery", "archived_file",
    "profile", "run",
)  # fmt: skip


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(counties, st.data())
def test_nights_one_by_one_link_as_one_night_would_and_undoing_is_as_if_never(
    engine: Engine, tmp_path: Path, county: list[dict[str, Any]], data: Any
) -> None:
    deployment = county_deployment(tmp_path)
    with engine.begin() as connection:
        for name in TABLES:
            connection.execute(text(f"delete from {name}"))
    half = len(county) // 2
    accept(engine, county[:half])
    resolve(engine, deployment, None)
    accept(engine, county[half:])
    assert resolve(engine, deployment, None).profiles == profile_table(county).num_rows
    table = profile_table(county)
    keys = table["profile_key"].to_pylist()
    outcome = matched(table)
    assert _parts(engine) == partition(keys, outcome.group, outcome.link)
    before = _links(engine)
    assert not resolve(engine, deployment, None).changed
    assert _links(engine) == before
    if len(keys) < 2:
        return
    a, b = data.draw(st.sampled_from([(x, y) for x in keys for y in keys if x < y]))
    _decide_and_take_back(engine, deployment, a, b, data.draw(st.sampled_from(["same", "different"])))
    assert _links(engine) == before


def _decide_and_take_back(engine: Engine, deployment: Deployment, a: str, b: str, verdict: str) -> None:
    """A night with a decision, and one without it again."""
    with engine.begin() as connection:
        number = decide(connection, a, b, verdict, person="张三", reason="试")
    resolve(engine, deployment, None)
    with engine.begin() as connection:
        revoke(connection, number, person="张三", reason="撤")
    resolve(engine, deployment, None)


def test_an_id_comes_back_though_all_it_was_given_to_waited_for_a_person(engine: Engine, tmp_path: Path) -> None:
    deployment = county_deployment(tmp_path)
    brand, feed = "云岫县兴旺果蔬专业合作社", "tax_registration"
    uncoded = row(brand, representative="王小明", phone="13800000001", town="白石镇", feed=feed)
    accept(
        engine,
        [
            row("云岫县旺兴茶叶农民专业合作社", representative="王小明", town="白石镇", feed=feed),
            uncoded,
            row(brand, uscc(2), representative="李大山", town="白石镇", feed=feed),
        ],
    )
    resolve(engine, deployment, None)
    others = [
        row("岚江市兴旺果蔬专业合作社", representative="王小明", phone="13800000001", feed=feed),
        row(
            "白石镇牛蹄山果蔬专业合作社",
            uscc(2),
            representative="李大山",
            phone="13800000001",
            town="白石镇",
            feed=feed,
        ),
    ]
    accept(engine, [others[0], uncoded, others[1]])
    resolve(engine, deployment, None)
    before = _links(engine)
    waiting = {k for k, (coop_id, _) in before.items() if coop_id is None}
    assert len(waiting) == 2
    a, b = profile_table(others)["profile_key"].to_pylist()
    _decide_and_take_back(engine, deployment, a, b, "same")
    assert _links(engine) == before


def _links(engine: Engine) -> dict[str, tuple[str | None, str]]:
    with engine.connect() as connection:
        rows = connection.execute(text("select profile_key, coop_id, link from link"))
        return {r.profile_key: (r.coop_id, r.link) for r in rows}


def _parts(engine: Engine) -> set[frozenset[str]]:
    members: dict[str, set[str]] = {}
    for key, (coop_id, _) in _links(engine).items():
        members.setdefault(coop_id or key, set()).add(key)
    return {frozenset(m) for m in members.values()}
