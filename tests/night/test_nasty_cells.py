"""A night over a county whose cells hold anything a keyboard, a clipboard or a formula can leave there."""

from __future__ import annotations

import csv
import datetime
import io
import os
import random
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.cell import MergedCell
from sqlalchemy import Engine, text

from hub import night as nights
from hub.cli.verify import check_control_totals
from hub.demo import write_night
from hub.deployment import load_deployment
from hub.settings import REPOSITORY, Settings

SHARE = 0.12  # of the filled cells
FIRST_ROW = 6  # below titles and headers: what a header full of anything costs is its delivery, which is another matter
NASTY: tuple[Any, ...] = (
    '=HYPERLINK("http://x","y")', "+1+1", "@SUM(A1)", "a_x0001_b", "#N/A", 1e308, -0.0, 5e-324, 10**30, True,
    datetime.datetime(9999, 12, 31, 23, 59, 59), datetime.time(23, 59, 59), datetime.timedelta(days=400_000),
    "x" * 32_767, "长" * 32_767, "a\nb\r\nc\td", "\u2028\u2029", "\u202e倒过来", "😀", "\ue000", "e\u0301\u0301", "1" * 400,
    "1e999999", "９" * 14, "¥1,2,3", "20260230", "0000-00-00", "二〇二六年十三月四十日", "45678.9999999", "<b>x</b><script>",
    "&amp;&#0;", "%s%n{0}{{x}}", "'; drop table delivery; --", "\\N", "\\", '"', '"}],{"a":"', "NULL", "nan", "-inf", "1..2",
    "113" + "9" * 15, "0" * 18, "2026-01-01T00:00:00+99:00", "\u200b\u200b", "\ufeff", "　", "合作社", "县", "、" * 300, "张三、李四、" * 50,
)  # fmt: skip


def spoil(folder: Path, chance: random.Random) -> int:
    """Puts something nasty into one filled cell in eight of every workbook and CSV; returns into how many."""
    spoiled = 0
    for path in sorted(folder.rglob("*.xlsx")):
        book = openpyxl.load_workbook(path)
        for cell in (c for sheet in book for row in sheet.iter_rows(min_row=FIRST_ROW) for c in row):
            if not isinstance(cell, MergedCell) and cell.value is not None and chance.random() < SHARE:
                cell.value = chance.choice(NASTY)
                if cell.data_type == "f":
                    cell.data_type = "s"
                spoiled += 1
        book.save(path)
    for path in sorted(folder.rglob("*.csv")):
        content = path.read_bytes()
        try:
            written = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            written = content.decode("gb18030")
        rows = list(csv.reader(io.StringIO(written)))
        for row in rows[2:]:
            for i, value in enumerate(row):
                if value and chance.random() < SHARE:
                    row[i] = str(chance.choice(NASTY))
                    spoiled += 1
        out = io.StringIO()
        csv.writer(out).writerows(rows)
        path.write_bytes(out.getvalue().encode("utf-8-sig"))
    return spoiled


@pytest.mark.slow
def test_cells_full_of_anything_cost_their_rows_and_never_the_night(
    engine: Engine, settings: Settings, tmp_path: Path
) -> None:
    seed = int(os.environ.get("COOP_HUB_SEED", "3"))  # other cells by another number
    deployment = load_deployment(REPOSITORY / "deployments" / "demo")
    inbox = tmp_path / "inbox"
    write_night(inbox, night=1, county=deployment.county, cooperatives=60, seed=seed)
    assert spoil(inbox, random.Random(seed)) > 200
    night = nights.open_night(engine, settings, deployment, dagster_run_id="nasty", inbox=inbox)
    feeds = sorted(deployment.feed_by_name)
    nights.fetch_deliveries(night, feeds)
    staged = nights.stage_deliveries(night, feeds)
    taken = nights.accept_deliveries(night, feeds)
    assert [
        reason for o in (*staged.values(), *taken.values()) for _, reason in o.failed if "程序没能处理" in reason
    ] == []
    nights.link_profiles(night)
    summary = nights.project_master(night)
    assert 50 <= summary.rows <= 80
    with engine.connect() as connection:
        deliveries, faults = check_control_totals(connection)
        assert deliveries >= 20
        assert faults == []
        accepted, rows = connection.execute(text("select sum(rows_accepted), sum(rows_in) from delivery")).one()
        assert accepted > 0.8 * rows
        assert connection.scalar(text("select count(*) from alert where kind = 'delivery_stumbled'")) == 0
