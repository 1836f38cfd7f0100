"""Small counties of four sorts as profiles with their truth, written down with more slips than offices make: for tests of
how good the links are. Places, people, codes and names are invented.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from random import Random
from typing import Any

import pyarrow as pa

from benchmarks.county_world import STYLES, Cooperative
from hub.demo.names import BRAND_FAMILIES, HOMOPHONES, person_name
from hub.deployment import County
from hub.identifiers.codes import make_uscc, organisation_check_character
from hub.matching.characters import loose_sound_of
from tests.matching.profiles import profile_table
from tests.matching.rows import row


@dataclass(frozen=True)
class Sort:
    """How a county's names are made, and what its offices hand in."""

    county: County
    towns: tuple[str, ...]
    trades: tuple[str, ...]
    suffixes: tuple[str, ...]
    registry: bool
    place_in_name: float  # share of names with town, or town and village, before the brand
    village: str = "村"


SORTS: dict[str, Sort] = {
    "coast": Sort(
        STYLES["coast"].county,
        ("白石镇", "青溪镇", "龙潭乡", "城西街道"),
        ("海水养殖", "水产养殖", "果蔬", "水果", "杨梅", "生猪", "畜禽", "茶叶", "家禽", "水稻", "柑桔"),
        ("专业合作社",) * 30 + ("专业合作社联合社",),
        False,
        0.03,
    ),
    "plain": Sort(
        STYLES["plain"].county,
        ("城关镇", "南村镇", "前马乡", "大王镇", "柳林街道"),
        ("种植", "种植", "养殖", "种养殖", "农机", "农机服务", "玉米种植", "肉羊养殖", "蔬菜种植", "果品"),
        ("农民专业合作社", "农民专业合作社", "专业合作社", "专业合作社"),
        True,
        0.1,
    ),
    "grassland": Sort(
        STYLES["grassland"].county,
        ("双庄苏木", "白音苏木", "河阳镇", "三道沟乡"),
        ("养殖", "农牧业", "牧业", "种养殖", "肉牛养殖", "草业", "马铃薯种植", "农机"),
        ("农民专业合作社", "专业合作社", "农牧民专业合作社"),
        False,
        0.15,
        "嘎查",
    ),
    "hills": Sort(
        STYLES["hills"].county,
        ("沙口镇", "老街镇", "上林乡", "东门街道", "石塘镇"),
        ("油茶", "油茶种植", "茶叶", "生态种养", "蜜蜂", "养蜂", "中药材种植", "脐橙", "毛竹", "水稻种植", "烤烟"),
        ("农民专业合作社", "专业合作社", "专业合作社", "股份合作社"),
        False,
        0.12,
    ),
}


@dataclass(frozen=True)
class SmallCounty:
    """Profiles, and per profile how many of its rows are which cooperative's."""

    county: County
    profiles: pa.Table
    entities: list[Counter[str]]


def _cooperatives(random: Random, sort: Sort, count: int) -> list[Cooperative]:
    brands = [b for family in BRAND_FAMILIES for b in family]
    villages = [f"{a}{b}{sort.village}" for a in "上下东西石李王陈白双" for b in "坪沟家坑塘岭"]
    found: list[Cooperative] = []
    sounds: set[str] = set()  # an office registers no two names that sound the same, in one trade
    while len(found) < count:
        town, village = random.choice(sort.towns), random.choice(villages)
        draw = random.random()
        brand = village.removesuffix(sort.village) if draw < 0.1 else random.choice(brands)
        if draw > 0.7:
            brand = random.choice(brands)[0] + random.choice(brands)[-1]
        core = brand + random.choice(sort.trades)
        if loose_sound_of(core) in sounds or len(set(brand)) < 2:
            continue
        sounds.add(loose_sound_of(core))
        first8 = f"{random.randrange(10**8):08d}"
        draw = random.random()
        region = sort.county.name if draw < 0.9 else sort.county.name[:-1]
        if draw > 0.97:
            region = sort.county.city + sort.county.name
        place = ""
        if random.random() < sort.place_in_name:
            place = town if random.random() < 0.6 else town + village
        found.append(
            Cooperative(
                make_uscc(sort.county.code, first8 + organisation_check_character(first8)),
                region,
                place,
                core,
                random.choice(sort.suffixes),
                person_name(random),
                f"13{random.randrange(10**9):09d}",
                town,
                village,
            )
        )
    return found


def _namesakes(random: Random, sort: Sort, members: list[Cooperative]) -> None:
    """Makes one in fifty a namesake: of a name but for the suffix, of its union, or of another's representative and phone."""
    for one, other in zip(*[iter(random.sample(range(len(members)), len(members) // 25 // 2 * 2))] * 2, strict=True):
        first, second = members[one], members[other]
        if "联合" in first.suffix or "股份" in first.suffix:
            continue
        longer = "农民专业合作社" if first.suffix == "专业合作社" else "专业合作社"
        changed: tuple[dict[str, str], ...] = (
            {"suffix": longer},
            {"suffix": "专业合作社联合社"},
            {"person": first.person, "phone": first.phone, "core": second.core, "suffix": second.suffix},
            {"person": first.person, "phone": first.phone, "core": second.core, "suffix": second.suffix},
        )
        members[other] = replace(
            second, region=first.region, place=first.place, **{"core": first.core, **random.choice(changed)}
        )


def _slipped(random: Random, text: str) -> str:
    """One homophone, one character lost, or two neighbours in the wrong order."""
    draw = random.random()
    place = random.randrange(len(text) - 1)
    spots = [i for i, c in enumerate(text) if c in HOMOPHONES]
    if draw < 0.6 and spots:
        place = random.choice(spots)
        return text[:place] + HOMOPHONES[text[place]] + text[place + 1 :]
    if draw < 0.85 and len(text) > 3:
        return text[:place] + text[place + 1 :]
    return text[:place] + text[place + 1] + text[place] + text[place + 2 :]


def _written(random: Random, c: Cooperative, mess: float, taken: set[str]) -> str:
    region, place, core, suffix = c.region, c.place, c.core, c.suffix
    if random.random() < 0.08 * mess:
        slipped = _slipped(random, core)
        core = core if slipped in taken else slipped
    if random.random() < 0.3 * mess:
        region = ""
        place = place if random.random() < 0.5 else ""
    if "联合" not in suffix and "股份" not in suffix and random.random() < 0.25 * mess:
        suffix = random.choice(("农民专业合作社", "专业合作社", "合作社", "专业社"))
    name = f"{region}{place}{core}{suffix}"
    if random.random() < 0.04 * mess and c.town not in name:
        name = c.town + name
    return name + ("（已注销）" if random.random() < 0.02 * mess else "")


def _code(random: Random, c: Cooperative, above: str, mess: float) -> str | None:
    draw = random.random()
    if draw < 0.1 * mess:
        return None
    if draw < 0.106 * mess:
        return above  # pasted from the row above
    if draw < 0.15 * mess:
        place = random.randrange(9, 16)
        return c.uscc[:place] + c.uscc[place + 1] + c.uscc[place] + c.uscc[place + 2 :]
    return c.uscc[2:17] if draw > 0.95 else c.uscc


def small_county(
    sort: str, *, seed: int = 1, cooperatives: int = 160, mess: float = 1.5, namesakes: bool = False
) -> SmallCounty:
    """A county of one of the `SORTS`. `mess` multiplies how often offices slip; 1 is as offices do."""
    made, random = SORTS[sort], Random(f"{sort}/{seed}")
    members = _cooperatives(random, made, cooperatives)
    if namesakes:
        _namesakes(random, made, members)
    cores = {c.core for c in members}
    people = [c.person for c in members]
    rows: list[dict[str, Any]] = []
    entity: dict[str, Counter[str]] = {}

    def add(feed: str, share: float, how_messy: float, **columns: float) -> None:
        above = members[-1].uscc
        for c in random.sample(members, round(share * len(members))):
            person = c.person if random.random() > 0.05 * mess else random.choice(people)
            said: dict[str, Any] = {
                "representative": person if random.random() < columns.get("person", 0) else None,
                "phone": c.phone if random.random() < columns.get("phone", 0) else None,
                "town": c.town if columns.get("town") else None,
                "address": f"{made.county.name}{c.town}{c.village}"
                if random.random() < columns.get("address", 0)
                else None,
            }
            code = _code(random, c, above, mess) if columns.get("code") else None
            above = c.uscc
            rows.append(row(_written(random, c, how_messy * mess, cores), code, feed=feed, **said))
            key = profile_table(rows[-1:])["profile_key"][0].as_py()
            entity.setdefault(key, Counter())[c.uscc] += 1

    if made.registry:
        add("registry", 1.0, 0.0, person=1, address=1, code=1)
    add("tax_registration", 0.9, 0.2, person=0.9, phone=0.7, address=0.9, code=1)
    add("market_abnormal", 0.35, 0.3, person=0.9, code=1)
    add("traceability_subjects", 0.36, 0.6, person=0.9, phone=1, address=0.7, code=1)
    add("demonstration", 0.15, 0.4, town=1)
    add("supply_marketing", 0.1, 1.0, person=0.8, phone=0.6)
    add("township_cleanup", 0.22, 1.0, person=0.8, town=1)
    add("fiscal_support", 0.1, 0.8, code=1)
    profiles = profile_table(rows)
    return SmallCounty(made.county, profiles, [entity[k] for k in profiles["profile_key"].to_pylist()])
