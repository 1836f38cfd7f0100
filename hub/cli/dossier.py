"""`coop-hub dossier`: everything about one cooperative, as a Word file or JSON."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from hub.cli import data_option, deployment_option
from hub.cli.office import opened, working
from hub.errors import ConfigurationError

_DAY = click.DateTime(["%Y-%m-%d"])


@click.command()
@click.argument("coop")
@click.option("--out", required=True, type=click.Path(path_type=Path), help=".docx 或 .json")
@click.option("--as-of", type=_DAY, help="说的是哪一天 the day it speaks of")
@click.option("--known-at", type=_DAY, help="到哪一夜为止所知 as known by that night")
@click.option("--public", is_flag=True, help="不含电话等个人信息 without personal data")
@data_option
@deployment_option
def dossier(
    coop: str,
    out: Path,
    as_of: datetime | None,
    known_at: datetime | None,
    *,
    public: bool,
    data: Path | None,
    deployment: Path | None,
) -> None:
    """一社一档。COOP 是合作社编号、统一社会信用代码或全称。The dossier of one cooperative."""
    from hub.feeds import Privacy
    from hub.master.documents.dossier_document import write_dossier
    from hub.master.dossier import read_dossier
    from hub.master.search import resolve_cooperative

    if out.suffix not in (".docx", ".json"):
        raise ConfigurationError(
            f"不认识的文件类型 {out.suffix or '（无后缀）'}。", next_step="--out 用 .docx 或 .json。"
        )
    with working("正在整理档案 …"), opened(data, deployment) as (connection, county):
        one = read_dossier(
            connection,
            resolve_cooperative(connection, coop),
            as_of=as_of.date() if as_of else None,
            known_at=known_at.date() if known_at else None,
            show=(Privacy.PUBLIC,) if public else (Privacy.PUBLIC, Privacy.PERSONAL),
        )
    if out.suffix == ".json":
        out.parent.mkdir(parents=True, exist_ok=True)
        temporary = out.with_name(f".{out.name}.part")
        temporary.write_text(one.to_json() + "\n", encoding="utf-8")
        temporary.replace(out)
    else:
        write_dossier(one, out, departments={d.id: d.name for d in county.departments})
    click.echo(f"已写出 {out}：{one.name}（{one.coop_id}），数据截至 {one.as_of:%Y-%m-%d}")
