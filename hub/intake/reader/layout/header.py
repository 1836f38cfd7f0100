"""Which rows are a table's header: where it begins, how many rows it has."""

from __future__ import annotations

import re

from hub.intake.reader import words
from hub.intake.reader.layout.cell import counting, counts, dated, header_score, is_number, is_ordinal, is_value
from hub.intake.reader.layout.header_text import groups
from hub.intake.reader.layout.sheet import SheetView
from hub.intake.reader.words import squeeze

MAX_HEADER_DEPTH = 12
_NAME = re.compile(r"^[\u4e00-\u9fff]{1,6}[A-Za-z]{0,20}$")
LOOK_AHEAD = 60  # rows in which a header is looked for


def find_header(sheet: SheetView, start: int) -> int | None:
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
        if words.is_total(texts[0]) and (len(cells) < 3 or any(is_value(x) for x in texts)):
            continue
        if len(cells) <= 3 and any(words.is_form_line(x) for x in texts):
            continue
        if len(cells) > 3 and all(words.is_form_line(x) or len(squeeze(x)) == 0 for x in texts):
            continue
        covered = sum(sheet.span(row, c) for c, _ in cells)
        scores = [header_score(x, sheet.known) for x in texts]
        mean = sum(scores) / len(scores)
        share = min(1.0, max(len(cells), covered) / width)
        values = sum(s < -1 for s in scores)
        contrast = sheet.contrast(place, cells)
        if values and (counting(texts) or dated(texts)):
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


def first_level(sheet: SheetView, place: int, start: int) -> int:
    """The place where a header that was found at `place` begins: rows of group labels may stand above it."""
    first = min(sheet.filled(r)[0][0] for r in sheet.numbers[place : place + LOOK_AHEAD])
    while place > start:
        row, above = sheet.numbers[place], sheet.numbers[place - 1]
        cells, own = sheet.filled(above), sheet.filled(row)
        if row - above > 1 or any(is_value(x) or words.is_form_line(x) for _, x in cells):
            break
        if len(cells) == 1:
            column = cells[0][0]
            if _names_a_column(sheet, column, cells[0][1], own, first):
                place -= 1
                continue
            if not (sheet.span(above, column) > 1 and own[0][0] < column and len(own) > 2):
                break
        elif (
            any(len(squeeze(x)) > (100 if _bilingual(x) else 40) for _, x in cells)
            or cells[-1][0] > own[-1][0] + 1
            or not any(c in {o for o, _ in own} or c < own[0][0] for c, _ in cells)
            or (cells[0][0] == own[0][0] == first and sheet.depth(above, first) == 1)  # a title in two cells
        ):
            break
        place -= 1
    return place


def _bilingual(text: str) -> bool:
    return bool(re.search(r"[A-Za-z]{3}", text)) and bool(re.search(r"[\u4e00-\u9fff]", text))


def _names_a_column(sheet: SheetView, column: int, text: str, own: list[tuple[int, str]], first: int) -> bool:
    """Whether a lone text right above a header is a name of its own: 地区 above the blank corner, 合计 above "Total"."""
    below = dict(own).get(column, "")
    if column == first:
        return not below and bool(_NAME.match(squeeze(text))) and header_score(text, sheet.known) >= 2
    latin = not below or squeeze(below).isascii()
    return own[0][0] < column <= own[-1][0] and len(own) > 2 and latin and words.is_total(text)


def headerless(sheet: SheetView, place: int) -> bool:
    """Whether the row found as header is in truth the first data row: it counts 1, or it is no different from the
    rows below in a list of plain words."""
    row = sheet.numbers[place]
    cells = sheet.filled(row)
    first = squeeze(cells[0][1])
    if first == "1" and place + 1 < len(sheet.numbers):
        below = sheet.filled(sheet.numbers[place + 1])
        return bool(below) and squeeze(below[0][1]) == "2"
    return False


def header_depth(sheet: SheetView, place: int) -> int:
    """How many rows (in places) the header that starts at `place` has."""
    top = sheet.numbers[place]
    bottom = top
    grew = True
    while grew:
        grew = False
        for row in range(top, bottom + 1):
            for _, left, last, _ in sheet.down.get(row, ()):
                if last > bottom and last - top < MAX_HEADER_DEPTH and sheet.text(row, left):
                    bottom, grew = last, True
    depth = sum(1 for n in sheet.numbers[place:] if n <= bottom)
    while depth < MAX_HEADER_DEPTH and place + depth < len(sheet.numbers) and _continues(sheet, place, depth):
        depth += 1
    return depth


def _continues(sheet: SheetView, place: int, depth: int) -> bool:
    """Whether the next row still belongs to the header: names below a group, a row of units, of column numbers, or
    the header again in another language."""
    above_row, row = sheet.numbers[place + depth - 1], sheet.numbers[place + depth]
    cells = sheet.filled(row)
    above = dict(sheet.filled(above_row))
    if row - above_row > 1:  # a blank row inside a header: only words on columns of values go on
        return (
            row - above_row == 2
            and len(cells) > 1
            and not any(is_value(x) for _, x in cells)
            and not words.is_total(cells[0][1])
            and sheet.contrast(place + depth, cells) >= 0.6
        )
    texts = [squeeze(x) for _, x in cells]
    if (
        words.is_total(texts[0])
        and len(above) > 1
        and cells[0][0] == min(above)
        and (len(cells) < 3 or any(is_value(t) for t in texts))  # a row of totals has figures; 合计 男 女 names columns
    ):
        return False
    if _is_column_numbers(sheet, place + depth, texts) and len(cells) >= len(above) * 0.6:
        return True
    if all(words.is_unit(t) for t in texts) and len(cells) >= 1 and cells[0][0] not in (0,):
        return True
    if any(is_value(t) for t in texts):
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
    if (
        sheet.contrast(place + depth, cells) >= 0.6
        and (len(cells) > 1 or cells[0][0] > 0)
        and not _another_label(sheet, place, above, cells)
    ):
        return True  # words on columns of values
    if _second_lines(sheet, place, depth, cells):
        return True
    named = {c for r in sheet.numbers[place : place + depth] for c, _ in sheet.filled(r)}
    if len(cells) == 1 and cells[0][0] not in named and header_score(cells[0][1], sheet.known) >= 1.2:
        return True  # the name of the first column, a row lower than the others
    # names below a group: the row fills columns a group above spans or leaves blank, and is blank below single labels
    above_groups = groups(sheet, above_row)
    if not above_groups:
        return False
    inside = sum(any(left <= c <= right for left, right in above_groups) for c, _ in cells)
    singles = [c for c in above if not any(left <= c <= right for left, right in above_groups)]
    under_single = sum(any(c == s for c, _ in cells) for s in singles)
    return inside >= 2 and inside >= len(cells) * 0.7 and under_single == 0


def _another_label(sheet: SheetView, place: int, above: dict[int, str], cells: list[tuple[int, str]]) -> bool:
    """指标 甲社 乙社, below it 负责人 王芳 李强: both rows name something in the first column, so the second is data.
    Where a header goes on, its first column is blank below its name, or says it in another language."""
    first = min(sheet.filled(r)[0][0] for r in sheet.numbers[place : place + LOOK_AHEAD])
    names = (above.get(first, ""), dict(cells).get(first, ""))
    return all(re.search(r"[\u4e00-\u9fff]", x) for x in names) and not words.is_unit(names[1])


def _second_lines(sheet: SheetView, place: int, depth: int, cells: list[tuple[int, str]]) -> bool:
    """计量 above 单位, 比2021年 above +、-%: names that go on a row lower, nothing below the name of the first column."""
    above = {c for c, _ in sheet.filled(sheet.numbers[place + depth - 1])}
    first = min(above)
    following = sheet.numbers[place + depth + 1 : place + depth + 4]
    return (
        len(cells) > 1
        and all(c in above and c != first and len(squeeze(x)) <= 12 for c, x in cells)
        and len(following) == 3
        and all(sheet.text(r, first).strip() and any(is_value(x) for _, x in sheet.filled(r)) for r in following)
    )


def _is_column_numbers(sheet: SheetView, place: int, texts: list[str]) -> bool:
    """甲 乙 1 2 3, or (1) (2) (3): the numbers of the columns, below their names. Not the first of rows that count."""
    if texts[0] in {"栏次", "行次"} and all(is_ordinal(t) for t in texts[1:]):
        return True
    if len(texts) < 3 or not all(is_ordinal(t) for t in texts) or not counts(texts):
        return False
    following = (
        [squeeze(x) for _, x in sheet.filled(sheet.numbers[place + 1])] if place + 1 < len(sheet.numbers) else []
    )
    if not following or all(is_ordinal(t) for t in following):
        return False
    return not is_number(texts[0]) or following[0] != "2"


def _next_has_values(sheet: SheetView, place: int) -> bool:
    if place + 1 >= len(sheet.numbers):
        return False
    return any(is_value(x) for _, x in sheet.filled(sheet.numbers[place + 1]))
