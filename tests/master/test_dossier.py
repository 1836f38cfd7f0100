"""A dossier as it was known: disputes, ids, names and reasons of later days are not in it; and what a reader may not see is nowhere."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from sqlalchemy import Engine, text

from hub.feeds import Privacy
from hub.master.datasets import DATASETS
from hub.master.dossier import HIDDEN, Dossier, read_dossier
from hub.sharing import corrections
from hub.sharing.corrections import Dispute, Person
from hub.sharing.working_days import WorkingCalendar
from tests.master.builder import County

SEPTEMBER, OCTOBER = date(2026, 10, 1), date(2026, 11, 1)
PHONE = "13800000000"
TAX, TOWNS, OFFICE = Person("wang", "tax"), Person("li", "townships"), Person("zhao", "agriculture", office=True)


def said(coop: str, **more: Any) -> dict[str, Any]:
    return {
        "coop": coop,
        "name": f"{coop}社专业合作社",
        "tax_number": f"9333912700000000{ord(coop)}",
        "status": "03",
        **more,
    }


@pytest.fixture
def county(engine: Engine) -> County:
    """Two nights. After the first the office found that B's row is A's."""
    c = County(engine).night(SEPTEMBER)
    c.deliver("tax_registration", [said("A", phone=PHONE), said("B")], as_of=SEPTEMBER)
    c.deliver(
        "registry", [{"coop": "A", "name": "A社专业合作社", "former_name": "老甲社专业合作社", "status": "active"}]
    )
    c.project()
    c.night(OCTOBER)
    c.deliver("tax_registration", [said("A", phone=PHONE), said("B")], as_of=OCTOBER)
    with engine.begin() as connection:
        connection.execute(text("update link set coop_id = 'A' where coop_id = 'B'"))
        connection.execute(text("update cooperative_id set redirects_to = 'A' where coop_id = 'B'"))
        connection.execute(
            text(
                "insert into id_event (run_id, kind, coop_id, other_id, reason) values (:r, 'merged', 'B', 'A', '并入')"
            ),
            {"r": c.run_id},
        )
    c.project()
    return c


def dossier(engine: Engine, coop: str = "A", **more: Any) -> Dossier:
    with engine.connect() as connection:
        return read_dossier(connection, coop, **more)


def test_ids_names_and_reasons_are_those_of_the_night(county: County, engine: Engine) -> None:
    now, then = dossier(engine), dossier(engine, known_at=SEPTEMBER)
    assert (now.redirected_from, then.redirected_from) == (("B",), ())
    assert [m.what for m in now.timeline if m.kind == "identity"] == ["与另一编号合并：并入"]
    assert [m.what for m in then.timeline if m.kind == "identity"] == []
    assert {(n.name, n.rows) for n in now.namings} == {("A社专业合作社", 2), ("A社专业合作社", 1), ("B社专业合作社", 2)}
    assert {(n.name, n.rows) for n in then.namings} == {("A社专业合作社", 1)}
    (other,) = dossier(engine, "B", known_at=SEPTEMBER).namings
    assert (other.link, other.reason) == ("", "后来改归别处，当时归入本社的理由没有留存。")


def test_former_names_are_told(county: County, engine: Engine) -> None:
    assert {v.name: v.value for v in dossier(engine).values}["former_names"] == "老甲社专业合作社"


def test_a_dispute_stands_in_a_dossier_as_it_stood_that_day(county: County, engine: Engine) -> None:
    calendar = WorkingCalendar()
    with engine.begin() as c:
        dispute = Dispute(
            dataset="cooperatives", coop_id="A", field="phone", value=PHONE, proposed="13900000000", reason="打不通"
        )
        number = corrections.raise_correction(
            c, county.deployment, calendar, dispute, TAX, datasets=DATASETS, today=date(2026, 10, 10)
        )
        corrections.accept(c, calendar, number, OFFICE, today=date(2026, 10, 12))
        corrections.answer(c, number, OFFICE, outcome="upheld", text="号码属实", today=date(2026, 10, 20))

    def stood(day: date | None) -> list[tuple[Any, ...]]:
        found = dossier(engine, known_at=day).disputes
        return [(d["state"], d["flagged"], d["outcome"], d["answer"], d["value"]) for d in found]

    assert stood(date(2026, 10, 9)) == []
    assert stood(date(2026, 10, 11)) == [("raised", False, None, None, PHONE)]
    assert stood(date(2026, 10, 12)) == [("flagged", True, None, None, PHONE)]
    assert stood(date(2026, 10, 20)) == [("unflagged", False, "upheld", "号码属实", PHONE)]
    assert stood(None) == stood(date(2026, 10, 20))
    (public,) = dossier(engine, show=(Privacy.PUBLIC,)).disputes
    assert (public["value"], public["proposed"], public["reason"]) == (HIDDEN, HIDDEN, "打不通")
    with engine.begin() as c:
        dispute = Dispute(
            dataset="cooperatives", coop_id="A", field=None, value=None, proposed=f"电话是{PHONE}", reason="整行有误"
        )
        corrections.raise_correction(
            c, county.deployment, calendar, dispute, TAX, datasets=DATASETS, today=date(2026, 10, 21)
        )
    assert PHONE not in dossier(engine, show=(Privacy.PUBLIC,)).to_json()
