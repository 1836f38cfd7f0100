"""Reading beside pandas on the same files in one run: xlsx and xls beside openpyxl and calamine, CSV beside
`pandas.read_csv`, and a million-row CSV from bytes to checked rows.

pandas gives cells; the reader gives cells, an account of every row, merged cells filled down and the columns' fields,
from within a limited child process that has been started before.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.frame import Measure, timed, timed_in_child

FEED = "market_abnormal"
HEADERS = [
    *("序号", "企业名称", "统一社会信用代码/注册号", "法定代表人/负责人", "列入经营异常名录原因"),
    *("列入日期", "作出决定机关(列入)", "移出经营异常名录原因", "移出日期", "作出决定机关(移出)"),
]
REASONS = (
    "未按照《农民专业合作社年度报告公示暂行办法》规定报送年度报告并公示的",
    "通过登记的住所无法与农民专业合作社取得联系的",
    "公示信息隐瞒真实情况、弄虚作假的",
)


def rows_of(count: int, seed: int = 1) -> list[list[str]]:
    """Rows of an abnormal list, invented."""
    chance = random.Random(seed)
    signs = "兴旺丰金银海山河绿青禾田源润康泰盛隆达茂华林农果牧渔谷穗园春"
    rows = []
    for number in range(1, count + 1):
        name = (
            "云岫县"
            + "".join(chance.choices(signs, k=3))
            + chance.choice(("水稻", "果蔬", "茶叶", "畜禽"))
            + "专业合作社"
        )
        year, month, day = chance.randint(2015, 2025), chance.randint(1, 12), chance.randint(1, 28)
        form = chance.choice(("{}-{:02d}-{:02d}", "{}{:02d}{:02d}", "{}/{}/{}", "{}年{}月{}日"))
        removed = chance.random() < 0.3
        rows.append(
            [
                *(str(number), name, f"93339127{chance.randrange(10**9):09d}{chance.choice('0123456789ABCDEFGH')}"),
                *(
                    chance.choice("王李张刘陈") + chance.choice(signs),
                    chance.choice(REASONS),
                    form.format(year, month, day),
                ),
                *("云岫县市场监督管理局", "已补报年度报告" if removed else ""),
                *(form.format(year + 1, month, day) if removed else "", "云岫县市场监督管理局" if removed else ""),
            ]
        )
    return rows


def _write(folder: Path, kind: str, rows: list[list[str]]) -> Path:
    path = folder / f"来件.{kind}"
    if kind == "xlsx":
        import xlsxwriter

        with xlsxwriter.Workbook(path, {"constant_memory": True, "strings_to_numbers": False}) as book:
            page = book.add_worksheet()
            for number, cells in enumerate([HEADERS, *rows]):
                page.write_row(number, 0, cells)
    elif kind == "xls":
        from hub.demo import biff

        cells: list[list[biff.Cell]] = [[(v or None, biff.PLAIN) for v in r] for r in [HEADERS, *rows]]
        path.write_bytes(biff.compound_file(biff.workbook_stream([("Sheet1", cells, (), ())])))
    else:
        import csv

        with path.open("w", encoding="utf-8-sig", newline="") as out:
            csv.writer(out).writerows([HEADERS, *rows])
    return path


def _read(path: Path) -> int:
    from hub.feeds import get_feed
    from hub.intake.reader import read_file

    reading = read_file(path, feed=get_feed(FEED))
    reading.raise_refusal()
    return reading.data_rows


def _pandas(path: Path, engine: str) -> int:
    import pandas as pd

    if engine == "csv":
        return len(pd.read_csv(path, dtype=str))
    return len(pd.read_excel(path, dtype=str, engine=engine))  # type: ignore[call-overload]


def _to_checked(path: Path, *, checks: bool) -> int:
    from hub.feeds import Coverage, get_feed
    from hub.intake.normalise import normalise_reading
    from hub.intake.reader import read_file

    feed = get_feed(FEED)
    staged = normalise_reading(read_file(path, feed=feed), feed)
    if checks:
        from expectations import check_rows

        check_rows(feed, staged.rows.to_pandas(), previous_rows=None, hold_below=0.8, coverage=Coverage.FULL)
    return int(staged.rows.num_rows)


def _beside(path: Path, kind: str, count: int, engines: tuple[str, ...]) -> list[Measure]:
    _read(path)  # the child process is up, as it is on all but the first file of a night
    seconds, found = timed(lambda: _read(path), repeat=2)
    if found != count:
        raise AssertionError(f"{found} rows read, {count} written")
    own = f"reader, {kind}"
    measures = [Measure(own, seconds, count)]
    for engine in engines:
        other, rows = timed(lambda engine=engine: _pandas(path, engine), repeat=2)  # type: ignore[misc]
        measures.append(Measure(f"pandas {engine}, {kind}", other, rows, against=own))
    return measures


def run(scale: float = 1.0) -> list[Measure]:
    """xlsx, xls and CSV beside pandas; then a million-row CSV (times `scale`) from bytes to checked rows."""
    from hub.intake.reader.pool import stop_workers

    measures: list[Measure] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for kind, count, engines in (
            ("xlsx", int(20_000 * scale), ("openpyxl", "calamine")),
            ("xls", min(int(10_000 * scale), 15_000), ("xlrd", "calamine")),
            ("csv", int(100_000 * scale), ("csv",)),
        ):
            measures += _beside(_write(folder, kind, rows_of(count)), kind, count, engines)
        count = int(1_000_000 * scale)
        path = _write(folder, "csv", rows_of(count, seed=2))
        stop_workers()  # a forked child must not find its parent's
        works: tuple[tuple[str, Callable[[], Any]], ...] = (
            ("large CSV: pandas.read_csv", lambda: _pandas(path, "csv")),
            ("large CSV: read and normalise", lambda: _to_checked(path, checks=False)),
            ("large CSV: read, normalise, check", lambda: _to_checked(path, checks=True)),
        )
        for title, work in works:
            seconds, peak, rows = timed_in_child(work)
            measures.append(
                Measure(title, seconds, rows, peak_mb=peak, against=None if "pandas" in title else works[0][0])
            )
    return measures
