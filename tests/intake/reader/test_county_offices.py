"""Layouts of county offices' tables beyond statistics: ledgers, name lists, subsidies, forms, lists side by side."""

from __future__ import annotations

from typing import Any

import pytest

from tests.intake.reader.test_published import account

N = None
COOPS: list[list[Any]] = [
    ["1", "甲种植专业合作社", "王芳", 12],
    ["2", "乙养殖专业合作社", "李强", 30],
    ["3", "丙农机专业合作社", "张敏", 7],
]
HEAD: list[Any] = ["序号", "合作社名称", "理事长", "成员数"]
D: list[list[Any]] = [["浦江县", 12, 3.5], ["兰溪市", 30, 8], ["义乌市", 7, 1.25]]
CASES: list[tuple[str, list[list[Any]], str, str]] = [
    ("attachment and title", [["附件1"], ["示范社名单"], HEAD, *COOPS], "A2:D2", "tthddd"),
    (
        "attachment, title, date to the right",
        [["附件：2"], ["名单"], [N, N, N, "2026.10.31"], HEAD, *COOPS],
        "",
        "ttthddd",
    ),
    ("title over two lines", [["清禾县农民专业合作社"], ["规范提升情况汇总表"], HEAD, *COOPS], "A1:D1 A2:D2", "tthddd"),
    ("form line in three cells", [["填报单位：城关镇", N, "填报人：王芳", "2026年10月"], HEAD, *COOPS], "", "thddd"),
    ("signature below", [HEAD, *COOPS, [], ["单位负责人：", N, "填表人：", "填表日期："]], "", "hddd.n"),
    ("seal below", [HEAD, *COOPS, ["（盖章）"]], "", "hdddn"),
    ("date below", [HEAD, *COOPS, [], [N, N, N, "2026年10月31日"]], "", "hddd.n"),
    (
        "office and date below",
        [HEAD, *COOPS, [], [N, N, N, "清禾县农业农村局"], [N, N, N, "2026年10月31日"]],
        "",
        "hddd.nn",
    ),
    ("page number below", [HEAD, *COOPS, ["第1页，共3页"]], "", "hdddn"),
    ("page number with dashes", [HEAD, *COOPS, ["- 1 -"]], "", "hdddn"),
    ("total with count", [HEAD, *COOPS, ["合计", "3家", N, 49]], "", "hdddT"),
    ("total in the name column", [HEAD, *COOPS, [N, "合计", N, 49]], "", "hdddT"),
    ("total in spaced words", [HEAD, *COOPS, ["合    计", N, N, 49]], "", "hdddT"),
    ("total first", [HEAD, ["总计", N, N, 49], *COOPS], "", "hTddd"),
    ("total of the county first", [HEAD, ["全县合计", N, N, 49], *COOPS], "", "hTddd"),
    (
        "towns as sections with subtotals",
        [
            HEAD,
            ["城关镇"],
            COOPS[0],
            ["小计", N, N, 12],
            ["竹口镇"],
            *COOPS[1:],
            ["小计", N, N, 37],
            ["合计", N, N, 49],
        ],
        "A2:D2 A5:D5",
        "htdTtddTT",
    ),
    (
        "sections counted in Chinese",
        [HEAD, ["一、国家级（1家）"], COOPS[0], ["二、省级（2家）"], *COOPS[1:]],
        "",
        "htdtdd",
    ),
    (
        "sections with a count of firms",
        [HEAD, ["城关镇（1家）"], COOPS[0], ["竹口镇（2家）"], *COOPS[1:]],
        "",
        "htdtdd",
    ),
    (
        "merged town to the left",
        [["乡镇", *HEAD], ["城关镇", *COOPS[0]], [N, *COOPS[1]], ["竹口镇", *COOPS[2]]],
        "A2:A3",
        "hddd",
    ),
    (
        "merged town with subtotal",
        [["乡镇", *HEAD], ["城关镇", *COOPS[0]], [N, *COOPS[1]], [N, "小计", N, N, 42], ["竹口镇", *COOPS[2]]],
        "A2:A4",
        "hddTd",
    ),
    (
        "two lists side by side",
        [
            ["序号", "名称", N, "序号", "名称"],
            ["1", "甲合作社", N, "3", "丙合作社"],
            ["2", "乙合作社", N, "4", "丁合作社"],
        ],
        "",
        "hdd",
    ),
    (
        "two lists side by side, one shorter",
        [["名单"], ["序号", "名称", "序号", "名称"], ["1", "甲合作社", "3", "丙合作社"], ["2", "乙合作社", N, N]],
        "A1:D1",
        "thdd",
    ),
    (
        "three lists side by side",
        [["序号", "名称"] * 3, ["1", "甲社", "2", "乙社", "3", "丙社"], ["4", "丁社", "5", "戊社", "6", "己社"]],
        "",
        "hdd",
    ),
    (
        "column numbers below the names",
        [HEAD, ["甲", "乙", "丙", "1"], *COOPS],
        "",
        "hhddd",
    ),
    ("column numbers in brackets", [HEAD, ["(1)", "(2)", "(3)", "(4)"], *COOPS], "", "hhddd"),
    ("row of units below the names", [["地区", "面积", "产量"], [N, "（亩）", "（吨）"], *D], "", "hhddd"),
    ("units without brackets", [["地区", "面积", "产量"], [N, "亩", "吨"], *D], "", "hhddd"),
    (
        "three levels",
        [
            ["地区", "成员", N, N],
            [N, "合计", "其中", N],
            [N, N, "农民", "企业"],
            ["甲镇", 12, 10, 2],
            ["乙镇", 30, 25, 5],
        ],
        "A1:A3 B1:D1 B2:B3 C2:D2",
        "hhhdd",
    ),
    (
        "three levels, merges lost",
        [
            ["地区", "成员", N, N],
            [N, "合计", "其中", N],
            [N, N, "农民", "企业"],
            ["甲镇", 12, 10, 2],
            ["乙镇", 30, 25, 5],
            ["丙镇", 7, 7, 0],
        ],
        "",
        "hhhddd",
    ),
    (
        "years over quantities",
        [
            ["地区", "2024年", N, "2025年", N],
            [N, "户数", "人数", "户数", "人数"],
            ["甲镇", 1, 2, 3, 4],
            ["乙镇", 5, 6, 7, 8],
        ],
        "A1:A2 B1:C1 D1:E1",
        "hhdd",
    ),
    (
        "quantities over years",
        [["地区", "户数", N, "人数", N], [N, 2024, 2025, 2024, 2025], ["甲镇", 1, 2, 3, 4], ["乙镇", 5, 6, 7, 8]],
        "A1:A2 B1:C1 D1:E1",
        "hhdd",
    ),
    (
        "quantities over years, merges lost",
        [["地区", "户数", N, "人数", N], [N, 2024, 2025, 2024, 2025], ["甲镇", 1, 2, 3, 4], ["乙镇", 5, 6, 7, 8]],
        "",
        "hhdd",
    ),
    (
        "months across",
        [["品种", "1月", "2月", "3月"], ["白菜", 1.2, 1.3, 1.1], ["萝卜", 0.8, 0.9, 0.7]],
        "",
        "hdd",
    ),
    ("quarters across", [["指标", "一季度", "二季度"], ["户数", 3, 4], ["产值", 5.5, 6]], "", "hdd"),
    (
        "plan and done",
        [["乡镇", "任务数", "完成数", "完成率"], ["甲镇", 10, 8, "80%"], ["乙镇", 20, 20, "100%"]],
        "",
        "hdd",
    ),
    (
        "continued page with title and header",
        [["名单"], HEAD, *COOPS[:2], ["名单（续）"], HEAD, COOPS[2]],
        "A1:D1 A5:D5",
        "thddtHd",
    ),
    ("continued page, word only", [["名单"], HEAD, *COOPS[:2], ["续表"], HEAD, COOPS[2]], "", "thddtHd"),
    (
        "continued page with its number",
        [["7-6 名单"], HEAD, *COOPS[:2], [], ["7-6 续表 1"], HEAD, COOPS[2]],
        "",
        "thdd.tHd",
    ),
    (
        "second table with other columns",
        [
            ["一、国家级"],
            HEAD,
            *COOPS[:2],
            ["二、省级"],
            ["序号", "合作社名称", "地址", "理事长", "成员数"],
            ["1", "丙农机专业合作社", "竹口镇", "张敏", 7],
        ],
        "",
        "thddthd",
    ),
    (
        "notes with circled numbers",
        [["地区", "户数", "面积"], *D, ["① 户数为年末数；"], ["② 面积为耕地面积。"]],
        "",
        "hdddnn",
    ),
    (
        "note in several lines",
        [["地区", "户数", "面积"], *D, ["注：1.户数为年末数；"], ["    2.面积为耕地面积。"]],
        "",
        "hdddnn",
    ),
    ("source below", [["地区", "户数", "面积"], *D, ["资料来源：县统计局"]], "", "hdddn"),
    (
        "filling instructions below",
        [HEAD, *COOPS, ["填表说明：1.本表由乡镇填报。2.每月25日前报送。"]],
        "A5:D5",
        "hdddn",
    ),
    ("filling instructions above", [["说明：本表由乡镇填报，每月25日前报送。"], HEAD, *COOPS], "A1:D1", "nhddd"),
    (
        "starred entries of a table",
        [["序号", "名称", "电话"], ["1", "*甲合作社", "13000000000"], ["2", "乙合作社", N]],
        "",
        "hdd",
    ),
    ("starred entries of a list", [["甲合作社"], ["*乙合作社"], ["丙合作社"], ["丁合作社"]], "", "dddd"),
    (
        "starred entries explained",
        [["甲合作社"], ["*乙合作社"], ["丙合作社"], ["注：标注“*”的为更名合作社。"]],
        "",
        "dddn",
    ),
    ("only a title", [["清禾县合作社名单"]], "", "t"),
    ("title and nothing else", [["清禾县合作社名单"], ["（2026年）"]], "", "tt"),
    ("header and nothing else", [["名单"], HEAD], "A1:D1", "th"),
    ("header and empty numbered rows", [HEAD, ["1"], ["2"], ["3"]], "", "hddd"),
    ("one row", [HEAD, COOPS[0]], "", "hd"),
    ("no header, numbered", COOPS, "", "ddd"),
    ("no header, title", [["名单"], *COOPS], "A1:D1", "tddd"),
    ("blank rows between", [HEAD, COOPS[0], [], COOPS[1], [], [], COOPS[2]], "", "hd.d..d"),
    ("blank rows above", [[], [], HEAD, *COOPS], "", "..hddd"),
    ("column to the right", [[N, N, *HEAD], *[[N, N, *c] for c in COOPS]], "", "hddd"),
    (
        "codes as numbers",
        [["统一社会信用代码", "名称"], [9.3330000000000003e17, "甲合作社"], [9.3330000000000009e17, "乙合作社"]],
        "",
        "hdd",
    ),
    (
        "names of columns in the database's words",
        [
            ["qymc", "tyshxydm", "fddbr"],
            ["甲合作社", "93330000MA00000001", "王芳"],
            ["乙合作社", "93330000MA00000002", "李强"],
        ],
        "",
        "hdd",
    ),
    (
        "export with a technical header above",
        [
            ["com_name", "com_code", "reg_date"],
            ["名称", "代码", "登记日期"],
            ["甲合作社", "93330000MA00000001", "2020-01-02"],
        ],
        "",
        "thd",
    ),
    (
        "long table of indicators",
        [
            ["地区", "年份", "指标", "数值"],
            *[[t, 2025, i, n] for n, t in enumerate(["甲镇", "乙镇", "丙镇"]) for i in ("合计", "种植", "养殖")],
        ],
        "",
        "hddddddddd",
    ),
    (
        "label wrapped to the next row",
        [
            ["地区", "Region", "户数"],
            ["北京", "Beijing", 1],
            ["港澳台", "Hong Kong,", 2],
            [N, "Macao & Taiwan"],
            ["其他", "Others", 3],
        ],
        "",
        "hddnd",
    ),
    (
        "names in two lines without borders",
        [
            ["指标名称", "计量", "全县", "比2025年"],
            [N, "单位", N, "+、-%"],
            ["户数", "户", 3, 1],
            ["人口", "人", 4, 2],
            ["产值", "万元", 5, 3],
        ],
        "",
        "hhddd",
    ),
    (
        "name of the first column above the others",
        [["各地区种羊场"], ["地区"], [N, "种羊场", "种兔场"], ["甲县", 1, 2], ["乙县", 3, 4], ["丙县", 5, 6]],
        "A1:C1",
        "thhddd",
    ),
    (
        "sum named above its translation",
        [
            ["", "", "合  计"],
            ["地区", "Region", "Total", "发明", "外观"],
            ["", "", "", "Inventions", "Designs"],
            ["甲县", "A", 3, 1, 2],
            ["乙县", "B", 7, 3, 4],
            ["丙县", "C", 11, 5, 6],
        ],
        "",
        "hhhddd",
    ),
    (
        "grade given in a column of words only",
        [
            ["名称", "级别", "类型"],
            ["甲合作社", "省级", "种植"],
            ["乙合作社", "市级", "养殖"],
            ["丙合作社", "县级", "农机"],
        ],
        "",
        "hddd",
    ),
    (
        "one column a cooperative",
        [
            ["指标", "甲社", "乙社"],
            ["法定代表人", "王芳", "李强"],
            ["成员数", 12, 30],
            ["成立日期", "2015-03-02", "2016-01-01"],
        ],
        "",
        "hddd",
    ),
    (
        "answers yes and no",
        [["名称", "建立三会", "社务公开"], ["甲合作社", "是", "否"], ["乙合作社", "否", "是"]],
        "",
        "hdd",
    ),
    ("ticks", [["名称", "种植", "养殖"], ["甲合作社", "√", N], ["乙合作社", N, "√"]], "", "hdd"),
    (
        "subsidies with a total row and notes",
        [
            ["2026年农机购置补贴公示表"],
            ["单位：元"],
            ["序号", "购机者", "机具品目", "数量", "补贴额"],
            ["1", "甲农机专业合作社", "轮式拖拉机", 1, 35000],
            ["2", "乙农机专业合作社", "联合收割机", 2, 70000],
            ["合计", N, N, 3, 105000],
            ["公示期：2026年10月1日至10月7日，监督电话：0571-00000000"],
        ],
        "A1:E1",
        "tthddTn",
    ),
    (
        "budget with letters of a column",
        [
            ["项目", "行次", "金额"],
            ["栏次", N, "1"],
            ["一、收入", "1", 100],
            ["二、支出", "2", 80],
            ["三、结余", "3", 20],
        ],
        "",
        "hhddd",
    ),
]


@pytest.mark.parametrize(("name", "rows", "merges", "expected"), CASES, ids=[c[0] for c in CASES])
def test_an_offices_table_is_understood_as_a_person_does(
    name: str, rows: list[list[Any]], merges: str, expected: str
) -> None:
    assert account(rows, merges) == expected
