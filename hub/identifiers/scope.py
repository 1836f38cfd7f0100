"""What is not a farmers' professional cooperative although its row came in a list of them. Such rows are kept, with
the reason, out of the master table; they are never deleted."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from hub.identifiers.codes import CodeKind, classify_code, clean_code, is_cooperative_uscc, uscc_check_passes
from hub.simplified import simplified

_SPACES = re.compile(r"[\s\u200b-\u200f\ufeff]+")
_STATE = re.compile(r"[(【\[][^()【】\[\]]*[)】\]]?|[*※#]+$")

# Kind of a credit code -> what holds it (GB 32100-2015, table of registering departments and kinds).
_KINDS: tuple[tuple[str, str], ...] = (
    ("N", "农村集体经济组织"),
    ("91", "企业（公司制）"),
    ("92", "个体工商户"),
    ("51", "社会团体"),
    ("52", "民办非企业单位"),
    ("53", "基金会"),
    ("5", "民政部门登记的组织"),
    ("1", "机关或事业单位"),
    ("A", "外国驻华机构"),
)

# Whole-name patterns, most telling first. They are asked only when no code says 93.
_NAMES: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(r"(?:村|社区|居|组|镇|乡|街道).{0,4}经济(?:合作|联合)(?:总)?社|股份经济(?:合作|联合)(?:总)?社"),
        "村（社区）集体经济组织",
    ),
    (re.compile(r"(?<!专业)供销(?:合作)?(?:社|总社|联社)|供销合作社"), "供销合作社"),
    (re.compile(r"信用(?:合作)?(?:社|联社)|资金互助社|农村商业银行"), "信用合作机构"),
    (re.compile(r"家庭农场"), "家庭农场"),
    (re.compile(r"(?:有限责任|股份有限|有限)公司|(?:股份|集团)公司|分公司|公司$"), "公司"),
    (re.compile(r"(?:协会|学会|商会|联合会|研究会|基金会)(?:分会)?$"), "社会团体"),
    (re.compile(r"(?:村民|居民)委员会$|人民政府$|办事处$"), "机关或自治组织"),
)
_VILLAGE_COLLECTIVE = re.compile(r"(?<!专业)经济(?:合作|联合)(?:总)?社$")
# A cooperative may carry such words before its own suffix: 供销农产品专业合作社, 协会兴农合作社.
_COOPERATIVE_END = re.compile(r"(?:专业|农民|股份)合作(?:社|联社|联合社|联合总社)(?:.{0,6}分社)?$|专业社$")


def _name_of(text: str) -> str:
    name = _SPACES.sub("", simplified(unicodedata.normalize("NFKC", text or "")))
    return _STATE.sub("", name)


def out_of_scope_reason(name: str, codes: Sequence[str]) -> str | None:
    """Why a row is not about a farmers' professional cooperative, in Chinese; None when it may be about one.

    A code that says 93 keeps a row in scope whatever its name; a credit code of another kind puts it out when its
    check character passes, or when the name agrees; without a code only a telling name puts it out. A name that ends
    like a cooperative's is not put out by words inside it.
    """
    cleaned = [c for c in (clean_code(code) for code in codes) if c]
    if any(is_cooperative_uscc(c) for c in cleaned):
        return None
    plain = _name_of(name)
    named = next((what for pattern, what in _NAMES if pattern.search(plain)), None)
    if named is None and _VILLAGE_COLLECTIVE.search(plain):
        named = "村（社区）集体经济组织"
    if _COOPERATIVE_END.search(plain):
        named = None
    for code in cleaned:
        if classify_code(code) is not CodeKind.USCC:
            continue
        kind = next((what for prefix, what in _KINDS if code.startswith(prefix)), None)
        if kind and (named or uscc_check_passes(code)):
            return f"统一社会信用代码以 {code[:2]} 开头，是{kind}，不是农民专业合作社。"
    return f"名称表明是{named}，不是农民专业合作社。" if named else None
