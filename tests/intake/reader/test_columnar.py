"""Parquet and JSON lines: every record a row, every value the text a clerk reads, nothing guessed."""

from __future__ import annotations

import datetime as dt
import decimal
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hub.feeds import get_feed
from hub.intake.reader import read_file


def rows_of(path: Path) -> list[dict[str, Any]]:
    """The only table of a file: header -> text, with the row number under "row"."""
    reading = read_file(path)
    assert reading.error is None, reading.refusal
    (sheet,) = reading.sheets
    names = [c.header for c in sheet.columns]
    return [
        {"row": row["row"], **{name: row[f"c{n}"] for n, name in enumerate(names)}} for row in sheet.rows.to_pylist()
    ]


def test_parquet_of_every_type_reads_as_text(tmp_path: Path) -> None:
    table = pa.table(
        {
            "名称": ["甲合作社", "合计"],
            "人数": [12, None],
            "占比": [0.5, 3.0],
            "在册": [True, None],
            "出资": [decimal.Decimal("1234567890123456.78"), None],
            "日期": [dt.date(2026, 3, 1), None],
            "时间": [dt.datetime(2026, 3, 1, 9, 30), dt.datetime(2026, 3, 1)],
            "类别": pa.array(["种植", ""]).dictionary_encode(),
            "产品": [["梨", "茶"], []],
        }
    )
    pq.write_table(table, tmp_path / "named-wrongly.csv")
    first, second = rows_of(tmp_path / "named-wrongly.csv")
    assert first == {
        "row": 1,
        "名称": "甲合作社",
        "人数": "12",
        "占比": "0.5",
        "在册": "是",
        "出资": "1234567890123456.78",
        "日期": "2026-03-01",
        "时间": "2026-03-01 09:30:00",
        "类别": "种植",
        "产品": '["梨", "茶"]',
    }
    assert (second["row"], second["名称"], second["时间"], second["占比"]) == (2, "合计", "2026-03-01", "3")
    assert second["人数"] is second["类别"] is None


def test_json_lines_read_by_line_with_numbers_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "窗口.jsonl"
    path.write_text(
        '{"名称": "甲\\n社", "代码": 933301980000000001, "额": 1.50, "法人": {"姓名": "张三", "证": null}}\n'
        "\n"
        '{"名称": "乙社", "标签": ["示范", "绿色"], "在册": false, "b": [{"x": 1}], "空": ""}\r\n',
        encoding="utf-8",
    )
    first, second = rows_of(path)
    assert first["row"] == 1
    assert (first["名称"], first["代码"], first["额"], first["法人/姓名"]) == (
        "甲\n社",
        "933301980000000001",
        "1.50",
        "张三",
    )
    assert second == {
        "row": 3, "名称": "乙社", "代码": None, "额": None, "法人/姓名": None, "法人/证": None,
        "标签": "示范、绿色", "在册": "否", "b": '[{"x": "1"}]', "空": None,
    }  # fmt: skip
    (sheet,) = read_file(path).sheets
    assert [(s.row, s.kind) for s in sheet.skipped] == [(2, "blank")]


def test_fields_are_recognised_by_the_columns_names(tmp_path: Path) -> None:
    feed = get_feed("market_abnormal")
    field = feed.fields[1]
    for name in ("x.parquet", "x.jsonl"):
        path = tmp_path / name
        if name.endswith("parquet"):
            pq.write_table(pa.table({field.title.zh: ["甲社"], "别的": ["1"]}), path)
        else:
            path.write_text(json.dumps({field.title.zh: "甲社", "别的": "1"}, ensure_ascii=False), encoding="utf-8")
        reading = read_file(path, feed=feed)
        assert reading.format == name[2:]
        assert reading.sheets[0].columns[0].field == field.name


def test_a_parquet_without_rows_has_its_columns_still(tmp_path: Path) -> None:
    pq.write_table(pa.table({"名称": pa.array([], pa.string())}), tmp_path / "x.parquet")
    reading = read_file(tmp_path / "x.parquet")
    assert reading.error is None
    assert [c.header for c in reading.sheets[0].columns] == ["名称"]


@pytest.mark.parametrize("keep", [4, 100, -1])
def test_a_parquet_cut_off_is_refused(tmp_path: Path, keep: int) -> None:
    pq.write_table(pa.table({"名称": ["甲"] * 100}), tmp_path / "x.parquet")
    whole = (tmp_path / "x.parquet").read_bytes()
    (tmp_path / "cut").write_bytes(whole[:keep])
    assert "损坏" in (read_file(tmp_path / "cut").refusal or "")


@pytest.mark.parametrize("tail", ['{"名称": "乙', "[1, 2]", "null", "[" * 100_000])
def test_json_lines_with_a_line_that_is_no_object_are_refused_with_the_line(tmp_path: Path, tail: str) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text('{"名称": "甲"}\n' + tail, encoding="utf-8")
    assert "第 2 行" in (read_file(path).refusal or "")


def test_braces_alone_do_not_make_json_lines(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("{名称},代码\n甲社,1\n乙社,2\n", encoding="utf-8")
    assert read_file(path).format == "csv"


def test_keys_that_collide_and_deep_nesting_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    deep: Any = 1
    for _ in range(60):
        deep = {"a": deep}
    records = [{"a/b": "1", "a": {"b": "2"}}, {"深": deep}, {"坏": "\ud800"}]
    path.write_text("\n".join(json.dumps(r) for r in records), encoding="utf-8")
    rows = rows_of(path)
    assert rows[0]["a/b"] == "2"
    assert len(rows) == 3
