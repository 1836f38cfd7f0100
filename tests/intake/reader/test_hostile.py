"""Files that mean harm cost their sender a refusal and nobody else anything."""

from __future__ import annotations

import io
import os
import time
import zipfile
from pathlib import Path

import pytest

from hub.intake.reader import pool, read_file
from hub.settings import load_settings
from tests.intake.reader import builders
from tests.intake.reader.builders import Sheet, account_of, replaced

SHEET = Sheet([["序号", "名称", "电话"], ["1", "甲专业合作社", "13000000000"], ["2", "乙专业合作社", "13000000001"]])
SHEET_PART = "xl/worksheets/sheet1.xml"
SMALL = load_settings(reader_memory_mb=512, reader_seconds=20)
SPACE = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'

LAUGHS = (
    b'<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "lol">'
    + b"".join(b'<!ENTITY %c "%s">' % (98 + i, b"&%c;" % (97 + i) * 10) for i in range(9))
    + b"]>"
)
EXTERNAL = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'


def _sheet_xml(declaration: bytes, entity: str) -> bytes:
    row = f'<worksheet {SPACE}><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>&{entity};</t></is></c></row></sheetData></worksheet>'
    return declaration + row.encode()


def _xml2003(declaration: bytes, entity: str) -> bytes:
    space = "urn:schemas-microsoft-com:office:spreadsheet"
    body = f'<Workbook xmlns="{space}" xmlns:ss="{space}"><Worksheet ss:Name="a"><Table><Row><Cell><Data>&{entity};</Data></Cell></Row></Table></Worksheet></Workbook>'
    return declaration + body.encode()


def _bomb() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr("xl/workbook.xml", b"<workbook/>")
        with archive.open(SHEET_PART, "w") as part:
            for _ in range(300):
                part.write(bytes(1 << 20))
    return out.getvalue()


def _lying_bomb() -> bytes:
    """The directory says the part is small; its data unpacks to 200 MiB."""
    package = replaced(builders.xlsx(SHEET), {SHEET_PART: b"<worksheet><sheetData>" + bytes(200 << 20)})
    return package.replace((200 << 20).to_bytes(4, "little"), (20).to_bytes(4, "little"))


def overlapping() -> bytes:
    """Ten thousand names for one and the same compressed block."""
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", b"0," * 100_000)
    data = inner.getvalue()
    start = data.index(b"PK\x01\x02")
    end = data.index(b"PK\x05\x06")
    entry = data[start:end]
    count = 10_000
    tail = bytearray(data[end:])
    tail[8:10] = tail[10:12] = count.to_bytes(2, "little")
    tail[12:16] = (len(entry) * count).to_bytes(4, "little")
    return data[:start] + entry * count + bytes(tail)


HOSTILE = {
    "zip bomb": (_bomb, "炸弹"),
    "zip bomb with a false size": (_lying_bomb, "下一步"),
    "billion laughs in a sheet": (
        lambda: replaced(builders.xlsx(SHEET), {SHEET_PART: _sheet_xml(LAUGHS, "j")}),
        "实体定义",
    ),
    "external entity in a sheet": (
        lambda: replaced(builders.xlsx(SHEET), {SHEET_PART: _sheet_xml(EXTERNAL, "e")}),
        "实体定义",
    ),
    "entities in shared strings": (
        lambda: replaced(
            builders.xlsx(SHEET), {"xl/sharedStrings.xml": LAUGHS + f"<sst {SPACE}><si><t>&j;</t></si></sst>".encode()}
        ),
        "实体定义",
    ),
    "entities in the workbook": (
        lambda: replaced(builders.xlsx(SHEET), {"xl/workbook.xml": EXTERNAL + b"<workbook>&e;</workbook>"}),
        "实体定义",
    ),
    "billion laughs in XML 2003": (lambda: _xml2003(LAUGHS, "j"), "实体定义"),
    "external entity in XML 2003": (lambda: _xml2003(EXTERNAL, "e"), "实体定义"),
    "entities in Word": (
        lambda: replaced(builders.docx(SHEET), {"word/document.xml": LAUGHS + b"<document>&j;</document>"}),
        "实体定义",
    ),
    "many overlapping members": (overlapping, "炸弹"),
    "deep nesting": (lambda: b"<html>" + b"<div>" * 200_000 + b"<table><tr><td>1</td></tr></table>", "下一步"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_quickly_and_the_next_one_read(tmp_path: Path, name: str) -> None:
    make, words = HOSTILE[name]
    bad, good = tmp_path / "坏.xlsx", tmp_path / "好.xlsx"
    bad.write_bytes(make())
    good.write_bytes(builders.xlsx(SHEET))
    started = time.monotonic()
    reading = read_file(bad, settings=SMALL)
    assert words in (reading.refusal or "")
    assert "root:" not in repr(reading)
    assert time.monotonic() - started < 25
    assert account_of(read_file(good, settings=SMALL)) == "hdd"


def test_a_row_at_every_place_of_a_gigantic_sheet_hits_the_memory_limit_not_the_machine(tmp_path: Path) -> None:
    row = b'<row r="%d"><c r="A%d"><v>1</v></c><c r="XFD%d"><v>1</v></c></row>'
    rows = b"".join(row % (n, n, n) for n in range(1, 40_000))
    part = f"<worksheet {SPACE}><sheetData>".encode() + rows + b"</sheetData></worksheet>"
    path = tmp_path / "大.xlsx"
    path.write_bytes(replaced(builders.xlsx(SHEET), {SHEET_PART: part}))
    reading = read_file(path, settings=SMALL)
    assert "内存超过 512 MB" in (reading.refusal or "")


def test_merged_ranges_over_the_whole_sheet_cost_nothing(tmp_path: Path) -> None:
    rows = [*SHEET.rows, ["3", "丙专业合作社", "13000000002"]]
    path = tmp_path / "合并.xlsx"
    package = builders.xlsx(Sheet([["某县名单"], *rows]))
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        part = archive.read(SHEET_PART)
    merges = b'</sheetData><mergeCells><mergeCell ref="A1:XFD1"/><mergeCell ref="G2:G1048576"/></mergeCells>'
    path.write_bytes(replaced(package, {SHEET_PART: part.replace(b"</sheetData>", merges)}))
    reading = read_file(path, settings=SMALL)
    assert account_of(reading) == "thddd"
    assert len(reading.sheets[0].columns) == 3


def test_a_file_that_takes_too_long_is_given_up_and_its_worker_replaced(tmp_path: Path) -> None:
    fifo = tmp_path / "永远.csv"
    os.mkfifo(fifo)
    impatient = load_settings(reader_memory_mb=1011).model_copy(update={"reader_seconds": 1})
    started = time.monotonic()
    reading = read_file(fifo, settings=impatient)
    assert time.monotonic() - started < 60
    assert "已中止" in (reading.refusal or "")
    good = tmp_path / "好.csv"
    good.write_bytes(builders.csv_file(SHEET))
    assert account_of(read_file(good, settings=load_settings(reader_memory_mb=1011))) == "hdd"


def test_a_worker_is_used_again_and_replaced_when_it_dies(tmp_path: Path) -> None:
    path = tmp_path / "好.csv"
    path.write_bytes(builders.csv_file(SHEET))
    settings = load_settings(reader_memory_mb=510)
    seen = []
    for _ in range(3):
        assert read_file(path, settings=settings).refusal is None
        (worker,) = [w for w in pool._idle if w.memory_mb == 510]
        seen.append(worker.process.pid)
    assert len(set(seen)) == 1
    worker.process.kill()
    worker.process.wait()
    assert read_file(path, settings=settings).refusal is None


def test_a_worker_does_not_outlive_its_parent(tmp_path: Path) -> None:
    import subprocess
    import sys

    path = tmp_path / "好.csv"
    path.write_bytes(builders.csv_file(SHEET))
    code = (
        "import os, sys\nfrom pathlib import Path\nfrom hub.intake.reader import pool, read_file\n"
        "read_file(Path(sys.argv[1]))\nprint(pool._idle[0].process.pid, flush=True)\nos._exit(9)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False)
    child = int(done.stdout)
    for _ in range(50):
        if not Path(f"/proc/{child}").exists() or " Z " in Path(f"/proc/{child}/stat").read_text():
            return
        time.sleep(0.1)
    pytest.fail("the worker is still there")


def test_a_file_larger_than_the_limit_is_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "大.csv"
    with path.open("wb") as out:
        out.truncate(3 << 20)
    reading = read_file(path, settings=load_settings(max_file_mb=2))
    assert "超过 2 MB" in (reading.refusal or "")


@pytest.mark.parametrize("seed", range(30))
def test_a_file_with_flipped_bytes_is_read_or_refused_but_never_breaks_the_reader(tmp_path: Path, seed: int) -> None:
    import random

    chance = random.Random(seed)
    makers = (builders.xlsx, builders.xls, builders.html, builders.xml2003, builders.docx, builders.csv_file)
    data = bytearray(makers[seed % len(makers)](SHEET))
    for _ in range(chance.choice((1, 5, 50))):
        data[chance.randrange(len(data))] = chance.randrange(256)
    path = tmp_path / "碰坏.xls"
    path.write_bytes(data[: chance.choice((len(data), len(data) * 2 // 3))])
    reading = read_file(path, settings=SMALL)
    assert (reading.refusal is None) == bool(reading.sheets)
    if reading.sheets:
        for name in {s.name for s in reading.sheets}:
            account_of(reading, name)
