"""Kinds of files by their bytes: encodings, passwords, archives, damage, and what is refused."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.intake.reader import Reading, read_file
from hub.intake.reader.big5 import is_big5
from tests.intake.reader import builders
from tests.intake.reader.builders import Sheet, account_of

ROWS = [["序号", "合作社名称", "理事长"], ["1", "兴旺果蔬专业合作社", "王芳"], ["2", "䶮泽水产专业合作社", "㛃美玲"]]
PLAIN_ROWS = [
    ["序号", "合作社名称", "理事长"],
    ["1", "兴旺果蔬专业合作社", "王芳"],
    ["2", "兴盛水产专业合作社", "李强"],
]
SHEET = Sheet(ROWS)
PLAIN = Sheet(PLAIN_ROWS)


@pytest.fixture
def reading_of(tmp_path: Path) -> Callable[..., Reading]:
    def read(data: bytes, name: str = "来件.xls", **options: object) -> Reading:
        path = tmp_path / name
        path.write_bytes(data)
        return read_file(path, **options)  # type: ignore[arg-type]

    return read


ENCODINGS = {
    "UTF-8": ("utf-8", "utf-8"),
    "UTF-8 with mark": ("utf-8-sig", "utf-8-sig"),
    "GB18030": ("gb18030", "gb18030"),
    "UTF-16 with mark": ("utf-16", "utf-16"),
    "UTF-16 little without mark": ("utf-16-le", "utf-16-le"),
    "UTF-16 big without mark": ("utf-16-be", "utf-16-be"),
}


@pytest.mark.parametrize("name", ENCODINGS)
@pytest.mark.parametrize("separator", [",", "\t", ";", "|"])
def test_text_is_decoded_by_its_bytes(reading_of: Callable[..., Reading], name: str, separator: str) -> None:
    encoding, shown = ENCODINGS[name]
    reading = reading_of(builders.csv_file(SHEET, encoding, separator))
    assert (reading.refusal, reading.encoding) == (None, shown)
    assert reading.format == ("tsv" if separator == "\t" else "csv")
    assert account_of(reading) == "hdd"
    assert reading.sheets[0].rows["c1"].to_pylist() == ["兴旺果蔬专业合作社", "䶮泽水产专业合作社"]


def test_gbk_is_never_tried_before_utf_8(reading_of: Callable[..., Reading]) -> None:
    text = builders.csv_text(PLAIN)
    text.encode("utf-8").decode("gb18030", "replace")  # decodes into nonsense without an error
    reading = reading_of(text.encode("utf-8"))
    assert reading.encoding == "utf-8"
    assert reading.sheets[0].columns[1].header == "合作社名称"


TAIWAN = Sheet(
    [["序號", "企業名稱", "負責人"], ["1", "興旺蔬菜專業合作社", "陳寶華"], ["2", "竹口鎮水產專業合作社", "劉麗"]]
)


@pytest.mark.parametrize("rows", [3, 60_000], ids=["small", "large"])
def test_big5_is_not_taken_for_gb18030(reading_of: Callable[..., Reading], rows: int) -> None:
    sheet = Sheet([TAIWAN.rows[0], *(TAIWAN.rows[1 + n % 2] for n in range(rows - 1))])
    data = builders.csv_file(sheet, "cp950")
    data.decode("gb18030")  # into nonsense without an error
    reading = reading_of(data)
    assert (reading.refusal, reading.encoding) == (None, "cp950")
    assert [c.header for c in reading.sheets[0].columns] == TAIWAN.rows[0]
    assert reading.sheets[0].rows["c1"].to_pylist()[:2] == ["興旺蔬菜專業合作社", "竹口鎮水產專業合作社"]
    assert any("都读得通：按 Big5 读有 100% 是常用字" in r and "已按繁体中文（Big5）读取" in r for r in reading.remarks)


@pytest.mark.parametrize("sheet", [PLAIN, TAIWAN], ids=["simplified", "traditional"])
def test_gb18030_is_not_taken_for_big5(reading_of: Callable[..., Reading], sheet: Sheet) -> None:
    reading = reading_of(builders.csv_file(sheet, "gb18030"))
    assert (reading.refusal, reading.encoding, reading.remarks) == (None, "gb18030", [])
    assert [c.header for c in reading.sheets[0].columns] == sheet.rows[0]


@pytest.mark.parametrize("rows", [3, 60_000], ids=["small", "large"])
def test_text_that_could_be_either_says_which_it_was_taken_for_and_why(
    reading_of: Callable[..., Reading], rows: int
) -> None:
    data = ("合村,茶合\n" + "".join(f"茶合,{n}\n" for n in range(rows))).encode("gb18030")
    reading = reading_of(data, "来件.csv")
    assert reading.encoding == "gb18030"
    (said,) = reading.remarks
    assert "分不清文件是 GB18030 还是 Big5 编码" in said and "已按内地通行的 GB18030 读取" in said


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.sampled_from("的一是在不了有合作社专业农民县镇乡村名称号码登记王李张刘陈杨黄赵吴周兴旺果蔬茶叶，（）"),
        min_size=1,
    )
)
def test_no_text_of_frequent_simplified_ideographs_is_big5(letters: list[str]) -> None:
    assert not is_big5("".join(letters).encode("gb18030"))


def test_a_file_cut_inside_a_character_is_read_and_says_so(reading_of: Callable[..., Reading]) -> None:
    reading = reading_of(builders.csv_file(PLAIN, "utf-8").rstrip()[:-1])
    assert account_of(reading) == "hdd"
    assert any("损坏的字符" in r for r in reading.remarks)


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_line_ends_of_every_system(reading_of: Callable[..., Reading], ending: str) -> None:
    reading = reading_of(builders.csv_text(PLAIN).replace("\r\n", ending).encode())
    assert account_of(reading) == "hdd"


def test_a_line_break_inside_quotes_does_not_count_as_a_row(reading_of: Callable[..., Reading]) -> None:
    rows = [PLAIN_ROWS[0], ["1", "兴旺果蔬\n专业合作社", "王芳"], PLAIN_ROWS[2]]
    reading = reading_of(builders.csv_file(Sheet(rows)))
    assert reading.sheets[0].rows["row"].to_pylist() == [2, 3]
    assert reading.sheets[0].rows["c1"][0].as_py() == "兴旺果蔬\n专业合作社"


def test_a_line_break_inside_quotes_of_a_single_column_does_not_either(reading_of: Callable[..., Reading]) -> None:
    reading = reading_of('合作社名称\r\n"兴旺果蔬\n专业合作社"\r\n兴隆专业合作社\r\n'.encode())
    assert reading.sheets[0].rows["c0"].to_pylist() == ["兴旺果蔬\n专业合作社", "兴隆专业合作社"]


def test_exports_that_guard_zeros_with_formulas(reading_of: Callable[..., Reading]) -> None:
    reading = reading_of('编号,名称\r\n="00123",甲专业合作社\r\n="00124",乙专业合作社\r\n'.encode())
    assert reading.sheets[0].rows["c0"].to_pylist() == ["00123", "00124"]


def test_a_quote_that_is_never_closed_swallows_nothing(reading_of: Callable[..., Reading]) -> None:
    lines = ["序号,合作社名称,理事长", '1,"甲专业合作社,王芳', *[f"{n},第{n}专业合作社,李强" for n in range(2, 9)]]
    reading = reading_of("\n".join(lines).encode())
    assert account_of(reading) == "h" + "d" * 8
    assert any("引号" in r for r in reading.remarks)


def test_a_worksheet_of_the_oldest_excel_without_container_or_code_page(reading_of: Callable[..., Reading]) -> None:
    import struct

    stream = struct.pack("<HHHH", 0x0009, 4, 2, 0x10)
    for r, cells in enumerate(PLAIN_ROWS):
        for c, text in enumerate(cells):
            body = text.encode("gb18030")
            stream += struct.pack("<HHHH3sB", 0x0004, 8 + len(body), r, c, bytes(3), len(body)) + body
    reading = reading_of(stream + struct.pack("<HH", 0x000A, 0))
    assert (reading.refusal, reading.format, account_of(reading)) == (None, "xls", "hdd")
    assert reading.sheets[0].columns[1].header == "合作社名称"


@pytest.mark.parametrize(
    ("sheet", "encoding", "code_page"), [(PLAIN, "gbk", 936), (PLAIN, "gbk", 1252), (TAIWAN, "cp950", 950)]
)
def test_a_workbook_of_excel_95(
    reading_of: Callable[..., Reading], sheet: Sheet, encoding: str, code_page: int
) -> None:
    reading = reading_of(builders.xls_95(sheet, encoding, code_page))
    assert (reading.refusal, reading.format, account_of(reading)) == (None, "xls", "hdd")
    assert reading.sheets[0].name == sheet.name
    assert [c.header for c in reading.sheets[0].columns] == sheet.rows[0]
    assert reading.sheets[0].rows["c1"].to_pylist() == [r[1] for r in sheet.rows[1:]]


NAMES = ["a.xls", "a.xlsx", "a.csv", "a.txt", "a.et", "a", "a.html", "a.docx"]
MAKERS = {
    "xlsx": builders.xlsx,
    "xls": builders.xls,
    "csv": builders.csv_file,
    "html": builders.html,
    "xml2003": builders.xml2003,
    "docx": builders.docx,
}


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize("name", NAMES)
def test_the_name_of_a_file_is_never_believed(reading_of: Callable[..., Reading], kind: str, name: str) -> None:
    reading = reading_of(MAKERS[kind](PLAIN), name)
    assert (reading.refusal, reading.format) == (None, kind)
    assert account_of(reading) == "hdd"
    assert reading.sheets[0].rows["c2"].to_pylist() == ["王芳", "李强"]


def test_a_workbook_with_excels_built_in_password_opens_silently(reading_of: Callable[..., Reading]) -> None:
    reading = reading_of(builders.xls(PLAIN, password="VelvetSweatshop"))
    assert (reading.refusal, reading.format, reading.encrypted) == (None, "xls", True)
    assert account_of(reading) == "hdd"


def test_a_workbook_with_a_password_of_its_own_is_refused_clearly(reading_of: Callable[..., Reading]) -> None:
    reading = reading_of(builders.xls(PLAIN, password="geheim"))
    assert reading.encrypted
    assert reading.sheets == []
    assert "打开密码" in (reading.refusal or "")
    assert "取消密码" in (reading.refusal or "")


def test_an_encrypted_package_of_excel_2010_opens_with_the_built_in_password(
    reading_of: Callable[..., Reading],
) -> None:
    for password, opens in (("VelvetSweatshop", True), ("geheim", False)):
        reading = reading_of(_encrypted_package(builders.xlsx(PLAIN), password), "a.xlsx")
        assert reading.encrypted
        assert (reading.refusal is None) is opens
        assert reading.format == ("xlsx" if opens else "encrypted")


def _encrypted_package(data: bytes, password: str) -> bytes:
    from msoffcrypto.format.ooxml import OOXMLFile

    out = io.BytesIO()
    OOXMLFile(io.BytesIO(data)).encrypt(password, out)
    return out.getvalue()


HTML_KINDS = {
    "declared gb2312": ("gb18030", "gb2312"),
    "declared utf-8": ("utf-8", "utf-8"),
    "declared gb2312 but utf-8": ("utf-8", "gb2312"),
    "declared utf-8 but gbk": ("gb18030", "utf-8"),
}


@pytest.mark.parametrize("name", HTML_KINDS)
def test_a_page_is_decoded_by_its_bytes_before_its_word(reading_of: Callable[..., Reading], name: str) -> None:
    encoding, charset = HTML_KINDS[name]
    reading = reading_of(builders.html(PLAIN, encoding, charset))
    assert reading.encoding == encoding
    assert reading.sheets[0].rows["c1"][1].as_py() == "兴盛水产专业合作社"


def test_a_web_page_gives_its_data_table_and_not_its_menus(reading_of: Callable[..., Reading]) -> None:
    table = re.search(rb"<table.*</table>", builders.html(PLAIN, "utf-8", "utf-8"))
    assert table is not None
    menu = "<table><tr><td><a href='/'>首页</a></td><td><a href='/b'>政策</a></td></tr></table>" * 3
    page = (
        f"<html><body><table><tr><td>{menu}</td></tr><tr><td>".encode() + table.group() + b"</td></tr></table></body>"
    )
    reading = reading_of(page)
    assert account_of(reading) == "hdd"


def test_a_list_in_a_page_without_tables_is_read_line_by_line(reading_of: Callable[..., Reading]) -> None:
    names = "<br><br>".join(f"第{i}专业合作社" for i in range(20))
    reading = reading_of(f"<html><body><div>名单</div><p>{names}</p></body></html>".encode())
    assert reading.sheets[0].data_rows == 20


def test_a_frameset_points_to_files_that_are_not_there(reading_of: Callable[..., Reading]) -> None:
    reading = reading_of(b"<html><frameset><frame src='sheet001.htm'></frameset></html>")
    assert "网页框架" in (reading.refusal or "")


def test_a_web_archive_is_read(reading_of: Callable[..., Reading]) -> None:
    page = builders.html(PLAIN, "utf-8", "utf-8").decode()
    data = (
        'MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary="b"\r\n\r\n--b\r\n'
        'Content-Type: text/html; charset="utf-8"\r\nContent-Transfer-Encoding: 8bit\r\n\r\n' + page + "\r\n--b--\r\n"
    )
    reading = reading_of(data.encode())
    assert (reading.format, account_of(reading)) == ("mhtml", "hdd")


def test_pasted_text_is_a_list(reading_of: Callable[..., Reading]) -> None:
    reading = reading_of(
        "合作社名单\n\n甲专业合作社\n乙专业合作社\n丙专业合作社\n注：排名不分先后\n".encode(), "名单.txt"
    )
    assert (reading.format, account_of(reading)) == ("text", "t.dddn")


def test_columns_set_apart_by_blanks_are_found(reading_of: Callable[..., Reading]) -> None:
    text = "序号    合作社名称    理事长\n1    甲专业合作社    王芳\n2    乙专业合作社    李强\n"
    reading = reading_of(text.encode(), "名单.txt")
    assert account_of(reading) == "hdd"
    assert [c.header for c in reading.sheets[0].columns] == ["序号", "合作社名称", "理事长"]


def test_each_file_of_a_zip_is_read_under_its_own_name(reading_of: Callable[..., Reading]) -> None:
    data = builders.zipped(
        {
            "台账/城关镇.xlsx": builders.xlsx(PLAIN),
            "台账/竹口镇.csv": builders.csv_file(PLAIN, "gb18030"),
            "__MACOSX/._城关镇.xlsx": b"junk",
            "台账/说明.pdf": b"%PDF-1.4 no table",
        }
    )
    reading = reading_of(data, "台账.zip")
    assert reading.format == "zip"
    assert [s.name for s in reading.sheets] == ["台账/城关镇.xlsx/表", "台账/竹口镇.csv"]
    assert [account_of(reading, s.name) for s in reading.sheets] == ["hdd", "hdd"]
    assert any("说明.pdf" in r for r in reading.remarks)


def test_names_in_a_chinese_zip_are_gbk(reading_of: Callable[..., Reading]) -> None:
    data = builders.zipped({"placeholder1.csv": builders.csv_file(PLAIN)})
    written = "城关镇清单.csv".encode("gbk").ljust(len(b"placeholder1.csv"), b" ")
    reading = reading_of(data.replace(b"placeholder1.csv", written), "台账.zip")
    assert reading.sheets[0].name.strip().startswith("城关镇清单")


@pytest.mark.parametrize("name", ["../../etc/表.csv", "/etc/表.csv", "C:\\表.csv", "a/../../b.csv"])
def test_paths_that_lead_out_of_a_zip_are_refused(reading_of: Callable[..., Reading], name: str) -> None:
    reading = reading_of(builders.zipped({name: builders.csv_file(PLAIN)}), "台账.zip")
    assert "包外路径" in (reading.refusal or "")


def test_a_zip_in_a_zip_is_refused(reading_of: Callable[..., Reading]) -> None:
    inner = builders.zipped({"a.csv": builders.csv_file(PLAIN)})
    assert "压缩包里还有压缩包" in (reading_of(builders.zipped({"b.zip": inner})).refusal or "")


def test_an_unreadable_file_in_a_zip_refuses_the_zip_and_names_the_file(reading_of: Callable[..., Reading]) -> None:
    data = builders.zipped(
        {"好.csv": builders.csv_file(PLAIN), "坏.xls": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600}
    )
    assert "坏.xls" in (reading_of(data, "台账.zip").refusal or "")


REFUSED = {
    "empty": (b"", "空的"),
    "white space only": (b"  \r\n\t\r\n", "空的"),
    "zero bytes only": (bytes(4096), "空的"),
    "pdf": (b"%PDF-1.7\n1 0 obj", "PDF"),
    "picture": (b"\x89PNG\r\n\x1a\n" + bytes(100), "图片"),
    "rar": (b"Rar!\x1a\x07\x00" + bytes(100), "压缩包"),
    "7z": (b"7z\xbc\xaf\x27\x1c" + bytes(100), "压缩包"),
    "gzip": (b"\x1f\x8b\x08" + bytes(100), "压缩包"),
    "rtf": (b"{\\rtf1 list}", "RTF"),
    "old Word": (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + "WordDocument".encode("utf-16-le") + bytes(600),
        ".doc",
    ),
    "some other container": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2000), "Office"),
    "random bytes": (bytes(range(256)) * 40, "认不出"),
    "a cut-off xlsx": (builders.xlsx(PLAIN)[:2000], "没有传完"),
    "a cut-off xls": (builders.xls(PLAIN)[:2500], "损坏"),
    "a zip without files": (builders.zipped({}), "压缩包是空的"),
    "a presentation": (builders.zipped({"[Content_Types].xml": b"<a/>", "ppt/presentation.xml": b"<a/>"}), "演示文稿"),
    "SYLK": (b"ID;PWXL;N;E\r\nP;PGeneral", "SYLK"),
    "single-file OpenDocument": (
        b"<?xml version='1.0'?><a xmlns:o='urn:oasis:names:tc:opendocument:xmlns:office:1.0'/>",
        "fods",
    ),
    "another XML": (b"<?xml version='1.0'?><data><row/></data>", "XML"),
    "an empty workbook": (builders.xlsx(), "没有表格"),
    "a page without table": (b"<html><body><p>no table here</p></body></html>", "没有表格"),
    "an empty Word file": (builders.docx(Sheet([])), "没有表格"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_is_refused_in_words_with_a_next_step(
    reading_of: Callable[..., Reading], name: str
) -> None:
    data, words = REFUSED[name]
    reading = reading_of(data)
    assert reading.refusal is not None
    assert words in reading.refusal
    assert "下一步：" in reading.refusal
    assert reading.sheets == []


def test_a_missing_file_is_a_refusal_too(tmp_path: Path) -> None:
    assert "读不到文件" in (read_file(tmp_path / "没有.xlsx").refusal or "")


SHEET_PART = "xl/worksheets/sheet1.xml"


def _part(package: bytes, name: str) -> bytes:
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        return archive.read(name)


def test_parts_without_data_may_be_missing(reading_of: Callable[..., Reading]) -> None:
    package = builders.xlsx(PLAIN)
    for part in ("xl/styles.xml", "xl/theme/theme1.xml", "docProps/core.xml", "[Content_Types].xml", "_rels/.rels"):
        reading = reading_of(builders.replaced(package, {part: None}), "a.xlsx")
        assert (reading.refusal, account_of(reading)) == (None, "hdd"), part


def test_a_drawing_that_is_not_there_is_not_looked_for(reading_of: Callable[..., Reading]) -> None:
    package = builders.xlsx(PLAIN)
    sheet = _part(package, SHEET_PART).replace(b"</worksheet>", b'<drawing r:id="rId9" xmlns:r="urn:r"/></worksheet>')
    assert account_of(reading_of(builders.replaced(package, {SHEET_PART: sheet}))) == "hdd"


def _with_shared_strings(rows: list[list[str]]) -> bytes:
    import xlsxwriter

    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        page = book.add_worksheet()
        for number, cells in enumerate(rows):
            page.write_row(number, 0, cells)
    return out.getvalue()


@pytest.mark.parametrize("part", [SHEET_PART, "xl/sharedStrings.xml", "xl/workbook.xml"])
def test_parts_with_data_that_are_missing_or_broken_refuse_the_file(
    reading_of: Callable[..., Reading], part: str
) -> None:
    package = _with_shared_strings(PLAIN_ROWS)
    assert account_of(reading_of(package)) == "hdd"
    for content in (None, b"<broken", b""):
        reading = reading_of(builders.replaced(package, {part: content}), "a.xlsx")
        assert reading.refusal is not None, content
        assert reading.sheets == []


@pytest.mark.parametrize("declared", [b"A1", b"A1:A1", b"A1:XFD1048576", b"nonsense"])
def test_the_declared_dimension_is_not_believed(reading_of: Callable[..., Reading], declared: bytes) -> None:
    package = builders.xlsx(PLAIN)
    sheet = re.sub(rb'<dimension ref="[^"]*"', b'<dimension ref="' + declared + b'"', _part(package, SHEET_PART))
    assert account_of(reading_of(builders.replaced(package, {SHEET_PART: sheet}))) == "hdd"


def test_a_stray_cell_in_the_last_corner_costs_nothing(reading_of: Callable[..., Reading]) -> None:
    package = builders.xlsx(PLAIN)
    stray = b'<row r="1048576"><c r="XFD1048576" t="inlineStr"><is><t>x</t></is></c></row></sheetData>'
    sheet = _part(package, SHEET_PART).replace(b"</sheetData>", stray)
    (one,) = reading_of(builders.replaced(package, {SHEET_PART: sheet})).sheets
    assert one.header_rows == [1]
    assert {2, 3} <= set(one.rows["row"].to_pylist())
    blanks = [s for s in one.skipped if s.kind == "blank"]
    assert len(blanks) < 1100
    assert blanks[-1].until == 1048575


def test_prefixed_names_and_absent_references_are_read(reading_of: Callable[..., Reading]) -> None:
    package = builders.xlsx(PLAIN)
    text = _part(package, SHEET_PART).decode()
    text = re.sub(r' r="[A-Z]+\d+"', "", text)
    text = re.sub(r"<(/?)(worksheet|sheetData|row|c|v|is|t)\b", r"<\1x:\2", text).replace("xmlns=", "xmlns:x=")
    assert account_of(reading_of(builders.replaced(package, {SHEET_PART: text.encode()}))) == "hdd"


def test_macros_are_ignored_and_told(reading_of: Callable[..., Reading]) -> None:
    package = builders.replaced(builders.xlsx(PLAIN), {"xl/vbaProject.bin": b"\xd0\xcf\x11\xe0 macro"})
    reading = reading_of(package, "a.xlsm")
    assert account_of(reading) == "hdd"
    assert any("宏" in r for r in reading.remarks)


@pytest.mark.parametrize("storage", ["_VBA_PROJECT_CUR", "Macros"])
@pytest.mark.parametrize("password", [None, "VelvetSweatshop"])
def test_macros_of_an_old_workbook_are_ignored_and_told(
    reading_of: Callable[..., Reading], storage: str, password: str | None
) -> None:
    plain = builders.xls(PLAIN, password=password)
    assert not any("宏" in r for r in reading_of(plain, "a.xls").remarks)
    reading = reading_of(builders.with_storage(plain, storage), "a.xls")
    assert account_of(reading) == "hdd"
    assert reading.remarks.count("文件含有宏，已忽略，未运行。") == 1


def test_a_sheet_of_old_macros_is_passed_over_and_told_by_its_name(reading_of: Callable[..., Reading]) -> None:
    data = builders.xls(Sheet(PLAIN_ROWS, name="名单"), Sheet([["=RUN()"]], name="宏表", macros=True))
    reading = reading_of(data, "a.xls")
    assert [s.name for s in reading.sheets] == ["名单1"]
    assert "“宏表2”是宏表，已忽略。" in reading.remarks


@pytest.mark.parametrize("build", [builders.xlsx, builders.xls])
def test_hidden_rows_and_sheets_are_read_and_told_or_only_told(
    reading_of: Callable[..., Reading], build: Callable[..., bytes]
) -> None:
    data = build(Sheet(PLAIN_ROWS, hidden_rows=(3,)), Sheet(PLAIN_ROWS, hidden=True))
    read = reading_of(data)
    assert [s.data_rows for s in read.sheets] == [2, 2]
    assert [s.hidden for s in read.sheets] == [False, True]
    assert any("隐藏的行" in r for r in read.remarks)
    assert any("隐藏的工作表" in r for r in read.remarks)
    told = reading_of(data, hidden="report")
    assert [account_of(told, s.name) for s in told.sheets] == ["hdn", "hnn"]


CELLS = [
    (1, "General", "1"),
    (1.5, "General", "1.5"),
    (0.1 + 0.2, "General", "0.3"),
    (1e-7, "General", "1E-07"),
    (0.125, "0.0%", "12.5%"),
    (0.5, "0%", "50%"),
    (7, "000000", "000007"),
    (123456789012345, "0", "123456789012345"),
    (933310981792645000, "0", "9.33310981792645E+17"),
    (45107, "yyyy-mm-dd", "2023-06-30"),
    (45107, 'yyyy"年"m"月"d"日"', "2023-06-30"),
    (45107.5, "yyyy-mm-dd hh:mm", "2023-06-30 12:00:00"),
    (0.75, "hh:mm:ss", "18:00:00"),
    (45107, "[$-804]yyyy年m月d日;@", "2023-06-30"),
    (45107, '0.00"m"', "45107"),
    (1234567.5, "#,##0.00", "1234567.5"),
    (True, "General", "TRUE"),
    ("'00123", "@", "'00123"),
    ("甲_x000D_\n乙", "@", "甲\r\n乙"),
]


@pytest.mark.parametrize(("value", "code", "shown"), CELLS)
def test_a_cell_is_shown_as_a_person_sees_it(
    reading_of: Callable[..., Reading], value: object, code: str, shown: str
) -> None:
    rows = [["名称", "值"], ["甲", value], ["乙", value]]
    sheet = Sheet(rows, formats={"B2": code, "B3": code})  # type: ignore[arg-type]
    (one,) = reading_of(builders.xlsx(sheet)).sheets
    assert one.rows["c1"].to_pylist() == [shown, shown]


def test_dates_of_the_1904_calendar_are_told_rightly(reading_of: Callable[..., Reading]) -> None:
    import datetime as dt

    sheet = Sheet([["名称", "日期"], ["甲", dt.date(2023, 6, 30)], ["乙", dt.date(2024, 2, 29)]])  # type: ignore[list-item]
    (one,) = reading_of(builders.xlsx(sheet, date1904=True)).sheets
    assert one.rows["c1"].to_pylist() == ["2023-06-30", "2024-02-29"]


def test_a_table_in_word_is_named_by_its_place_and_keeps_its_heading(reading_of: Callable[..., Reading]) -> None:
    reading = reading_of(builders.docx(PLAIN, "某县合作社名单", "2026年10月31日"), "名单.docx")
    assert [s.name for s in reading.sheets] == ["表1"]
    assert reading.sheets[0].context == ["某县合作社名单", "2026年10月31日"]


def test_a_word_file_without_tables_is_a_list(reading_of: Callable[..., Reading]) -> None:
    lines = ["合作社名单", "甲专业合作社", "乙专业合作社", "丙专业合作社"]
    assert account_of(reading_of(builders.docx(Sheet([]), *lines), "名单.docx")) == "tddd"
