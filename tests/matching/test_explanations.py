"""Whoever asks why is told: for a link what speaks for it, what against, and how sure; for a split who keeps the id, and why."""

from __future__ import annotations

import re
from pathlib import Path

from sqlalchemy import Engine, text

from hub.matching.assignment import Group, KnownId, assign_ids
from hub.matching.model import load_model
from hub.matching.reasons import model_reason
from hub.matching.resolve import resolve
from tests.matching.rows import accept, county_deployment, links, row, uscc
from tests.matching.test_decisions import say


def reason_of(engine: Engine, name: str) -> tuple[str, float, list[dict[str, object]]]:
    """The sentence of a link, its certainty, and its evidence."""
    with engine.connect() as connection:
        found = connection.execute(
            text("select reason, score, evidence from link join profile using (profile_key) where name = :n"),
            {"n": name},
        ).one()
    return found.reason, found.score, found.evidence.get("items", [])


def test_a_link_says_what_speaks_for_it_what_against_and_how_sure_it_is(engine: Engine, tmp_path: Path) -> None:
    known = {"representative": "王小明", "phone": "13900010001", "town": "白石镇"}
    rows = [
        row("云岫县兴旺果蔬专业合作社", uscc(1), **known, times=2),
        row("云岫县兴望果蔬专业合作社", **{**known, "phone": "13955550002"}, feed="supply_marketing"),
        row("云岫县石门茶叶专业合作社", uscc(2), representative="李大山", town="青溪镇"),
    ]
    resolve(engine, county_deployment(tmp_path), accept(engine, rows))
    reason, score, items = reason_of(engine, "云岫县兴望果蔬专业合作社")
    told = re.fullmatch(r"与“云岫县兴旺果蔬专业合作社”(.+)，但(.+)，判断为同一家（把握 (.+)）。", reason)
    assert told, reason
    speaking, against, sure = told.groups()
    assert {"字号和行业同音", "负责人相同（本县少见）", "乡镇相同"} <= set(speaking.split("、"))
    assert against.split("、") == ["电话不同"]
    assert sure == ("99.9% 以上" if score > 0.999 else f"{score:.1%}")
    assert {str(i["title"]) for i in items if float(str(i["weight"])) > 1} == set(speaking.split("、"))
    assert {str(i["title"]) for i in items if float(str(i["weight"])) < -1} == set(against.split("、"))
    assert not any(said in reason + str(items) for said in ("王小明", "1390001", "1395555"))


def test_a_certainty_is_never_told_as_a_hundred_percent() -> None:
    model = load_model()
    levels = {"name": 15, "representative": 3}
    assert "把握 99.9% 以上" in model_reason(levels, 1.0, model, with_name=None)
    assert "把握 97.4%" in model_reason(levels, 0.974, model, with_name="某社")
    assert "但" not in model_reason(levels, 0.99, model, with_name=None)


def test_a_link_by_a_code_says_which_and_that_the_name_fits(engine: Engine, tmp_path: Path) -> None:
    rows = [row("云岫县兴旺果蔬专业合作社", uscc(1), times=2), row("兴旺果蔬合作社", uscc(1)[8:17], feed="water")]
    resolve(engine, county_deployment(tmp_path), accept(engine, rows))
    assert reason_of(engine, "兴旺果蔬合作社")[0] == "组织机构代码与该社其他记录一致，名称相符。"


def test_a_split_leaves_the_id_with_the_part_that_has_the_code_and_says_so(engine: Engine, tmp_path: Path) -> None:
    deployment = county_deployment(tmp_path)
    plain, coded = "兴旺果蔬合作社", "云岫县兴旺果蔬专业合作社"
    resolve(engine, deployment, accept(engine, [row(plain, town="白石镇", feed="demonstration", times=9)]))
    kept = links(engine)[plain][0]
    resolve(engine, deployment, accept(engine, [row(coded, uscc(1), town="白石镇")]))
    assert links(engine)[coded][0] == kept
    say(engine, plain, coded, "different")
    resolve(engine, deployment, None)
    found = links(engine)
    assert found[coded][0] == kept != found[plain][0]
    with engine.connect() as connection:
        split = connection.execute(text("select coop_id, other_id, reason from id_event where kind = 'split'")).one()
    assert (split.coop_id, split.other_id) == (found[plain][0], kept)
    assert split.reason == f"从 {kept} 分出；{kept} 留给有统一社会信用代码的一方。"


def test_without_a_code_the_part_it_was_first_given_to_keeps_the_id_however_few_its_rows() -> None:
    known, linked = [KnownId("A", 1, None, "a")], {"a": "A", "b": "A"}
    split = assign_ids([Group(("a",), False, 1), Group(("b",), False, 50)], known, linked)
    assert split.ids[0] == "A"
    assert [e.reason for e in split.events] == ["从 A 分出；A 留给一直使用该编号的一方。"]


def test_where_both_or_neither_have_a_code_the_reason_does_not_speak_of_codes() -> None:
    known, linked = [KnownId("A", 1, None, "a")], {"a": "A", "b": "A"}
    split = assign_ids([Group(("a",), True, 1), Group(("b",), True, 50)], known, linked)
    assert split.ids[0] == "A"
    assert [e.reason for e in split.events] == ["从 A 分出；A 留给一直使用该编号的一方。"]


def test_when_what_it_was_given_to_is_gone_the_part_with_most_rows_keeps_the_id() -> None:
    known, linked = [KnownId("A", 1, None, "gone")], {"b": "A", "c": "A"}
    split = assign_ids([Group(("b",), False, 2), Group(("c",), False, 5)], known, linked)
    assert split.ids[1] == "A"
    assert [e.reason for e in split.events] == ["从 A 分出；A 留给行数较多的一方。"]
