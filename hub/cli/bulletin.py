"""`coop-hub bulletin`: the joint meeting's bulletin of a month, as a Word file to edit."""

from __future__ import annotations

from pathlib import Path

import click

from hub.cli import data_option, deployment_option
from hub.cli.office import opened, working
from hub.errors import ConfigurationError


@click.command()
@click.option("--month", required=True, metavar="YYYY-MM", help="月份 month, 如 2026-10")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Word 文件 .docx")
@data_option
@deployment_option
def bulletin(month: str, out: Path, data: Path | None, deployment: Path | None) -> None:
    """联席会议通报。The joint meeting's bulletin."""
    from hub.master.bulletin import parse_month, read_bulletin
    from hub.master.documents.bulletin_document import write_bulletin
    from hub.master.documents.charts import chinese_font

    if out.suffix != ".docx":
        raise ConfigurationError(f"不认识的文件类型 {out.suffix or '（无后缀）'}。", next_step="--out 用 .docx。")
    wanted = parse_month(month)
    with working("正在编写通报 …"), opened(data, deployment) as (connection, county):
        model = read_bulletin(connection, county, wanted)
    write_bulletin(model, out)
    if model.note:
        click.echo(model.note)
    if chinese_font() is None:
        click.echo("本机没有中文字体，图表以文字条形代替。")
    click.echo(f"已写出 {out}：数据截至 {model.night:%Y-%m-%d}（总表第 {model.version} 版）")
