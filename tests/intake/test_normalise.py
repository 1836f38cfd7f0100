"""From a file to staged rows: fields, notes, raw cells, profiles, drift, and what is refused."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import DriftError, FormatError
from hub.feeds import get_feed
from hub.intake.normalise import Staged, normalise_reading
from hub.intake.profile import profile_columns, profile_key
from hub.intake.raw_cells import cells_as_written
from hub.intake.reader import read_file
from hub.intake.reader.facts import detect_as_of, detect_town
from hub.intake.reader.model import Reading
from tests.intake.reader import builders
from tests.intake.reader.builders import Sheet

HEAD = ["序号", "企业名称", "统一社会信用代码/注册号", "列入经营异常名录原因", "列入日期", "内部编号"]
ROW = ["1", "甲专业合作社", "93330000000000000X", "未报送年度报告", "2024年1月2日", "K-7"]


@pytest.fixture
def stage(tmp_path: Path) -> Callable[..., Staged]:
    def run(feed: str, *sheets: Sheet, name: str = "来件.xlsx", data: bytes | None = None, **options: Any) -> Staged:
        path = tmp_path / name
        path.write_bytes(data if data is not None else builders.xlsx(*sheets))
        reading = read_file(path, feed=get_feed(feed), mapping=options.pop("mapping", None))
        return normalise_reading(reading, get_feed(feed), **options)

    return run


def test_a_row_has_its_fields_its_raw_cells_and_its_place(stage: Callable[..., Staged]) -> None:
    (row,) = stage("market_abnormal", Sheet([["某县经营异常名录"], HEAD, ROW])).rows.to_pylist()
    assert (row["sheet"], row["row"], row["part"]) == ("表", 3, 0)
    assert (row["name"], row["code"], row["reason"]) == ("甲专业合作社", "93330000000000000X", "no_report")
    assert (row["listed_on"], row["removed_on"], row["notes"]) == ("2024-01-02", None, "[]")
    columns = dict(zip(HEAD, ("serial", "name", "code", "reason", "listed_on", None), strict=True))
    assert cells_as_written(json.loads(row["raw"]), row, columns) == dict(zip(HEAD, ROW, strict=True))


def test_all_columns_of_the_feed_are_there_in_their_types(stage: Callable[..., Staged]) -> None:
    rows = stage("fiscal_support", Sheet([["实施单位", "补助金额（万元）"], ["甲专业合作社", 3]])).rows
    assert str(rows.schema.field("amount").type) == "double"
    assert str(rows.schema.field("year").type) == "int64"
    assert rows["amount"].to_pylist() == [30000.0]
    assert rows["year"].to_pylist() == [None]


MONEY_BY_DEFAULT_IN_WAN = "fiscal_support", "amount", ["实施单位", "统一社会信用代码", "补助金额"]
MONEY_BY_DEFAULT_IN_YUAN = "registry", "contributions", ["名称", "统一社会信用代码", "成员出资总额"]


@pytest.mark.parametrize("build", [builders.xlsx, builders.xls, builders.csv_file])
@pytest.mark.parametrize(
    ("declared", "unit_row", "cell", "yuan"),
    [
        (MONEY_BY_DEFAULT_IN_WAN, None, 35000, 350_000_000.0),
        (MONEY_BY_DEFAULT_IN_WAN, "单位：元", 35000, 35000.0),
        (MONEY_BY_DEFAULT_IN_WAN, "金额单位：千元", 35, 35000.0),
        (MONEY_BY_DEFAULT_IN_WAN, "单位：家、元", "35,000", 35000.0),
        (MONEY_BY_DEFAULT_IN_YUAN, None, 35000, 35000.0),
        (MONEY_BY_DEFAULT_IN_YUAN, "单位：万元", 3.5, 35000.0),
        (MONEY_BY_DEFAULT_IN_YUAN, "（单位：亿元）", 0.5, 50_000_000.0),
        (MONEY_BY_DEFAULT_IN_YUAN, "单位：万元", "35000元", 35000.0),  # what a cell says itself goes before the row
    ],
)
def test_the_row_that_names_the_unit_scales_the_money_below_it(
    stage: Callable[..., Staged],
    build: Callable[..., bytes],
    declared: Any,
    unit_row: str | None,
    cell: Any,
    yuan: float,
) -> None:
    feed, field, head = declared
    lines = [["某县合作社一览表", None, None], *([[None, None, unit_row]] if unit_row else []), head]
    sheet = Sheet([*lines, ["甲专业合作社", None, cell], ["乙专业合作社", None, cell]])
    rows = stage(feed, data=build(sheet)).rows
    assert rows[field].to_pylist() == [yuan, yuan]


def test_an_unknown_column_is_kept_raw_and_told(stage: Callable[..., Staged]) -> None:
    staged = stage("market_abnormal", Sheet([HEAD, ROW]))
    assert [d for d in staged.drift if "内部编号" in d]
    assert json.loads(staged.rows["raw"][0].as_py())["内部编号"] == "K-7"


def test_a_missing_required_column_is_drift_and_names_the_nearest(stage: Callable[..., Staged]) -> None:
    head = ["序号", "企业名字", "统一社会信用代码/注册号", "列入经营异常名录原因", "列入日期"]
    with pytest.raises(DriftError) as caught:
        stage("market_abnormal", Sheet([head, ROW[:5]]))
    assert "“企业名称”（最接近的是“企业名字”）" in str(caught.value)
    assert "来件.xlsx" in str(caught.value)
    mapped = stage("market_abnormal", Sheet([head, ROW[:5]]), mapping={"企业名字": "name"})
    assert mapped.rows["name"].to_pylist() == ["甲专业合作社"]


def test_a_table_of_something_else_is_drift(stage: Callable[..., Staged]) -> None:
    with pytest.raises(DriftError, match="没有放错目录|应有的列"):
        stage("market_abnormal", Sheet([["地区", "户数"], ["甲县", 3]]))


def test_a_header_without_rows_is_a_report_of_nothing(stage: Callable[..., Staged]) -> None:
    staged = stage("market_abnormal", Sheet([HEAD]))
    assert staged.rows.num_rows == 0
    assert staged.rows.schema == stage("market_abnormal", Sheet([HEAD, ROW])).rows.schema


def test_a_header_without_rows_beside_another_table_is_not(stage: Callable[..., Staged]) -> None:
    with pytest.raises(FormatError, match="没有数据行"):
        stage("market_abnormal", Sheet([HEAD]), Sheet([["地区", "户数"], ["甲县", 3], ["乙县", 4]]))


def test_an_unreadable_file_is_refused_when_its_rows_are_asked_for(stage: Callable[..., Staged]) -> None:
    with pytest.raises(FormatError, match="空的"):
        stage("market_abnormal", data=b"")


def test_a_sheet_with_another_table_is_set_aside_and_told(stage: Callable[..., Staged]) -> None:
    staged = stage("market_abnormal", Sheet([HEAD, ROW]), Sheet([["地区", "户数"], ["甲县", 3], ["乙县", 4]]))
    assert staged.rows.num_rows == 1
    assert staged.set_aside == [("表2", 2)]


def test_several_names_in_one_cell_become_rows_of_the_same_number(stage: Callable[..., Staged]) -> None:
    names = "甲专业合作社、乙农民专业合作社\n丙专业合作社（已注销）"
    rows = [
        ["序号", "合作社名称", "理事长"],
        ["1", names, "王芳"],
        ["2", "蔬菜、水果专业合作社", "李强"],
        ["3", "丁果蔬\n专业合作社", "张敏"],
    ]
    staged = stage("township_cleanup", Sheet(rows), delivery_town="城关镇").rows
    assert staged.select(["row", "part", "name", "representative"]).to_pylist() == [
        {"row": 2, "part": 0, "name": "甲专业合作社", "representative": "王芳"},
        {"row": 2, "part": 1, "name": "乙农民专业合作社", "representative": "王芳"},
        {"row": 2, "part": 2, "name": "丙专业合作社（已注销）", "representative": "王芳"},
        {"row": 3, "part": 0, "name": "蔬菜、水果专业合作社", "representative": "李强"},
        {"row": 4, "part": 0, "name": "丁果蔬专业合作社", "representative": "张敏"},
    ]
    assert {json.loads(r)["合作社名称"] for r in staged["raw"].to_pylist()[:3]} == {names}


def test_the_senders_town_stands_in_where_the_row_names_none(stage: Callable[..., Staged]) -> None:
    rows = [["合作社名称", "乡镇"], ["甲专业合作社", "竹口镇"], ["乙专业合作社", "/"]]
    staged = stage("township_cleanup", Sheet(rows), delivery_town="城关镇").rows
    assert staged["profile_town"].to_pylist() == ["竹口镇", "城关镇"]
    assert staged["town"].to_pylist() == ["竹口镇", None]


def test_in_a_zip_each_file_names_its_own_town(stage: Callable[..., Staged]) -> None:
    sheet = Sheet([["合作社名称"], ["甲专业合作社"]])
    wide = Sheet([["序号", "合作社名称"], ["1", "乙专业合作社"]])
    data = builders.zipped({"城关镇台账.xlsx": builders.xlsx(wide), "竹口镇台账.xlsx": builders.xlsx(wide)})
    assert sheet.rows
    staged = stage("township_cleanup", data=data, name="台账.zip").rows
    assert staged["profile_town"].to_pylist() == ["城关镇", "竹口镇"]


def test_the_level_of_a_title_is_read_off_the_sheets_name_or_its_title(stage: Callable[..., Staged]) -> None:
    rows = [["序号", "合作社名称", "级别"], ["1", "甲专业合作社", None], ["2", "乙专业合作社", "市级"]]
    by_name = stage("demonstration", Sheet(rows, name="省级"))
    assert by_name.rows["level"].to_pylist() == ["provincial", "city"]
    by_title = stage(
        "demonstration", Sheet([["某县国家级农民专业合作社示范社名单"], *[r[:2] for r in rows]], name="Sheet1")
    )
    assert by_title.rows["level"].to_pylist() == ["national", "national"]
    unknown = stage("demonstration", Sheet([r[:2] for r in rows], name="Sheet1"))
    assert unknown.rows["level"].to_pylist() == [None, None]


def test_notes_of_several_cells_of_a_row_stand_in_one_list(stage: Callable[..., Staged]) -> None:
    row = ["1", "甲专业合作社", "9.33311E+17", "其他原因", "2024年1月", "K-7"]
    (staged,) = stage("market_abnormal", Sheet([HEAD, row])).rows.to_pylist()
    notes = {n["field"]: n["code"] for n in json.loads(staged["notes"])}
    assert notes == {"code": "damaged_code", "reason": "unknown_choice", "listed_on": "month_precision"}
    assert json.loads(staged["profile_codes"]) == []


def test_raw_cells_with_quotes_and_control_characters_are_sound_json(stage: Callable[..., Staged]) -> None:
    odd = '他说"好"\\n\n第二行\t完\x0b'
    data = builders.csv_file(Sheet([["企业名称", "列入原因", "列入日期"], ["甲专业合作社", odd, "2024-01-01"]]))
    (row,) = stage("market_abnormal", data=data).rows.to_pylist()
    assert json.loads(row["raw"])["列入原因"] == odd


def test_sheets_without_a_header_of_their_own_feed_are_guessed(tmp_path: Path) -> None:
    path = tmp_path / "来件.xlsx"
    path.write_bytes(builders.xlsx(Sheet([HEAD, ROW])))
    reading = read_file(path)
    assert [c.field for c in reading.sheets[0].columns][:3] == ["serial", "name", "code"]
    staged = normalise_reading(reading, get_feed("market_abnormal"))
    assert staged.rows.num_rows == 1


PARTS = st.fixed_dictionaries(
    {
        "name": st.sampled_from([None, "甲专业合作社", "乙"]),
        "codes": st.lists(st.sampled_from(["93330000000000000X", "330000000000001", "ABC"]), max_size=2),
        "representative": st.sampled_from([None, "王芳"]),
        "phone": st.sampled_from([None, "13000000000"]),
        "town": st.sampled_from([None, "城关镇"]),
    }
)


@given(st.lists(PARTS, min_size=1, max_size=5))
def test_the_key_of_one_row_is_the_key_of_the_column(rows: list[dict[str, Any]]) -> None:
    import pyarrow as pa

    feed = get_feed("tax_registration")
    codes = [[*r["codes"], None, None][:2] for r in rows]
    columns = {
        "name": pa.array([r["name"] for r in rows], pa.string()),
        "tax_number": pa.array([c[0] for c in codes], pa.string()),
        "code": pa.array([c[1] for c in codes], pa.string()),
        "representative": pa.array([r["representative"] for r in rows], pa.string()),
        "phone": pa.array([r["phone"] for r in rows], pa.string()),
        "town": pa.array([r["town"] for r in rows], pa.string()),
    }
    made = profile_columns(columns, feed, len(rows), None)
    assert made["profile_key"].to_pylist() == [profile_key(**r) for r in rows]
    assert [json.loads(c) for c in made["profile_codes"].to_pylist()] == [sorted(set(r["codes"])) for r in rows]


def test_a_code_with_signs_that_json_escapes_is_kept_whole(stage: Callable[..., Staged]) -> None:
    row = ["甲专业合作社", '9333"000\\00000A', "年报", "2024-01-01"]
    (staged,) = stage(
        "market_abnormal", Sheet([["企业名称", "统一社会信用代码", "列入原因", "列入日期"], row])
    ).rows.to_pylist()
    assert json.loads(staged["profile_codes"]) == [staged["code"]]
    assert "\\" in staged["code"]


def test_profiles_do_not_care_for_blanks_and_full_width_forms(stage: Callable[..., Staged]) -> None:
    rows = [["企业名称", "统一社会信用代码", "列入原因", "列入日期"]]
    rows += [
        ["甲（云岫）专业合作社", "93330000000000000X", "年报", "2024-01-01"],
        [" 甲(云岫) 专业\n合作社", "９３３３００００００００００００0x", "年报", "2024"],
    ]
    keys = stage("market_abnormal", Sheet(rows)).rows["profile_key"].to_pylist()
    assert len(set(keys)) == 1


def _told(name: str, *titles: str) -> tuple[Reading, Path]:
    import pyarrow as pa

    from hub.intake.reader.model import SheetReading, Skipped

    skipped = [Skipped(i, "title", t) for i, t in enumerate(titles, 1)]
    return Reading(name, sheets=[SheetReading("", False, [], [], 0, skipped, pa.table({}))]), Path(name)


AS_OF = [
    (("税务登记20261031.xlsx",), "2026-10-31"),
    (("名单.xlsx", "填报单位：某局    填报日期：2026年10月31日"), "2026-10-31"),
    (("名单20260101.xlsx", "数据截至2026年10月31日"), "2026-10-31"),
    (("名单.xlsx", "2026年10月"), "2026-10-31"),
    (("2026年2月名单.xlsx",), "2026-02-28"),
    (("名单2026-10-31.csv",), "2026-10-31"),
    (("名单_2026.10.31.csv",), "2026-10-31"),
    (("抽查结果（2025年1月至2026年9月）.csv",), "2026-09-30"),
    (("批次_20240101-20261031.csv",), "2026-10-31"),
    (("2026年三季度抽检结果.xlsx",), "2026-09-30"),
    (("2026年第4季度.xlsx",), "2026-12-31"),
    (("名单.xlsx", "二〇二六年名单"), None),
    (("名单13800000000.xlsx",), None),
    (("名单20261345.xlsx",), None),
]


@pytest.mark.parametrize(("texts", "day"), AS_OF)
def test_the_day_a_delivery_speaks_of(texts: tuple[str, ...], day: str | None) -> None:
    found = detect_as_of(*_told(*texts))
    assert found == (dt.date.fromisoformat(day) if day else None)


TOWNS = [
    (("凤湾乡合作社清理整顿台账.xlsx",), "凤湾乡"),
    (("坝坑街道合作社台账.xlsx",), "坝坑街道"),
    (("清禾县青坑镇合作社台账.xlsx",), "青坑镇"),
    (("台账.xlsx", "白岭镇农民专业合作社清理整顿台账"), "白岭镇"),
    (("1.河岭镇台账.xlsx",), "河岭镇"),
    (("全县乡镇合作社台账.xlsx",), None),
    (("各乡镇汇总.xlsx",), None),
    (("台账（老城关）.xlsx",), "城关街道"),
]


@pytest.mark.parametrize(("texts", "town"), TOWNS)
def test_the_town_a_delivery_comes_from(texts: tuple[str, ...], town: str | None) -> None:
    found = detect_town(*_told(*texts), ["城关街道", "老城关"] if town == "城关街道" else [])
    assert found == ("老城关" if town == "城关街道" else town)


def test_a_long_file_is_staged_as_a_short_one(stage: Callable[..., Staged]) -> None:
    short = builders.csv_file(Sheet([HEAD, ROW]))
    one = stage("market_abnormal", data=short).rows.drop_columns(["row", "sheet"]).to_pylist()
    line = short.split(b"\r\n")[1]
    long = short + (line + b"\r\n") * 30_000
    rows = stage("market_abnormal", data=long).rows
    assert rows.num_rows == 30_001
    assert rows["row"].to_pylist() == list(range(2, 30_003))
    assert rows.slice(30_000).drop_columns(["row", "sheet"]).to_pylist() == one
