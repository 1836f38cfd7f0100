"""Learning a county's gazetteer: places and trades from the names, towns and addresses at hand and from the deployment, because
a deployment may be poor or out of date."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from hub.matching.names import COUNTY_ENDS, TOWN_HEAD, VILLAGE_HEAD, Gazetteer
from hub.matching.plain_names import plain_name

if TYPE_CHECKING:
    import pyarrow as pa

    from hub.deployment import County

_REGION_HEAD = re.compile(
    r"^(?:[^县市区旗省州]{1,4}[省])?((?:[^县市区旗省州]{1,6}(?:自治)?[市州盟])?)([^县市区旗镇乡]{1,5}[县市区旗])?"
)
SAMPLE = 20_000  # profiles the gazetteer is learned from; shares and floors need no more
_SHORTENED = "县市区旗盟州"  # written without their last character


def learn_places(profiles: pa.Table, county: County | None) -> Gazetteer:
    """The gazetteer of profiles in the order of their keys (which are as good as drawn by lot)."""
    sample = profiles.slice(0, SAMPLE)
    return learn_gazetteer(
        {n for n in sample["name"].to_pylist() if n},
        set(sample["town"].to_pylist()),
        set(sample["address"].to_pylist()),
        county,
    )


def learn_gazetteer(
    names: Iterable[str], towns: Iterable[str | None], addresses: Iterable[str | None], county: County | None = None
) -> Gazetteer:
    """Places and trades from distinct names, town values and addresses, and from the deployment's county."""
    plain = sorted({n for n in map(plain_name, names) if n})
    places = sorted({a for a in map(plain_name, addresses) if a})
    town_values = sorted({t for t in map(plain_name, towns) if t})
    regions = _declared_regions(county) | _frequent_regions(plain, 0.02, 5) | _frequent_regions(places, 0.02, 5)
    regions |= {r for r in _second_regions(plain, regions) if r not in regions}
    short = {r[:-1] for r in regions if len(r) >= 3 and r[-1] in _SHORTENED}
    declared = ({county.name[:-1]} & short) | ({*county.short} - regions) if county else set()
    short_used = {s for s in declared if len(s) >= 2} | {s for s in short if sum(n.startswith(s) for n in plain) >= 3}
    half = Gazetteer(frozenset(regions), frozenset(short_used), {})
    learned_towns = _learn_towns(half, plain, places, town_values, county)
    home = county.name if county and county.name in regions else _home_of(plain, regions)
    with_towns = Gazetteer(half.regions, half.short_regions, learned_towns, home=home)
    villages = frozenset(found[1] for place in places if (found := VILLAGE_HEAD.match(with_towns.address_of(place)[1])))
    with_villages = replace(with_towns, villages=villages, renamed=_renamed(county, regions))
    return replace(with_villages, trades=_learn_trades(with_villages, plain))


def _home_of(names: Sequence[str], regions: set[str]) -> str:
    """The region of county rank most names begin with, a city before it or not; "" without one."""
    counties = sorted(r for r in regions if r[-1] in COUNTY_ENDS)
    heads = Counter(r for n in names for r in counties if r in n[: 2 * len(r) + 2])
    return max(counties, key=lambda r: (heads[r], r), default="") if heads else ""


def _declared_regions(county: County | None) -> set[str]:
    if county is None:
        return set()
    declared = {county.name, county.city, county.province, *county.former, *county.short}
    return {d for d in declared if len(d) >= 2 and d[-1] in "县市区旗省州盟"}


def _renamed(county: County | None, regions: set[str]) -> dict[str, str]:
    """What the county was called and is called for short -> its name. A cooperative registered under the former name is none of
    another county; a former name that is the present one of the city or province above stays theirs."""
    if county is None or county.name not in regions:
        return {}
    return {r: county.name for r in (*county.former, *county.short) if r not in {county.city, county.province}}


def _frequent_regions(texts: Sequence[str], share: float, least: int) -> set[str]:
    counts: Counter[str] = Counter()
    for text in texts:
        found = _REGION_HEAD.match(text)
        if found:
            counts.update(g for g in found.groups() if g and len(g) >= 2)
    floor = max(least, share * len(texts))
    return {r for r, n in counts.items() if n >= floor}


def _second_regions(names: Sequence[str], regions: set[str]) -> set[str]:
    """Regions that follow a region, as in 临川市清禾县…, often enough."""
    rest = [n[len(r) :] for n in names for r in regions if n.startswith(r)]
    return _frequent_regions(rest, 0.01, 5)


def _learn_towns(
    gazetteer: Gazetteer, names: Sequence[str], addresses: Sequence[str], values: Sequence[str], county: County | None
) -> dict[str, str]:
    towns: dict[str, str] = {}
    for declared in county.towns if county else ():
        present = plain_name(declared.name)
        for written in (declared.name, *declared.former, *declared.short):
            towns[plain_name(written)] = present
    counts: Counter[str] = Counter()
    for texts, weight in ((values, 6), (addresses, 3), (names, 1)):
        for value in texts:
            found = TOWN_HEAD.match(gazetteer.without_regions(value))
            if not found or len(found[1]) < 2 or (texts is names and found[1][:-1] in gazetteer.short_regions):
                continue  # 清禾乡情果蔬 is 乡情 of 清禾, and no 清禾乡
            counts[found[1]] += weight
    frequent = sorted((t for t, n in counts.items() if n >= 6), key=len)
    for town in frequent:
        # 清禾莲洲镇: a town behind a region written short
        behind = next(
            (t for t in frequent if town != t and town[: -len(t)] in gazetteer.short_regions and town.endswith(t)), None
        )
        towns.setdefault(town, behind or town)
    # A town column may hold the short name only: 青坑 for 青坑镇. Two towns of one short name stay apart.
    short: dict[str, set[str]] = {}
    for full_name in set(towns.values()):
        short.setdefault(re.sub(r"(?:镇|乡|街道|苏木)$", "", full_name), set()).add(full_name)
    for name, full in short.items():
        if len(full) == 1 and len(name) >= 2:
            towns.setdefault(name, next(iter(full)))
    return towns


def _learn_trades(gazetteer: Gazetteer, names: Sequence[str]) -> frozenset[str]:
    heads: dict[str, set[str]] = {}
    for name in names:
        parsed = gazetteer.parse(name)
        if parsed.trade or len(parsed.core) < 4:
            continue
        heads.setdefault(parsed.core[-2:], set()).add(parsed.core[:-2])
    floor = max(4, 0.002 * len(names))
    return gazetteer.trades | {tail for tail, brands in heads.items() if len(brands) >= floor}
