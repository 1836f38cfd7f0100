"""Rarer containers: binary workbooks (.xlsb), OpenDocument (.ods), web archives (.mht)."""

from __future__ import annotations

import datetime as dt
import email
import email.policy
import io
from typing import Any

from hub.intake.reader import text
from hub.intake.reader.grid import Grid, number_text
from hub.intake.reader.markup import html_encoding, read_html
from hub.intake.reader.model import refuse


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, (int, float)):
        return number_text(float(value))
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat(sep=" ")
    return str(value)


def read_calamine(data: bytes) -> list[Grid]:
    """Workbooks that only the calamine library reads.

    Raises:
        FormatError: damaged or locked.
    """
    import python_calamine

    try:
        book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
        grids = []
        for sheet in book.sheets_metadata:
            if "WorkSheet" not in str(sheet.typ):
                continue
            grid = Grid(sheet.name, hidden=not str(sheet.visible).endswith("Visible"))
            source = book.get_sheet_by_name(sheet.name)
            for number, values in enumerate(source.to_python(skip_empty_area=False), 1):
                for column, value in enumerate(values):
                    if value is not None and value != "":
                        grid.put(number, column, _shown(value))
            grid.merges = [(a + 1, b, c + 1, d) for (a, b), (c, d) in source.merged_cell_ranges or ()]
            grid.has_merges = bool(grid.merges)
            grids.append(grid)
    except (python_calamine.CalamineError, OSError, ValueError) as error:
        raise refuse(
            "表格文件已损坏或设有密码，无法读取。", "请发送方另存为 .xlsx 后重新报送。", repr(error)[:200]
        ) from None
    return grids


def read_mhtml(data: bytes) -> list[Grid]:
    """Excel's "single web page": the pages inside, one sheet each.

    Raises:
        FormatError: no table in it.
    """
    message = email.message_from_bytes(data.lstrip(), policy=email.policy.default)
    grids: list[Grid] = []
    for part in message.walk():
        if part.get_content_type() != "text/html":
            continue
        payload = part.get_payload(decode=True)
        if not isinstance(payload, bytes) or b"<table" not in payload.lower():
            continue
        encoding = html_encoding(payload) or text.detect_encoding(payload) or "gb18030"
        for grid in read_html(payload.decode(encoding, "replace")):
            grid.name = f"Sheet{len(grids) + 1}"
            grids.append(grid)
    if not grids:
        raise refuse("网页存档里没有表格。", "请发送方另存为 .xlsx 后重新报送。")
    return grids
