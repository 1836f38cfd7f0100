"""The cases a county names when it asks whether matching can be trusted, as a table: what is one cooperative however it is
written, and what is not however alike it looks. All cases lie in one county and are matched at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from hub.identifiers.codes import organisation_check_character
from hub.matching.comparison import COMPARISONS, level_name
from hub.matching.matcher import Outcome, match_profiles
from tests.matching.profiles import profile_table
from tests.matching.rows import COUNTY, row, uscc

LINKED = {"identifier", "name", "model"}


@dataclass(frozen=True)
class Case:
    """A row, and the cooperative it is or is not. `link`: how it must come there; "": it must stay apart."""

    known: dict[str, Any]
    asked: dict[str, Any]
    link: str


def with_organisation(first8: str) -> str:
    """A cooperative's credit code around eight characters of an organisation code."""
    from hub.identifiers.codes import make_uscc

    return make_uscc("339127", first8 + organisation_check_character(first8))


REGISTERED = with_organisation("NA000123")  # as registers before 2015 numbered cooperatives

# One code under two names of one brand: without the code nobody could join them.
BY_CODE = {
    "九位组织机构代码": (uscc(301), "云岫县金穗水稻专业合作社", uscc(301)[8:17], "金穗农机合作社"),
    "九位代码带短横": (uscc(302), "云岫县鸿达茶叶专业合作社", f"{uscc(302)[8:16]}-{uscc(302)[16]}", "鸿达农机合作社"),
    "十五位税号": (uscc(303), "云岫县翠竹油茶专业合作社", "339127" + uscc(303)[8:17], "翠竹农机合作社"),
    "十五位税号属从前的区划码": (uscc(304), "云岫县惠丰脐橙专业合作社", "339126" + uscc(304)[8:17], "惠丰农机合作社"),
    "注册号": (REGISTERED, "云岫县天润蜂业专业合作社", "339127" + REGISTERED[8:17], "天润农机合作社"),
    "追溯主体码": (uscc(305), "云岫县春晖杨梅专业合作社", "10" + uscc(305), "春晖农机合作社"),
    "小写、全角、空格": (uscc(306), "云岫县阳光竹笋专业合作社", f" {uscc(306)[:6].lower()} {uscc(306)[6:]}", "阳光农机合作社"),
    "O 写成了 0 的位置": (uscc(307), "云岫县百川药材专业合作社", uscc(307)[:2] + uscc(307)[2:].replace("0", "O", 1), "百川农机合作社"),
    "漏了一位": (uscc(308), "云岫县东篱菊花专业合作社", uscc(308)[:11] + uscc(308)[12:], "东篱农机合作社"),
    "颠倒两位": (uscc(309), "云岫县仙谷莲子专业合作社", uscc(309)[:10] + uscc(309)[11] + uscc(309)[10] + uscc(309)[12:], "仙谷农机合作社"),
}  # fmt: skip

# The same name written in another way, no code, in the same town.
BY_NAME = {
    "省略区划": ("云岫县永盛果蔬专业合作社", "永盛果蔬专业合作社"),
    "区划简写": ("云岫县绿洲果蔬专业合作社", "云岫绿洲果蔬专业合作社"),
    "加写地市": ("云岫县鑫缘果蔬专业合作社", "岚江市云岫县鑫缘果蔬专业合作社"),
    "加写乡镇": ("云岫县惠民果蔬专业合作社", "云岫县白石镇惠民果蔬专业合作社"),
    "加写农民": ("云岫县山泉果蔬专业合作社", "云岫县山泉果蔬农民专业合作社"),
    "后缀写短": ("云岫县同创果蔬专业合作社", "云岫县同创果蔬合作社"),
    "后缀写成专业社": ("云岫县万顺果蔬专业合作社", "云岫县万顺果蔬专业社"),
    "全角括号": ("云岫县富康果蔬专业合作社", "云岫县富康果蔬（专业）合作社"),
    "半角括号": ("云岫县利源果蔬专业合作社", "(云岫县)利源果蔬专业合作社"),
    "夹有空格": ("云岫县康盛果蔬专业合作社", "云岫县 康盛 果蔬　专业合作社"),
    "全角字母": ("云岫县AB果蔬专业合作社", "云岫县ＡＢ果蔬专业合作社"),
    "繁体字": ("云岫县东旭果蔬专业合作社", "雲岫縣東旭果蔬專業合作社"),
    "已注销": ("云岫县红旗果蔬专业合作社", "云岫县红旗果蔬专业合作社（已注销）"),
    "前有序号": ("云岫县春耕果蔬专业合作社", "3、云岫县春耕果蔬专业合作社"),
    "同音字": ("云岫县大田果蔬专业合作社", "云岫县大甜果蔬专业合作社"),
    "形近字": ("云岫县泽桂果蔬专业合作社", "云岫县择挂果蔬专业合作社"),
    "字号是乡镇名": ("云岫县青溪果蔬专业合作社", "青溪果蔬合作社"),
    "字号是县名": ("云岫县云岫湖果蔬专业合作社", "云岫湖果蔬专业合作社"),
}
_EVERYTHING = {"representative": "王小明", "phone": "13900010001", "town": "白石镇"}

# Another legal person, however alike: same representative, phone and town.
APART = {
    "联合社与成员社": ("云岫县嘉禾果蔬专业合作社", "云岫县嘉禾果蔬专业合作社联合社"),
    "分社与总社": ("云岫县顺兴果蔬专业合作社", "云岫县顺兴果蔬专业合作社青溪分社"),
    "股份合作社": ("云岫县朝阳果蔬专业合作社", "云岫县朝阳果蔬股份合作社"),
    "另一县的同名社": ("云岫县清风果蔬专业合作社", "岚江市清风果蔬专业合作社"),
    "同一人的另一行业": ("云岫县佳源果蔬专业合作社", "云岫县佳源茶叶专业合作社"),
    "同一人的另一字号": ("云岫县百源果蔬专业合作社", "云岫县百旺果蔬专业合作社"),
}


def people(n: int) -> dict[str, str]:
    return {
        "representative": f"{'赵钱孙李周吴郑王冯陈'[n % 10]}{'一二三四五六七八'[n // 10]}",
        "phone": f"1390001{n:04d}",
    }


def cases() -> dict[str, Case]:
    found: dict[str, Case] = {}
    for title, (code, name, written, other) in BY_CODE.items():
        known = row(name, code, town="青溪镇", times=2)
        found[title] = Case(known, row(other, written, feed="market_abnormal"), "identifier")
    for n, (title, (name, written)) in enumerate(BY_NAME.items()):
        known = row(name, uscc(400 + n), town="白石镇", **people(n), times=2)
        found[title] = Case(known, row(written, town="白石镇", feed="demonstration"), "name")
    for slip in ("同音字", "形近字"):
        found[slip] = Case(found[slip].known, {**found[slip].asked, "phone": found[slip].known["phone"]}, "model")
    for n, (title, (name, written)) in enumerate(APART.items()):
        alike = {"town": "龙潭镇", **people(40 + n)}
        found[title] = Case(row(name, uscc(500 + n), **alike, times=2), row(written, **alike, feed="demonstration"), "")
    return found


CASES = cases()


@pytest.fixture(scope="module")
def matched() -> tuple[Outcome, dict[str, int]]:
    """Every case at once, and where each profile lies."""
    table = profile_table([r for case in CASES.values() for r in (case.known, case.asked)])
    assert table.num_rows == 2 * len(CASES)
    return match_profiles(table, county=COUNTY), {n: i for i, n in enumerate(table["name"].to_pylist())}


def at(place: dict[str, int], one: dict[str, Any]) -> int:
    return place[one["name"]]


@pytest.mark.parametrize("title", [t for t, c in CASES.items() if c.link])
def test_what_is_one_cooperative_is_linked_however_it_is_written(
    matched: tuple[Outcome, dict[str, int]], title: str
) -> None:
    outcome, place = matched
    case = CASES[title]
    assert outcome.group[at(place, case.asked)] == outcome.group[at(place, case.known)]
    link = outcome.link[at(place, case.asked)]
    assert link == case.link
    if link == "model":
        assert level_name(COMPARISONS[0], outcome.levels[at(place, case.asked)]["name"]) in {"sound", "look"}


@pytest.mark.parametrize("title", [t for t, c in CASES.items() if not c.link])
def test_another_legal_person_is_never_linked_however_alike(
    matched: tuple[Outcome, dict[str, int]], title: str
) -> None:
    outcome, place = matched
    case = CASES[title]
    assert outcome.group[at(place, case.asked)] != outcome.group[at(place, case.known)]
    assert outcome.link[at(place, case.asked)] not in LINKED


def test_without_the_code_what_a_code_joins_would_stay_apart() -> None:
    of_code = [CASES[t] for t in BY_CODE]
    table = profile_table([r for c in of_code for r in (c.known, {**c.asked, "codes": ()})])
    outcome = match_profiles(table, county=COUNTY)
    place = {n: i for i, n in enumerate(table["name"].to_pylist())}
    assert all(outcome.group[at(place, c.asked)] != outcome.group[at(place, c.known)] for c in of_code)


@pytest.mark.parametrize("code", ["331098000012345", "1033909912345678901234"], ids=["注册号", "追溯主体码"])
def test_a_number_that_proves_nothing_by_itself_joins_those_who_bear_it_and_are_named_alike(code: str) -> None:
    names = ("云岫县金穗水稻专业合作社", "金穗农机合作社", "云岫县石门茶叶专业合作社")
    table = profile_table([row(n, code, feed=f) for n, f in zip(names, ("registry", "water", "forestry"), strict=True)])
    outcome = match_profiles(table, county=COUNTY)
    group = {n: outcome.group[i] for i, n in enumerate(table["name"].to_pylist())}
    assert group[names[0]] == group[names[1]] != group[names[2]]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("云岫县永丰水产专业合作社", "云岫县永丰水产农民专业合作社"),
        ("云岫县永丰水产专业合作社", "岚江市永丰水产专业合作社"),
        ("云岫县永丰水产专业合作社", "云岫县永丰水产专业合作社联合社"),
    ],
    ids=["只有后缀不同", "只有区划不同", "联合社"],
)
def test_twins_with_codes_of_their_own_each_keep_the_rows_that_write_them_out(one: str, other: str) -> None:
    rows = [
        row(one, uscc(1), representative="严木川", phone="13900010001", town="白石镇", times=3),
        row(other, uscc(2), representative="田家菊", phone="13900010002", town="青溪镇", times=3),
        row(one, representative="严木川", town="白石镇", feed="demonstration"),
        row(other, representative="田家菊", town="青溪镇", feed="demonstration"),
    ]
    table = profile_table(rows)
    outcome = match_profiles(table, county=COUNTY)
    groups: dict[str, set[int]] = {one: set(), other: set()}
    for i, name in enumerate(table["name"].to_pylist()):
        groups[name].add(outcome.group[i])
    assert len(groups[one]) == len(groups[other]) == 1
    assert groups[one] != groups[other]
