"""Names without what is not name: width, traditional forms, spaces, quotes, numbering, remarks on the state."""

from __future__ import annotations

import re
import unicodedata

from hub.simplified import simplified

# What offices write behind a name about the state of the co-op or the row, with or without brackets.
_STATE_WORDS = (
    r"已?(?:吊销|注销|撤销|歇业|停业|解散|停产|停办|迁出)(?:未注销)?|拟注销|待注销|经营异常|异常|正常|在营|存续|空壳社?|"
    r"(?:国家|省|市|县)?级?示范社|(?:国|省|市|县)示范|新增|变更|更名|重复|存疑|待核实|待查|备注|原件|复核|核实中?|筹|盖章|整改"
)
_BRACKETED_STATE = re.compile(rf"\(([^()]*(?:{_STATE_WORDS})[^()]*)\)")
_BARE_STATE = re.compile(r"(?<=社)(?:[-_—]*(?:已?(?:吊销|注销|撤销|歇业|停业)|异常))+$")
_STATE_ENDS = "销业常"
_MARKS = re.compile(r"[\s'\"`´’‘“”·.。,,、;;::!?*#※★☆▲△●○◆◇~^|\\/_<>《》〈〉=+-]+")
_BRACKETS = str.maketrans("〔〕【】[]{}﹝﹞「」『』", "()()()()()()()")
_LEADING_NUMBER = re.compile(r"^(?:\(?\d{1,4}\)?[.、．)\s]+|[①-⑳]+)")
LONGEST = 200  # characters; longer than any name or address, as where a paragraph was pasted into the cell
_PLAIN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff0-9A-Z]+")


def plain_name(text: str | None) -> str:
    """A name without what is not name: width, traditional forms, spaces, quotes, numbering, remarks on the state; ""
    for a text longer than `LONGEST`."""
    if not text or len(text) > LONGEST:
        return ""
    if _PLAIN.fullmatch(text):  # nearly all texts: nothing below but the last line would change them
        value = simplified(text)
        return _BARE_STATE.sub("", value) if value[-1] in _STATE_ENDS else value
    value = unicodedata.normalize("NFKC", text)
    value = "".join(c for c in value if unicodedata.category(c) not in {"Cf", "Cc", "Co"} or c in "\n\t")
    value = _LEADING_NUMBER.sub("", value.strip())
    value = _MARKS.sub("", simplified(value.upper()).translate(_BRACKETS))
    for _ in range(2):
        value = _BRACKETED_STATE.sub("", value)
    value = _BARE_STATE.sub("", value)
    return value.replace("(", "").replace(")", "")
