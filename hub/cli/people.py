"""`coop-hub people`: accounts of the portal, for the operator at the machine (who needs it when nobody can log in)."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hub.cli import data_option, deployment_option, settings_from
from hub.cli.terminal import plain_console

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from hub.deployment import Deployment

_ROLES = ("staff", "office", "operator", "auditor")


@contextmanager
def _open(data: Path | None, deployment: Path | None) -> Iterator[tuple[Connection, Deployment]]:
    from hub.deployment import load_deployment
    from hub.store.database import open_engine

    settings = settings_from(data, deployment)
    county = load_deployment(settings.deployment)
    engine = open_engine(settings)
    try:
        with engine.begin() as connection:
            yield connection, county
    finally:
        engine.dispose()


def _me() -> str:
    """Who types, for the audit log: the machine's user."""
    try:
        return f"cli:{getpass.getuser()}"
    except (OSError, KeyError):
        return "cli"


def _hand_over(account: str, password: str) -> None:
    click.echo(f"账号 {account} 的一次性密码（只显示这一次，七天内有效，首次登录须修改）：")
    click.echo(f"    {password}")


@click.group()
def people() -> None:
    """门户账号：新增、列出、重置密码、停用、启用。Accounts of the portal."""


@people.command()
@click.argument("account")
@click.option("--name", required=True, help="姓名 the person's name")
@click.option("--department", required=True, help="部门编号 department id, as in departments.yaml")
@click.option("--role", type=click.Choice(_ROLES), default="staff", show_default=True, help="角色 role")
@data_option
@deployment_option
def add(*, account: str, name: str, department: str, role: str, data: Path | None, deployment: Path | None) -> None:
    """新增一个账号，打印一次性密码。Adds an account and prints its one-time password."""
    from hub.portal.people import add_person

    with _open(data, deployment) as (connection, county):
        password = add_person(
            connection, county, account=account, name=name, department=department, role=role, by=_me()
        )
    _hand_over(account, password)


@people.command("list")
@data_option
@deployment_option
def list_(*, data: Path | None, deployment: Path | None) -> None:
    """列出全部账号。Lists all accounts."""
    from rich.table import Table

    from hub.portal.people import ROLE_TITLES, list_people

    with _open(data, deployment) as (connection, county):
        rows = list_people(connection)
        names = {d.id: d.name for d in county.departments}
    if not rows:
        click.echo("还没有账号。用 coop-hub people add 新增。No accounts yet.")
        return
    table = Table("账号", "姓名", "部门", "角色", "状态", "最近登录")
    for row in rows:
        state = "停用" if not row["active"] else "待改密码" if row["must_change_password"] else "可用"
        last = f"{row['last_login_at']:%Y-%m-%d %H:%M}" if row["last_login_at"] else "—"
        department = names.get(row["department"], row["department"])
        table.add_row(row["account"], row["name"], department, ROLE_TITLES[row["role"]][0], state, last)
    plain_console(140).print(table)


@people.command()
@click.argument("account")
@data_option
@deployment_option
def reset(*, account: str, data: Path | None, deployment: Path | None) -> None:
    """重置密码并解除锁定，打印新的一次性密码。Prints a new one-time password."""
    from hub.portal.people import reset_password

    with _open(data, deployment) as (connection, _):
        password = reset_password(connection, account, by=_me())
    _hand_over(account, password)


@people.command()
@click.argument("account")
@data_option
@deployment_option
def deactivate(*, account: str, data: Path | None, deployment: Path | None) -> None:
    """停用账号，立即退出其登录。Closes an account and ends its sessions."""
    from hub.portal.people import set_active

    with _open(data, deployment) as (connection, _):
        set_active(connection, account, False, by=_me())
    click.echo(f"已停用 {account}。Closed.")


@people.command()
@click.argument("account")
@data_option
@deployment_option
def activate(*, account: str, data: Path | None, deployment: Path | None) -> None:
    """重新启用账号。Opens a closed account again."""
    from hub.portal.people import set_active

    with _open(data, deployment) as (connection, _):
        set_active(connection, account, True, by=_me())
    click.echo(f"已启用 {account}。Opened.")
