"""How a return workbook looks: sheets, colours, the cover. Written with xlsxwriter, text cells only. Knows no database."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from hub.intake.reader.grid import MAX_ROWS, Grid, Range
from hub.intake.return_marker import COVER_SHEET, REASON_HEADER, mark_cell, mark_header

LARGE = 50_000  # rows of a sheet from which on it is written row by row, without merged cells
WIDEST = 42  # characters of a column
REASON_WIDTH = 56
LINE_HEIGHT = 15  # points
LONGEST_CELL = 32_767
LONGEST_NAME = 31
_NOT_IN_NAMES = re.compile(r"[\[\]:*?/\\\x00-\x1f]|^'+|'+$")


@dataclass(slots=True)
class Finding:
    """What is said about one row: why, in which fields and columns, and whether the sender must do something. What only
    warns is kept apart: it holds no row back."""

    messages: list[str] = field(default_factory=list)
    fields: set[str] = field(default_factory=set)
    headers: set[str] = field(default_factory=set)
    to_correct: bool = False
    warnings: list[str] = field(default_factory=list)
    warned_fields: set[str] = field(default_factory=set)
    warned_headers: set[str] = field(default_factory=set)

    @property
    def only_warns(self) -> bool:
        return bool(self.warnings) and not self.messages

    @property
    def reason(self) -> str:
        said = list(dict.fromkeys([*self.messages, *self.warnings]))
        return said[0] if len(said) == 1 else "\n".join(f"{n}. {m}" for n, m in enumerate(said, 1))


Findings = dict[tuple[str, int], Finding]
"""By (sheet, row) as the sender's file counts them."""


@dataclass(frozen=True, slots=True)
class Table:
    """One header (its rows, from 1) of a sheet's table, and where its fields and headers stand (columns from 0)."""

    header_rows: tuple[int, ...]
    by_field: Mapping[str, int]
    by_header: Mapping[str, int]

    def places(self, headers: Iterable[str], fields: Iterable[str]) -> set[int]:
        """The columns with these headers and fields."""
        named = {self.by_header[h] for h in headers if h in self.by_header}
        return named | {self.by_field[f] for f in fields if f in self.by_field}


@dataclass(frozen=True, slots=True)
class ReturnedSheet:
    """A sheet as it was sent, with what the reader made of it."""

    grid: Grid
    tables: tuple[Table, ...]
    data_rows: frozenset[int]
    fields: tuple[str, ...]

    def table_above(self, row: int) -> Table | None:
        """The table a row belongs to: the nearest header above it."""
        above = [t for t in self.tables if t.header_rows[-1] < row]
        return max(above, key=lambda t: t.header_rows[-1]) if above else None

    def wrong_places(self, row: int, finding: Finding) -> set[int]:
        """The columns to colour: of the headers and fields a reason names; without any, the table's first field."""
        table = self.table_above(row)
        if table is None or not finding.to_correct:
            return set()
        first = [table.by_field[f] for f in self.fields if f in table.by_field][:1]
        return table.places(finding.headers, finding.fields) or set(first)

    def warned_places(self, row: int, finding: Finding) -> set[int]:
        """The columns to colour lightly: of the headers and fields a warning names."""
        table = self.table_above(row)
        return table.places(finding.warned_headers, finding.warned_fields) if table else set()

    @property
    def width(self) -> int:
        """Columns of the sheet; ours come behind them."""
        return max([len(c) for c in self.grid.rows.values()] + [m[3] + 1 for m in self.grid.merges if m[3] < 200])


@dataclass(frozen=True, slots=True)
class Cover:
    """What the cover sheet tells about the delivery."""

    delivery_id: int
    sha256: str
    name: str
    title: str
    received_at: datetime
    rows_in: int
    accepted: int
    quarantined: int
    duplicate: int
    out_of_scope: int
    reason: str | None
    warnings: tuple[tuple[str, int], ...] = ()  # message, rows: all of them, also those no cell shows

    def lines(self) -> list[tuple[str, str]]:
        """(style, words) from the top down."""
        arrived = self.received_at.astimezone(ZoneInfo("Asia/Shanghai")).strftime("%Y-%m-%d %H:%M")
        return [
            ("cover_title", "退回工作簿"),
            ("cover", f"来件：{self.name}（编号 {self.delivery_id}）"),
            ("cover", f"数据：{self.title}　收到时间：{arrived}"),
            (
                "cover",
                f"共 {self.rows_in} 行：采用 {self.accepted} 行，退回 {self.quarantined} 行，"
                f"重复 {self.duplicate} 行，不属于农民专业合作社 {self.out_of_scope} 行。",
            ),
            ("cover", ""),
            ("cover_head", "怎么改"),
            ("cover", "1. 后面的工作表就是您报送的原表。标红的单元格需要更正，原因写在每行最后的“退回原因”一列。"),
            ("cover", "2. 直接在红色单元格里改。没有标红的行已经采用，不用改，也不要删除。"),
            ("cover", "3. 不要改表头，不要删除列。各单元格已设为文本，18 位代码可直接填写，不会丢失数字。"),
            ("cover", "4. 改好后保存，按原来的途径再报送一次，文件名可以不变。系统会认出这是更正件，用改好的行替换原来的行。"),
            ("cover", "5. 标浅黄色的单元格只是提醒：该行不会因此退回。请核对，写错了就一并改好，没有错就不用动。"),
            ("cover", "6. “退回原因”一列不用清空；这一页说明可以保留，也可以删除。"),
            ("cover", ""),
        ]  # fmt: skip


def sheet_names(names: Sequence[str]) -> list[str]:
    """Names a workbook can have for these sheets, as near to them as can be, no two alike."""
    taken, given = {COVER_SHEET.casefold()}, []
    for name in names:
        plain = _NOT_IN_NAMES.sub("_", name).strip()[:LONGEST_NAME] or "数据"
        shown, number = plain, 1
        while shown.casefold() in taken:
            number += 1
            ending = f"({number})"
            shown = plain[: LONGEST_NAME - len(ending)] + ending
        taken.add(shown.casefold())
        given.append(shown)
    return given


def write_workbook(path: Path, cover: Cover, sheets: Sequence[ReturnedSheet], findings: Findings) -> None:
    """Writes it all to `path`. The same input gives the same bytes."""
    import xlsxwriter

    large = any(len(s.grid.rows) > LARGE for s in sheets)
    workbook = xlsxwriter.Workbook(
        str(path),
        {
            "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False,
            "constant_memory": large, "in_memory": not large,
        },
    )  # fmt: skip
    workbook.set_properties(
        {"title": f"退回工作簿 {cover.delivery_id}", "created": cover.received_at.replace(tzinfo=None)}
    )
    styles = _styles(workbook)
    _write_cover(workbook, styles, cover, findings)
    mark = mark_header(cover.delivery_id, cover.sha256)
    for one, name in zip(sheets, sheet_names([s.grid.name for s in sheets]), strict=True):
        sheet = workbook.add_worksheet(name)
        if one.grid.hidden:
            sheet.hide()
        _SheetWriter(sheet, styles, one, findings, mark, merge=not large).write()
    workbook.close()


def _styles(workbook: Any) -> dict[str, Any]:
    base = {"num_format": "@", "valign": "vcenter", "font_name": "宋体", "font_size": 11}
    boxed = base | {"border": 1, "border_color": "#BFBFBF"}
    looks: dict[str, dict[str, Any]] = {
        "outside": base,
        "title": base | {"bold": True, "align": "center", "font_size": 14},
        "header": boxed | {"bold": True, "bg_color": "#E7E6E6", "align": "center", "text_wrap": True},
        "cell": boxed,
        "to_correct": boxed | {"bg_color": "#FFF2F2"},
        "wrong": boxed | {"bg_color": "#FF9C9C", "bold": True},
        "quiet": boxed | {"font_color": "#808080"},
        "warned": boxed | {"bg_color": "#FFF9DB"},
        "reason": boxed | {"bg_color": "#FFF2CC", "font_color": "#9C0006", "text_wrap": True},
        "quiet_reason": boxed | {"font_color": "#808080", "text_wrap": True},
        "warned_reason": boxed | {"bg_color": "#FFF9DB", "font_color": "#7F6000", "text_wrap": True},
        "reason_header": boxed | {"bold": True, "bg_color": "#FFD966", "align": "center"},
        "cover_title": base | {"bold": True, "font_size": 18},
        "cover_head": boxed | {"bold": True, "bg_color": "#E7E6E6"},
        "cover": base | {"text_wrap": True, "valign": "top"},
        "cover_cell": boxed | {"text_wrap": True},
    }
    return {name: workbook.add_format(look) for name, look in looks.items()}


def _write_cover(workbook: Any, styles: Mapping[str, Any], cover: Cover, findings: Findings) -> None:
    sheet = workbook.add_worksheet(COVER_SHEET)
    sheet.hide_gridlines(2)
    sheet.set_column(0, 0, 84)
    sheet.set_column(1, 1, 10)
    _one_page_wide(sheet)
    lines = cover.lines()
    for number, (style, words) in enumerate(lines):
        sheet.write_string(number, 0, words, styles[style])
    start = len(lines)
    sheet.write_string(start, 0, REASON_HEADER, styles["cover_head"])
    sheet.write_string(start, 1, "行数", styles["cover_head"])
    counts = Counter(m for f in findings.values() if f.to_correct for m in dict.fromkeys(f.messages))
    told = [(m, str(n)) for m, n in counts.most_common()] or [(cover.reason or "没有需要更正的行。", "")]
    told += [(f"提醒：{message}", str(rows)) for message, rows in cover.warnings]
    for number, (message, rows) in enumerate(told, start + 1):
        sheet.write_string(number, 0, message, styles["cover_cell"])
        sheet.write_string(number, 1, rows, styles["cover_cell"])


def _one_page_wide(sheet: Any) -> None:
    sheet.set_paper(9)  # A4
    sheet.fit_to_pages(1, 0)


@dataclass(slots=True)
class _SheetWriter:
    sheet: Any
    styles: Mapping[str, Any]
    one: ReturnedSheet
    findings: Findings
    mark: str
    merge: bool
    filled: dict[tuple[int, int], str] = field(default_factory=dict)

    def write(self) -> None:
        one, width = self.one, self.one.width
        header_rows = {r for t in one.tables for r in t.header_rows}
        label_rows = {t.header_rows[-1] for t in one.tables}
        for place, size in enumerate(self._widths()):
            self.sheet.set_column(place, place, size)
        self.sheet.set_column(width, width, 4, None, {"hidden": True})
        self.sheet.set_column(width + 1, width + 1, REASON_WIDTH)
        merged = self._merges()
        inside = {(r, c) for m in merged.values() for r in range(m[0], m[2] + 1) for c in range(m[1], m[3] + 1)}
        for row in sorted(one.grid.rows):
            finding = self.findings.get((one.grid.name, row)) if row in one.data_rows else None
            self._write_row(row, self._look_of(row, header_rows, finding), finding, merged, inside)
            if row in label_rows:
                self.sheet.write_string(row - 1, width, self.mark, self.styles["reason_header"])
                self.sheet.write_string(row - 1, width + 1, REASON_HEADER, self.styles["reason_header"])
            elif row in one.data_rows and one.table_above(row):
                self.sheet.write_string(row - 1, width, mark_cell(one.grid.name, row), self.styles["cell"])
                if finding:
                    quiet = "warned_reason" if finding.only_warns else "quiet_reason"
                    look = self.styles["reason" if finding.to_correct else quiet]
                    self.sheet.write_string(row - 1, width + 1, finding.reason[:LONGEST_CELL], look)
        if len(one.tables) == 1 and one.data_rows:
            header = one.tables[0].header_rows[-1]
            self.sheet.freeze_panes(header, 0)
            self.sheet.autofilter(header - 1, 0, max(one.data_rows) - 1, width + 1)
        self.sheet.ignore_errors({"number_stored_as_text": f"A1:XFD{min(max(one.grid.rows), MAX_ROWS)}"})
        self.sheet.set_landscape()
        _one_page_wide(self.sheet)

    def _look_of(self, row: int, header_rows: set[int], finding: Finding | None) -> str:
        if row in header_rows:
            return "header"
        if row not in self.one.data_rows:
            return "outside"
        if finding is None or finding.only_warns:
            return "cell"
        return "to_correct" if finding.to_correct else "quiet"

    def _write_row(
        self,
        row: int,
        look: str,
        finding: Finding | None,
        merged: Mapping[tuple[int, int], Range],
        inside: set[tuple[int, int]],
    ) -> None:
        cells = self.one.grid.rows[row]
        wrong = self._wrong(row, finding)
        warned = self.one.warned_places(row, finding) if finding else set()
        hidden = {"hidden": True} if row in self.one.grid.hidden_rows else {}
        lines = _lines(finding.reason, REASON_WIDTH) if finding else 1
        if hidden or lines > 1:
            self.sheet.set_row(row - 1, LINE_HEIGHT * min(lines, 8), None, hidden)
        for place in range(self.one.width):
            value = (cells[place][:LONGEST_CELL] if place < len(cells) else "") or self.filled.get((row, place), "")
            style = self.styles["wrong" if place in wrong else "warned" if place in warned else look]
            if (row, place) in merged:
                top, left, bottom, right = merged[row, place]
                style = self.styles["title"] if look == "outside" and right > left else style
                self.sheet.merge_range(top - 1, left, bottom - 1, right, "", style)
                self.sheet.write_string(top - 1, left, value, style)
            elif (row, place) in inside:
                continue
            elif value:
                self.sheet.write_string(row - 1, place, value, style)
            elif look != "outside":
                self.sheet.write_blank(row - 1, place, None, style)

    def _merges(self) -> dict[tuple[int, int], Range]:
        """The sender's merged ranges by their first cell. Those that overlap or hide a cell to be corrected are taken
        apart: what stood in the first cell then stands in each row (`filled`), as the reader understands it."""
        rows, width = self.one.grid.rows, self.one.width
        wrong = {
            (r, c)
            for (name, r), f in self.findings.items()
            if name == self.one.grid.name and r in self.one.data_rows
            for c in self.one.wrong_places(r, f) | self.one.warned_places(r, f)
        }
        taken: set[tuple[int, int]] = set()
        kept: dict[tuple[int, int], Range] = {}
        for top, left, bottom, right in sorted(self.one.grid.merges):
            if right >= width or (top, left) == (bottom, right) or top not in rows:
                continue
            cells = {(r, c) for r in range(top, bottom + 1) for c in range(left, right + 1)}
            if self.merge and not cells & taken and not (cells - {(top, left)}) & wrong:
                taken |= cells
                kept[top, left] = (top, left, bottom, right)
            elif left < len(rows[top]):
                self.filled.update({(r, left): rows[top][left] for r in range(top + 1, bottom + 1)})
        return kept

    def _wrong(self, row: int, finding: Finding | None) -> set[int]:
        return self.one.wrong_places(row, finding) if finding and row in self.one.data_rows else set()

    def _widths(self) -> list[float]:
        """Wide enough for the headers and most cells of the first rows; Chinese characters count double."""
        sizes = [6.0] * self.one.width
        sample = sorted(self.one.data_rows | {t.header_rows[-1] for t in self.one.tables})[:200]
        for row in sample:
            for place, value in enumerate(self.one.grid.rows.get(row, [])):
                sizes[place] = min(WIDEST, max(sizes[place], _shown(value.split("\n")[0]) + 2.0))
        return sizes


def _shown(words: str) -> int:
    """How wide a text is shown, in Latin characters."""
    return sum(2 if ord(c) > 0x2E7F or c in "“”‘’—…" else 1 for c in words)


def _lines(words: str, width: int) -> int:
    """How many lines a text takes in a cell that wraps it."""
    return sum(max(1, -(-_shown(line) // (width - 2))) for line in words.split("\n"))
