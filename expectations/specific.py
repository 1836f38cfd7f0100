"""Each feed's own rules: what its columns say about one another. All are warnings: they make a sender look again, and the
row stays usable. One table, `OWN_RULES`, a line a rule.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from expectations.code_tests import credit_codes, other_organisations
from expectations.columns import matching
from expectations.generic import empty, in_order
from expectations.rule import Failing, Rule
from hub.feeds import Feed
from hub.identifiers.codes import COOPERATIVE_KIND, CodeKind, classify_code

if TYPE_CHECKING:
    import pyarrow as pa

    from expectations.columns import Columns, Mask

LEAST_MEMBERS = 5  # 农民专业合作社法 (2017) art. 12: at least five members
LARGEST_AREA_MU = 1_000_000.0
LEVEL_WORDS = ("国家", "省", "市", "县", "区", "无")


def _warn(name: str, field: str, zh: str, en: str, message: str, failing: Failing, *reads: str) -> Rule:  # noqa: PLR0917 -- a line of a table
    return Rule(name, "warning", field, zh, en, message, failing, (field, *reads))


def expected(field: str, why: str) -> Rule:
    """A column that should be filled in every row; `why` says what it is needed for."""

    def failing(columns: Columns) -> Mask:
        return empty(field)(columns) if columns.sent(field) else columns.none()

    return _warn(
        f"{field}_expected", field, f"{field}应填写（{why}）", f"{field} should be filled",
        f"“{{{field}}}”为空，{why}，请补填。", failing,
    )  # fmt: skip


def needs(given: str, wanted: str, *values: Any, words: str = "") -> Rule:
    """Where `given` is filled (or is one of `values`, called `words` on screen), `wanted` must be filled too."""

    def failing(columns: Columns) -> Mask:
        if not columns.sent(wanted):
            return columns.none()
        when = columns.is_any(given, *values) if values else columns.filled(given)
        return when & empty(wanted)(columns)

    said = f"“{{{given}}}”为{words}" if values else f"“{{{given}}}”已填"
    return _warn(
        f"{wanted}_given_{given}", wanted, f"{given}{'为' + words if values else '已填'}时应填{wanted}",
        f"{wanted} is filled where {given} {'is ' + ' or '.join(map(str, values)) if values else 'is'}",
        f"{said}，但“{{{wanted}}}”为空，请补填。", failing, given,
    )  # fmt: skip


def excludes(given: str, unwanted: str, *values: Any, words: str) -> Rule:
    """Where `given` is one of `values`, `unwanted` should be empty."""
    return _warn(
        f"{unwanted}_against_{given}", unwanted, f"{given}为{words}时不应有{unwanted}",
        f"{unwanted} is empty where {given} is {' or '.join(map(str, values))}",
        f"“{{{given}}}”为{words}，却填了“{{{unwanted}}}”，两者矛盾，请核对。",
        lambda c: c.is_any(given, *values) & c.filled(unwanted), given,
    )  # fmt: skip


def between(field: str, low: float, high: float, message: str) -> Rule:
    """A number that lies within bounds (both allowed)."""
    return _warn(
        f"{field}_in_range", field, f"{field}在 {low:g} 至 {high:g} 之间", f"{field} lies between {low:g} and {high:g}",
        message, lambda c: (c.numbers(field) < low) | (c.numbers(field) > high),
    )  # fmt: skip


def positive(field: str) -> Rule:
    """A number that is more than nothing."""
    return _warn(
        f"{field}_positive", field, f"{field}大于零", f"{field} is more than zero",
        f"“{{{field}}}”应大于零，请核对。", lambda c: c.numbers(field) <= 0,
    )  # fmt: skip


def years_in_order(early: str, late: str) -> Rule:
    return _warn(
        f"{late}_not_before_{early}", late, f"{late}不早于{early}", f"{late} is not before {early}",
        f"“{{{late}}}”早于“{{{early}}}”，请核对两个年份。", lambda c: c.numbers(late) < c.numbers(early), early,
    )  # fmt: skip


def level_word(field: str) -> Rule:
    """A free text level that names none of the four levels."""
    return _warn(
        f"{field}_known", field, f"{field}写明国家、省、市、县哪一级", f"{field} names one of the four levels",
        f"“{{{field}}}”没有写明是国家级、省级、市级还是县级，请改写。",
        lambda c: c.filled(field) & c.where(field, lambda v: not any(w in v for w in LEVEL_WORDS)),
    )  # fmt: skip


def codes_agree(one: str, other: str) -> Rule:
    """Two code columns of one row that belong to different organisations."""

    def failing(columns: Columns) -> Mask:
        both = columns.filled(one) & columns.filled(other)
        return _apart(columns, both, columns.texts(one, both), columns.texts(other, both))

    return _warn(
        f"{one}_agrees_with_{other}", one, f"{one}与{other}属于同一单位", f"{one} and {other} are of one organisation",
        f"“{{{one}}}”与“{{{other}}}”不是同一个单位的代码，请核对。", failing, other,
    )  # fmt: skip


def cooperative_code(code: str, name: str) -> Rule:
    """A 专业合作社 whose credit code is not of kind 93."""
    return _warn(
        f"{code}_of_cooperative", code, "农民专业合作社的 18 位代码以 93 开头", "A cooperative's credit code begins with 93",
        f"“{{{name}}}”写的是专业合作社，但“{{{code}}}”不是 93 开头，可能填了别家的代码，请核对。",
        lambda c: (
            c.where_all(name, lambda values: matching(values, "专业合作社"))
            & c.where(code, lambda v: classify_code(v) is CodeKind.USCC, no=f"^{COOPERATIVE_KIND}")
        ),
        name,
    )  # fmt: skip


def _apart(columns: Columns, chosen: Mask, ones: pa.Array, others: pa.Array) -> Mask:
    """Of the rows chosen, whose codes are `ones` and `others`, those where they are of two organisations."""
    result = columns.none()
    if chosen.any():
        result[chosen] = other_organisations(ones, others).to_numpy(zero_copy_only=False)
    return result


def _embedded_code_agrees(columns: Columns) -> Mask:
    import pyarrow.compute as pc

    both = columns.filled("subject_code") & columns.filled("code")
    if not both.any():
        return both
    tails = pc.utf8_slice_codeunits(columns.texts("subject_code", both), -18, None)
    embedded = columns.none()
    embedded[both] = credit_codes(tails) & matching(tails, f"^{COOPERATIVE_KIND}")
    return embedded & _apart(columns, both, tails, columns.texts("code", both))


def _governance_complete(columns: Columns) -> Mask:
    lacking = columns.none()
    for part in ("member_meeting", "council", "supervisors", "articles"):
        lacking |= columns.is_any(part, False)
    return columns.is_any("governance", True) & lacking


def _half_a_place(columns: Columns) -> Mask:
    return columns.filled("longitude") ^ columns.filled("latitude")


def _sampling_without_product(columns: Columns) -> Mask:
    return (columns.is_any("check_type", "sampling") | columns.filled("verdict")) & empty("product")(columns)


def _failed_but_certified(columns: Columns) -> Mask:
    return columns.is_any("test_result", "fail") & columns.filled("certificate")


def _least_members(field: str) -> Rule:
    return _warn(
        f"{field}_at_least_five", field, "成员数不少于五（农民专业合作社法第十二条）", "At least five members (art. 12 of the law)",
        f"“{{{field}}}”少于 5，农民专业合作社至少应有五名成员，请核对。", lambda c: c.numbers(field) < LEAST_MEMBERS,
    )  # fmt: skip


AMOUNT = expected("amount", "扶持金额是核对资金的依据")
YEAR = expected("year", "不知道是哪一年的项目")

OWN_RULES: dict[str, Callable[[], tuple[Rule, ...]]] = {
    "market_abnormal": lambda: (
        expected("reason", "不知道为什么列入"),
        needs("removed_on", "removal_reason"),
        needs("removal_reason", "removed_on"),
        needs("removed_by", "removed_on"),
    ),
    "market_inspection": lambda: (
        expected("checked_on", "不知道是哪一次检查"),
        needs("verdict", "tested_for", "fail", words="不合格"),
        _warn(
            "product_given_sampling",
            "product",
            "抽检记录写明样品",
            "A sampling names its sample",
            "这是抽检记录，但“{product}”为空，请补填样品名称。",
            _sampling_without_product,
            "check_type",
            "verdict",
        ),
    ),
    "tax_registration": lambda: (
        expected("status", "不知道纳税人状态"),
        needs("status", "deregistered_on", "07", "08", words="注销"),
        needs("status", "abnormal_on", "05", "08", words="非正常"),
        excludes("status", "deregistered_on", "01", "02", "03", "04", "05", "06", words="未注销的状态"),
        in_order("founded_on", "deregistered_on"),
        codes_agree("tax_number", "code"),
        cooperative_code("code", "name"),
    ),
    "traceability_subjects": lambda: (
        needs("approval", "registered_on", "approved", words="审批通过"),
        codes_agree("organisation_code", "code"),
        between("longitude", 73, 136, "“{longitude}”不在中国境内（73 至 136 度），请核对，注意不要与纬度填反。"),
        between("latitude", 3, 54, "“{latitude}”不在中国境内（3 至 54 度），请核对，注意不要与经度填反。"),
        _warn(
            "longitude_with_latitude",
            "longitude",
            "经度与纬度同时填写",
            "Longitude and latitude come together",
            "“{longitude}”和“{latitude}”只填了一个，请补齐。",
            _half_a_place,
            "latitude",
        ),
        _warn(
            "subject_code_agrees_with_code",
            "subject_code",
            "主体身份码内含的代码与证件号码一致",
            "The code inside the subject code is that of the certificate",
            "“{subject_code}”末尾的代码与“{code}”不是同一个单位，请核对。",
            _embedded_code_agrees,
            "code",
        ),
    ),
    "traceability_batches": lambda: (
        expected("batch", "没有批次号就无法追溯"),
        expected("product", "不知道是什么产品"),
        positive("quantity"),
        needs("quantity", "quantity_unit"),
        needs("certificate", "issued_on"),
        in_order("produced_on", "issued_on"),
        _warn(
            "certificate_against_test_result",
            "certificate",
            "检测不合格的批次不开具合格证",
            "No certificate for a batch that failed its test",
            "“{test_result}”不合格，却填了“{certificate}”，请核对。",
            _failed_but_certified,
            "test_result",
        ),
    ),
    "demonstration": lambda: (
        expected("level", "不知道是哪一级示范社"),
        needs("monitoring", "monitored_in"),
        years_in_order("awarded_in", "monitored_in"),
        cooperative_code("code", "name"),
    ),
    "standardisation": lambda: (
        _least_members("members"),
        _warn(
            "governance_complete",
            "governance",
            "三会一章健全的，成员大会、理事会、监事会、章程都应有",
            "Where governance works, each of its four parts is there",
            "“{governance}”为是，但成员大会、理事会、监事会、章程中有一项为否，请核对。",
            _governance_complete,
            "member_meeting",
            "council",
            "supervisors",
            "articles",
        ),
    ),
    "complaints": lambda: (
        expected("registered_on", "不知道何时举报"),
        expected("content", "不知道举报什么"),
        in_order("registered_on", "closed_on"),
        needs("closed_on", "outcome"),
        needs("outcome", "closed_on", "founded", "unfounded", words="已查结的结果"),
        excludes("outcome", "closed_on", "pending", words="办理中"),
    ),
    "township_cleanup": lambda: (
        expected("problem", "不知道是什么问题"),
        needs("progress", "closed_on", "done", words="已完成"),
        excludes("progress", "closed_on", "not_started", "under_way", words="未完成"),
    ),
    "union_members": lambda: (expected("union_name", "不知道参加的是哪个联合社"), cooperative_code("code", "name")),
    "supply_marketing": lambda: (level_word("title_level"), cooperative_code("code", "name")),
    "forestry": lambda: (
        level_word("title_level"),
        between("area_mu", 0, LARGEST_AREA_MU, "“{area_mu}”超过 100 万亩，请核对单位是亩还是平方米。"),
    ),
    "water": lambda: (
        between("irrigated_mu", 0, LARGEST_AREA_MU, "“{irrigated_mu}”超过 100 万亩，请核对单位是亩还是平方米。"),
        needs("amount", "year"),
    ),
    "fiscal_support": lambda: (expected("project", "不知道是什么项目"), AMOUNT, YEAR, positive("amount")),
    "development_reform": lambda: (expected("project", "不知道是什么项目"), YEAR),
    "finance": lambda: (
        expected("record_type", "不知道是评级、贷款还是其他"),
        in_order("graded_on", "due_on"),
        needs("record_type", "amount", "loan", words="贷款"),
        needs("record_type", "credit_grade", "grade", words="信用评级"),
    ),
    "support_measures": lambda: (
        expected("measure", "不知道是哪一类扶持"),
        expected("supported_on", "不知道何时扶持"),
        needs("amount", "provided_by"),
    ),
    "registry": lambda: (
        expected("status", "不知道是否存续"),
        expected("founded_on", "判断“新成立”需要成立日期"),
        needs("status", "ended_on", "revoked", "deregistered", words="注销或吊销"),
        excludes("status", "ended_on", "active", words="存续"),
        _least_members("members"),
        cooperative_code("code", "name"),
        codes_agree("registration_number", "code"),
    ),
}


def own_rules(feed: Feed) -> tuple[Rule, ...]:
    """The feed's own rules; none for a feed the table does not know (a county's own addition to the catalogue)."""
    return OWN_RULES.get(feed.feed, tuple)()
