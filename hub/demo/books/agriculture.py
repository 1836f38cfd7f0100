"""What the agriculture bureau keeps itself: demonstration titles, standardisation, support measures, public reports."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

from hub.demo.books.edition import Edition, caption, signatures
from hub.demo.clerk import LEDGER, OFFICE, Habits
from hub.demo.sheet import Book, Form, Sheet, Value
from hub.demo.world import Cooperative

_LIST = Habits(
    no_region=0.18, bare_region=0.05, town_before=0.02, suffix=0.08, homophone=0.015, marks=0.02, no_phone=0.1
)
_AWARDED_BY = {"国家": "农业农村部", "省": "{province}农业农村厅", "市": "{city}农业农村局", "县": "{county}农业农村局"}
_DOCUMENT = {
    "国家": "农经发〔{year}〕7号",
    "省": "东农经〔{year}〕21号",
    "市": "岚农〔{year}〕46号",
    "县": "云农〔{year}〕33号",
}


def _holders(level: str) -> Callable[[Cooperative], bool]:
    return lambda c: any(t.level == level for t in c.titles)


def demonstration(edition: Edition) -> list[Book]:
    """示范社名录: a sheet a level, names and towns only; the county's own sheet has its town cells merged."""
    clerk = edition.clerk("demonstration", _LIST)
    county = edition.world.county
    book = Book("demonstration", f"{county.name}农民专业合作社示范社名录（四级）.xlsx", Form.XLSX, [])
    for level in ("国家", "省", "市", "县"):
        sheet = Sheet(f"{level}级", 9)
        sheet.title(f"{county.name}{level}级农民专业合作社示范社名单")
        by_town = level == "县"
        first = ("所在乡镇", "合作社名称") if by_town else ("合作社名称", "所在乡镇")
        sheet.header("序号", *first, "系统", "认定部门", "认定年度", "文号", "监测年度", "监测结果")
        top, serial = len(sheet.lines), 0
        awarded_by = _AWARDED_BY[level].format(province=county.province, city=county.city, county=county.name)
        for c in edition.by_town(_holders(level)):
            for title in (t for t in c.titles if t.level == level):
                serial += 1
                hand = clerk.hand(c, level)
                name = clerk.name(hand, c)
                place = (
                    (c.town.name, name)
                    if by_town
                    else (name, hand.choice((c.town.name, *c.town.former, *c.town.short)))
                )
                sheet.data(
                    serial, *place, title.system, awarded_by, str(title.year), _DOCUMENT[level].format(year=title.year),
                    "2025" if title.monitoring else "", title.monitoring, subjects=(c.subject,),
                )  # fmt: skip
        if by_town:
            sheet.merge_runs(1, top)
        sheet.note(f"注：共{serial}家")
        book.sheets.append(sheet)
    return [book]


def standardisation(edition: Edition) -> list[Book]:
    """规范化建设台账: a header of two rows, town cells merged, 有/无 and 是/否."""
    clerk = edition.clerk("standardisation", OFFICE, date_style=2)
    sheet = Sheet("规范化台账", 17)
    sheet.title(f"{edition.county}农民专业合作社规范化建设台账")
    caption(sheet, f"{edition.county}农业农村局经管站", edition.day)
    sheet.grouped_header(
        (
            ("序号", ()), ("乡镇", ()), ("合作社名称", ()), ("统一社会信用代码", ()), ("理事长", ()), ("成员数", ()),
            ("组织机构", ("成员大会", "理事会", "监事会", "章程")),
            ("财务管理", ("成员账户", "会计电算化", "盈余分配")),
            ("信息公开", ("年度报告", "社务公开")),
            ("检查日期", ()), ("备注", ()),
        )
    )  # fmt: skip
    top = len(sheet.lines)
    for serial, c in enumerate(edition.by_town(lambda c: c.standards), 1):
        hand = clerk.hand(c)
        marks = ("√", "×") if hand.random() < 0.1 else ("是", "否")
        answers: list[Value] = []
        for i, answer in enumerate(c.standards):
            yes, no = ("有", "无") if i < 4 and marks[0] == "是" else marks
            answers.append("" if answer is None else (yes if answer else no))
        checked = date(2026, 7, 1) + timedelta(days=hand.randrange(90))
        sheet.data(
            serial, c.town.name, clerk.name(hand, c), clerk.code(hand, c), clerk.person(hand, c), c.members, *answers,
            clerk.day(hand, checked), "", subjects=(c.subject,),
        )  # fmt: skip
    sheet.merge_runs(1, top)
    sheet.total("合计", "", f"{len(sheet.lines) - top}家")
    signatures(sheet)
    return [Book("standardisation", f"{edition.county}合作社规范化建设台账.xlsx", Form.XLSX, [sheet])]


def support_measures(edition: Edition) -> list[Book]:
    """扶持措施台账: BIFF, 单位：万元; each month's after the first night."""
    clerk = edition.clerk("support_measures", LEDGER, date_style=1)
    first = date(2025, 1, 1) if edition.night == 1 else edition.month_start
    sheet = Sheet("扶持措施", 10)
    sheet.title(f"{edition.county}农民专业合作社扶持措施台账")
    sheet.caption("单位：万元")
    sheet.header(
        "序号", "乡镇", "合作社名称", "统一社会信用代码", "扶持类型", "扶持内容", "扶持单位", "扶持时间", "金额", "备注"
    )
    rows = []
    for c in edition.world.cooperatives:
        for m in (m for m in c.measures if first <= m.on <= edition.day):
            hand = clerk.hand(c, m.on)
            when = f"{m.on.year}年{m.on.month}月" if hand.random() < 0.2 else clerk.day(hand, m.on)
            town = hand.choice((c.town.name, c.town.name, *c.town.former))
            rows.append(
                (m, (town, clerk.name(hand, c), clerk.code(hand, c)), when, clerk.money(hand, m.amount), c.subject)
            )
    if not rows:
        return []
    rows.sort(key=lambda r: (r[0].kind, r[0].on, r[1]))
    for serial, (m, who, when, amount, subject) in enumerate(rows, 1):
        sheet.data(serial, *who, m.kind, m.what, m.by, when, amount, "", subjects=(subject,))
    sheet.total("合计", f"{len(rows)}项")
    span = "2025年以来" if edition.night == 1 else f"{edition.day.year}年{edition.day.month}月"
    return [Book("support_measures", f"合作社扶持措施台账（{span}）.xls", Form.BIFF, [sheet])]


def complaints(edition: Edition) -> list[Book]:
    """群众举报线索: one CSV that grows."""
    clerk = edition.clerk(
        "complaints", Habits(no_region=0.25, suffix=0.15, homophone=0.03, marks=0.04, odd_date=0.4, no_code=1)
    )
    sheet = Sheet("Sheet1", 7)
    sheet.header("登记日期", "被举报单位", "所在乡镇", "线索内容", "来源", "办理结果", "办结日期")
    rows = []
    for c in edition.world.cooperatives:
        for r in (r for r in c.complaints if r.registered_on <= edition.day):
            hand = clerk.hand(c, r.registered_on)
            day, name = clerk.day(hand, r.registered_on), clerk.name(hand, c)
            known = r.closed_on is not None and r.closed_on <= edition.day
            outcome, closed = (r.outcome, clerk.day(hand, r.closed_on)) if known else ("办理中", "")
            rows.append((r.registered_on, (day, name, c.town.name, r.content, r.channel, outcome, closed), c.subject))
    rows.sort(key=lambda r: (r[0], r[1]))
    for _, cells, subject in rows:
        sheet.data(*cells, subjects=(subject,))
    return [Book("complaints", "群众举报线索登记表.csv", Form.CSV, [sheet], encoding="utf-8-sig")]
