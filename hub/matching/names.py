"""Names of cooperatives, parsed: region + [town] + brand + trade + suffix, with the county's gazetteer.

Regions and suffixes are recognised with one slip (a homophone, a swap, a lost character); brands are left as they
are, and a brand that is itself a place name survives.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from hub.matching.characters import look_of, read_words
from hub.matching.characters import loose_sound_of as sound_of
from hub.matching.plain_names import plain_name
from hub.matching.suffixes import take_suffix

VILLAGE_HEAD = re.compile(r"^([^县市区旗镇乡村社业]{1,5}(?:村{1,2}|嘎查))(?![镇乡街])")
TOWN_HEAD = re.compile(r"^([^县市区旗镇乡]{1,5}?(?:镇|乡|街道|苏木))")
COUNTY_ENDS = "县市区旗"
PREFECTURE_ENDS = "州盟"

_TRADES = frozenset(read_words("trades"))
_TOWN_ENDS = "镇乡道木"


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
    with; `towns` maps every way to write a town to its present name; `villages` are those of addresses (…村, …嘎查);
    `renamed` maps what this county was called, or is called for short, to its name."""

    regions: frozenset[str] = frozenset()
    short_regions: frozenset[str] = frozenset()
    towns: dict[str, str] = field(default_factory=dict)
    trades: frozenset[str] = _TRADES
    home: str = ""
    villages: frozenset[str] = frozenset()
    renamed: dict[str, str] = field(default_factory=dict)

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
    def _by_look(self) -> dict[str, str]:
        """Look of a region -> the region."""
        return {look_of(region): region for region in sorted(self.regions) if len(region) >= 3}

    @cached_property
    def _slipped_towns(self) -> frozenset[str]:
        """Sounds of towns, right, with two characters swapped, or with one lost before the ending."""
        found: set[str] = set()
        for town in self.towns:
            if len(town) < 3 or town[-1] not in _TOWN_ENDS:
                continue
            sound, head = sound_of(town), len(town) - (2 if town[-1] in "道木" else 1)
            found.add(sound)
            found |= {sound[:i] + sound[i + 1] + sound[i] + sound[i + 2 :] for i in range(len(sound) - 1)}
            found |= {sound[:i] + sound[i + 1 :] for i in range(head)}
        return frozenset(found)

    @cached_property
    def _longest_slipped_town(self) -> int:
        return max(map(len, self._slipped_towns), default=0)

    @cached_property
    def _longest_region(self) -> int:
        return max((len(r) for r in self.regions), default=0)

    @cached_property
    def _places(self) -> dict[str, bool]:
        """Places a name may begin with -> whether it is a town."""
        towns = {t: True for t in self.towns if t[-1] in _TOWN_ENDS}
        return towns | dict.fromkeys(self.regions, False)

    @cached_property
    def _place_lengths(self) -> dict[str, tuple[int, ...]]:
        return _lengths(self._places)

    @cached_property
    def _region_lengths(self) -> dict[str, tuple[int, ...]]:
        return _lengths(self.regions)

    @cached_property
    def _town_lengths(self) -> dict[str, tuple[int, ...]]:
        return _lengths(t for t in self.towns if t[-1] in _TOWN_ENDS)

    @cached_property
    def _trade_lengths(self) -> dict[str, tuple[int, ...]]:
        return _lengths(self.trades, at=-1, least=1)

    @cached_property
    def _sorted_regions(self) -> tuple[str, ...]:
        return tuple(sorted(r for r in self.regions if len(r) >= 3))

    @cached_property
    def _short_sounds(self) -> tuple[tuple[str, str], ...]:
        """Short regions and their sounds, in order."""
        return tuple((s, sound_of(s)) for s in sorted(self.short_regions))

    @cached_property
    def _longest_short_first(self) -> tuple[str, ...]:
        return tuple(sorted(self.short_regions, key=lambda s: (-len(s), s)))

    def town_of(self, text: str | None) -> str:
        """The present name of the town a text names or starts with (region before it allowed); "" if none is known."""
        value = plain_name(text)
        if not value:
            return ""
        value = self.without_regions(value)
        if value in self.towns:
            return self.towns[value]
        return self._leading_town(value)[0]

    def address_of(self, text: str | None) -> tuple[str, str]:
        """An address as (town, rest below the town), regions gone."""
        value = self.without_regions(plain_name(text))
        town, length = self._leading_town(value)
        if town:
            return town, value[length:]
        head = TOWN_HEAD.match(value)
        return (head[1], value[head.end() :]) if head else ("", value)

    def _leading_town(self, value: str) -> tuple[str, int]:
        """The present name of the town a value begins with, and how long it is written; ("", 0) without one."""
        for length in self._town_lengths.get(value[:1], ()):
            found = self.towns.get(value[:length])
            if found and len(value) >= length and value[length - 1] in _TOWN_ENDS:
                return found, length
        return "", 0

    def without_regions(self, value: str) -> str:
        """A value without the regions it begins with."""
        for _ in range(4):
            for length in self._region_lengths.get(value[:1], ()):
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
            for length in self._trade_lengths.get(rest[-1:], ()):
                if len(rest) - length >= (1 if length > 1 else 2) and rest[-length:] in self.trades:
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
        body, form, suffix, branch = take_suffix(surface)
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
            short = next((s for s in self._longest_short_first if body.startswith(s) and len(body) > len(s)), None)
            if short and not slip and not self.is_trade(body[len(short) :]):
                readings.append(body)
                regions.append(short)
                body = body[len(short) :]
            elif short and not slip and (len(body) >= len(short) + 4 or body[len(short) :] not in self.trades):
                readings.append(body[len(short) :])  # 林业水果, of which 林业 may be the brand, or 桃 of 桃畜禽
        if not regions:
            readings += self._behind_slipped_short_region(body)
        if not town:
            readings += self._behind_slipped_town(body)
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
        if not self.home:
            return any(r[-1] in COUNTY_ENDS for r in regions)
        return any(self.renamed.get(r, r) == self.home for r in regions)

    def _take_village(self, body: str, behind_town: bool) -> tuple[str, str]:
        """(village, rest) of 王村兴旺果蔬; ("", "") when what follows is no brand: 王村果蔬 is called after its village."""
        found = VILLAGE_HEAD.match(body)
        if not found or not (behind_town or found[1] in self.villages):
            return "", ""
        rest = body[found.end() :]
        return ("", "") if self.is_trade(rest) else (found[1], rest)

    def _town_behind_short_region(self, body: str) -> tuple[str, str, str] | None:
        """(short region, town, rest) of 云岫白石镇…: before a town, a short region is no brand, nor what sounds like it."""
        sound = sound_of(body)
        for short, short_sound in self._short_sounds:
            taken = self._take_place(body[len(short) :]) if sound.startswith(short_sound) else None
            if taken and taken[1]:
                return short, taken[0], taken[2]
        return None

    def full_region(self, region: str) -> str:
        """The present full name of a region, written short or by a former name; "" if several have that short name."""
        if region in self.renamed:
            return self.renamed[region]
        if region in self.regions:
            return region
        full = {self.renamed.get(r, r) for r in self.regions if r[:-1] == region}
        return full.pop() if len(full) == 1 else ""

    def _behind_slipped_short_region(self, body: str) -> list[str]:
        """What is left when the name begins with what sounds like a short region and a brand follows: a second reading
        only, because it may as well be a brand."""
        sound = sound_of(body)
        return [
            body[len(s) :]
            for s, short_sound in self._short_sounds
            if len(s) >= 2
            and sound.startswith((short_sound, short_sound[1] + short_sound[0] + short_sound[2:]))
            and not self.is_trade(body[len(s) :])
        ]

    def _behind_slipped_town(self, body: str) -> list[str]:
        """What is left, the village off too, when the name begins with what sounds like a town with a slip (枫领乡, 坪青镇):
        second readings only, because it may as well be a brand."""
        sound = sound_of(body[: self._longest_slipped_town])
        for length in range(min(len(sound), len(body) - 1), 1, -1):
            rest = body[length:]
            if sound[:length] in self._slipped_towns and not self.is_trade(rest):
                village, behind = self._take_village(rest, True)
                return [rest, behind] if village else [rest]
        return []

    def _take_place(self, body: str) -> tuple[str, bool, str] | None:
        for length in self._place_lengths.get(body[:1], ()):
            if length < len(body) and (is_town := self._places.get(body[:length])) is not None:
                return body[:length], is_town, body[length:]
        return None

    def _take_slipped_region(self, body: str) -> tuple[str, str] | None:
        for region in self._sorted_regions:  # the last character of the region swapped with the brand's first
            n = len(region)
            if len(body) > n + 1 and body[: n - 1] == region[:-1] and body[n] == region[-1]:
                return region, body[n - 1] + body[n + 1 :]
        looks = look_of(body[: self._longest_region])
        sound = sound_of(body[: self._longest_region])
        for length in range(min(len(body) - 1, self._longest_region), 1, -1):
            slipped = self._by_sound.get(sound[:length]) or self._by_look.get(looks[:length])
            if slipped is None:
                continue
            # A lost 县 leaves the short name, which may be a brand: that is the short region's case, not a slip.
            if length < len(slipped) and slipped[-1] not in body[:length]:
                continue
            return slipped, body[length:]
        return None


def _lengths(words: Iterable[str], *, at: int = 0, least: int = 2) -> dict[str, tuple[int, ...]]:
    """First (or last) character of words -> how long they are, the longest first."""
    found: dict[str, set[int]] = defaultdict(set)
    for word in words:
        if len(word) >= least:
            found[word[at]].add(len(word))
    return {character: tuple(sorted(lengths, reverse=True)) for character, lengths in found.items()}
