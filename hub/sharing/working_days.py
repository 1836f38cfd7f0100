"""Working days of mainland China, with 调休 (weekends worked in exchange for holidays).

The State Council's yearly notice is in the package `chinese-calendar`; a county may override single days in
`working_days.yaml` of its deployment (a notice newer than the package, a county's own holiday):

    years:    [2027]            # 这些年的通知已全部录入
    holidays: ["2027-02-05"]    # 放假
    working:  ["2027-02-07"]    # 调休上班

Years that neither the package nor `years` knows count Monday to Friday, but for the overrides; an alert says so in time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Connection

from hub.alerts import fix_alert, raise_alert
from hub.deployment import Deployment, load_yaml_model
from hub.errors import ConfigurationError

AHEAD = timedelta(days=30)  # the longest term, ten working days, never reaches further


class Overrides(BaseModel):
    """`working_days.yaml`: days that are not what the package says."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    years: frozenset[int] = frozenset()  # whose notice is entered here as a whole
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
        if day.year in self.overrides.years or not _known(day.year):
            return day.weekday() < 5
        return bool(chinese_calendar.is_workday(day))

    def unknown_years(self, first: date, last: date) -> list[int]:
        """Years from one day to another whose holidays nobody knows yet."""
        return [y for y in range(first.year, last.year + 1) if y not in self.overrides.years and not _known(y)]

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


def _known(year: int) -> bool:
    from chinese_calendar import constants

    first: date = min(constants.holidays)
    return first.year <= year <= known_until().year


def known_until() -> date:
    """The last day of the last year the package knows."""
    from chinese_calendar import constants

    return date(max(constants.holidays).year, 12, 31)


def watch_calendar(connection: Connection, deployment: Deployment, today: date) -> None:
    """Raises an alert when terms that start soon run into a year whose holidays nobody knows, or when the county's file is
    wrong; settles it when all is well. Until then the terms count Monday to Friday."""
    try:
        unknown = working_calendar(deployment).unknown_years(today, today + AHEAD)
        words = (
            f"{'、'.join(map(str, unknown))} 年的放假调休安排还没有录入，期限按周一至周五计算，可能差几天。"
            if unknown
            else ""
        )
    except ConfigurationError as error:
        words = str(error)
    if words:
        raise_alert(connection, "working_days_unknown", "calendar", "工作日历待补", words)
    else:
        fix_alert(connection, "working_days_unknown", "calendar")


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
