"""校核纠错: a disputed value is verified by its source against the clock, flagged meanwhile, never altered."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection

from hub.deployment import load_deployment
from hub.errors import ConfigurationError, ConflictError, PermissionRefusedError
from hub.sharing import corrections
from hub.sharing.corrections import Dispute, Person
from hub.sharing.working_days import Overrides, WorkingCalendar, working_calendar
from tests.sharing.conftest import DATASETS, TODAY, County, an_agreement

Sql = Callable[..., list[tuple[Any, ...]]]
TAX, SOURCE, OFFICE = Person("wang", "tax"), Person("li", "approval_bureau"), Person("zhao", "agriculture", office=True)
CALENDAR = WorkingCalendar()


def raised(connection: Connection, county: County, **changes: Any) -> int:
    values = {
        "dataset": "cooperatives",
        "coop_id": "c1",
        "field": "members",
        "value": "10",
        "reason": "实有 12 人",
        **changes,
    }
    return corrections.raise_correction(
        connection, county.deployment, CALENDAR, Dispute(**values), TAX, datasets=DATASETS, today=TODAY
    )


def flag_of(county: County, day: date) -> Any:
    [summary] = county.night(day)
    rows = openpyxl.load_workbook(summary.files[0])["数据"].iter_rows(min_row=2, values_only=True)
    return next((r[5], r[9]) for r in rows if r[0] == "c1")


def test_the_whole_way_from_raising_to_the_archive(county: County, sql: Sql) -> None:
    county.agree(an_agreement())
    with county.engine.begin() as connection:
        number = raised(connection, county)
    assert flag_of(county, TODAY) == (10, None)
    with county.engine.begin() as connection:
        due = corrections.accept(connection, CALENDAR, number, SOURCE, today=TODAY)
    assert due == date(2026, 3, 24)
    assert flag_of(county, date(2026, 3, 11)) == (10, f"“成员数”有争议（校核纠错第{number}号）")
    with county.engine.begin() as connection:
        corrections.answer(
            connection, number, SOURCE, outcome="corrected", text="已更正", corrected_value="12", today=TODAY
        )
        assert (
            corrections.settle_corrected(connection, lambda n: county.source.read(connection, n), today=TODAY) == []
        )  # the old value still stands
    county.source.rows["cooperatives"][0]["members"] = 12
    with county.engine.begin() as connection:
        assert corrections.settle_corrected(connection, lambda n: county.source.read(connection, n), today=TODAY) == [
            number
        ]
        corrections.archive(connection, number, TAX, today=TODAY)
        states = [s.state for s in corrections.history(connection, number)]
    assert states == ["raised", "accepted", "flagged", "answered", "unflagged", "archived"]
    assert flag_of(county, date(2026, 3, 12)) == (12, None)
    assert sql("select count(*) from ledger where event = 'correction'") == [(6,)]


def test_the_source_is_the_department_whose_feed_gives_the_field(county: County) -> None:
    with county.engine.begin() as connection:
        raised(connection, county)
        raised(connection, county, dataset="abnormal_decisions", field="listed_on", value=None)
        raised(connection, county, field="open_affairs", value=None)
        assert [r.source_department for r in corrections.queue(connection)] == [
            "approval_bureau", "market_supervision", "agriculture",
        ]  # fmt: skip
        assert len(corrections.queue(connection, department="tax", side="raised")) == 3
        assert len(corrections.queue(connection, department="tax")) == 0


def test_nobody_else_can_handle_it_and_no_step_can_be_skipped(county: County) -> None:
    with county.engine.begin() as connection:
        number = raised(connection, county)
        with pytest.raises(PermissionRefusedError, match="只有数据提供部门"):
            corrections.accept(connection, CALENDAR, number, TAX, today=TODAY)
        with pytest.raises(ConflictError, match="现在是“提出”"):
            corrections.answer(connection, number, SOURCE, outcome="upheld", text="x", today=TODAY)
        corrections.accept(connection, CALENDAR, number, OFFICE, today=TODAY)
        with pytest.raises(ConflictError):
            corrections.archive(connection, number, TAX, today=TODAY)
        with pytest.raises(PermissionRefusedError, match="没有写明"):
            corrections.answer(connection, number, SOURCE, outcome="upheld", text=" ", today=TODAY)


def test_an_upheld_value_loses_its_flag_at_once_and_the_disputing_side_is_told(county: County, sql: Sql) -> None:
    with county.engine.begin() as connection:
        number = raised(connection, county)
        corrections.accept(connection, CALENDAR, number, SOURCE, today=TODAY)
        corrections.answer(connection, number, SOURCE, outcome="upheld", text="核实无误", today=TODAY)
    assert sql("select state, flagged from correction") == [("unflagged", False)]
    assert sql("select details->>'department' from alert where kind = 'correction_answered'") == [("tax",)]


def test_refusing_needs_a_reason_and_withdrawing_is_for_those_who_raised_it(county: County, sql: Sql) -> None:
    with county.engine.begin() as connection:
        first, second = raised(connection, county), raised(connection, county)
        with pytest.raises(PermissionRefusedError, match="须写明理由"):
            corrections.refuse(connection, first, SOURCE, "", today=TODAY)
        corrections.refuse(connection, first, SOURCE, "不属本部门数据", today=TODAY)
        with pytest.raises(PermissionRefusedError, match="撤回"):
            corrections.withdraw(connection, second, SOURCE, today=TODAY)
        corrections.withdraw(connection, second, TAX, today=TODAY)
    assert sql("select state from correction order by 1") == [("archived",), ("refused",)]


def test_what_is_late_is_alarmed_once_and_counted_by_department(county: County, sql: Sql) -> None:
    with county.engine.begin() as connection:
        raised(connection, county)
        assert corrections.overdue(connection, today=TODAY) == []
        for _ in range(2):
            assert len(corrections.overdue(connection, today=date(2026, 3, 20))) == 1
        [row] = corrections.figures(connection, CALENDAR, first=date(2026, 1, 1), last=TODAY, today=date(2026, 3, 20))
    assert (row.department, row.raised, row.open, row.overdue) == ("approval_bureau", 1, 1, 1)
    assert sql("select count(*) from alert where kind = 'correction_overdue'") == [(1,)]


@pytest.mark.parametrize(
    ("start", "days", "end"),
    [
        ("2026-03-10", 1, "2026-03-11"),
        ("2026-03-13", 1, "2026-03-16"),  # over a weekend
        ("2025-09-26", 2, "2025-09-29"),  # Sunday 28 September 2025 was worked
        ("2025-09-30", 1, "2025-10-09"),  # National Day and Mid-Autumn
        ("2026-02-14", 1, "2026-02-24"),  # Spring Festival
    ],
)
def test_terms_run_over_real_working_days(start: str, days: int, end: str) -> None:
    assert CALENDAR.add(date.fromisoformat(start), days) == date.fromisoformat(end)


def test_a_county_may_override_single_days(county: County) -> None:
    path = county.folder / "working_days.yaml"
    path.write_text('holidays: ["2026-03-11"]\nworking: ["2026-03-14"]\n', encoding="utf-8")
    calendar = working_calendar(load_deployment(county.folder))
    assert calendar.add(date(2026, 3, 10), 1) == date(2026, 3, 12)
    assert calendar.add(date(2026, 3, 13), 1) == date(2026, 3, 14)
    path.write_text('holidays: ["2026-03-11"]\nworking: ["2026-03-11"]\n', encoding="utf-8")
    with pytest.raises(ConfigurationError, match="2026-03-11"):
        working_calendar(load_deployment(county.folder))


def test_years_nobody_has_announced_count_monday_to_friday() -> None:
    assert not CALENDAR.is_working_day(date(2039, 1, 1))
    assert CALENDAR.is_working_day(date(2039, 1, 3))
    assert WorkingCalendar(Overrides(holidays=frozenset({date(2039, 1, 3)}))).add(date(2039, 1, 2), 1) == date(
        2039, 1, 4
    )


@given(st.dates(date(2020, 1, 1), date(2030, 1, 1)), st.integers(1, 30))
def test_adding_and_counting_working_days_agree(day: date, days: int) -> None:
    end = CALENDAR.add(day, days)
    assert CALENDAR.is_working_day(end)
    assert CALENDAR.between(day, end) == days
    assert CALENDAR.between(end, day) == -days
