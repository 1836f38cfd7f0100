"""The same small table in containers as odd as real programs write them: each must give the same account."""

from __future__ import annotations

import base64
import io
import json
import quopri
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hub.intake.reader import read_file
from tests.intake.reader import builders
from tests.intake.reader.builders import Sheet, account_of

ROWS: list[list[Any]] = [
    ["清禾县合作社名单"],
    ["序号", "合作社名称", "理事长", "成立日期", "金额"],
    ["1", "甲种植专业合作社", "王芳", "2020-01-02", 3.5],
    ["2", "乙养殖专业合作社", "李强", "2021-03-04", 8],
    ["合计", None, None, None, 11.5],
]
ACCOUNT = "thddT"
SHEET = Sheet(ROWS, ("A1:E1",))
PART = "xl/worksheets/sheet1.xml"
STRINGS = "xl/sharedStrings.xml"


def _shared_strings() -> bytes:
    import xlsxwriter

    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        page = book.add_worksheet()
        for number, cells in enumerate(ROWS):
            for column, value in enumerate(cells):
                if value is not None:
                    page.write(number, column, value)
        page.merge_range(0, 0, 0, 4, ROWS[0][0])
    return out.getvalue()


def _members(package: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


BOOK = _shared_strings()
PARTS = _members(BOOK)


def _sheet_changed(change: Callable[[bytes], bytes]) -> bytes:
    changed = change(PARTS[PART])
    assert changed != PARTS[PART]
    return builders.replaced(BOOK, {PART: changed})


def _renamed(rename: Callable[[str], str]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in PARTS.items():
            info = zipfile.ZipInfo("x")
            info.filename = rename(name)
            archive.writestr(info, data)
    return out.getvalue()


def _strict() -> bytes:
    base, strict = b"http://schemas.openxmlformats.org", b"http://purl.oclc.org/ooxml"
    return builders.zipped(
        {
            name: data.replace(base + b"/spreadsheetml/2006/main", strict + b"/spreadsheetml/main").replace(
                base + b"/officeDocument/2006/relationships", strict + b"/officeDocument/relationships"
            )
            for name, data in PARTS.items()
        }
    )


def _inline() -> bytes:
    texts = re.findall(r"<si><t[^>]*>(.*?)</t></si>", PARTS[STRINGS].decode())

    def cell(match: re.Match[bytes]) -> bytes:
        return f'<c r="{match[1].decode()}" t="inlineStr"><is><t>{texts[int(match[2])]}</t></is></c>'.encode()

    sheet = re.sub(rb'<c r="([A-Z]+\d+)"[^>]*? t="s"><v>(\d+)</v></c>', cell, PARTS[PART])
    return builders.replaced(BOOK, {PART: sheet, STRINGS: None})


def _rows_out_of_order(sheet: bytes) -> bytes:
    third, fourth = re.findall(rb"<row .*?</row>", sheet, re.DOTALL)[2:4]
    return sheet.replace(fourth, b"@@").replace(third, fourth).replace(b"@@", third)


def _with_phonetics() -> bytes:
    plain = "<si><t>王芳</t></si>".encode()
    rich = '<si><r><t>王</t></r><r><rPr><b/></rPr><t>芳</t></r><rPh sb="0" eb="1"><t>wang</t></rPh></si>'.encode()
    assert plain in PARTS[STRINGS]
    return builders.replaced(BOOK, {STRINGS: PARTS[STRINGS].replace(plain, rich)})


def _protected() -> bytes:
    return builders.replaced(
        BOOK,
        {
            "xl/workbook.xml": PARTS["xl/workbook.xml"].replace(
                b"<sheets>", b'<workbookProtection workbookPassword="CC1A" lockStructure="1"/><sheets>'
            ),
            PART: PARTS[PART].replace(b"</sheetData>", b'</sheetData><sheetProtection password="CC1A" sheet="1"/>'),
        },
    )


def _utf_16(sheet: bytes) -> bytes:
    text = re.sub(r"<\?xml.*?\?>", '<?xml version="1.0" encoding="UTF-16"?>', sheet.decode())
    return b"\xff\xfe" + text.encode("utf-16-le")


def _archive(*pages: tuple[str, bytes]) -> bytes:
    out = b'MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary="----=_Next"\r\n\r\n'
    for encoding, page in pages:
        body = quopri.encodestring(page) if encoding == "quoted-printable" else base64.encodebytes(page)
        head = f"Content-Transfer-Encoding: {encoding}\r\nContent-Type: text/html; charset=gb2312\r\n\r\n"
        out += b"------=_Next\r\n" + head.encode() + body + b"\r\n"
    return out + b"------=_Next--\r\n"


TEXT = builders.csv_text(SHEET)
PAGE = builders.html(SHEET)
TABLE = PAGE[PAGE.index(b"<table") : PAGE.index(b"</body")]
CONTAINERS: dict[str, Callable[[], bytes]] = {
    "strict OOXML": _strict,
    "no styles": lambda: builders.replaced(BOOK, {"xl/styles.xml": None}),
    "strings in the cells": _inline,
    "paths that begin with a slash": lambda: _renamed(lambda n: f"/{n}"),
    "paths with backslashes": lambda: _renamed(lambda n: n.replace("/", "\\")),
    "cells without references": lambda: _sheet_changed(lambda s: re.sub(rb' r="[A-Z]*\d+"', b"", s)),
    "rows out of order": lambda: _sheet_changed(_rows_out_of_order),
    "a formula never calculated": lambda: _sheet_changed(
        lambda s: s.replace(b"<v>11.5</v>", b"<f>SUM(E3:E4)</f><v></v>")
    ),
    "an error in a cell": lambda: _sheet_changed(
        lambda s: re.sub(rb'<c r="E3"[^>]*><v>3.5</v></c>', b'<c r="E3" t="e"><v>#REF!</v></c>', s)
    ),
    "a part in UTF-16": lambda: _sheet_changed(_utf_16),
    "a part with a byte order mark": lambda: _sheet_changed(lambda s: b"\xef\xbb\xbf" + s),
    "rich text with phonetics": _with_phonetics,
    "locked structure and sheet": _protected,
    "a very hidden sheet": lambda: builders.replaced(
        BOOK, {"xl/workbook.xml": PARTS["xl/workbook.xml"].replace(b"<sheet ", b'<sheet state="veryHidden" ')}
    ),
    "a picture in a cell": lambda: _sheet_changed(
        lambda s: re.sub(
            rb'<c r="E3"[^>]*><v>3.5</v></c>',
            b'<c r="E3" t="str"><f>_xlfn.DISPIMG("ID_1",1)</f><v>=DISPIMG("ID_1",1)</v></c>',
            s,
        )
    ),
    "zeros after the end": lambda: BOOK + bytes(700),
    "a title merged over the whole sheet": lambda: builders.xlsx(Sheet(ROWS, ("A1:XFD1",))),
    "tabs named xls": lambda: builders.csv_file(SHEET, "gb18030", "\t"),
    "tabs in UTF-16": lambda: builders.csv_file(SHEET, "utf-16", "\t"),
    "tabs in UTF-16 without a mark": lambda: builders.csv_file(SHEET, "utf-16-le", "\t"),
    "semicolons": lambda: builders.csv_file(SHEET, "utf-8", ";"),
    "bars": lambda: builders.csv_file(SHEET, "utf-8", "|"),
    "Chinese commas": lambda: TEXT.replace(",", "，").encode(),
    "line ends of the old Mac": lambda: TEXT.replace("\r\n", "\r").encode(),
    "zeros after the text": lambda: TEXT.encode() + bytes(3),
    "every field in quotes": lambda: re.sub(r"(?m)([^,\r\n]*)(,|\r\n)", r'"\1"\2', TEXT).encode("gb18030"),
    "a table in a table": lambda: (
        b"<html><body><table><tr><td>menu</td><td>" + TABLE + b"</td></tr></table></body></html>"
    ),
    "a web archive": lambda: _archive(("quoted-printable", PAGE)),
    "a web archive in base64": lambda: _archive(("base64", PAGE)),
    "a Word table": lambda: builders.docx(SHEET),
    "XML 2003": lambda: builders.xml2003(SHEET),
    "BIFF": lambda: builders.xls(SHEET),
    "a damaged allocation table": lambda: _without_last_sector(builders.xls(SHEET)),
}


def _without_last_sector(book: bytes) -> bytes:
    sector = 512 * (len(book) // 512 - 2)
    return book[:sector] + b"\xff" * 512 + book[sector + 512 :]


@pytest.mark.parametrize("name", CONTAINERS)
def test_an_odd_container_gives_the_same_account(tmp_path: Path, name: str) -> None:
    path = tmp_path / "来件.xls"
    path.write_bytes(CONTAINERS[name]())
    reading = read_file(path)
    assert reading.refusal is None
    assert account_of(reading) == ACCOUNT
    (sheet,) = reading.sheets
    assert [c.header for c in sheet.columns] == ROWS[1]
    assert sheet.rows["c1"].to_pylist() == [ROWS[2][1], ROWS[3][1]]


def test_the_separator_a_file_names_in_its_first_line_is_used(tmp_path: Path) -> None:
    path = tmp_path / "来件.csv"
    path.write_bytes(("sep=;\r\n" + TEXT.replace(",", ";")).encode("utf-8-sig"))
    assert account_of(read_file(path)) == "t" + ACCOUNT


def test_every_page_of_a_web_archive_is_a_sheet(tmp_path: Path) -> None:
    path = tmp_path / "来件.mht"
    path.write_bytes(_archive(("quoted-printable", PAGE), ("base64", PAGE)))
    reading = read_file(path)
    assert [s.name for s in reading.sheets] == ["Sheet1", "Sheet2"]
    assert all(account_of(reading, s.name) == ACCOUNT for s in reading.sheets)


def test_a_cover_and_an_empty_sheet_do_not_hide_the_data(tmp_path: Path) -> None:
    path = tmp_path / "来件.xlsx"
    path.write_bytes(builders.xlsx(Sheet([["封面"], ["县农业农村局"]]), SHEET, Sheet([])))
    assert [(s.name, s.header_rows, s.data_rows) for s in read_file(path).sheets] == [("表1", [], 0), ("表2", [2], 2)]


def test_a_json_document_is_read_as_its_longest_list_of_records(tmp_path: Path) -> None:
    records = [{"名称": "甲合作社", "电话": "1"}, {"名称": "乙合作社", "成员": 3}]
    for document in (records, {"code": 0, "data": {"total": 2, "list": records, "pages": [{"a": 1}]}}):
        path = tmp_path / "来件.json"
        path.write_text(json.dumps(document, ensure_ascii=False, indent=1), "utf-8")
        reading = read_file(path)
        assert (reading.refusal, reading.format) == (None, "json")
        (sheet,) = reading.sheets
        assert [c.header for c in sheet.columns] == ["名称", "电话", "成员"]
        assert sheet.rows["row"].to_pylist() == [1, 2]


def test_a_json_document_without_records_or_cut_off_is_refused(tmp_path: Path) -> None:
    for text, words in (('{"code": 401,\n "msg": "x"}', "没有记录清单"), ('[{"名称": "甲"},\n {"名', "不完整")):
        path = tmp_path / "来件.json"
        path.write_text(text, "utf-8")
        assert words in (read_file(path).refusal or "")


def test_a_printed_page_of_the_national_format_is_refused_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "名单.ofd"
    path.write_bytes(builders.zipped({"OFD.xml": b"<a/>", "Doc_0/Document.xml": b"<a/>"}))
    reading = read_file(path)
    assert (reading.format, "OFD" in (reading.refusal or "")) == ("ofd", True)
