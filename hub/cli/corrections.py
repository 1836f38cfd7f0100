"""`coop-hub corrections`: disputes of values, from raising to the archive, and figures by department."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hub.cli import data_option, deployment_option
from hub.cli.sharing_frame import Place, opened, person_option, print_table

if TYPE_CHECKING:
    from hub.sharing.corrections import Person

department_option = click.option("--department", required=True, help="经办部门 id the acting department")


@click.group()
def corrections() -> None:
    """校核纠错：提出、受理、答复、归档、统计。Disputes of values."""


def _person(place: Place, person: str, department: str) -> Person:
    from hub.errors import ConfigurationError
    from hub.sharing.corrections import Person

    if department not in place.deployment.department_by_id:
        raise ConfigurationError(f"没有名为 {department} 的部门。", next_step="部门 id 见部署目录的 departments.yaml。")
    return Person(person, department, office=department == place.deployment.office.id)


@corrections.command("list")
@click.option("--department", help="只看一个部门的（待办方或提出方） one department")
@click.option("--state", help="只看一种状态 raised, flagged, answered, unflagged, archived, refused")
@data_option
@deployment_option
def list_corrections(department: str | None, state: str | None, data: Path | None, deployment: Path | None) -> None:
    """列出校核纠错，期限近的在前。"""
    from hub.sharing.corrections import STATE_TITLES, queue

    with opened(data, deployment) as place, place.engine.connect() as connection:
        print_table(
            ("编号", "状态", "数据集", "合作社", "字段", "提出部门", "提供部门", "期限", "理由"),
            (
                (
                    r.correction_id,
                    STATE_TITLES[r.state],
                    r.dataset,
                    r.coop_id,
                    r.field or "整行",
                    place.called(r.raised_by_department),
                    place.called(r.source_department),
                    r.due_on,
                    r.reason,
                )
                for r in queue(connection, department=department, side="any", state=state)
            ),
        )


@corrections.command("raise")
@click.option("--dataset", required=True)
@click.option("--cooperative", "coop_id", required=True, help="合作社编号 coop_id")
@click.option("--field", help="字段；不写为整行 the field, or the whole row")
@click.option("--value", help="有疑问的值 the disputed value")
@click.option("--proposed", help="认为正确的值 what it should be")
@click.option("--reason", required=True)
@department_option
@person_option
@data_option
@deployment_option
def raise_one(
    *,
    dataset: str,
    coop_id: str,
    field: str | None,
    value: str | None,
    proposed: str | None,
    reason: str,
    department: str,
    person: str,
    data: Path | None,
    deployment: Path | None,
) -> None:
    """提出校核纠错。"""
    from hub.sharing.corrections import Dispute, raise_correction
    from hub.sharing.sources import MasterDatasets
    from hub.sharing.working_days import working_calendar

    with opened(data, deployment) as place, place.engine.begin() as connection:
        number = raise_correction(
            connection,
            place.deployment,
            working_calendar(place.deployment),
            Dispute(dataset, coop_id, reason, field=field, value=value, proposed=proposed),
            _person(place, person, department),
            datasets=MasterDatasets().datasets(),
            today=place.today,
        )
    click.echo(f"校核纠错第 {number} 号已提出。")


@corrections.command("accept")
@click.argument("number", type=int)
@department_option
@person_option
@data_option
@deployment_option
def accept(number: int, *, department: str, person: str, data: Path | None, deployment: Path | None) -> None:
    """受理并标注。"""
    from hub.sharing.corrections import accept as take
    from hub.sharing.working_days import working_calendar

    with opened(data, deployment) as place, place.engine.begin() as connection:
        due = take(
            connection,
            working_calendar(place.deployment),
            number,
            _person(place, person, department),
            today=place.today,
        )
    click.echo(f"第 {number} 号已受理并标注，请在 {due} 前答复。")


@corrections.command("refuse")
@click.argument("number", type=int)
@click.option("--reason", required=True)
@department_option
@person_option
@data_option
@deployment_option
def refuse(
    number: int, *, reason: str, department: str, person: str, data: Path | None, deployment: Path | None
) -> None:
    """不予受理，写明理由。"""
    from hub.sharing.corrections import refuse as say_no

    with opened(data, deployment) as place, place.engine.begin() as connection:
        say_no(connection, number, _person(place, person, department), reason, today=place.today)
    click.echo(f"第 {number} 号不予受理。")


@corrections.command("answer")
@click.argument("number", type=int)
@click.option("--outcome", type=click.Choice(["corrected", "upheld"]), required=True, help="已更正 / 核实无误")
@click.option("--text", required=True, help="核实情况 what was found")
@click.option("--corrected-value", help="更正后的值 the true value")
@department_option
@person_option
@data_option
@deployment_option
def answer(
    number: int,
    *,
    outcome: str,
    text: str,
    corrected_value: str | None,
    department: str,
    person: str,
    data: Path | None,
    deployment: Path | None,
) -> None:
    """核实与处理：答复。"""
    from hub.sharing.corrections import answer as reply

    with opened(data, deployment) as place, place.engine.begin() as connection:
        reply(
            connection,
            number,
            _person(place, person, department),
            outcome=outcome,
            text=text,
            corrected_value=corrected_value,
            today=place.today,
        )
    click.echo(f"第 {number} 号已答复。")


@corrections.command("archive")
@click.argument("number", type=int)
@department_option
@person_option
@data_option
@deployment_option
def archive(number: int, *, department: str, person: str, data: Path | None, deployment: Path | None) -> None:
    """归档（提出部门或领导小组办公室）。"""
    from hub.sharing.corrections import archive as close

    with opened(data, deployment) as place, place.engine.begin() as connection:
        close(connection, number, _person(place, person, department), today=place.today)
    click.echo(f"第 {number} 号已归档。")


@corrections.command("figures")
@click.option("--from", "first", type=click.DateTime(["%Y-%m-%d"]), default="2000-01-01", help="起 from")
@data_option
@deployment_option
def show_figures(first: datetime, data: Path | None, deployment: Path | None) -> None:
    """各提供部门的办理统计。"""
    from hub.sharing.corrections import figures
    from hub.sharing.working_days import working_calendar

    with opened(data, deployment) as place, place.engine.connect() as connection:
        calendar = working_calendar(place.deployment)
        print_table(
            ("提供部门", "提出", "在办", "逾期", "已更正", "核实无误", "不予受理", "平均工作日"),
            (
                (
                    place.called(f.department),
                    f.raised,
                    f.open,
                    f.overdue,
                    f.corrected,
                    f.upheld,
                    f.refused,
                    f"{f.days:.1f}" if f.days is not None else "",
                )
                for f in figures(connection, calendar, first=first.date(), last=place.today, today=place.today)
            ),
        )
