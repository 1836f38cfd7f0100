"""`coop-hub changes`: what changed since a day or the last joint meeting."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from hub.cli import data_option, deployment_option
from hub.cli.office import opened, print_table

_DAY = click.DateTime(["%Y-%m-%d"])


@click.command()
@click.option("--since", required=True, type=_DAY, help="自哪一天以来，如上次联席会议 since that day")
@click.option("--until", type=_DAY, help="到哪一夜为止，默认最新 until that night")
@data_option
@deployment_option
def changes(since: datetime, until: datetime | None, data: Path | None, deployment: Path | None) -> None:
    """变化：列入移出异常名录、税务状态、示范社、追溯平台、新增和消失的合作社。What changed since a day."""
    from hub.master.changes import CATEGORIES, changes_since

    with opened(data, deployment) as (connection, _):
        found = changes_since(connection, since.date(), until=until.date() if until else None)
    before = f"{found.from_date:%Y-%m-%d}" if found.from_date else "（此前没有发布过）"
    click.echo(f"{before} → {found.to_date:%Y-%m-%d}")
    for name, (zh, en, _, _) in CATEGORIES.items():
        items = found.items[name]
        if items:
            print_table(
                f"{zh} {en}：{len(items)}",
                ("编号", "合作社", "乡镇", "变化前", "变化后"),
                [(i.coop_id, i.name, i.town or "", i.before, i.after) for i in items],
            )
    if not any(found.counts.values()):
        click.echo("没有变化。No changes.")
