"""Names taken apart: a golden table of every style, and places under whatever name an office gives them."""

from __future__ import annotations

import pytest

from hub.deployment import County, Town
from hub.matching.features import profile_features
from hub.matching.gazetteers import learn_gazetteer
from hub.matching.matcher import match_profiles
from hub.matching.names import Gazetteer
from tests.matching.profiles import profile_table
from tests.matching.rows import row, uscc

COUNTY = County(
    name="云岫县",
    code="339127",
    city="岚江市",
    province="东岭省",
    short=("云县",),
    former=("云山县",),
    towns=(
        Town(name="白石镇", former=("白水乡",), short=("白石",)),
        Town(name="青溪镇", former=("清溪公社",)),
        Town(name="龙潭乡"),
        Town(name="城西街道"),
    ),
)


@pytest.fixture(scope="module")
def gazetteer() -> Gazetteer:
    """What is learned of a few names and addresses, and of the county's own declaration."""
    brands = ("春耕", "夏种", "秋收", "冬藏", "金果", "福农")
    return learn_gazetteer(
        [f"云岫县{b}果蔬专业合作社" for b in brands] + [f"云岫{b}茶叶专业合作社" for b in brands],
        ["白石镇", "青溪镇"],
        ["云岫县白石镇石门村5号", "云岫县青溪镇王村村12号", "云岫县龙潭乡上坪村"],
        COUNTY,
    )


# as written -> region, town, village, brand, trade, suffix, form
GOLDEN: dict[str, tuple[str, str, str, str, str, str, str]] = {
    "云岫县丰禾果蔬专业合作社": ("云岫县", "", "", "丰禾", "果蔬", "专业合作社", "coop"),
    "岚江市云岫县丰禾果蔬专业合作社": ("云岫县", "", "", "丰禾", "果蔬", "专业合作社", "coop"),
    "东岭省云岫县丰禾果蔬专业合作社": ("云岫县", "", "", "丰禾", "果蔬", "专业合作社", "coop"),
    "云岫丰禾果蔬专业合作社": ("云岫县", "", "", "丰禾", "果蔬", "专业合作社", "coop"),
    "丰禾果蔬农民专业合作社": ("", "", "", "丰禾", "果蔬", "农民专业合作社", "coop"),
    "云县丰禾果蔬专业合作社": ("云岫县", "", "", "丰禾", "果蔬", "专业合作社", "coop"),
    "云山县丰禾果蔬专业合作社": ("云岫县", "", "", "丰禾", "果蔬", "专业合作社", "coop"),
    "雲岫縣豐禾果蔬專業合作社": ("云岫县", "", "", "丰禾", "果蔬", "专业合作社", "coop"),
    "云岫县丰禾果蔬（专业）合作社": ("云岫县", "", "", "丰禾", "果蔬", "专业合作社", "coop"),
    "云岫县丰禾果蔬专业合作社（已注销）": ("云岫县", "", "", "丰禾", "果蔬", "专业合作社", "coop"),
    "云岫县白石镇丰禾茶叶专业合作社": ("云岫县", "白石镇", "", "丰禾", "茶叶", "专业合作社", "coop"),
    "云岫县白水乡丰禾茶叶专业合作社": ("云岫县", "白石镇", "", "丰禾", "茶叶", "专业合作社", "coop"),
    "云岫县青溪镇王村村丰禾养殖专业合作社": ("云岫县", "青溪镇", "王村村", "丰禾", "养殖", "专业合作社", "coop"),
    "石门村丰禾水稻种植专业合作社": ("", "", "石门村", "丰禾", "水稻种植", "专业合作社", "coop"),
    "云岫县石门村茶叶专业合作社": ("云岫县", "", "", "石门村", "茶叶", "专业合作社", "coop"),
    "云岫县白石茶叶专业合作社": ("云岫县", "", "", "白石", "茶叶", "专业合作社", "coop"),
    "云岫县青溪蔬菜专业合作社": ("云岫县", "", "", "青溪", "蔬菜", "专业合作社", "coop"),
    "云岫茶叶专业合作社": ("", "", "", "云岫", "茶叶", "专业合作社", "coop"),
    "云岫县龙潭湖水产养殖农民专业合作社": ("云岫县", "", "", "龙潭湖", "水产养殖", "农民专业合作社", "coop"),
    "云岫县丰禾农机服务专业合作社": ("云岫县", "", "", "丰禾", "农机服务", "专业合作社", "coop"),
    "云岫县丰禾果蔬专业合作社联合社": ("云岫县", "", "", "丰禾", "果蔬", "专业合作社联合社", "union"),
    "云岫县丰禾果蔬农民专业合作社联合社": ("云岫县", "", "", "丰禾", "果蔬", "农民专业合作社联合社", "union"),
    "云岫县丰禾土地股份合作社": ("云岫县", "", "", "丰禾", "土地", "股份合作社", "share"),
    "云岫县丰禾果蔬专业合作社白石分社": ("云岫县", "", "", "丰禾", "果蔬", "专业合作社", "branch"),
    "云岫县丰禾农牧民专业合作社": ("云岫县", "", "", "丰禾", "", "农牧民专业合作社", "coop"),
    "云岫县丰禾果蔬专业合作": ("云岫县", "", "", "丰禾", "果蔬", "专业合作", "coop"),
    "云岫县丰禾果蔬专业社": ("云岫县", "", "", "丰禾", "果蔬", "专业社", "coop"),
    "云岫县蜜蜂专业合作社": ("云岫县", "", "", "", "蜜蜂", "专业合作社", "coop"),
    "云岫县大自然种养殖专业合作社": ("云岫县", "", "", "大自然", "种养殖", "专业合作社", "coop"),
    "云岫县 Ａ５ 生态 种养 专业合作社": ("云岫县", "", "", "A5", "生态种养", "专业合作社", "coop"),
    "云岫县城西街道丰禾花卉苗木专业合作社": ("云岫县", "城西街道", "", "丰禾", "花卉苗木", "专业合作社", "coop"),
}


@pytest.mark.parametrize("written", GOLDEN)
def test_a_name_falls_into_region_town_village_brand_trade_and_suffix(gazetteer: Gazetteer, written: str) -> None:
    name = gazetteer.parse(written)
    region = name.regions[-1] if name.regions else ""
    assert (region, name.town, name.village, name.brand, name.trade, name.suffix, name.form) == GOLDEN[written]


def test_a_county_and_a_town_mean_the_same_under_every_name_they_ever_had(gazetteer: Gazetteer) -> None:
    for written in ("云岫县丰禾果蔬合作社", "云岫丰禾果蔬合作社", "云县丰禾果蔬合作社", "云山县丰禾果蔬合作社"):
        name = gazetteer.parse(written)
        assert (name.regions, name.core, name.region_slip) == (("云岫县",), "丰禾果蔬", False), written
    for written in ("白石镇", "白水乡", "白石", "云岫县白水乡", "岚江市云岫县白石镇石门村5号", "云山县白水乡"):
        assert gazetteer.town_of(written) == "白石镇", written
    assert gazetteer.town_of("清溪公社") == gazetteer.town_of("青溪") == "青溪镇"
    assert gazetteer.address_of("云山县白水乡石门村5号") == ("白石镇", "石门村5号")


def test_a_row_under_the_former_names_of_county_and_town_goes_to_its_cooperative() -> None:
    others = [
        row(f"云岫县{b}果蔬专业合作社", uscc(n), town="青溪镇") for n, b in enumerate(("春耕", "夏种", "秋收"), 2)
    ]
    known = row("云岫县丰禾果蔬专业合作社", uscc(1), representative="王小明", town="白石镇", times=2)
    for written in ("云山县丰禾果蔬专业合作社", "云县丰禾果蔬专业合作社", "云山县白水乡丰禾果蔬合作社"):
        table = profile_table([*others, known, row(written, town="白水乡", feed="demonstration")])
        outcome = match_profiles(table, county=COUNTY)
        place = {name: i for i, name in enumerate(table["name"].to_pylist())}
        assert outcome.group[place[written]] == outcome.group[place[str(known["name"])]], written
        assert outcome.link[place[written]] == "name"


def test_a_brand_that_is_a_place_stays_a_brand(gazetteer: Gazetteer) -> None:
    """白石茶叶 of the village and 云雾茶叶 of 白石镇 have nothing in common but where they are."""
    features = profile_features(
        profile_table([row("云岫县白石茶叶专业合作社"), row("云岫县白石镇云雾茶叶专业合作社"), row("白石茶叶合作社")]),
        gazetteer,
    ).to_pylist()
    cores = [set(f["core"]) for f in features]
    assert sum("白石茶叶" in c for c in cores) == 2
    assert sum("云雾茶叶" in c for c in cores) == 1
    assert not any("茶叶" in c for c in cores)
