"""`coop-hub deliveries`: what arrived, what became of it, what a person must decide, what the sender gets back."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from hub.cli import data_option, deployment_option, settings_from
from hub.cli.terminal import plain_console

if TYPE_CHECKING:
    from rich.table import Table
    from sqlalchemy import Connection, Engine

    from hub.intake.receipt import Receipt
    from hub.settings import Settings

Where = tuple[Path | None, Path | None]
"""Data folder and deployment, as given on the command line."""

STATES = ("received", "staged", "held", "accepted", "rejected", "failed", "unchanged")
_LIST = """
select d.delivery_id, d.received_at, d.feed, d.department, d.name, d.state, d.rows_in, d.rows_accepted, d.rows_quarantined,
       d.rows_duplicate, d.rows_out_of_scope, d.reason
from delivery d
where (cast(:feed as text) is null or d.feed = :feed) and (cast(:state as text) is null or d.state = :state)
  and (cast(:department as text) is null or d.department = :department)
order by d.delivery_id desc limit :limit
"""


@contextmanager
def _opened(where: Where) -> Iterator[tuple[Settings, Engine, dict[str, str]]]:
    """Settings, engine, and how departments are called here."""
    from hub.deployment import load_deployment
    from hub.store.database import open_engine

    settings = settings_from(*where)
    county = load_deployment(settings.deployment)
    settings.data.mkdir(parents=True, exist_ok=True)
    engine = open_engine(settings)
    try:
        yield settings, engine, {d.id: d.name for d in county.departments}
    finally:
        engine.dispose()


def _today(settings: Settings) -> date:
    if settings.today:
        return date.fromisoformat(settings.today)
    return datetime.now(ZoneInfo("Asia/Shanghai")).date()


def _print(table: Table) -> None:
    plain_console().print(table)


def _table(*columns: str, right: frozenset[str] = frozenset()) -> Table:
    from rich.table import Table

    table = Table(header_style="bold", pad_edge=False)
    for name in columns:
        table.add_column(name, justify="right" if name in right else "left", overflow="fold")
    return table


@click.group(invoke_without_command=True)
@click.option("--feed", help="只看这一数据目录项 only this feed")
@click.option("--state", type=click.Choice(STATES), help="只看这一状态 only this state")
@click.option("--department", help="只看这一部门 only this department (id)")
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="最多列出几份 at most so many"
)
@deployment_option
@data_option
@click.pass_context
def deliveries(context: click.Context, /, data: Path | None, deployment: Path | None, **filters: object) -> None:
    """来件：列出、查看、放行、退回、回执、退回工作簿、待更正。Without a subcommand: the latest deliveries."""
    context.obj = (data, deployment)
    if context.invoked_subcommand is None:
        _list((data, deployment), filters)


def _placed(function: Callable[..., None]) -> Callable[..., None]:
    """A subcommand that takes --data and --deployment itself too; they win over the group's."""

    @deployment_option
    @data_option
    @click.pass_obj
    @functools.wraps(function)
    def run(outer: Where, /, data: Path | None, deployment: Path | None, **rest: Any) -> None:
        function((data or outer[0], deployment or outer[1]), **rest)

    return run


def _list(where: Where, filters: dict[str, object]) -> None:
    from sqlalchemy import text

    from hub.feeds import feed_catalogue
    from hub.intake.receipt import STATES_ZH

    with _opened(where) as (_, engine, names), engine.connect() as connection:
        found = connection.execute(text(_LIST), filters).all()
    counts = ("收到", "采用", "退回", "重复", "不属于")
    table = _table("编号", "收到时间", "数据", "部门", "文件", "状态", *counts, right=frozenset({"编号", *counts}))
    for one in found:
        feed = feed_catalogue().get(one.feed)
        table.add_row(
            str(one.delivery_id),
            one.received_at.astimezone(ZoneInfo("Asia/Shanghai")).strftime("%m-%d %H:%M"),
            feed.title.zh if feed else one.feed,
            names.get(one.department, one.department),
            one.name,
            STATES_ZH.get(one.state, one.state) + (f"：{one.reason}" if one.reason and one.state != "accepted" else ""),
            *(str(n) for n in (one.rows_in, one.rows_accepted, one.rows_quarantined, one.rows_duplicate, one.rows_out_of_scope)),
        )  # fmt: skip
    _print(table)
    if not found:
        click.echo("没有符合条件的来件。No deliveries.")


def _receipt_of(connection: Connection, delivery_id: int, names: dict[str, str]) -> Receipt:
    from sqlalchemy import text

    from hub.intake.receipt import make_receipt

    department = connection.scalar(text("select department from delivery where delivery_id = :id"), {"id": delivery_id})
    return make_receipt(connection, delivery_id, department_name=names.get(department or ""))


@deliveries.command()
@click.argument("delivery_id", type=int)
@_placed
def show(where: Where, delivery_id: int) -> None:
    """查看一份来件。What became of a delivery."""
    from hub.intake.receipt import receipt_as_text

    with _opened(where) as (_, engine, names), engine.connect() as connection:
        click.echo(receipt_as_text(_receipt_of(connection, delivery_id, names)), nl=False)


@deliveries.command()
@click.argument("delivery_id", type=int)
@click.option("--out", type=click.Path(path_type=Path), help="写到文件：.txt、.html 或 .json to a file")
@_placed
def receipt(where: Where, delivery_id: int, out: Path | None) -> None:
    """出回执：收了什么、没收什么、为什么。The sender's receipt."""
    from hub.intake.receipt import receipt_as_text, write_receipt

    with _opened(where) as (_, engine, names), engine.connect() as connection:
        made = _receipt_of(connection, delivery_id, names)
    if out is None:
        click.echo(receipt_as_text(made), nl=False)
    else:
        write_receipt(made, out)
        click.echo(f"已写 {out}")


@deliveries.command(name="return")
@click.argument("delivery_id", type=int)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="退回工作簿 .xlsx the workbook to write")
@_placed
def return_(where: Where, delivery_id: int, out: Path) -> None:
    """出退回工作簿：发送方的原表，标出要改的地方。The sender's own sheet with what to correct."""
    from sqlalchemy import text

    from hub.intake.return_workbook import write_return_workbook

    with _opened(where) as (settings, engine, _), engine.connect() as connection:
        path = connection.scalar(
            text("select a.path from delivery d join archived_file a using (sha256) where d.delivery_id = :id"),
            {"id": delivery_id},
        )
        summary = write_return_workbook(
            connection, delivery_id, settings.data / str(path), out, settings=settings
        )  # fmt: skip
    click.echo(
        f"已写 {out}：{summary.to_correct} 行待更正，{summary.warned} 行已采用但有提醒。下一步：发给发送方，改好后按原途径再报送。"
    )


@deliveries.command()
@click.argument("delivery_id", type=int)
@click.argument("number", type=int)
@_placed
def row(where: Where, delivery_id: int, number: int) -> None:
    """查看来件的某一行：原样怎么写，读成什么。A row as it was written and as it was read."""
    from hub.intake.raw_cells import written_rows

    with _opened(where) as (_, engine, _), engine.connect() as connection:
        found = written_rows(connection, delivery_id, number)
    for one in found:
        table = _table("列", "原样", "数据项", "读成")
        for header, field in one.columns.items():
            read = one.fields.get(field or "")
            table.add_row(header, one.cells.get(header, ""), field or "", "" if read is None else str(read))
        _print(table)
    if not found:
        click.echo("这份来件没有这一行数据。No such row.")


def _decide(where: Where, delivery_id: int, *, release: bool, by: str, reason: str) -> None:
    from hub.alerts import fix_alert
    from hub.intake.acceptance import decide_held_delivery

    with _opened(where) as (_, engine, _), engine.begin() as connection:
        decide_held_delivery(
            connection, delivery_id, release=release, person=by, reason=reason, at=datetime.now(tz=UTC)
        )
        fix_alert(connection, "delivery_held", str(delivery_id))


@deliveries.command()
@click.argument("delivery_id", type=int)
@click.option("--by", required=True, help="谁决定的 who decides")
@click.option("--reason", required=True, help="为什么 why")
@_placed
def release(where: Where, delivery_id: int, by: str, reason: str) -> None:
    """放行一份待确认的来件。Accept a held delivery after all."""
    _decide(where, delivery_id, release=True, by=by, reason=reason)
    click.echo(
        f"来件 {delivery_id} 已放行，记下了是谁、为什么。下一步：执行 coop-hub sync 或等今晚的同步，总表和摘录随之更新。"
    )


@deliveries.command()
@click.argument("delivery_id", type=int)
@click.option("--by", required=True, help="谁决定的 who decides")
@click.option("--reason", required=True, help="为什么 why")
@_placed
def reject(where: Where, delivery_id: int, by: str, reason: str) -> None:
    """退回一份待确认的来件。Refuse a held delivery."""
    _decide(where, delivery_id, release=False, by=by, reason=reason)
    click.echo(
        f"来件 {delivery_id} 已退回，不会采用。下一步：把回执（coop-hub deliveries receipt {delivery_id}）发给发送方。"
    )


@deliveries.command()
@_placed
def quarantine(where: Where) -> None:
    """待更正的行：哪个部门、多少行、多久了。Open rows by owner and age."""
    from hub.feeds import feed_catalogue
    from hub.intake.quarantine import open_quarantine, quarantine_by_department

    with _opened(where) as (settings, engine, names), engine.connect() as connection:
        waiting = open_quarantine(connection, _today(settings))
    if not waiting:
        click.echo("没有待更正的行。Nothing waits for correction.")
        return
    owners = _table(
        "负责单位", "乡镇", "待更正行数", "来件", "最久（天）", right=frozenset({"待更正行数", "最久（天）"})
    )
    for owner in quarantine_by_department(waiting):
        owners.add_row(
            names.get(owner.department, owner.department),
            owner.town or "",
            str(owner.rows),
            "、".join(map(str, owner.deliveries)),
            str(owner.oldest_days),
        )
    _print(owners)
    table = _table("来件", "数据", "文件", "行数", "起", "天", "主要原因", right=frozenset({"来件", "行数", "天"}))
    for one in waiting:
        feed = feed_catalogue().get(one.feed)
        table.add_row(
            str(one.delivery_id),
            feed.title.zh if feed else one.feed,
            one.name,
            str(one.rows),
            one.since.isoformat(),
            str(one.age_days),
            one.reason,
        )
    _print(table)
