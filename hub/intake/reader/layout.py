"""Where the table lies on a sheet: its header (one to several rows), its data, and an account of every other row.

A sheet is cut into tables; each row of the sheet belongs to exactly one of data, header, title, total, note, blank.
The rules look at shapes (how many cells, which are numbers, what is merged) first and at words second, so that they
also hold for tables nobody has seen.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from itertools import pairwise

from hub.intake.reader import words
from hub.intake.reader.grid import Grid, Range
from hub.intake.reader.headers import header_keys
from hub.intake.reader.words import squeeze

MAX_HEADER_DEPTH = 6
LOOK_AHEAD = 60  # rows in which a header is looked for
MAX_COLUMNS_KEPT = 2000

_NUMBER = re.compile(
    r"^[(（]?[-+−<>≥≤约]?[\d,， \u00a0\u2002\u2003\u2009]*\d?\.?\d+([eE][-+]?\d+)?\s*[%％‰]?[)）*]?"
    r"(\s*[-~～—–至]\s*[\d.,]+\s*[%％]?)?$"
)
_YEAR = re.compile(r"^(19|20)\d{2}(年度?|\.0)?$")
_MONTH = re.compile(r"^\d{1,2}月份?$|^(19|20)\d{2}[-./年]\d{1,2}月?$")
_ORDINAL = re.compile(r"^[(（]?\d{1,3}[)）]?$|^[甲乙丙丁戊己庚A-Z]$|^[(（]?\d{1,2}\s*=.*$|^栏次$|^行次$")
_DATE = re.compile(r"^\d{4}[-/.年]\d{1,2}([-/.月]\d{1,2}日?)?|^\d{8}$")
_LONG_CODE = re.compile(r"^[0-9A-Z]{15,20}$", re.IGNORECASE)
_PHONE = re.compile(r"^1\d{10}$|^0\d{2,3}-?\d{7,8}$")
_EMPTY_LIKE = re.compile(r"^[-—–/\\…*#.·]+$|^(无|暂无|不详|未知|缺|n/?a|nan|null)$", re.IGNORECASE)
_LIST_TITLE = re.compile(r"(名单|名录|目录|一览表|公示|通知|公告|汇总表|情况表|统计表)([(（].*)?$|^附件\d*$")
_ENTITY = re.compile(
    r".{4,}(公司|合作社|专业社|联合社|集团|厂|农场|牧场|养殖场|猪场|学校|医院|银行|研究所|委员会|大学|学院|街道|办事处|批发市场)([(（][^()（）]*[)）])?$"
)
_PROVINCE = re.compile(
    r"^(全国|北京|天津|河北|山西|内蒙古|辽宁|吉林|黑龙江|上海|江苏|浙江|安徽|福建|江西|山东|河南|湖北|湖南|广东|广西|海南|重庆|四川|贵州|云南|西藏|陕西|甘肃|青海|宁夏|"
    r"新疆|台湾|香港|澳门|大连|青岛|宁波|厦门|深圳)[省市]?(壮族|回族|维吾尔)?(自治区|生产建设兵团|兵团|农垦)?[A-Za-z ]*$"
)
_SENTENCE = re.compile(r"[。；;！？]|[，,].*[，,]")
_HEADER_END = re.compile(
    r"(名称|编号|代码|号码|日期|时间|电话|地址|单位|类型|类别|情况|金额|数量|面积|姓名|年度|年份|比例|备注|级别|等级|原因|机关|部门|状态|地区|方式|内容|结果|"
    r"人数|户数|总数|产量|价格|标准|名单|性别|职务|范围|来源|规格|型号|意见|依据|文号|批次|资金|收入|支出|合计|小计|总额|增长|占比|区域|品种)$"
)


@dataclass(slots=True)
class Account:
    """What one row is; `text` is what to show of it; a run of blank rows ends at `until`."""

    kind: str
    text: str = ""
    until: int | None = None


@dataclass(slots=True)
class TableLayout:
    """One table: header rows, header texts by column (levels from the top), data rows, and all other rows."""

    header_rows: list[int]
    levels: dict[int, tuple[str, ...]]  # column -> header texts
    data: list[int]
    other: dict[int, Account]
    unit: str | None = None
    titles: list[str] = field(default_factory=list)


class _Sheet:
    """A grid with what the rules ask again and again."""

    def __init__(self, grid: Grid, known: Collection[str]) -> None:
        self.grid = grid
        self.known = known
        self.rows = {r: c for r, c in grid.rows.items() if any(x and squeeze_light(x) for x in c)}
        self.numbers = sorted(self.rows)
        self.width = self._usual_width()
        self.down: dict[int, list[Range]] = {}  # ranges by first row, those that span rows or columns
        for merged in grid.merges:
            self.down.setdefault(merged[0], []).append(merged)

    def _usual_width(self) -> int:
        step = max(1, len(self.rows) // 2000)
        sample = list(self.rows.values())[::step] if step > 1 else self.rows.values()
        widths = sorted(len(cells) - cells.count("") for cells in sample)
        return widths[int(len(widths) * 0.75)] if widths else 0

    def filled(self, row: int) -> list[tuple[int, str]]:
        """(column, text) of the row's own cells that hold something."""
        return [(c, x) for c, x in enumerate(self.rows.get(row, ())) if x and squeeze_light(x)]

    def span(self, row: int, column: int) -> int:
        """How many columns the cell covers."""
        for _, left, _, right in self.down.get(row, ()):
            if left == column:
                return right - left + 1
        return 1

    def depth(self, row: int, column: int) -> int:
        """How many rows the cell covers."""
        for _, left, bottom, _ in self.down.get(row, ()):
            if left == column:
                return bottom - row + 1
        return 1


def squeeze_light(text: str) -> str:
    return text.strip(" \t\r\n\u3000\u00a0\u200b\ufeff")


def is_number(text: str) -> bool:
    return bool(_NUMBER.match(text.strip()))


def _is_value(text: str) -> bool:
    """Surely a value, never a header: numbers, codes, phones, dates, dashes."""
    t = text.strip()
    if _YEAR.match(t) or _MONTH.match(t):
        return False
    return bool(_NUMBER.match(t) or _DATE.match(t) or _LONG_CODE.match(t) or _PHONE.match(t) or _EMPTY_LIKE.match(t))


def _header_score(text: str, known: Collection[str]) -> float:
    """How much a cell reads like a header: known words most, values least."""
    t = text.strip()
    if _is_value(t):
        return -1.5
    if _YEAR.match(t) or _MONTH.match(t):
        return 0.6
    keys = header_keys(t)
    if any(k in known for k in keys):
        return 2.0
    flat = squeeze(t)
    if _ENTITY.match(flat) or _PROVINCE.match(flat):
        return -0.8
    if any(_HEADER_END.search(k) for k in keys[:2]):
        return 1.2
    if re.search(r"[A-Za-z]{3}", flat) and re.search(r"[\u4e00-\u9fff]", flat):
        return 0.8  # in two languages: long, and for that very reason a header
    if len(flat) > 60:
        return -1.0
    if len(flat) > 30 or _SENTENCE.search(flat):
        return -0.3
    return 0.5


def _contrast(sheet: _Sheet, place: int, cells: list[tuple[int, str]]) -> float:
    """Share of a row's words that stand above columns of values: what makes a header a header, whatever it says."""
    below = sheet.numbers[place + 1 : place + 26]
    hits = considered = 0
    for column, text in cells:
        if _is_value(text):
            continue
        under = [x for r in below if (x := _text(sheet, r, column)) and squeeze_light(x)]
        if under:
            considered += 1
            hits += sum(_is_value(x) for x in under) >= len(under) * 0.6
    return hits / considered if considered else 0.0


def find_tables(grid: Grid, known: Collection[str]) -> list[TableLayout]:
    """Cuts a sheet into its tables, from the top. Together they account for every row from 1 to the last filled one.

    Args:
        grid: the sheet.
        known: header keys (`hub.intake.columns.header_key`) that offices use; any others are fine too.
    """
    sheet = _Sheet(grid, known)
    if not sheet.numbers:
        return []
    if grid.paragraphs or _one_column(sheet):
        return [_list(sheet)]
    tables: list[TableLayout] = []
    position = 0
    while position < len(sheet.numbers):
        table, position = _table(sheet, position, first=not tables)
        if tables and not table.data and not table.header_rows:
            tables[-1].other.update(table.other)
            break
        tables.append(table)
    _add_blanks(sheet, tables)
    return tables


def _one_column(sheet: _Sheet) -> bool:
    """All there is stands in one column: a list, with or without a header."""
    return (
        len(sheet.numbers) > 2
        and len({tuple(c for c, _ in sheet.filled(r)) for r in sheet.numbers}) == 1
        and (len(sheet.filled(sheet.numbers[0])) == 1)
    )


def _list(sheet: _Sheet) -> TableLayout:
    """A list, a line a row: perhaps a title, perhaps a header, then entries."""
    column = sheet.filled(sheet.numbers[0])[0][0]
    table = TableLayout([], {column: ()}, [], {})
    for number in sheet.numbers:
        text = sheet.rows[number][column]
        if not table.data and not table.header_rows and any(k in sheet.known for k in header_keys(text)):
            table.header_rows, table.levels = [number], {column: (_one_line(text),)}
        elif not table.data and not table.header_rows and len(sheet.numbers) > 3 and _LIST_TITLE.search(squeeze(text)):
            table.titles.append(text.strip())
            table.other[number] = Account("title", text.strip()[:500])
        elif words.is_note(text) or words.is_footer(text):
            table.other[number] = Account("note", text.strip()[:500])
        elif words.is_total(text):
            table.other[number] = Account("total", text.strip()[:500])
        else:
            table.data.append(number)
    _add_blanks(sheet, [table])
    return table


def _find_header(sheet: _Sheet, start: int) -> int | None:
    """Place (in `sheet.numbers`) of the first header row at or after `start`, or None."""
    best: int | None = None
    best_score = 0.0
    places = range(start, min(start + LOOK_AHEAD, len(sheet.numbers)))
    width = max(sheet.width, 1)
    for place in places:
        row = sheet.numbers[place]
        cells = sheet.filled(row)
        texts = [x for _, x in cells]
        if len(cells) < 2:
            if best is not None and place - best > 12:
                break
            continue
        if words.is_total(texts[0]) or (len(cells) <= 3 and any(words.is_form_line(x) for x in texts)):
            continue
        if len(cells) > 3 and all(words.is_form_line(x) or len(squeeze(x)) == 0 for x in texts):
            continue
        covered = sum(sheet.span(row, c) for c, _ in cells)
        scores = [_header_score(x, sheet.known) for x in texts]
        mean = sum(scores) / len(scores)
        share = min(1.0, max(len(cells), covered) / width)
        values = sum(s < -1 for s in scores)
        contrast = _contrast(sheet, place, cells)
        if values and (_counting(texts) or _dated(texts)):
            values, mean = 0, 0.6
        if values > len(cells) * 0.34 or share < 0.4 or (mean <= 0.2 and contrast < 0.4):
            continue
        distinct = len({squeeze(x) for x in texts}) / len(texts)
        score = (max(mean, 0.2) + 0.3 + contrast) * share * (0.5 + distinct / 2)
        if best is None or score > best_score * 1.6:
            best, best_score = place, score
        if place - best > (3 if best_score >= 1.0 else 8):
            break
    return best


def _counting(texts: list[str]) -> bool:
    """品种 1 2 3 … 31: the numbers of a header that counts days or places."""
    numbers = [int(t) for x in texts[1:] if (t := squeeze(x)).isdigit()]
    return (
        not is_number(texts[0])
        and len(numbers) >= 3
        and len(numbers) >= len(texts) - 3
        and numbers[0] in (0, 1)
        and all(b - a == 1 for a, b in pairwise(numbers))
    )


def _dated(texts: list[str]) -> bool:
    """市场 2023-10-01 2023-10-02: the days of a header."""
    days = [x.strip() for x in texts[1:] if _DATE.match(x.strip()) and not x.strip().isdigit()]
    return not _is_value(texts[0]) and len(days) >= 2 and len(days) >= len(texts) - 2 and len(set(days)) == len(days)


def _first_level(sheet: _Sheet, place: int, start: int) -> int:
    """The place where a header that was found at `place` begins: rows of group labels may stand above it."""
    first = min(sheet.filled(r)[0][0] for r in sheet.numbers[place : place + LOOK_AHEAD])
    while place > start:
        row, above = sheet.numbers[place], sheet.numbers[place - 1]
        cells, own = sheet.filled(above), sheet.filled(row)
        if row - above > 1 or any(_is_value(x) or words.is_form_line(x) for _, x in cells):
            break
        if len(cells) == 1:
            column = cells[0][0]
            if not (sheet.span(above, column) > 1 and own[0][0] < column and len(own) > 2):
                break
        elif (
            any(len(squeeze(x)) > 40 for _, x in cells)
            or cells[-1][0] > own[-1][0] + 1
            or not any(c in {o for o, _ in own} or c < own[0][0] for c, _ in cells)
            or (cells[0][0] == own[0][0] == first and sheet.depth(above, first) == 1)  # a title in two cells
        ):
            break
        place -= 1
    return place


def _headerless(sheet: _Sheet, place: int) -> bool:
    """Whether the row found as header is in truth the first data row: it counts 1, or it is no different from the
    rows below in a list of plain words."""
    row = sheet.numbers[place]
    cells = sheet.filled(row)
    first = squeeze(cells[0][1])
    if first == "1" and place + 1 < len(sheet.numbers):
        below = sheet.filled(sheet.numbers[place + 1])
        return bool(below) and squeeze(below[0][1]) == "2"
    return False


def _header_depth(sheet: _Sheet, place: int) -> int:
    """How many rows (in places) the header that starts at `place` has."""
    top = sheet.numbers[place]
    bottom = top
    grew = True
    while grew:
        grew = False
        for row in range(top, bottom + 1):
            for _, left, last, _ in sheet.down.get(row, ()):
                if last > bottom and last - top < MAX_HEADER_DEPTH and _text(sheet, row, left):
                    bottom, grew = last, True
    depth = sum(1 for n in sheet.numbers[place:] if n <= bottom)
    while depth < MAX_HEADER_DEPTH and place + depth < len(sheet.numbers) and _continues(sheet, place, depth):
        depth += 1
    return depth


def _text(sheet: _Sheet, row: int, column: int) -> str:
    cells = sheet.rows.get(row, ())
    return cells[column] if column < len(cells) else ""


def _continues(sheet: _Sheet, place: int, depth: int) -> bool:
    """Whether the next row still belongs to the header: names below a group, a row of units, of column numbers, or
    the header again in another language."""
    above_row, row = sheet.numbers[place + depth - 1], sheet.numbers[place + depth]
    cells = sheet.filled(row)
    above = dict(sheet.filled(above_row))
    if row - above_row > 1:  # a blank row inside a header: only words on columns of values go on
        return (
            row - above_row == 2
            and len(cells) > 1
            and not any(_is_value(x) for _, x in cells)
            and not words.is_total(cells[0][1])
            and _contrast(sheet, place + depth, cells) >= 0.6
        )
    texts = [squeeze(x) for _, x in cells]
    if words.is_total(texts[0]) and len(above) > 1 and cells[0][0] == min(above):
        return False
    if _is_column_numbers(sheet, place + depth, texts) and len(cells) >= len(above) * 0.6:
        return True
    if all(words.is_unit(t) for t in texts) and len(cells) >= 1 and cells[0][0] not in (0,):
        return True
    if any(_is_value(t) for t in texts):
        return False
    latin = [bool(re.fullmatch(r"[\x00-\x7f–—’]+", t)) and bool(re.search(r"[A-Za-z]", t)) for t in texts]
    above_latin = [bool(re.fullmatch(r"[\x00-\x7f]+", squeeze(x))) for x in above.values()]
    if (
        len(cells) >= max(2, len(above) * 0.6)
        and all(latin)
        and not any(above_latin)
        and _next_has_values(sheet, place + depth)
    ):
        return True
    if _contrast(sheet, place + depth, cells) >= 0.6 and (len(cells) > 1 or cells[0][0] > 0):
        return True  # words on columns of values
    named = {c for r in sheet.numbers[place : place + depth] for c, _ in sheet.filled(r)}
    if len(cells) == 1 and cells[0][0] not in named and _header_score(cells[0][1], sheet.known) >= 1.2:
        return True  # the name of the first column, a row lower than the others
    # names below a group: the row fills columns a group above spans or leaves blank, and is blank below single labels
    groups = _groups(sheet, above_row)
    if not groups:
        return False
    inside = sum(any(left <= c <= right for left, right in groups) for c, _ in cells)
    singles = [c for c in above if not any(left <= c <= right for left, right in groups)]
    under_single = sum(any(c == s for c, _ in cells) for s in singles)
    return inside >= 2 and inside >= len(cells) * 0.7 and under_single == 0


def _is_column_numbers(sheet: _Sheet, place: int, texts: list[str]) -> bool:
    """甲 乙 1 2 3, or (1) (2) (3): the numbers of the columns, below their names. Not the first of rows that count."""
    if len(texts) < 3 or not all(_ORDINAL.match(t) for t in texts) or not _counts(texts):
        return False
    following = (
        [squeeze(x) for _, x in sheet.filled(sheet.numbers[place + 1])] if place + 1 < len(sheet.numbers) else []
    )
    if not following or all(_ORDINAL.match(t) for t in following):
        return False
    return not is_number(texts[0]) or following[0] != "2"


def _counts(texts: list[str]) -> bool:
    numbers = [int(m) for t in texts if (m := re.sub(r"\D", "", t.split("=")[0]))]
    return not numbers or (numbers[0] <= 2 and all(b - a == 1 for a, b in pairwise(numbers)))


def _next_has_values(sheet: _Sheet, place: int) -> bool:
    if place + 1 >= len(sheet.numbers):
        return False
    return any(_is_value(x) for _, x in sheet.filled(sheet.numbers[place + 1]))


def _groups(sheet: _Sheet, row: int) -> list[tuple[int, int]]:
    """Columns spanned by group labels of a header row: merged cells, or, without merges, a label and the blanks
    after it."""
    merged = [(left, right) for _, left, bottom, right in sheet.down.get(row, ()) if right > left and bottom == row]
    if merged or sheet.grid.has_merges:
        return merged
    cells = sheet.filled(row)
    last = max((len(c) for c in sheet.rows.values()), default=0) - 1
    groups = []
    for (column, _), following in zip(cells, [*cells[1:], (last + 1, "")], strict=True):
        if following[0] - column > 1:
            groups.append((column, following[0] - 1))
    return groups


def _levels(sheet: _Sheet, rows: list[int]) -> dict[int, tuple[str, ...]]:
    """Header texts of each column from the top, merged cells spread, the same text not repeated."""
    spread: dict[int, dict[int, str]] = {row: dict(sheet.filled(row)) for row in rows}
    low, high = rows[0], rows[-1]
    for top in range(low, high + 1):
        for first, left, bottom, right in sheet.down.get(top, ()):
            text = _text(sheet, first, left)
            if not text:
                continue
            for row in rows:
                if first <= row <= bottom:
                    for column in range(left, min(right, left + MAX_COLUMNS_KEPT) + 1):
                        spread[row].setdefault(column, text)
    if not sheet.grid.has_merges:
        for row in rows[:-1]:
            below = spread[rows[rows.index(row) + 1]]
            for left, right in _groups(sheet, row):
                text = spread[row][left]
                for column in range(left, right + 1):
                    if column in below:
                        spread[row].setdefault(column, text)
    levels: dict[int, tuple[str, ...]] = {}
    for column in sorted({c for cells in spread.values() for c in cells}):
        texts: list[str] = []
        for row in rows:
            text = _one_line(spread[row].get(column, ""))
            if text and (not texts or squeeze(texts[-1]) != squeeze(text)):
                texts.append(text)
        levels[column] = tuple(texts)
    return levels


def _one_line(text: str) -> str:
    """A header as shown, without line breaks (joined as one word) and outer blanks."""
    lines = [squeeze_light(line) for line in re.split(r"[\r\n]+", text)]
    joined = ""
    for line in lines:
        starts_latin = line[:1].isascii() and line[:1].isalpha()
        joined += (" " if joined and starts_latin and not joined.endswith(("(", "-")) else "") + line
    return joined


def _table(sheet: _Sheet, start: int, *, first: bool) -> tuple[TableLayout, int]:
    """The table that begins at place `start`, and the place after it."""
    found = _find_header(sheet, start)
    if found is not None and _headerless(sheet, found):
        found = None
    other: dict[int, Account] = {}
    titles: list[str] = []
    header: list[int] = []
    levels: dict[int, tuple[str, ...]] = {}
    place = start
    if found is None and first and max(len(sheet.filled(r)) for r in sheet.numbers) == 1 and len(sheet.numbers) <= 2:
        other = {r: Account("title", _shown(sheet, r)) for r in sheet.numbers}
        return TableLayout([], {}, [], other), len(sheet.numbers)
    if found is not None:
        found = _first_level(sheet, found, start)
        for number in sheet.numbers[start:found]:
            text = _shown(sheet, number)
            titles.append(text)
            is_note = words.is_note(text) and not words.is_form_line(text)
            other[number] = Account("note" if is_note else "title", text)
        depth = _header_depth(sheet, found)
        header = sheet.numbers[found : found + depth]
        levels = _levels(sheet, header)
        place = found + depth
        if all(_ORDINAL.match(squeeze(x)) for _, x in sheet.filled(header[-1])) and len(header) > 1:
            levels = _levels(sheet, header[:-1])
    elif first:
        while place < len(sheet.numbers) and _is_title(sheet, place):
            text = _shown(sheet, sheet.numbers[place])
            titles.append(text)
            other[sheet.numbers[place]] = Account("title", text)
            place += 1
    table = TableLayout(header, levels, [], other, titles=titles)
    table.unit = next((u for t in titles if (u := words.unit_in(t))), None)
    place = _body(sheet, table, place)
    width = max((len(sheet.rows[r]) for r in table.data), default=0)
    for column in range(min(width, MAX_COLUMNS_KEPT)):
        if column not in table.levels and any(_text(sheet, r, column) for r in table.data):
            table.levels[column] = ()
    return table, place


def _is_title(sheet: _Sheet, place: int) -> bool:
    """A row above a table without header: one cell where the rows below have more, or a form line."""
    row = sheet.numbers[place]
    cells = sheet.filled(row)
    if words.is_form_line(cells[0][1]):
        return True
    return len(cells) == 1 and sheet.width > 1


def _shown(sheet: _Sheet, row: int) -> str:
    return "  ".join(x.strip() for _, x in sheet.filled(row))[:500]


def judge_rows(
    layout: TableLayout,
    grid: Grid,
    odd: dict[int, list[str]],
    sample: dict[int, list[str]],
    known: Collection[str],
) -> dict[int, Account]:
    """What single rows of a large table are: accounts of those of `odd` that are no data.

    Args:
        layout: header and columns, found on the first rows of `grid`.
        odd: row number -> cells of the rows to judge.
        sample: the same of rows that surely are data, the last of them included.
    """
    header = {r: grid.rows[r] for r in layout.header_rows}
    rows = {**header, **sample, **odd}
    sheet = _Sheet(Grid("", rows=rows), known)
    table = TableLayout(list(layout.header_rows), dict(layout.levels), [], {}, titles=list(layout.titles))
    _body(sheet, table, len(header), whole=True)
    return {r: a for r, a in table.other.items() if r in odd}


def _body(sheet: _Sheet, table: TableLayout, place: int, *, whole: bool = False) -> int:
    """Sorts the rows below a header; stops where another table begins (unless the table is known to be `whole`).
    Returns the place after the last row."""
    header_texts = [{squeeze(x) for _, x in sheet.filled(r)} for r in table.header_rows]
    columns = sorted(table.levels)
    header_firsts = {_first(sheet, r) for r in table.header_rows}
    while place < len(sheet.numbers):
        row = sheet.numbers[place]
        if _plainly_data(sheet.rows[row], header_firsts):
            table.data.append(row)
            place += 1
            continue
        cells = sheet.filled(row)
        texts = [x for _, x in cells]
        own = {squeeze(x) for x in texts}
        if any(own == h or (len(own) >= 3 and len(own & h) >= 0.8 * max(len(own), len(h))) for h in header_texts):
            table.other[row] = Account("header", _shown(sheet, row))
        elif _is_total_row(texts):
            table.other[row] = Account("total", _shown(sheet, row))
        elif len(cells) == 1 and (kind := _lonely(sheet, table, place, columns)) is not None:
            table.other[row] = Account(kind, _shown(sheet, row))
        elif len(cells) <= 4 and (words.is_footer(texts[0]) or (words.is_note(texts[0]) and len(cells) <= 2)):
            table.other[row] = Account("note", _shown(sheet, row))
        elif table.header_rows and words.is_form_line(texts[0]) and len(cells) <= 3:
            table.other[row] = Account("title", _shown(sheet, row))
        elif not whole and table.header_rows and _new_header(sheet, place, table):
            return _with_titles(sheet, table, place)
        else:
            table.data.append(row)
        place += 1
    _notes_to_the_end(table)
    return place


def _first(sheet: _Sheet, row: int) -> str:
    return next((x for _, x in sheet.filled(row)), "")


def _plainly_data(cells: list[str], header_firsts: Collection[str]) -> bool:
    """A numbered row with five cells or more and no word for a total: data, by every rule below. Most rows of long
    tables are of this kind, and the rules cost time."""
    first = cells[0]
    return (
        first.isdigit()
        and first not in header_firsts
        and len(cells) - cells.count("") > 4
        and "计" not in "".join(cells[:6])
        and all(c.strip() or not c for c in cells[:8])
    )


def _notes_to_the_end(table: TableLayout) -> None:
    """Below the last row of data, what follows a note belongs to it."""
    last = max((*table.data, *table.header_rows), default=0)
    noted = False
    for row in sorted(r for r in table.other if r > last):
        account = table.other[row]
        noted = noted or account.kind == "note"
        if noted and account.kind == "title":
            account.kind = "note"


def _with_titles(sheet: _Sheet, table: TableLayout, place: int) -> int:
    """Where the next table begins, its titles included: single cells and form lines right above its header. They
    leave the account of the table before it."""
    top = place
    while top > 1 and _heads(sheet, table, sheet.numbers[top - 1]):
        top -= 1
    while top < place and not _apart(sheet, table, top):
        top += 1  # a row that follows the data without a gap belongs to it, unless it was known as a title
    for row in sheet.numbers[top:place]:
        table.other.pop(row, None)
        if row in table.data:
            table.data.remove(row)
    return top


def _heads(sheet: _Sheet, table: TableLayout, row: int) -> bool:
    cells = sheet.filled(row)
    if row in table.header_rows or (row in table.other and table.other[row].kind != "title"):
        return False
    return len(cells) == 1 or (len(cells) <= 3 and any(words.is_form_line(x) for _, x in cells))


def _apart(sheet: _Sheet, table: TableLayout, place: int) -> bool:
    row = sheet.numbers[place]
    return row in table.other or row - sheet.numbers[place - 1] > 1


def _is_total_row(texts: list[str]) -> bool:
    """合计 in the first cell, in the second behind a number, or bare in the second or third (behind a merged town)."""
    if words.is_total(texts[0]):
        return True
    if len(texts) > 1 and is_number(texts[0]) and words.is_total(texts[1]):
        return True
    return any(squeeze(x) in {"合计", "小计", "总计", "共计"} for x in texts[1:3])


def _lonely(sheet: _Sheet, table: TableLayout, place: int, columns: list[int]) -> str | None:
    """What a row with a single filled cell is; None when it may be data after all."""
    row = sheet.numbers[place]
    (column, text), *_ = sheet.filled(row)
    if words.is_note(text) or words.is_footer(text):
        return "note"
    if len(columns) <= 1:
        return None
    if _translates(sheet, table, row, column, text):
        return "note"
    above = table.other.get(row - 1)
    if above is not None and above.kind == "note" and not is_number(text):
        return "note"  # a note goes on in the next line
    if any(squeeze(text) == squeeze(t) for t in table.titles):
        return "title"
    if words.is_continued(text) or words.is_form_line(text):
        return "title"
    wide = sheet.span(row, column)
    last = place == len(sheet.numbers) - 1
    if wide >= max(2, len(columns) * 0.5):
        return "note" if last or len(squeeze(text)) > 40 else "title"
    if words.is_section(text) and len(columns) > 1 and column == min(columns) and len(squeeze(text)) <= 30:
        return "title"
    if len(columns) >= 3 and (column == min(columns) or column not in columns):
        if is_number(text):
            return None
        if words.is_section(text) or squeeze(text).endswith(":"):
            return "title"
        if len(squeeze(text)) > 40 and column == min(columns):
            return "note"
        if not _similar_column(sheet, table, column, text):
            return "note" if last or len(squeeze(text)) > 30 else "title"
    return None


def _translates(sheet: _Sheet, table: TableLayout, row: int, column: int, text: str) -> bool:
    """北京 with its figures in one row, a lone "Beijing" below it."""
    label = _text(sheet, row - 1, column)
    return (
        bool(table.data)
        and table.data[-1] == row - 1
        and bool(re.fullmatch(r"[A-Za-z' ()-]{3,}", text.strip()))
        and bool(re.search(r"[\u4e00-\u9fff]", label))
        and len(sheet.filled(row - 1)) > 1
    )


def _similar_column(sheet: _Sheet, table: TableLayout, column: int, text: str) -> bool:
    """Whether a lone text looks like the other cells of its column (a row with only its key filled in)."""
    others = [x for r in table.data[-30:] if (x := _text(sheet, r, column))]
    if not others:
        return True
    numeric = sum(is_number(x) for x in others) / len(others)
    if numeric > 0.5:
        return is_number(text)
    longest = max(len(squeeze(x)) for x in others)
    return len(squeeze(text)) <= max(longest * 1.5, 6)


def _new_header(sheet: _Sheet, place: int, table: TableLayout) -> bool:
    """Whether another table's header begins here: only known header words, after a gap or a title, and values below."""
    row = sheet.numbers[place]
    cells = sheet.filled(row)
    if len(cells) < 2 or not table.data:
        return False
    previous = sheet.numbers[place - 1]
    gap = row - previous > 1 or table.other.get(previous, Account("data")).kind in {"title", "note", "total"}
    if place + 1 >= len(sheet.numbers) or any(_is_value(x) for _, x in cells):
        return False
    covered = sum(sheet.span(row, c) for c, _ in cells)
    above = table.data[-20:]
    numeric = [c for c in table.levels if sum(is_number(_text(sheet, r, c)) for r in above) >= len(above) * 0.6]
    words_on_numbers = sum(1 for c, _ in cells if c in numeric)
    if (
        len(numeric) >= 2
        and words_on_numbers >= max(2, len(numeric) * 0.4)
        and covered >= sheet.width * 0.5
        and (gap or _contrast(sheet, place, cells) >= 0.5)
    ):
        return True
    scores = [_header_score(x, sheet.known) for _, x in cells]
    known = sum(s >= 1.2 for s in scores)
    return gap and min(scores) >= 0 and known >= max(2, len(cells) * 0.6)


def _add_blanks(sheet: _Sheet, tables: list[TableLayout]) -> None:
    """Rows between filled rows that hold nothing belong to the table before them."""
    if not tables:
        return
    owner: dict[int, TableLayout] = {}
    for table in tables:
        for row in (*table.header_rows, *table.data, *table.other):
            owner[row] = table
    current = tables[0]
    expected = 1
    for row in sheet.numbers:
        if row > expected:
            for blank in range(expected, min(row, expected + 1000)):
                current.other[blank] = Account("blank")
            if row - expected > 1000:
                current.other[expected + 1000] = Account("blank", until=row - 1)
        current = owner.get(row, current)
        expected = row + 1
