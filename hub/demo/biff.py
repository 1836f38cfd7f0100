"""BIFF8 (.xls of Excel 97-2003) and the compound file around it, as small as a demonstration needs: text, numbers,
merged cells, column widths, and a handful of cell styles. Equal input gives equal bytes.

Source: [MS-XLS] and [MS-CFB], Microsoft's published formats.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence

from hub.demo import biff_password

Cell = tuple[str | int | float | None, int]  # value, style

SECTOR = 512
FREE, END, FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
RECORD_LIMIT = 8224
_MINI_STREAM = 4096

# styles a caller may name: (font, horizontal alignment, border, wrap)
PLAIN, TITLE, CAPTION, HEADER, BOXED, BOXED_CENTRE = range(6)
_FONTS = ((12, 400), (18, 700), (12, 700))  # points, weight
_STYLES = ((0, 0, False), (1, 2, False), (0, 1, False), (2, 2, True), (0, 1, True), (0, 2, True))


def _record(kind: int, body: bytes = b"") -> bytes:
    return struct.pack("<HH", kind, len(body)) + body


def _text(value: str, length: str = "<H") -> bytes:
    """XLUnicodeString: one byte a character where Latin-1 suffices."""
    units = len(value.encode("utf-16-le")) // 2
    try:
        return struct.pack(length, units) + b"\x00" + value.encode("latin-1")
    except UnicodeEncodeError:
        return struct.pack(length, units) + b"\x01" + value.encode("utf-16-le")


class _Strings:
    """The shared string table, in order of first use."""

    def __init__(self) -> None:
        self.index: dict[str, int] = {}
        self.uses = 0

    def put(self, value: str) -> int:
        self.uses += 1
        return self.index.setdefault(value, len(self.index))

    def records(self) -> bytes:
        """SST and its CONTINUE records; a string is never cut, a full record is closed before it."""
        blocks = [bytearray(struct.pack("<II", self.uses, len(self.index)))]
        for value in self.index:
            item = _text(value)
            if len(item) > RECORD_LIMIT:
                raise ValueError("a cell's text is too long for one record")
            if len(blocks[-1]) + len(item) > RECORD_LIMIT:
                blocks.append(bytearray())
            blocks[-1] += item
        return b"".join(_record(0x00FC if i == 0 else 0x003C, bytes(block)) for i, block in enumerate(blocks))


def _font(points: int, weight: int) -> bytes:
    return _record(
        0x0031, struct.pack("<HHHHHBBBB", points * 20, 0, 0x7FFF, weight, 0, 0, 0, 134, 0) + _text("宋体", "<B")
    )


def _style(font: int, horizontal: int, boxed: bool, *, parent: int) -> bytes:
    """An XF record; `parent` 0xFFF marks the style all others hang from."""
    protection = 0x0001 | (0x0004 if parent == 0xFFF else 0) | (parent << 4)
    wrap = 0x08 if boxed else 0
    lines = 0x1111 if boxed else 0
    colours = (0x40 | 0x40 << 7) if boxed else 0
    return _record(
        0x00E0,
        struct.pack(
            "<HHHBBBBHHIH", font, 0, protection, horizontal | wrap | 0x10, 0, 0, 0xFC, lines, colours, colours, 0x20C0
        ),
    )


def _globals(names: Sequence[str], offsets: Sequence[int], strings: _Strings, *, protected: bool) -> bytes:
    out = [
        _record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0005, 0x0DBB, 0x07CC, 0, 6)),
        *([_record(biff_password.FILEPASS, bytes(biff_password.FILEPASS_LENGTH))] if protected else []),
        _record(0x0042, struct.pack("<H", 1200)),  # text is Unicode
        _record(0x003D, struct.pack("<HHHHHHHHH", 0, 0, 0x4000, 0x2000, 0x38, 0, 0, 1, 600)),
        _record(0x0022, struct.pack("<H", 0)),  # the 1900 date system
    ]
    fonts = [_font(*_FONTS[0]) for _ in range(4)] + [_font(*f) for f in _FONTS[1:]]  # font 4 does not exist in BIFF
    out += fonts
    out += [_style(0, 0, False, parent=0xFFF) for _ in range(15)]
    out.append(_style(0, 0, False, parent=0))
    out += [_style(0 if f == 0 else f + 4, align, boxed, parent=0) for f, align, boxed in _STYLES]
    out.append(_record(0x0293, struct.pack("<HBB", 0x8000, 0, 0xFF)))
    out += [
        _record(0x0085, struct.pack("<IBB", offset, 0, 0) + _text(name, "<B"))
        for name, offset in zip(names, offsets, strict=True)
    ]
    out.append(strings.records())
    out.append(_record(0x000A))
    return b"".join(out)


def _sheet(
    rows: Sequence[Sequence[Cell]],
    merges: Iterable[tuple[int, int, int, int]],
    widths: Sequence[int],
    strings: _Strings,
    *,
    first: bool,
) -> bytes:
    columns = max((len(r) for r in rows), default=0)
    out = [
        _record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0010, 0x0DBB, 0x07CC, 0, 6)),
        _record(0x0081, struct.pack("<H", 0x05C1)),  # fit to the page
        _record(0x00A1, struct.pack("<HHHHHHHHddH", 9, 100, 1, 1, 0, 0, 600, 600, 0.5, 0.5, 1)),  # A4, landscape
        *(_record(0x007D, struct.pack("<HHHHHH", i, i, width * 256, 15, 0, 0)) for i, width in enumerate(widths)),
        _record(0x0200, struct.pack("<IIHHH", 0, len(rows), 0, columns, 0)),
    ]
    for number, row in enumerate(rows):
        out.append(_record(0x0208, struct.pack("<HHHHHHI", number, 0, len(row), 360, 0, 0, 0x00000140)))
        for column, (value, style) in enumerate(row):
            place = struct.pack("<HHH", number, column, 16 + style)
            if value is None or value == "":
                out.append(_record(0x0201, place))
            elif isinstance(value, str):
                out.append(_record(0x00FD, place + struct.pack("<I", strings.put(value))))
            else:
                out.append(_record(0x0203, place + struct.pack("<d", float(value))))
    out.append(_record(0x023E, struct.pack("<HHHHHHHI", 0x06B6 if first else 0x00B6, 0, 0, 64, 0, 0, 0, 0)))
    areas = list(merges)
    for start in range(0, len(areas), 1000):
        part = areas[start : start + 1000]
        body = b"".join(struct.pack("<HHHH", r1, r2, c1, c2) for r1, c1, r2, c2 in part)
        out.append(_record(0x00E5, struct.pack("<H", len(part)) + body))
    out.append(_record(0x000A))
    return b"".join(out)


def workbook_stream(
    sheets: Sequence[tuple[str, Sequence[Sequence[Cell]], Iterable[tuple[int, int, int, int]], Sequence[int]]],
    *,
    password: str | None = None,
) -> bytes:
    """The Workbook stream. Each sheet is (name, rows of (value, style), merges, widths in characters)."""
    strings = _Strings()
    bodies = [_sheet(rows, merges, widths, strings, first=i == 0) for i, (_, rows, merges, widths) in enumerate(sheets)]
    names = [name for name, *_ in sheets]
    protected = password is not None
    offset = len(_globals(names, [0] * len(names), strings, protected=protected))
    offsets = []
    for body in bodies:
        offsets.append(offset)
        offset += len(body)
    stream = _globals(names, offsets, strings, protected=protected) + b"".join(bodies)
    return stream if password is None else biff_password.protect(stream, password)


def compound_file(stream: bytes, name: str = "Workbook") -> bytes:
    """A compound file holding one stream. A stream too short to stand outside the mini-stream gets a filler record."""
    if len(stream) < _MINI_STREAM:
        stream += _record(0, bytes(max(0, _MINI_STREAM - len(stream) - 4)))
    size = len(stream)
    stream = stream.ljust(-(-size // SECTOR) * SECTOR, b"\x00")
    data_sectors = len(stream) // SECTOR
    fat_sectors = 1
    while fat_sectors * (SECTOR // 4) < data_sectors + fat_sectors + 1:
        fat_sectors += 1
    if fat_sectors > 109:
        raise ValueError("too large for this writer (6.8 MB)")
    fat = [FAT] * fat_sectors + [END]  # the directory follows the table, then the data
    first = fat_sectors + 1
    fat += [first + i + 1 for i in range(data_sectors - 1)] + [END]
    fat += [FREE] * (fat_sectors * (SECTOR // 4) - len(fat))
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
    header += struct.pack("<IIIIIIIII", 0, fat_sectors, fat_sectors, 0, _MINI_STREAM, END, 0, END, 0)
    header += struct.pack("<109I", *range(fat_sectors), *[FREE] * (109 - fat_sectors))

    def entry(label: str, kind: int, child: int, start: int, size: int) -> bytes:
        wide = (label + "\0").encode("utf-16-le") if label else b""
        return (
            wide.ljust(64, b"\0")
            + struct.pack("<HBBIII", len(wide), kind, 1, FREE, FREE, child)
            + bytes(36)
            + struct.pack("<IQ", start, size)
        )

    directory = entry("Root Entry", 5, 1, END, 0) + entry(name, 2, FREE, first, size)
    directory += entry("", 0, FREE, 0, 0) * 2
    return header + struct.pack(f"<{len(fat)}I", *fat) + directory + stream
