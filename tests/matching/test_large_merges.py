"""A very large merge waits for a person: what no code proves does not grow without end, and no cooperative with a code takes in
another one that is known."""

from __future__ import annotations

from typing import Any

from hub.matching.matcher import match_profiles
from hub.matching.rounds import MOST_WITHOUT_CODE
from tests.matching.profiles import profile_table
from tests.matching.rows import COUNTY, row, uscc


def many(count: int, **more: Any) -> list[dict[str, Any]]:
    """So many ways in which rows say one cooperative, each with a house number of its own."""
    said = {"representative": "王小明", "phone": "13900010001", "town": "白石镇", **more}
    return [row("云岫县兴旺果蔬专业合作社", **said, address=f"云岫县白石镇石门村{n}号") for n in range(count)]


def test_a_cooperative_without_a_code_grows_to_a_limit_and_the_rest_waits_for_a_person() -> None:
    table = profile_table(many(MOST_WITHOUT_CODE + 10))
    outcome = match_profiles(table, county=COUNTY)
    sizes = sorted(outcome.group.count(g) for g in set(outcome.group))
    assert max(sizes) <= MOST_WITHOUT_CODE
    assert len(sizes) > 1
    waiting = [i for i, link in enumerate(outcome.link) if link == "review"]
    assert len(waiting) >= 10
    asked = {q.a for q in outcome.questions if q.waits}
    assert {outcome.group[i] for i in waiting} <= {outcome.group[i] for i in asked}
    assert outcome.link.count("review") + max(sizes) >= table.num_rows - MOST_WITHOUT_CODE


def test_below_the_limit_nothing_waits() -> None:
    outcome = match_profiles(profile_table(many(MOST_WITHOUT_CODE)), county=COUNTY)
    assert len(set(outcome.group)) == 1
    assert not outcome.questions


def test_what_a_code_proves_may_be_as_large_as_it_is() -> None:
    table = profile_table([{**one, "codes": (uscc(1),)} for one in many(3 * MOST_WITHOUT_CODE)])
    outcome = match_profiles(table, county=COUNTY)
    assert len(set(outcome.group)) == 1
    assert set(outcome.link) == {"identifier"}


def test_two_large_ones_with_codes_never_merge_without_a_person_whatever_else_is_the_same() -> None:
    rows = [{**one, "codes": (uscc(1),)} for one in many(20)]
    rows += [{**one, "codes": (uscc(2),)} for one in many(20, phone="13900020002")]
    table = profile_table(rows)
    outcome = match_profiles(table, county=COUNTY)
    codes = table["codes"].to_pylist()
    by_code = {c: {outcome.group[i] for i in range(len(codes)) if codes[i] == [c]} for c in (uscc(1), uscc(2))}
    assert by_code[uscc(1)].isdisjoint(by_code[uscc(2)])
