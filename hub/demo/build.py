"""Makes the county of the first night: who is there, and how each is doing. What an office knows of each is in `states`."""

from __future__ import annotations

from datetime import date
from random import Random

from hub.demo import names
from hub.demo.states import give_states
from hub.demo.world import FIRST_DATE, Condition, Cooperative, Stranger, World, day_between
from hub.deployment import County, Town
from hub.identifiers.codes import USCC_ALPHABET, make_uscc, organisation_check_character

CONDITIONS = (
    (Condition.GOOD, 26),
    (Condition.ORDINARY, 37),
    (Condition.SHELL, 15),
    (Condition.STOPPED, 5),
    (Condition.GONE, 10),
    (Condition.YOUNG, 7),
)
_MODERN = date(2015, 10, 1)  # since then the code is one for all offices, and organisation codes begin with MA


def stem(name: str, county: County) -> str:
    """A name without region and without what its suffix may gain or lose: what two names share when only those differ."""
    for region in regions(county):
        name = name.removeprefix(region)
    for suffix in ("农民专业合作社", "专业合作社", "合作社"):
        if name.endswith(suffix):
            return name.removesuffix(suffix)
    return name


def regions(county: County) -> tuple[str, ...]:
    """Ways a name may begin with the region, longest first."""
    bare = county.name[:-1]
    city = county.city
    forms = {f"{city}{county.name}", county.name, bare, city, city[:-1]}
    return tuple(sorted((f for f in forms if f), key=len, reverse=True))


class NameMaker:
    """Names that are all different, stems too, unless a twin is asked for."""

    def __init__(self, county: County, taken: set[str] | None = None) -> None:
        self.county = county
        self.stems: set[str] = taken if taken is not None else set()

    def make(self, random: Random, trade: names.Trade, town: Town, village: str) -> str:
        for attempt in range(200):
            word = trade.name if random.random() < 0.88 else random.choice(trade.variants)
            brand = self._brand(random, village, wide=attempt > 20)
            place = self._place(random, town, village) if village not in brand else ""
            name = f"{self._region(random)}{place}{brand}{word}{names.weighted(random, names.SUFFIXES)}"
            if stem(name, self.county) not in self.stems:
                self.stems.add(stem(name, self.county))
                return name
        raise ValueError("the word lists are too short for so many cooperatives; use the scale generator")

    def _brand(self, random: Random, village: str, *, wide: bool) -> str:
        if wide:
            return "".join(random.choice(random.choice(random.choice(names.BRAND_FAMILIES))) for _ in range(3))
        if village and random.random() < 0.14:
            return village
        families = names.BRAND_FAMILIES  # the first are in fashion, so that near namesakes abound
        family = random.choices(families, [4 * len(families) // (i + 3) + 1 for i in range(len(families))])[0]
        return random.choice(family)

    def _region(self, random: Random) -> str:
        county, city = self.county.name, self.county.city
        draw = random.random()
        if draw < 0.82:
            return county
        if draw < 0.95:
            return county[:-1]
        return f"{city}{county}" if draw < 0.97 else ""

    @staticmethod
    def _place(random: Random, town: Town, village: str) -> str:
        draw = random.random()
        if draw < 0.04:
            return town.name
        return village if draw < 0.08 and village else ""


def new_uscc(random: Random, region: str, founded: date, taken: set[str]) -> str:
    """An invented credit code whose checks both pass."""
    while True:
        if founded >= _MODERN:
            first8 = "MA" + "".join(random.choice(USCC_ALPHABET) for _ in range(6))
        else:
            first8 = f"{random.randrange(10**8):08d}"
        code = make_uscc(region, first8 + organisation_check_character(first8))
        if code not in taken:
            taken.add(code)
            return code


def phone_number(number: int) -> str:
    """A mobile number of a block that is nobody's: 199 0000 xxxx (and on, for more than ten thousand)."""
    return f"199{(number * 7919 + 4321) % 10_000 + number // 10_000 * 10_000:08d}"


def found(random: Random, county: County, maker: NameMaker, *, number: int, taken: set[str], when: date) -> Cooperative:
    """A cooperative founded on a date, with nothing known of it yet."""
    town = random.choices(county.towns, [len(county.towns) + 6 - i for i in range(len(county.towns))])[0]
    village = random.choice(town.villages) if town.villages else ""
    trade = random.choices(names.TRADES, [t.weight for t in names.TRADES])[0]
    region = county.code
    if county.former_codes and when < date(2010, 1, 1) and random.random() < 0.3:
        region = random.choice(county.former_codes)
    uscc = new_uscc(random, region, when, taken)
    place = (
        f"{village}村{random.randint(1, 220)}号"
        if village
        else f"{random.choice(names.STREETS)}{random.randint(1, 220)}号"
    )
    members = random.choice((5, 5, 6, 7, 8, 10, 12, 15, 21, 36, 58, 103))
    return Cooperative(
        number=number,
        uscc=uscc,
        name=maker.make(random, trade, town, village),
        trade=trade,
        town=town,
        village=village,
        representative=names.person_name(random),
        phone=phone_number(number),
        address=f"{county.name}{town.name}{place}",
        founded=when,
        condition=Condition.YOUNG,
        members=members,
        contributions=random.choice((50, 80, 100, 120, 200, 300, 500, 1000)) * 10_000
        + random.choice((0, 0, 0, 5_000, 12_800)),
        registration_number=f"{county.code}NA{number:06d}X" if when < _MODERN else "",
    )


def _founding_day(random: Random, condition: Condition) -> date:
    if condition is Condition.YOUNG:
        return day_between(random, date(2025, 1, 1), date(2026, 9, 30))
    return day_between(random, date(2007, 9, 1), date(2022, 12, 31))


def _twins(world: World, count: int) -> None:
    """Pairs of different cooperatives whose names differ only in suffix or region."""
    pool = [c for c in world.cooperatives if c.name.endswith("专业合作社") and "农民" not in c.name]
    for i in range(min(count, len(pool) // 4)):
        one, other = pool[4 * i], pool[4 * i + 2]
        other.trade = one.trade
        if i % 2:
            other.name = f"{world.county.city[:-1]}{stem(one.name, world.county)}专业合作社"
        else:
            other.name = one.name.removesuffix("专业合作社") + "农民专业合作社"


def _shared_people(random: Random, world: World) -> None:
    """A few people who chair three to five cooperatives each, and a few addresses and phones of several."""
    pool = list(world.cooperatives)
    random.shuffle(pool)
    for _ in range(max(1, len(pool) // 120)):
        group = [pool.pop() for _ in range(min(len(pool), random.randint(3, 5)))]
        for c in group[1:]:
            c.representative, c.phone = group[0].representative, group[0].phone
    for _ in range(max(1, len(pool) // 150)):
        group = [pool.pop() for _ in range(min(len(pool), random.randint(2, 4)))]
        for c in group[1:]:
            c.address, c.town, c.village = group[0].address, group[0].town, group[0].village


def _strangers(random: Random, county: County, taken: set[str]) -> list[Stranger]:
    found: list[Stranger] = []

    def add(name: str, kind: str, label: str, town: Town) -> None:
        first8 = "MA" + "".join(random.choice(USCC_ALPHABET) for _ in range(6))
        code = make_uscc(county.code, first8 + organisation_check_character(first8), kind)
        taken.add(code)
        found.append(Stranger(name, code, town, names.person_name(random), label))

    for town in county.towns:
        for village in town.villages[:2]:
            add(f"{county.name}{town.name}{village}村股份经济合作社", "N2", "collective", town)
    for town in county.towns[:5]:
        add(f"{county.name}{town.name.rstrip('镇乡')}供销合作社有限公司", "91", "supply", town)
        add(f"{county.name}{random.choice(random.choice(names.BRAND_FAMILIES))}家庭农场", "92", "farm", town)
    add(f"{county.name}农村信用合作联社", "91", "credit", county.towns[0])
    return found


def build_world(county: County, seed: int, cooperatives: int) -> World:
    """The county on the first night.

    Args:
        county: names, codes, towns with villages.
        seed: equal seeds give equal counties.
        cooperatives: how many; up to some ten thousand (more: `hub.demo.scale`).
    """
    random = Random(f"{seed}/county")
    maker = NameMaker(county)
    taken: set[str] = set()
    conditions = random.choices([c for c, _ in CONDITIONS], [w for _, w in CONDITIONS], k=cooperatives)
    members = []
    for number, condition in enumerate(conditions, 1):
        cooperative = found(random, county, maker, number=number, taken=taken, when=_founding_day(random, condition))
        cooperative.condition = condition
        members.append(cooperative)
    world = World(county, seed, FIRST_DATE, members, _strangers(random, county, taken))
    _twins(world, max(1, cooperatives // 100))
    _shared_people(random, world)
    give_states(random, world)
    return world
