"""Names of cooperatives, parsed: region + [town] + brand + trade + suffix, with the county's gazetteer.

The gazetteer is learned from the names, towns and addresses at hand and from the deployment, because a deployment may
be poor or out of date. Regions and suffixes are recognised with one slip (a homophone, a swap, a lost character);
brands are left as they are, and a brand that is itself a place name survives.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache

from hub.deployment import County
from hub.matching.characters import loose_sound_of as sound_of
from hub.matching.characters import read_words, simplified

# Legal forms. A suffix of another form makes another legal person, whatever the rest of the name.
COOP, UNION, SHARE, BRANCH, BARE = "coop", "union", "share", "branch", "bare"
_SUFFIXES: tuple[tuple[str, str], ...] = (
    *(
        (s, COOP)
        for s in (
            "农民专业合作社",
            "农牧民专业合作社",
            "牧民专业合作社",
            "渔民专业合作社",
            "农户专业合作社",
            "农村专业合作社",
            "专业合作社",
            "农民专业社",
            "农民合作社",
            "农牧民合作社",
            "合作社",
            "专业社",
        )
    ),
    *(
        (s, UNION)
        for s in (
            "农民专业合作社联合社",
            "专业合作社联合社",
            "农民专业合作联合社",
            "专业合作联合社",
            "农民专业合作社联社",
            "专业合作社联社",
            "农民专业合作联社",
            "专业合作联社",
            "合作社联合社",
            "合作联合社",
            "合作联社",
            "专业联合社",
            "联合总社",
            "联合社",
        )
    ),
    *((s, SHARE) for s in ("农民专业股份合作社", "专业股份合作社", "股份专业合作社", "股份合作社")),
)
# What offices write behind a name about the state of the co-op or the row, with or without brackets.
_STATE_WORDS = (
    r"已?(?:吊销|注销|撤销|歇业|停业|解散|停产|停办|迁出)(?:未注销)?|拟注销|待注销|经营异常|异常|正常|在营|存续|空壳社?|"
    r"(?:国家|省|市|县)?级?示范社|(?:国|省|市|县)示范|新增|变更|更名|重复|存疑|待核实|待查|备注|原件|复核|核实中?|筹|盖章|整改"
)
_BRACKETED_STATE = re.compile(rf"\(([^()]*(?:{_STATE_WORDS})[^()]*)\)")
_BARE_STATE = re.compile(r"(?<=社)(?:[-_—]*(?:已?(?:吊销|注销|撤销|歇业|停业)|异常))+$")
_MARKS = re.compile(r"[\s'\"`´’‘“”·.。,,、;;::!?*#※★☆▲△●○◆◇~^|\\/_<>《》〈〉=+-]+")
_BRACKETS = str.maketrans("〔〕【】[]{}﹝﹞「」『』", "()()()()()()()")
_LEADING_NUMBER = re.compile(r"^(?:\(?\d{1,4}\)?[.、．)\s]+|[①-⑳]+)")
_REGION_HEAD = re.compile(
    r"^(?:[^县市区旗省州]{1,4}[省])?((?:[^县市区旗省州]{1,6}(?:自治)?[市州盟])?)([^县市区旗镇乡]{1,5}[县市区旗])?"
)
_VILLAGE_HEAD = re.compile(r"^([^县市区旗镇乡村社业]{1,5}(?:村{1,2}|嘎查))(?![镇乡街])")
_TOWN_HEAD = re.compile(r"^([^县市区旗镇乡]{1,5}?(?:镇|乡|街道|苏木))")

_TRADES = frozenset(read_words("trades"))
_COUNTY_ENDS = "县市区旗"
_SHORTENED = "县市区旗盟州"  # written without their last character
_SHARES = frozenset("股份")


@lru_cache(maxsize=1)
def _suffix_table() -> tuple[dict[str, str], int]:
    """Sound of a suffix, or of one with a slip -> its form; and the longest such tail."""
    exact = {sound_of(text): form for text, form in _SUFFIXES}
    table = dict(exact)
    ends_of_trades = {sound_of(c) for c in "业农民"}
    named_people = {sound_of(text) for text, _ in _SUFFIXES if set(text) & set("牧渔户村")}
    for sound, form in exact.items():
        if len(sound) < 3 or sound in named_people:
            continue  # 苗木专业合作社 is no 牧民专业合作社 with a lost character
        slips = {sound[:i] + sound[i + 1] + sound[i] + sound[i + 2 :] for i in range(len(sound) - 1)}
        if len(sound) > 3:
            slips |= {sound[:i] + sound[i + 1 :] for i in range(len(sound))}
        for slip in slips:
            # 业合作社 is no 专业合作社 with a lost character but the end of 茶叶合作社; so for 果农, 渔民.
            if not any(slip.endswith(whole) and slip[: -len(whole)] in ends_of_trades for whole in exact):
                table.setdefault(slip, form)
    return table, max(map(len, table))


@lru_cache(maxsize=1)
def _suffix_sounds() -> tuple[tuple[str, str], ...]:
    return tuple(sorted(((sound_of(t), f) for t, f in _SUFFIXES), key=lambda p: -len(p[0])))


def plain_name(text: str | None) -> str:
    """A name without what is not name: width, traditional forms, spaces, quotes, numbering, remarks on the state."""
    if not text:
        return ""
    value = unicodedata.normalize("NFKC", text)
    value = "".join(c for c in value if unicodedata.category(c) not in {"Cf", "Cc", "Co"} or c in "\n\t")
    value = _LEADING_NUMBER.sub("", value.strip())
    value = _MARKS.sub("", simplified(value.upper()).translate(_BRACKETS))
    for _ in range(2):
        value = _BRACKETED_STATE.sub("", value)
    value = _BARE_STATE.sub("", value)
    return value.replace("(", "").replace(")", "")


@dataclass(frozen=True)
class ParsedName:
    """A name taken apart. `cores` holds the brand and trade in every reading worth comparing, the likeliest first;
    `village` is one that stands before the brand; `branch` is what a branch (分社) is called; `region_slip` says the
    region was written with a slip."""

    surface: str
    core: str
    brand: str
    trade: str
    form: str
    suffix: str
    regions: tuple[str, ...] = ()
    town: str = ""
    village: str = ""
    branch: str = ""
    region_slip: bool = False
    cores: tuple[str, ...] = ()


@dataclass(frozen=True)
class Gazetteer:
    """Places and trades names are made of. `regions` are full names (…县, …市), `home` the one names of this county begin
    with; `towns` maps every way to write a town to its present name; `villages` are those of addresses (…村, …嘎查)."""

    regions: frozenset[str] = frozenset()
    short_regions: frozenset[str] = frozenset()
    towns: dict[str, str] = field(default_factory=dict)
    trades: frozenset[str] = _TRADES
    home: str = ""
    villages: frozenset[str] = frozenset()

    @cached_property
    def _by_sound(self) -> dict[str, str]:
        """Sound of a region with one slip -> the region. Literal regions are looked up before."""
        table: dict[str, str] = {}
        for region in sorted(self.regions):
            if len(region) < 3:
                continue
            sound = sound_of(region)
            variants = {sound}
            for i in range(len(sound) - 1):
                variants.add(sound[:i] + sound[i + 1] + sound[i] + sound[i + 2 :])
                variants.add(sound[:i] + sound[i + 1 :])
            for variant in variants:
                table.setdefault(variant, region)
        return table

    @cached_property
    def _longest_region(self) -> int:
        return max((len(r) for r in self.regions), default=0)

    @cached_property
    def _longest_town(self) -> int:
        return max(map(len, self.towns), default=0)

    @cached_property
    def _longest_trade(self) -> int:
        return max(map(len, self.trades), default=0)

    def town_of(self, text: str | None) -> str:
        """The present name of the town a text names or starts with (region before it allowed); "" if none is known."""
        value = plain_name(text)
        if not value:
            return ""
        value = self._without_regions(value)
        if value in self.towns:
            return self.towns[value]
        for length in range(min(len(value), self._longest_town), 1, -1):
            found = self.towns.get(value[:length])
            if found and value[length - 1] in "镇乡道木":
                return found
        return ""

    def address_of(self, text: str | None) -> tuple[str, str]:
        """An address as (town, rest below the town), regions gone."""
        value = self._without_regions(plain_name(text))
        head = _TOWN_HEAD.match(value)
        for length in range(min(len(value), self._longest_town), 1, -1):
            found = self.towns.get(value[:length])
            if found and value[length - 1] in "镇乡道木":
                return found, value[length:]
        return (head[1], value[head.end() :]) if head else ("", value)

    def _without_regions(self, value: str) -> str:
        for _ in range(4):
            for length in range(min(len(value), max(self._longest_region, 3)), 1, -1):
                if value[:length] in self.regions:
                    value = value[length:]
                    break
            else:
                return value
        return value

    def split_trade(self, core: str) -> tuple[str, str]:
        """(brand, trade): known trade words are taken off the end while a brand is left."""
        rest = core
        for _ in range(3):
            for length in range(min(len(rest), self._longest_trade), 0, -1):
                if rest[-length:] in self.trades and len(rest) - length >= (1 if length > 1 else 2):
                    rest = rest[:-length]
                    break
            else:
                break
        if rest == core and core in self.trades:
            return "", core
        return rest, core[len(rest) :]

    def is_trade(self, text: str) -> bool:
        """Whether a text is trade words only."""
        return not text or text in self.trades or self.split_trade(text)[0] in self.trades

    def parse(self, text: str | None) -> ParsedName:
        """Takes a name apart. Never fails; what cannot be told stays in the core."""
        surface = plain_name(text)
        body, form, suffix, branch = _take_suffix(surface)
        regions: list[str] = []
        town, slip = "", False
        readings: list[str] = []
        for _ in range(5):
            taken = self._take_place(body)
            if taken:
                place, is_town, rest = taken
                if is_town:
                    town = self.towns[place]
                else:
                    regions.append(place)
                body = rest
                continue
            if not slip and not self._at_home(regions):
                fuzzy = self._take_slipped_region(body)
                if fuzzy:
                    readings.append(body)
                    regions.append(fuzzy[0])
                    body, slip = fuzzy[1], True
                    continue
            break
        if not regions:
            behind = self._town_behind_short_region(body)
            if behind:
                regions.append(behind[0])
                town, body = self.towns[behind[1]], behind[2]
        if not regions or slip:
            short = next(
                (
                    s
                    for s in sorted(self.short_regions, key=lambda t: (-len(t), t))
                    if body.startswith(s) and len(body) > len(s)
                ),
                None,
            )
            if short and not slip and not self.is_trade(body[len(short) :]):
                readings.append(body)
                regions.append(short)
                body = body[len(short) :]
            elif short and not slip and len(body) >= len(short) + 4:
                readings.append(body[len(short) :])  # 林业水果, of which 林业 may be the brand
        if not regions:
            readings += self._behind_slipped_short_region(body)
        village, behind_village = self._take_village(body, bool(town))
        if village:
            readings.append(body)
            body = behind_village
        brand, trade = self.split_trade(body)
        return ParsedName(
            surface,
            body,
            brand,
            trade,
            form,
            suffix,
            tuple(map(self.full_region, regions)),
            town,
            village,
            branch,
            slip,
            (body, *readings),
        )

    def _at_home(self, regions: Sequence[str]) -> bool:
        """Whether the county is among the regions taken off already, so that no slip of it is to be looked for."""
        return self.home in regions if self.home else any(r[-1] in _COUNTY_ENDS for r in regions)

    def _take_village(self, body: str, behind_town: bool) -> tuple[str, str]:
        """(village, rest) of 王村兴旺果蔬; ("", "") when what follows is no brand: 王村果蔬 is called after its village."""
        found = _VILLAGE_HEAD.match(body)
        if not found or not (behind_town or found[1] in self.villages):
            return "", ""
        rest = body[found.end() :]
        return ("", "") if self.is_trade(rest) else (found[1], rest)

    def _town_behind_short_region(self, body: str) -> tuple[str, str, str] | None:
        """(short region, town, rest) of 云岫白石镇…: before a town, a short region is no brand, nor what sounds like it."""
        sound = sound_of(body)
        for short in sorted(self.short_regions):
            taken = self._take_place(body[len(short) :]) if sound.startswith(sound_of(short)) else None
            if taken and taken[1]:
                return short, taken[0], taken[2]
        return None

    def full_region(self, region: str) -> str:
        """The full name of a region written short; "" if several have that short name."""
        if region in self.regions:
            return region
        full = [r for r in self.regions if r[:-1] == region]
        return full[0] if len(full) == 1 else ""

    def _behind_slipped_short_region(self, body: str) -> list[str]:
        """What is left when the name begins with what sounds like a short region and a brand follows: a second reading
        only, because it may as well be a brand."""
        sound = sound_of(body)
        return [
            body[len(s) :]
            for s in sorted(self.short_regions)
            if len(s) >= 2 and sound.startswith(sound_of(s)) and not self.is_trade(body[len(s) :])
        ]

    def _take_place(self, body: str) -> tuple[str, bool, str] | None:
        for length in range(min(len(body) - 1, max(self._longest_region, self._longest_town)), 1, -1):
            head = body[:length]
            if head in self.regions:
                return head, False, body[length:]
            if head in self.towns and head[-1] in "镇乡道木":
                return head, True, body[length:]
        return None

    def _take_slipped_region(self, body: str) -> tuple[str, str] | None:
        for region in sorted(self.regions):  # the last character of the region swapped with the brand's first
            n = len(region)
            if n >= 3 and len(body) > n + 1 and body[: n - 1] == region[:-1] and body[n] == region[-1]:
                return region, body[n - 1] + body[n + 1 :]
        sound = sound_of(body[: self._longest_region])
        for length in range(min(len(body) - 1, self._longest_region), 1, -1):
            slipped = self._by_sound.get(sound[:length])
            if slipped is None:
                continue
            # A lost 县 leaves the short name, which may be a brand: that is the short region's case, not a slip.
            if length < len(slipped) and slipped[-1] not in body[:length]:
                continue
            return slipped, body[length:]
        return None


def _take_suffix(surface: str) -> tuple[str, str, str, str]:
    """(body, form, suffix, branch) of a plain name."""
    branch = ""
    found = re.search(r"社(.{0,8})分社$", surface)
    if found:
        body, _, suffix, _ = _take_suffix(surface[: found.start() + 1])
        return body, BRANCH, suffix, found[1]
    sound = sound_of(surface)
    table, longest = _suffix_table()
    for length in range(min(longest, len(sound) - 1), 1, -1):
        form = table.get(sound[-length:])
        if form == SHARE and not _SHARES & set(surface[-length:]):
            continue  # 蜜蜂专业合作社 sounds like 股份专业合作社 with a lost character
        if form is not None:
            return surface[:-length], form, surface[-length:], branch
        for suffix_sound, suffix_form in _suffix_sounds():  # the suffix's first character swapped with the one before
            if (
                len(suffix_sound) == length
                and len(sound) > length + 2
                and sound[-length + 1 :] == suffix_sound[1:]
                and sound[-length - 1] == suffix_sound[0]
                and suffix_sound[1:] not in table
            ):
                return surface[: -length - 1] + surface[-length], suffix_form, surface[-length - 1 :], branch
    if len(sound) > 3 and surface[-1] == "社":
        return surface[:-1], BARE, surface[-1:], branch
    return surface, BARE, "", branch


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
    short |= {s for s in (county.short if county else ()) if len(s) >= 2}
    short_used = {s for s in short if sum(n.startswith(s) for n in plain) >= 3 or (county and s == county.name[:-1])}
    half = Gazetteer(frozenset(regions), frozenset(short_used), {})
    learned_towns = _learn_towns(half, plain, places, town_values, county)
    home = county.name if county and county.name in regions else _home_of(plain, regions)
    with_towns = Gazetteer(half.regions, half.short_regions, learned_towns, home=home)
    villages = frozenset(
        found[1] for place in places if (found := _VILLAGE_HEAD.match(with_towns.address_of(place)[1]))
    )
    with_villages = replace(with_towns, villages=villages)
    return replace(with_villages, trades=_learn_trades(with_villages, plain))


def _home_of(names: Sequence[str], regions: set[str]) -> str:
    """The region of county rank most names begin with, a city before it or not; "" without one."""
    counties = sorted(r for r in regions if r[-1] in _COUNTY_ENDS)
    heads = Counter(r for n in names for r in counties if r in n[: 2 * len(r) + 2])
    return max(counties, key=lambda r: (heads[r], r), default="") if heads else ""


def _declared_regions(county: County | None) -> set[str]:
    if county is None:
        return set()
    declared = {county.name, county.city, county.province, *county.former}
    return {d for d in declared if len(d) >= 2 and d[-1] in "县市区旗省州盟"}


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
            found = _TOWN_HEAD.match(gazetteer._without_regions(value))
            if found and len(found[1]) >= 2:
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
