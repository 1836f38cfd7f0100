"""Text of every kind: which encoding, which separator, which rows. CSV, TSV and pasted lists.

Encodings are tried in the one order that cannot lie: a byte order mark, strict UTF-8, UTF-16 without a mark (by its
zero bytes), Big5 where it clearly is (`big5`), then GB18030. Never GB18030 first: UTF-8 and Big5 decode as GB18030 into
nonsense without an error.
"""

from __future__ import annotations

import codecs
import csv
import io
import re

from hub.intake.reader.big5 import BIG5, choice_remark, is_big5
from hub.intake.reader.grid import Grid
from hub.intake.reader.model import refuse

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (b"\x84\x31\x95\x33", "gb18030"),
)
_LINE_END = re.compile(r"\r\n|\n|\r|\x0b|\x0c")
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


def detect_encoding(data: bytes) -> str | None:
    """Python's name of the encoding, or None when the bytes are no text."""
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return encoding
    head = data[:65536]
    if b"\x00" in head:
        even, odd = head[0::2].count(0), head[1::2].count(0)
        half = max(1, len(head) // 2)
        if max(even, odd) / half > 0.05:
            guess = "utf-16-le" if odd > even else "utf-16-be"
            try:
                data.decode(guess)
            except UnicodeDecodeError:
                return None
            return guess
        return None
    if len(_CONTROL.findall(head)) > len(head) * 0.01:
        return None
    for encoding in ("utf-8", BIG5, "gb18030"):
        if encoding == BIG5 and not is_big5(data):
            continue
        try:
            codecs.getincrementaldecoder(encoding)().decode(data, final=True)
        except UnicodeDecodeError:
            continue
        return encoding
    return _forgiving(data)


def _forgiving(data: bytes) -> str | None:
    """A file cut in the middle of a character, or with a few broken bytes, is still text."""
    for encoding in ("utf-8", "gb18030"):
        text = data.decode(encoding, "replace")
        if text.count("\ufffd") <= max(1, len(text) // 1000):
            return encoding
    return None


def decode(data: bytes, remarks: list[str]) -> tuple[str, str]:
    """(text, encoding name as shown).

    Raises:
        FormatError: the bytes are no text.
    """
    if data.endswith(b"\x00") and b"\x00" not in (filled := data.rstrip(b"\x00")):
        data = filled  # a download that reserved more room than it filled
    encoding = detect_encoding(data)
    if encoding is None:
        raise refuse(
            "认不出文件的类型：既不是 Excel、Word、网页，也不是文本表格。", "请发送方另存为 .xlsx 或 .csv 后重新报送。"
        )
    text = data.decode(encoding, "replace")
    if broken := text.count("\ufffd") - data.count(b"\xef\xbf\xbd"):
        remarks.append(f"文本中有 {max(broken, 1)} 处损坏的字符，已用“�”代替。")
    if encoding in {"utf-16-le", "utf-16-be"}:
        text = text.removeprefix("\ufeff")
    if encoding in {BIG5, "gb18030"} and (said := choice_remark(data, encoding)):
        remarks.append(said)
    if encoding == "gb18030":
        text = text.removeprefix("\ufeff")
    return text, encoding


_MOST_LINES = 5  # of one cell; more is a quote somebody forgot to close
_GAP = re.compile(r"[ \u3000\u00a0]{2,}|\t+")


def _by_gaps(lines: list[str]) -> bool:
    """Whether runs of blanks cut most lines into the same number of cells: a table pasted from a screen."""
    counts = [len(_GAP.split(line.strip())) for line in lines]
    usual = max(set(counts), key=counts.count)
    return usual > 1 and counts.count(usual) >= len(counts) * 0.8 and len(counts) > 2


def find_separator(text: str) -> str | None:
    """The separator that cuts most lines into the same number of cells; None for text that is no table."""
    lines = [line for line in text[:200_000].splitlines()[:200] if line.strip()]
    if not lines:
        return None
    best, best_score = None, 0.0
    for separator in (",", "\t", ";", "|", "，"):
        quoted = csv.reader(io.StringIO("\n".join(lines)), delimiter=separator)
        try:
            counts = [len(cells) for cells in quoted]
        except csv.Error:
            continue
        many = [n for n in counts if n > 1]
        if not many or len(many) < max(1, len(counts) * 0.5):
            continue
        usual = max(set(many), key=many.count)
        score = many.count(usual) / len(counts) + min(usual, 20) / 1000
        if separator in {"，", ";", "|"}:
            score -= 0.2
        if usual == 2 and separator in {",", "，"} and any(len(x) > 80 for x in lines):
            score -= 0.3  # prose with a comma
        if score > best_score:
            best, best_score = separator, score
    return best if best_score >= 0.5 else None


def read_text(text: str, remarks: list[str]) -> tuple[str, Grid]:
    """(format, grid) of delimited text or a pasted list. A row is a record: a quoted line break does not count."""
    separator = find_separator(text)
    grid = Grid("")
    lines = _LINE_END.split(text)
    if separator is None and _by_gaps([line for line in lines[:200] if line.strip()]):
        for number, line in enumerate(lines, 1):
            if line.strip():
                grid.rows[number] = [c.strip() for c in _GAP.split(line.strip())]
        return "text", grid
    csv.field_size_limit(1 << 24)
    if separator is None:
        grid.paragraphs = True
        for number, entry in enumerate(_one_column(text) or map(_unquoted, lines), 1):
            if entry.strip():
                grid.rows[number] = [entry]
        return "text", grid
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))
        if any(_swallowed(cell, separator) for cells in rows for cell in cells if "\n" in cell):
            rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator, quoting=csv.QUOTE_NONE))
            remarks.append("文本里有不配对的引号，已当作普通字符读取。")
    except csv.Error as error:
        raise refuse("文本表格的引号不配对，无法分列。", "请发送方另存为 .xlsx 后重新报送。", str(error)) from None
    for number, cells in enumerate(rows, 1):
        while cells and not cells[-1]:
            cells.pop()
        if cells:
            grid.rows[number] = [cell_text(c) for c in cells]
    return ("tsv" if separator == "\t" else "csv"), grid


def _swallowed(cell: str, separator: str) -> bool:
    """Whether a cell holds what are rows in truth: a quote that was opened and never closed."""
    lines = cell.splitlines()
    return len(lines) > 2 and sum(separator in line for line in lines[1:]) >= 0.6 * (len(lines) - 1)


def _one_column(text: str) -> list[str] | None:
    """The records of a one-column CSV some of whose quoted cells hold a line break; None for any other text."""
    if '"' not in text:
        return None
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error:
        return None
    if any(len(cells) > 1 or len(cells[0].splitlines()) > _MOST_LINES for cells in rows if cells):
        return None
    return [cells[0] if cells else "" for cells in rows]


def _unquoted(line: str) -> str:
    """A line of a one-column CSV without its quotes."""
    if len(line) > 1 and line[0] == line[-1] == '"':
        return line[1:-1].replace('""', '"')
    return line


def cell_text(cell: str) -> str:
    """="00123" is how exports keep zeros in CSV."""
    if len(cell) > 3 and cell.startswith('="') and cell.endswith('"'):
        return cell[2:-1]
    return cell
