"""Excel workbooks of the binary kind (.xls, WPS's .et): BIFF 2 to 8, also encrypted with Excel's built-in password.
Macros are never run (`biff_macros` tells them)."""

from __future__ import annotations

import io
from typing import Any

from hub.errors import HubError
from hub.intake.reader.biff_macros import macro_remarks
from hub.intake.reader.grid import Grid, cell_number
from hub.intake.reader.model import LockedError, refuse

_WESTERN = (None, 367, 1252, 32769)  # code pages
BUILT_IN_PASSWORD = "VelvetSweatshop"  # noqa: S105  every Excel tries it silently: a file that opens without asking


def _damaged(detail: str) -> HubError:
    return refuse(
        "Excel（.xls）文件已损坏，无法读取。", "请发送方用 Excel 或 WPS 打开、另存为 .xlsx 后重新报送。", detail
    )


def locked(detail: str = "") -> LockedError:
    """The refusal of a file with a password of its own."""
    return LockedError(
        "文件设有打开密码，无法读取。",
        next_step="请发送方取消密码（文件 → 信息 → 保护工作簿）后重新报送。",
        detail=detail,
    )


class EncryptedWorkbookError(Exception):
    """The workbook says it is encrypted: `decrypt` it first."""


def decrypt(data: bytes) -> bytes | None:
    """The workbook inside an encrypted file that opens with Excel's built-in password; None if it is not encrypted.

    Raises:
        FormatError: it is encrypted with a password of its own.
    """
    import msoffcrypto
    from msoffcrypto import exceptions

    try:
        office = msoffcrypto.OfficeFile(io.BytesIO(data))
        if not office.is_encrypted():
            return None
    except (exceptions.FileFormatError, exceptions.ParseError, OSError, ValueError, KeyError, IndexError):
        return None  # not a container it knows: let the parser of the format say what is wrong
    out = io.BytesIO()
    try:
        office.load_key(password=BUILT_IN_PASSWORD)
        office.decrypt(out)
    except Exception as error:  # noqa: BLE001  the library raises anything from bare Exception down on a wrong password
        raise locked(repr(error)[:200]) from None
    return out.getvalue()


def read_biff(data: bytes, remarks: list[str]) -> list[Grid]:
    """All worksheets of a BIFF workbook, hidden ones marked.

    Raises:
        FormatError: damaged, or no worksheet in it.
        EncryptedWorkbookError: it is encrypted.
    """
    import xlrd

    book: Any = None
    errors: list[str] = []
    for options in ({"formatting_info": True}, {}, {"ignore_workbook_corruption": True}):
        try:
            book = xlrd.open_workbook(file_contents=data, logfile=io.StringIO(), **options)
            if errors:
                remarks.append("文件的格式信息有缺损，已按内容读取。")
            break
        except MemoryError:
            raise
        except xlrd.XLRDError as error:
            if "encrypted" in str(error).lower():
                raise EncryptedWorkbookError from None
            errors.append(repr(error)[:120])
        except Exception as error:  # noqa: BLE001  xlrd meets damage with whatever its unpacking raises
            errors.append(repr(error)[:120])
    if book is None:
        raise _damaged("; ".join(errors))
    if book.biff_version < 80 and book.codepage in _WESTERN:  # before Unicode, and the file does not say it is Chinese
        book = xlrd.open_workbook(file_contents=data, logfile=io.StringIO(), encoding_override="gb18030")
    remarks += macro_remarks(data)
    with_formats = bool(book.formatting_info)
    grids = [_sheet(book, sheet, with_formats) for sheet in book.sheets()]
    if not grids:
        raise refuse("工作簿里没有工作表。", "请发送方确认文件内容后重新报送。")
    return grids


def _sheet(book: Any, sheet: Any, with_formats: bool) -> Grid:
    import xlrd

    base_1904 = book.datemode == 1
    grid = Grid(sheet.name, hidden=sheet.visibility != 0)
    for top, bottom, left, right in sheet.merged_cells:
        if (bottom - top, right - left) != (1, 1):
            grid.merges.append((top + 1, left, bottom, right - 1))
    grid.has_merges = bool(grid.merges)
    grid.hidden_rows = {r + 1 for r, info in sheet.rowinfo_map.items() if info.hidden}
    codes: dict[int, str] = {}
    if with_formats:
        for number, xf in enumerate(book.xf_list):
            code = book.format_map.get(xf.format_key)
            codes[number] = code.format_str if code is not None else "General"
    for r in range(sheet.nrows):
        cells: list[str] = []
        kinds, values = sheet.row_types(r), sheet.row_values(r)
        styles = sheet._cell_xf_indexes[r] if with_formats else None
        for c, (kind, value) in enumerate(zip(kinds, values, strict=True)):
            if kind in (xlrd.XL_CELL_EMPTY, xlrd.XL_CELL_BLANK):
                cells.append("")
            elif kind == xlrd.XL_CELL_TEXT:
                cells.append(value)
            elif kind == xlrd.XL_CELL_BOOLEAN:
                cells.append("TRUE" if value else "FALSE")
            elif kind == xlrd.XL_CELL_ERROR:
                cells.append(xlrd.error_text_from_code.get(value, "#N/A"))
            else:
                code = codes.get(styles[c], "General") if styles is not None else "General"
                cells.append(cell_number(value, code, is_date=kind == xlrd.XL_CELL_DATE, base_1904=base_1904))
        while cells and not cells[-1]:
            cells.pop()
        if cells:
            grid.rows[r + 1] = cells
    return grid
