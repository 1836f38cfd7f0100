"""The quick way for large CSV files gives the very account the general way gives."""

from __future__ import annotations

import csv
import io
import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.intake.reader.assemble import sheet_readings
from hub.intake.reader.large_csv import HEAD_ROWS, read_large_csv
from hub.intake.reader.model import SheetReading
from hub.intake.reader.parse import parse
from hub.intake.reader.read import known_headers

HEADER = ["序号", "企业名称", "统一社会信用代码", "列入原因", "列入日期", "作出决定机关"]
ODD_ROWS = (
    [],
    ["", "", "", "", "", ""],
    ["合计", "", "", "", "", "12"],
    ["合 计：12"],
    ["", "小计", "", "", "", "3"],
    HEADER,
    ["注：以上名单截至2026年10月31日"],
    ["填表人：", "", "审核人：", "", "", ""],
    ["序号", "企业名称", "统一社会信用代码", "列入原因", "列入日期", "机关"],
    ["77", "短行专业合作社"],
    ["78", "长行专业合作社", "933310000000000000", "原因", "2024-01-01", "机关", "多出的一格"],
    ["79", "多空格专业合作社", "", "", "", "", ""],
    ["一、种植业", "", "", "", "", ""],
    ["80", "会计专业\n合作社", "93", "含“注”字的备注", "2024-01-01", "统计局"],
)


def _file(seed: int, odd: list[int], separator: str, encoding: str) -> bytes:
    chance = random.Random(seed)
    rows: list[list[str]] = [
        [str(i), f"第{i}号专业合作社", f"9333{i:014d}", "未报送年度报告", f"2024-01-{i % 28 + 1:02d}", "市场监督管理局"]
        for i in range(1, HEAD_ROWS + 60)
    ]
    for choice in odd:
        rows.insert(chance.randint(HEAD_ROWS // 2, len(rows)), list(ODD_ROWS[choice]))
    out = io.StringIO()
    csv.writer(out, delimiter=separator, lineterminator="\r\n").writerows([["经营异常名录"], HEADER, *rows])
    return out.getvalue().encode(encoding)


def _facts(sheet: SheetReading) -> tuple[object, ...]:
    rows = sheet.rows.to_pydict()
    return sheet.header_rows, [c.header for c in sheet.columns], sheet.data_rows, sheet.skipped, rows


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 2**20),
    odd=st.lists(st.integers(0, len(ODD_ROWS) - 1), max_size=12),
    separator=st.sampled_from(",\t"),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "gb18030"]),
)
def test_the_quick_way_and_the_general_way_agree_on_every_row(
    tmp_path: Path, seed: int, odd: list[int], separator: str, encoding: str
) -> None:
    path = tmp_path / "large.csv"
    path.write_bytes(_file(seed, odd, separator, encoding))
    quick = read_large_csv(path, known_headers())
    assert quick is not None
    parsed = parse(path.read_bytes())
    general = [s for grid in parsed.grids for s in sheet_readings(grid, known_headers())]
    assert (quick[0].format, quick[0].encoding) == (parsed.format, parsed.encoding)
    assert [_facts(s) for s in quick[1]] == [_facts(s) for s in general]


@pytest.mark.parametrize("content", [b"PK\x03\x04 not text", "一段没有表格的文字\n".encode() * 5, b"a,b\n1,2\n"])
def test_what_is_no_plain_large_table_is_left_to_the_general_way(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other.csv"
    path.write_bytes(content)
    assert read_large_csv(path, known_headers()) is None
