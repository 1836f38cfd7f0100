"""Sheets with one column, and free text: lists, a line a row, often below a letter that announces them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from hub.intake.reader import words
from hub.intake.reader.headers import header_keys
from hub.intake.reader.layout.blanks import account_blanks
from hub.intake.reader.layout.cell import one_line
from hub.intake.reader.layout.model import Account, TableLayout
from hub.intake.reader.layout.sheet import SheetView
from hub.intake.reader.words import squeeze

LETTER_LINES = 60  # in which a letter above a list is looked for
_LIST_TITLE = re.compile(r"(名单|名录|目录|一览表|公示|通知|公告|汇总表|情况表|统计表)([(（].*)?$|^附件\d*$")
_ATTACHMENT = re.compile(r"^附[件表录]\s*[\d一二三四五六七八九十]*\s*([:：]|$|[/\s].{4,}|.*(名单|名录|目录|表)$)")
_HEADING = re.compile(r"^([一二三四五六七八九十]{1,3}[、.．]|[(（][一二三四五六七八九十]{1,3}[)）]).{1,40}$")
_LATIN_NAME = re.compile(r"^[A-Za-z][A-Za-z0-9_.]{1,30}$")
_NUMBERED = re.compile(r"^\d+[.．、]")
_SENT_TO = re.compile(r"^(各|有关).{4,}[:：]$|^(本部发送|抄送|主送|抄报)[:：]")


@dataclass(frozen=True, slots=True)
class _Lines:
    """What the lines of a list are like as a whole."""

    letter: int  # number of the last line of a letter above the list; 0 when there is none
    headings: bool  # 一、… are headings: other lines stand below them


def is_one_column(sheet: SheetView) -> bool:
    """All there is stands in one column: a list, with or without a header."""
    return (
        len(sheet.numbers) > 2
        and len({tuple(c for c, _ in sheet.filled(r)) for r in sheet.numbers}) == 1
        and (len(sheet.filled(sheet.numbers[0])) == 1)
    )


def read_list(sheet: SheetView) -> TableLayout:
    """A list, a line a row: perhaps a letter, a title, a header, then entries, with headings between them."""
    column = sheet.filled(sheet.numbers[0])[0][0]
    table = TableLayout([], {column: ()}, [], {})
    lines = _survey(sheet, column)
    for number in sheet.numbers:
        text = sheet.rows[number][column]
        kind = _kind(sheet, table, number, text, lines)
        if kind == "header":
            table.header_rows, table.levels = [number], {column: (one_line(text),)}
        elif kind == "data":
            table.data.append(number)
        else:
            if kind == "title":
                table.titles.append(text.strip())
            table.other[number] = Account(kind, text.strip()[:500])
    account_blanks(sheet, [table])
    return table


def _survey(sheet: SheetView, column: int) -> _Lines:
    texts = [(n, squeeze(sheet.rows[n][column])) for n in sheet.numbers]
    headings = sum(bool(_HEADING.match(t)) for _, t in texts)
    letter = 0
    top = texts[:LETTER_LINES]
    if len(texts) > 3 and any(_is_prose(t) or _SENT_TO.search(t) for _, t in top[:4]):
        end = max(
            (i for i, (_, t) in enumerate(top) if _is_prose(t) or _SENT_TO.search(t) or words.is_day(t)), default=0
        )
        while step := next((i for i in (1, 2) if _announces(t := _at(top, end + i)) and not _NUMBERED.match(t)), 0):
            end += step  # a title may break over two lines
        letter = top[end][0]
    return _Lines(letter, headings >= 2 and headings <= len(texts) * 0.4)


def _at(lines: list[tuple[int, str]], place: int) -> str:
    return lines[place][1] if place < len(lines) else ""


def _is_prose(text: str) -> bool:
    return (len(text) > 30 and "。" in text) or (len(text) > 100 and "，" in text and "、" not in text)


def _announces(text: str) -> bool:
    return len(text) <= 60 and bool(_ATTACHMENT.match(text) or _LIST_TITLE.search(text))


def _column_name(sheet: SheetView, number: int, flat: str) -> bool:
    """com_name above names in Chinese."""
    below = [sheet.first(n) for n in sheet.numbers[:50] if n > number]
    return bool(_LATIN_NAME.match(flat)) and len(below) > 1 and not any(x[:1].isascii() for x in below if x)


def _kind(sheet: SheetView, table: TableLayout, number: int, text: str, lines: _Lines) -> str:
    flat = squeeze(text)
    begun = bool(table.data or table.header_rows)
    if number <= lines.letter:
        return "note" if _is_prose(flat) or words.is_note(text) or words.is_day(flat) else "title"
    if not begun and (any(k in sheet.known for k in header_keys(text)) or _column_name(sheet, number, flat)):
        return "header"
    announced = not begun or (number - 1 in table.other and table.other[number - 1].kind == "title")
    if len(sheet.numbers) > 3 and (_ATTACHMENT.match(flat) or (announced and _LIST_TITLE.search(flat))):
        return "title"
    if words.is_note(text) or words.is_footer(text) or words.is_day(flat) or _is_prose(flat) or _SENT_TO.search(flat):
        return "note"
    if words.is_total(text):
        return "total"
    return "title" if lines.headings and _HEADING.match(flat) else "data"
