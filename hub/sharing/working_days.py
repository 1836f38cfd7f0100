"""Working days of mainland China, with 调休 (weekends worked in exchange for holidays).

The State Council's yearly notice is in the package `chinese-calendar`; a county may override single days in
`working_days.yaml` of its deployment (a notice newer than the package, a county's own holiday):

    holidays: ["2027-02-05"]    # 放假
    working:  ["2027-02-07"]    # 调休上班

Years the package does not know count Monday to Friday, but for the overrides; `known_until` tells how far it goes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta

from pydantic import BaseModel, ConfigDict

from hub.deployment import Deployment, load_yaml_model
from hub.errors import ConfigurationError


class Overrides(BaseModel):
    """`working_days.yaml`: days that are not what the package says."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    holidays: frozenset[date] = frozenset()
    working: frozenset[date] = frozenset()


@dataclass(frozen=True, slots=True)
class WorkingCalendar:
    """Which days are worked."""

    overrides: Overrides = field(default_factory=Overrides)

    def is_working_day(self, day: date) -> bool:
        import chinese_calendar

        if day in self.overrides.working:
            return True
        if day in self.overrides.holidays:
            return False
        if not _known(day):
            return day.weekday() < 5
        return bool(chinese_calendar.is_workday(day))

    def add(self, day: date, working_days: int) -> date:
        """The last day of a term of so many working days that begins the day after `day`."""
        while working_days > 0:
            day += timedelta(days=1)
            working_days -= self.is_working_day(day)
        return day

    def between(self, first: date, last: date) -> int:
        """Working days after `first` up to and including `last`; negative when `last` is earlier."""
        if last < first:
            return -self.between(last, first)
        return sum(self.is_working_day(first + timedelta(days=i)) for i in range(1, (last - first).days + 1))


def _known(day: date) -> bool:
    from chinese_calendar import constants

    first: date = min(constants.holidays)
    return first.year <= day.year <= known_until().year


def known_until() -> date:
    """The last day of the last year the package knows."""
    from chinese_calendar import constants

    return date(max(constants.holidays).year, 12, 31)


def working_calendar(deployment: Deployment) -> WorkingCalendar:
    """The county's calendar: the package's, with the overrides of `working_days.yaml` if there is one.

    Raises:
        ConfigurationError: the file has faults, each named with its line.
    """
    problems: list[str] = []
    loaded = load_yaml_model(deployment.folder / "working_days.yaml", Overrides, problems)
    if loaded and (both := loaded.holidays & loaded.working):
        problems += [f"working_days.yaml：{day} 既写在 holidays 又写在 working" for day in sorted(both)]
    if problems:
        raise ConfigurationError(
            "工作日历有误。", next_step="改正 working_days.yaml 后重试。", problems=tuple(problems)
        )
    return WorkingCalendar(loaded or Overrides())
