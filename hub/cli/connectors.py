"""`coop-hub connectors`: the ways data comes in and goes out, whether they work, and what lies at the other end."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hub.cli import data_option, deployment_option, settings_from

if TYPE_CHECKING:
    from hub.night.connections import ConnectionReport

_json_option = click.option("--json", "as_json", is_flag=True, help="输出 JSON print JSON")
A_PERSON_MUST_ACT, TRY_AGAIN = 1, 3


@click.group()
def connectors() -> None:
    """连接方式：列出、检查能否连通、查看对方有什么。The ways in and out: list, check, discover."""


@connectors.command("list")
@_json_option
@deployment_option
@data_option
def list_(*, as_json: bool, deployment: Path | None, data: Path | None) -> None:
    """每项数据从哪里来；不连接对方。Where each feed comes from; reaches out to nobody."""
    from hub.deployment import load_deployment
    from hub.night.connections import list_ways

    settings = settings_from(data, deployment)
    reports = list_ways(load_deployment(settings.deployment), settings.data)
    if as_json:
        click.echo(json.dumps([asdict(r) for r in reports], ensure_ascii=False))
        return
    for one in reports:
        click.echo(f"{one.name}  {one.title}（{one.department}）  {one.kind}  {one.place}".rstrip())
        _say_fault(one)


@connectors.command()
@click.argument("feeds", nargs=-1, metavar="[FEED]...")
@_json_option
@deployment_option
@data_option
def check(*, feeds: tuple[str, ...], as_json: bool, deployment: Path | None, data: Path | None) -> None:
    """逐一连接：能否连通、登录、核对主机密钥、列出内容。不取任何数据。

    Reaches out by every declared way and takes nothing; without FEED also to the servers extracts are pushed to.
    Ends with 0 when all work, with 1 when a person must act (configuration, login, host key, format), with 3 when all
    faults may pass by themselves (network, busy).
    """
    from hub.cli.inspect import progress
    from hub.deployment import load_deployment
    from hub.night.connections import check_ways, declared_ways

    settings = settings_from(data, deployment)
    county = load_deployment(settings.deployment)
    with progress("正在检查", len(declared_ways(county, feeds))) as step:
        reports = check_ways(county, settings.data, feeds, done=step)
    if as_json:
        click.echo(json.dumps([asdict(r) for r in reports], ensure_ascii=False))
    else:
        _print(reports)
    faults = [r for r in reports if r.fault]
    if faults:
        sys.exit(TRY_AGAIN if all(r.passing for r in faults) else A_PERSON_MUST_ACT)


@connectors.command()
@click.argument("feed")
@_json_option
@deployment_option
@data_option
def discover(*, feed: str, as_json: bool, deployment: Path | None, data: Path | None) -> None:
    """对方那里有什么：文件、表、字段，不论是否要取。What lies at a feed's source, wanted or not."""
    from hub.deployment import load_deployment
    from hub.night.connections import discover_feed

    settings = settings_from(data, deployment)
    found = discover_feed(load_deployment(settings.deployment), settings.data, feed)
    if as_json:
        click.echo(json.dumps([{"name": d.name, "what": d.what, **d.details} for d in found], ensure_ascii=False))
        return
    for one in found:
        click.echo(f"{one.name}  {one.what}")
    if not found:
        click.echo("可以连通，但什么也没有。下一步：请对方放入数据，或检查 feeds.yaml 里的 path、schema。")


def _print(reports: list[ConnectionReport]) -> None:
    for one in reports:
        mark = "✗" if one.fault else "✓"
        click.echo(f"{mark} {one.name}  {one.title}（{one.department}）  {one.kind}  {one.place}".rstrip())
        if one.fault:
            _say_fault(one)
        else:
            click.echo(f"    {one.seen}")
    bad = sum(1 for r in reports if r.fault)
    click.echo(f"共 {len(reports)} 条连接，{len(reports) - bad} 条可用" + (f"，{bad} 条不可用。" if bad else "。"))


def _say_fault(one: ConnectionReport) -> None:
    if one.fault:
        click.echo(f"    {one.fault}：{one.seen}")
        click.echo(f"    下一步：{one.next_step}")
