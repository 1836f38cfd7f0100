"""`coop-hub ledger`: reading the ledger, proving it here and offline, handing its head to another department, whose copy a
list is, clearing what is past its time of keeping."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from pathlib import Path

import click

from hub.cli import data_option, deployment_option
from hub.cli.sharing_frame import opened, person_option, print_table


@click.group()
def ledger() -> None:
    """共享台账：查看、导出、离线核验、交存摘要、某社数据给过谁。The ledger."""


@ledger.command("list")
@click.option("--department", help="只看一个部门 one department")
@click.option("--event", help="只看一类事项 one kind of event")
@click.option("--limit", default=50, show_default=True)
@data_option
@deployment_option
def list_lines(
    department: str | None, event: str | None, limit: int, data: Path | None, deployment: Path | None
) -> None:
    """最近的台账记录，新的在前。"""
    from sqlalchemy import select

    from hub.sharing.ledger import EVENTS
    from hub.store.tables.sharing import ledger as lines

    query = select(lines).order_by(lines.c.seq.desc()).limit(limit)
    if department:
        query = query.where(lines.c.department == department)
    if event:
        query = query.where(lines.c.event == event)
    with opened(data, deployment) as place, place.engine.connect() as connection:
        print_table(
            ("序号", "时间", "事项", "部门", "经办", "摘录", "要点"),
            (
                (
                    r.seq,
                    r.at.astimezone().strftime("%Y-%m-%d %H:%M:%S"),
                    EVENTS.get(r.event, r.event),
                    place.called(r.department),
                    r.person,
                    r.extract_id,
                    "；".join(
                        f"{k}={v}" for k, v in r.details.items() if isinstance(v, str | int) and len(str(v)) < 40
                    ),
                )
                for r in connection.execute(query)
            ),
        )


@ledger.command("export")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="JSON Lines 文件")
@data_option
@deployment_option
def export(out: Path, data: Path | None, deployment: Path | None) -> None:
    """导出整本台账，供离线核验或交上级。"""
    from hub.sharing.ledger import read_lines

    with (
        opened(data, deployment) as place,
        place.engine.connect() as connection,
        out.open("w", encoding="utf-8") as file,
    ):
        count = 0
        for line in read_lines(connection):
            file.write(json.dumps(line.as_json(), ensure_ascii=False, sort_keys=True) + "\n")
            count += 1
    click.echo(f"导出 {count} 条到 {out}。")


@ledger.command("head")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="写成文件，交另一部门保存")
@data_option
@deployment_option
def head(out: Path | None, data: Path | None, deployment: Path | None) -> None:
    """当前链头摘要：每天交另一部门保存，日后可证明台账没有被整条重写。"""
    from hub.sharing.ledger import head as newest

    with opened(data, deployment) as place, place.engine.connect() as connection:
        found = newest(connection)
        text = json.dumps(
            {
                "county": place.deployment.county.code,
                "date": place.today.isoformat(),
                "seq": found.seq,
                "hash": found.hash,
            }
        )
    if out:
        out.write_text(text + "\n", encoding="utf-8")
    click.echo(text)


@ledger.command("check")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--head", "heads", multiple=True, type=click.Path(path_type=Path, exists=True), help="交存过的摘要文件")
def check(file: Path, heads: tuple[Path, ...]) -> None:
    """离线核验导出的台账，不需要数据库。Exit code 1 if anything is wrong."""
    from hub.sharing.ledger import chain_problems, parse_line, read_head

    with file.open(encoding="utf-8") as lines:
        problems = chain_problems((parse_line(line) for line in lines), [read_head(h) for h in heads])
    for problem in problems:
        click.echo(f"✗ {problem}")
    if not problems:
        click.echo("✓ 台账完整。The chain is whole.")
    sys.exit(1 if problems else 0)


@ledger.command("who")
@click.argument("coop_id")
@data_option
@deployment_option
def who(coop_id: str, data: Path | None, deployment: Path | None) -> None:
    """某合作社的数据给过谁：哪份摘录、哪些字段、谁、何时、什么方式。"""
    from hub.sharing.recall import who_received

    with opened(data, deployment) as place, place.engine.connect() as connection:
        print_table(
            ("时间", "接收部门", "数据", "协议", "字段", "领取人", "方式", "副本号", "召回"),
            (
                (
                    r.made_at.astimezone().strftime("%Y-%m-%d %H:%M"),
                    place.called(r.department),
                    f"{r.title}（{r.business_date}）",
                    f"{r.agreement} v{r.agreement_version}",
                    "、".join(f["title"] for f in r.fields),
                    r.person,
                    r.way,
                    r.copy_number,
                    "已删除" if r.acknowledged_at else ("待回执" if r.recalled_at else ""),
                )
                for r in who_received(connection, coop_id)
            ),
            empty="没有部门领取过含该合作社的数据。",
        )


@ledger.command("handover")
@data_option
@deployment_option
def handover(data: Path | None, deployment: Path | None) -> None:
    """把今天的链头摘要交给 ledger_handover.yaml 写明的部门（夜间会自动做）。"""
    from hub.sharing.handover import hand_over_head

    with opened(data, deployment) as place:
        handed = hand_over_head(place.engine, place.deployment, place.settings, today=place.today)
    if handed is None:
        click.echo("没有交存：部署目录里没有 ledger_handover.yaml，或其中有误（见告警）。")
        sys.exit(1)
    click.echo(f"第 {handed.head.seq} 条的摘要：交{place.called(handed.to)}，已交 {'、'.join(handed.done) or '无'}。")
    for way, why in handed.failed.items():
        click.echo(f"✗ {way}：{why}")
    sys.exit(1 if handed.failed else 0)


@ledger.command("trace")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--extract", "extract_id", type=int, help="疑似出自哪一份摘录；不写则按列名逐份比对")
@data_option
@deployment_option
def trace(file: Path, extract_id: int | None, data: Path | None, deployment: Path | None) -> None:
    """外面发现的一份名单是谁领取的副本：看副本号，再看行的先后次序。只读，不存。"""
    from hub.intake.reader import read_file
    from hub.sharing.tracing import trace_list

    with opened(data, deployment) as place:
        reading = read_file(file, settings=place.settings)
        found = trace_list(place.engine, place.settings, reading, extract_id=extract_id)
    for n in found.named:
        whose = (
            f"{place.called(n.department)} {n.person} 领取的《{n.title}》"
            if n.known
            else "台账里没有这个副本号，可能被改过"
        )
        click.echo(f"副本号 {n.copy_number}：{whose}")
    for t in found.certain:
        click.echo(
            f"行序与副本 {t.copy_number} 相符（{t.agreeing}/{t.pairs} 对）：{place.called(t.department)} {t.person} 领取的《{t.title}》"
        )
    if not found.certain:
        best = found.traces[0] if found.traces else None
        more = (
            f"最接近的是 {best.copy_number}（{best.agreeing}/{best.pairs} 对，不足为凭）"
            if best
            else "没有认出其中的行"
        )
        click.echo(f"行序没有指向任何副本：比对了 {found.tried} 份摘录，{more}；重新排过序的名单认不出。")


@ledger.command("prune")
@click.option("--before", type=click.DateTime(["%Y-%m-%d"]), help="清理这一天以前的，默认满三年的")
@click.option("--yes", is_flag=True, help="真的清理；不写只列出 really clear; without it, only tell")
@person_option
@data_option
@deployment_option
def prune(before: datetime | None, yes: bool, person: str, data: Path | None, deployment: Path | None) -> None:
    """清理保存满三年的摘录文件和所含合作社的记录；台账本身永不清理。"""
    from datetime import timedelta

    from hub.sharing.retention import KEEP_DAYS, due
    from hub.sharing.retention import prune as clear

    with opened(data, deployment) as place:
        day = before.date() if before else place.today - timedelta(days=KEEP_DAYS)
        with place.engine.begin() as connection:
            rows = due(connection, before=day, today=place.today)
            size = sum(int(f["size"]) for r in rows for f in r.files)
            if yes:
                clear(connection, place.settings, before=day, today=place.today, person=person)
    did = "已清理" if yes else "可清理（加 --yes 执行）"
    click.echo(f"{day} 以前的摘录{did} {len(rows)} 份，{size / 1024 / 1024:.1f} MB。每份各记一条台账。")
