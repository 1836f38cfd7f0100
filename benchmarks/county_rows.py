"""What offices write down about an invented county: rows of eleven feeds as profiles, with the truth.

The kinds of slips and how often each feed makes them were counted on a county built from public registrations, of which nothing
else is taken; `mess` multiplies the rates. Each row is written anew: two decisions about one cooperative have their own slips.
White space and invisible characters are left out, since reading removes them before anything is matched.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from random import Random
from typing import Any

import pyarrow as pa

from benchmarks.county_world import Cooperative, World
from hub.demo.names import person_name
from hub.intake.profile import profile_key
from hub.matching.characters import read_words, sound_of

_TEXTS = ("profile_key", "name", "former_name", "representative", "phone", "town", "address", "founded_on")
SCHEMA = pa.schema(
    [(c, pa.string()) for c in _TEXTS]
    + [("codes", pa.list_(pa.string())), ("n_rows", pa.int64()), ("feeds", pa.list_(pa.string()))]
)
# Slips of a name, by how often each was seen: a homophone or swap may stand in the region too, a lost character never did.
_SLIPS = (("homophone", 62), ("lost", 25), ("swapped", 12), ("look", 1))
_SUFFIXES = {  # what 专业合作社 is written as instead
    "system": (("农民专业合作社", 55), ("合作社", 27), ("专业社", 18)),
    "ledger": (("农民专业合作社", 50), ("合作社", 29), ("专业社", 12), ("农民专业社", 6), ("社", 3)),
}
_MOST = 0.85  # no rate is multiplied beyond


@dataclass(frozen=True)
class Feed:
    """One feed: which share of the cooperatives it lists, how many rows each has (weights of 1, 2, 3), what it says of each and how
    often it slips. Rates are shares of rows at a mess of 1."""

    name: str
    share: float
    no_region: float = 0.0
    suffix: float = 0.0
    town_before: float = 0.0
    slip: float = 0.0
    mark: float = 0.0
    cut_off: float = 0.0
    rows: tuple[int, ...] = (1,)
    code: bool = False
    no_code: float = 0.0
    pasted: float = 0.0
    bad_code: float = 0.0
    old_number: float = 0.0
    subject_code: bool = False
    person: bool = False
    no_person: float = 0.02
    other_person: float = 0.06
    person_slip: float = 0.02
    phone: float = 0.0  # share of rows with one
    other_phone: float = 0.0
    town: bool = False
    address: float = 0.0  # share of rows with an address
    bare_address: float = 0.0  # of these, those that name the town only
    founded: bool = False
    old_name: float = 0.0  # of cooperatives that were renamed, the share still listed under the former name
    ledger: bool = False


FEEDS: tuple[Feed, ...] = (
    Feed(
        "market_abnormal", 0.246, 0.104, 0.11, 0.005, 0.022, rows=(39, 37, 24), code=True, no_code=0.009, pasted=0.0054,
        bad_code=0.025, person=True,
    ),
    Feed("market_inspection", 0.125, 0.092, 0.092, 0.007, 0.01, code=True, no_code=0.013, pasted=0.0066, bad_code=0.007),
    Feed(
        "tax_registration", 0.829, 0.068, 0.061, 0.007, 0.015, 0.002, rows=(93, 7), code=True, bad_code=0.004, old_number=0.116,
        person=True, phone=0.7, town=True, address=1.0, bare_address=0.21,
    ),
    Feed(
        "traceability_subjects", 0.358, 0.222, 0.197, 0.011, 0.06, 0.005, code=True, no_code=0.27, pasted=0.007, bad_code=0.02,
        subject_code=True, person=True, other_person=0.07, phone=1.0, other_phone=0.26, address=1.0, bare_address=0.5,
    ),
    Feed("traceability_batches", 0.292, rows=(28, 34, 38), code=True),
    Feed("demonstration", 0.131, 0.175, 0.081, 0.037, 0.026, 0.013, town=True, old_name=0.5),
    Feed(
        "supply_marketing", 0.083, 0.366, 0.297, 0.05, 0.07, 0.01, 0.002, person=True, no_person=0.17, other_person=0.03,
        phone=0.624, other_phone=0.15, town=True, old_name=0.5, ledger=True,
    ),
    Feed(
        "township_cleanup", 0.186, 0.498, 0.41, 0.035, 0.1, 0.022, 0.002, person=True, no_person=0.16, town=True, old_name=0.4,
        ledger=True,
    ),
    Feed("fiscal_support", 0.066, 0.235, 0.185, 0.05, 0.05, 0.012, 0.002, code=True, no_code=0.33, bad_code=0.015, old_name=0.3),
    Feed("complaints", 0.016, 0.55, 0.35, 0.0, 0.05, ledger=True),
)  # fmt: skip
REGISTRY = Feed(
    "registry", 1.0, code=True, person=True, no_person=0.0, other_person=0.0, person_slip=0.0, address=1.0, founded=True
)


@dataclass(frozen=True)
class Profiles:
    """What the matcher takes, and per profile how many of its rows are which cooperative's."""

    table: pa.Table
    entities: list[Counter[str]]

    @property
    def rows(self) -> int:
        return sum(sum(e.values()) for e in self.entities)


@lru_cache(maxsize=1)
def homophones() -> dict[str, list[str]]:
    """Syllable -> the common characters (first level of GB 2312) read so, as an input method offers them."""
    found: dict[str, list[str]] = {}
    for high in range(0xB0, 0xD8):
        for low in range(0xA1, 0xFF):
            try:
                character = bytes((high, low)).decode("gb2312")
            except UnicodeDecodeError:
                continue
            found.setdefault(sound_of(character), []).append(character)
    return found


def write_rows(world: World, *, registry: bool, mess: float, seed: int) -> Profiles:
    """The rows of all feeds. `registry` adds a full registry without slips."""
    rows: list[tuple[dict[str, Any], str, str]] = []
    for feed in (*((REGISTRY,) if registry else ()), *FEEDS):
        rows += _Office(world, feed, mess, Random(f"{seed}/{feed.name}")).write()
    return _profiles(rows)


def _profiles(rows: Iterable[tuple[dict[str, Any], str, str]]) -> Profiles:
    found: dict[str, dict[str, Any]] = {}
    entities: dict[str, Counter[str]] = {}
    for said, feed, entity in rows:
        key = profile_key(**said)
        assert key is not None
        codes = sorted(set(said["codes"]))
        entry = found.setdefault(key, {"profile_key": key, **said, "codes": codes, "n_rows": 0, "feeds": set()})
        entry["n_rows"] += 1
        entry["feeds"].add(feed)
        entities.setdefault(key, Counter())[entity] += 1
    keys = sorted(found)
    table = pa.Table.from_pylist([{**found[k], "feeds": sorted(found[k]["feeds"])} for k in keys], schema=SCHEMA)
    return Profiles(table, [entities[k] for k in keys])


class _Office:
    """Writes one feed."""

    def __init__(self, world: World, feed: Feed, mess: float, random: Random) -> None:
        self.world, self.feed, self.mess, self.random = world, feed, mess, random

    def _slips(self, rate: float, most: float = _MOST) -> bool:
        return self.random.random() < min(most, rate * self.mess)

    def write(self) -> list[tuple[dict[str, Any], str, str]]:
        """(what a row says, feed, entity) of every row."""
        members, feed, random = self.world.members, self.feed, self.random
        found = []
        for c in random.sample(members, round(feed.share * len(members))):
            for _ in range(random.choices(range(1, len(feed.rows) + 1), feed.rows)[0]):
                said = {
                    "name": self.name(c),
                    "former_name": c.former if feed.founded and random.random() < 0.5 else None,
                    "codes": self.codes(c),
                    "representative": self.person(c) if feed.person else None,
                    "phone": self.phone(c),
                    "town": c.town if feed.town else None,
                    "address": self.address(c) if random.random() < feed.address else None,
                    "founded_on": c.founded if feed.founded else None,
                }
                found.append((said, feed.name, c.uscc))
        return found

    def name(self, c: Cooperative) -> str:
        feed, random, county = self.feed, self.random, self.world.county
        if c.former and random.random() < feed.old_name:
            return c.former
        region, body, suffix = c.region, c.place + c.core, c.suffix
        if self._slips(feed.no_region):
            region = ""
            if c.region not in (county.name, county.name[:-1]) and random.random() < 0.4:
                region = county.city  # 云岫县岚江市…: one of the two stays
        elif region == county.name and self._slips(0.03 * feed.no_region):
            region = region[:-1]
        if c.place and self._slips(0.5 * feed.no_region):
            body = c.core
        if self._slips(feed.suffix):
            suffix = self._suffix(suffix)
        if self._slips(feed.slip):
            region, body, suffix = self._slipped(region, body, suffix)
        name = region + body + suffix
        if self._slips(feed.cut_off):
            name = name[: max(len(region + body) + 1, 14)]
        if self._slips(feed.town_before) and c.town not in name:
            name = c.town + name
        return name + random.choice(("（已注销）", "(异常)", "*", "（示范社）")) if self._slips(feed.mark) else name

    def _suffix(self, suffix: str) -> str:
        """The suffix as written instead; of another form none is changed."""
        shorter = suffix.replace("农民", "").replace("农牧民", "").replace("牧民", "")
        if shorter != "专业合作社":
            return suffix
        table = _SUFFIXES["ledger" if self.feed.ledger else "system"]
        written = self.random.choices([w for w, _ in table], [n for _, n in table])[0]
        return "专业合作社" if written == suffix else written

    def _slipped(self, region: str, body: str, suffix: str) -> tuple[str, str, str]:
        random = self.random
        kind = random.choices([k for k, _ in _SLIPS], [n for _, n in _SLIPS])[0]
        text = region + body
        if kind == "lost":
            at = random.randrange(len(body))
            return region, body[:at] + body[at + 1 :], suffix
        if kind == "swapped":
            whole = text + suffix
            at = random.randrange(len(text))
            whole = whole[:at] + whole[at + 1] + whole[at] + whole[at + 2 :]
            return whole[: len(region)], whole[len(region) : len(text)], whole[len(text) :]
        at = random.randrange(len(text))
        if kind == "look":
            like = [x for group in read_words("looks") if text[at] in group for x in group if x != text[at]]
        else:
            like = [x for x in homophones().get(sound_of(text[at]), ()) if x != text[at]]
        if like:
            text = text[:at] + random.choice(like) + text[at + 1 :]
        return text[: len(region)], text[len(region) :], suffix

    def codes(self, c: Cooperative) -> tuple[str, ...]:
        feed, random = self.feed, self.random
        found = []
        if feed.subject_code:
            tail = c.uscc if random.random() < 0.53 else f"{random.randrange(10**9):018d}"
            found.append(f"1.2.156.326.8.1.0.0.3.{tail}")
        if feed.code and not self._slips(feed.no_code, 0.7):
            found.append(self._code(c))
        return tuple(found)

    def _code(self, c: Cooperative) -> str:
        feed, random, code = self.feed, self.random, c.uscc
        if self._slips(feed.pasted):
            return random.choice(self.world.members).uscc
        if random.random() < feed.old_number:
            return code[2:17]
        if not self._slips(feed.bad_code):
            return code
        at = random.randrange(8, 16)
        match random.randrange(10):
            case 0 | 1 | 2:
                return code[:at] + code[at + 1 :]
            case 3 | 4 | 5:
                return code[:at] + code[at + 1] + code[at] + code[at + 2 :]
            case 6 | 7:
                return code.translate(str.maketrans("0125", "OIZS"))
            case _:
                return code[:at] + random.choice("0123456789ABN") + code[at + 1 :]

    def person(self, c: Cooperative) -> str | None:
        """The representative as the office knows it; of whom the registry has none, an office seldom knows one."""
        random, person = self.random, c.person
        if person is None:
            return person_name(random) if random.random() < 0.03 * self.mess else None
        if self._slips(self.feed.no_person, 0.5):
            return None
        if self._slips(self.feed.other_person, 0.3):
            return random.choice(self.world.people)
        if self._slips(self.feed.person_slip):
            like = [x for x in homophones().get(sound_of(person[-1]), ()) if x != person[-1]]
            return person[:-1] + random.choice(like) if like else person
        return person

    def phone(self, c: Cooperative) -> str | None:
        if self.random.random() >= self.feed.phone:
            return None
        if self._slips(self.feed.other_phone, 0.6):
            return f"1{self.random.choice('3578')}{self.random.randrange(10**9):09d}"
        return c.phone

    def address(self, c: Cooperative) -> str:
        random, county, draw = self.random, self.world.county, self.random.random()
        head = county.name if not self.feed.town or random.random() < 0.79 else ""
        head = county.city + head if head and random.random() < 0.1 else head
        if draw < self.feed.bare_address:
            return head + c.town
        return head + c.town + (c.street if random.random() < 0.11 else c.village)
