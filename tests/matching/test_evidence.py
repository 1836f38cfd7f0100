"""What each piece of evidence is worth: the rarer what two have in common, the more it says."""

from __future__ import annotations

from typing import Any

from hub.matching.comparison import COMPARISONS, level_name
from hub.matching.matcher import Outcome, match_profiles
from hub.matching.model import load_model
from tests.matching.profiles import profile_table
from tests.matching.rows import COUNTY, row, uscc

BY_NAME = {c.name: c for c in COMPARISONS}
KNOWN = row("云岫县牛蹄山水果专业合作社", uscc(1), representative="欧阳石", phone="13900010001", town="白石镇", times=2)


def matched(asked: dict[str, Any], *others: dict[str, Any], known: dict[str, Any] = KNOWN) -> tuple[Outcome, int]:
    """The outcome of a small county, and where in it the asked row lies."""
    crowd = [row(f"云岫县{b}茶叶专业合作社", uscc(90 + n)) for n, b in enumerate(("春耕", "夏种", "秋收", "冬藏"))]
    table = profile_table([known, asked, *others, *crowd])
    key = profile_table([asked])["profile_key"][0].as_py()
    return match_profiles(table, county=COUNTY), table["profile_key"].to_pylist().index(key)


def level(outcome: Outcome, i: int, comparison: str) -> str:
    found = outcome.levels.get(i) or next(q.levels for q in outcome.questions if q.a == i)
    return level_name(BY_NAME[comparison], found[comparison])


def chance(outcome: Outcome, i: int) -> float:
    found = outcome.score[i]
    assert found is not None
    return found


def test_a_representative_few_have_says_more_than_one_that_many_have() -> None:
    asked = row("云岫县牛山水果专业合作社", representative="欧阳石", feed="supply_marketing")
    rare, i = matched(asked)
    common, j = matched(asked, row("云岫县龙潭生猪专业合作社", uscc(7), representative="欧阳石", town="青溪镇"))
    assert (level(rare, i, "representative"), level(common, j, "representative")) == ("rare", "same")
    model = load_model()
    assert model.weight(BY_NAME["representative"], "rare") > model.weight(BY_NAME["representative"], "same") + 1
    assert chance(rare, i) > chance(common, j)


def test_a_name_several_have_says_less_because_each_of_them_takes_a_share_of_the_chance() -> None:
    """Names have no frequencies of their own: whoever else is called so stands beside it as a candidate."""
    known = row("云岫县金坝油茶专业合作社", uscc(1), representative="余雪河", town="白石镇", times=2)
    asked = row("金坝油茶合作社", feed="forestry")
    alone, i = matched(asked, known=known)
    beside, j = matched(
        asked,
        row("云岫县金坝油茶农民专业合作社", uscc(2), representative="孟秀红", town="青溪镇", times=2),
        known=known,
    )
    assert alone.link[i] == "name"
    assert chance(alone, i) > 0.99
    assert beside.link[j] == "review"
    assert chance(beside, j) < 0.9


def test_a_founding_day_speaks_for_the_one_founded_then_and_against_the_other() -> None:
    known = {**KNOWN, "founded_on": "2012-03-01"}
    asked = {"representative": "欧阳石", "feed": "supply_marketing"}
    chances = []
    for day in ("2012-03-01", None, "2019-07-05"):
        outcome, i = matched(row("云岫县牛山水果专业合作社", **asked, founded_on=day), known=known)
        chances.append(chance(outcome, i))
        expected = {"2012-03-01": "same", None: "missing", "2019-07-05": "other"}[day]
        assert level(outcome, i, "founded") == expected
    assert chances[0] > chances[1] > chances[2]


def test_look_alike_characters_are_nearer_than_any_other_character() -> None:
    known = row(
        "云岫县泽桂果蔬专业合作社", uscc(1), representative="王小明", phone="13900010001", town="白石镇", times=2
    )
    said = {"town": "白石镇", "phone": "13900010001", "feed": "demonstration"}
    alike, i = matched(row("云岫县择挂果蔬专业合作社", **said), known=known)
    other, j = matched(row("云岫县泽富果蔬专业合作社", **said), known=known)
    assert level(alike, i, "name") in {"look", "sound"}
    assert alike.link[i] == "model"
    assert other.link[j] not in {"name", "model"}
