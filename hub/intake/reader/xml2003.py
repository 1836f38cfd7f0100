"""XML Spreadsheet 2003, which many systems export under the name .xls."""

from __future__ import annotations

import io
from typing import Any

from hub.intake.reader.grid import MAX_COLUMNS, Grid, number_text
from hub.intake.reader.model import refuse, refuse_entities


def _get(element: Any, name: str) -> str | None:
    for key, value in element.attrib.items():
        if key.rpartition("}")[2] == name:
            return str(value)
    return None


def _whole(text: str | None, otherwise: int) -> int:
    return int(text) if text and text.strip().isdigit() else otherwise


def _cell_text(data: Any) -> str:
    text = "".join(data.itertext())
    kind = _get(data, "Type")
    if kind == "Number":
        try:
            return number_text(float(text))
        except ValueError:
            return text
    if kind == "DateTime":
        return text.removesuffix(".000").removesuffix("T00:00:00").replace("T", " ")
    if kind == "Boolean":
        return "TRUE" if text.strip() == "1" else "FALSE"
    return text


def read_xml2003(data: bytes) -> list[Grid]:
    """All worksheets.

    Raises:
        FormatError: it is not well-formed, or defines entities.
    """
    from lxml import etree

    if b"<!DOCTYPE" in data[:65536] or b"<!ENTITY" in data[:65536]:
        raise refuse_entities()
    grids: list[Grid] = []
    try:
        events = etree.iterparse(
            io.BytesIO(data.lstrip(b"\xef\xbb\xbf \t\r\n")),
            events=("start", "end"),
            tag=("{*}Worksheet", "{*}Row", "{*}Visible"),
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            huge_tree=True,
        )
        number = 0
        for event, element in events:
            name = element.tag.rpartition("}")[2]
            if event == "start":
                if name == "Worksheet":
                    grids.append(Grid(_get(element, "Name") or f"Sheet{len(grids) + 1}"))
                    number = 0
                continue
            if name == "Visible" and grids:
                grids[-1].hidden = (element.text or "").strip() != "SheetVisible"
            elif name == "Row" and grids:
                number = _whole(_get(element, "Index"), number + 1)
                _row(element, number, grids[-1])
                element.clear()
    except etree.XMLSyntaxError as error:
        raise refuse("XML 表格文件已损坏。", "请发送方另存为 .xlsx 后重新报送。", str(error)[:200]) from None
    for grid in grids:
        grid.has_merges = bool(grid.merges)
    if not grids:
        raise refuse("XML 文件里没有工作表。", "请发送方另存为 .xlsx 后重新报送。")
    return grids


def _row(element: Any, number: int, grid: Grid) -> None:
    if _get(element, "Hidden") == "1":
        grid.hidden_rows.add(number)
    column = 0
    for cell in element:
        if not isinstance(cell.tag, str) or cell.tag.rpartition("}")[2] != "Cell":
            continue
        column = _whole(_get(cell, "Index"), column + 1)
        across, down = _whole(_get(cell, "MergeAcross"), 0), _whole(_get(cell, "MergeDown"), 0)
        if column > MAX_COLUMNS:
            raise refuse("表格的列数超出 Excel 的范围。", "请发送方检查文件后重新报送。")
        if across or down:
            grid.merges.append((number, column - 1, number + down, column - 1 + across))
        for child in cell:
            if isinstance(child.tag, str) and child.tag.rpartition("}")[2] == "Data" and (text := _cell_text(child)):
                grid.put(number, column - 1, text)
        column += across
