"""Real government spreadsheets beside the project: each looked at by eye, then written down here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from hub.intake.reader import read_file

pytestmark = pytest.mark.shared_data


@dataclass(frozen=True)
class Expected:
    """What a person sees in one table: header rows, first and last headers, number of rows, first and last row."""

    sheet: str
    header_rows: list[int]
    headers: tuple[str, str]
    columns: int
    data_rows: int
    first: tuple[int, str]  # row number, first cell
    last: tuple[int, str]
    skipped: dict[int, str]  # rows that are no data, blank ones aside


FILES: dict[str, tuple[str, str | None, bool, list[Expected]]] = {
    "04": (
        "xlsx",
        None,
        False,
        [
            Expected(
                "Sheet3",
                [3],
                ("序号", "数量"),
                4,
                34,
                (4, "1"),
                (37, "34"),
                {1: "title", 2: "title", 38: "total"},
            )
        ],
    ),
    "05": (
        "xlsx",
        None,
        False,
        [
            Expected("chairman", [1], ("类型", "工作单位"), 5, 4, (2, "首席科学家"), (5, "首席科学家"), {}),
            Expected("scientist", [1], ("类型", "工作单位"), 6, 131, (2, "岗位科学家"), (132, "岗位科学家"), {}),
        ],
    ),
    "06": ("xlsx", None, False, [Expected("Sheet1", [1], ("序号", "工作单位"), 6, 359, (2, "1"), (360, "359"), {})]),
    "07": (
        "xls",
        None,
        True,
        [
            Expected(
                "1-2",
                [3, 4, 5, 6],
                (
                    "地区Region",
                    "2.农业机械户 Agricultural machinery households/年末人数(人) Number of personnel at the end of year",
                ),
                11,
                33,
                (7, "全国 National"),
                (39, "新疆建设兵团\r\nXinjiang Construction Corps"),
                {1: "title", 2: "title"},
            ),
            Expected(
                "1-2",
                [43, 44],
                ("地区Region", "同时持有拖拉机、联合收割机驾驶证人员 drivers with tractor"),
                11,
                33,
                (45, "全国 National"),
                (77, "新疆建设兵团\r\nXinjiang Construction Corps"),
                {42: "title"},
            ),
            Expected(
                "3",
                [2, 3],
                ("地区Region", "其中:农机作业服务收入(万元) In which:income from"),
                12,
                33,
                (4, "全国 National"),
                (36, "新疆建设兵团\r\nXinjiang Construction Corps"),
                {1: "title"},
            ),
            Expected("CNKI", [], ("", ""), 0, 0, (0, ""), (0, ""), {1: "title"}),
        ],
    ),
    "08": (
        "html",
        "utf-8",
        False,
        [
            Expected(
                "",
                [1, 2],
                ("地区", "大中型拖拉机(万台)/2021年"),
                5,
                32,
                (3, "全国"),
                (34, "新疆"),
                {35: "note", 36: "note", 37: "note"},
            )
        ],
    ),
    "09": (
        "xls",
        None,
        False,
        [
            Expected(
                "raw-2018-1",
                [2, 3, 4, 5],
                ("地区", "种畜禽场(个)总数/种羊场/种山羊场/种绒山羊场"),
                14,
                32,
                (6, "全国"),
                (37, "新疆"),
                {1: "title", 38: "note"},
            )
        ],
    ),
    "11": (
        "xlsx",
        None,
        False,
        [Expected("Sheet 1", [1], ("year", "com_name"), 5, 564, (2, "2017"), (565, "2017"), {})],
    ),
    "12": (
        "html",
        "gb18030",
        False,
        [Expected("", [], ("第1列", "第1列"), 1, 151, (1, "北京顺鑫农业股份有限公司"), (151, ""), {})],
    ),
    "13": (
        "html",
        "gb18030",
        False,
        [Expected("", [], ("第1列", "第1列"), 1, 235, (1, "北京汇源饮料食品集团有限公司"), (235, ""), {})],
    ),
    "14": (
        "text",
        "utf-8",
        False,
        [
            Expected(
                "",
                [],
                ("第1列", "第1列"),
                1,
                333,
                (1, "中和农信农业集团有限公司"),
                (333, "阿拉尔市红福天枣业有限公司"),
                {},
            )
        ],
    ),
}


@pytest.mark.parametrize("number", sorted(FILES))
def test_a_real_spreadsheet_is_read_as_a_person_reads_it(shared_data: Path, number: str) -> None:
    (path,) = (shared_data / "spreadsheets").glob(f"{number}_*")
    kind, encoding, encrypted, tables = FILES[number]
    reading = read_file(path)
    assert (reading.refusal, reading.format, reading.encoding, reading.encrypted) == (None, kind, encoding, encrypted)
    assert [s.name for s in reading.sheets] == [t.sheet for t in tables]
    for sheet, expected in zip(reading.sheets, tables, strict=True):
        assert sheet.header_rows == expected.header_rows
        assert (sheet.data_rows, len(sheet.columns)) == (expected.data_rows, expected.columns)
        assert {s.row: s.kind for s in sheet.skipped if s.kind != "blank"} == expected.skipped
        if not expected.columns:
            continue
        assert sheet.columns[0].header == expected.headers[0]
        assert sheet.columns[-1].header.startswith(expected.headers[1])
        rows = sheet.rows.select(["row", "c0"]).to_pylist()
        assert (rows[0]["row"], rows[0]["c0"]) == expected.first
        assert rows[-1]["row"] == expected.last[0]
        if expected.last[1]:
            assert rows[-1]["c0"] == expected.last[1]


def test_merged_cells_are_filled_down(shared_data: Path) -> None:
    (path,) = (shared_data / "spreadsheets").glob("06_*")
    (sheet,) = read_file(path).sheets
    system = sheet.rows["c1"].to_pylist()
    assert None not in system
    assert system[:3] == ["水稻", "水稻", "水稻"]


def test_a_page_around_a_table_still_tells_its_title(shared_data: Path) -> None:
    (path,) = (shared_data / "spreadsheets").glob("08_*")
    (sheet,) = read_file(path).sheets
    assert any("主要农业机械年末拥有量" in line for line in sheet.context)
