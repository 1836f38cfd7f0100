"""`coop-hub agreements`: what agreements there are and where they stand; approving, revoking, comparing, templates."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from hub.cli import data_option, deployment_option
from hub.cli.sharing_frame import Place, opened, person_option, print_table

if TYPE_CHECKING:
    from hub.sharing.agreements import Agreement


@click.group(invoke_without_command=True)
@click.pass_context
def agreements(ctx: click.Context) -> None:
    """共享协议：列出、查看、比较、批准、撤销、取模板。Agreements: list, show, compare, approve, revoke, templates."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_agreements)


@agreements.command("list")
@data_option
@deployment_option
def list_agreements(data: Path | None, deployment: Path | None) -> None:
    """列出全部协议和状态。"""
    from hub.sharing.agreements import load_agreements
    from hub.sharing.approvals import STANDING_TITLES, agreement_states

    with opened(data, deployment) as place, place.engine.begin() as connection:
        states = agreement_states(connection, load_agreements(place.deployment), place.today)
        print_table(
            ("协议", "名称", "接收部门", "数据集", "版本", "状态", "到期", "批准"),
            (
                (
                    s.agreement.id,
                    s.agreement.title,
                    "各乡镇" if s.agreement.recipient == "each_township" else place.called(s.agreement.recipient),
                    s.agreement.dataset,
                    s.version,
                    STANDING_TITLES[s.standing],
                    s.agreement.term.until,
                    f"{s.decision.person} {s.decision.decided_on}" if s.decision else "",
                )
                for s in states.values()
            ),
            empty="本县没有共享协议，什么都不会共享。用 coop-hub agreements templates 取模板。",
        )


def _one(place: Place, agreement: str) -> Agreement:
    from hub.errors import ConfigurationError
    from hub.sharing.agreements import load_agreements

    found = load_agreements(place.deployment).get(agreement)
    if found is None:
        raise ConfigurationError(
            f"没有名为 {agreement} 的协议。", next_step="用 coop-hub agreements list 查看现有协议。"
        )
    return found


@agreements.command("show")
@click.argument("agreement")
@data_option
@deployment_option
def show(agreement: str, data: Path | None, deployment: Path | None) -> None:
    """查看一份协议的内容。"""
    import yaml

    from hub.sharing.agreement_diff import row_words

    with opened(data, deployment) as place:
        found = _one(place, agreement)
        click.echo(yaml.safe_dump(found.content(), allow_unicode=True, sort_keys=False, width=110).rstrip())
        click.echo("# 行范围：" + "；".join(row_words(found.rows)))


@agreements.command("diff")
@click.argument("agreement")
@click.option("--old", type=int, help="旧版本号，默认最近批准的一版 the older version")
@click.option("--new", type=int, help="新版本号，默认文件里的现行内容 the newer version")
@data_option
@deployment_option
def diff(agreement: str, old: int | None, new: int | None, data: Path | None, deployment: Path | None) -> None:
    """用文字说明两个版本的差别，扩大共享范围的加【扩大】。"""
    from sqlalchemy import func, select

    from hub.sharing.agreement_diff import diff_words
    from hub.sharing.approvals import agreement_at, record_version
    from hub.store.tables.sharing import agreement_decision

    with opened(data, deployment) as place, place.engine.begin() as connection:
        newer = agreement_at(connection, agreement, new) if new else _one(place, agreement)
        version = new or record_version(connection, newer)
        if old is None:
            d = agreement_decision.c
            approved = select(func.max(d.version)).where(
                d.agreement == agreement, d.decision == "approved", d.version < version
            )
            old = connection.scalar(approved)
        if old is None:
            click.echo("此前没有批准过的版本。No approved version before this one.")
            return
        lines = diff_words(agreement_at(connection, agreement, old), newer)
        click.echo(f"“{newer.title}”第 {old} 版 → 第 {version} 版：")
        for line in lines or ["内容相同"]:
            click.echo(f"  - {line}")


@agreements.command("approve")
@click.argument("agreement")
@person_option
@click.option("--reason", help="批准依据，例如会议纪要文号 what the approval rests on")
@data_option
@deployment_option
def approve(agreement: str, person: str, reason: str | None, data: Path | None, deployment: Path | None) -> None:
    """批准一份协议的现行内容，记入台账。"""
    _decide(agreement, "approved", person, reason, data=data, deployment=deployment)


@agreements.command("revoke")
@click.argument("agreement")
@person_option
@click.option("--reason", required=True, help="撤销原因 why")
@data_option
@deployment_option
def revoke(agreement: str, person: str, reason: str, data: Path | None, deployment: Path | None) -> None:
    """撤销一份协议：立即停止发布和下载。"""
    _decide(agreement, "revoked", person, reason, data=data, deployment=deployment)


def _decide(
    agreement: str, decision: str, person: str, reason: str | None, *, data: Path | None, deployment: Path | None
) -> None:
    from hub.sharing.approvals import decide, record_version, revoke_all

    with opened(data, deployment) as place, place.engine.begin() as connection:
        found = _one(place, agreement)
        version = record_version(connection, found)
        if decision == "approved":
            decide(connection, found, version, decision, person=person, day=place.today, reason=reason)
        else:
            revoke_all(connection, found, person=person, day=place.today, reason=reason)
        click.echo(f"“{found.title}”第 {version} 版已{'批准' if decision == 'approved' else '撤销'}。")


@agreements.command("templates")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="写到哪个目录 folder")
def templates(out: Path) -> None:
    """把标准协议模板写到目录里：去掉了批准信息，改好后逐份批准。Standard agreements without approvals."""
    from hub.sharing.agreement_templates import write_templates

    written = write_templates(out)
    click.echo(f"写了 {len(written)} 个文件到 {out}。改好字段、范围和期限后，用 coop-hub agreements approve 逐份批准。")
