"""A night computes only what it touches, and the table is the one that computing everything would have given."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, create_engine, text

from hub.feeds import Coverage
from hub.master import increment
from hub.master.basis import basis_of
from hub.master.projection import new_duck
from hub.master.publication import project, project_within
from hub.settings import Settings
from hub.store.database import database_url
from tests.master.builder import County

FIRST = date(2026, 5, 20)
COOPS = tuple("ABCDEFGH")
NAMES = ("白石山茶叶", "青溪竹笋", "龙潭水稻", "月湖莲藕", "石门山羊", "下坪果蔬", "梅岩菌菇", "里洋蜂蜜")
PEOPLE = ("张三", "李四", None)
PHONES = ("13800000001", "13800000002", None)
TABLES = ("cooperative_history", "cooperative", "cooperative_watch", "projection_state", "master_link", "master_delivery", "master_version",
          "link", "source_row", "delivery", "archived_file", "profile", "cooperative_id", "run")  # fmt: skip


def name(i: int, form: int = 0) -> str:
    return ("云岫县", "")[form % 2] + NAMES[i] + ("专业合作社", "合作社")[form // 2 % 2]


def forget(engine: Engine, tables: tuple[str, ...] = TABLES) -> None:
    with engine.begin() as c:
        for table in tables:
            c.execute(text(f"delete from {table}"))


def published(c: Connection) -> list[Any]:
    """All a projection leaves: rows, what is watched, the state."""
    rows = c.execute(
        text(
            "select coop_id, initials, fields, evidence, records, digest, founded_on from cooperative order by coop_id"
        )
    )
    watch = c.execute(text("select * from cooperative_watch order by coop_id"))
    state = c.execute(text("select digest, figures, deliveries from projection_state"))
    return [[tuple(r) for r in found] for found in (rows, watch, state)]


def projected_from_nothing(county: County) -> list[Any]:
    """The same night with the table dropped and everything projected, undone again."""
    with county.engine.connect() as c:
        for table in ("cooperative", "cooperative_watch", "projection_state"):
            c.execute(text(f"delete from {table}"))
        duck = new_duck()
        project_within(c, duck, basis_of(county.deployment), run_id=county.run_id, day=county.today, whole=True)
        duck.close()
        found = published(c)
        c.rollback()
    return found


who = st.integers(0, len(COOPS) - 1)
day_offset = st.integers(-900, 60)


@st.composite
def row(draw: st.DrawFn, feed: str) -> dict[str, Any]:
    i = draw(who)
    given_: dict[str, Any] = {"coop": COOPS[i], "name": name(i, draw(st.integers(0, 3)))}
    day = FIRST + timedelta(draw(day_offset))
    person, phone = draw(st.sampled_from(PEOPLE)), draw(st.sampled_from(PHONES))
    more: dict[str, dict[str, Any]] = {
        "tax_registration": {"status": draw(st.sampled_from(("03", "05", "04", "07"))), "abnormal_on": day, "modified_on": day, "phone": phone,
                             "representative": person, "address": draw(st.sampled_from(("白石镇石门村5号", "青溪镇溪口村3组", None)))},
        "market_abnormal": {"reason": draw(st.sampled_from(("no_report", "unreachable"))), "listed_on": day, "representative": person,
                            "removed_on": draw(st.sampled_from((None, day + timedelta(30), day + timedelta(400))))},
        "market_inspection": {"checked_on": day, "result": draw(st.sampled_from(("no_activity", "closed", "unreachable", "no_problem")))},
        "registry": {"founded_on": day - timedelta(400), "representative": person, "members": draw(st.integers(1, 9)),
                     "former_name": draw(st.sampled_from((None, "旧名合作社", "更旧名合作社")))},
        "traceability_subjects": {"phone": phone, "registered_on": day, "approval": draw(st.sampled_from(("approved", "pending")))},
        "traceability_batches": {"batch": str(draw(st.integers(0, 3))), "produced_on": day},
        "demonstration": {"level": draw(st.sampled_from(("national", "county"))), "awarded_in": draw(st.integers(2022, 2024))},
        "standardisation": {"governance": draw(st.booleans()), "checked_on": draw(st.sampled_from((None, day)))},
        "township_cleanup": {"progress": draw(st.sampled_from(("done", "not_started"))), "phone": phone,
                             "closed_on": draw(st.sampled_from((None, day))), "due_on": day},
        "fiscal_support": {"amount": draw(st.sampled_from((0.1, 1000.25))), "year": draw(st.integers(2020, 2026))},
        "complaints": {"registered_on": day, "outcome": draw(st.sampled_from(("founded", "unfounded", None)))},
    }  # fmt: skip
    return {**given_, **{k: v for k, v in more[feed].items() if v is not None}}


FEEDS = ("tax_registration", "market_abnormal", "market_inspection", "registry", "traceability_subjects", "traceability_batches",
         "demonstration", "standardisation", "township_cleanup", "fiscal_support", "complaints")  # fmt: skip


@st.composite
def happening(draw: st.DrawFn) -> tuple[str, Any]:
    kind = draw(st.sampled_from(("deliver",) * 6 + ("again", "again", "relink", "review", "reject", "correct")))
    if kind == "deliver":
        feed = draw(st.sampled_from(FEEDS))
        given_ = {
            "rows": draw(st.lists(row(feed), min_size=1, max_size=5)),
            "late": draw(st.sampled_from((0, 0, 0, 20, 200))),
            "name": draw(st.sampled_from((None, None, "另一份.xlsx"))),
            "coverage": draw(st.sampled_from((None, None, Coverage.FULL, Coverage.INCREMENT))),
            "town": draw(st.sampled_from(("白石镇", "青溪镇"))) if feed == "township_cleanup" else None,
        }
        return kind, (feed, given_)
    return kind, (draw(who), draw(who), draw(st.integers(0, 99)))


def act(county: County, sent: list[tuple[str, dict[str, Any], int]], kind: str, how: Any) -> None:
    if kind == "deliver":
        feed, told = how
        told = dict(told)
        late = timedelta(told.pop("late"))
        number = county.deliver(feed, told.pop("rows"), as_of=county.today - late, **told)
        sent.append((feed, how[1], number))
        return
    a, b, n = how
    with county.engine.begin() as c:
        have = set(c.execute(text("select coop_id from cooperative_id")).scalars())
        if kind == "relink" and {COOPS[a], COOPS[b]} <= have:
            c.execute(text("update link set coop_id = :b where coop_id = :a"), {"a": COOPS[a], "b": COOPS[b]})
        if kind == "review":
            c.execute(text("update link set coop_id = null, link = 'review' where coop_id = :a"), {"a": COOPS[a]})
    if not sent:
        return
    feed, told, number = sent[n % len(sent)]
    if kind == "again":  # the same list, in another order, as of today
        again = {**told, "rows": told["rows"][::-1], "late": 0}
        act(county, sent, "deliver", (feed, again))
    if kind == "reject":
        with county.engine.begin() as c:
            c.execute(text("update delivery set state = 'rejected' where delivery_id = :d"), {"d": number})
    if kind == "correct":
        new = county.deliver(feed, told["rows"][:1], supersedes=number, name="退回改正.xlsx", town=told["town"])
        with county.engine.begin() as c:
            c.execute(
                text("update source_row set superseded_by = :n where delivery_id = :d and row = 2"),
                {"n": new, "d": number},
            )


@pytest.mark.slow
@settings(
    max_examples=6,
    phases=(Phase.explicit, Phase.generate),  # a smaller example would take minutes to find
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.data_too_large],
)
@given(
    nights=st.lists(
        st.tuples(st.sampled_from((0, 1, 1, 12, 45, 200)), st.lists(happening(), max_size=4)), min_size=2, max_size=6
    )
)
def test_a_night_of_changes_gives_what_projecting_everything_gives(
    engine: Engine,
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    nights: list[tuple[int, list[Any]]],
) -> None:
    monkeypatch.setattr(increment, "WHOLE_FROM", 10)  # with eight cooperatives everything is soon touched
    own = create_engine(database_url(settings))
    forget(own)
    county = County(own)
    sent: list[tuple[str, dict[str, Any], int]] = []
    day = FIRST
    for later, happenings in nights:
        day += timedelta(later)
        county.night(day)
        for kind, how in happenings:
            act(county, sent, kind, how)
        county.project()
        with own.connect() as c:
            night = published(c)
        assert night == projected_from_nothing(county)
    own.dispose()


def tax(i: int, **more: Any) -> dict[str, Any]:
    return {"coop": COOPS[i], "name": name(i), "tax_number": f"9333912700000000{i}X", "status": "03", **more}


def computed(county: County, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Projects a night; which cooperatives were computed for it."""
    seen: set[str] = set()
    from hub.master import publication

    real = publication.writing.define_kept

    def watching(duck: Any, *tables: Any) -> None:
        real(duck, *tables)
        seen.update(c for (c,) in duck.execute("select coop_id from projected").fetchall())

    with monkeypatch.context() as patched:
        patched.setattr(publication.writing, "define_kept", watching)
        patched.setattr(increment, "WHOLE_FROM", 10)
        project(county.engine, county.deployment, county.run_id, county.today)
    return seen


def test_only_what_a_list_says_anew_is_computed(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    county = County(engine).night(FIRST)
    county.deliver("tax_registration", [tax(i) for i in range(6)])
    assert computed(county, monkeypatch) == set("ABCDEF")
    county.night(FIRST + timedelta(1))
    assert computed(county, monkeypatch) == set()
    county.night(FIRST + timedelta(2)).deliver(
        "tax_registration", [tax(i, **({"status": "05"} if i == 2 else {})) for i in range(5)]
    )
    assert computed(county, monkeypatch) == {"C", "F"}  # one turned, one is gone from the list


def test_a_day_on_which_a_term_runs_out_computes_those_it_concerns(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    county = County(engine).night(FIRST)
    county.deliver("tax_registration", [tax(0, founded_on=date(2024, 6, 1)), tax(1, founded_on=date(2010, 1, 1))])
    county.deliver("registry", [{"coop": "A", "name": name(0), "founded_on": date(2024, 6, 1)}])
    computed(county, monkeypatch)
    assert computed(county.night(date(2026, 5, 31)), monkeypatch) == set()
    assert computed(county.night(date(2026, 6, 1)), monkeypatch) == {"A"}


def test_a_third_cooperative_of_one_name_moves_the_answer_of_the_other_two(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    county = County(engine).night(FIRST)
    county.deliver("tax_registration", [tax(i, representative="张三" if i < 2 else None) for i in range(6)])
    computed(county, monkeypatch)
    assert county.one("A")["representative_of_several"] == "no"
    county.night(FIRST + timedelta(1))
    county.deliver("tax_registration", [tax(i, representative="张三" if i < 3 else None) for i in range(6)])
    assert computed(county, monkeypatch) == {"A", "B", "C"}
    assert {county.one(c)["representative_of_several"] for c in "ABC"} == {"yes"}


def test_new_thresholds_compute_everything(engine: Engine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import shutil

    from hub.deployment import load_deployment

    county = County(engine).night(FIRST)
    county.deliver("tax_registration", [tax(i) for i in range(6)])
    computed(county, monkeypatch)
    shutil.copytree(county.deployment.folder, tmp_path / "county")
    (tmp_path / "county" / "rules.yaml").write_text("several_phone: 5\n", encoding="utf-8")
    county.deployment = load_deployment(tmp_path / "county")
    assert computed(county, monkeypatch) == set("ABCDEF")


def relinked_profiles(engine: Engine, *, every: bool) -> list[tuple[Any, ...]]:
    """What a projection would find moved, without keeping it."""
    from hub.master.writing import find_relinked

    with engine.connect() as c:
        find_relinked(c, every=every)
        found = c.execute(text("select coop_id, was from relinked order by 1, 2")).all()
        c.rollback()
    return [tuple(r) for r in found]


def test_links_that_moved_are_found_by_their_notes_alone(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    county = County(engine).night(FIRST)
    county.deliver("tax_registration", [tax(i) for i in range(4)])
    computed(county, monkeypatch)
    with engine.begin() as c:
        assert c.execute(text("select count(*) from moved_link")).scalar_one() == 0  # the projection took them
        c.execute(text("update link set reason = 'said otherwise'"))
        assert c.execute(text("select count(*) from moved_link")).scalar_one() == 0  # nobody moved
        c.execute(text("update link set coop_id = 'B' where coop_id = 'A'"))
        c.execute(text("update link set link = 'review', coop_id = null where coop_id = 'C'"))
        c.execute(text("delete from link where coop_id = 'D'"))
    moved = relinked_profiles(engine, every=False)
    assert moved == relinked_profiles(engine, every=True) == [("B", "A"), (None, "C"), (None, "D")]
    assert computed(county.night(FIRST + timedelta(1)), monkeypatch) == {"B"}
    assert relinked_profiles(engine, every=True) == []


def test_one_brought_in_by_a_shared_name_still_counts_those_that_share_its_phone(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    county = County(engine).night(FIRST)
    lists = [
        tax(i, representative="张三" if i < 2 else None, phone=PHONES[0] if i in (0, 3, 4) else None) for i in range(6)
    ]
    county.deliver("tax_registration", lists)
    computed(county, monkeypatch)
    assert county.one("A")["phone_of_several"] == "yes"
    county.night(FIRST + timedelta(1))
    lists[2] = tax(2, representative="张三")
    county.deliver("tax_registration", lists)
    assert computed(county, monkeypatch) == {"A", "B", "C"}
    assert county.one("A")["phone_of_several"] == "yes"
    with county.engine.connect() as c:
        night = published(c)
    assert night == projected_from_nothing(county)


def test_one_that_vanishes_moves_the_answer_of_those_that_shared_its_name(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    county = County(engine).night(FIRST)
    county.deliver("tax_registration", [tax(i, representative="张三" if i < 3 else None) for i in range(6)])
    computed(county, monkeypatch)
    assert county.one("B")["representative_of_several"] == "yes"
    county.night(FIRST + timedelta(1))
    with engine.begin() as c:
        c.execute(text("update link set link = 'review', coop_id = null where coop_id = 'A'"))
    computed(county, monkeypatch)
    assert {county.one(c)["representative_of_several"] for c in "BC"} == {"no"}
    with county.engine.connect() as c:
        assert "A" not in c.execute(text("select coop_id from cooperative_watch")).scalars().all()
        night = published(c)
    assert night == projected_from_nothing(county)


@pytest.mark.parametrize("step", ["read_kept", "what_changed", "write_watch", "remember_links"])
def test_a_night_that_fails_leaves_everything_as_it_was(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    county = County(engine).night(FIRST)
    county.deliver("tax_registration", [tax(i, representative="张三" if i < 2 else None) for i in range(6)])
    computed(county, monkeypatch)
    with engine.connect() as c:
        before = published(c)
    county.night(FIRST + timedelta(1))
    county.deliver("tax_registration", [tax(i, representative="张三" if i < 3 else None) for i in range(6)])

    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("the disk is full")

    from hub.master import publication

    with monkeypatch.context() as patched:
        patched.setattr(publication.writing, step, fail)
        with pytest.raises(RuntimeError, match="disk is full"):
            computed(county, monkeypatch)
    with engine.connect() as c:
        assert published(c) == before
    assert computed(county, monkeypatch) == {"A", "B", "C"}
