"""`coop-hub review`, as an office uses it."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import Engine

from hub.cli import cli
from hub.errors import ConflictError
from hub.matching.resolve import resolve
from hub.settings import Settings
from tests.matching.rows import accept, county_deployment, links
from tests.matching.test_decisions import COUNTY_ROWS


@pytest.fixture
def office(engine: Engine, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    assert settings.database_url is not None
    monkeypatch.setenv("COOP_HUB_DATABASE_URL", settings.database_url.get_secret_value())
    monkeypatch.setenv("COOP_HUB_DATA", str(settings.data))
    resolve(engine, county_deployment(tmp_path), accept(engine, COUNTY_ROWS))
    return engine


def run(*words: str) -> Result:
    return CliRunner().invoke(cli, ["review", *words], catch_exceptions=False)


def test_a_question_is_listed_shown_decided_and_undone(office: Engine, tmp_path: Path) -> None:
    listed = run("list").output
    number = re.findall(r"^([0-9A-F]{8})", listed, re.M)
    assert len(number) == 1
    shown = run("show", number[0]).output
    assert "甲：" in shown
    assert "出处：" in shown
    assert "字号漏写或多写一字" in shown
    decided = run("decide", number[0], "same", "--person", "张三", "--reason", "电话核实").output
    assert "第 1 号判断" in decided
    assert links(office)["云岫县牛山水果专业合作社"][1] == "decision"
    assert run("list").output == "没有待判的问题。\n"
    assert "张三" in run("decisions").output
    run("undo", "1", "--person", "李四")
    assert links(office)["云岫县牛山水果专业合作社"][1] == "review"
    assert "已撤销" in run("decisions", "--all").output
    with pytest.raises(ConflictError, match="待判清单里没有"):
        run("show", "00000000")


def test_the_queue_goes_out_and_comes_back_as_a_workbook(office: Engine, tmp_path: Path) -> None:
    from openpyxl import load_workbook

    path = tmp_path / "清单.xlsx"
    assert "1 个问题" in run("export", str(path)).output
    book = load_workbook(path)
    sheet = book.active
    assert sheet is not None
    header = [c.value for c in sheet[1]]
    sheet.cell(2, header.index("判断") + 1, "不是同一家")
    book.save(path)
    assert "采用 1 个答案" in run("import", str(path), "--person", "白石镇 周").output
    assert links(office)["云岫县牛山水果专业合作社"][1] == "new"
