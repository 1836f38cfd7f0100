"""Numbers, money, phones and yes/no as offices write them, to one form. One text in, one normal form and perhaps a
note out."""

from __future__ import annotations

import re
import unicodedata

from hub.intake.cells_dates import Note
from hub.intake.reader.words import word_list
from hub.simplified import simplified

_NUMBER = re.compile(r"^([-+]?)(?:[¥￥$]|人民币|约|共|RMB)*([-+]?[\d,\s']*\.?\d+(?:E[-+]?\d+)?)\s*(.*)$", re.IGNORECASE)
# Of a number: beyond, a double soon no longer tells one whole number from the next, and no county counts so far.
LARGEST = 1e15
_SCALES = {"亿": 1e8, "千万": 1e7, "百万": 1e6, "十万": 1e5, "万": 1e4, "千": 1e3, "百": 1e2}
_MONEY_UNIT = re.compile(r"(亿|千万|百万|十万|万|千|百)?(?:美|人民币)?元")
_MONEY_TAIL = re.compile(r"^(亿|千万|百万|十万|万|千|百)?(?:人民币)?(元整?|块|圆)?(?:人民币)?[左右]*$")
_YES = frozenset(
    word_list(
        "是 有 √ ✓ ✔ ☑ 已 y yes true t 1 对 健全 正常 合格 达标 已建 已建立 建立 已开展 完成 已完成 规范 齐全 具备 符合 已报送 已公示 ■ ●"
    )
)
_NO = frozenset(
    word_list(
        "否 无 × ✗ ✘ x 未 没有 n no false f 0 错 不健全 不正常 不合格 不达标 未建 未建立 未开展 未完成 不规范 不齐全 不具备 不符合 未报送 未公示 □ ○ - — —— /"
    )
)


def money_scale(unit: str | None) -> float | None:
    """Yuan in one of the unit: 万元 -> 10000, 元 -> 1; None when the text names no money unit (家、人)."""
    match = _MONEY_UNIT.search(unit or "")
    return _SCALES.get(match.group(1) or "", 1.0) if match else None


def _of_sensible_size(value: float, raw: str, note: Note | None) -> tuple[float | None, Note | None]:
    """The value with its note, or none and what is wrong: `1E+999999` is read as infinite."""
    if abs(value) < LARGEST:
        return value, note
    return None, ("bad_number", f"“{raw.strip()[:40]}”大得不可能是真的")


def parse_number(raw: str) -> tuple[float | None, Note | None]:
    """A float: thousands separators and blanks gone, a unit after it scales it, with a note; 12% is 12."""
    text = (
        re.sub(r"[\u200b-\u200f\u2060\ufeff]", "", simplified(unicodedata.normalize("NFKC", raw))).strip().strip("'\"")
    )
    negative = text.startswith("(") and text.endswith(")")
    match = _NUMBER.match(text.strip("()") if negative else text.replace("−", "-"))
    if not match:
        return None, ("bad_number", f"“{raw.strip()[:40]}”不是数字")
    digits = re.sub(r"[,\s']", "", match[2])
    try:
        value = float(digits) * (-1 if negative or match[1] == "-" else 1)
    except ValueError:
        return None, ("bad_number", f"“{raw.strip()[:40]}”不是数字")
    tail = match[3].strip()
    if not tail or tail in {"%", "％"}:
        return _of_sensible_size(value, raw, None)
    if re.match(r"^[-~至到—]\s*\d", tail) or re.search(r"\d", tail):
        return None, ("bad_number", f"“{raw.strip()[:40]}”不是一个数字")
    scale = next((factor for word, factor in _SCALES.items() if tail.startswith(word)), 1.0)
    note = ("number_with_unit", f"“{raw.strip()[:40]}”带有单位，取 {value * scale:g}")
    return _of_sensible_size(value * scale, raw, note)


def parse_integer(raw: str) -> tuple[int | None, Note | None]:
    """A whole number; a fraction is refused."""
    value, note = parse_number(raw)
    if value is None:
        return None, note
    if value != int(value):
        return None, ("bad_integer", f"“{raw.strip()[:40]}”不是整数")
    return int(value), note


def parse_money(raw: str, scale: float) -> tuple[float | None, Note | None]:
    """Yuan. `scale` is that of the column's unit; a unit inside the cell wins over it."""
    text = simplified(unicodedata.normalize("NFKC", raw)).strip()
    match = _NUMBER.match(text)
    if not match:
        return None, ("bad_number", f"“{raw.strip()[:40]}”不是金额")
    value, note = parse_number(raw if not match[3] else match[1] + match[2])
    if value is None:
        return None, note
    tail = re.sub(r"\s", "", match[3])
    if not tail:
        return _of_sensible_size(round(value * scale, 2), raw, None)
    own = _MONEY_TAIL.match(tail)
    if not own:
        return None, ("bad_number", f"“{raw.strip()[:40]}”不是金额")
    return _of_sensible_size(round(value * _SCALES.get(own[1] or "", 1.0), 2), raw, None)


def parse_boolean(raw: str) -> tuple[bool | None, Note | None]:
    """是/有/√ and 否/无/×, and what begins with 已/未."""
    text = re.sub(r"\s+", "", simplified(unicodedata.normalize("NFKC", raw))).casefold()
    if text in _YES:
        return True, None
    if text in _NO:
        return False, None
    if text.startswith(("未", "不", "无", "没")):
        return False, None
    if text.startswith(("已", "有", "是", "基本")):
        return True, None
    return None, ("bad_boolean", f"“{raw.strip()[:40]}”看不出是或否")


_EXTENSION = re.compile(r"^[-转*#xX()\s]*(\d{1,6})\)?$")


def parse_phone(raw: str) -> tuple[str | None, Note | None]:
    """Digits; an extension after "-". Of several numbers the first, with a note."""
    text = simplified(unicodedata.normalize("NFKC", raw))
    text = re.sub(r"[\u200b-\u200f\u2060\ufeff'\"]", "", text).strip()
    text = re.sub(r"\.0+$", "", text)
    pieces = [p for p in re.split(r"[/、,;|\n]+|\s{2,}|(?<=\d{11})\s+(?=\d)|或", text) if re.search(r"\d{3}", p)]
    if not pieces:
        return None, ("bad_phone", "电话不是号码")
    several = len(pieces) > 1
    first = pieces[0]
    if re.search(r"\dE\+", first, re.IGNORECASE):
        return None, ("bad_phone", "电话被表格软件改成了科学计数，已损坏")
    head, extension = first, ""
    if cut := re.search(r"(转|-\s*转|ext\.?|分机)\s*(\d{1,6})", first, re.IGNORECASE):
        head, extension = first[: cut.start()], cut[2]
    digits = re.sub(r"\D", "", head)
    if digits.startswith("86") and len(digits) == 13:
        digits = digits[2:]
    if digits.startswith("0086"):
        digits = digits[4:]
    parts = re.findall(r"\d+", head)
    if not extension and len(parts) == 3 and parts[0].startswith("0") and len(parts[2]) <= 5:
        digits, extension = parts[0] + parts[1], parts[2]
    if not extension and len(parts) == 2 and len(parts[0]) in (7, 8) and len(parts[1]) <= 5:
        digits, extension = parts[0], parts[1]
    if not digits:
        return None, ("bad_phone", "电话不是号码")
    value = f"{digits}-{extension}" if extension else digits
    return value, ("several_phones", "一格里有几个电话，取第一个") if several else None
