"""`coop-hub inspect`: what the reader makes of files, known feed or not. Needs no database."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from hub.intake.reader.model import Reading


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path))
@click.option("--feed", "feed_name", help="按哪个数据目录项理解列名；不给则自行判断 feed the files belong to")
@click.option("--json", "as_json", is_flag=True, help="输出 JSON print JSON")
def inspect(files: tuple[Path, ...], feed_name: str | None, as_json: bool) -> None:
    """看阅读器如何理解文件：类型、表头、列、数据行，以及每一行不是数据的原因。

    What the reader makes of files of whatever kind. With --json a list, one object per file: {file, format, encoding,
    encrypted, refusal, sheets: [{name, hidden, header_rows, columns: [{header, field}], data_rows, skipped: [{row,
    kind, text}]}]}.

    \b
    header_rows  row numbers of the table's header, counted from 1 as the sheet shows them; [] when it has none
    data_rows    how many rows of the sheet hold data
    skipped      every other row: kind is header (repeated), title, total, note or blank;
                 a very long run of blank rows is one entry with "until"
    columns      headers as shown, levels of a multi-row header joined by "/"; field is null when unknown,
                 "guess" then names the closest one
    A sheet that holds several tables stands there several times under the same name.
    """
    from hub.feeds import get_feed
    from hub.intake.reader import read_file

    feed = get_feed(feed_name) if feed_name else None
    with progress("正在读取", len(files)) as step:
        readings = []
        for path in files:
            readings.append(read_file(path, feed=feed))
            step()
    if as_json:
        click.echo(json.dumps([as_object(r, str(p)) for r, p in zip(readings, files, strict=True)], ensure_ascii=False))
        return
    for path, reading in zip(files, readings, strict=True):
        _print(str(path), reading)


@contextmanager
def progress(words: str, total: int) -> Iterator[Callable[[], None]]:
    """A progress bar on stderr, on a terminal only, that shows itself after two seconds."""
    started, bar = time.monotonic(), None
    if sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import Progress

        bar = Progress(console=Console(stderr=True), transient=True)
        task = bar.add_task(words, total=total)

    def step() -> None:
        if bar is not None:
            bar.advance(task)
            if time.monotonic() - started > 2 and not bar.live.is_started:
                bar.start()

    try:
        yield step
    finally:
        if bar is not None:
            bar.stop()


def as_object(reading: Reading, file: str) -> dict[str, Any]:
    """One file's object of the JSON list."""
    return {
        "file": file,
        "format": reading.format,
        "encoding": reading.encoding,
        "encrypted": reading.encrypted,
        "refusal": reading.refusal,
        "remarks": reading.remarks,
        "sheets": reading.account(),
    }


def _print(file: str, reading: Reading) -> None:
    facts = [reading.format or "?", reading.encoding or "", "已加密（内置密码）" if reading.encrypted else ""]
    click.echo(f"{file}  [{'，'.join(f for f in facts if f)}]")
    for remark in reading.remarks:
        click.echo(f"  提示：{remark}")
    if reading.refusal:
        click.echo(f"  拒收：{reading.refusal}")
    for sheet in reading.sheets:
        rows = "、".join(map(str, sheet.header_rows)) or "无"
        name = f"工作表“{sheet.name}”" if sheet.name else "表"
        click.echo(f"  {name}{'（隐藏）' if sheet.hidden else ''}：表头行 {rows}，数据 {sheet.data_rows} 行")
        for column in sheet.columns:
            known = f"→ {column.field}" if column.field else (f"? 可能是 {column.guess}" if column.guess else "")
            click.echo(f"    {column.header}  {known}".rstrip())
        for skipped in [s for s in sheet.skipped if s.kind != "blank"][:30]:
            click.echo(f"    第 {skipped.row} 行 {skipped.kind}：{skipped.text[:60]}")
        if blank := sum(1 + (s.until - s.row if s.until else 0) for s in sheet.skipped if s.kind == "blank"):
            click.echo(f"    空白 {blank} 行")
