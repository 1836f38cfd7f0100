"""Macros of .xls workbooks: found to be told, never read and never run.

A workbook with Visual Basic keeps it in a storage of its own beside the sheets' stream; macros of Excel 4 stand in sheets of
their own kind, which parsers pass over without a word. Source: [MS-XLS] 2.1.2 (streams), 2.4.28 (BoundSheet8).
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator

_VBA_STORAGES = ("_VBA_PROJECT_CUR", "_VBA_PROJECT", "Macros")
_BOUND_SHEET, _END = 0x0085, 0x000A
_MACRO_SHEET, _MODULE = 1, 6
_UNICODE_BIFF = 0x0600


def macro_remarks(data: bytes) -> list[str]:
    """What to tell about the macros of a workbook; nothing when it has none. A damaged container is the parser's to refuse."""
    import olefile

    if not olefile.isOleFile(data=data):
        return []
    try:
        with olefile.OleFileIO(io.BytesIO(data)) as container:
            basic = any(container.exists(name) for name in _VBA_STORAGES)
            stream = next((n for n in ("Workbook", "Book") if container.exists(n)), None)
            head = container.openstream(stream).read() if stream else b""
    except (OSError, ValueError, IndexError, TypeError, AttributeError, struct.error):
        return []
    sheets = list(_bound_sheets(head))
    told = ["文件含有宏，已忽略，未运行。"] * (basic or any(kind == _MODULE for kind, _ in sheets))
    return told + [f"“{name}”是宏表，已忽略。" for kind, name in sheets if kind == _MACRO_SHEET]


def _bound_sheets(stream: bytes) -> Iterator[tuple[int, str]]:
    """(kind, name) of each sheet the workbook's globals announce."""
    place, version = 0, 0
    while place + 4 <= len(stream):
        record, length = struct.unpack_from("<HH", stream, place)
        body = stream[place + 4 : place + 4 + length]
        if not place and length >= 2:
            version = struct.unpack_from("<H", body)[0]
        if record == _END:
            return
        if record == _BOUND_SHEET and length >= 8:
            text = body[8:] if version >= _UNICODE_BIFF else body[7:]
            wide = version >= _UNICODE_BIFF and bool(body[7] & 1)
            yield (
                body[5],
                text.decode("utf-16-le" if wide else "gb18030" if version < _UNICODE_BIFF else "latin-1", "replace"),
            )
        place += 4 + length
