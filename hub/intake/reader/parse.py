"""From bytes to grids: picks the parser by content, decrypts what opens with Excel's built-in password, refuses the
rest in words a clerk understands. Runs inside the limited child process.
"""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass, field

from hub.intake.reader import biff, markup, text, xlsx
from hub.intake.reader.grid import Grid
from hub.intake.reader.model import refuse
from hub.intake.reader.sniff import sniff


@dataclass(slots=True)
class Parsed:
    """What a file holds before its layout is understood."""

    format: str
    encoding: str | None = None
    encrypted: bool = False
    grids: list[Grid] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


_REFUSALS = {
    "empty": ("文件是空的。", "请发送方检查导出是否成功，重新报送。"),
    "pdf": ("这是 PDF 文件，不能作为数据读取。", "请发送方提供 Excel 或 CSV 原表。"),
    "picture": ("这是图片，不能作为数据读取。", "请发送方提供 Excel 或 CSV 原表。"),
    "doc": ("这是旧版 Word（.doc）文件，无法可靠读取。", "请发送方用 Word 或 WPS 另存为 .docx 后重新报送。"),
    "rtf": ("这是 RTF 文件，无法可靠读取。", "请发送方用 Word 或 WPS 另存为 .docx 后重新报送。"),
    "rar": ("这是 RAR、7z 或 gz 压缩包。", "请发送方解压后报送，或改用 zip 压缩。"),
    "pptx": ("这是演示文稿，不是数据表。", "请发送方提供 Excel 或 CSV 原表。"),
    "ole": ("文件是 Office 旧格式，但里面没有工作簿。", "请发送方用 Excel 或 WPS 另存为 .xlsx 后重新报送。"),
    "xml": ("这是 XML 文件，但不是 Excel 的 XML 表格。", "请发送方另存为 .xlsx 或 .csv 后重新报送。"),
    "mhtml": ("这是网页存档（mht）。", "请发送方另存为 .xlsx 后重新报送。"),
    "damaged zip": (xlsx.DAMAGED.message, xlsx.DAMAGED.next_step),
}


def parse(data: bytes) -> Parsed:
    """All sheets of a file.

    Raises:
        FormatError: it cannot be read; the message says why and what to ask the sender for.
    """
    kind = sniff(data)
    if kind in _REFUSALS:
        message, next_step = _REFUSALS[kind]
        raise refuse(message, next_step, kind)
    parsed = Parsed(kind)
    if kind in {"xls", "encrypted"}:
        inner = biff.decrypt(data)
        if inner is not None:
            parsed.encrypted = True
            data, kind = inner, sniff(inner)
        elif kind == "encrypted":
            raise biff.locked()
    parsed.format = kind
    if kind == "xlsx":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parsed.grids = xlsx.read_xlsx(archive, parsed.remarks)
    elif kind == "xls":
        parsed.grids = biff.read_biff(data, parsed.remarks)
    elif kind == "html":
        declared = markup.html_encoding(data)
        encoding = text.detect_encoding(data)
        if declared and encoding not in {"utf-8", "utf-8-sig", "utf-16"}:
            encoding = declared
        decoded, shown = (data.decode(encoding, "replace"), encoding) if encoding else text.decode(data, parsed.remarks)
        parsed.encoding = shown
        parsed.grids = markup.read_html(decoded)
    elif kind == "text":
        decoded, parsed.encoding = text.decode(data, parsed.remarks)
        parsed.format, grid = text.read_text(decoded)
        parsed.grids = [grid]
    else:
        raise refuse(f"暂不支持这种文件（{kind}）。", "请发送方另存为 .xlsx 或 .csv 后重新报送。", kind)
    return parsed
