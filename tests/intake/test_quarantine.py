"""Rows that wait for their sender have an age and an owner."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

from hub.intake.quarantine import OpenQuarantine, open_quarantine, quarantine_by_department
from tests.intake.office import NO_REPORT, Office, abnormal_rows, write_list


def waiting(office: Office, today: date) -> list[OpenQuarantine]:
    with office.engine.connect() as connection:
        return open_quarantine(connection, today)


def test_age_counts_days_in_the_county(office: Office, abnormal_list: Path) -> None:
    first = office.hand_in("market_abnormal", abnormal_list)
    office.set_received(first, datetime(2026, 10, 31, 17, 0, tzinfo=UTC))  # 1 November, one in the morning, in China
    (one,) = waiting(office, date(2026, 11, 11))
    assert (one.rows, one.since, one.age_days, one.department) == (2, date(2026, 11, 1), 10, "market_supervision")
    assert one.reason.endswith("。")


def test_a_newer_full_list_of_the_same_name_closes_the_old_rows(
    office: Office, abnormal_list: Path, tmp_path: Path
) -> None:
    office.hand_in("market_abnormal", abnormal_list)
    newer = office.hand_in(
        "market_abnormal",
        write_list(tmp_path / "经营异常名录20261130.xlsx", abnormal_rows()[:5]),
        day=date(2026, 12, 1),
    )
    assert office.delivery(newer)["state"] == "held"  # five rows of eight: nothing is closed by that
    assert [q.rows for q in waiting(office, date(2026, 12, 2))] == [2]
    full = [
        *abnormal_rows()[:5],
        *[[str(i), f"云岫县第{i}果蔬合作社", None, None, NO_REPORT, "2024-01-01", None] for i in (6, 7)],
    ]
    third = office.hand_in(
        "market_abnormal", write_list(tmp_path / "经营异常名录20261201.xlsx", full), day=date(2026, 12, 1)
    )
    assert office.delivery(third)["state"] == "accepted"
    assert waiting(office, date(2026, 12, 2)) == []


def test_the_same_flaw_sent_again_keeps_its_age(office: Office, abnormal_list: Path, tmp_path: Path) -> None:
    first = office.hand_in("market_abnormal", abnormal_list)
    office.set_received(first, datetime(2026, 10, 1, 4, 0, tzinfo=UTC))
    rows = [*abnormal_rows(), ["9", "云岫县第九果蔬合作社", None, None, NO_REPORT, "2024-01-01", None]]
    second = office.hand_in(
        "market_abnormal", write_list(tmp_path / "经营异常名录20261101.xlsx", rows), day=date(2026, 11, 1)
    )
    (one,) = waiting(office, date(2026, 11, 2))
    assert (one.delivery_id, one.rows, one.since) == (second, 2, date(2026, 10, 1))


def test_owners_are_listed_with_all_they_owe_the_longest_first() -> None:
    day = date(2026, 11, 1)
    rows = [
        OpenQuarantine(1, "water", "water", None, "a", 2, day, 3, ""),
        OpenQuarantine(2, "forestry", "forestry", None, "b", 1, day, 9, ""),
        OpenQuarantine(3, "water", "water", None, "c", 4, day, 1, ""),
        OpenQuarantine(4, "township_cleanup", "townships", "白石镇", "d", 1, day, 2, ""),
    ]
    assert [(d.department, d.town, d.rows, d.deliveries, d.oldest_days) for d in quarantine_by_department(rows)] == [
        ("forestry", None, 1, (2,), 9),
        ("water", None, 6, (1, 3), 3),
        ("townships", "白石镇", 1, (4,), 2),
    ]
