"""`coop-hub extract`: what an agreement would have given on a past day, or as the hub knew it on a past night."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from hub.cli import data_option, deployment_option
from hub.cli.sharing_frame import opened, person_option

_DAY = click.DateTime(["%Y-%m-%d"])


@click.command()
@click.argument("agreement")
@click.option("--department", help="接收部门（协议给各乡镇的须写明）the recipient, where there are several")
@click.option("--as-of", type=_DAY, help="业务日期：那一天实际如何 what was true that day")
@click.option("--known-at", type=_DAY, help="当时所知：到那一夜为止枢纽知道什么 as known at the end of that night")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="另存编号副本的目录，记入台账 folder for a numbered copy, recorded in the ledger",
)
@person_option
@data_option
@deployment_option
def extract(
    *,
    agreement: str,
    department: str | None,
    as_of: datetime | None,
    known_at: datetime | None,
    out: Path | None,
    person: str,
    data: Path | None,
    deployment: Path | None,
) -> None:
    """按过去某日提取一份摘录：--as-of 是那一天的实际情况，--known-at 是到那一夜为止所知，可以同时用。

    The agreement must be in force today; its fields and masks of today hold. The extract stands in the ledger and in the
    recipient's portal like any other.
    """
    from hub.errors import ConfigurationError
    from hub.sharing import publish_past
    from hub.sharing.copies import make_copy

    if as_of is None and known_at is None:
        raise ConfigurationError(
            "没有写明日期。", next_step="写 --as-of（业务日期）或 --known-at（当时所知），或两个都写。"
        )
    with opened(data, deployment) as place:
        made = publish_past(
            place.engine,
            place.deployment,
            place.settings,
            agreement,
            department,
            as_of=as_of.date() if as_of else None,
            known_at=known_at.date() if known_at else None,
            person=person,
            today=place.today,
        )
        click.echo(
            f"摘录 {made.extract_id}《{made.title}》：{made.rows} 行，{place.called(made.department)}可在门户领取。"
        )
        if out is None:
            return
        out.mkdir(parents=True, exist_ok=True)
        for form in dict.fromkeys(f.suffix[1:] for f in made.files):
            copy = make_copy(
                place.engine, place.deployment, place.settings, made.extract_id,
                form=form, department=made.department, person=person, today=place.today, way="hand",
            )  # fmt: skip
            target = out / copy.name
            target.write_bytes(copy.path.read_bytes())
            copy.discard()
            click.echo(f"副本 {copy.number}：{target}")
