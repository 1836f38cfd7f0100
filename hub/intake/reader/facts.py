"""What a delivery says about itself outside its table: the day it speaks of, the township that sent it, what the
sheet's name says about its rows.
"""

from __future__ import annotations

import calendar
import datetime as dt
import re
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path

from hub.feeds.model import FeedField
from hub.intake.reader.model import Reading, SheetReading
from hub.simplified import simplified

_DAY = re.compile(r"(?<!\d)(20\d{2})\s*[年./_-]\s*(\d{1,2})\s*[月./_-]\s*(\d{1,2})\s*(?:日|号|(?!\d))")
_COMPACT_DAY = re.compile(r"(?<!\d)(20\d{2})(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?!\d)")
_MONTH = re.compile(r"(?<!\d)(20\d{2})\s*[年./-]\s*(\d{1,2})\s*月?(?:份|底|末)?(?!\d)")
_COMPACT_MONTH = re.compile(r"(?<!\d)(20\d{2})(0[1-9]|1[0-2])(?!\d)")
_QUARTER = re.compile(r"(20\d{2})\s*年?\s*(?:第?\s*([一二三四1-4])\s*季度|[Qq]([1-4]))")
_SINCE = re.compile(
    r"_[^_]*起$"
)  # how connectors name the window of a query: where it begins, not the day it speaks of
_STATED = re.compile(
    r"(截至|截止|数据截止|填报日期|填报时间|填表日期|报送日期|统计日期|制表日期|导出时间|导出日期|日期|时间)"
)
_TOWN = re.compile(r"^(?:.{2,8}?[县市区旗])?([\u4e00-\u9fff]{1,7}?(?:街道|镇|乡))(?!镇)")
_NOT_TOWN = re.compile(
    r"^(各|全|本|所有|关于|填报|若干|部分|有关|相关)|^(乡|城|村|街|市|重|强|小|小城|产业强|农业产业强|特色小|美丽|示范)[镇乡]|^乡"
)


def _plain(text: str) -> str:
    return simplified(unicodedata.normalize("NFKC", text))


def _told(reading: Reading) -> Iterator[str]:
    """Titles and notes of all sheets, in order."""
    for sheet in reading.sheets:
        yield from (_plain(line) for line in sheet.context)
        for skipped in sheet.skipped:
            if skipped.kind in {"title", "note", "total"}:
                yield _plain(skipped.text)


def _date(year: str, month: str, day: str | None = None) -> dt.date | None:
    try:
        y, m = int(year), int(month)
        return dt.date(y, m, int(day) if day else calendar.monthrange(y, m)[1])
    except (ValueError, calendar.IllegalMonthError):
        return None


def _day_in(text: str) -> dt.date | None:
    """The last day of those a text names: of a period (20240101-20261031), its end."""
    found = [d for p in (_DAY, _COMPACT_DAY) for m in p.finditer(text) if (d := _date(*m.groups()))]
    return max(found, default=None)


def _month_in(text: str) -> dt.date | None:
    found = [d for p in (_MONTH, _COMPACT_MONTH) for m in p.finditer(text) if (d := _date(m[1], m[2]))]
    if found:
        return max(found)
    if told := _QUARTER.search(text):
        quarter = "一二三四".find(told[2]) + 1 if told[2] and told[2] in "一二三四" else int(told[2] or told[3])
        return _date(told[1], str(quarter * 3))
    return None


def detect_as_of(reading: Reading, path: Path) -> dt.date | None:
    """The day the content speaks of: a date stated in the file (填报日期, 截至…), else a day in the file's name, else a
    day in a title, else a month in name or title (its last day). None when nothing says it."""
    told = list(_told(reading))
    name = _SINCE.sub("", _plain(path.stem))
    stated = [t[m.start() :] for t in told if (m := _STATED.search(t))]
    for texts, look in ((stated, _day_in), ([name], _day_in), (told, _day_in), ([name], _month_in), (told, _month_in)):
        for text in texts:
            if found := look(text):
                return found
    return None


def detect_town(reading: Reading, path: Path, towns: Sequence[str] = ()) -> str | None:
    """The township a per-town delivery comes from: one the county knows (longest name first) in the file's name or in a
    title, else whatever stands at the beginning and ends in 镇, 乡 or 街道. None when nothing says it."""
    titles = [t for s in reading.sheets for t in (*s.context, *(k.text for k in s.skipped if k.kind == "title"))]
    texts = [_plain(t).strip() for t in (path.stem, *titles)]
    known = sorted({t for t in towns if t}, key=len, reverse=True)
    for text in texts:
        for town in known:
            if town in text:
                return town
    for text in texts:
        bare = re.sub(r"^[\d\s._\-()（）]+", "", text)
        match = _TOWN.match(bare)
        if match and not _NOT_TOWN.match(match[1]):
            return match[1]
    return None


def town_of_sheet(reading: Reading, sheet: SheetReading) -> str | None:
    """The township a single sheet comes from: a file in a zip named after it, or a sheet called 凤湾乡."""
    for part in sheet.name.split("/"):
        match = _TOWN.match(_plain(part))
        if match and not _NOT_TOWN.match(match[1]) and (reading.format == "zip" or match.end() == len(part)):
            return match[1]
    return None


def sheet_choice(reading: Reading, sheet: SheetReading, field: FeedField) -> str | None:
    """The choice of `field` that a sheet's name says (国家级), else its titles, else the file's name."""
    titles = [*sheet.context, *(s.text for s in sheet.skipped if s.kind == "title")]
    for text in (sheet.name, *titles, reading.file):
        plain = re.sub(r"\s+", "", _plain(text))
        if not plain:
            continue
        full = [c.value for c in field.choices if c.title.zh in plain]
        if len(full) == 1:
            return full[0]
        if not full and text == sheet.name:
            part = [c.value for c in field.choices if any(t in plain for t in c.texts)]
            if len(part) == 1:
                return part[0]
    return None
