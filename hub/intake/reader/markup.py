"""HTML tables (often named .xls) and XML Spreadsheet 2003."""

from __future__ import annotations

import re
from typing import Any

from hub.intake.reader.grid import MAX_COLUMNS, Grid
from hub.intake.reader.model import refuse

_META = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?\s*([A-Za-z0-9_-]+)", re.IGNORECASE)
_BLANKS = re.compile(r"[ \t\r\n\u00a0]+")
_BLOCKS = {"p", "div", "li", "br", "tr", "h1", "h2", "h3", "h4", "h5"}


def html_encoding(data: bytes) -> str | None:
    """The encoding a page declares, if it decodes by it (gb2312 and gbk are read as GB18030, which holds them)."""
    match = _META.search(data[:8192])
    if not match:
        return None
    name = match.group(1).decode("ascii").lower()
    name = {"gb2312": "gb18030", "gbk": "gb18030", "x-gbk": "gb18030", "utf8": "utf-8"}.get(name, name)
    try:
        data.decode(name)
    except (UnicodeDecodeError, LookupError):
        return None
    return name


def _visible(cell: Any) -> str:
    """Text of a cell: line breaks where the page breaks lines, other white space as one blank."""
    parts: list[str] = []

    def walk(element: Any) -> None:
        tag = element.tag if isinstance(element.tag, str) else ""
        if tag in {"script", "style", "head", "noscript"} or not tag:
            return
        if tag == "br":
            parts.append("\n")
        if element.text:
            parts.append(_BLANKS.sub(" ", element.text))
        for child in element:
            if child.tag in _BLOCKS - {"br"} and parts and not parts[-1].endswith("\n"):
                parts.append("\n")
            walk(child)
            if child.tail:
                parts.append(_BLANKS.sub(" ", child.tail))

    walk(cell)
    lines = [line.strip() for line in "".join(parts).split("\n")]
    return "\n".join(line for line in lines if line)


def _span(cell: Any, name: str) -> int:
    raw = re.sub(r"\D", "", cell.get(name) or "")
    return min(max(int(raw[:5] or 1), 1), 65536) if raw else 1


def _grid_of(table: Any, name: str) -> Grid:
    grid = Grid(name)
    taken: dict[int, set[int]] = {}
    rows = [tr for tr in table.iter("tr") if next((a for a in tr.iterancestors("table")), None) is table]
    for number, tr in enumerate(rows, 1):
        column = 0
        if "display:none" in (tr.get("style") or "").replace(" ", "").lower():
            grid.hidden_rows.add(number)
        for cell in tr:
            if cell.tag not in {"td", "th"}:
                continue
            while column in taken.get(number, ()):
                column += 1
            wide, high = min(_span(cell, "colspan"), MAX_COLUMNS), _span(cell, "rowspan")
            high = min(high, len(rows) - number + 1)
            if wide > 1 or high > 1:
                grid.merges.append((number, column, number + high - 1, column + wide - 1))
            for r in range(number + 1, number + high):
                taken.setdefault(r, set()).update(range(column, column + wide))
            if text := _visible(cell):
                grid.put(number, column, text)
            column += wide
    grid.has_merges = bool(grid.merges)
    return grid


def _is_layout(table: Any) -> bool:
    """A table that only places other tables on a page."""
    return next(table.iter("table"), None) is not None and any(t is not table for t in table.iter("table"))


def read_html(text: str) -> list[Grid]:
    """The data tables of a page, or, when there is none, the lines of its longest text.

    Raises:
        FormatError: nothing to read in it.
    """
    import lxml.html
    from lxml import etree

    try:
        page = lxml.html.document_fromstring(
            text.lstrip("\ufeff\x00").encode("utf-8", "replace"), parser=lxml.html.HTMLParser(encoding="utf-8")
        )
    except (etree.ParserError, etree.XMLSyntaxError, ValueError) as error:
        raise refuse("网页内容是空的或已损坏。", "请发送方另存为 .xlsx 后重新报送。", str(error)[:200]) from None
    grids = [_grid_of(t, "") for t in page.iter("table") if not _is_layout(t)]
    grids = [g for g in grids if g.rows]
    if grids:
        return _stacked(grids)
    raise refuse("网页里没有表格。", "请发送方另存为 .xlsx 或 .csv 后重新报送。")


def _stacked(grids: list[Grid]) -> list[Grid]:
    """The largest table with what stands round it as one sheet: HTML exports put titles and notes in small tables."""
    whole = Grid("")
    offset = 0
    for grid in grids:
        for row, cells in grid.rows.items():
            whole.rows[row + offset] = cells
        whole.merges += [(a + offset, b, c + offset, d) for a, b, c, d in grid.merges]
        whole.hidden_rows |= {r + offset for r in grid.hidden_rows}
        offset += max(grid.rows)
    whole.has_merges = bool(whole.merges)
    return [whole]
