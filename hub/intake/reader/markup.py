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
    grid.height = len(rows)
    return grid


def _is_layout(table: Any) -> bool:
    """A table that only places other tables on a page."""
    return any(t is not table for t in table.iter("table"))


def _link_share(table: Any) -> float:
    """How much of a table's text is links: menus are all links, data hardly."""
    whole = _letters(table)
    return sum(_letters(a) for a in table.iter("a")) / whole if whole else 1.0


def _letters(element: Any) -> int:
    return len("".join("".join(element.itertext()).split()))


def read_html(text: str) -> list[Grid]:
    """The data tables of a page as one sheet, rows counted through; when there is none, the lines of its longest list.

    Raises:
        FormatError: nothing to read in it.
    """
    import lxml.html
    from lxml import etree

    text = text.lstrip("\ufeff\x00")
    try:
        parser = lxml.html.HTMLParser(encoding="utf-8", huge_tree=False)
        page = lxml.html.document_fromstring(text.encode("utf-8", "replace"), parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError, ValueError) as error:
        raise refuse("网页内容是空的或已损坏。", "请发送方另存为 .xlsx 后重新报送。", str(error)[:200]) from None
    if page.find(".//frameset") is not None:
        raise refuse("这是 Excel 存成的网页框架，数据在另外的文件里。", "请发送方用 Excel 另存为 .xlsx 后重新报送。")
    tables = [t for t in page.iter("table") if not _is_layout(t)]
    grids = [(t, g) for t in tables if (g := _grid_of(t, "")).rows]
    is_export = all(not _is_layout(t) for t in page.iter("table")) and not any(
        True for t in tables for _ in t.iter("a")
    )
    if not is_export:
        grids = [(t, g) for t, g in grids if _is_data(g) and _link_share(t) < 0.6]
    if grids:
        whole = _stacked([g for _, g in grids])
        whole.context = _texts_around(page) if is_export else []
        return [whole]
    if (lines := _longest_list(page)) is not None:
        return [lines]
    raise refuse("网页里没有表格。", "请发送方另存为 .xlsx 或 .csv 后重新报送。")


def _texts_around(page: Any) -> list[str]:
    """Short texts outside the tables of an exported page: its titles and dates."""
    texts = []
    for element in page.iter("h1", "h2", "h3", "h4", "p", "div", "caption", "center"):
        if any(True for _ in element.iter("table")) or next(element.iterancestors("td"), None) is not None:
            continue
        if (text := _visible(element).replace("\n", " ")) and len(text) <= 120:
            texts.append(text)
    return list(dict.fromkeys(texts))[:10]


def _is_data(grid: Grid) -> bool:
    """Enough rows of the same width, short cells: not a frame round an article."""
    widths = [sum(1 for x in cells if x) for cells in grid.rows.values()]
    usual = max(set(widths), key=widths.count)
    longest = max(len(x) for cells in grid.rows.values() for x in cells)
    return len(widths) >= 3 and widths.count(usual) >= len(widths) * 0.5 and (usual > 1 or longest < 200)


def _longest_list(page: Any) -> Grid | None:
    """The lines of the element with most line breaks or paragraphs of its own, at least five."""
    best, most = None, 4
    for element in page.iter(
        "td", "div", "span", "p", "article", "section", "body", "ul", "ol", "font", "center", "pre"
    ):
        own = sum(1 for child in element if child.tag in {"br", "p", "li", "div"})
        if own > most and _link_share(element) < 0.6:  # menus are no lists
            best, most = element, own
    if best is None:
        return None
    lines = [line for line in _visible(best).split("\n") if line.strip()]
    if len(lines) < 5:
        return None
    return Grid("", rows={n: [line] for n, line in enumerate(lines, 1)}, paragraphs=True)


def _stacked(grids: list[Grid]) -> Grid:
    """Tables one below the other as one sheet: HTML exports put titles and notes in small tables of their own."""
    whole = Grid("")
    offset = 0
    for grid in grids:
        for row, cells in grid.rows.items():
            whole.rows[row + offset] = cells
        whole.merges += [(a + offset, b, c + offset, d) for a, b, c, d in grid.merges]
        whole.hidden_rows |= {r + offset for r in grid.hidden_rows}
        offset += grid.height
    whole.height = offset
    whole.has_merges = bool(whole.merges)
    return whole
