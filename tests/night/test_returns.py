"""Return workbooks and alerts of a night: owed from the moment a delivery is taken in, whatever comes between."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import openpyxl
import pytest
from sqlalchemy import Engine, text

from hub.settings import Settings
from tests.night.conftest import NO_REPORT, RunNight, abnormal_csv, abnormal_rows

A_CELL = "农户张三"
NOBODY = [("", "", NO_REPORT, "2026-07-20")] * 3


class _Killed(BaseException):
    """As if the process had gone."""


def _returns(settings: Settings) -> list[Path]:
    return sorted((settings.data / "returns").rglob("*.xlsx"))


def _open_alerts(engine: Engine) -> set[str]:
    with engine.connect() as connection:
        return set(connection.scalars(text("select kind from alert where fixed_at is null")))


def _send(inbox: Path, name: str = "名单.csv") -> None:
    rows = [*abnormal_rows(3), *[(n, c, f"{r}{i}", d) for i, (n, c, r, d) in enumerate(NOBODY)]]
    (inbox / "market_abnormal" / name).write_bytes(abnormal_csv(rows))


def test_a_night_killed_after_taking_a_delivery_in_has_told_of_it_and_the_next_writes_its_workbook(
    inbox: Path, run_night: RunNight, engine: Engine, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    _send(inbox)

    def killed(*_: Any) -> None:
        raise _Killed

    with monkeypatch.context() as patched:
        patched.setattr("hub.night.steps.write_due_returns", killed)
        with pytest.raises(_Killed):
            run_night()
    assert "quarantine_exceeded" in _open_alerts(engine)
    assert _returns(settings) == []
    run_night()
    (workbook,) = _returns(settings)
    assert "数据" in openpyxl.load_workbook(workbook, read_only=True).sheetnames
    workbook.unlink()
    run_night()
    assert _returns(settings) == []  # written once: whoever sent it on and put it away is not given it again


def test_a_workbook_the_program_stumbles_over_costs_neither_delivery_nor_night_and_is_written_later(
    inbox: Path, run_night: RunNight, engine: Engine, settings: Settings,
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    _send(inbox)

    def stumbling(*_: Any, **__: Any) -> None:
        raise OverflowError(A_CELL)

    with monkeypatch.context() as patched:
        patched.setattr("hub.intake.return_workbook.write_return_workbook", stumbling)
        run_night()
    assert "return_stumbled" in _open_alerts(engine)
    assert "张三" not in caplog.text
    with engine.connect() as connection:
        assert connection.scalar(text("select state from run")) == "attention"
        assert connection.scalar(text("select state from delivery")) == "accepted"
        assert connection.scalar(text("select count(*) from cooperative")) == 3
    run_night()
    assert "return_stumbled" not in _open_alerts(engine)
    assert len(_returns(settings)) == 1


def test_a_file_name_as_long_as_a_file_system_allows_has_a_workbook_too(
    inbox: Path, run_night: RunNight, settings: Settings
) -> None:
    _send(inbox, "关" * 83 + ".csv")
    run_night()
    (workbook,) = _returns(settings)
    assert workbook.name.startswith("退回-1-关关")
