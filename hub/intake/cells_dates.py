"""Dates and years as offices write them, to one form. One text in, one normal form and perhaps a note out."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata

from hub.intake.reader.words import word_list
from hub.simplified import simplified

FOR_EVER = "9999-12-31"
Note = tuple[str, str]  # code, message

_CHINESE_DIGITS = {c: str(i) for i, c in enumerate("〇一二三四五六七八九")} | {
    "零": "0",
    "○": "0",
    "O": "0",
    "两": "2",
    "Ｏ": "0",
    "◯": "0",
}
_FOR_EVER = re.compile(r"^(长期|长期有效|至今|永久|永久有效|无期限|无固定期限|不限期|9999.*)$")
_FULL = re.compile(r"^(\d{4})\s*[-/.年,、·]\s*(\d{1,2})\s*[-/.月,、·]\s*(\d{1,2})\s*[日号]?")
_COMPACT = re.compile(r"^(\d{4})(\d{2})(\d{2})(\d{6}|\d{9})?$")
_MONTH = re.compile(r"^(\d{4})\s*[-/.年、]\s*(\d{1,2})\s*月?份?$")
_COMPACT_MONTH = re.compile(r"^(\d{4})(\d{2})$")
_YEAR = re.compile(r"^(\d{4})\s*年?度?$")
_AMERICAN = re.compile(r"^(\d{1,2})[/-](\d{1,2})[/-](\d{4})")
_SHORT = re.compile(r"^'?(\d{2})[./-](\d{1,2})[./-](\d{1,2})$|^(\d{2})年(\d{1,2})月(\d{1,2})日?$")
_SERIAL = re.compile(r"^(\d{5})(\.\d+)?$")
_ENGLISH = re.compile(
    r"^(\d{1,2})[-\s/]([A-Za-z]{3})[a-z]*[-\s/,]*(\d{4}|\d{2})$|^([A-Za-z]{3})[a-z]*\.?\s+(\d{1,2}),?\s+(\d{4})"
)
_MONTH_NAMES = {m: i for i, m in enumerate(word_list("jan feb mar apr may jun jul aug sep oct nov dec"), 1)}
_CHINESE_DATE = re.compile(
    r"^([〇零○◯一二三四五六七八九O\d]{4})年(?:([一二三四五六七八九十〇\d]{1,3})月(?:份)?)?(?:([一二三四五六七八九十廿卅〇\d]{1,3})[日号])?"
)
_TIME_TAIL = re.compile(r"^[T\s]*(\d{1,2}:\d{2}.*|上午.*|下午.*|星期.*|\(.*\))?$")


def _chinese_number(text: str) -> int:
    """二十三 -> 23, 三〇 -> 30, 12 -> 12."""
    if text.isdigit():
        return int(text)
    text = text.replace("廿", "二十").replace("卅", "三十")
    if "十" in text:
        tens, _, ones = text.partition("十")
        return int(_CHINESE_DIGITS.get(tens, tens) if tens else 1) * 10 + (
            int(_CHINESE_DIGITS.get(ones, ones)) if ones else 0
        )
    return int("".join(_CHINESE_DIGITS.get(c, c) for c in text))


def _iso(year: int, month: int, day: int) -> str | None:
    try:
        return dt.date(year, month, day).isoformat() if 1850 <= year <= 9999 else None
    except ValueError:
        return None


def parse_date(raw: str) -> tuple[str | None, Note | None]:
    """("YYYY-MM-DD", note). A month is its first day with the note `month_precision`, a year likewise; 长期, 至今 and
    9999-12-31 are `FOR_EVER`; what is no date gives (None, `bad_date`)."""
    text = simplified(unicodedata.normalize("NFKC", raw)).strip().strip("'\"")
    text = re.sub(r"[\u200b-\u200f\u2060\ufeff]", "", text)
    compact = re.sub(r"\s+", "", text)
    bad: Note = ("bad_date", f"“{raw.strip()[:40]}”不是日期")
    if _FOR_EVER.match(compact):
        return FOR_EVER, None
    if match := _FULL.match(text) or _FULL.match(compact):
        rest = text[match.end() :] if _FULL.match(text) else ""
        found = _iso(*(int(g) for g in match.groups()))
        if found and not _TIME_TAIL.match(rest):
            return found, ("date_with_text", f"“{raw.strip()[:40]}”里不只有日期，取 {found}")
        return (found, None) if found else (None, bad)
    if match := _COMPACT.match(compact):
        found = _iso(int(match[1]), int(match[2]), int(match[3]))
        return (found, None) if found else (None, bad)
    if match := _MONTH.match(compact) or _COMPACT_MONTH.match(compact):
        found = _iso(int(match[1]), int(match[2]), 1)
        return (found, ("month_precision", f"“{raw.strip()[:40]}”只到月，按当月 1 日")) if found else (None, bad)
    if match := _SERIAL.match(compact):
        serial = int(match[1])
        if 10_000 <= serial <= 73_050:
            found = (dt.date(1899, 12, 30) + dt.timedelta(days=serial)).isoformat()
            return found, ("date_serial", f"“{raw.strip()[:40]}”是 Excel 日期序号，即 {found}")
        return None, bad
    if match := _YEAR.match(compact):
        found = _iso(int(match[1]), 1, 1)
        return (found, ("year_precision", f"“{raw.strip()[:40]}”只到年，按 1 月 1 日")) if found else (None, bad)
    return _rarer(raw, text, compact, bad)


def _rarer(raw: str, text: str, compact: str, bad: Note) -> tuple[str | None, Note | None]:
    if match := _CHINESE_DATE.match(compact):
        try:
            year = int("".join(_CHINESE_DIGITS.get(c, c) for c in match[1]))
            month = _chinese_number(match[2]) if match[2] else None
            day = _chinese_number(match[3]) if match[3] else None
        except ValueError:
            return None, bad
        found = _iso(year, month or 1, day or 1)
        if found is None:
            return None, bad
        if month is None:
            return found, ("year_precision", f"“{raw.strip()[:40]}”只到年，按 1 月 1 日")
        if day is None:
            return found, ("month_precision", f"“{raw.strip()[:40]}”只到月，按当月 1 日")
        return found, None
    if match := _AMERICAN.match(text):
        first, second, year = (int(g) for g in match.groups())
        month, day = (second, first) if first > 12 else (first, second)
        found = _iso(year, month, day)
        return (found, ("date_order", f"“{raw.strip()[:40]}”的月日次序不明，按 {found}")) if found else (None, bad)
    if match := _SHORT.match(compact):
        year, month, day = (int(g) for g in match.groups() if g)
        found = _iso(year + (2000 if year < 50 else 1900), month, day)
        return (found, ("two_digit_year", f"“{raw.strip()[:40]}”的年份只有两位，按 {found}")) if found else (None, bad)
    if match := _ENGLISH.match(text):
        if match[1]:
            day, name, year = int(match[1]), match[2], int(match[3])
        else:
            day, name, year = int(match[5]), match[4], int(match[6])
        year += (2000 if year < 50 else 1900) if year < 100 else 0
        found = _iso(year, _MONTH_NAMES.get(name.lower(), 0), day)
        return (found, None) if found else (None, bad)
    return None, bad


def parse_year(raw: str) -> tuple[int | None, Note | None]:
    """A year as integer: 2021, 2021年度, 二〇二一年, any date. Of several years the first, with a note."""
    text = re.sub(r"\s+", "", simplified(unicodedata.normalize("NFKC", raw)))
    if match := re.match(r"^((?:19|20)\d{2})(?:\.0+)?(年度?|年份)?$", text):
        return int(match[1]), None
    date, _ = parse_date(raw)
    if date is not None and date != FOR_EVER:
        return int(date[:4]), None
    years = re.findall(r"(?<!\d)(?:19|20)\d{2}(?!\d)", text)
    if years:
        return int(years[0]), ("several_years", f"“{raw.strip()[:40]}”里不只一个年份，取 {years[0]}")
    return None, ("bad_year", f"“{raw.strip()[:40]}”不是年份")
