"""Excel workbooks of the XML kind (xlsx, xlsm, WPS's xlsx). Sparse and tolerant: the declared dimension is not believed
(WPS writes A1, a stray cell writes XFD1048576), drawings and themes are never opened, macros are never run.
"""

from __future__ import annotations

import posixpath
import re
import zipfile
from typing import Any, cast
from zlib import error as zlib_error

from hub.errors import FormatError
from hub.intake.reader.grid import BUILTIN_DATES, Grid, Range, cell_number, is_date_format
from hub.intake.reader.model import refuse, refuse_entities

_REFERENCE = re.compile(r"^\$?([A-Z]{1,3})\$?(\d{1,7})$")
_ESCAPE = re.compile(r"_x([0-9A-Fa-f]{4})_")
_PERCENT = {9: "0%", 10: "0.00%"}


def damaged(detail: str) -> FormatError:
    """The refusal of a workbook with broken parts."""
    return refuse(
        "Excel 文件已损坏，内部数据不完整。", "请发送方用 Excel 或 WPS 打开、另存为 .xlsx 后重新报送。", detail
    )


def column_number(letters: str) -> int:
    """A -> 0, Z -> 25, AA -> 26."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1


def parse_range(text: str) -> Range | None:
    """ "A1:C3" as a range; None when it is none."""
    first, _, last = text.partition(":")
    a, b = _REFERENCE.match(first), _REFERENCE.match(last or first)
    if not a or not b:
        return None
    rows, columns = sorted((int(a[2]), int(b[2]))), sorted((column_number(a[1]), column_number(b[1])))
    return rows[0], columns[0], rows[1], columns[1]


def _local(tag: Any) -> str:
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


class _Package:
    """The zip with its parts by name, however their case or leading slash is written."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self.archive = archive
        self.names = {name.replace("\\", "/").lstrip("/").lower(): name for name in archive.namelist()}

    def has(self, part: str) -> bool:
        return part.lower() in self.names

    def open(self, part: str) -> zipfile.ZipExtFile:
        stream = cast(zipfile.ZipExtFile, self.archive.open(self.names[part.lower()]))
        if b"<!DOCTYPE" in stream.peek(2048)[:2048]:
            stream.close()
            raise refuse_entities()
        return stream

    def tree(self, part: str) -> Any:
        """A small part as an element tree, or None when it is missing or broken."""
        from lxml import etree

        if not self.has(part):
            return None
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
        with self.open(part) as stream:
            try:
                return etree.parse(stream, parser).getroot()
            except etree.XMLSyntaxError:
                return None

    def events(self, part: str, *tags: str) -> Any:
        """End events of a large part's elements of these local names."""
        from lxml import etree

        return etree.iterparse(
            self.open(part),
            events=("end",),
            tag=tuple(f"{{*}}{t}" for t in tags),
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            huge_tree=True,  # a cell may hold more than libxml2's cautious limit; entities stay unresolved
        )


def _attribute(element: Any, name: str) -> str | None:
    """An attribute whatever its namespace (r:id in transitional and strict files)."""
    for key, value in element.attrib.items():
        if _local(key) == name:
            return str(value)
    return None


def _unescape(text: str) -> str:
    return _ESCAPE.sub(lambda m: chr(int(m[1], 16)), text) if "_x" in text else text


def _shared_strings(package: _Package, part: str) -> list[str]:
    strings: list[str] = []
    if not package.has(part):
        return strings
    for _, item in package.events(part, "si"):
        strings.append(_text_of(item))
        item.clear()
        while item.getprevious() is not None:
            del item.getparent()[0]
    return strings


def _text_of(item: Any) -> str:
    """Text of a shared or inline string: plain or rich runs, phonetic hints left out."""
    if len(item) == 1 and item[0].tag.endswith("}t"):
        return _unescape(item[0].text or "")
    texts = []
    for child in item:
        name = _local(child.tag)
        if name == "t":
            texts.append(child.text or "")
        elif name == "r":
            texts.extend(t.text or "" for t in child if _local(t.tag) == "t")
    return _unescape("".join(texts))


def _formats(package: _Package, part: str) -> list[tuple[str, bool]]:
    """Number format and whether it shows a date, by style number."""
    root = package.tree(part)
    if root is None:
        return []
    codes: dict[int, str] = {}
    styles: list[tuple[str, bool]] = []
    for element in root.iter("{*}numFmt"):
        number, code = element.get("numFmtId"), element.get("formatCode")
        if number and number.isdigit() and code:
            codes[int(number)] = code
    for block in root.iter("{*}cellXfs"):
        for xf in block:
            raw = xf.get("numFmtId") or "0"
            number = int(raw) if raw.isdigit() else 0
            code = codes.get(number) or _PERCENT.get(number, "General")
            styles.append((code, is_date_format(code) if number in codes else number in BUILTIN_DATES))
    return styles


def _relations(package: _Package, part: str) -> dict[str, tuple[str, str]]:
    """Relation id -> (kind, part) of a part."""
    folder, name = posixpath.split(part)
    root = package.tree(posixpath.join(folder, "_rels", name + ".rels"))
    found: dict[str, tuple[str, str]] = {}
    for relation in root if root is not None else ():
        target = relation.get("Target") or ""
        if (relation.get("TargetMode") or "") == "External":
            continue
        path = target.lstrip("/") if target.startswith("/") else posixpath.normpath(posixpath.join(folder, target))
        found[relation.get("Id") or ""] = (posixpath.basename(relation.get("Type") or ""), path)
    return found


def read_xlsx(archive: zipfile.ZipFile, remarks: list[str]) -> list[Grid]:
    """All worksheets of a workbook, hidden ones marked.

    Raises:
        FormatError: it is no workbook, or a part that holds data is damaged.
    """
    from lxml import etree

    package = _Package(archive)
    try:
        grids = _read(package, remarks)
    except (zipfile.BadZipFile, zlib_error, EOFError, etree.XMLSyntaxError, NotImplementedError, KeyError) as error:
        raise damaged(repr(error)[:200]) from None
    except RuntimeError as error:  # a member of the zip is encrypted
        raise refuse("文件设有打开密码，无法读取。", "请发送方取消密码后重新报送。", repr(error)[:200]) from None
    if not grids:
        raise refuse("工作簿里没有工作表。", "请发送方确认文件内容后重新报送。")
    return grids


def _read(package: _Package, remarks: list[str]) -> list[Grid]:
    root_relations = _relations(package, "")
    workbook = next((p for kind, p in root_relations.values() if kind == "officeDocument"), "xl/workbook.xml")
    if not package.has(workbook):
        workbook = "xl/workbook.xml"
    root = package.tree(workbook)
    if root is None:
        raise refuse("文件是压缩包，但不是可读的 Excel 工作簿。", "请发送方用 Excel 或 WPS 另存为 .xlsx 后重新报送。")
    relations = _relations(package, workbook)
    by_kind = dict(relations.values())
    folder = posixpath.dirname(workbook)
    strings = _shared_strings(package, by_kind.get("sharedStrings", posixpath.join(folder, "sharedStrings.xml")))
    formats = _formats(package, by_kind.get("styles", posixpath.join(folder, "styles.xml")))
    base_1904 = any((e.get("date1904") or "") in {"1", "true"} for e in root.iter("{*}workbookPr"))
    if "vbaProject" in by_kind or package.has("xl/vbaProject.bin"):
        remarks.append("文件含有宏，已忽略，未运行。")
    grids = []
    for order, sheet in enumerate((e for e in root.iter("{*}sheet")), 1):
        name = sheet.get("name") or f"Sheet{order}"
        kind, part = relations.get(
            _attribute(sheet, "id") or "", ("worksheet", f"{folder}/worksheets/sheet{order}.xml")
        )
        if kind not in {"worksheet", "xlMacrosheet", "xlIntlMacrosheet"}:
            continue
        if kind != "worksheet":
            remarks.append(f"“{name}”是宏表，已忽略。")
            continue
        if not package.has(part):
            raise damaged(f"part of sheet {order} is missing")
        grid = Grid(name, hidden=(sheet.get("state") or "visible") != "visible")
        _read_sheet(package, part, grid, strings, formats=formats, base_1904=base_1904)
        grids.append(grid)
    return grids


def _read_sheet(
    package: _Package, part: str, grid: Grid, strings: list[str], *, formats: list[tuple[str, bool]], base_1904: bool
) -> None:
    number = 0
    missing = 0
    letters: dict[str, int] = {}
    plain = ("General", False)
    for _, element in package.events(part, "row", "mergeCell"):
        if element.tag.endswith("mergeCell"):
            found = parse_range((element.get("ref") or "").upper())
            if found and found[:2] != found[2:]:
                grid.merges.append(found)
            continue
        given = element.get("r")
        number = int(given) if given and given.isdigit() else number + 1
        if (element.get("hidden") or "0") in {"1", "true"}:
            grid.hidden_rows.add(number)
        cells: list[str] = []
        column = -1
        for c in element:
            reference = c.get("r")
            if reference:
                head = reference.rstrip("0123456789")
                column = letters.get(head, -1)
                if column < 0:
                    column = letters[head] = column_number(head.upper().replace("$", ""))
            else:
                column += 1
            if not len(c):
                continue
            kind = c.get("t")
            text = ""
            if kind == "inlineStr":
                inline = c[0] if c[0].tag.endswith("}is") else c[-1]
                text = _text_of(inline)
            else:
                value = c[-1]
                if not value.tag.endswith("}v"):
                    value = next((child for child in c if _local(child.tag) == "v"), None)
                raw = value.text if value is not None else None
                if not raw:
                    continue
                if kind == "s":
                    index = int(raw) if raw.strip().isdigit() else -1
                    if 0 <= index < len(strings):
                        text = strings[index]
                    else:
                        missing += 1
                elif kind in {None, "n"}:
                    style = c.get("s")
                    code, is_date = formats[int(style)] if style and int(style) < len(formats) else plain
                    try:
                        value_number = float(raw)
                    except ValueError:
                        text = raw
                    else:
                        text = (
                            str(int(value_number))
                            if code == "General" and abs(value_number) < 1e15 and value_number == int(value_number)
                            else cell_number(value_number, code, is_date=is_date, base_1904=base_1904)
                        )
                elif kind == "b":
                    text = "TRUE" if raw.strip() in {"1", "true"} else "FALSE"
                elif kind == "d":
                    text = raw.replace("T00:00:00", "").replace("T", " ").rstrip("Z")
                else:
                    text = _unescape(raw)
            if text:
                if column > len(cells):
                    cells.extend([""] * (column - len(cells)))
                if column < len(cells):
                    cells[column] = text
                else:
                    cells.append(text)
        if cells:
            grid.rows[number] = cells
        element.clear()
        parent = element.getparent()
        if parent is not None:
            while element.getprevious() is not None:
                del parent[0]
    grid.has_merges = bool(grid.merges)
    if missing:
        raise damaged(f"{missing} shared strings missing in {part}")
