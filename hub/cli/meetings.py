"""`coop-hub meetings`: the days of joint meetings, from which changes are counted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hub.cli import data_option, deployment_option
from hub.cli.office import opened, print_table

if TYPE_CHECKING:
    from sqlalchemy import Connection

_DAY = click.DateTime(["%Y-%m-%d"])


@click.group()
def meetings() -> None:
    """联席会议：登记召开日期，“自上次会议以来的变化”由此算起。Joint meetings, from which changes are counted."""


@meetings.command("list")
@data_option
@deployment_option
def list_command(data: Path | None, deployment: Path | None) -> None:
    """列出登记过的会议 the meetings noted so far"""
    from hub.master.meetings import meetings as noted

    with opened(data, deployment) as (connection, _):
        rows = [(f"{m.held_on:%Y-%m-%d}", m.note, m.entered_by) for m in noted(connection)]
    print_table("联席会议 Joint meetings", ("召开日期", "说明", "登记人"), rows)


@meetings.command("held")
@click.argument("day", type=_DAY)
@click.option("--by", required=True, help="登记人 who notes it")
@click.option("--note", default="", help="说明，如第几次会议 a remark")
@data_option
@deployment_option
def held_command(day: datetime, by: str, note: str, data: Path | None, deployment: Path | None) -> None:
    """登记一次已召开的会议 note a meeting that was held"""
    from hub.cli import settings_from
    from hub.master.meetings import note_meeting
    from hub.night.context import business_date

    with _writing(data, deployment) as connection:
        note_meeting(connection, day.date(), by=by, note=note, today=business_date(settings_from(data, deployment)))
    click.echo(f"已登记 {day:%Y-%m-%d} 的联席会议。Noted.")


@meetings.command("forget")
@click.argument("day", type=_DAY)
@data_option
@deployment_option
def forget_command(day: datetime, data: Path | None, deployment: Path | None) -> None:
    """删去登记错的一次 take a wrong entry out"""
    from hub.master.meetings import forget_meeting

    with _writing(data, deployment) as connection:
        forget_meeting(connection, day.date())
    click.echo(f"已删去 {day:%Y-%m-%d} 的登记。Taken out.")


@contextmanager
def _writing(data: Path | None, deployment: Path | None) -> Iterator[Connection]:
    with opened(data, deployment) as (connection, _):
        yield connection
        connection.commit()
