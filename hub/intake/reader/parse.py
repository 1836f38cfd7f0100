"""From bytes to grids: picks the parser by content, decrypts what opens with Excel's built-in password, refuses the
rest in words a clerk understands. Runs inside the limited child process.
"""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass, field

from hub.errors import HubError
from hub.intake.reader import archive, biff, columnar, markup, other, text, word, xlsx, xml2003
from hub.intake.reader.grid import Grid
from hub.intake.reader.model import SheetReading, refuse
from hub.intake.reader.sniff import sniff


@dataclass(slots=True)
class Parsed:
    """What a file holds before its layout is understood."""

    format: str
    encoding: str | None = None
    encrypted: bool = False
    grids: list[Grid] = field(default_factory=list)
    sheets: list[SheetReading] = field(default_factory=list)  # of formats that need no layout to be understood
    remarks: list[str] = field(default_factory=list)


_REFUSALS = {
    "empty": ("文件是空的。", "请发送方检查导出是否成功，重新报送。"),
    "pdf": ("这是 PDF 文件，不能作为数据读取。", "请发送方提供 Excel 或 CSV 原表。"),
    "ofd": ("这是 OFD 版式文件，不能作为数据读取。", "请发送方提供 Excel 或 CSV 原表。"),
    "picture": ("这是图片，不能作为数据读取。", "请发送方提供 Excel 或 CSV 原表。"),
    "doc": ("这是旧版 Word（.doc）文件，无法可靠读取。", "请发送方用 Word 或 WPS 另存为 .docx 后重新报送。"),
    "rtf": ("这是 RTF 文件，无法可靠读取。", "请发送方用 Word 或 WPS 另存为 .docx 后重新报送。"),
    "rar": ("这是 RAR、7z 或 gz 压缩包。", "请发送方解压后报送，或改用 zip 压缩。"),
    "pptx": ("这是演示文稿，不是数据表。", "请发送方提供 Excel 或 CSV 原表。"),
    "ole": ("文件是 Office 旧格式，但里面没有工作簿。", "请发送方用 Excel 或 WPS 另存为 .xlsx 后重新报送。"),
    "xml": ("这是 XML 文件，但不是 Excel 的 XML 表格。", "请发送方另存为 .xlsx 或 .csv 后重新报送。"),
    "fods": ("这是 OpenDocument 的单文件格式（fods）。", "请发送方另存为 .xlsx 后重新报送。"),
    "sylk": ("这是 SYLK 或 DIF 旧格式的表格。", "请发送方另存为 .xlsx 后重新报送。"),
    "damaged zip": ("文件已损坏，像是没有传完。", "请发送方检查原文件能否打开，重新报送。"),
}

_ATTACHMENTS = {"pdf", "ofd", "picture", "pptx", "empty"}


def parse(data: bytes, *, inside_zip: bool = False) -> Parsed:
    """All sheets of a file. A zip of several files gives the sheets of all, named `file/sheet`.

    Raises:
        FormatError: it cannot be read; the message says why and what to ask the sender for.
    """
    kind = sniff(data)
    if kind in _REFUSALS:
        message, next_step = _REFUSALS[kind]
        raise refuse(message, next_step, kind)
    parsed = Parsed(kind)
    if kind == "encrypted":
        data, kind = _decrypted(data, parsed)
    parsed.format = kind
    if kind in {"xlsx", "docx", "zip"}:
        _parse_zip(data, parsed, inside_zip=inside_zip)
    elif kind == "xls":
        try:
            parsed.grids = biff.read_biff(data, parsed.remarks)
        except biff.EncryptedWorkbookError:
            parsed.grids = biff.read_biff(_decrypted(data, parsed)[0], parsed.remarks)
    elif kind in {"xlsb", "ods"}:
        parsed.grids = other.read_calamine(data)
    elif kind == "xml2003":
        parsed.grids = xml2003.read_xml2003(data)
    elif kind == "mhtml":
        parsed.grids = other.read_mhtml(data)
    elif kind == "html":
        _parse_html(data, parsed)
    elif kind == "parquet":
        parsed.sheets = [columnar.read_parquet(data)]
    elif kind in {"json", "jsonl"}:
        decoded, parsed.encoding = text.decode(data, parsed.remarks)
        read = columnar.read_json_lines if kind == "jsonl" else columnar.read_json_document
        parsed.sheets = [read(decoded)]
    else:
        decoded, parsed.encoding = text.decode(data, parsed.remarks)
        parsed.format, grid = text.read_text(decoded, parsed.remarks)
        parsed.grids = [grid]
    return parsed


def _decrypted(data: bytes, parsed: Parsed) -> tuple[bytes, str]:
    """The workbook inside an encrypted one, and its kind."""
    inner = biff.decrypt(data)
    if inner is None:
        raise biff.locked()
    parsed.encrypted = True
    return inner, sniff(inner)


def _parse_html(data: bytes, parsed: Parsed) -> None:
    encoding = text.detect_encoding(data)
    if encoding not in {"utf-8", "utf-8-sig", "utf-16"}:
        encoding = markup.html_encoding(data) or encoding
    if encoding is None:
        decoded, encoding = text.decode(data, parsed.remarks)
    else:
        decoded = data.decode(encoding, "replace")
    parsed.encoding = encoding
    parsed.grids = markup.read_html(decoded)


def _parse_zip(data: bytes, parsed: Parsed, *, inside_zip: bool) -> None:
    with zipfile.ZipFile(io.BytesIO(data)) as opened:
        archive.check_bomb(opened)
        if parsed.format == "xlsx":
            parsed.grids = xlsx.read_xlsx(opened, parsed.remarks)
        elif parsed.format == "docx":
            parsed.grids = word.read_docx(opened)
        elif inside_zip:
            raise refuse("压缩包里还有压缩包。", "请发送方解开内层压缩包后重新报送。")
        else:
            _parse_members(opened, parsed)


def _parse_members(opened: zipfile.ZipFile, parsed: Parsed) -> None:
    for name, content in archive.members(opened):
        if sniff(content) in _ATTACHMENTS:
            parsed.remarks.append(f"“{name}”不是数据表，未读取。")
            continue
        try:
            inner = parse(content, inside_zip=True)
        except HubError as error:
            raise refuse(f"压缩包里的“{name}”读不了：{error.message}", error.next_step, error.detail) from None
        parsed.encrypted |= inner.encrypted
        parsed.remarks += [f"“{name}”：{remark}" for remark in inner.remarks]
        for grid in inner.grids:
            grid.name = f"{name}/{grid.name}" if grid.name else name
            parsed.grids.append(grid)
        for sheet in inner.sheets:
            sheet.name = name
            parsed.sheets.append(sheet)
    if not parsed.grids and not parsed.sheets:
        raise refuse("压缩包里没有数据表。", "请发送方检查后重新报送。")
