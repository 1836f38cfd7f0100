"""Layouts of statistics, budgets, price lists and name lists as ministries and counties publish them."""

from __future__ import annotations

from typing import Any

import pytest

from hub.intake.reader.grid import Grid
from hub.intake.reader.layout import find_tables
from hub.intake.reader.read import known_headers
from hub.intake.reader.xlsx import parse_range
from tests.intake.reader.builders import LETTERS

N = None
D: list[list[Any]] = [["浦江县", 12, 3.5], ["兰溪市", 30, 8], ["义乌市", 7, 1.25]]
CASES: list[tuple[str, list[list[Any]], str, str]] = [
    (
        "yearbook",
        [
            ["表1 主要产量"],
            ["Table 1 Output of Major Products"],
            ["单位：吨", N, "(ton)"],
            ["地区 Region", "粮食 Grain", "棉花 Cotton"],
            *D,
        ],
        "A1:C1 A2:C2",
        "ttthddd",
    ),
    ("split first col", [[N, "粮食", "棉花"], ["地区", N, N], ["", "产量", "产量"], *D], "", "hhhddd"),
    ("split first col2", [[N, "粮食", "棉花"], ["地区", "产量", "产量"], *D], "", "hhddd"),
    ("indent", [["指标", "2019", "2020"], ["总产值", 100, 110], ["  农业", 60, 66], ["  林业", 40, 44]], "", "hddd"),
    ("side by side", [["地区", "产量", "地区", "产量"], ["甲县", 1, "乙县", 2], ["丙县", 3, "丁县", 4]], "", "hdd"),
    ("years down", [["年份 Year", "总人口", "城镇"], ["2001", 12, 3], ["2002", 13, 4], ["2003", 14, 5]], "", "hddd"),
    (
        "title right",
        [
            ["农业机械拥有量", N, N, "2018年"],
            ["地区", "拖拉机", "收割机", "水泵"],
            ["甲县", 1, 2, 3],
            ["乙县", 1, 2, 3],
        ],
        "",
        "thdd",
    ),
    ("note above", [["某表"], ["注：本表为快报数"], ["地区", "户数", "人数"], *D], "", "tnhddd"),
    (
        "summary above",
        [
            ["合作社情况"],
            ["合作社总数", 120, "示范社", 30],
            ["序号", "名称", "电话", "类型"],
            ["1", "甲专业合作社", "13000000000", "种植"],
            ["2", "乙专业合作社", "13000000001", "养殖"],
        ],
        "",
        "tthdd",
    ),
    ("blank corner", [[N, 2019, 2020, 2021], ["户数", 1, 2, 3], ["人数", 4, 5, 6]], "", "hdd"),
    ("indicator unit", [["指标", "单位", "2019年", "2020年"], ["户数", "户", 1, 2], ["产值", "万元", 3, 4]], "", "hdd"),
    (
        "group sole",
        [["地区", "产量（吨）", N, N], [N, "小麦", "玉米", "大豆"], ["甲县", 1, 2, 3], ["乙县", 1, 2, 3]],
        "A1:A2 B1:D1",
        "hhdd",
    ),
    (
        "group sole flat",
        [["地区", "产量（吨）", N, N], [N, "小麦", "玉米", "大豆"], ["甲县", 1, 2, 3], ["乙县", 1, 2, 3]],
        "",
        "hhdd",
    ),
    (
        "group over flat no left",
        [[N, "产量（吨）", N, N], ["地区", "小麦", "玉米", "大豆"], ["甲县", 1, 2, 3], ["乙县", 1, 2, 3]],
        "B1:D1",
        "hhdd",
    ),
    (
        "xu title",
        [["表1 产量"], ["地区", "户数", "人数"], *D, ["表1 产量（续1）"], ["地区", "户数", "人数"], *D],
        "A1:C1",
        "thdddtHddd",
    ),
    (
        "xu other",
        [["表1 产量"], ["地区", "户数", "人数"], *D, [], ["续表1"], ["地区", "牛", "羊"], *D],
        "A1:C1",
        "thddd.thddd",
    ),
    ("region heads", [["地区", "户数", "人数"], ["华北地区"], *D, ["华东地区"], *D], "", "htdddtddd"),
    ("missing vals", [["地区", "户数", "人数"], ["浦江县", 12, 3.5], ["西藏"], ["义乌市", 7, 1.25]], "", "hddd"),
    (
        "list of firms 2 col",
        [
            ["第一批名单"],
            ["序号", "企业名称"],
            ["1", "北京顺鑫农业股份有限公司"],
            ["2", "北京三元食品有限公司"],
            ["3", "中国水产集团公司"],
        ],
        "",
        "thddd",
    ),
    (
        "firms by province nohead",
        [
            ["名单"],
            ["北京市", "北京顺鑫农业股份有限公司"],
            ["天津市", "天津北方生猪批发交易市场"],
            ["河北省", "石家庄三鹿乳业集团"],
        ],
        "",
        "tddd",
    ),
    (
        "all text table",
        [
            ["体系", "岗位", "姓名", "单位"],
            ["水稻", "栽培", "熊栋梁", "华中农业大学"],
            ["小麦", "育种", "张三", "中国农业大学"],
        ],
        "",
        "hdd",
    ),
    (
        "sub unit line right in header",
        [["指标", "本年", "上年", "增长(%)"], ["合计", 10, 9, 11.1], ["粮食", 3, 2, 50], ["棉花", 7, 7, 0]],
        "",
        "hTdd",
    ),
    (
        "bilingual 4 rows",
        [
            ["地区", "总计", N, "其中"],
            [N, "", "", "女"],
            ["Region", "Total", N, "Of which"],
            [N, N, N, "Female"],
            ["甲", 1, 2, 3],
            ["乙", 4, 2, 3],
        ],
        "A1:A2 B1:C2 B3:C4 A3:A4",
        "hhhhdd",
    ),
    (
        "numbers as text w/ units",
        [["品名", "规格", "价格"], ["白菜", "散装", "1.2元/斤"], ["萝卜", "散装", "0.8元/斤"]],
        "",
        "hdd",
    ),
    (
        "date cols",
        [["市场", "10月1日", "10月2日", "10月3日"], ["甲市场", 1.1, 1.2, 1.3], ["乙市场", 1.1, 1.2, 1.3]],
        "",
        "hdd",
    ),
    (
        "iso date cols",
        [["市场", "2023-10-01", "2023-10-02", "2023-10-03"], ["甲市场", 1.1, 1.2, 1.3], ["乙市场", 1.1, 1.2, 1.3]],
        "",
        "hdd",
    ),
    (
        "budget",
        [
            ["2023年收支预算总表"],
            ["单位：万元"],
            ["收入", N, "支出", N],
            ["项目", "预算数", "项目", "预算数"],
            ["一、一般公共预算", 100, "一、农林水", 80],
            ["二、其他", 5, "二、住房", 25],
            ["本年收入合计", 105, "本年支出合计", 105],
        ],
        "A1:D1 A3:B3 C3:D3",
        "tthhddT",
    ),
    (
        "budget2",
        [
            ["部门预算"],
            ["科目编码", N, N, "科目名称", "合计"],
            ["类", "款", "项", N, N],
            ["213", N, N, "农林水支出", 100],
            ["213", "01", N, "农业农村", 80],
            ["213", "01", "01", "行政运行", 20],
        ],
        "A1:E1 A2:C2 D2:D3 E2:E3",
        "thhddd",
    ),
    (
        "personnel",
        [
            ["职位表"],
            ["序号", "招录机关", "职位名称", "招录人数", "学历要求"],
            ["1", "某局", "科员", "2", "本科及以上，具有学士学位；专业不限，年龄在35岁以下"],
            ["2", "某局", "科员", "1", "硕士"],
        ],
        "",
        "thdd",
    ),
    (
        "attach",
        [
            ["附件2："],
            [],
            ["2023年农产品质量安全抽检合格产品信息表"],
            ["（排名不分先后）"],
            ["序号", "抽样编号", "产品名称"],
            ["1", "A-1", "青菜"],
            ["2", "A-2", "萝卜"],
        ],
        "",
        "t.tthdd",
    ),
    (
        "long text cells",
        [
            ["任务", "牵头单位", "完成时限"],
            ["推进合作社规范提升，完善章程，健全三会制度，落实成员账户，实施社务公开。", "农业农村局", "2023年12月"],
            ["清理整顿空壳社，分类处置。", "市场监管局", "2023年10月"],
        ],
        "",
        "hdd",
    ),
    (
        "footer page",
        [
            ["序号", "名称", "电话"],
            ["1", "甲社", "13000000000"],
            ["2", "乙社", "13000000001"],
            ["第 1 页，共 2 页"],
            ["制表单位：某局", N, "制表日期：2023年1月"],
        ],
        "",
        "hddnn",
    ),
    ("unit column title", [["单位：个、人"], ["地区", "户数", "人数"], *D], "", "thddd"),
    (
        "total only word col2",
        [
            ["序号", "乡镇", "合作社名称", "金额"],
            ["1", "城关镇", "甲社", 3],
            [N, "小计", N, 3],
            ["2", "竹口镇", "乙社", 4],
            [N, "合计", N, 7],
        ],
        "",
        "hdTdT",
    ),
    (
        "english",
        [
            ["Table 1: Output"],
            ["Province", "Output", "Area"],
            ["Beijing", 1, 2],
            ["Tianjin", 3, 4],
            ["Total", 4, 6],
            ["Source: NBS"],
        ],
        "",
        "thddTn",
    ),
    ("two head gap", [["地区", "户数", "人数"], [], *D], "", "h.ddd"),
    (
        "blank row inside the header",
        [["产量表"], [], ["地区", "粮食", "棉花"], [], ["Region", "Grain", "Cotton"], [], *D],
        "",
        "t.h.h.ddd",
    ),
    (
        "labels translated a row lower",
        [["地区", "户数", "人数"], ["北京", 12, 3], ["Beijing"], ["天津", 3, 4], ["Tianjin"]],
        "",
        "hdndn",
    ),
    (
        "blank row after the header of words",
        [["序号", "名称", "地址"], [], ["1", "甲社", "东村"], ["2", "乙社", "西村"]],
        "",
        "h.dd",
    ),
    ("groups of five with blank rows", [["地区", "户数", "人数"], *D, [], *D, [], *D], "", "hddd.ddd.ddd"),
    ("notes with markers", [["地区", "户数①", "人数②"], *D, ["①户数为年末数。"], ["②人数为平均数。"]], "", "hdddnn"),
    (
        "two notes apart",
        [["地区", "户数", "人数"], *D, [], ["注：1. 快报数。"], [], ["2. 不含市辖区。"]],
        "",
        "hddd.n.n",
    ),
    (
        "numbers with notes",
        [["地区", "户数", "人数"], ["甲县", "12①", "3.5*"], ["乙县", "(30)", "—"], ["丙县", "7", "≥5"]],
        "",
        "hddd",
    ),
    (
        "shares and changes",
        [["指标", "2022年", "2023年", "增长%"], ["户数", "1,200", "1,300", "8.3%"], ["产值", "3.5", "4.2", "+20.0"]],
        "",
        "hdd",
    ),
    (
        "Chinese and English label columns",
        [
            ["地 区", "Region", "粮食"],
            ["北 京", "Beijing", 12],
            ["天 津", "Tianjin", 3],
            ["全国总计", "National Total", 15],
        ],
        "",
        "hddT",
    ),
    (
        "serial of sections",
        [
            ["序号", "项目", "金额"],
            ["一", "基本支出", 10],
            ["1", "人员经费", 6],
            ["2", "公用经费", 4],
            ["二", "项目支出", 20],
        ],
        "",
        "hdddd",
    ),
    ("codes without serial", [["代码", "名称"], ["330100", "杭州市"], ["330200", "宁波市"]], "", "hdd"),
    (
        "list with an empty middle",
        [["姓名", "电话", "单位"], ["王芳", N, "甲社"], ["李强", "13000000000", N], [N, N, "乙社"]],
        "",
        "hddd",
    ),
    ("header in capital letters", [["NAME", "CODE", "AREA"], ["a", 1, 2], ["b", 3, 4]], "", "hdd"),
    (
        "title below a logo row",
        [
            [N, N, "某县人民政府"],
            ["关于公布合作社名单的通知"],
            ["序号", "名称", "类型"],
            ["1", "甲社", "种植"],
            ["2", "乙社", "养殖"],
        ],
        "",
        "tthdd",
    ),
    (
        "date line right above the header",
        [["价格监测表"], [N, N, "2026年10月31日"], ["品名", "批发价", "零售价"], ["白菜", 1, 2], ["萝卜", 2, 3]],
        "",
        "tthdd",
    ),
    (
        "remark column filled only once",
        [["序号", "名称", "数量", "备注"], ["1", "甲社", 3, N], ["2", "乙社", 4, "合计数含分社"], ["3", "丙社", 5, N]],
        "",
        "hddd",
    ),
    (
        "row of totals by name at the top and bottom",
        [
            ["单位", "总计", "男", "女"],
            ["总计", 10, 6, 4],
            ["甲局", 4, 3, 1],
            ["乙局", 6, 3, 3],
            ["审核人：张三", N, "填表人：李四"],
        ],
        "",
        "hTddn",
    ),
    (
        "merged remark down the side",
        [["序号", "名称", "数量", "备注"], ["1", "甲社", 3, "同一项目"], ["2", "乙社", 4, N], ["3", "丙社", 5, N]],
        "D2:D4",
        "hddd",
    ),
    (
        "title merged over two rows",
        [["某县名单", N, N], [N, N, N], ["序号", "名称", "数量"], ["1", "甲社", 3], ["2", "乙社", 4]],
        "A1:C2",
        "t.hdd",
    ),
    (
        "header of one merged group only",
        [
            ["序号", "合作社", N, "备注"],
            [N, "名称", "代码", N],
            ["1", "甲社", "93330000000000000X", N],
            ["2", "乙社", "93330000000000000Y", N],
        ],
        "A1:A2 B1:C1 D1:D2",
        "hhdd",
    ),
    (
        "units inside the title row",
        [["农机总动力（万千瓦）"], ["地区", "2020年", "2021年"], ["甲县", 1.5, 2], ["乙县", 3, 4]],
        "",
        "thdd",
    ),
    ("nothing but figures", [[1, 2, 3], [4, 5, 6], [7, 8, 9]], "", "ddd"),
    ("a lone paragraph", [["本县合作社发展良好。"]], "", "t"),
    (
        "question marks for unknown values",
        [["地区", "户数", "人数"], ["甲县", "…", 3], ["乙县", "...", "…"], ["丙县", 4, 5]],
        "",
        "hddd",
    ),
    (
        "header repeated in another spelling of blanks",
        [
            ["序号", "名 称", "电话"],
            ["1", "甲社", "13000000000"],
            ["序 号", "名称", "电 话"],
            ["2", "乙社", "13000000001"],
        ],
        "",
        "hdHd",
    ),
]


def account(rows: list[list[Any]], merges: str) -> str:
    ranges = [r for text in merges.split() if (r := parse_range(text))]
    texts = [["" if x is None else str(x) for x in cells] for cells in rows]
    grid = Grid("表", rows={n: c for n, c in enumerate(texts, 1) if any(c)}, merges=ranges, has_merges=bool(ranges))
    letters: dict[int, str] = {}
    for table in find_tables(grid, known_headers()):
        letters |= dict.fromkeys(table.header_rows, "h") | dict.fromkeys(table.data, "d")
        letters |= {row: LETTERS[a.kind] for row, a in table.other.items()}
    return "".join(letters[row] for row in sorted(letters))


@pytest.mark.parametrize(("name", "rows", "merges", "expected"), CASES, ids=[c[0] for c in CASES])
def test_a_published_table_is_understood_as_a_person_does(
    name: str, rows: list[list[Any]], merges: str, expected: str
) -> None:
    assert account(rows, merges) == expected
