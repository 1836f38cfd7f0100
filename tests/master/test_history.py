"""Two axes: when it was true, and when we knew. What a night published can be read again for ever."""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, create_engine, text

from hub.feeds import Coverage
from hub.master.datasets import DATASETS, read_dataset, read_datasets
from hub.settings import Settings
from hub.store.database import database_url
from tests.master.builder import County

FIRST = date(2026, 9, 1)
COOPS = ("A", "B", "C", "D")
NAMES = dict(
    zip(COOPS, ("白石山茶叶专业合作社", "青溪竹笋专业合作社", "龙潭水稻专业合作社", "月湖莲藕专业合作社"), strict=True)
)


def tax(coop: str, status: str = "03", **more: Any) -> dict[str, Any]:
    return {
        "coop": coop,
        "name": NAMES[coop],
        "tax_number": f"9333912700000000{COOPS.index(coop)}X",
        "status": status,
        **more,
    }


def listed(coop: str, on: date, removed: date | None = None) -> dict[str, Any]:
    return {"coop": coop, "name": NAMES[coop], "reason": "no_report", "listed_on": on, "removed_on": removed}


def everything(engine: Engine, known_at: date | int | None = None) -> dict[str, Any]:
    with engine.connect() as connection:
        return {n: t.to_pylist() for n, t in read_datasets(connection, DATASETS, known_at=known_at).items()}


def answers(engine: Engine, coop: str, rule: str, as_of: date, known_at: date | None = None) -> str:
    with engine.connect() as connection:
        rows = read_dataset(connection, "cooperatives", as_of=as_of, known_at=known_at).to_pylist()
    return next(str(r[rule]) for r in rows if r["coop_id"] == coop)


@pytest.fixture
def county(engine: Engine) -> County:
    return County(engine)


def test_a_full_list_ends_what_it_no_longer_contains(county: County, engine: Engine) -> None:
    county.night(FIRST).deliver("tax_registration", [tax("A"), tax("B")])
    county.project()
    county.night(FIRST + timedelta(30)).deliver("tax_registration", [tax("A")])
    county.project()
    assert "tax_status" not in county.one("B")
    assert county.one("B")["tax_registered"] == "no"
    assert [r["coop_id"] for r in everything(engine)["tax_registrations"]] == ["A"]
    assert [r["coop_id"] for r in everything(engine, FIRST)["tax_registrations"]] == ["A", "B"]


@pytest.mark.parametrize("coverage", [Coverage.INCREMENT, Coverage.PROBLEMS])
def test_increments_and_problem_lists_end_nothing(county: County, coverage: Coverage) -> None:
    county.night(FIRST).deliver("tax_registration", [tax("A"), tax("B", "05")], coverage=coverage)
    county.project()
    county.night(FIRST + timedelta(30)).deliver("tax_registration", [tax("B", "03")], coverage=coverage)
    county.project()
    assert county.one("A")["tax_status"] == "03"
    assert county.one("B")["tax_status"] == "03"  # the newer statement about the same registration
    assert county.one("B")["tax_registrations"] == 1


def test_each_township_ends_only_its_own_list(county: County) -> None:
    entry = {"problem": "stopped", "proposed": "deregister"}
    county.night(FIRST).deliver("township_cleanup", [{"coop": "A", "name": NAMES["A"], **entry}], town="白石镇")
    county.deliver("township_cleanup", [{"coop": "B", "name": NAMES["B"], **entry}], town="青溪镇")
    county.project()
    county.night(FIRST + timedelta(30)).deliver(
        "township_cleanup", [{"coop": "C", "name": NAMES["C"], **entry}], town="白石镇"
    )
    county.project()
    assert county.one("A")["in_cleanup"] == "no"
    assert county.one("B")["in_cleanup"] == "yes"
    assert county.one("C")["in_cleanup"] == "yes"
    assert "in_cleanup" not in county.night(FIRST).one("D")


def test_parts_of_one_list_live_side_by_side_and_a_renamed_list_replaces_the_old(county: County) -> None:
    county.night(FIRST).deliver(
        "demonstration", [{"coop": "A", "name": NAMES["A"], "level": "national"}], name="国家级示范社.xlsx"
    )
    county.deliver("demonstration", [{"coop": "B", "name": NAMES["B"], "level": "county"}], name="县级示范社2026.xlsx")
    county.project()
    assert (county.one("A")["demonstration_level"], county.one("B")["demonstration_level"]) == ("national", "county")
    county.night(FIRST + timedelta(30))
    rows = [{"coop": "B", "name": NAMES["B"], "level": "county"}, {"coop": "C", "name": NAMES["C"], "level": "county"}]
    county.deliver("demonstration", [*rows[1:], rows[0]], name="2026年10月县示范社（新名单）.xlsx")
    county.project()
    assert county.one("A")["demonstration_level"] == "national"
    county.night(FIRST + timedelta(60)).deliver("demonstration", rows[1:], name="县示范社（新名单）2026.11.xlsx")
    county.project()
    assert "demonstration_level" not in county.one("B")


def test_a_correction_replaces_its_row_and_nothing_else(county: County, engine: Engine) -> None:
    first = county.night(FIRST).deliver("tax_registration", [tax("A"), tax("B", "05")])
    county.project()
    correction = county.night(FIRST + timedelta(3)).deliver(
        "tax_registration", [tax("B", "03")], supersedes=first, name="退回改正.xlsx"
    )
    with engine.begin() as c:
        c.execute(
            text("update source_row set superseded_by = :c where delivery_id = :d and row = 3"),
            {"c": correction, "d": first},
        )
    county.project()
    assert county.one("A")["tax_status"] == "03"
    assert (county.one("B")["tax_status"], county.one("B")["tax_registrations"]) == ("03", 1)
    assert [r["status"] for r in everything(engine, FIRST)["tax_registrations"]] == ["03", "05"]


def test_what_was_true_on_a_day_and_what_we_knew_of_it_are_two_questions(county: County, engine: Engine) -> None:
    county.night(date(2026, 9, 5)).deliver(
        "market_abnormal", [listed("A", date(2026, 7, 1)), listed("B", date(2026, 7, 1))], as_of=date(2026, 8, 31)
    )
    county.deliver("tax_registration", [tax("A"), tax("B")], as_of=date(2026, 8, 31))
    county.project()
    county.night(date(2026, 11, 5)).deliver(
        "market_abnormal",
        [
            listed("A", date(2026, 7, 1), removed=date(2026, 9, 20)),
            listed("B", date(2026, 7, 1)),
            listed("C", date(2026, 9, 10)),
        ],
        as_of=date(2026, 10, 31),
    )
    county.deliver("tax_registration", [tax("A", "05"), tax("B"), tax("C")], as_of=date(2026, 10, 31))
    county.project()
    # on 15 September A was still listed; that C was too we learned later, and did not know then
    assert answers(engine, "A", "abnormal_now", date(2026, 9, 15)) == "yes"
    assert answers(engine, "C", "abnormal_now", date(2026, 9, 15)) == "yes"
    assert answers(engine, "A", "abnormal_now", date(2026, 10, 1)) == "no"
    assert answers(engine, "A", "tax_status", date(2026, 10, 1)) == "03"
    assert answers(engine, "A", "tax_status", date(2026, 11, 5)) == "05"
    assert answers(engine, "A", "abnormal_now", date(2026, 9, 1), known_at=date(2026, 9, 30)) == "yes"
    with engine.connect() as connection:
        then = read_dataset(connection, "abnormal_decisions", as_of=date(2026, 9, 15)).to_pylist()
        assert [(r["coop_id"], r["removed_on"]) for r in then] == [("A", None), ("B", None), ("C", None)]
        known = read_dataset(connection, "cooperatives", known_at=date(2026, 9, 30)).to_pylist()
    assert {r["coop_id"] for r in known} == {"A", "B"}
    assert {r["abnormal_now"] for r in known} == {"yes"}


deliveries = st.one_of(
    st.tuples(
        st.just("tax_registration"),
        st.lists(st.tuples(st.sampled_from(COOPS), st.sampled_from(["03", "05", "07"])), max_size=4),
    ),
    st.tuples(
        st.just("complaints"),
        st.lists(st.tuples(st.sampled_from(COOPS), st.sampled_from(["拖欠货款", "虚报成员"])), max_size=2),
    ),
    st.tuples(
        st.just("demonstration"),
        st.lists(st.tuples(st.sampled_from(COOPS), st.sampled_from(["city", "county"])), max_size=3),
    ),
    st.tuples(st.just("relink"), st.tuples(st.sampled_from(COOPS), st.sampled_from(COOPS))),
)


def act(county: County, what: str, how: Any) -> None:
    if what == "relink":
        with county.engine.begin() as c:
            have = set(c.execute(text("select coop_id from cooperative_id")).scalars())
            if set(how) <= have:
                c.execute(text("update link set coop_id = :b where coop_id = :a"), {"a": how[0], "b": how[1]})
        return
    rows = {
        "tax_registration": tax,
        "complaints": lambda c, v: {"coop": c, "name": NAMES[c], "registered_on": FIRST, "content": v},
        "demonstration": lambda c, v: {"coop": c, "name": NAMES[c], "level": v},
    }[what]
    if how:
        county.deliver(what, [rows(c, v) for c, v in how])


@pytest.mark.slow
@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(nights=st.lists(st.lists(deliveries, max_size=3), min_size=2, max_size=4))
def test_any_past_night_reads_as_it_was_published_and_all_can_be_rebuilt(
    engine: Engine, settings: Settings, nights: list[list[Any]]
) -> None:
    own = create_engine(database_url(settings))
    with own.begin() as c:
        for table in ("projection_state", "cooperative_watch", "cooperative_history", "cooperative", "master_link", "master_delivery", "master_version", "link", "source_row",
                      "delivery", "archived_file", "profile", "cooperative_id", "run"):  # fmt: skip
            c.execute(text(f"delete from {table}"))
    county = County(own)
    published: dict[date, dict[str, Any]] = {}
    for i, night in enumerate(nights):
        county.night(FIRST + timedelta(40 * i))
        for what, how in night:
            act(county, what, how)
        county.project()
        published[county.today] = everything(own)
    for day, then in published.items():
        assert everything(own, day) == then
    with own.begin() as c:
        for table in (
            "projection_state",
            "cooperative_watch",
            "cooperative_history",
            "cooperative",
            "master_link",
            "master_delivery",
            "master_version",
        ):
            c.execute(text(f"delete from {table}"))
    county.project()
    assert everything(own) == published[county.today]
    own.dispose()
