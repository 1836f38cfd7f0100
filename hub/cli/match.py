"""`coop-hub match`: a department's own list back with each row's cooperative. Nothing of it is stored."""

from __future__ import annotations

from pathlib import Path

import click

from hub.cli import data_option, deployment_option, settings_from
from hub.errors import ConfigurationError


@click.command()
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.option(
    "--out", type=click.Path(path_type=Path), help="结果工作簿 .xlsx（默认：FILE-匹配结果.xlsx）the workbook to write"
)
@deployment_option
@data_option
def match(file: Path, out: Path | None, deployment: Path | None, data: Path | None) -> None:
    """匹配自己的名单：逐行给出合作社编号、信用代码、把握、理由和候选；名单不入库。

    Any list the reader reads (xlsx, xls, csv, html, docx, zip …) comes back as a workbook with its own columns, then
    coop_id, USCC, name, confidence, reason and the two next candidates. Nothing is stored.
    """
    from rich.console import Console

    from hub.deployment import load_deployment
    from hub.intake.reader import read_file
    from hub.matching.own_list import VERDICT_TITLES, match_list, write_matched
    from hub.matching.read_known import read_known
    from hub.store.database import open_engine

    out = out or file.with_name(f"{file.stem}-匹配结果.xlsx")
    if out.suffix.lower() != ".xlsx":
        raise ConfigurationError(f"结果文件“{out.name}”不是 .xlsx。", next_step="--out 用 .xlsx 结尾的文件名。")
    if out.resolve() == file.resolve():
        raise ConfigurationError("结果文件与名单是同一个文件。", next_step="--out 换一个文件名，名单原件保持不动。")
    settings = settings_from(data, deployment)
    county = load_deployment(settings.deployment).county
    with Console(stderr=True).status("正在匹配 matching …"):
        reading = read_file(file, settings=settings)
        reading.raise_refusal()
        engine = open_engine(settings, migrate=False)
        known = read_known(engine, county)
        engine.dispose()
        matched = match_list(reading, known)
        known.close()
        out.parent.mkdir(parents=True, exist_ok=True)
        write_matched(matched, out, county=county.name)
    click.echo("，".join(f"{VERDICT_TITLES[v]} {n} 行" for v, n in matched.totals.items()) + "。")
    for left in matched.left_out:
        click.echo(f"未处理：{left}，没有名称或代码列。")
    click.echo(f"已写出 {out}；名单没有存入系统。")
