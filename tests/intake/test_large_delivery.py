"""A large delivery lies in a table of its own and is, to everybody who asks `source_row`, like any other."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from hub.intake import source_rows
from hub.intake.source_rows import forget_rows, own_table
from tests.intake.office import NO_REPORT, Office, abnormal_rows, code

FEED = "market_abnormal"
HEAD = ["企业名称", "统一社会信用代码", "法定代表人", "列入原因", "列入日期", "备注"]
SAME = ("sheet", "row", "part", "disposition", "profile_key", "fields", "raw", "content_key", "notes")
BATCHES = ["生产批次", "产品名称", "企业名称", "企业证件号码", "开具日期"]


def write_csv(path: Path, rows: list[list[str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out).writerows(rows)
    return path


def messy_list(path: Path) -> Path:
    """Rows of every disposition, with all that COPY and JSON must escape."""
    rows = [
        [f"云岫县白石第{i}茶叶专业合作社", code(i), f"王{i}", NO_REPORT, "2024-07-01", odd]
        for i, odd in enumerate(['反\\斜"杠', "制\t表", "换\n行", "\\N", "NULL", "\\.", "逗,号", ""], 1)
    ]
    rows += [["", "", "无名", NO_REPORT, "2024-07-01", ""], ["云岫供销合作社", "", "李", NO_REPORT, "2024-07-01", ""]]
    return write_csv(path, [HEAD, *rows, rows[0]])


def alike(office: Office, delivery_id: int) -> list[dict[str, Any]]:
    return [{k: row[k] for k in SAME} for row in office.rows(delivery_id)]


def tables(office: Office) -> list[str]:
    with office.engine.connect() as connection:
        found = connection.execute(
            text("select inhrelid::regclass::text from pg_inherits where inhparent = 'source_row'::regclass order by 1")
        )
        return list(found.scalars())


@pytest.fixture
def always_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_rows, "OWN_TABLE_FROM", 1)


def test_its_rows_reasons_and_totals_are_those_of_a_small_one(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = office.hand_in(FEED, messy_list(tmp_path / "小.csv"))
    with office.engine.begin() as connection:  # the same file again, as if it had never come
        kept = alike(office, small)
        totals = {k: v for k, v in office.delivery(small).items() if k.startswith("rows_")}
        why = connection.execute(
            text('select rule, field, "column", message from row_reason order by row_id, seq')
        ).all()
        forget_rows(connection, small)
        connection.execute(text("delete from check_result"))
        connection.execute(text("delete from delivery"))
    monkeypatch.setattr(source_rows, "OWN_TABLE_FROM", 1)
    large = office.hand_in(FEED, messy_list(tmp_path / "大.csv"))
    assert tables(office) == [own_table(large)]
    assert alike(office, large) == kept
    assert {k: v for k, v in office.delivery(large).items() if k.startswith("rows_")} == totals
    assert totals == {
        "rows_in": 11,
        "rows_accepted": 8,
        "rows_quarantined": 1,
        "rows_duplicate": 1,
        "rows_out_of_scope": 1,
    }
    with office.engine.connect() as connection:
        reasons = text(
            'select rule, field, "column", message from row_reason join source_row using (row_id) order by row_id, seq'
        )
        assert connection.execute(reasons).all() == why
        assert connection.scalar(text("select count(*) from only source_row")) == 0


@pytest.mark.usefixtures("always_large")
def test_its_table_has_the_indexes_of_source_row(office: Office, tmp_path: Path) -> None:
    large = office.hand_in(FEED, messy_list(tmp_path / "大.csv"))
    query = text(
        "select count(*), count(*) filter (where indexdef like 'CREATE UNIQUE%') from pg_indexes where tablename = :t"
    )
    with office.engine.connect() as connection:
        own = connection.execute(query, {"t": own_table(large)}).one()
        assert own == connection.execute(query, {"t": "source_row"}).one()
        assert own[0] > 3


@pytest.mark.usefixtures("always_large")
def test_it_can_be_forgotten_whole(office: Office, tmp_path: Path) -> None:
    large = office.hand_in(FEED, messy_list(tmp_path / "大.csv"))
    with office.engine.begin() as connection:
        forget_rows(connection, large)
        assert connection.scalar(text("select count(*) from source_row")) == 0
        assert connection.scalar(text("select count(*) from row_reason")) == 0
    assert tables(office) == []


@pytest.mark.parametrize("first", [1, 10**9])
@pytest.mark.parametrize("second", [1, 10**9])
def test_increments_overlap_whatever_table_their_rows_lie_in(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: int, second: int
) -> None:
    rows = [[f"B{i}", "茶叶", f"云岫县白石第{i}茶叶专业合作社", code(i), "2026-07-01"] for i in range(1, 6)]
    monkeypatch.setattr(source_rows, "OWN_TABLE_FROM", first)
    office.hand_in("traceability_batches", write_csv(tmp_path / "7月.csv", [BATCHES, *rows[:4]]))
    monkeypatch.setattr(source_rows, "OWN_TABLE_FROM", second)
    again = office.hand_in("traceability_batches", write_csv(tmp_path / "8月.csv", [BATCHES, *rows[2:]]))
    assert [r["disposition"] for r in office.rows(again)] == ["duplicate", "duplicate", "accepted"]
    assert office.delivery(again)["rows_duplicate"] == 2


@pytest.mark.usefixtures("always_large")
def test_rows_get_numbers_of_one_series(office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = office.hand_in(FEED, messy_list(tmp_path / "一.csv"))
    monkeypatch.setattr(source_rows, "OWN_TABLE_FROM", 10**9)
    body = [[*row[1:4], row[4], row[5], ""] for row in abnormal_rows()[:5]]
    two = office.hand_in(FEED, write_csv(tmp_path / "二.csv", [HEAD, *body]))
    numbers = [r["row_id"] for d in (one, two) for r in office.rows(d)]
    assert len(set(numbers)) == len(numbers) == 16
    assert max(numbers[:11]) < min(numbers[11:])


@pytest.mark.usefixtures("always_large")
def test_whoever_reads_through_the_portals_role_sees_only_what_source_row_shows_him(
    office: Office, tmp_path: Path
) -> None:
    large = office.hand_in(FEED, messy_list(tmp_path / "大.csv"))
    sender = office.deployment.sender_of(FEED)
    counts = {}
    for department in (sender, "forestry_bureau"):
        with office.engine.connect() as connection, connection.begin():
            connection.execute(text("set local role hub_portal"))
            for name, value in (("hub.role", "staff"), ("hub.department", department)):
                connection.execute(text("select set_config(:n, :v, true)"), {"n": name, "v": value})
            counts[department] = connection.scalar(text("select count(*) from source_row"))
            allowed = connection.scalar(text("select has_table_privilege(:t, 'select')"), {"t": own_table(large)})
            assert allowed is False
    assert counts == {sender: 11, "forestry_bureau": 0}
