"""An extract as a workbook for people: 封面 (what this is and what it may be used for), 数据, 字段说明, 变化.

Codes are text, dates are dates, headers are frozen, widths fit, and nothing can become live: every text is a string
cell with Excel's quote prefix, so that not even editing a cell turns it into a formula. Same input, same bytes.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hub.feeds import Kind
from hub.sharing.agreements import SHARE_TITLES, Agreement
from hub.sharing.changes import CHANGE_COLUMNS, Changes
from hub.sharing.columns import DISPUTE, ExtractColumn, Form
from hub.sharing.sheet_rows import ROW_LIMIT, Escape, SheetColumn, StreamedRows, escape_needed, pour_rows
from hub.sharing.sql import literal, name, one_row

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

COVER, DATA, DICTIONARY, CHANGES = "封面", "数据", "字段说明", "变化"
_CREATED = datetime(1980, 1, 1)  # noqa: DTZ001 -- a fixed stamp without a zone: same input, same bytes
_PRINTS_ON_A_PAGE = 20  # columns that stay readable on the width of an A4 sheet
_CELL_MARKUP = 75  # bytes of XML around a cell's value
_SHEET_BYTES = 1_900_000_000  # below what needs ZIP64, which Excel warns about
_KIND_WORDS = {
    Form.TEXT: "文本",
    Form.DATE: "日期",
    Form.INTEGER: "整数",
    Form.NUMBER: "数值",
    Form.BOOLEAN: "是/否",
}


@dataclass(frozen=True, slots=True)
class Cover:
    """What the cover says. `copy_number` and `holder` are empty on the published original."""

    title: str
    agreement: Agreement
    agreement_version: int
    dataset_title: str
    providers: str
    recipient: str
    as_of: date
    master_version: int
    rows: int
    totals: Mapping[str, int | float]
    sha256: str
    sm3: str
    changes: Changes
    previous: str = ""
    copy_number: str = ""
    holder: str = ""
    parts: tuple[tuple[str, int], ...] = field(default=())
    past: bool = False  # made on request for a past day
    confirmed_on: date | None = None  # of a copy: the last night that found the content unchanged


def _width(column: ExtractColumn, longest: int, wide: bool) -> float:
    """Width in characters of the sheet: a Chinese character takes two."""
    head = sum(2 if ord(c) > 0x2E80 else 1 for c in column.title) + 4
    body = 12 if column.form is Form.DATE else longest * (1.9 if wide else 1.1) + 2
    return float(min(max(head, body), 48))


@dataclass(frozen=True, slots=True)
class _Measured:
    """What one look over the rows tells: widths, escapes needed, mean bytes of a row's XML, whether disputes are flagged."""

    widths: tuple[float, ...]
    escapes: tuple[Escape, ...]
    row_bytes: float
    disputed: bool


def _measure(duck: DuckDBPyConnection, columns: Sequence[ExtractColumn], source: str) -> _Measured:
    parts = [f"coalesce(bool_or({name(DISPUTE)} is not null), false)"]
    for c in columns:
        text = c.shown() if c.shown_form is Form.TEXT else f"cast({c.shown()} as varchar)"
        parts += [f"max(length({text}))", f"max(strlen({text}))", f"coalesce(avg(strlen({text})), 0)"]
        parts.append(escape_needed(text) if c.shown_form is Form.TEXT else "0")
    disputed, *found = one_row(duck, f"select {', '.join(parts)} from {source}")
    widths, escapes, mean = [], [], 30.0
    for i, c in enumerate(columns):
        longest, bytes_longest, bytes_mean, escape = (found[4 * i + k] or 0 for k in range(4))
        widths.append(_width(c, int(longest), int(bytes_longest) > int(longest)))
        escapes.append(Escape(escape))
        mean += float(bytes_mean) + _CELL_MARKUP
    return _Measured(tuple(widths), tuple(escapes), mean, bool(disputed))


def split_rows(rows: int, row_bytes: float) -> list[int]:
    """Rows of each data sheet: at most what a sheet and its size in the package bear."""
    most = max(1, min(ROW_LIMIT - 1, int(_SHEET_BYTES / max(row_bytes, 1.0))))
    full, rest = divmod(rows, most)
    return [most] * full + ([rest] if rest or not full else [])


def sheet_name(part: int) -> str:
    return DATA if part == 0 else f"{DATA}{part + 1}"


class _Formats:
    def __init__(self, book: Any) -> None:
        font = {"font_name": "宋体", "font_size": 11, "valign": "vcenter"}
        flag = {"bg_color": "#FFE699"}
        self.title = book.add_format({**font, "bold": True, "font_size": 18, "align": "center"})
        self.label = book.add_format(
            {**font, "bold": True, "bg_color": "#EEF3F7", "border": 1, "border_color": "#B8C4CE"}
        )
        self.value = book.add_format(
            {
                **font,
                "text_wrap": True,
                "align": "left",
                "num_format": "@",
                "border": 1,
                "border_color": "#B8C4CE",
                "quote_prefix": True,
            }
        )
        self.head = book.add_format(
            {
                **font,
                "bold": True,
                "bg_color": "#1F4E79",
                "font_color": "#FFFFFF",
                "text_wrap": True,
                "align": "center",
                "border": 1,
                "border_color": "#B8C4CE",
            }
        )
        text = {**font, "num_format": "@", "quote_prefix": True}
        day = {**font, "num_format": "yyyy-mm-dd", "align": "center"}
        money = {**font, "num_format": "#,##0.00"}
        whole = {**font, "num_format": "0"}
        number = {**font, "num_format": "General"}
        self.plain = {
            k: book.add_format(v)
            for k, v in (("text", text), ("day", day), ("money", money), ("whole", whole), ("number", number))
        }
        self.flagged = {
            k: book.add_format({**v, **flag})
            for k, v in (("text", text), ("day", day), ("money", money), ("whole", whole), ("number", number))
        }


def _style_key(column: ExtractColumn) -> str:
    if column.shown_form is Form.TEXT:
        return "text"
    if column.form is Form.DATE:
        return "day"
    if column.kind is Kind.MONEY:
        return "money"
    return "whole" if column.form is Form.INTEGER else "number"


def _cover_lines(cover: Cover) -> list[tuple[str, str]]:
    a = cover.agreement
    totals = "；".join(f"{k} {v:,.2f}" if isinstance(v, float) else f"{k} {v:,}" for k, v in cover.totals.items())
    if cover.past:
        changes = "按过去某日提取，不与上期比较"
    elif cover.changes.first:
        changes = "首次发布，无上期可比"
    else:
        c = cover.changes
        changes = f"与上期（{cover.previous}）比：新增 {c.added:,} 行，变更 {c.changed:,} 行（{c.cells:,} 格），消失 {c.gone:,} 行"
    lines = [
        ("数据集", cover.dataset_title),
        ("共享协议", f"{a.title}（{a.id} 第 {cover.agreement_version} 版）"),
        ("提供部门", cover.providers),
        ("接收部门", cover.recipient),
        ("用途", a.purpose),
        ("共享依据", a.legal_basis),
        ("共享类型", SHARE_TITLES[a.share_type] + (f"：{a.conditions}" if a.conditions else "")),
        ("协议期限", f"{a.term.start.isoformat()} 至 {a.term.until.isoformat()}"),
        (
            "数据截至",
            f"{cover.as_of.isoformat()}（总表第 {cover.master_version} 版{'当时所知' if cover.past else ''}）{_confirmed(cover)}",
        ),
        ("行数", f"{cover.rows:,}"),
        ("控制总数", totals or "无"),
        ("变化", changes),
        ("内容摘要 SHA-256", cover.sha256),
        ("内容摘要 SM3", cover.sm3),
        ("使用要求", a.terms_of_use),
        ("副本号", cover.copy_number or "原件（未编号，不对外）"),
    ]
    if cover.holder:
        lines.append(("领取", cover.holder))
    if len(cover.parts) > 1:
        lines.insert(11, ("分表", "；".join(f"{n} {rows:,} 行" for n, rows in cover.parts)))
    return lines


def _confirmed(cover: Cover) -> str:
    later = cover.confirmed_on is not None and cover.confirmed_on > cover.as_of
    return f"，核对至 {cover.confirmed_on} 内容未变" if later else ""


def _write_cover(book: Any, formats: _Formats, cover: Cover) -> None:
    sheet = book.add_worksheet(COVER)
    sheet.hide_gridlines(2)
    sheet.set_column(0, 0, 20)
    sheet.set_column(1, 1, 78)
    sheet.merge_range(0, 0, 0, 1, cover.title, formats.title)
    sheet.set_row(0, 36)
    for row, (label, value) in enumerate(_cover_lines(cover), 1):
        sheet.write_string(row, 0, label, formats.label)
        sheet.write_string(row, 1, value, formats.value)
        width = sum(2 if ord(c) > 0x2E80 else 1 for c in value)
        sheet.set_row(row, 20 * max(1, -(-width // 74)))
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)


def _write_dictionary(book: Any, formats: _Formats, columns: Sequence[ExtractColumn]) -> None:
    sheet = book.add_worksheet(DICTIONARY)
    heads = (("字段", 24), ("代码", 24), ("类型", 10), ("处理", 26), ("说明", 70))
    for i, (head, width) in enumerate(heads):
        sheet.set_column(i, i, width)
        sheet.write_string(0, i, head, formats.head)
    for row, c in enumerate(columns, 1):
        note = "；".join(f"{o.value}＝{o.title.zh}" if o.value != o.title.zh else o.title.zh for o in c.choices)
        if c.name == DISPUTE:
            note = "非空：该行有数值正在校核纠错，数据照常可用，请谨慎使用；争议单元格底色为黄"
        cells = (
            c.title,
            c.name,
            _KIND_WORDS[c.form],
            c.mask_title or "原样",
            "。".join(n for n in (c.description, note) if n),
        )
        for i, value in enumerate(cells):
            sheet.write_string(row, i, value, formats.value)
    sheet.freeze_panes(1, 0)
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    # a legend, and the place where every style is worn once: XlsxWriter numbers a style when a cell first wears it
    legend = len(columns) + 2
    sheet.write_string(legend, 0, "争议单元格底色", formats.value)
    for i, style in enumerate([*formats.flagged.values(), *formats.plain.values()], 1):
        sheet.write_blank(legend, i, None, style)


def _flag_condition(column: ExtractColumn) -> str:
    """A cell is coloured when the row's note names its field; the note itself whenever there is one."""
    if column.name == DISPUTE:
        return f"{name(DISPUTE)} is not null"
    return f"coalesce(contains({name(DISPUTE)}, {literal(f'“{column.title}”')}), false)"


def write_workbook(
    duck: DuckDBPyConnection, columns: Sequence[ExtractColumn], source: str, cover: Cover, path: Path
) -> tuple[tuple[str, int], ...]:
    """Writes the workbook; rows come from `source`, a DuckDB table or bracketed query of machine values, changes from
    the table `changes`. Returns the data sheets with their numbers of rows. Memory does not grow with rows."""
    import xlsxwriter

    measured = _measure(duck, columns, source)
    sizes = split_rows(cover.rows, measured.row_bytes)
    parts = tuple((sheet_name(i), n) for i, n in enumerate(sizes))
    cover = Cover(**{**{f: getattr(cover, f) for f in Cover.__dataclass_fields__}, "parts": parts})
    shell = io.BytesIO()  # the workbook without its rows: small, whatever the number of rows
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False, "in_memory": True}
    book = xlsxwriter.Workbook(shell, options)
    book.set_properties({"title": cover.title, "author": "合作社数据共享枢纽", "created": _CREATED})
    formats = _Formats(book)
    _write_cover(book, formats, cover)
    poured: dict[str, StreamedRows] = {}
    for part, rows in enumerate(sizes):
        sheet = book.add_worksheet(sheet_name(part))
        for i, (column, width) in enumerate(zip(columns, measured.widths, strict=True)):
            sheet.set_column(i, i, width, formats.plain[_style_key(column)])
            sheet.write_string(0, i, column.title, formats.head)
        sheet.set_row(0, 32)
        sheet.freeze_panes(1, 1)
        sheet.autofilter(0, 0, max(rows, 1), len(columns) - 1)
        sheet.set_landscape()
        if len(columns) <= _PRINTS_ON_A_PAGE:
            sheet.fit_to_pages(1, 0)
        sheet.set_paper(9)
        sheet.repeat_rows(0)
    _write_dictionary(book, formats, columns)
    (listed,) = one_row(duck, "select count(*) from changes")
    sheet = book.add_worksheet(CHANGES)
    for i, (_, title, width) in enumerate(CHANGE_COLUMNS):
        sheet.set_column(i, i, width, formats.plain["text"])
        sheet.write_string(0, i, title, formats.head)
    sheet.freeze_panes(1, 0)
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    if cover.changes.first:
        none = "按过去某日提取，不与上期比较" if cover.past else "首次发布，无上期可比"
        sheet.write_string(1, 0, none, formats.plain["text"])
    elif not listed:
        sheet.write_string(1, 0, "与上期相同", formats.plain["text"])
    book.close()
    styles = {k: (formats.plain[k].xf_index, formats.flagged[k].xf_index) for k in formats.plain}
    streamed = tuple(
        SheetColumn(
            c.shown(),
            c.shown_form,
            styles[_style_key(c)][0],
            _flag_condition(c) if measured.disputed else "",
            styles[_style_key(c)][1],
            escape,
        )
        for c, escape in zip(columns, measured.escapes, strict=True)
    )
    offset = 0
    for part, rows in enumerate(sizes):
        if rows:
            poured[f"xl/worksheets/sheet{part + 2}.xml"] = StreamedRows(streamed, source, rows, offset=offset)
        offset += rows
    if not cover.changes.first and listed:
        needed = one_row(duck, f"select {', '.join(escape_needed(name(n)) for n, _, _ in CHANGE_COLUMNS)} from changes")
        texts = tuple(
            SheetColumn(name(n), Form.TEXT, styles["text"][0], escape=Escape(e))
            for (n, _, _), e in zip(CHANGE_COLUMNS, needed, strict=True)
        )
        poured[f"xl/worksheets/sheet{len(sizes) + 3}.xml"] = StreamedRows(texts, "changes", min(listed, ROW_LIMIT - 1))
    pour_rows(shell, path, duck, poured)
    return parts
