"""Layouts as offices draw them, each in every kind of file: the account of every row and the headers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from hub.intake.reader import read_file
from tests.intake.reader import builders
from tests.intake.reader.builders import Sheet, account_of

N = None
FLAT = ("csv",)  # knows no merges
MERGED = ("xlsx", "xls", "html", "xml2003", "docx")
ALL = (*MERGED, *FLAT)


@dataclass(frozen=True)
class Layout:
    """A sheet and what a person makes of it."""

    name: str
    sheet: Sheet
    account: str
    headers: tuple[str, ...]
    kinds: tuple[str, ...] = ALL


COOPS = [["1", "兴旺果蔬专业合作社", "王芳"], ["2", "兴盛果蔬专业合作社", "李强"], ["3", "丰收水稻专业合作社", "张敏"]]
HEAD = ["序号", "合作社名称", "理事长"]
FIGURES = [["浦江县", 12, 3.5], ["兰溪市", 30, 8], ["义乌市", 7, 1.25], ["东阳市", 9, 2]]


def layout(
    name: str, rows: list[list[object]], account: str, *headers: str, merges: str = "", kinds: tuple[str, ...] = ALL
) -> Layout:
    return Layout(name, Sheet(rows, tuple(merges.split())), account, headers, kinds)  # type: ignore[arg-type]


LAYOUTS = [
    layout("plain", [HEAD, *COOPS], "hddd", *HEAD),
    layout("title", [["某县合作社名单"], HEAD, *COOPS], "thddd", *HEAD, merges="A1:C1"),
    layout("title not merged", [["某县合作社名单"], HEAD, *COOPS], "thddd", *HEAD),
    layout(
        "annex, title, form line",
        [["附件1"], ["某县合作社名单"], ["填报单位：某县农业农村局", N, "2026年10月31日"], HEAD, *COOPS],
        "ttthddd",
        *HEAD,
        merges="A2:C2",
    ),
    layout("blank rows around the title", [["某县合作社名单"], [], HEAD, *COOPS], "t.hddd", *HEAD),
    layout("blank first rows", [[], [], HEAD, *COOPS], "..hddd", *HEAD),
    layout("blank rows among the data", [HEAD, COOPS[0], [], [], *COOPS[1:]], "hd..dd", *HEAD),
    layout("total at the end", [HEAD, *COOPS, ["合计", "3家"]], "hdddT", *HEAD),
    layout("spaced total", [HEAD, *COOPS, ["合  计", "3家"]], "hdddT", *HEAD),
    layout("total with a count", [HEAD, *COOPS, ["合计：3家"]], "hdddT", *HEAD),
    layout("total in the second column", [HEAD, *COOPS, ["4", "合计", "3家"]], "hdddT", *HEAD),
    layout("total behind an empty cell", [HEAD, *COOPS, [N, "总计", "3家"]], "hdddT", *HEAD),
    layout("total first", [["地区", "户数", "金额"], ["合计", 58, 14.75], *FIGURES], "hTdddd", "地区", "户数", "金额"),
    layout(
        "subtotals",
        [["地区", "户数", "金额"], *FIGURES[:2], ["浙中小计", 42, 11.5], *FIGURES[2:], ["总计", 58, 14.75]],
        "hddTddT",
        "地区",
        "户数",
        "金额",
    ),
    layout(
        "the whole country is data",
        [["地区", "户数", "金额"], ["全国", 58, 14.75], *FIGURES],
        "hddddd",
        "地区",
        "户数",
        "金额",
    ),
    layout("note", [HEAD, *COOPS, ["注：名单截至2026年10月31日。"]], "hdddn", *HEAD),
    layout(
        "note over two lines",
        [HEAD, *COOPS, ["注：1.名单截至2026年10月31日。"], ["    2.不含分支机构。"]],
        "hdddnn",
        *HEAD,
    ),
    layout(
        "source", [["地区", "户数", "金额"], *FIGURES, ["资料来源：某省统计年鉴"]], "hddddn", "地区", "户数", "金额"
    ),
    layout("footer", [HEAD, *COOPS, ["填表人：王芳", "审核人：李强", "联系电话：0579-00000000"]], "hdddn", *HEAD),
    layout("footer in one cell", [HEAD, *COOPS, ["填表人：      审核人：      填报日期："]], "hdddn", *HEAD),
    layout(
        "total, note, footer",
        [HEAD, *COOPS, ["合计", "3家"], ["备注：无"], ["单位负责人：", N, "填表人："]],
        "hdddTnn",
        *HEAD,
    ),
    layout("header on every page", [HEAD, COOPS[0], HEAD, COOPS[1], HEAD, COOPS[2]], "hdHdHd", *HEAD),
    layout(
        "title and header on every page",
        [["某县合作社名单"], HEAD, *COOPS, ["某县合作社名单"], HEAD, ["4", "新叶茶叶专业合作社", "陈静"]],
        "thdddtHd",
        *HEAD,
    ),
    layout(
        "page numbers",
        [HEAD, COOPS[0], ["第1页"], HEAD, COOPS[1], ["第2页"]],
        "hdnHdn",
        *HEAD,
    ),
    layout(
        "sections among the data",
        [HEAD, ["一、种植业"], *COOPS[:2], ["二、养殖业"], COOPS[2]],
        "htddtd",
        *HEAD,
    ),
    layout(
        "merged sections among the data",
        [HEAD, ["城关镇（2家）"], *COOPS[:2], ["竹口镇（1家）"], COOPS[2]],
        "htddtd",
        *HEAD,
        merges="A2:C2 A5:C5",
        kinds=MERGED,
    ),
    layout(
        "unit row scales nothing here but is no data",
        [["扶持资金表"], ["单位：万元"], ["合作社名称", "金额"], ["兴旺专业合作社", 3], ["兴盛专业合作社", 5]],
        "tthdd",
        "合作社名称",
        "金额",
    ),
    layout(
        "unit at the right",
        [["收支情况表"], [N, N, "单位：万元"], ["地区", "收入", "支出"], *FIGURES],
        "tthdddd",
        "地区",
        "收入",
        "支出",
    ),
    layout(
        "two header rows, merged",
        [
            ["序号", "名称", "列入", N, "移出", N],
            [N, N, "日期", "机关", "日期", "机关"],
            ["1", "甲专业合作社", "2024-01-02", "局", "2025-01-02", "局"],
        ],
        "hhd",
        "序号",
        "名称",
        "列入/日期",
        "列入/机关",
        "移出/日期",
        "移出/机关",
        merges="A1:A2 B1:B2 C1:D1 E1:F1",
        kinds=MERGED,
    ),
    layout(
        "two header rows, flattened",
        [
            ["地区", "产量", N, "面积", N],
            [N, "2023年", "2024年", "2023年", "2024年"],
            ["浦江县", 1, 2, 3, 4],
            ["兰溪市", 5, 6, 7, 8],
        ],
        "hhdd",
        "地区",
        "产量/2023年",
        "产量/2024年",
        "面积/2023年",
        "面积/2024年",
        kinds=("csv", "xlsx", "html"),
    ),
    layout(
        "three header rows, merged",
        [
            ["地区", "种畜禽场", N, N],
            [N, "种牛场", N, "种猪场"],
            [N, "奶牛", "肉牛", N],
            ["浦江县", 1, 2, 3],
            ["兰溪市", 4, 5, 6],
        ],
        "hhhdd",
        "地区",
        "种畜禽场/种牛场/奶牛",
        "种畜禽场/种牛场/肉牛",
        "种畜禽场/种猪场",
        merges="A1:A3 B1:D1 B2:C2 D2:D3",
        kinds=MERGED,
    ),
    layout(
        "a row of units below the header",
        [["地区", "面积", "产量"], [N, "（亩）", "（吨）"], ["浦江县", 10, 2], ["兰溪市", 30, 6]],
        "hhdd",
        "地区",
        "面积/（亩）",
        "产量/（吨）",
    ),
    layout(
        "column numbers below the header",
        [["地区", "面积", "产量"], ["甲", "1", "2"], ["浦江县", 10, 2], ["兰溪市", 30, 6]],
        "hhdd",
        "地区",
        "面积",
        "产量",
    ),
    layout(
        "two languages on two rows",
        [
            ["地区", "总播种面积", "粮食作物"],
            ["Region", "Total Sown Area", "Grain Crops"],
            ["浦江县", 10, 2],
            ["兰溪市", 30, 6],
        ],
        "hhdd",
        "地区/Region",
        "总播种面积/Total Sown Area",
        "粮食作物/Grain Crops",
    ),
    layout(
        "two languages in one cell",
        [
            ["地区\nRegion", "总播种面积\nTotal Sown Area", "粮食作物\nGrain Crops"],
            ["浦江县 Pujiang", 10, 2],
            ["兰溪市 Lanxi", 30, 6],
        ],
        "hdd",
        "地区 Region",
        "总播种面积 Total Sown Area",
        "粮食作物 Grain Crops",
        kinds=("xlsx", "xls", "csv", "html"),
    ),
    layout(
        "years as header",
        [["指标", 2019, 2020, 2021], ["户数", 3, 4, 5], ["产值", 30.5, 41, 52]],
        "hdd",
        "指标",
        "2019",
        "2020",
        "2021",
    ),
    layout(
        "months as header",
        [["品种", "1月", "2月", "3月"], ["白菜", 2.5, 2.6, 2.4], ["萝卜", 1.2, 1.3, 1.1]],
        "hdd",
        "品种",
        "1月",
        "2月",
        "3月",
    ),
    layout(
        "days as header",
        [["品种", 1, 2, 3, 4], ["白菜", 2.5, 2.6, 2.4, 2.2], ["萝卜", 1.2, 1.3, 1.1, 1.4]],
        "hdd",
        "品种",
        "1",
        "2",
        "3",
        "4",
    ),
    layout(
        "price list",
        [
            ["某市场批发价格"],
            ["日期：2026-10-31", N, N, "单位：元/公斤"],
            ["品名", "最高价", "最低价", "平均价"],
            ["白菜", 2.5, 1.8, "1.8-2.5"],
            ["萝卜", "—", "—", "—"],
        ],
        "tthdd",
        "品名",
        "最高价",
        "最低价",
        "平均价",
    ),
    layout(
        "two tables, the second with its own title",
        [
            ["表一 户数"],
            ["地区", "户数", "人数"],
            *FIGURES,
            [],
            ["表二 资金"],
            ["地区", "投入", "产出"],
            ["浦江县", 5, 6],
            ["兰溪市", 7, 8],
        ],
        "thdddd.thdd",
        "地区",
        "户数",
        "人数",
    ),
    layout(
        "the table goes on: other columns",
        [["地区", "户数", "人数"], *FIGURES, ["（续）"], ["地区", "投入", "产出"], ["浦江县", 5, 6], ["兰溪市", 7, 8]],
        "hddddthdd",
        "地区",
        "户数",
        "人数",
    ),
    layout(
        "town merged downwards",
        [
            ["乡镇", "合作社名称", "负责人"],
            ["城关镇", "甲专业合作社", "王芳"],
            [N, "乙专业合作社", N],
            [N, "丙专业合作社", N],
            ["竹口镇", "丁专业合作社", "李强"],
        ],
        "hdddd",
        "乡镇",
        "合作社名称",
        "负责人",
        merges="A2:A4",
        kinds=MERGED,
    ),
    layout(
        "only the key is filled in",
        [
            ["序号", "合作社名称", "负责人", "电话"],
            ["1", "甲专业合作社", "王芳", "13000000000"],
            [N, "乙专业合作社", N, N],
            ["3", "丙专业合作社", N, N],
        ],
        "hddd",
        "序号",
        "合作社名称",
        "负责人",
        "电话",
    ),
    layout(
        "line breaks and blanks in the header",
        [["序\n号", " 合作社\n名 称 ", "理 事 长"], *COOPS],
        "hddd",
        "序号",
        "合作社名 称",
        "理 事 长",
        kinds=("xlsx", "xls", "csv", "html"),
    ),
    layout(
        "a column without header",
        [["序号", "合作社名称", N], *COOPS],
        "hddd",
        "序号",
        "合作社名称",
        "第3列",
    ),
    layout(
        "the same header twice",
        [["序号", "名称", "名称"], *COOPS],
        "hddd",
        "序号",
        "名称",
        "名称 (2)",
    ),
    layout(
        "an empty column in the middle",
        [["序号", N, "合作社名称"], ["1", N, "甲专业合作社"], ["2", N, "乙专业合作社"]],
        "hdd",
        "序号",
        "合作社名称",
    ),
    layout("starts at column C", [[N, N, *HEAD], *[[N, N, *c] for c in COOPS]], "hddd", *HEAD),
    layout(
        "English headers",
        [["year", "area_name", "com_name"], ["2017", "北京", "某牧场"], ["2017", "天津", "某猪场"]],
        "hdd",
        "year",
        "area_name",
        "com_name",
    ),
    layout(
        "list without header that counts",
        [["1", "甲专业合作社", "王芳"], ["2", "乙专业合作社", "李强"], ["3", "丙专业合作社", "张敏"]],
        "ddd",
        "第1列",
        "第2列",
        "第3列",
    ),
    layout(
        "long notes inside the table stay apart",
        [
            HEAD,
            *COOPS,
            ["说明：本表由各乡镇填报，县农业农村局汇总，数据未经核实，如有出入以乡镇上报的纸质盖章件为准。"],
        ],
        "hdddn",
        *HEAD,
        merges="A5:C5",
    ),
    layout(
        "tall and thin: one column",
        [["合作社名称"], ["甲专业合作社"], ["乙专业合作社"], ["丙专业合作社"]],
        "hddd",
        "合作社名称",
        kinds=("xlsx", "xls", "html"),
    ),
    layout("header only", [HEAD], "h", *HEAD),
    layout(
        "dates and codes are no header",
        [
            ["名称", "代码", "日期"],
            ["甲专业合作社", "93330000000000000X", "2024-01-01"],
            ["乙专业合作社", "93330000000000000Y", "2024-01-02"],
        ],
        "hdd",
        "名称",
        "代码",
        "日期",
    ),
    layout(
        "merged value cells are filled down but stay data",
        [
            ["乡镇", "村", "合作社名称"],
            ["城关镇", "东村", "甲专业合作社"],
            [N, N, "乙专业合作社"],
            ["竹口镇", "西村", "丙专业合作社"],
        ],
        "hddd",
        "乡镇",
        "村",
        "合作社名称",
        merges="A2:A3 B2:B3",
        kinds=MERGED,
    ),
]


def as_bytes(kind: str, sheet: Sheet) -> bytes:
    if kind == "csv":
        return builders.csv_file(sheet)
    maker = {
        "xlsx": builders.xlsx,
        "xls": builders.xls,
        "html": builders.html,
        "xml2003": builders.xml2003,
        "docx": builders.docx,
    }
    return maker[kind](sheet)


CASES = [pytest.param(one, kind, id=f"{one.name}, {kind}") for one in LAYOUTS for kind in one.kinds]


@pytest.mark.parametrize(("one", "kind"), CASES)
def test_every_row_of_a_layout_has_the_account_a_person_gives_it(tmp_path: Path, one: Layout, kind: str) -> None:
    path = tmp_path / f"来件.{kind}"
    path.write_bytes(as_bytes(kind, one.sheet))
    reading = read_file(path)
    assert reading.refusal is None
    assert reading.format == kind
    assert account_of(reading) == one.account
    assert tuple(c.header for c in reading.sheets[0].columns) == one.headers


def test_merged_cells_give_their_value_to_every_row_they_cover(tmp_path: Path) -> None:
    (one,) = (c for c in LAYOUTS if c.name == "town merged downwards")
    for kind in one.kinds:
        path = tmp_path / f"来件.{kind}"
        path.write_bytes(as_bytes(kind, one.sheet))
        (sheet,) = read_file(path).sheets
        assert sheet.rows["c0"].to_pylist() == ["城关镇", "城关镇", "城关镇", "竹口镇"], kind


def test_an_empty_cell_that_was_never_merged_stays_empty(tmp_path: Path) -> None:
    (one,) = (c for c in LAYOUTS if c.name == "town merged downwards")
    path = tmp_path / "来件.csv"
    path.write_bytes(builders.csv_file(one.sheet))
    (sheet,) = read_file(path).sheets
    assert sheet.rows["c0"].to_pylist() == ["城关镇", None, None, "竹口镇"]
