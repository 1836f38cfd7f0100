"""An old list sent late: said to its sender and the office, kept in the history, and no newer content is lost by it."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from hub import night as nights
from hub.deployment import load_deployment
from hub.intake.receipt import make_receipt, receipt_as_html, receipt_as_text
from hub.settings import Settings
from tests.night.conftest import abnormal_csv, abnormal_rows, run_steps

FEED = "market_abnormal"


class Months:
    """Nights of a county whose list is due every 31 days."""

    def __init__(self, county: Path, inbox: Path, engine: Engine, settings: Settings) -> None:
        (county / "feeds.yaml").write_text(f"feeds:\n- {{feed: {FEED}, every_days: 31, hold_below: 0.1}}\n", "utf-8")
        self.deployment, self.inbox, self.engine, self.settings = load_deployment(county), inbox, engine, settings

    def night(self, today: str, name: str | None, count: int = 0, start: int = 1) -> None:
        """A night on whose day the sender wrote this file; without one, what lay there still lies there."""
        if name is not None:
            for old in (self.inbox / FEED).iterdir():
                old.unlink()
            path = self.inbox / FEED / name
            path.write_bytes(abnormal_csv(abnormal_rows(count, start)))
            os.utime(path, (0, datetime.fromisoformat(f"{today}T09:00:00+08:00").timestamp()))
        settings = self.settings.model_copy(update={"today": today})
        night = nights.open_night(self.engine, settings, self.deployment, dagster_run_id=None, inbox=self.inbox)
        run_steps(night, "accept")
        nights.check_the_house(night)

    def alerts(self) -> dict[str, str]:
        with self.engine.connect() as connection:
            return dict(connection.execute(text("select kind, body from alert where fixed_at is null")).all())  # type: ignore[arg-type]

    def listed_now(self) -> int:
        """How many cooperatives the master table says are on the list."""
        night = nights.open_night(self.engine, self.settings, self.deployment, dagster_run_id=None, inbox=self.inbox)
        nights.link_profiles(night)
        nights.project_master(night)
        with self.engine.connect() as connection:
            on_it = "select count(*) from cooperative where fields ->> 'abnormal_since' is not null"
            return int(connection.scalar(text(on_it)) or 0)


@pytest.fixture
def months(county: Path, inbox: Path, engine: Engine, settings: Settings) -> Months:
    return Months(county, inbox, engine, settings)


def test_a_list_of_an_earlier_day_than_the_one_in_force_is_told_until_a_newer_one_comes_and_replaces_nothing(
    months: Months,
) -> None:
    months.night("2026-07-02", "经营异常名录20260630.csv", 6)
    assert months.alerts() == {}
    months.night("2026-07-10", "经营异常名录20260615.csv", 5, start=20)
    assert months.listed_now() == 6, "those of the newer list, and only those"
    assert list(months.alerts()) == ["list_outdated"]
    assert "2026-06-15 早于已采用的同一份名单（2026-06-30）" in months.alerts()["list_outdated"]
    with months.engine.connect() as connection:
        receipt = make_receipt(connection, 2)
    assert receipt.state == "accepted"
    assert "整份　数据日期 2026-06-15 早于" in receipt_as_text(receipt)
    assert "<td>整份</td>" in receipt_as_html(receipt)
    months.night("2026-08-02", "经营异常名录20260731.csv", 7)
    assert months.alerts() == {}


def test_an_old_list_sent_again_does_not_end_that_its_feed_is_overdue(months: Months) -> None:
    months.night("2026-07-02", "经营异常名录20260630.csv", 6)
    months.night("2026-08-20", "经营异常名录20260531.csv", 5, start=20)
    assert set(months.alerts()) == {"list_outdated", "feed_overdue"}
    months.night("2026-08-21", "经营异常名录20260820.csv", 7)
    assert months.alerts() == {}


def test_a_list_sent_again_without_a_change_is_in_time_and_a_file_that_only_lies_there_is_not(months: Months) -> None:
    months.night("2026-07-02", "经营异常名录20260630.csv", 6)
    months.night("2026-08-01", "经营异常名录20260731.csv", 6)
    months.night("2026-08-30", None)
    assert months.alerts() == {}
    months.night("2026-09-02", None)
    assert list(months.alerts()) == ["feed_overdue"]
    months.night("2026-09-03", "经营异常名录20260831.csv", 6)
    assert months.alerts() == {}


def test_a_list_from_before_the_one_in_force_sent_again_without_a_change_is_no_list_in_time(months: Months) -> None:
    months.night("2026-07-02", "经营异常名录20260630.csv", 6)
    months.night("2026-08-01", "经营异常名录20260731.csv", 7)
    months.night("2026-09-02", "经营异常名录20260630.csv", 6)
    assert list(months.alerts()) == ["feed_overdue"]


def test_a_first_list_that_is_older_than_a_cycle_when_it_comes_is_told(months: Months) -> None:
    months.night("2026-08-20", "经营异常名录20260630.csv", 6)
    assert "2026-06-30 距收到时已有 51 天，超过约定的 31 天" in months.alerts()["list_outdated"]
