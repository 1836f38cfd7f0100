"""What the produce traceability platform exports: subjects (a full list) and batches (each month's)."""

from __future__ import annotations

from datetime import date, timedelta

from hub.demo.books.edition import Edition
from hub.demo.clerk import SYSTEM, Habits
from hub.demo.sheet import Book, Form, Sheet, Subject, Value
from hub.demo.world import Cooperative, World
from hub.identifiers.codes import id_card_check_passes

TRUNCATED_NIGHT = 2  # on this night the subjects' export broke off half way
SUBJECT_PREFIX = "1.2.156.326.8.1.0.0.3."


def fictional_id_number(world: World, c: Cooperative) -> str:
    """A citizen's number that is nobody's: the fictional county's code, born in 1900. Its check passes."""
    born = date(1900, 1, 1) + timedelta(days=c.number * 37 % 360)
    first17 = f"{world.county.code}{born:%Y%m%d}{c.number % 1000:03d}"
    return next(first17 + last for last in "0123456789X" if id_card_check_passes(first17 + last))


def subjects(edition: Edition) -> list[Book]:
    """生产主体 as UTF-8 CSV with a byte order mark. The subject code ends in the credit code or a person's number."""
    clerk = edition.clerk(
        "traceability_subjects",
        Habits(no_region=0.06, suffix=0.02, marks=0.015, bad_code=0.02, no_code=0.03, no_person=0.03, odd_date=0.08),
    )
    sheet = Sheet("Sheet1", 15)
    sheet.header(
        "主体身份码", "企业名称", "企业证件号码", "组织机构代码", "主体组织形式", "主体类型", "法人姓名", "联系人", "联系人电话", "企业地址", "所属区域",
        "经度", "纬度", "注册时间", "审批状态",
    )  # fmt: skip
    rows: list[tuple[tuple[Value, ...], Subject]] = []
    for c in edition.world.cooperatives:
        if not c.traced_since or c.traced_since > edition.day:
            continue
        hand = clerk.hand(c)
        inside = c.uscc if hand.random() < 0.8 else fictional_id_number(edition.world, c)
        name, code = clerk.name(hand, c), clerk.code(hand, c)
        old = c.organisation_code if hand.random() < 0.2 else ""
        person = clerk.person(hand, c)
        longitude, latitude = 123.4 + hand.random() * 0.3, 27.6 + hand.random() * 0.3  # in the open sea
        row: tuple[Value, ...] = (
            SUBJECT_PREFIX + inside.rjust(18, "0"), name, code, old, "农民专业合作社", "生产主体", person, person,
            clerk.phone(hand, c), c.address, f"{edition.county}{c.town.name}", f"{longitude:.6f}", f"{latitude:.6f}",
            clerk.day(hand, c.traced_since), c.trace_approval,
        )  # fmt: skip
        rows.append((row, c.subject))
    for stranger in [s for s in edition.world.strangers if s.kind == "farm"][:3]:
        row = (
            SUBJECT_PREFIX + stranger.code, stranger.name, stranger.code, "", "家庭农场", "生产主体", stranger.representative, "",
            "", f"{edition.county}{stranger.town.name}", f"{edition.county}{stranger.town.name}", "", "", "2021-04-12", "审批通过",
        )  # fmt: skip
        rows.append((row, stranger.subject))
    if edition.night == TRUNCATED_NIGHT:
        rows = rows[: len(rows) * 11 // 20]
    for row, subject in rows:
        sheet.data(*row, subjects=(subject,))
    file = f"追溯平台生产主体_{edition.day:%Y%m%d}.csv"
    return [Book("traceability_subjects", file, Form.CSV, [sheet], encoding="utf-8-sig")]


def batches(edition: Edition) -> list[Book]:
    """生产批次 as UTF-8 CSV: on the first night three years of them, then each month's."""
    clerk = edition.clerk("traceability_batches", SYSTEM)
    first = date(2024, 1, 1) if edition.night == 1 else edition.month_start
    sheet = Sheet("Sheet1", 11)
    sheet.header(
        "生产批次",
        "产品名称",
        "企业名称",
        "企业证件号码",
        "数量",
        "计量单位",
        "产品追溯码",
        "检测",
        "承诺达标合格证编号",
        "开具日期",
        "生产日期",
    )
    rows = []
    for c in edition.world.cooperatives:
        for b in (b for b in c.batches if first <= b.produced_on <= edition.day):
            hand = clerk.hand(c, b.number)
            produced = clerk.day(hand, b.produced_on)
            lost = clerk.hand(c, ("lost", b.number)).random() < 0.003  # the platform's export lost whose batch it is
            who = ("", "") if lost else (clerk.name(hand, c), clerk.code(hand, c))
            rows.append(
                (
                    (
                        b.number, b.product, *who, b.quantity, "公斤",
                        f"6{c.number:06d}{b.number[:8]}{b.number[-3:]}", b.test, b.certificate,
                        produced if b.certificate else "", produced,
                    ),
                    c.subject,
                )
            )  # fmt: skip
    rows.sort(key=lambda r: str(r[0][0]))
    for row, subject in rows:
        sheet.data(*row, subjects=(subject,))
    span = f"20240101-{edition.day:%Y%m%d}" if edition.night == 1 else f"{edition.day:%Y%m}"
    return [Book("traceability_batches", f"追溯平台生产批次_{span}.csv", Form.CSV, [sheet], encoding="utf-8")]
