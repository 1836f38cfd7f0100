"""Hidden rows and sheets: read like all others, or only told, as feeds.yaml says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from hub import night as nights
from hub.deployment import load_deployment
from hub.errors import ConfigurationError
from hub.settings import Settings
from tests.intake.reader import builders
from tests.intake.reader.builders import Sheet
from tests.night.conftest import abnormal_rows, run_steps

FEED = "market_abnormal"
HEAD = ("企业名称", "统一社会信用代码/注册号", "列入原因", "列入日期")


def declare(county: Path, hidden: str) -> None:
    (county / "feeds.yaml").write_text(f"feeds:\n- feed: {FEED}\n  hidden: {hidden}\n", "utf-8")


@pytest.mark.parametrize("build", [builders.xlsx, builders.xls])
@pytest.mark.parametrize(("hidden", "rows", "word"), [("read", 7, "已照常读取"), ("report", 3, "只作记录，未读取")])
def test_a_deployment_says_whether_hidden_rows_and_sheets_come_in_and_either_way_they_are_told(
    hidden: str, rows: int, word: str, build: Callable[..., bytes],
    county: Path, inbox: Path, engine: Engine, settings: Settings,
) -> None:  # fmt: skip
    declare(county, hidden)
    plain = Sheet([HEAD, *abnormal_rows(4)], name="名录", hidden_rows=(3,))
    (inbox / FEED / "名录.xls").write_bytes(
        build(plain, Sheet([HEAD, *abnormal_rows(3, 20)], name="底稿", hidden=True))
    )
    night = nights.open_night(engine, settings, load_deployment(county), dagster_run_id=None, inbox=inbox)
    run_steps(night, "accept")
    with engine.connect() as connection:
        state, accepted, account = connection.execute(text("select state, rows_accepted, account from delivery")).one()
        assert (state, accepted) == ("accepted", rows)
        assert connection.scalar(text("select count(*) from source_row")) == rows
    assert f"有 1 个隐藏的行，{word}。" in account["remarks"]
    assert f"有隐藏的工作表：底稿2，{word}。" in account["remarks"]


def test_another_word_for_hidden_is_a_fault_of_the_deployment(county: Path) -> None:
    declare(county, "skip")
    with pytest.raises(ConfigurationError) as raised:
        load_deployment(county)
    assert "hidden" in str(raised.value)
