"""`coop-hub changes`: what changed since a day or the last joint meeting."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import click

from hub.cli import data_option, deployment_option, settings_from
from hub.cli.office import opened, print_table

_DAY = click.DateTime(["%Y-%m-%d"])


@click.command()
@click.option(
    "--since",
    required=True,
    metavar="DATE|meeting",
    help="自哪一天以来；meeting：自上次联席会议以来 since that day, or the last meeting",
)
@click.option("--until", type=_DAY, help="到哪一夜为止，默认最新 until that night")
@data_option
@deployment_option
def changes(since: str, until: datetime | None, data: Path | None, deployment: Path | None) -> None:
    """变化：列入移出异常名录、税务状态、示范社、追溯平台、新增和消失的合作社。What changed since a day."""
    from hub.master.changes import CATEGORIES, changes_since
    from hub.master.meetings import last_meeting
    from hub.night.context import business_date

    with opened(data, deployment) as (connection, _):
        today = business_date(settings_from(data, deployment))
        start = last_meeting(connection, today) if since == "meeting" else _day(since)
        found = changes_since(connection, start, until=until.date() if until else None)
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


def _day(said: str) -> date:
    try:
        return date.fromisoformat(said)
    except ValueError as error:
        raise click.BadParameter(f"{said} 不是日期；写成 2026-10-20，或写 meeting。", param_hint="--since") from error
