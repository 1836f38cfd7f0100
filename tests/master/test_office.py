"""What the office reads: dossier, targets, changes, clean-up board, search."""

import json
from datetime import date
from typing import Any

import pytest
from sqlalchemy import Engine, text

from hub.errors import ConfigurationError
from hub.feeds import Privacy
from hub.master.changes import changes_since
from hub.master.cleanup import Stage, cleanup_board
from hub.master.dossier import HIDDEN, read_dossier
from hub.master.search import resolve_cooperative, search_cooperatives
from hub.master.targets import load_targets, target_statuses
from tests.master.builder import County, demo_deployment

USCC = "933391270000000011"
SEPTEMBER, OCTOBER = date(2026, 10, 1), date(2026, 11, 1)


def names(**more: Any) -> dict[str, Any]:
    return {"coop": "A", "name": "云岫县白石山茶叶专业合作社", **more}


def tax(coop: str, status: str = "03", **more: Any) -> dict[str, Any]:
    return {
        "coop": coop,
        "name": f"{coop}社专业合作社",
        "tax_number": f"9333912700000000{ord(coop)}",
        "status": status,
        **more,
    }


@pytest.fixture
def county(engine: Engine) -> County:
    """Two nights: A is a demonstration cooperative in trouble, B is being cleaned up, C appears, D goes."""
    c = County(engine).night(SEPTEMBER)
    c.deliver("tax_registration", [
        names(tax_number=USCC, status="03", representative="李四", representative_id="339127197001011234", phone="13800000000",
              address="白石镇石门村5号", registered_on=date(2012, 3, 1)),
        tax("B"), tax("D"),
    ], as_of=date(2026, 9, 30))  # fmt: skip
    c.deliver("market_abnormal", [names(code=USCC, reason="no_report", listed_on=date(2024, 7, 9), representative="张三", removed_on=date(2025, 1, 3))],
              as_of=date(2026, 9, 30))  # fmt: skip
    c.deliver(
        "demonstration",
        [names(level="provincial", awarded_in=2019), {"coop": "B", "name": "B社专业合作社", "level": "county"}],
    )
    c.deliver("traceability_subjects", [names(code=USCC)])
    c.deliver("township_cleanup", [{"coop": "B", "name": "B社专业合作社", "problem": "stopped", "proposed": "rectify", "progress": "under_way",
                                    "due_on": date(2026, 10, 15)}], town="白石镇")  # fmt: skip
    c.project()
    c.night(OCTOBER)
    c.deliver("tax_registration", [
        names(tax_number=USCC, status="05", representative="李四", phone="13800000000", address="白石镇石门村5号"), tax("B"), tax("C")],
        as_of=date(2026, 10, 31))  # fmt: skip
    c.deliver(
        "market_abnormal",
        [names(code=USCC, reason="no_report", listed_on=date(2026, 10, 9), representative="张三")],
        as_of=date(2026, 10, 31),
    )
    c.deliver(
        "complaints",
        [{"coop": "C", "name": "C社专业合作社", "registered_on": date(2026, 10, 8), "content": "拖欠货款"}],
    )
    c.project()
    return c


def test_a_dossier_tells_every_value_with_its_file_and_row(county: County, engine: Engine) -> None:
    with engine.connect() as c:
        one = read_dossier(c, "A")
    values = {v.name: v for v in one.values}
    assert values["representative"].value == "张三"
    place = values["representative"].places[0]
    assert (str(place), place.file) == (f"经营异常名录[{place.number}] 第 2 行", "经营异常名录.xlsx")
    assert one.attachments[place.number - 1]["name"] == place.file
    assert [(o.value, o.source) for o in values["representative"].others] == [("李四", "税务登记情况·法定代表人姓名")]
    assert values["tax_status"].value == "非正常"
    assert {r.feed for r in one.records} == {
        "market_abnormal",
        "tax_registration",
        "demonstration",
        "traceability_subjects",
    }
    answers = {a.rule: a for a in one.answers}
    assert answers["demonstration_in_trouble"].answer == "yes"
    assert dict(answers["shell_no_business"].parts)["连续两年未年报"] is False
    assert dict(answers["shell_stopped"].parts)["停业或非正常超过期限"] is None
    assert [m.what for m in one.timeline if m.kind == "market_abnormal"] == ["列入经营异常名录：未按规定报送年度报告"]
    assert "总表内容更新" in [m.what for m in one.timeline]
    assert {a["name"] for a in one.attachments} >= {"税务登记情况.xlsx", "经营异常名录.xlsx"}
    assert json.loads(one.to_json())["coop_id"] == "A"


def test_a_dossier_hides_what_the_reader_may_not_see(county: County, engine: Engine) -> None:
    with engine.connect() as c:
        then = read_dossier(c, "A", known_at=SEPTEMBER)
        public = read_dossier(c, "A", show=(Privacy.PUBLIC,))
    assert "339127197001011234" not in then.to_json()
    assert HIDDEN in then.to_json()
    assert "13800000000" in then.to_json()
    assert "13800000000" not in public.to_json()


def test_a_dossier_of_a_past_night_is_what_was_known_then(county: County, engine: Engine) -> None:
    with engine.connect() as c:
        then = {v.name: v.value for v in read_dossier(c, "A", known_at=SEPTEMBER).values}
        past_day = {v.name: v.value for v in read_dossier(c, "A", as_of=date(2026, 10, 10)).values}
        with pytest.raises(ConfigurationError):
            read_dossier(c, "C", known_at=SEPTEMBER)
    assert then["tax_status"] == "正常"
    assert (past_day["tax_status"], past_day["abnormal_since"]) == ("正常", "2026-10-09")


def test_a_dossier_says_the_same_as_the_master(county: County, engine: Engine) -> None:
    with engine.connect() as c:
        for coop in ("A", "B", "C", "D"):
            one = read_dossier(c, coop)
            fields = county.one(coop)
            assert {v.name for v in one.values} | {a.rule for a in one.answers if a.answer != "unknown"} == set(fields)
            assert all(fields.get(a.rule, "unknown") == a.answer for a in one.answers)


def test_what_changed_is_told_in_the_words_of_a_joint_meeting(county: County, engine: Engine) -> None:
    with engine.connect() as c:
        changes = changes_since(c, date(2026, 10, 5))
        first = changes_since(c, date(2026, 1, 1))
        none = changes_since(c, OCTOBER)
    found = {name: [(x.coop_id, x.before, x.after) for x in items] for name, items in changes.items.items() if items}
    assert found["newly_listed"] == [("A", "", "未按规定报送年度报告")]
    assert found["tax_turned"] == [("A", "正常", "非正常"), ("D", "正常", "")]
    assert found["new"] == [("C", "", "群众举报线索、税务登记情况")]
    assert [c for c, *_ in found["gone"]] == ["D"]
    assert found["clue_new"] == [("C", "", "有群众举报线索")]
    assert first.from_version is None
    assert first.counts["new"] == 4
    assert not any(none.counts.values())


def test_targets_say_how_far_who_is_missing_and_how_it_went(county: County, engine: Engine) -> None:
    with engine.connect() as c:
        by_name = {s.target.name: s for s in target_statuses(c, county.deployment)}
        then = {s.target.name: s for s in target_statuses(c, county.deployment, known_at=SEPTEMBER)}
    assert (by_name["provincial"].value, by_name["provincial"].missing_count, by_name["provincial"].verdict) == (
        1,
        29,
        "未达标",
    )
    traceable = by_name["traceable"]
    assert (traceable.value, traceable.base, [m.coop_id for m in traceable.missing]) == (0.5, 2, ["B"])
    assert traceable.trend == ((SEPTEMBER, 0.5), (OCTOBER, 0.5))
    assert by_name["governance"].unknown == 4
    assert by_name["open_affairs"].verdict == "缺数据"
    assert by_name["traceable"].days_left == (date(2027, 6, 30) - OCTOBER).days
    assert then["governance"].base == 3


def test_a_county_without_targets_yaml_has_the_usual_ones(county: County, tmp_path: Any) -> None:
    deployment = demo_deployment().model_copy(update={"folder": tmp_path})
    assert [(t.name, t.goal) for t in load_targets(deployment)][:4] == [
        ("national", 10),
        ("provincial", 30),
        ("city", 60),
        ("county", 100),
    ]
    (tmp_path / "targets.yaml").write_text(
        "- {name: x, title: {zh: 甲, en: x}, measure: share, rule: no_such_rule, goal: 80}\n- {name: y, title: {zh: 乙, en: y}, measure: titles}\n",
        encoding="utf-8",
    )
    with pytest.raises(ConfigurationError) as error:
        load_targets(deployment)
    assert len(error.value.problems) == 2
    assert "targets.yaml:1" in error.value.problems[0]


def test_the_board_shows_overdue_first_and_suspects_no_ledger_names_yet(county: County, engine: Engine) -> None:
    with engine.connect() as c:
        board = cleanup_board(c)
        own = cleanup_board(c, towns=["青溪镇"])
    assert [(e.coop_id, e.stage, e.days_overdue) for e in board.entries] == [
        ("B", Stage.OVERDUE, 17),
        ("C", Stage.SUSPECTED, 0),
    ]
    assert board.entries[0].proposed == "整改"
    assert board.entries[1].clues == ("有群众举报线索",)
    assert board.by_town()["白石镇"][Stage.OVERDUE] == 1
    assert own.entries == ()


@pytest.mark.parametrize("query", ["白石山", "云岫 茶叶", USCC, USCC[8:17], "A", "bssc", " 9333 9127 ".strip()])
def test_a_cooperative_is_found_by_name_code_id_or_initials(county: County, engine: Engine, query: str) -> None:
    with engine.connect() as c:
        assert "A" in [h.coop_id for h in search_cooperatives(c, query).hits]


def test_search_filters_by_town_answer_and_level(county: County, engine: Engine) -> None:
    with engine.connect() as c:
        assert [h.coop_id for h in search_cooperatives(c, answers={"abnormal_now": "yes"}).hits] == ["A"]
        assert [h.coop_id for h in search_cooperatives(c, level="county").hits] == ["B"]
        assert search_cooperatives(c, "100%_").total == 0
        assert search_cooperatives(c, towns=["白石镇"]).total == 2
        assert (search_cooperatives(c, limit=1, offset=1).total, len(search_cooperatives(c, limit=1).hits)) == (4, 1)
        with pytest.raises(ConfigurationError):
            search_cooperatives(c, answers={"no_such_rule": "yes"})


def test_a_cooperative_is_meant_by_id_code_or_name_and_a_merged_id_leads_on(county: County, engine: Engine) -> None:
    with engine.begin() as c:
        c.execute(text("insert into cooperative_id (coop_id, redirects_to) values ('OLD', 'A')"))
        assert resolve_cooperative(c, "OLD") == "A"
        assert resolve_cooperative(c, USCC.lower()) == "A"
        assert resolve_cooperative(c, "B社专业合作社") == "B"
        with pytest.raises(ConfigurationError, match="对应 4 个"):
            resolve_cooperative(c, "专业合作社")
        with pytest.raises(ConfigurationError, match="找不到"):
            resolve_cooperative(c, "没有这一家")
