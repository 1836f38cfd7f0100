"""Child records, each in its dataset, and the fields of the master read off them."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from hub.master.datasets import read_datasets
from hub.master.dossier import read_dossier
from hub.master.unions import read_members
from tests.master.builder import County

TODAY = date(2026, 11, 1)
UNION = "云岫县兴农果蔬专业合作社联合社"


def said(coop: str, **more: Any) -> dict[str, Any]:
    return {"coop": coop, "name": UNION if coop == "U" else f"{coop}社专业合作社", **more}


def code(coop: str) -> str:
    return f"9333912700000000{ord(coop)}"


@pytest.fixture
def county(engine: Engine) -> County:
    c = County(engine).night(TODAY)
    c.deliver("market_inspection", [
        said("A", code=code("A"), checked_on=date(2026, 3, 2), result="no_problem"),
        said("A", code=code("A"), checked_on=date(2026, 5, 6), product="草莓", verdict="pass"),
        said("A", code=code("A"), checked_on=date(2026, 8, 9), product="西瓜", verdict="fail"),
    ])  # fmt: skip
    c.deliver("tax_registration", [
        said("A", tax_number=code("A"), status="03", tax_office="白石税务所", phone="13800000000"),
        said("B", tax_number=code("B"), status="03", phone="13800000000"),
        said("C", tax_number=code("C"), status="03", phone="1380000000"),
    ])  # fmt: skip
    c.deliver("traceability_batches", [
        said("A", code=code("A"), product="草莓", batch="20260401001", certificate="HG-1", produced_on=date(2026, 4, 1)),
        said("A", code=code("A"), product="草莓", batch="20260502001", produced_on=date(2026, 5, 2)),
    ])  # fmt: skip
    c.deliver("demonstration", [
        said("A", code=code("A"), level="city", system="agriculture", awarded_in=2021, monitored_in=2025, monitoring="pass"),
        said("A", code=code("A"), level="county", system="agriculture", awarded_in=2018),
    ])  # fmt: skip
    c.deliver("supply_marketing", [said("A", title_level="省级")])
    c.deliver("finance", [said("A", record_type="credit", credit_grade="AA", graded_on=date(2026, 2, 3))])
    c.deliver(
        "fiscal_support",
        [said("A", project="冷库建设", amount=200_000.0, year=2024, document_number="云农〔2024〕5号")],
    )
    c.deliver(
        "support_measures",
        [
            said(
                "A", measure="training", content="理事长培训", supported_on=date(2026, 6, 7), provided_by="县农业农村局"
            )
        ],
    )
    c.deliver("complaints", [said("B", registered_on=date(2026, 10, 8), content="拖欠货款")])
    c.deliver("registry", [said("U", code=code("U"), status="active")])
    c.deliver("union_members", [
        said("A", code=code("A"), union_name=UNION, union_code=code("U"), joined_on=date(2022, 1, 1)),
        said("B", code=code("B"), union_name=UNION, joined_on=date(2022, 1, 1), left_on=date(2025, 6, 30)),
        said("C", code=code("C"), union_name="邻县丰收联合社", joined_on=date(2023, 1, 1)),
    ])  # fmt: skip
    c.project()
    return c


def test_every_kind_of_record_stands_in_its_own_dataset(county: County, engine: Engine) -> None:
    names = (
        "inspections",
        "product_samples",
        "batches",
        "demonstration_titles",
        "support",
        "complaints",
        "finance",
        "clues",
    )
    with engine.connect() as c:
        found = {name: table.to_pylist() for name, table in read_datasets(c, names).items()}
    assert [(r["checked_on"], r["result"]) for r in found["inspections"]] == [(date(2026, 3, 2), "no_problem")]
    assert {(r["product"], r["verdict"]) for r in found["product_samples"]} == {("草莓", "pass"), ("西瓜", "fail")}
    assert {(r["batch"], r["certificate"]) for r in found["batches"]} == {
        ("20260401001", "HG-1"),
        ("20260502001", None),
    }
    assert {(r["level"], r["awarded_in"], r["monitoring"]) for r in found["demonstration_titles"]} == {
        ("city", 2021, "pass"), ("county", 2018, None),
    }  # fmt: skip
    assert {(r["measure"], r["content"], r["amount"], r["year"], r["provided_by"]) for r in found["support"]} == {
        ("project", "冷库建设", 200_000.0, 2024, None), ("training", "理事长培训", None, 2026, "县农业农村局"),
    }  # fmt: skip
    assert [(r["coop_id"], r["content"]) for r in found["complaints"]] == [("B", "拖欠货款")]
    assert [(r["credit_grade"], r["graded_on"]) for r in found["finance"]] == [("AA", date(2026, 2, 3))]
    assert ("B", "shell_reported") in {(r["coop_id"], r["rule"]) for r in found["clues"]}


def test_the_master_says_in_one_row_what_the_records_come_to(county: County) -> None:
    one = county.one("A")
    assert one["tax_office"] == "白石税务所"
    assert (one["last_batch_on"], one["batches"], one["certificates"]) == ("2026-05-02", 2, 1)
    assert (one["last_sampling_on"], one["last_sampling_verdict"]) == ("2026-08-09", "fail")
    assert one["last_inspection_on"] == "2026-03-02"
    assert one["demonstration_titles"] == "市级（农业农村，2021年）；县级（农业农村，2018年）"
    assert one["supply_marketing_title"] == "省级"
    assert (one["credit_grade"], one["credit_graded_on"]) == ("AA", "2026-02-03")
    assert (one["support_total"], one["support_last_year"]) == (200_000.0, 2026)


def test_a_phone_is_flagged_by_its_shape_and_by_who_else_gives_it(engine: Engine) -> None:
    several = County(engine).night(TODAY)
    shared = [said(x, tax_number=code(x), status="03", phone="13800000000") for x in "ABCDE"]
    several.deliver("tax_registration", [*shared, said("F", tax_number=code("F"), status="03", phone="1380000000"),
                                         said("G", tax_number=code("G"), status="03", phone="0571-86001234")])  # fmt: skip
    several.project()
    assert [several.one(x).get("phone_flags") for x in "AFG"] == ["多家共用", "不像电话号码", None]


def test_a_member_tells_its_unions_and_a_union_its_members(county: County, engine: Engine) -> None:
    with engine.connect() as c:
        rows = {r["coop_id"]: r for r in read_datasets(c, ["union_memberships"])["union_memberships"].to_pylist()}
        members = read_members(c, "U")
        then = read_datasets(c, ["union_memberships"], as_of=date(2024, 1, 1))["union_memberships"].to_pylist()
        union, member = read_dossier(c, "U"), read_dossier(c, "A")
    assert {k: r["union_coop_id"] for k, r in rows.items()} == {"A": "U", "B": "U", "C": None}
    assert [(m.coop_id, m.left_on) for m in members] == [("A", None), ("B", date(2025, 6, 30))]
    assert {r["coop_id"]: r["left_on"] for r in then} == {"A": None, "B": None, "C": None}
    assert [county.one(x).get("unions") for x in "ABC"] == [UNION, None, "邻县丰收联合社"]
    assert union.members == members and member.members == ()
    assert f"加入联合社：{UNION}" in [m.what for m in member.timeline]


def test_a_threshold_set_by_the_county_turns_the_answer(engine: Engine, tmp_path: Path) -> None:
    county = County(engine).night(TODAY)
    county.deployment = county.deployment.model_copy(update={"folder": tmp_path})
    county.deliver("tax_registration", [said(x, tax_number=code(x), status="03", phone="13800000000") for x in "AB"])
    answers = []
    for several in (2, 3):
        (tmp_path / "rules.yaml").write_text(f"several_phone: {several}\n", encoding="utf-8")
        county.project()
        answers.append((county.one("A")["phone_of_several"], county.one("A").get("phone_flags")))
    assert answers == [("yes", "多家共用"), ("no", None)]
