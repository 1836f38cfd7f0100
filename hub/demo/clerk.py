"""How a clerk writes things down: names shortened, codes slipped, dates of every fashion, empty words. The same clerk writes
the same fact the same way each time (a draw depends on seed, feed and cooperative only), so that a file sent again
differs just where the facts did.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from random import Random

from hub.demo.build import regions, stem
from hub.demo.names import HOMOPHONES
from hub.demo.sheet import Value
from hub.demo.world import Cooperative, Stranger, World

EMPTY_WORDS = ("", "", "", "无", "/", "——", "-", "未提供", "暂无")
_NUMERALS = "〇一二三四五六七八九"


@dataclass(frozen=True, slots=True)
class Habits:
    """Shares of a clerk's writings that go each way. Systems have few, hand-kept ledgers many."""

    no_region: float = 0.0
    bare_region: float = 0.0  # 云岫 for 云岫县
    town_before: float = 0.0
    suffix: float = 0.0  # 农民 dropped or added, 专业 dropped
    homophone: float = 0.0
    marks: float = 0.0  # （已注销）, *, spaces, invisible characters, line breaks
    no_code: float = 0.0
    bad_code: float = 0.0
    no_person: float = 0.0
    no_phone: float = 0.0
    odd_date: float = 0.1
    odd_styles: tuple[int, ...] = (1, 2, 3, 4, 6)  # see date_text


SYSTEM = Habits(marks=0.01, bad_code=0.02, no_person=0.02, no_phone=0.05, odd_date=0.06, odd_styles=(1, 3, 5))
OFFICE = Habits(
    no_region=0.08, bare_region=0.03, suffix=0.05, homophone=0.01, marks=0.03, no_code=0.08, bad_code=0.04,
    no_person=0.06, no_phone=0.12, odd_date=0.2,
)  # fmt: skip
LEDGER = Habits(
    no_region=0.35, bare_region=0.06, town_before=0.03, suffix=0.16, homophone=0.02, marks=0.05, no_code=0.3,
    bad_code=0.05, no_person=0.12, no_phone=0.2, odd_date=0.3,
)  # fmt: skip


def date_text(day: date, style: int) -> str:
    """A date in one of seven fashions."""
    year = "".join(_NUMERALS[int(d)] for d in str(day.year))
    return (
        f"{day:%Y-%m-%d}",
        f"{day.year}/{day.month}/{day.day}",
        f"{day.year}.{day.month}.{day.day}",
        f"{day:%Y%m%d}",
        f"{day.year}年{day.month}月{day.day}日",
        f"{day:%Y-%m-%d} 00:00:00",
        f"{year}年{_number(day.month)}月{_number(day.day)}日",
    )[style]


def _number(value: int) -> str:
    tens, ones = divmod(value, 10)
    return (("" if tens == 1 else _NUMERALS[tens]) + "十" if tens else "") + (_NUMERALS[ones] if ones else "")


class NameBook:
    """Knows every name of the county, so that no slip of the pen turns one cooperative into another."""

    def __init__(self, world: World) -> None:
        self.county = world.county
        self.regions = regions(world.county)
        self.stems: dict[str, int] = {}
        for c in world.cooperatives:
            for name in (c.name, *c.former_names):
                key = stem(name, world.county)
                self.stems[key] = self.stems.get(key, 0) + 1

    def alone(self, name: str) -> bool:
        """Whether no other cooperative's name has this name's stem."""
        return self.stems.get(stem(name, self.county), 0) <= 1

    def unknown(self, name: str) -> bool:
        return stem(name, self.county) not in self.stems


class Clerk:
    """Writes one feed."""

    def __init__(self, world: World, names: NameBook, feed: str, habits: Habits, *, date_style: int = 0) -> None:
        self.world, self.names, self.feed, self.habits = world, names, feed, habits
        self.date_style = date_style

    def hand(self, who: Cooperative | Stranger, item: object = "") -> Random:
        """The draws for one row: always the same for the same fact."""
        return Random(f"{self.world.seed}/{self.feed}/{who.uscc if isinstance(who, Cooperative) else who.code}/{item}")

    def general(self, item: object) -> Random:
        return Random(f"{self.world.seed}/{self.feed}/{item}")

    def chosen(self, item: str, pool: Iterable[Cooperative], share: float) -> list[Cooperative]:
        """About `share` of a pool, each on its own draw, in the pool's order."""
        return [c for c in pool if self.hand(c, item).random() < share]

    def name(self, random: Random, c: Cooperative, *, breaks: bool = False) -> str:
        """The name as written. Twins keep what tells them apart. `breaks`: a line break may stand in it."""
        h, name = self.habits, c.name
        alone = self.names.alone(name)
        draws = [random.random() for _ in range(5)]
        if alone and draws[0] < h.homophone:
            spots = [i for i, ch in enumerate(name[:-5]) if ch in HOMOPHONES and i > 2]
            if spots:
                spot = random.choice(spots)
                slipped = name[:spot] + HOMOPHONES[name[spot]] + name[spot + 1 :]
                name = slipped if self.names.unknown(slipped) else name
        if alone and draws[1] < h.suffix:
            name = self._other_suffix(random, name)
        region = next((r for r in self.names.regions if name.startswith(r)), "")
        if alone and region and draws[2] < h.no_region:
            name = name.removeprefix(region)
        elif alone and region == self.names.county.name and draws[2] < h.no_region + h.bare_region:
            name = region[:-1] + name.removeprefix(region)
        if draws[3] < h.town_before and c.town.name not in name:
            name = c.town.name + name
        if c.ended and random.random() < 0.15 and h.no_region:
            return name + random.choice(("（已注销）", "(已注销)"))
        return self._marked(random, name, breaks=breaks) if draws[4] < h.marks else name

    @staticmethod
    def _other_suffix(random: Random, name: str) -> str:
        if name.endswith("农民专业合作社"):
            return name.removesuffix("农民专业合作社") + random.choice(("专业合作社", "专业合作社", "农民专业社"))
        if name.endswith("专业合作社"):
            return name.removesuffix("专业合作社") + random.choice(("农民专业合作社", "合作社", "专业社"))
        return name

    @staticmethod
    def _marked(random: Random, name: str, *, breaks: bool) -> str:
        middle = len(name) // 2
        slips = [
            " " + name,
            name + "\u3000",
            name[:middle] + " " + name[middle:],
            name[:middle] + "\u200b" + name[middle:],
            name + "*",
            "\ufeff" + name,
        ]
        if breaks:
            slips.append(name[:middle] + "\n" + name[middle:])
        return random.choice(slips)

    def code(self, random: Random, c: Cooperative, *, old: bool = False) -> str:
        """The credit code as written; `old`: by its registration number, where it has one."""
        draw = random.random()
        if draw < self.habits.no_code:
            return random.choice(EMPTY_WORDS)
        if old and c.registration_number and random.random() < 0.06:
            return c.registration_number
        if draw < self.habits.no_code + self.habits.bad_code:
            return self._slipped(random, c.uscc)
        return c.uscc

    @staticmethod
    def _slipped(random: Random, code: str) -> str:
        spot = random.randrange(9, 16)
        slips = [
            f"'{code}",
            f"{code[:8]} {code[8:]}",
            code[:spot] + code[spot + 1] + code[spot] + code[spot + 2 :],  # two characters changed places
            code[:spot] + code[spot + 1 :],
            code.translate({n: n + 0xFEE0 for n in range(0x30, 0x3A)}),  # full-width
            code.replace("0", "O", 1),
            code.lower(),
        ]
        if code.isdigit():
            slips += [f"{int(code) / 1e17:.5f}E+17"] * 6
        return random.choice(slips)

    def person(self, random: Random, c: Cooperative) -> str:
        if random.random() < self.habits.no_person:
            return random.choice(EMPTY_WORDS)
        name = c.representative
        if len(name) == 2 and random.random() < 0.3:
            return f"{name[0]}\u3000{name[1]}"
        return name

    def phone(self, random: Random, c: Cooperative) -> str:
        if random.random() < self.habits.no_phone:
            return random.choice(EMPTY_WORDS)
        phone = c.phone
        match random.randrange(20):
            case 0:
                return f"{phone[:3]} {phone[3:7]} {phone[7:]}"
            case 1:
                return f"{phone[:3]}-{phone[3:7]}-{phone[7:]}"
            case _:
                return phone

    def day(self, random: Random, day: date | None) -> str:
        """A date in this clerk's fashion, now and then in another."""
        if day is None:
            return ""
        h = self.habits
        style = random.choice(h.odd_styles) if random.random() < h.odd_date else self.date_style
        return date_text(day, style)

    def empty(self, random: Random) -> str:
        return random.choice(EMPTY_WORDS)

    def money(self, random: Random, amount: float | None) -> Value:
        if amount is None:
            return random.choice(("", "", "——", "/"))
        return int(amount) if amount == int(amount) else amount
