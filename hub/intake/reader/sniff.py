"""What a file is, by its bytes. The name is never believed."""

from __future__ import annotations

import io
import re
import struct
import zipfile

from hub.intake.reader.columnar import PARQUET_MARK, is_json_document, is_json_lines

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_BIFF_STREAM = re.compile(rb"^\x09[\x00\x02\x04\x08][\x04-\x10]\x00")
_HTML = re.compile(rb"<\s*(!doctype\s+html|html|head|body|table|tr\b|meta\b|style\b|div\b|center\b)", re.IGNORECASE)
_XML2003 = re.compile(
    rb"urn:schemas-microsoft-com:office:spreadsheet|<\?mso-application\s+progid=\"Excel", re.IGNORECASE
)
_WORD_STREAM = "WordDocument".encode("utf-16-le")
_PICTURES = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"II*\x00", b"MM\x00*", b"BM")


def sniff(data: bytes) -> str:
    """One of xlsx, xlsb, ods, docx, pptx, ofd, zip, xls, doc, ole, html, xml2003, fods, sylk, xml, mhtml, rtf, pdf, rar,
    picture, parquet, json, jsonl, empty, text."""
    if not data.strip(b"\x00 \t\r\n"):
        return "empty"
    if data[:4] in (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08"):
        return _zip_kind(data)
    if data.startswith(_OLE):
        return _ole_kind(data)
    if _BIFF_STREAM.match(data):
        return "xls"
    if data.startswith(b"%PDF"):
        return "pdf"
    if data.startswith(PARQUET_MARK):
        return "parquet"
    if data[:6] in (b"Rar!\x1a\x07", b"7z\xbc\xaf\x27\x1c") or data[:2] == b"\x1f\x8b":
        return "rar"
    if any(data.startswith(mark) for mark in _PICTURES):
        return "picture"
    head = data[:16384]
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        head = head.decode("utf-16", "ignore").encode("utf-8", "ignore")
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n\x00")
    if b"urn:oasis:names:tc:opendocument" in head:
        return "fods"
    if start.startswith((b"ID;P", b"TABLE\r\n0,1", b"TABLE\n0,1")):
        return "sylk"
    if start.startswith(b"<") and _XML2003.search(head):
        return "xml2003"
    if start.startswith(b"<") and _HTML.search(head):
        return "html"
    if start.startswith(b"<?xml"):
        return "xml"
    if start.startswith(b"MIME-Version:") and b"multipart/related" in head:
        return "mhtml"
    if start.startswith(b"{\\rtf"):
        return "rtf"
    if is_json_lines(head):
        return "jsonl"
    return "json" if is_json_document(start) else "text"


def _zip_kind(data: bytes) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = {n.replace("\\", "/").lstrip("/").lower() for n in archive.namelist()}
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError, UnicodeDecodeError):
        return "damaged zip"
    if "xl/workbook.bin" in names:
        return "xlsb"
    if "xl/workbook.xml" in names or any(n.startswith("xl/worksheets/") for n in names):
        return "xlsx"
    if "word/document.xml" in names:
        return "docx"
    if "ppt/presentation.xml" in names:
        return "pptx"
    if "ofd.xml" in names:
        return "ofd"
    if "content.xml" in names and "meta-inf/manifest.xml" in names:
        return "ods"
    return "xlsx" if "[content_types].xml" in names else "zip"


def _ole_kind(data: bytes) -> str:
    workbook = "Workbook".encode("utf-16-le") in data or "Book\x00".encode("utf-16-le") in data
    if "EncryptedPackage".encode("utf-16-le") in data:
        return "encrypted"
    word = _WORD_STREAM in data
    if workbook and word:  # one is embedded in the other
        workbook = not _is_word(data)
    if workbook:
        return "xls"
    return "doc" if word else "ole"


def _is_word(data: bytes) -> bool:
    """Whether the document itself is Word's: its stream lies at the root of the container."""
    import olefile

    try:
        with olefile.OleFileIO(io.BytesIO(data)) as container:
            return bool(container.exists("WordDocument"))
    except (OSError, ValueError, IndexError, TypeError, AttributeError, struct.error):
        return False  # a damaged container: the parser of workbooks says what is wrong
