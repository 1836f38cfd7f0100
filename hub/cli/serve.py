"""`coop-hub serve`: portal, Dagster and alerts, in the foreground until Ctrl-C."""

from __future__ import annotations

from pathlib import Path

import click

from hub.cli import data_option, deployment_option, settings_from


@click.command()
@data_option
@deployment_option
@click.option("--port", type=click.IntRange(0, 65535), help="门户端口，0 为任意 port of the portal (默认 8080)")
@click.option(
    "--dagster-port", type=click.IntRange(0, 65535), help="Dagster 页面端口，仅本机 port of Dagster's page (默认 3000)"
)
@click.option("--without-dagster", is_flag=True, help="只启动门户和告警 portal and alerts only")
def serve(
    *, data: Path | None, deployment: Path | None, port: int | None, dagster_port: int | None, without_dagster: bool
) -> None:
    """启动门户、Dagster 和告警发送，按 Ctrl-C 全部停止。Starts everything; Ctrl-C stops it."""
    from hub.portal.serving import serve as run

    settings = settings_from(data, deployment, portal_port=port, dagster_port=dagster_port)
    run(settings, click.echo, with_dagster=not without_dagster)
