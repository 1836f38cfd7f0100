"""One edition of a feed: the county on the date it was written, and small things every book needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from hub.demo.clerk import Clerk, Habits, NameBook
from hub.demo.sheet import Book, Sheet, Value
from hub.demo.world import Cooperative, World, night_date


@dataclass(frozen=True, slots=True)
class Edition:
    """What a department can know on one demonstration night."""

    world: World
    names: NameBook
    night: int

    @property
    def day(self) -> date:
        return night_date(self.night)

    @property
    def month_start(self) -> date:
        """First day after the previous night; everything before belongs to earlier editions."""
        return date(self.day.year, self.day.month, 1)

    @property
    def county(self) -> str:
        return self.world.county.name

    def clerk(self, feed: str, habits: Habits, *, date_style: int = 0) -> Clerk:
        return Clerk(self.world, self.names, feed, habits, date_style=date_style)

    def by_town(self, wanted: Callable[[Cooperative], object]) -> list[Cooperative]:
        """The cooperatives wanted, town by town as the county lists them."""
        order = {town.name: i for i, town in enumerate(self.world.county.towns)}
        return sorted((c for c in self.world.cooperatives if wanted(c)), key=lambda c: (order[c.town.name], c.number))


Books = Callable[[Edition], list[Book]]


def chinese_date(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"


def caption(sheet: Sheet, sender: str, day: date) -> None:
    """The line under the title: who reports, and when."""
    sheet.caption(f"填报单位：{sender}        填报日期：{chinese_date(day)}")


def signatures(sheet: Sheet) -> None:
    sheet.note("填表人：                审核人：                联系电话：")


def damaged(code: str) -> Value:
    """A code that Excel took for a number is a number in the cell."""
    return float(code) if code.endswith("E+17") else code
