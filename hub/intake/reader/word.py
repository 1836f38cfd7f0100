"""Tables in Word files (.docx): lists often come as Word. Each table is a sheet of its own, 表1, 表2…; rows count from
its first.
"""

from __future__ import annotations

import zipfile
from typing import Any

from hub.intake.reader.grid import Grid
from hub.intake.reader.model import refuse, refuse_entities


def _name(element: Any) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _value(element: Any) -> str | None:
    return next((str(v) for k, v in element.attrib.items() if k.rpartition("}")[2] == "val"), None)


def _text(element: Any) -> str:
    """Text of a cell or paragraph; deleted text (tracked changes) left out, paragraphs on lines of their own."""
    parts: list[str] = []

    def walk(node: Any) -> None:
        for child in node:
            name = _name(child)
            if name == "t":
                parts.append(child.text or "")
            elif name in {"br", "cr"}:
                parts.append("\n")
            elif name == "tab":
                parts.append("\t")
            elif name == "p":
                if parts and not parts[-1].endswith("\n"):
                    parts.append("\n")
                walk(child)
            elif name not in {"del", "delText", "instrText", "moveFrom"}:
                walk(child)

    walk(element)
    return "".join(parts).strip()


def _grid(table: Any, name: str) -> Grid:
    grid = Grid(name)
    open_merges: dict[int, tuple[int, int]] = {}  # column -> (first row, width)
    last: dict[int, int] = {}
    rows = [row for row in table if _name(row) == "tr"]
    for number, row in enumerate(rows, 1):
        column = 0
        for cell in row.iter("{*}tc"):
            if next((a for a in cell.iterancestors("{*}tr")), None) is not row:
                continue
            wide, merge = 1, None
            for properties in cell.iterchildren("{*}tcPr"):
                for p in properties:
                    if _name(p) == "gridSpan" and (_value(p) or "").isdigit():
                        wide = min(int(_value(p) or 1), 1000)
                    elif _name(p) == "vMerge":
                        merge = _value(p) or "continue"
            if merge == "continue" and column in open_merges:
                last[column] = number
            else:
                if column in open_merges:
                    _close(grid, column, open_merges, last)
                if merge == "restart":
                    open_merges[column], last[column] = (number, wide), number
                elif wide > 1:
                    grid.merges.append((number, column, number, column + wide - 1))
                if text := _text(cell):
                    grid.put(number, column, text)
            column += wide
    for column in list(open_merges):
        _close(grid, column, open_merges, last)
    grid.has_merges, grid.height = bool(grid.merges), len(rows)
    return grid


def _close(grid: Grid, column: int, open_merges: dict[int, tuple[int, int]], last: dict[int, int]) -> None:
    first, wide = open_merges.pop(column)
    bottom = last.pop(column, first)
    if bottom > first or wide > 1:
        grid.merges.append((first, column, bottom, column + wide - 1))


def read_docx(archive: zipfile.ZipFile) -> list[Grid]:
    """The tables of a Word file; without tables, its paragraphs as lines.

    Raises:
        FormatError: damaged, or nothing in it.
    """
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=True)
    try:
        document = archive.read("word/document.xml")
        if b"<!DOCTYPE" in document[:4096]:
            raise refuse_entities()
        root = etree.fromstring(document, parser)
    except (KeyError, zipfile.BadZipFile, etree.XMLSyntaxError, RuntimeError, NotImplementedError) as error:
        raise refuse("Word 文件已损坏。", "请发送方用 Word 或 WPS 另存后重新报送。", repr(error)[:200]) from None
    body = next((child for child in root if _name(child) == "body"), None)
    grids: list[Grid] = []
    lines: list[str] = []
    before: list[str] = []
    for block in body.iter("{*}p", "{*}tbl") if body is not None else ():
        if next((a for a in block.iterancestors("{*}tbl")), None) is not None:
            continue
        if _name(block) == "tbl":
            grid = _grid(block, f"表{len(grids) + 1}")
            if grid.rows:
                grid.context = before[-5:]
                grids.append(grid)
            before = []
        elif text := _text(block):
            lines += text.split("\n")
            before.append(text[:500])
    if grids:
        return grids
    lines = [line for line in lines if line.strip()]
    if not lines:
        raise refuse("Word 文件里没有表格，也没有文字。", "请发送方检查文件后重新报送。")
    return [Grid("", rows={n: [line] for n, line in enumerate(lines, 1)}, paragraphs=True)]
