"""`coop-hub deliveries`: what arrived, and what a person does about it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from openpyxl import load_workbook
from sqlalchemy import Engine

from hub.cli import cli
from hub.errors import ConflictError
from hub.settings import Settings
from tests.intake.office import Office, abnormal_rows, open_office, write_list


@pytest.fixture
def office(engine: Engine, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Office:
    assert settings.database_url is not None
    monkeypatch.setenv("COOP_HUB_DATABASE_URL", settings.database_url.get_secret_value())
    monkeypatch.setenv("COOP_HUB_TODAY", "2026-11-11")
    return open_office(engine, settings)


@pytest.fixture
def first(office: Office, tmp_path: Path) -> int:
    return office.hand_in("market_abnormal", write_list(tmp_path / "经营异常名录20261031.xlsx", abnormal_rows()))


@pytest.fixture
def held(office: Office, first: int, tmp_path: Path) -> int:
    path = write_list(tmp_path / "经营异常名录20261130.xlsx", abnormal_rows()[:3])
    return office.hand_in("market_abnormal", path, day=date(2026, 12, 1))


def run(office: Office, *arguments: object) -> Result:
    """The command with this test's data folder; an error comes out as it is."""
    result = CliRunner().invoke(cli, ["deliveries", *map(str, arguments), "--data", str(office.settings.data)])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_the_list_shows_what_became_of_each_delivery(office: Office, first: int, held: int) -> None:
    shown = run(office).output
    assert "经营异常名录20261031.xlsx" in shown
    assert "市场监督管理局" in shown
    assert "已采用" in shown
    assert "疑似截断" in shown


def test_names_and_cells_that_look_like_markup_are_shown_as_they_are(office: Office, tmp_path: Path) -> None:
    rows = abnormal_rows()
    rows[0][4] = "未报年报[/b] :warning: [red]"
    path = write_list(tmp_path / "经营异常名录[终稿][bold].xlsx", rows)
    delivery_id = office.hand_in("market_abnormal", path)
    assert "[终稿][bold].xlsx" in run(office).output.replace("\n", "")
    assert "未报年报[/b] :warning: [red]" in run(office, "row", delivery_id, 4).output


@pytest.mark.parametrize(
    ("filters", "lines"),
    [
        (["--state", "held"], 1),
        (["--feed", "water"], 0),
        (["--department", "market_supervision"], 2),
        (["--limit", 1], 1),
    ],
)
def test_filters_narrow_it(office: Office, first: int, held: int, filters: list[object], lines: int) -> None:
    shown = run(office, *filters).output
    assert shown.count("经营异常名录2026") == lines
    assert ("没有符合条件" in shown) == (lines == 0)


def test_show_and_receipt_say_the_same(office: Office, first: int, tmp_path: Path) -> None:
    shown = run(office, "show", first).output
    assert "收到 8　采用 5　退回 2" in shown
    assert run(office, "receipt", first).output == shown
    run(office, "receipt", first, "--out", tmp_path / "r.html")
    assert (tmp_path / "r.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_a_row_is_shown_as_it_was_written_and_as_it_was_read(office: Office, first: int) -> None:
    number = office.rows(first)[0]["row"]
    shown = run(office, "row", first, number).output
    for said in ("列入原因", "no_report", str(office.rows(first)[0]["fields"]["name"])):
        assert said in shown
    assert "没有这一行" in run(office, "row", first, 9999).output


def test_a_held_delivery_is_released_with_who_and_why(office: Office, held: int) -> None:
    assert office.delivery(held)["state"] == "held"
    assert "已放行" in run(office, "release", held, "--by", "张主任", "--reason", "确已减少").output
    one = office.delivery(held)
    assert (one["state"], one["decided_by"], one["reason"]) == ("accepted", "张主任", "确已减少")
    assert one["decided_at"] is not None
    with pytest.raises(ConflictError, match="不在"):
        run(office, "release", held, "--by", "张主任", "--reason", "再放一次")


def test_a_held_delivery_is_rejected_with_who_and_why(office: Office, held: int) -> None:
    run(office, "reject", held, "--by", "张主任", "--reason", "只导出了一页")
    one = office.delivery(held)
    assert (one["state"], one["decided_by"], one["reason"]) == ("rejected", "张主任", "只导出了一页")


@pytest.mark.parametrize("missing", ["--by", "--reason"])
def test_nobody_decides_namelessly_or_without_a_reason(office: Office, held: int, missing: str) -> None:
    given = {"--by": "张主任", "--reason": "确已减少"}
    arguments = [x for name, value in given.items() if name != missing for x in (name, value)]
    assert run(office, "release", held, *arguments).exit_code == 2
    assert office.delivery(held)["state"] == "held"


def test_the_return_workbook_is_written(office: Office, first: int, tmp_path: Path) -> None:
    out = tmp_path / "退回.xlsx"
    assert "2 行待更正" in run(office, "return", first, "--out", out).output
    assert load_workbook(out).sheetnames == ["退回说明", "异常名录"]


def test_what_waits_is_listed_by_owner_and_age(office: Office, first: int) -> None:
    shown = run(office, "quarantine").output
    assert "市场监督管理局" in shown
    assert "最久（天）" in shown
    assert "经营异常名录20261031.xlsx" in shown


def test_nothing_waiting_is_said(office: Office) -> None:
    assert "没有待更正的行" in run(office, "quarantine").output
