"""Ledgers typed by hand: townships' clean-up, and the departments that lead or fund cooperatives."""

from __future__ import annotations

from hub.demo.books.edition import Edition, caption, signatures
from hub.demo.clerk import LEDGER, OFFICE
from hub.demo.sheet import Book, Form, Line, LineKind, Sheet, Subject, Value
from hub.demo.world import night_date
from hub.deployment import Town

UNION_MEMBERS = 6
PAGE = 22  # rows after which a printed ledger repeats its header


def last_revision(town_number: int, night: int) -> int:
    """The last night, up to this one, on which a township sent its ledger anew: all on the first, then a third each."""
    return next(n for n in range(night, 0, -1) if n == 1 or (town_number + n) % 3 == 0)


def township_cleanup(edition: Edition, town_number: int) -> list[Book]:
    """One township's ledger: .xlsx, BIFF or HTML called .xls, each with its own habits of layout."""
    town = edition.world.county.towns[town_number]
    clerk = edition.clerk("township_cleanup", LEDGER, date_style=town_number % 5)
    here = [c for c in edition.world.in_town(town) if c.cleanup]
    sheet = Sheet(("Sheet1", "台账", "清理整顿台账")[town_number % 3], 10)
    sheet.title(f"{town.name}农民专业合作社清理整顿台账")
    caption(sheet, _office(town), night_date(edition.night).replace(day=25))
    header = (
        "序号",
        "村",
        "合作社名称",
        "理事长",
        "联系电话",
        "问题类型",
        "处置意见",
        "整改情况",
        "整改期限",
        "销号日期",
    )
    sheet.header(*header)
    by_village = town_number % 2 == 0
    if by_village:
        here.sort(key=lambda c: (c.village, c.number))
    top = len(sheet.lines)
    rest = list(here)
    serial = 0
    while rest:
        c = rest.pop(0)
        assert c.cleanup is not None  # noqa: S101 (chosen above)
        hand = clerk.hand(c)
        serial += 1
        name = clerk.name(hand, c, breaks=True)
        subjects: tuple[Subject, ...] = (c.subject,)
        if town_number == 2 and serial == 3 and rest:
            second = rest.pop(0)  # two names share a cell, as when one person answers for both
            name, subjects = f"{name}、{clerk.name(clerk.hand(second), second)}", (c.subject, second.subject)
        if town_number == 4 and serial % PAGE == 0:
            sheet.header(*header)
        cleanup = c.cleanup
        due = (
            clerk.day(hand, cleanup.due_on)
            if hand.random() > 0.06
            else f"{cleanup.due_on.year}年{cleanup.due_on.month}月底"
        )
        closed = clerk.day(hand, cleanup.closed_on) if hand.random() > 0.08 else ""
        sheet.data(
            serial, c.village, name, clerk.person(hand, c), clerk.phone(hand, c), cleanup.problem, cleanup.proposed,
            cleanup.progress if hand.random() < 0.9 else "", due, closed, subjects=subjects,
        )  # fmt: skip
    if by_village:
        sheet.merge_runs(1, top)
    if town_number % 4 == 1:
        sheet.note("注：1.问题类型按《开展农民专业合作社“空壳社”专项清理工作方案》填写；2.本表每月25日前报送。")
    signatures(sheet)
    form = {1: Form.HTML, 3: Form.BIFF}.get(town_number % 6, Form.XLSX)
    ending = "xlsx" if form is Form.XLSX else "xls"
    encoding = "gb18030" if form is Form.HTML else "utf-8"
    return [Book("township_cleanup", f"{town.name}合作社清理整顿台账.{ending}", form, [sheet], encoding=encoding)]


def _office(town: Town) -> str:
    return f"{town.name}办事处" if town.name.endswith("街道") else f"{town.name}人民政府"


def supply_marketing(edition: Edition) -> list[Book]:
    """供销社领办合作社台账: town cells merged down, no code column; two supply and marketing cooperatives of their own."""
    clerk = edition.clerk("supply_marketing", LEDGER, date_style=2)
    sheet = Sheet("台账", 7)
    sheet.title(f"{edition.county}供销合作社领办（参股）农民专业合作社台账")
    sheet.caption("单位：家、万元")
    sheet.header("乡镇", "合作社名称", "负责人", "联系电话", "入股金额", "领办时间", "备注")
    top = len(sheet.lines)
    for c in edition.by_town(lambda c: c.led_since):
        hand = clerk.hand(c)
        sheet.data(
            c.town.name, clerk.name(hand, c, breaks=True), clerk.person(hand, c), clerk.phone(hand, c),
            clerk.money(hand, c.stake), clerk.day(hand, c.led_since), "", subjects=(c.subject,),
        )  # fmt: skip
    for s in [s for s in edition.world.strangers if s.kind == "supply"][:2]:
        name = s.name.removesuffix("有限公司")
        sheet.data(s.town.name, name, s.representative, "", 20, "", "基层社", subjects=(s.subject,))
    sheet.merge_runs(0, top)
    sheet.total("合计", f"{len(sheet.lines) - top}家")
    signatures(sheet)
    return [Book("supply_marketing", f"{edition.county}供销社领办合作社台账.xlsx", Form.XLSX, [sheet])]


def union_members(edition: Edition) -> list[Book]:
    """联合社成员名册: the union's name merged down over its members, who are neighbours of the same town."""
    clerk = edition.clerk("union_members", LEDGER)
    sheet = Sheet("成员名册", 7)
    sheet.title(f"{edition.county}农民专业合作社联合社成员名册")
    caption(sheet, f"{edition.county}供销合作社", edition.day)
    sheet.header(
        "联合社名称", "联合社统一社会信用代码", "成员社名称", "统一社会信用代码", "理事长", "加入日期", "出资额（万元）"
    )
    top = len(sheet.lines)
    unions = edition.by_town(lambda c: "联合社" in c.name and c.ended is None)
    lone = edition.by_town(lambda c: "联合社" not in c.name and c.ended is None)
    rosters = [(u.name, u.uscc, u.founded, [c for c in lone if c.town.name == u.town.name]) for u in unions]
    if not rosters:  # a county so small has one that stands in no other list
        rosters = [(f"{edition.county}供销农民专业合作社联合社", "", lone[0].founded, lone)]
    for name, code, founded, neighbours in rosters:
        for c in neighbours[:UNION_MEMBERS]:
            hand = clerk.hand(c)
            sheet.data(
                name, code, clerk.name(hand, c), clerk.code(hand, c), clerk.person(hand, c),
                clerk.day(hand, max(founded, c.founded)), clerk.money(hand, 2.0), subjects=(c.subject,),
            )  # fmt: skip
    sheet.merge_runs(0, top)
    signatures(sheet)
    return [Book("union_members", f"{edition.county}联合社成员名册.xlsx", Form.XLSX, [sheet])]


def forestry(edition: Edition) -> list[Book]:
    """林业合作社台账: BIFF, a subtotal under each town, the header again on every page."""
    clerk = edition.clerk("forestry", LEDGER)
    header = (
        "序号",
        "乡镇",
        "合作社名称",
        "负责人",
        "联系电话",
        "经营类型",
        "经营面积（亩）",
        "林业示范社级别",
        "扶持资金（万元）",
        "备注",
    )
    sheet = Sheet("林业合作社", len(header))
    sheet.title(f"{edition.county}林业专业合作社基本情况表")
    caption(sheet, f"{edition.county}林业局", edition.day)
    sheet.header(*header)
    members = edition.by_town(lambda c: c.trade.sector == "forest" and (c.ended is None or c.number % 3 == 0))
    serial = 0
    for town in edition.world.county.towns:
        here = [c for c in members if c.town.name == town.name]
        top = len(sheet.lines)
        for c in here:
            serial += 1
            hand = clerk.hand(c)
            level = next((f"{t.level}级" for t in c.titles if t.system == "林草"), "")
            grant = sum(g.amount or 0 for g in c.grants)
            sheet.data(
                serial, town.name, clerk.name(hand, c), clerk.person(hand, c), clerk.phone(hand, c), c.trade.name,
                c.area_mu, level, grant or clerk.empty(hand), "", subjects=(c.subject,),
            )  # fmt: skip
            if serial % PAGE == 0:
                sheet.header(*header)
        sheet.merge_runs(1, top)
        if here:
            sheet.total("", f"{town.name}小计", f"{len(here)}家", "", "", "", sum(c.area_mu or 0 for c in here))
    sheet.total("", "合计", f"{serial}家", "", "", "", sum(c.area_mu or 0 for c in members))
    return [Book("forestry", f"{edition.county}林业合作社台账.xls", Form.BIFF, [sheet])]


def water(edition: Edition) -> list[Book]:
    """农民用水合作组织台账: an HTML table that calls itself .xls."""
    clerk = edition.clerk("water", LEDGER)
    sheet = Sheet("Sheet1", 9)
    sheet.title(f"{edition.county}农民用水合作组织及工程管护合作社台账")
    sheet.header(
        "序号",
        "乡镇",
        "用水合作组织名称",
        "负责人",
        "联系电话",
        "管护工程",
        "灌溉面积（亩）",
        "补助资金（万元）",
        "年度",
    )
    for serial, c in enumerate(edition.by_town(lambda c: c.water_works and c.ended is None), 1):
        hand = clerk.hand(c)
        amount = hand.choice((1.5, 2.0, 3.0, None))
        sheet.data(
            serial, c.town.name, clerk.name(hand, c), clerk.person(hand, c), clerk.phone(hand, c), c.water_works, c.area_mu,
            clerk.money(hand, amount), str(hand.choice((2024, 2025, 2026))), subjects=(c.subject,),
        )  # fmt: skip
    signatures(sheet)
    return [Book("water", f"{edition.county}用水合作组织台账.xls", Form.HTML, [sheet], encoding="gb18030")]


def fiscal_support(edition: Edition) -> list[Book]:
    """财政扶持资金: a GBK CSV, amounts in 万元; a code dragged down from the row above now and then."""
    clerk = edition.clerk("fiscal_support", OFFICE)
    sheet = Sheet("Sheet1", 6)
    sheet.header("项目名称", "实施单位", "社会信用代码", "补助金额（万元）", "年度", "资金文号")
    rows = []
    for c in edition.world.cooperatives:
        for nth, grant in enumerate(c.grants):
            hand = clerk.hand(c, nth)
            name, code = clerk.name(hand, c, breaks=True), clerk.code(hand, c)
            rows.append(
                (grant.on.year, grant.what, name, code, clerk.money(hand, grant.amount), c.subject, hand.random())
            )
    rows.sort(key=lambda r: (r[0], r[1], r[2]))
    above = ""
    for year, what, name, code, amount, subject, draw in rows:
        written = above if above and draw < 0.015 else code
        number = 10 + sum(map(ord, what)) % 80
        sheet.data(what, name, written, amount, str(year), f"云财农〔{year}〕{number}号", subjects=(subject,))
        above = code
    return [Book("fiscal_support", f"{edition.county}财政扶持合作社资金表.csv", Form.CSV, [sheet], encoding="gb18030")]


def development_reform(edition: Edition) -> list[Book]:
    """发改（科技）项目台账: amounts in yuan here, unlike everybody else's."""
    clerk = edition.clerk("development_reform", OFFICE)
    sheet = Sheet("项目台账", 8)
    sheet.title(f"{edition.county}发展和改革局（科技局）支持合作社项目台账")
    sheet.header("序号", "项目名称", "项目单位", "统一社会信用代码", "负责人", "投资金额（元）", "年度", "备注")
    serial = 0
    for c in edition.by_town(lambda c: c.projects):
        for project in c.projects:
            serial += 1
            hand = clerk.hand(c)
            sheet.data(
                serial, project.what, clerk.name(hand, c), clerk.code(hand, c), clerk.person(hand, c),
                round((project.amount or 0) * 10_000), str(project.on.year), "", subjects=(c.subject,),
            )  # fmt: skip
    sheet.blank()
    sheet.lines.append(Line(LineKind.NOTE, ("说明：本表由各项目单位申报，投资金额以批复为准。", *(None,) * 7)))
    return [Book("development_reform", f"{edition.county}发改科技项目台账.xlsx", Form.XLSX, [sheet])]


def finance(edition: Edition) -> list[Book]:
    """金融机构信用与贷款台账: grades, loans and suspected illegal finance in one list."""
    clerk = edition.clerk("finance", OFFICE, date_style=1)
    sheet = Sheet("信用与贷款", 10)
    sheet.title(f"{edition.county}农民专业合作社信用评级与贷款情况表")
    sheet.caption("单位：万元")
    sheet.header(
        "序号", "借款人名称", "统一社会信用代码", "负责人", "金融机构", "记录类型", "信用等级", "金额", "日期", "备注"
    )
    rows = []
    for c in edition.world.cooperatives:
        for nth, credit in enumerate(c.credits):
            hand = clerk.hand(c, nth)
            who: tuple[Value, ...] = (clerk.name(hand, c), clerk.code(hand, c), clerk.person(hand, c))
            if clerk.hand(c, ("lost", nth)).random() < 0.012:  # a name left out, a code that Excel took for a number
                who = ("", float(c.uscc) if c.uscc.isdigit() else 9.33913e17, who[2])
            rows.append((credit, who, clerk.money(hand, credit.amount), clerk.day(hand, credit.on), c.subject))
    rows.sort(key=lambda r: (r[0].by, r[0].on, str(r[1])))
    for serial, (credit, who, amount, day, subject) in enumerate(rows, 1):
        sheet.data(serial, *who, credit.by, credit.kind, credit.what, amount, day, "", subjects=(subject,))
    sheet.total("合计", f"{len(rows)}条")
    return [Book("finance", f"{edition.county}金融机构信用与贷款台账.xlsx", Form.XLSX, [sheet])]
