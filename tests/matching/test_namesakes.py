"""Cooperatives named nearly alike, and codes of others: nothing is linked past what speaks against it."""

from __future__ import annotations

from typing import Any

from hub.matching.matcher import Outcome, match_profiles
from tests.matching.profiles import profile_table
from tests.matching.rows import COUNTY, row, uscc


def matched(rows: list[dict[str, Any]], **decided: Any) -> tuple[Outcome, list[dict[str, Any]]]:
    table = profile_table(rows)
    return match_profiles(table, county=COUNTY, **decided), table.to_pylist()


def test_two_rows_of_different_towns_never_meet_in_a_cooperative_that_names_no_town() -> None:
    outcome, found = matched(
        [
            row("云岫县长洋农机专业合作社", uscc(1), times=3),
            row("云岫县长洋农机专业合作社", representative="方光兴", town="白石镇", feed="township_cleanup"),
            row("云岫县长洋农机农民专业合作社", representative="周燕", town="青溪镇", feed="township_cleanup"),
        ]
    )
    town = {p["town"]: i for i, p in enumerate(found)}
    assert outcome.group[town["白石镇"]] == outcome.group[town[None]]
    assert outcome.link[town["青溪镇"]] == "review"
    assert [(q.a, q.waits) for q in outcome.questions] == [(town["青溪镇"], True)]


def test_a_name_of_the_prefecture_is_not_taken_for_the_countys() -> None:
    outcome, found = matched(
        [
            row("平白旗康农毛竹专业合作社", uscc(1), representative="黄贵涛", times=2),
            *(row(f"南中盟{brand}养殖专业合作社", uscc(n)) for n, brand in enumerate("春夏秋冬梅兰", 2)),
            *(row(f"平白旗{brand}牧业专业合作社", uscc(n)) for n, brand in enumerate("春夏秋冬梅兰", 12)),
            row("南中盟康农毛竹专业合作社", feed="demonstration"),
        ]
    )
    of_prefecture = next(i for i, p in enumerate(found) if p["name"].startswith("南中盟康农"))
    assert outcome.link[of_prefecture] == "review"


def test_a_code_beyond_repair_may_be_a_namesakes_own() -> None:
    beyond = uscc(9)[:9] + "77" + uscc(9)[11:]
    known = row("云岫县雁岭种植农民专业合作社", uscc(1), representative="陈义峰", times=2)
    links = []
    for name, person in (("雁岭种植合作社", None), ("雁岭种植合作社", "陈义峰"), (known["name"], None)):
        outcome, found = matched([known, row(name, beyond, representative=person, feed="market_abnormal")])
        links.append(outcome.link[next(i for i, p in enumerate(found) if beyond in p["codes"])])
    assert links == ["review", "name", "name"]


def test_a_damaged_code_that_is_another_names_is_a_question() -> None:
    slipped = uscc(1)[:11] + ("2" if uscc(1)[11] != "2" else "3") + uscc(1)[12:]
    outcome, _ = matched(
        [
            row("云岫县兴旺果蔬专业合作社", uscc(1), representative="李大山", times=2),
            row("云岫县石门茶叶专业合作社", slipped, representative="李大山", feed="market_abnormal"),
        ]
    )
    assert len(set(outcome.group)) == 2
    assert [q.kind for q in outcome.questions] == ["conflict"]


def test_whose_a_code_is_stays_a_question_after_a_person_said_whose_the_name_is() -> None:
    """A former name on two rows: that they are one settles the name; the code still belongs to another name."""
    rows = [
        row("云岫县兴旺果蔬专业合作社", uscc(1), representative="李大山", times=2),
        row("云岫县石门茶叶专业合作社", uscc(1), representative="王小明", feed="market_abnormal"),
        row("云岫县石门茶叶专业合作社", representative="王小明", town="白石镇", feed="township_cleanup"),
    ]
    outcome, found = matched(rows)
    coded = next(i for i, p in enumerate(found) if p["codes"] and "石门" in p["name"])
    ledger = next(i for i, p in enumerate(found) if not p["codes"])
    owner = next(i for i, p in enumerate(found) if "兴旺" in p["name"])
    assert {coded, ledger} in [{q.a, q.b} for q in outcome.questions]
    named, _ = matched(rows, same=[(coded, ledger)])
    (question,) = named.questions
    assert owner in (question.a, question.b)
    assert not question.waits
    assert named.link[coded] == named.link[ledger] == "decision"
    whole, _ = matched(rows, same=[(coded, ledger), (question.a, question.b)])
    assert len(set(whole.group)) == 1


def test_a_code_pasted_elsewhere_stays_with_the_namesake_that_is_always_written_so() -> None:
    """A 农民专业合作社 beside a 专业合作社 of its name keeps its code against a line it was copied to."""
    outcome, found = matched(
        [
            row("云岫县五谷香水产专业合作社", uscc(1), representative="严木川", times=3),
            row("云岫县五谷香水产农民专业合作社", uscc(2), representative="田家菊"),
            row("云岫县石门茶叶专业合作社", uscc(3), representative="王小明", times=4),
            row("云岫县石门茶叶专业合作社", uscc(2), representative="王小明", feed="market_abnormal", times=2),
        ]
    )
    namesake = next(i for i, p in enumerate(found) if "农民" in p["name"])
    assert outcome.organisation[outcome.group[namesake]] == uscc(2)[8:17]
    assert all(q.a != namesake or not q.waits for q in outcome.questions)


def test_a_name_a_narrow_column_cut_off_is_still_the_name() -> None:
    for cut in ("云岫县山泉茶叶农民专业合作", "云岫县山泉茶叶农民专业合", "云岫县山泉茶叶农民专业", "云岫县山泉茶叶专"):
        outcome, _ = matched([row("云岫县山泉茶叶专业合作社", uscc(1), times=2), row(cut, feed="demonstration")])
        assert len(set(outcome.group)) == 1, cut


def test_another_name_of_the_same_person_and_phone_may_be_a_former_one() -> None:
    known = row("云岫县兴旺果蔬专业合作社", uscc(1), representative="李大山", phone="13900010001", town="白石镇")
    named_else = row("云岫县石门茶叶专业合作社", representative="李大山", feed="supply_marketing")
    asked = []
    for more in ({"phone": "13900010001"}, {}, {"phone": "13900010001", "town": "青溪镇"}):
        outcome, _ = matched([known, named_else | more])
        assert len(set(outcome.group)) == 2
        asked.append(len(outcome.questions))
    assert asked == [1, 0, 0]


def test_a_slip_nobody_vouches_for_is_linked_and_a_person_is_asked() -> None:
    known = row("云岫县得汪油茶专业合作社", uscc(1), representative="叶国苗", phone="13900010001", times=3)
    asked = []
    for vouching in ({}, {"phone": "13900010001"}):
        outcome, found = matched([known, row("云岫县得旺油茶专业合作社", feed="township_cleanup", **vouching)])
        assert len(set(outcome.group)) == 1
        asked += [[(found[q.a]["name"], q.waits) for q in outcome.questions]]
    assert asked == [[("云岫县得旺油茶专业合作社", False)], []]


def test_a_lost_character_is_linked_and_asked_about_in_the_same_town_and_waits_without_one() -> None:
    known = row("云岫县牛蹄山水果专业合作社", uscc(1), representative="王小明", town="白石镇", times=2)
    said = {"town": "白石镇"}, {}, {"town": "白石镇", "representative": "赵六"}
    links, waits = [], []
    for more in said:
        outcome, found = matched([known, row("云岫县牛山水果专业合作社", feed="demonstration", **more)])
        links.append(outcome.link[next(i for i, p in enumerate(found) if "牛山" in p["name"])])
        waits.append([q.waits for q in outcome.questions])
    assert links[0] in {"name", "model"}
    assert waits[0] == [False]
    assert links[1] == "review"
    assert waits[1] == [True]
    assert links[2] not in {"name", "model"}


def test_another_suffix_under_another_representative_is_asked_about() -> None:
    known = row("云岫县金坝油茶专业合作社", uscc(1), representative="余雪河", town="白石镇", times=3)
    namesake = row("云岫县金坝油茶农民专业合作社", representative="孟秀红", town="白石镇", feed="township_cleanup")
    outcome, found = matched([known, namesake])
    (question,) = outcome.questions
    assert (found[question.a]["representative"], question.waits) == ("孟秀红", False)
    two, _ = matched([known, namesake], different={(question.a, question.b)})
    assert len(set(two.group)) == 2


def test_what_may_be_either_of_two_known_ones_does_not_come_to_one_by_way_of_a_slip() -> None:
    outcome, found = matched(
        [
            row("岚江市星雁种植专业合作社", uscc(1), representative="严翠", times=3),
            row("云岫县星雁种植专业合作社", uscc(2), representative="覃粟", times=3),
            row("岚江市兴雁种植专业合作社", feed="complaints"),
            row("星雁种植专业合作社", feed="forestry"),
        ]
    )
    bare = next(i for i, p in enumerate(found) if p["name"].startswith("星雁"))
    assert outcome.link[bare] == "review"


def test_a_code_under_a_name_that_only_resembles_its_own_needs_the_person_too() -> None:
    known = row("云岫县鑫源水种植专业合作社", uscc(1), representative="段春娟", phone="13900010001", times=2)
    groups = []
    for phone in ("13900010001", "13900020002"):
        outcome, _ = matched([known, row("云岫县新源养殖专业合作社", uscc(1), phone=phone, feed="market_abnormal")])
        groups.append(len(set(outcome.group)))
    assert groups == [1, 2]
    assert [q.kind for q in outcome.questions] == ["conflict"]


def test_another_name_of_the_same_person_and_town_is_asked_about_and_stands_meanwhile() -> None:
    known = row("云岫县兴旺果蔬专业合作社", uscc(1), representative="李大山", phone="13900010001", town="白石镇")
    for said in ({"representative": "李大山"}, {"phone": "13900010001"}):
        outcome, found = matched([known, row("云岫县石门茶叶专业合作社", town="白石镇", feed="demonstration", **said)])
        (question,) = outcome.questions
        assert (found[question.a]["name"], question.waits) == ("云岫县石门茶叶专业合作社", False)
        assert "review" not in outcome.link


def test_a_trade_that_lost_a_character_and_is_none_any_more_is_a_slip() -> None:
    known = row("云岫县农前水稻种植专业合作社", uscc(1), representative="王小明", town="白石镇", times=2)
    whole = row("云岫县农前种植专业合作社", feed="demonstration", town="青溪镇")
    broken = row("农前水稻植专业合作社", representative="赵六", feed="township_cleanup", town="白石镇")
    outcome, found = matched([known, whole, broken])
    place = {p["name"]: i for i, p in enumerate(found)}
    assert outcome.group[place["农前水稻植专业合作社"]] == outcome.group[place[known["name"]]]
    assert outcome.group[place[whole["name"]]] != outcome.group[place[known["name"]]]


def test_a_town_written_with_a_slip_is_no_part_of_the_brand() -> None:
    towns = [row(f"云岫县{b}果蔬专业合作社", uscc(n), town="白石镇") for n, b in enumerate(("春耕", "夏种", "秋收"), 2)]
    known = row("云岫县白石镇山水茶叶专业合作社", uscc(1), town="白石镇", times=2)
    outcome, found = matched([*towns, known, row("柏石镇山水茶叶专业合作社", feed="complaints")])
    slipped = next(i for i, p in enumerate(found) if p["name"].startswith("柏石"))
    assert (
        outcome.group[slipped]
        == outcome.group[next(i for i, p in enumerate(found) if p["town"] and "山水" in p["name"])]
    )


def test_a_name_but_for_the_suffix_in_one_town_outweighs_a_new_person_and_phone_and_is_asked_about() -> None:
    known = row(
        "云岫县金坝油茶专业合作社", uscc(1), representative="余雪河", phone="13900010001", town="白石镇", times=3
    )
    said = {"representative": "孟秀红", "phone": "13900020002", "feed": "supply_marketing"}
    links = []
    for town in ("白石镇", None):
        outcome, found = matched([known, row("云岫县金坝油茶农民专业合作社", town=town, **said)])
        links.append(outcome.link[next(i for i, p in enumerate(found) if "农民" in p["name"])])
        if town:
            assert [q.waits for q in outcome.questions] == [False]
    assert links == ["name", "review"]


def test_a_code_copied_under_the_very_name_of_another_is_told_by_the_lists_the_other_is_not_in() -> None:
    owner = row("云岫县兴旺果蔬专业合作社", uscc(1), representative="李大山", town="白石镇", times=2)
    named = row("云岫县石门茶叶专业合作社", uscc(2), representative="王小明", town="青溪镇", times=2)
    copied = row("云岫县石门茶叶专业合作社", uscc(1), feed="market_inspection")
    of_the_list = row("云岫县石门茶叶专业合作社", uscc(2), feed="market_inspection")
    links = []
    for more in ([], [of_the_list]):
        outcome, found = matched([owner, named, copied, *more])
        place = next(i for i, p in enumerate(found) if "石门" in p["name"] and p["codes"] == [uscc(1)])
        links.append(outcome.link[place])
        assert [(q.kind, q.waits) for q in outcome.questions] == [("conflict", bool(more))]
    assert links == ["name", "review"]


def test_the_registry_says_whose_a_code_is_against_a_copy_of_it_under_a_homophone() -> None:
    known = row("云岫县创立果蔬专业合作社", uscc(1), representative="雷长平", phone="13900010001", feed="registry")
    owner = row("云岫县富丰果蔬专业合作社", uscc(2), representative="严金稻", feed="registry")
    copy = row(
        "云岫县创立果梳专业合作社", uscc(2), representative="雷长平", phone="13900010001", feed="traceability_subjects"
    )
    outcome, found = matched([known, owner, copy, {**known, "feed": "tax_registration"}])
    place = {p["name"]: i for i, p in enumerate(found)}
    assert outcome.organisation[outcome.group[place[owner["name"]]]] == uscc(2)[8:17]
    assert outcome.group[place[copy["name"]]] != outcome.group[place[owner["name"]]]
    assert {found[i]["name"] for q in outcome.questions for i in (q.a, q.b)} >= {copy["name"]}


def test_a_persons_name_in_a_longer_and_a_shorter_name_is_asked_about() -> None:
    known = row("云岫县王土生种养殖专业合作社", uscc(1), representative="王土生", town="白石镇", times=2)
    outcome, _ = matched([known, row("云岫县王土生养殖专业合作社", representative="王土生", feed="supply_marketing")])
    assert [q.waits for q in outcome.questions] == [False]
