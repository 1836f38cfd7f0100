"""What was written is kept only where it differs from the normal form, and can always be told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.feeds import get_feed
from hub.intake.normalise import normalise_reading
from hub.intake.raw_cells import cells_as_written, written_rows
from hub.intake.reader import read_file
from tests.intake.office import Office
from tests.intake.reader import builders
from tests.intake.reader.builders import Sheet

HEAD = ["实施单位", "补助金额（万元）", "年度", "备注", "经办"]
NAMES = st.sampled_from(
    ["甲专业合作社", " 甲专业合作社", "甲　专业合作社", "乙农民专业合作社、丙专业合作社", "丁（联合）社"]
)
AMOUNTS = st.sampled_from(["3", "3.0", "3.50", "0.1", "1,000", "三万", "30000元", "-", "", "1e3", "007"])
YEARS = st.sampled_from(["2024", "2024年", "24", "", "二〇二四", "2024.0"])
WORDS = st.sampled_from(["", "无", "是", "null", "好\t坏", '"', "\\", "0", "2024-01-01", "Ａ"])
ROWS = st.lists(st.tuples(NAMES, AMOUNTS, YEARS, WORDS, WORDS), min_size=1, max_size=6)


def staged(path: Path, rows: list[Any], feed: str = "fiscal_support", name: str = "表") -> tuple[Any, Any]:
    path.write_bytes(builders.xlsx(Sheet(rows, name=name)))
    reading = read_file(path, feed=get_feed(feed))
    return reading, normalise_reading(reading, get_feed(feed)).rows.to_pylist()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ROWS)
def test_every_cell_comes_back_as_it_was_written(tmp_path: Path, rows: list[tuple[str, ...]]) -> None:
    reading, found = staged(tmp_path / "来件.xlsx", [HEAD, *map(list, rows)])
    (sheet,) = reading.sheets
    columns = {c.header: c.field for c in sheet.columns}
    assert {"name", "amount"} <= set(columns.values())
    read = {(r["row"], r["part"]): r for r in sheet.rows.to_pylist()}
    for row in found:
        cells = read[row["row"], row["part"]]
        wanted = {c.header: cells.get(f"c{n}_whole", cells[f"c{n}"]) for n, c in enumerate(sheet.columns)}
        assert cells_as_written(json.loads(row["raw"]), row, columns) == {h: c for h, c in wanted.items() if c}


def test_what_is_written_in_its_normal_form_is_not_kept_twice(tmp_path: Path) -> None:
    _, (row,) = staged(tmp_path / "来件.xlsx", [HEAD[:4], ["甲专业合作社", "3", "2024", "无"]])
    assert json.loads(row["raw"]) == {"补助金额（万元）": "3", "备注": "无"}


def test_a_field_the_sheets_name_fills_is_not_taken_for_a_cell(tmp_path: Path) -> None:
    rows = [["序号", "合作社名称", "级别"], ["1", "甲专业合作社", ""], ["2", "乙专业合作社", "市级"]]
    _, (first, second) = staged(tmp_path / "名单.xlsx", rows, "demonstration", "省级")
    columns = {"序号": "serial", "合作社名称": "name", "级别": "level"}
    assert first["level"] == "provincial"
    assert cells_as_written(json.loads(first["raw"]), first, columns) == {"序号": "1", "合作社名称": "甲专业合作社"}
    assert cells_as_written(json.loads(second["raw"]), second, columns)["级别"] == "市级"


def test_a_row_kept_whole_reads_the_same() -> None:
    columns = {"名称": "name", "备注": None, "人数": "members"}
    whole = {"名称": " 甲专业合作社", "备注": "K-7"}
    assert cells_as_written(whole, {"name": "甲专业合作社"}, columns) == whole


def test_rows_in_the_database_come_back_by_the_header_above_them(office: Office, tmp_path: Path) -> None:
    path = tmp_path / "补助.xlsx"
    path.write_bytes(builders.xlsx(Sheet([["某县财政补助"], HEAD[:3], ["甲专业合作社", "3.50", "2024"]])))
    delivery = office.hand_in("fiscal_support", path)
    with office.engine.connect() as connection:
        (row,) = written_rows(connection, delivery, 3)
        assert written_rows(connection, delivery, 4) == []
    assert row.cells == {"实施单位": "甲专业合作社", "补助金额（万元）": "3.50", "年度": "2024"}
    assert (row.disposition, row.fields["amount"]) == ("accepted", 35000.0)
