"""What the connectors for queries archive is what the reader reads: rows, columns by their names, values as written."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors import open_connector
from hub.feeds import get_feed
from hub.intake.reader import read_file
from tests.connectors.database_scenarios import PostgresScenario, run_sql
from tests.connectors.http_servers import Answer, JsonServer

FEED = get_feed("market_abnormal")
HEADERS = ("企业名称", "统一社会信用代码", "列入日期")
ROW = ("清河县甲专业合作社", "933301980000000001", "2026-03-01")


def test_a_table_of_another_office_is_read_as_the_feed(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    front = PostgresScenario(request)
    name = front.table.name + "_r"
    columns = ", ".join(f'"{h}" text' for h in HEADERS[:2]) + f', "{HEADERS[2]}" date'
    run_sql(front.admin, f'create table "{name}" ({columns})', f'insert into "{name}" values {ROW}')
    try:
        with front.open(table=name, cursor=None) as connector:
            (item,) = connector.list({}).items
            connector.fetch(item, tmp_path / "delivery")
    finally:
        run_sql(front.admin, f'drop table "{name}"')
        front.close()
    assert_read(tmp_path / "delivery", "parquet")


def test_a_json_interface_of_another_office_is_read_as_the_feed(tmp_path: Path) -> None:
    server = JsonServer(lambda asked: Answer([dict(zip(HEADERS, ROW, strict=True))]))
    try:
        with open_connector("http", {"url": server.url}, feed=FEED.feed, folder=tmp_path) as connector:
            (item,) = connector.list({}).items
            connector.fetch(item, tmp_path / "delivery")
    finally:
        server.stop()
    assert_read(tmp_path / "delivery", "jsonl")


def assert_read(path: Path, form: str) -> None:
    reading = read_file(path, feed=FEED)
    assert (reading.refusal, reading.format) == (None, form)
    (sheet,) = reading.sheets
    by_header = {c.header: sheet.rows.column(f"c{n}").to_pylist() for n, c in enumerate(sheet.columns)}
    assert by_header == {header: [value] for header, value in zip(HEADERS, ROW, strict=True)}
    assert all(c.field for c in sheet.columns)
