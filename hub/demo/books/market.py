"""What market supervision and the approval bureau send: abnormal list, spot checks, samplings, the registry."""

from __future__ import annotations

from datetime import date

from hub.demo.biff_password import BUILT_IN
from hub.demo.books.edition import Edition, caption, chinese_date, damaged, signatures
from hub.demo.clerk import SYSTEM, Habits
from hub.demo.sheet import Book, Form, Sheet, Subject, Value
from hub.demo.world import Decision, Reason

REASONS = {
    Reason.NO_REPORT: "未按照《农民专业合作社年度报告公示暂行办法》规定报送年度报告并公示的",
    Reason.FALSE_INFORMATION: "公示信息隐瞒真实情况、弄虚作假的",
    Reason.UNREACHABLE: "通过登记的住所无法与农民专业合作社取得联系的",
}


def abnormal(edition: Edition) -> list[Book]:
    """经营异常名录: BIFF with Excel's built-in password, as it leaves the registration system. A row a decision."""
    clerk = edition.clerk("market_abnormal", SYSTEM)
    authority = f"{edition.county}市场监督管理局"
    sheet = Sheet("Sheet1", 10)
    sheet.title(f"{edition.county}列入经营异常名录农民专业合作社名单")
    caption(sheet, authority, edition.day)
    sheet.header(
        "序号", "企业名称", "统一社会信用代码/注册号", "法定代表人/负责人", "列入经营异常名录原因", "列入日期",
        "作出决定机关(列入)", "移出经营异常名录原因", "移出日期", "作出决定机关(移出)",
    )  # fmt: skip
    rows: list[tuple[date, str, tuple[Value, ...], Subject]] = []
    for c in edition.world.cooperatives:
        for nth, d in enumerate(c.decisions):
            hand = clerk.hand(c, d.listed_on)
            listed, removed = clerk.day(hand, d.listed_on), clerk.day(hand, d.removed_on)
            draw = clerk.hand(c, ("slip", nth)).random()
            if draw < 0.009:
                listed = ""  # the system let it pass; the hub does not
            elif draw < 0.013 and d.removed_on:
                listed, removed = clerk.day(hand, d.removed_on), clerk.day(hand, d.listed_on)
            off = (d.removal, removed, authority) if d.removed_on else ("", "", "")
            name = c.former_names[-1] if c.former_names and hand.random() < 0.5 else clerk.name(hand, c)
            code = damaged(clerk.code(hand, c, old=True))
            rows.append(
                (
                    d.listed_on,
                    c.uscc,
                    (name, code, clerk.person(hand, c), REASONS[d.reason], listed, authority, *off),
                    c.subject,
                )
            )
    for stranger in (s for s in edition.world.strangers[:9:2] if s.kind == "collective"):
        hand = clerk.hand(stranger)
        decision = Decision(Reason.NO_REPORT, date(2025, 7, 4 + hand.randrange(20)))
        cells: tuple[Value, ...] = (
            stranger.name, stranger.code, stranger.representative, REASONS[decision.reason],
            clerk.day(hand, decision.listed_on), authority, "", "", "",
        )  # fmt: skip
        rows.append((decision.listed_on, stranger.code, cells, stranger.subject))
    rows.sort(key=lambda r: (r[0], r[1]))
    for serial, (_, key, cells, subject) in enumerate(rows, 1):
        slip = serial > 1 and clerk.general(f"paste/{key}/{cells[4]}").random() < 0.005
        code = rows[serial - 2][2][1] if slip else cells[1]  # dragged down from the row above
        sheet.data(serial, cells[0], code, *cells[2:], subjects=(subject,))
    sheet.total(f"合计：{len(rows)}条")
    signatures(sheet)
    file = f"{edition.county}农民专业合作社经营异常名录{edition.day:%Y%m%d}.xls"
    return [Book("market_abnormal", file, Form.BIFF, [sheet], password=BUILT_IN)]


def inspection(edition: Edition) -> list[Book]:
    """双随机 results as a GBK CSV, and the quarter's product samplings as a workbook of another shape."""
    first = date(2025, 1, 1) if edition.night == 1 else date(edition.day.year, edition.day.month - 2, 1)
    quarter = (
        f"{edition.day.year}年{'一二三四'[(edition.day.month - 1) // 3]}季度" if edition.night > 1 else "2026年三季度"
    )
    span = "2025年1月至2026年9月" if edition.night == 1 else quarter
    books = [_spot_checks(edition, first, span)]
    samples = _samples(edition, date(2026, 7, 1) if edition.night == 1 else first, quarter)
    return [*books, samples] if samples else books


def _spot_checks(edition: Edition, first: date, span: str) -> Book:
    clerk = edition.clerk("market_inspection", SYSTEM)
    authority = f"{edition.county}市场监督管理局"
    sheet = Sheet("Sheet1", 7)
    sheet.header("序号", "主体名称", "统一社会信用代码/注册号", "检查实施机关", "类型", "日期", "结果")
    rows = []
    for c in edition.world.cooperatives:
        for check in (k for k in c.checks if first <= k.checked_on <= edition.day):
            hand = clerk.hand(c, check.checked_on)
            cells = (
                clerk.name(hand, c),
                clerk.code(hand, c, old=True),
                authority,
                hand.choice(("抽查", "抽查", "检查")),
            )
            rows.append((check.checked_on, cells, clerk.day(hand, check.checked_on), check.result, c.subject))
    rows.sort(key=lambda r: (r[0], r[1]))
    for serial, (_, cells, day, result, subject) in enumerate(rows, 1):
        sheet.data(serial, *cells, day, result, subjects=(subject,))
    return Book("market_inspection", f"双随机抽查结果公示（{span}）.csv", Form.CSV, [sheet], encoding="gb18030")


def _samples(edition: Edition, first: date, quarter: str) -> Book | None:
    clerk = edition.clerk("market_inspection", Habits(marks=0.02, odd_date=0.1), date_style=2)
    sheet = Sheet("抽检结果", 7)
    sheet.title(f"{quarter}食用农产品质量抽检结果汇总表")
    sheet.header("序号", "被抽样单位名称", "样品名称", "检验项目", "抽样日期", "判定", "抽样单位")
    serial = 0
    for c in edition.world.cooperatives:
        for sample in (s for s in c.samples if first <= s.checked_on <= edition.day):
            hand = clerk.hand(c, ("sample", sample.checked_on))
            serial += 1
            sheet.data(
                serial, clerk.name(hand, c), sample.product, sample.tested_for, clerk.day(hand, sample.checked_on),
                "合格" if sample.passed else "不合格", f"{edition.county}市场监督管理局", subjects=(c.subject,),
            )  # fmt: skip
    if not serial:
        return None
    sheet.note("说明：检验依据为国家食品安全监督抽检实施细则，结果仅对所抽样品负责。")
    return Book("market_inspection", f"{quarter}食用农产品抽检结果.xlsx", Form.XLSX, [sheet])


def registry(edition: Edition) -> list[Book]:
    """登记名录 as the approval bureau prints it: nearly all, without a few who moved in from elsewhere."""
    clerk = edition.clerk("registry", Habits(odd_date=0.02, no_person=0.01))
    sheet = Sheet("登记名录", 14)
    sheet.title(f"{edition.county}农民专业合作社登记名录")
    sheet.caption(f"数据截止日期：{chinese_date(edition.day)}        成员出资总额单位：元")
    sheet.header(
        "序号", "名称", "曾用名", "统一社会信用代码", "注册号", "类型", "法定代表人", "成员出资总额", "成立日期", "住所",
        "业务范围", "登记状态", "注（吊）销日期", "成员总数",
    )  # fmt: skip
    serial = 0
    for c in edition.world.cooperatives:
        hand = clerk.hand(c, c.name)
        if hand.random() < 0.025:
            continue
        serial += 1
        cells: tuple[Value, ...] = (
            serial, c.name, c.former_names[-1] if c.former_names else "", c.uscc, c.registration_number,
            "农民专业合作社联合社" if "联合社" in c.name else "农民专业合作社", clerk.person(hand, c), c.contributions,
            clerk.day(hand, c.founded), c.address, f"{c.trade.variants[0]}及销售；组织采购、供应成员所需的生产资料；引进新技术、新品种，开展技术培训、咨询服务。",
            c.status, clerk.day(hand, c.ended), c.members,
        )  # fmt: skip
        sheet.data(*cells, subjects=(c.subject,))
        if hand.random() < 0.002:
            serial += 1
            sheet.data(serial, *cells[1:], subjects=(c.subject,))
    return [Book("registry", f"{edition.county}农民专业合作社登记名录{edition.day:%Y%m%d}.xlsx", Form.XLSX, [sheet])]
