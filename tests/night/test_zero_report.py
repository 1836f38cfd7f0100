"""A list that is all there and names nobody: a report of nothing (零报告) is confirmed once by a person, and a list cut short is not
taken for one."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine, text

from hub.cli.verify import check_control_totals
from hub.intake.acceptance import decide_held_delivery
from tests.night.conftest import RunNight, abnormal_csv, abnormal_rows


def _decide(engine: Engine, delivery_id: int, reason: str, *, release: bool) -> None:
    with engine.begin() as connection:
        decide_held_delivery(
            connection, delivery_id, release=release, person="王主任", reason=reason, at=datetime.now(UTC)
        )


def _newest(engine: Engine) -> tuple[int, str, str]:
    with engine.connect() as connection:
        row = connection.execute(
            text("select delivery_id, state, coalesce(reason, '') from delivery order by delivery_id desc limit 1")
        ).one()
    return row[0], row[1], row[2]


def _empty(time: int) -> bytes:
    """The list without rows; the title keeps the bytes of one time from being another's."""
    return f"经营异常名录（第{time}次报送）,,,\n".encode("gb18030") + abnormal_csv([])


def test_a_report_of_nothing_is_released_once_and_taken_while_it_stays_nothing(
    inbox: Path, run_night: RunNight, engine: Engine
) -> None:
    path = inbox / "market_abnormal" / "名录.csv"
    path.write_bytes(_empty(1))
    run_night()
    number, state, reason = _newest(engine)
    assert state == "held"
    assert "零报告" in reason and "放行" in reason
    _decide(engine, number, "电话核实，本月没有", release=True)
    path.write_bytes(_empty(2))
    run_night()
    second, state, reason = _newest(engine)
    assert second != number
    assert (state, reason) == ("accepted", "")
    path.write_bytes(abnormal_csv(abnormal_rows(3)))
    run_night()
    assert _newest(engine)[1] == "accepted"
    with engine.connect() as connection:
        assert check_control_totals(connection) == (3, [])


def test_a_list_that_lost_all_its_rows_waits_and_the_old_rows_stay(
    inbox: Path, run_night: RunNight, engine: Engine
) -> None:
    path = inbox / "market_abnormal" / "名录.csv"
    path.write_bytes(abnormal_csv(abnormal_rows(5)))
    run_night()
    path.write_bytes(_empty(2))
    run_night()
    number, state, reason = _newest(engine)
    assert state == "held"
    assert "零报告" in reason and "上次采用 5 行" in reason
    on_the_list = text("select count(*) from cooperative where fields->>'abnormal_now' = 'yes'")
    with engine.connect() as connection:
        assert connection.scalar(on_the_list) == 5
    _decide(engine, number, "导出不全", release=False)
    run_night()
    with engine.connect() as connection:
        assert connection.scalar(on_the_list) == 5


def test_a_released_report_of_nothing_ends_what_the_list_before_said(
    inbox: Path, run_night: RunNight, engine: Engine
) -> None:
    path = inbox / "market_abnormal" / "名录.csv"
    path.write_bytes(abnormal_csv(abnormal_rows(5)))
    run_night()
    path.write_bytes(_empty(2))
    run_night()
    _decide(engine, _newest(engine)[0], "全部移出", release=True)
    run_night()
    with engine.connect() as connection:
        assert connection.scalar(text("select count(*) from cooperative where fields->>'abnormal_now' = 'yes'")) == 0
        assert check_control_totals(connection) == (2, [])
