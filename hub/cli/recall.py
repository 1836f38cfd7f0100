"""`coop-hub recall`: calling a delivered extract back, and seeing who has answered."""

from __future__ import annotations

from pathlib import Path

import click

from hub.cli import data_option, deployment_option
from hub.cli.sharing_frame import opened, person_option, print_table


@click.group()
def recall() -> None:
    """召回已交付的数据。Calling delivered data back."""


@recall.command("start")
@click.argument("extract_id", type=int)
@click.option("--reason", required=True, help="召回原因 why")
@person_option
@data_option
@deployment_option
def start(extract_id: int, reason: str, person: str, data: Path | None, deployment: Path | None) -> None:
    """召回一份摘录：立即停止下载，通知已领取的部门删除并回执。"""
    from hub.sharing.recall import recall as call_back

    with opened(data, deployment) as place, place.engine.begin() as connection:
        copies = call_back(connection, extract_id, person, reason)
    click.echo(f"摘录 {extract_id} 已召回，{copies} 份副本待回执。")


@recall.command("acknowledge")
@click.argument("copy_number")
@click.option("--department", required=True, help="接收部门 id")
@person_option
@data_option
@deployment_option
def acknowledge(copy_number: str, department: str, person: str, data: Path | None, deployment: Path | None) -> None:
    """代接收部门登记回执：该副本已删除。"""
    from hub.sharing.recall import acknowledge as answer

    with opened(data, deployment) as place, place.engine.begin() as connection:
        answer(connection, copy_number, department, person)
    click.echo(f"副本 {copy_number} 已回执。")


@recall.command("status")
@data_option
@deployment_option
def status(data: Path | None, deployment: Path | None) -> None:
    """尚未回执的副本。"""
    from hub.sharing.recall import open_copies

    with opened(data, deployment) as place, place.engine.connect() as connection:
        print_table(
            ("副本号", "摘录", "数据", "部门", "领取人", "领取时间"),
            (
                (
                    c.copy_number,
                    c.extract_id,
                    c.title,
                    place.called(c.department),
                    c.person,
                    f"{c.made_at:%Y-%m-%d %H:%M}",
                )
                for c in open_copies(connection)
            ),
            empty="没有待回执的副本。",
        )
