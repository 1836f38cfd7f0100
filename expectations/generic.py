"""Rules that follow from a feed's declaration alone: presence, identity, code lists, codes, dates, numbers, phones, keys.

Only what makes a row useless quarantines it (neither name nor code; an empty field without which the record says
nothing). Everything else is a warning: real lists are full of flaws, and a row whose name can be read can be used.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from expectations.code_tests import BAD_CHECK, VERDICTS, verdicts
from expectations.columns import matching
from expectations.rule import Failing, Rule
from hub.feeds import Feed, FeedField, Kind, Role
from hub.identifiers.codes import CodeKind, clean_code, id_card_check_passes
from hub.identifiers.phones import PHONE_SHAPE

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from expectations.columns import Columns, Mask

FIRST_DAY = date(1949, 10, 1)
FOREVER = date(9999, 12, 31)  # how 长期 and 至今 are written
FUTURE_FIELDS = frozenset({"due_on"})  # deadlines lie ahead
LATEST_DEADLINE = date(2100, 1, 1)
NUMERIC = frozenset({Kind.INTEGER, Kind.NUMBER, Kind.MONEY})
SIGNED_FIELDS = frozenset({"longitude", "latitude"})
LARGEST_MONEY = 1e8  # yuan; more than that for one cooperative is almost always 元 taken for 万元
READ_KINDS = NUMERIC | {Kind.DATE, Kind.YEAR, Kind.BOOLEAN}
LONGEST_NAME = 100  # characters; no registered name comes near it
LAW_COOPERATIVE = ("专业合作社",)

_LETTER = re.compile(r"[^\W\d_]")
_PLAIN_LETTER = r"[A-Za-z\x{4e00}-\x{9fa5}]"


def file_rules() -> Iterator[Rule]:
    """Rules about the delivery as a whole."""
    yield Rule(
        "columns_present", "critical", None,
        "检查所需的各列都在", "Every column the rules read is there",
        "读取结果缺少列：{missing}。",
    )  # fmt: skip
    yield Rule(
        "not_empty", "hold", None,
        "文件里有数据行；确实没有要报的（零报告）由人放行，下一期照旧为零时不再问",
        "The file holds data rows; a report of nothing is released by a person, and not asked about again while it stays nothing",
        "表格只有表头，没有数据行。确实没有要报的（零报告），请放行；是导出不全，请退回重报。",
    )  # fmt: skip
    yield Rule(
        "row_count_holds", "hold", None,
        "全量名单的行数不少于上次采用的八成（比例可在部署中设置）",
        "A full list has not shrunk far below the last accepted one",
        "疑似截断：本次 {rows} 行，上次采用 {previous_rows} 行，不到 {share}。请核对是否导出不完整；确属减少的，由办公室人工放行。",
    )  # fmt: skip


def day_rules() -> Iterator[Rule]:
    """Rules about the day a full list speaks of. Warnings: the master table goes by days, so an old list sent late goes into the
    history and replaces nothing newer; but somebody sent the wrong file."""
    yield Rule(
        "as_of_not_before_last", "warning", None,
        "全量名单的数据日期不早于已采用的同一份名单", "A full list speaks of no earlier day than the last accepted one",
        "数据日期 {as_of} 早于已采用的同一份名单（{as_of_before}），像是误发了旧文件：只补入历史，不替换较新的名单。请核对，需要时报送最新的名单。",
    )  # fmt: skip
    yield Rule(
        "as_of_recent", "warning", None,
        "全量名单到达时，数据日期不早于一个报送周期（部署里的报送天数）以前",
        "A full list speaks of a day no longer ago than one cycle of its feed",
        "数据日期 {as_of} 距收到时已有 {age} 天，超过约定的 {every} 天，像是旧文件。请核对，需要时报送最新的名单。",
    )  # fmt: skip


def generic_rules(feed: Feed) -> Iterator[Rule]:
    """Rules about rows that every feed of this shape has."""
    yield from identity_rules(feed)
    for field in feed.fields:
        if field.filled and field.role is not Role.NAME:
            yield _filled(field)
        yield from _of_kind(field)
    for early, late in feed.date_order:
        yield in_order(early, late)
    for group in feed.one_of:
        if not any(feed.by_name[n].role in (Role.NAME, Role.CODE) for n in group):
            yield _one_of(group)
    yield _key(feed)
    if (codes := feed.with_role(Role.CODE)) and (names := feed.with_role(Role.NAME)):
        yield _one_name(codes[0], names[0])


# ---- who the row is about


def _usable_name(columns: Columns) -> Mask:
    def compute() -> Mask:
        found = columns.none()
        for name in columns.fields_of(Role.NAME):
            found |= columns.where(name, lambda v: bool(_LETTER.search(v)), yes=_PLAIN_LETTER)
        return found

    usable: Mask = columns.once(("usable name",), compute)
    return usable


def _damaged(columns: Columns, name: str) -> Mask:
    return columns.noted(name, "damaged_code") | _verdict_is(columns, name, CodeKind.DAMAGED.value)


def _usable_code(columns: Columns) -> Mask:
    found = columns.none()
    for name in columns.fields_of(Role.CODE):
        found |= columns.filled(name) & ~_damaged(columns, name)
    return found


def _any_damaged(columns: Columns) -> Mask:
    found = columns.none()
    for name in columns.fields_of(Role.CODE):
        found |= _damaged(columns, name)
    return found


def identity_rules(feed: Feed) -> Iterator[Rule]:
    """A row must say who it is about: a name, or a code that can be used. Nothing else is asked of it."""
    name = feed.with_role(Role.NAME)[0]
    codes = feed.with_role(Role.CODE)
    reads = tuple(f.name for f in (*feed.with_role(Role.NAME), *codes))
    yield Rule(
        "identity", "row", name.name,
        "名称和代码至少有一个可用", "A row has a name or a usable code",
        f"没有名称，也没有可用的代码，无法知道这一行说的是哪一家。请填写“{{{name.name}}}”。",
        lambda c: ~_usable_name(c) & ~_usable_code(c) & ~_any_damaged(c), reads,
    )  # fmt: skip
    for field in feed.with_role(Role.NAME):
        yield _short_enough(field)
    if not codes:
        return
    yield Rule(
        "identity_damaged", "row", codes[0].name,
        "没有名称的行，代码未被 Excel 损坏", "Where there is no name, the code survived the spreadsheet",
        "18 位代码被 Excel 损坏，只剩 15 位有效数字，请以文本格式重填；这一行也没有名称，无法知道是哪一家。",
        lambda c: ~_usable_name(c) & ~_usable_code(c) & _any_damaged(c), reads,
    )  # fmt: skip
    if name.filled:
        yield Rule(
            f"{name.name}_filled", "warning", name.name,
            "有代码的行也写明名称", "A row with a code has a name too",
            f"“{{{name.name}}}”为空，只能凭代码认定是哪一家。请补填名称。",
            lambda c: ~_usable_name(c) & _usable_code(c), reads,
        )  # fmt: skip


def _short_enough(field: FeedField) -> Rule:
    return Rule(
        f"{field.name}_length", "row", field.name,
        f"“{field.title.zh}”不超过 {LONGEST_NAME} 个字", f"{field.title.en} has at most {LONGEST_NAME} characters",
        f"“{{{field.name}}}”超过 {LONGEST_NAME} 个字，不会是名称，可能误粘了别的内容。请改成合作社的名称。",
        lambda c: c.where_all(field.name, _too_long), (field.name,),
    )  # fmt: skip


def _too_long(names: pa.Array) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    return pc.greater(pc.utf8_length(names), LONGEST_NAME) if pa.types.is_string(names.type) else [False] * len(names)


# ---- presence


def empty(name: str) -> Failing:
    """Rows with nothing written in the cell. A cell that holds something unreadable is not empty."""
    return lambda c: ~c.filled(name) & ~c.noted(name)


def _filled(field: FeedField) -> Rule:
    return Rule(
        f"{field.name}_filled", "row", field.name,
        f"“{field.title.zh}”必须填写", f"{field.title.en} must be filled",
        f"“{{{field.name}}}”为空，缺了它这条记录没有意义，请补填。", empty(field.name), (field.name,),
    )  # fmt: skip


def _one_of(group: tuple[str, ...]) -> Rule:
    def failing(columns: Columns) -> Mask:
        nothing = ~columns.none()
        for name in group:
            nothing &= ~columns.filled(name) & ~columns.noted(name)
        return nothing

    listed = "、".join(f"“{{{n}}}”" for n in group)
    return Rule(
        f"one_of_{'_'.join(group)}", "warning", group[0],
        "同组各列至少填一列：" + "、".join(group), f"At least one of {', '.join(group)} is filled",
        f"{listed}都为空，请至少填写一项。", failing, group,
    )  # fmt: skip


# ---- what a value may look like


def _of_kind(field: FeedField) -> Iterator[Rule]:
    if field.kind in READ_KINDS:
        yield _readable(field)
    if field.kind is Kind.DATE:
        yield _plausible_date(field)
    elif field.kind is Kind.YEAR:
        yield _plausible_year(field)
    elif field.kind is Kind.CHOICE:
        yield _in_list(field)
    elif field.kind is Kind.CODE:
        yield from _code_rules(field)
    elif field.kind is Kind.ID_CARD:
        yield _id_card(field)
    elif field.kind is Kind.PHONE:
        yield _phone(field)
    if field.kind in NUMERIC and field.name not in SIGNED_FIELDS:
        yield _not_negative(field)
    if field.kind is Kind.MONEY:
        yield _plausible_money(field)


def _readable(field: FeedField) -> Rule:
    what = {Kind.DATE: "日期", Kind.YEAR: "年份", Kind.BOOLEAN: "“是/否”"}.get(field.kind, "数字")
    return Rule(
        f"{field.name}_readable", "warning", field.name,
        f"“{field.title.zh}”能读成{what}", f"{field.title.en} can be read",
        f"“{{{field.name}}}”里的内容读不成{what}，原文已保留。请改写成规范的{what}。",
        lambda c: ~c.filled(field.name) & c.noted(field.name), (field.name,),
    )  # fmt: skip


def _plausible_date(field: FeedField) -> Rule:
    def failing(columns: Columns) -> Mask:
        last = LATEST_DEADLINE if field.name in FUTURE_FIELDS else columns.today + timedelta(days=1)
        days = columns.days(field.name)
        outside = (days < FIRST_DAY.toordinal()) | (days > last.toordinal())
        mask: Mask = columns.filled(field.name) & outside & (days != FOREVER.toordinal())
        return mask

    if field.name in FUTURE_FIELDS:
        wants, message = "在 1949 年至 2100 年之间", "不在合理范围内"
    else:
        wants, message = "不早于 1949 年，也不在将来", "早于 1949 年或在将来"
    return Rule(
        f"{field.name}_plausible", "warning", field.name,
        f"“{field.title.zh}”{wants}", f"{field.title.en} is a plausible date",
        f"“{{{field.name}}}”{message}，请核对年、月、日。", failing, (field.name,),
    )  # fmt: skip


def _plausible_year(field: FeedField) -> Rule:
    def failing(columns: Columns) -> Mask:
        years = columns.numbers(field.name)
        return (years < FIRST_DAY.year) | (years > columns.today.year + 1)

    return Rule(
        f"{field.name}_plausible", "warning", field.name,
        f"“{field.title.zh}”在 1949 年至明年之间", f"{field.title.en} lies between 1949 and next year",
        f"“{{{field.name}}}”不是合理的年份，请核对。", failing, (field.name,),
    )  # fmt: skip


def _in_list(field: FeedField) -> Rule:
    values = frozenset(c.value for c in field.choices)
    listed = "、".join(c.title.zh for c in field.choices)
    return Rule(
        f"{field.name}_in_list", "warning", field.name,
        f"“{field.title.zh}”是代码表里的值：{listed}", f"{field.title.en} is on the list",
        f"“{{{field.name}}}”的写法不在代码表内。可用：{listed}。",
        lambda c: c.filled(field.name) & c.where(field.name, lambda v: v not in values), (field.name,),
    )  # fmt: skip


def _not_negative(field: FeedField) -> Rule:
    return Rule(
        f"{field.name}_not_negative", "warning", field.name,
        f"“{field.title.zh}”不是负数", f"{field.title.en} is not negative",
        f"“{{{field.name}}}”是负数，请核对。", lambda c: c.numbers(field.name) < 0, (field.name,),
    )  # fmt: skip


def _plausible_money(field: FeedField) -> Rule:
    return Rule(
        f"{field.name}_plausible", "warning", field.name,
        f"“{field.title.zh}”不超过 1 亿元", f"{field.title.en} is at most 100 million yuan",
        f"“{{{field.name}}}”换算后超过 1 亿元，请核对单位是元还是万元。",
        lambda c: c.numbers(field.name) > LARGEST_MONEY, (field.name,),
    )  # fmt: skip


def _phone(field: FeedField) -> Rule:
    def misshapen(values: pa.Array) -> Any:
        import pyarrow.compute as pc

        return ~matching(pc.replace_substring(values, " ", ""), rf"^(?:{PHONE_SHAPE})$")

    return Rule(
        f"{field.name}_shape", "warning", field.name,
        f"“{field.title.zh}”是电话号码", f"{field.title.en} looks like a phone number",
        f"“{{{field.name}}}”不像电话号码：手机应为 11 位，固定电话为 7、8 位（可带区号、分机）。请核对。",
        lambda c: c.filled(field.name) & c.where_all(field.name, misshapen), (field.name,),
    )  # fmt: skip


def _id_card(field: FeedField) -> Rule:
    return Rule(
        f"{field.name}_check", "warning", field.name,
        f"“{field.title.zh}”的校验位正确", f"The check digit of {field.title.en} is right",
        f"“{{{field.name}}}”不是有效的 18 位身份证号（位数或校验位不对），请核对。",
        lambda c: c.filled(field.name) & c.where(field.name, lambda v: not id_card_check_passes(clean_code(v))),
        (field.name,),
    )  # fmt: skip


# ---- codes


def _verdict_is(columns: Columns, name: str, *wanted: str) -> Mask:
    """Rows whose code in this column has one of these verdicts (`code_tests.verdicts`)."""
    import numpy as np

    def compute() -> Any:
        codes, values = columns.coded(name)
        return np.append(verdicts(values), np.int8(-1))[codes]

    by_row = columns.once(("verdicts", name), compute)
    mask: Mask = np.isin(by_row, [VERDICTS.index(w) for w in wanted])
    return mask


def _code_rules(field: FeedField) -> Iterator[Rule]:
    title, english, column = field.title.zh, field.title.en, f"“{{{field.name}}}”"
    yield Rule(
        f"{field.name}_damaged", "warning", field.name,
        f"“{title}”没有被 Excel 损坏", f"{english} survived the spreadsheet",
        f"{column}里的 18 位代码被 Excel 损坏，只剩 15 位有效数字，请以文本格式重填。",
        lambda c: _damaged(c, field.name), (field.name,),
    )  # fmt: skip
    yield Rule(
        f"{field.name}_shape", "warning", field.name,
        f"“{title}”是 18 位代码、组织机构代码、注册号或纳税人识别号", f"{english} has the shape of a known code",
        f"{column}既不是 18 位统一社会信用代码，也不是注册号或组织机构代码。请核对位数；代码里不会有字母 I、O、S、V、Z。",
        lambda c: c.filled(field.name) & _verdict_is(c, field.name, CodeKind.OTHER.value), (field.name,),
    )  # fmt: skip
    yield Rule(
        f"{field.name}_check", "warning", field.name,
        f"“{title}”的校验位正确", f"The check character of {english} is right",
        f"{column}的校验位不对，可能抄错了一位，请对照营业执照核对。",
        lambda c: _verdict_is(c, field.name, BAD_CHECK), (field.name,),
    )  # fmt: skip
    yield Rule(
        f"{field.name}_not_person", "warning", field.name,
        f"“{title}”里不是个人证件号", f"{english} is not a person's number",
        f"{column}像是身份证号码。请填单位的代码，不要填个人证件号码。",
        lambda c: _verdict_is(c, field.name, CodeKind.ID_CARD.value, CodeKind.PERSON_TAX.value), (field.name,),
    )  # fmt: skip


# ---- across columns and rows


def in_order(early: str, late: str) -> Rule:
    """A warning where the later date lies before the earlier one."""

    def failing(columns: Columns) -> Mask:
        first, second = columns.days(early), columns.days(late)
        return (first > 0) & (second > 0) & (second < first)

    return Rule(
        f"{late}_not_before_{early}", "warning", late,
        f"{late}不早于{early}", f"{late} is not before {early}",
        f"“{{{late}}}”早于“{{{early}}}”，请核对两个日期。", failing, (late, early),
    )  # fmt: skip


def _key(feed: Feed) -> Rule:
    compared = tuple(f.name for f in feed.fields if f.kind is not Kind.SERIAL)

    def failing(columns: Columns) -> Mask:
        result = columns.none()
        shared, numbers = columns.repeated(feed.key)
        if len(shared):
            copies = columns.rows[list(compared)].iloc[shared].duplicated().to_numpy(dtype=bool)
            result[shared] = _seen_before(numbers) & ~copies
        return result

    listed = "、".join(f"“{{{n}}}”" for n in feed.key)
    return Rule(
        "key_unique", "warning", feed.key[0],
        "同一条记录不以不同内容出现两次", "No record stands twice with different contents",
        f"前面已有一行的{listed}与本行相同，但其他内容不同。请确认是两条记录还是改过的同一条。", failing, feed.key,
    )  # fmt: skip


def _seen_before(numbers: NDArray[np.int64]) -> Mask:
    import pandas as pd

    again: Mask = pd.Series(numbers).duplicated().to_numpy(dtype=bool)
    return again


def _one_name(code: FeedField, name: FeedField) -> Rule:
    def failing(columns: Columns) -> Mask:
        both = columns.filled(code.name) & columns.filled(name.name) & columns.standing_twice((code.name,))
        if not both.any():
            return columns.none()
        pairs = columns.positions_of_distinct((code.name, name.name))[both].drop_duplicates()
        pairs = pairs[pairs[code.name].duplicated(keep=False)]
        if pairs.empty:
            return columns.none()
        codes, names = columns.distinct(code.name)[1], columns.distinct(name.name)[1]
        called: dict[int, list[str]] = {}
        for one, other in pairs.itertuples(index=False, name=None):
            called.setdefault(one, []).append(names[other])
        return columns.is_any(code.name, *(codes[c] for c, found in called.items() if _different(found)))

    return Rule(
        f"{code.name}_one_{name.name}", "warning", code.name,
        "同一个代码只对应一个名称", "One code stands with one name",
        f"同一个“{{{code.name}}}”对应了不同的“{{{name.name}}}”，可能是从上一行误贴的代码，请核对。",
        failing, (code.name, name.name),
    )  # fmt: skip


_LOOSE = re.compile(r"农民|专业|合作社|联合社|股份|[县市区省镇乡\s()（）]")


def _different(names: list[str]) -> bool:
    """Whether names are of different organisations for certain: none holds the other once the usual words are gone."""
    cores = sorted({_LOOSE.sub("", n) for n in names}, key=len)
    return any(cores[0] not in other for other in cores[1:])
