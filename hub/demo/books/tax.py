"""What the tax bureau sends: registrations and their states, a row a registration, never an amount."""

from __future__ import annotations

from hub.demo.books.edition import Edition, damaged
from hub.demo.clerk import SYSTEM
from hub.demo.sheet import Book, Form, Sheet, Subject, Value

HEADERS = (
    "登记序号", "纳税人识别号", "社会信用代码", "纳税人名称", "纳税人状态", "登记注册类型", "法定代表人姓名", "生产经营地址", "注册地址",
    "街道乡镇", "主管税务所（科、分局）", "登记日期", "开业设立日期", "非正常日期", "注销日期", "联系电话", "修改日期",
)  # fmt: skip


def registrations(edition: Edition) -> list[Book]:
    """税务登记情况: straight from the system, no title; old numbers of 15 characters, several rows a cooperative."""
    clerk = edition.clerk("tax_registration", SYSTEM)
    sheet = Sheet("税务登记", len(HEADERS))
    sheet.header(*HEADERS)
    rows: list[tuple[tuple[Value, ...], Subject]] = []
    for c in edition.world.cooperatives:
        office = f"{edition.county}税务局{c.town.name[:2]}税务分局"
        for tax in c.taxes:
            hand = clerk.hand(c, tax.serial)
            number = c.tax_number_15 if tax.old_number else damaged(clerk.code(hand, c))
            code = "" if hand.random() < (0.6 if tax.old_number else 0.15) else c.uscc
            late = bool(c.former_names) and hand.random() < 0.7  # the tax bureau learns of a new name late
            status = "" if clerk.hand(c, ("slip", tax.serial)).random() < 0.003 else tax.status
            address = c.address if hand.random() < 0.9 else f"{edition.county}{c.town.name}"
            row: tuple[Value, ...] = (
                tax.serial, number, code, c.former_names[-1] if late else clerk.name(hand, c), status, "农民专业合作社",
                clerk.person(hand, c), address, c.address, c.town.name, office, clerk.day(hand, tax.registered_on),
                clerk.day(hand, c.founded), clerk.day(hand, tax.abnormal_on), clerk.day(hand, tax.deregistered_on),
                clerk.phone(hand, c), clerk.day(hand, tax.modified_on),
            )  # fmt: skip
            rows.append((row, c.subject))
            if hand.random() < 0.002:
                rows.append((row, c.subject))  # exported twice
    for number_of, stranger in enumerate(s for s in edition.world.strangers if s.kind in ("farm", "supply")):
        hand = clerk.hand(stranger)
        row = (
            f"1013{9_900_000 + number_of}", stranger.code, stranger.code, stranger.name, "正常",
            "个体工商户" if stranger.kind == "farm" else "其他有限责任公司", stranger.representative,
            f"{edition.county}{stranger.town.name}", f"{edition.county}{stranger.town.name}", stranger.town.name,
            f"{edition.county}税务局{stranger.town.name[:2]}税务分局", f"20{10 + hand.randrange(10)}-03-{1 + hand.randrange(27):02d}",
            "", "", "", "", "",
        )  # fmt: skip
        rows.append((row, stranger.subject))
    rows.sort(key=lambda r: str(r[0][0]))
    for row, subject in rows:
        sheet.data(*row, subjects=(subject,))
    return [
        Book("tax_registration", f"{edition.county}合作社税务登记情况{edition.day:%Y%m%d}.xlsx", Form.XLSX, [sheet])
    ]
