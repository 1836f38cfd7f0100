"""`coop-hub catalogue`: the county's catalogue of feeds and datasets, on the screen or as a workbook for the data bureau."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from hub.cli import deployment_option, settings_from
from hub.cli.sharing_frame import print_table


@click.command()
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="写成 .xlsx a workbook")
@deployment_option
def catalogue(out: Path | None, deployment: Path | None) -> None:
    """数据目录：来源数据和共享数据。不需要数据库。The catalogue; needs no database."""
    from hub.deployment import load_deployment
    from hub.sharing.agreements import load_agreements
    from hub.sharing.catalogue import catalogue_entries, write_catalogue
    from hub.sharing.sources import MasterDatasets

    county = load_deployment(settings_from(None, deployment).deployment)
    entries = catalogue_entries(county, MasterDatasets().datasets(), load_agreements(county))
    if out:
        write_catalogue(entries, county, out, today=datetime.now(ZoneInfo("Asia/Shanghai")).date())
        click.echo(f"目录共 {len(entries)} 项，已写到 {out}。")
        return
    print_table(
        ("分类", "名称", "代码", "提供方", "共享类型", "更新周期", "接收部门"),
        ((e.category, e.title, e.code, e.provider, e.share_type, e.update_cycle, e.shared_with) for e in entries),
    )
