"""Match my own list: any department's list in, the same list out with each row's cooperative, confidence, reason and the
next candidates. Reading is the reader's, judging is `hub.matching.known`'s; here columns get their roles and the answers
a workbook. Nothing is stored anywhere but in the workbook asked for.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hub.errors import DriftError, FormatError
from hub.feeds import Bilingual, Coverage, Feed, FeedField, Kind, Role, feed_catalogue
from hub.identifiers.codes import CodeKind, classify_code, clean_code
from hub.intake.cells import normalise_cells
from hub.intake.columns import match_columns
from hub.intake.profile import profile_columns
from hub.intake.reader.headers import header_key
from hub.intake.reader.model import Column, Reading, SheetReading
from hub.matching.answers import Answer, Candidate, Verdict
from hub.matching.known import KnownCooperatives
from hub.matching.read_known import code_lists
from hub.xml_text import xml_text

if TYPE_CHECKING:
    import pyarrow as pa

_ROLES = {
    Role.NAME: (Kind.COOPERATIVE_NAME, Bilingual(zh="名称", en="Name")),
    Role.FORMER_NAME: (Kind.COOPERATIVE_NAME, Bilingual(zh="曾用名", en="Former name")),
    Role.CODE: (Kind.CODE, Bilingual(zh="代码", en="Code")),
    Role.REPRESENTATIVE: (Kind.PERSON, Bilingual(zh="负责人", en="Representative")),
    Role.PHONE: (Kind.PHONE, Bilingual(zh="电话", en="Phone")),
    Role.TOWN: (Kind.TOWN, Bilingual(zh="乡镇", en="Township")),
    Role.ADDRESS: (Kind.ADDRESS, Bilingual(zh="地址", en="Address")),
    Role.FOUNDED: (Kind.DATE, Bilingual(zh="成立日期", en="Founded on")),
}
# Headers of lists that are no feed's.
_MORE = {
    Role.NAME: ("社名", "全称", "合作社全称", "主体", "单位", "企业", "cooperative", "cooperative name"),
    Role.CODE: ("uscc", "统一信用代码", "信用码", "18位代码"),
    Role.REPRESENTATIVE: ("理事长姓名", "社长", "带头人", "legal representative"),
    Role.TOWN: ("所属镇街", "township"),
}
_COLUMN_PARTS = ("name", "former_name", "representative", "phone", "town", "address", "founded_on")
_MOSTLY = 0.6
_MOBILE = re.compile(r"1[3-9]\d{9}")


@lru_cache(maxsize=1)
def own_list_feed() -> Feed:
    """A list of any department as a feed of its own: every feed's columns that say who a row is about, with all their
    headers; nothing is required."""
    fields: dict[str, FeedField] = {}
    for feed in feed_catalogue().values():
        for declared in feed.fields:
            if declared.role is None:
                continue
            name = f"{declared.role.value}_{declared.name}"
            known = fields.get(name)
            terms = (*(known.synonyms if known else ()), declared.title.zh, *declared.synonyms)
            fields[name] = FeedField(
                name=name,
                title=_ROLES[declared.role][1],
                kind=declared.kind if declared.role is Role.CODE else _ROLES[declared.role][0],
                role=declared.role,
                synonyms=tuple(dict.fromkeys(terms)),
            )
    for role, terms in _MORE.items():
        name = f"{role.value}_{'name' if role is Role.NAME else role.value}"
        fields[name] = fields[name].model_copy(update={"synonyms": (*fields[name].synonyms, *terms)})
    order = list(_ROLES)
    # the plain field of a role before the others: its header is the likelier one
    ranked = sorted(
        fields.values(), key=lambda f: (order.index(_role(f)), f.name != f"{_role(f).value}_{_role(f).value}")
    )
    return Feed(
        feed="own_list",
        title=Bilingual(zh="名单", en="A department's own list"),
        summary=Bilingual(zh="任何部门的名单，只匹配不入库。", en="Matched, never stored."),
        department="any",
        coverage=Coverage.PROBLEMS,
        update="随时",
        grain=Bilingual(zh="一行一家", en="one row a cooperative"),
        key=(),
        fields=tuple(ranked),
    )


def _role(declared: FeedField) -> Role:
    if declared.role is None:
        raise ValueError("a field of an own list always has a role")
    return declared.role


@dataclass(slots=True)
class MatchedSheet:
    """One table of the list with its answers, in the rows' order. `roles` says which header was taken for what."""

    sheet: SheetReading
    answers: list[Answer]
    roles: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class MatchedList:
    """A list and what became of its rows. `left_out` names tables without any column to go by."""

    file: str
    sheets: list[MatchedSheet]
    left_out: list[str] = field(default_factory=list)
    skipped: int = 0

    @property
    def totals(self) -> dict[Verdict, int]:
        """Rows by verdict; all verdicts are there."""
        counted = Counter(a.verdict for s in self.sheets for a in s.answers)
        return {v: counted[v] for v in Verdict}


def match_list(reading: Reading, known: KnownCooperatives) -> MatchedList:
    """Answers for every row of a file.

    Raises:
        FormatError: the file cannot be read or holds no row of data.
        DriftError: no table has a column that could be a name or a code.
    """
    reading.raise_refusal()
    result = MatchedList(reading.file, [], skipped=sum(len(s.skipped) for s in reading.sheets))
    for sheet in reading.sheets:
        if not sheet.rows.num_rows:
            continue
        columns = recognise_columns(sheet)
        if not any(c.field and own_list_feed().by_name[c.field].role in (Role.NAME, Role.CODE) for c in columns):
            result.left_out.append(f"{sheet.name or '表'}（{sheet.data_rows} 行）")
            continue
        sheet.columns = columns
        cells = {c.field: sheet.rows[f"c{i}"].combine_chunks() for i, c in enumerate(columns) if c.field}
        answers = match_cells(cells, sheet.rows.num_rows, known)
        titles = {c.header: own_list_feed().by_name[c.field].title.zh for c in columns if c.field}
        result.sheets.append(MatchedSheet(sheet, answers, titles))
    if not result.sheets:
        headers = [c.header for s in reading.sheets for c in s.columns if c.levels][:8]
        if result.left_out:
            raise DriftError(
                f"名单里没有认得出的名称或代码列；表里的列是：{'、'.join(headers) or '（没有表头）'}。",
                next_step="把列名改成“名称”“统一社会信用代码”后重试；其余列名不必改。",
            ).at(file=reading.file)
        raise FormatError("名单里没有数据行。", next_step="检查文件是否完整。").at(file=reading.file)
    return result


def match_cells(cells: Mapping[str, pa.Array], length: int, known: KnownCooperatives) -> list[Answer]:
    """Answers for rows given as raw text by field of `own_list_feed()`; each distinct row is judged once."""
    import pyarrow as pa

    feed = own_list_feed()
    values = {name: normalise_cells(column, feed.by_name[name])[0] for name, column in cells.items()}
    present = {name: column for name, column in values.items() if column.null_count < length}
    columns = profile_columns(present, feed, length, None)
    keys = columns["profile_key"].to_pylist()
    first: dict[str | None, int] = {}
    for i, key in enumerate(keys):
        first.setdefault(key, i)
    taken = pa.table(columns).take(list(first.values()))
    profiles = pa.table(
        {
            "profile_key": taken["profile_key"],
            "codes": code_lists(taken["profile_codes"].to_pylist()),
            **{part: taken[f"profile_{part}"].cast(pa.string()) for part in _COLUMN_PARTS},
        }
    )
    by_key = dict(zip(first, known.ask(profiles), strict=True))
    answers = [by_key[key] for key in keys]
    codes = [n for n in cells if feed.by_name[n].role is Role.CODE]
    return _with_damage(answers, [cells[n] for n in codes])


def _with_damage(answers: list[Answer], codes: Sequence[pa.Array]) -> list[Answer]:
    """Says of each row whose code a spreadsheet destroyed that the code was of no use."""
    damaged: set[int] = set()
    for column in codes:
        coded = column.dictionary_encode()
        bad = [bool(v) and classify_code(clean_code(v)) is CodeKind.DAMAGED for v in coded.dictionary.to_pylist()]
        if any(bad):
            damaged |= {i for i, place in enumerate(coded.indices.to_pylist()) if place is not None and bad[place]}
    for i in damaged:
        answers[i] = replace(answers[i], reason=f"{answers[i].reason}名单里的代码已被表格软件变成科学计数，无法采用。")
    return answers


def recognise_columns(sheet: SheetReading) -> list[Column]:
    """Columns with their fields: by every feed's headers, then by the nearest header, then by what the cells hold."""
    feed = own_list_feed()
    columns = list(match_columns([replace(c, field=None, guess=None) for c in sheet.columns], feed).columns)
    columns = [_unless_serial(c) for c in columns]
    found = {feed.by_name[c.field].role for c in columns if c.field}
    for i, column in enumerate(columns):
        guess = feed.by_name[column.guess].role if column.guess else None
        by_cells = _role_of_cells(sheet, i) if column.field is None else None
        for role in (by_cells, guess):
            # A header merely like another must not contradict its cells: 合作社个数 is no name.
            if role is None or role in found or (role in (Role.NAME, Role.CODE, Role.PHONE) and role is not by_cells):
                continue
            name = column.guess if role is guess and column.guess else f"{role.value}_{role.value}"
            columns[i] = replace(column, field=name)
            found.add(role)
            break
    return columns


def _unless_serial(column: Column) -> Column:
    return replace(column, field=None) if header_key(column.header) in {"序号", "编号", "no"} else column


def _role_of_cells(sheet: SheetReading, number: int) -> Role | None:
    """What most filled cells look like, of the first few hundred."""
    cells = [c for c in sheet.rows[f"c{number}"].slice(0, 500).to_pylist() if c and c.strip()]
    if not cells:
        return None
    codes = [clean_code(c) for c in cells]
    kinds = (CodeKind.USCC, CodeKind.ORGANISATION, CodeKind.TAX15, CodeKind.REGISTRATION)
    tests = (
        (Role.NAME, sum("合作" in c or c.rstrip(")）").endswith("社") for c in cells)),
        (Role.PHONE, sum(bool(_MOBILE.fullmatch(c)) for c in codes)),
        (Role.CODE, sum(classify_code(c) in kinds for c in codes)),
    )
    return next((role for role, n in tests if n >= _MOSTLY * len(cells)), None)


VERDICT_TITLES = {
    Verdict.MATCHED: "已匹配",
    Verdict.DOUBTFUL: "存疑",
    Verdict.NOT_FOUND: "未找到",
    Verdict.NOT_A_COOPERATIVE: "不是合作社",
}
RESULT_COLUMNS: tuple[tuple[str, int], ...] = (
    ("匹配结果", 12),
    ("合作社编号 coop_id", 20),
    ("总表统一社会信用代码", 24),
    ("总表名称", 36),
    ("把握", 9),
    ("理由", 60),
    ("候选一编号", 12),
    ("候选一名称", 36),
    ("候选一把握", 12),
    ("候选二编号", 12),
    ("候选二名称", 36),
    ("候选二把握", 12),
    ("原表行号", 10),
)
_MOST_ROWS = 1_048_575
_CELL_LIMIT = 32_767
_NOT_IN_SHEET_NAMES = re.compile(r"[\[\]:*?/\\']")
_COVER = "封面"


def write_matched(matched: MatchedList, path: Path, *, county: str = "") -> None:
    """Writes the workbook: a cover with totals, then a sheet for each table of the list. Every text is a string cell
    with Excel's quote prefix: nothing a list holds can become a formula or a link."""
    import xlsxwriter

    temporary = path.with_name(f".{path.stem}.part.xlsx")
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    book = xlsxwriter.Workbook(str(temporary), options)
    try:
        formats = _formats(book)
        _write_cover(book, formats, matched, county)
        used = {_COVER}
        for one in matched.sheets:
            for start in range(0, len(one.answers), _MOST_ROWS):
                _write_sheet(book, formats, one, _sheet_name(one.sheet.name, used), start)
        book.close()
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _formats(book: Any) -> dict[str, Any]:
    font = {"font_name": "宋体", "font_size": 11, "valign": "vcenter"}
    text = {**font, "num_format": "@", "quote_prefix": True}
    head = {**font, "bold": True, "font_color": "#FFFFFF", "text_wrap": True, "align": "center", "border": 1}
    return {
        "title": book.add_format({**font, "bold": True, "font_size": 18}),
        "label": book.add_format({**font, "bold": True, "bg_color": "#EEF3F7", "border": 1}),
        "value": book.add_format({**text, "text_wrap": True, "border": 1, "align": "left"}),
        "count": book.add_format({**font, "num_format": "#,##0", "border": 1, "align": "left"}),
        "head": book.add_format({**head, "bg_color": "#5A6B7B"}),
        "own_head": book.add_format({**head, "bg_color": "#1F4E79"}),
        "text": book.add_format(text),
        "share": book.add_format({**font, "num_format": "0.0%"}),
        "row": book.add_format({**font, "num_format": "0"}),
        Verdict.MATCHED: book.add_format({**text, "bg_color": "#E2EFDA"}),
        Verdict.DOUBTFUL: book.add_format({**text, "bg_color": "#FFE699"}),
        Verdict.NOT_FOUND: book.add_format({**text, "bg_color": "#F8CBAD"}),
        Verdict.NOT_A_COOPERATIVE: book.add_format({**text, "bg_color": "#D9D9D9"}),
    }


def _cover_lines(matched: MatchedList, county: str) -> list[tuple[str, str | int]]:
    totals = matched.totals
    lines: list[tuple[str, str | int]] = [
        ("名单", matched.file),
        ("比对对象", f"{county}合作社总表" if county else "合作社总表"),
        ("名单行数", sum(totals.values())),
        *((VERDICT_TITLES[v], n) for v, n in totals.items()),
    ]
    for one in matched.sheets:
        taken = "；".join(f"“{h}”作{t}" for h, t in one.roles.items())
        lines.append((f"所用的列（{one.sheet.name}）" if one.sheet.name else "所用的列", taken))
    if matched.left_out:
        lines.append(("未处理的表", f"没有名称或代码列：{'；'.join(matched.left_out)}"))
    if matched.skipped:
        lines.append(("不是数据的行", f"标题、表头、合计、说明、空行等共 {matched.skipped} 处，未列入"))
    return [
        *lines,
        ("已匹配", "可直接使用合作社编号和信用代码；把握最高只写 99.9%。"),
        ("存疑", "编号留空，可能的合作社列在候选里，请人工核对后自行填写。"),
        ("未找到", "总表里没有这一家，或名单提供的信息不够。"),
        ("不是合作社", "名称或代码表明是公司、村集体、家庭农场等，不在总表范围。"),
        ("说明", "本次匹配没有把名单存入系统；名单如含个人信息，请按来源部门的规定保管。"),
    ]


def _write_cover(book: Any, formats: dict[str, Any], matched: MatchedList, county: str) -> None:
    sheet = book.add_worksheet(_COVER)
    sheet.hide_gridlines(2)
    sheet.set_column(0, 0, 22)
    sheet.set_column(1, 1, 80)
    sheet.set_row(0, 34)
    sheet.write_string(0, 0, "名单匹配结果", formats["title"])
    for row, (label, value) in enumerate(_cover_lines(matched, county), 2):
        lines = 1 if isinstance(value, int) else -(-sum(2 if ord(c) > 0x2E80 else 1 for c in value) // 76) or 1
        sheet.set_row(row, 20 * lines)
        sheet.write_string(row, 0, _plain(label), formats["label"])
        if isinstance(value, int):
            sheet.write_number(row, 1, value, formats["count"])
        else:
            sheet.write_string(row, 1, _plain(value), formats["value"])
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)


def _write_sheet(book: Any, formats: dict[str, Any], one: MatchedSheet, name: str, start: int) -> None:
    sheet = book.add_worksheet(name)
    own = [c.header for c in one.sheet.columns]
    count = min(_MOST_ROWS, len(one.answers) - start)
    rows = one.sheet.rows.slice(start, count)
    columns = [rows[f"c{i}"].to_pylist() for i in range(len(own))]
    for i, header in enumerate(own):
        sheet.set_column(i, i, _width(header, columns[i]), formats["text"])
    for i, (_, width) in enumerate(RESULT_COLUMNS, len(own)):
        sheet.set_column(i, i, width)
    sheet.freeze_panes(1, 0)
    sheet.set_row(0, 32)
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0)
    for i, header in enumerate(own):
        sheet.write_string(0, i, _plain(header), formats["own_head"])
    for i, (header, _) in enumerate(RESULT_COLUMNS, len(own)):
        sheet.write_string(0, i, header, formats["head"])
    sheet.autofilter(0, 0, max(count, 1), len(own) + len(RESULT_COLUMNS) - 1)
    text, share = formats["text"], formats["share"]
    for number, (cells, place) in enumerate(zip(_rows(columns, count), rows["row"].to_pylist(), strict=True)):
        answer, row = one.answers[start + number], number + 1
        for i, cell in enumerate(cells):
            if cell:
                sheet.write_string(row, i, _plain(cell), text)
        at = len(own)
        sheet.write_string(row, at, VERDICT_TITLES[answer.verdict], formats[answer.verdict])
        for i, value in enumerate(_answer_cells(answer), at + 1):
            if isinstance(value, float):
                sheet.write_number(row, i, value, share)
            elif value:
                sheet.write_string(row, i, _plain(value), text)
        if place is not None:
            sheet.write_number(row, at + len(RESULT_COLUMNS) - 1, place, formats["row"])


def _rows(columns: list[list[str | None]], count: int) -> Iterable[tuple[str | None, ...]]:
    return zip(*columns, strict=True) if columns else (() for _ in range(count))


def _answer_cells(answer: Answer) -> list[str | float]:
    """The cells between the verdict and the row number."""
    best = answer.best
    cells: list[str | float] = ["", "", "", ""]
    if best is not None:
        known = best.cooperative
        cells = [known.coop_id, known.uscc, known.name, shown_confidence(best)]
    elif answer.next:
        cells[3] = shown_confidence(answer.next[0])
    cells.append(answer.reason)
    for candidate in answer.next[:2]:
        cells += [candidate.cooperative.coop_id, candidate.cooperative.name, shown_confidence(candidate)]
    return cells


def shown_confidence(candidate: Candidate) -> float:
    """A confidence as it is shown: never a false 100 %."""
    return round(min(candidate.confidence, 0.999), 3)


def _plain(value: str) -> str:
    return xml_text(value)[:_CELL_LIMIT]


def _width(header: str, cells: list[str | None]) -> float:
    """Width in characters of the sheet: a Chinese character takes two."""
    texts = [header, *(c for c in cells[:300] if c)]
    return float(min(max(max(sum(2 if ord(c) > 0x2E80 else 1 for c in t[:60]) for t in texts) + 2, 8), 48))


def _sheet_name(wanted: str, used: set[str]) -> str:
    """A name Excel takes, not used yet in this workbook."""
    plain = _NOT_IN_SHEET_NAMES.sub(" ", _plain(wanted)).strip()[:28] or "名单"
    name, number = plain, 1
    while name.casefold() in {u.casefold() for u in used}:
        number += 1
        name = f"{plain[: 28 - len(str(number))]} {number}"
    used.add(name)
    return name
