"""`coop-hub columns`: what a sender's headers mean, confirmed once by a person."""

from __future__ import annotations

from pathlib import Path

import click

from hub.cli import data_option, deployment_option, settings_from


@click.group()
def columns() -> None:
    """列名对照：部门用的列名是什么意思，确认一次，以后自动识别。What a sender's headers mean."""


@columns.command("list")
@data_option
def list_(data: Path | None) -> None:
    """已确认的列名。Confirmed headers."""
    from hub.intake.mapping import confirmed_headers
    from hub.store.database import open_engine

    engine = open_engine(settings_from(data))
    with engine.connect() as connection:
        found = confirmed_headers(connection)
    engine.dispose()
    for one in found:
        click.echo(
            f"{one.department} · {one.feed}：“{one.header}” → {one.field or '不需要'}（{one.confirmed_by}，{one.confirmed_at:%Y-%m-%d}）"
        )
    if not found:
        click.echo("还没有确认过的列名。下一步：coop-hub columns confirm FEED 列名 数据项 --by 姓名")


@columns.command()
@click.argument("feed")
@click.argument("header")
@click.argument("field", required=False)
@click.option("--by", "person", required=True, help="谁确认的 who confirms it")
@click.option("--department", help="报送部门 sender (默认该数据的报送部门)")
@deployment_option
@data_option
def confirm(
    *,
    feed: str,
    header: str,
    field: str | None,
    person: str,
    department: str | None,
    deployment: Path | None,
    data: Path | None,
) -> None:
    """确认 FEED 的列名 HEADER 是哪个数据项 FIELD；不给 FIELD 表示这一列不需要。Confirm a header."""
    from hub.deployment import load_deployment
    from hub.feeds import get_feed
    from hub.intake.mapping import confirm_header
    from hub.store.database import open_engine

    settings = settings_from(data, deployment)
    get_feed(feed)
    sender = department or load_deployment(settings.deployment).sender_of(feed)
    engine = open_engine(settings)
    with engine.begin() as connection:
        again = confirm_header(connection, department=sender, feed=feed, header=header, field=field, person=person)
    engine.dispose()
    click.echo(
        f"已记住：{sender} 的“{header}”→ {field or '不需要'}。"
        + (f"{again} 份以前不能用的来件将在下次同步时重读。" if again else "")
    )


@columns.command()
@click.argument("feed")
@click.argument("header")
@click.option("--department", help="报送部门 sender")
@deployment_option
@data_option
def forget(*, feed: str, header: str, department: str | None, deployment: Path | None, data: Path | None) -> None:
    """忘掉一个已确认的列名。Forget a confirmed header."""
    from hub.deployment import load_deployment
    from hub.intake.mapping import forget_header
    from hub.store.database import open_engine

    settings = settings_from(data, deployment)
    sender = department or load_deployment(settings.deployment).sender_of(feed)
    engine = open_engine(settings)
    with engine.begin() as connection:
        done = forget_header(connection, department=sender, feed=feed, header=header)
    engine.dispose()
    click.echo("已忘掉。" if done else "没有这样的列名对照。下一步：用 coop-hub columns list 查看。")
