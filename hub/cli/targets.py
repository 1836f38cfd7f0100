"""`coop-hub targets`: how far the county is, who is missing, and until when."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from hub.cli import data_option, deployment_option
from hub.cli.office import opened, print_table


@click.command()
@click.option("--known-at", type=click.DateTime(["%Y-%m-%d"]), help="到哪一夜为止所知 as known by that night")
@click.option(
    "--missing", "show_missing", metavar="TARGET", help="列出某项目标尚缺的合作社 who is missing for one target"
)
@data_option
@deployment_option
def targets(known_at: datetime | None, show_missing: str | None, data: Path | None, deployment: Path | None) -> None:
    """三年行动目标：现值、差距、走势、期限。Targets with their deadlines."""
    from hub.errors import ConfigurationError
    from hub.master.targets import target_statuses

    with opened(data, deployment) as (connection, county):
        statuses = target_statuses(
            connection, county, known_at=known_at.date() if known_at else None, most_missing=10_000
        )
    if show_missing is None:
        rows = [
            (
                s.target.name,
                s.target.title.zh,
                s.goal_shown,
                s.shown(),
                str(s.missing_count) if s.reached is False else "",
                str(s.unknown) if s.base else "",
                " → ".join(s.shown(v) for _, v in s.trend[-4:]) if s.known else "",
                f"{s.target.deadline:%Y-%m-%d}（{s.days_left} 天）" if s.target.deadline else "",
                s.verdict,
            )
            for s in statuses
        ]
        print_table(
            "目标 Targets",
            ("名称", "目标", "目标值", "现值", "尚缺", "不详", "走势", "期限", "进展"),
            rows,
            right=(2, 3, 4, 5),
            note="尚缺名单：coop-hub targets --missing 名称",
        )
        return
    chosen = next((s for s in statuses if s.target.name == show_missing), None)
    if chosen is None:
        raise ConfigurationError(
            f"没有名为 {show_missing} 的目标。", next_step=f"可用的有：{'、'.join(s.target.name for s in statuses)}。"
        )
    answers = {"no": "否", "unknown": "不详"}
    print_table(
        f"{chosen.target.title.zh}：尚缺 {chosen.missing_count} 家",
        ("编号", "合作社", "乡镇", "现状"),
        [(m.coop_id, m.name, m.town or "", answers[m.answer]) for m in chosen.missing],
    )
