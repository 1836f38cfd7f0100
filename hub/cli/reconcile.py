"""`coop-hub reconcile`: the reconciliation service for OpenRefine on this machine, on loopback alone."""

from __future__ import annotations

import socket
from pathlib import Path

import click

from hub.cli import data_option, deployment_option, settings_from
from hub.errors import ConfigurationError


@click.command()
@click.option(
    "--port", type=click.IntRange(0, 65535), default=3334, show_default=True, help="端口 port; 0: 任选一个空闲的"
)
@click.option("--allow-origin", "origins", multiple=True, help="另外允许的网页来源 further web origin that may ask")
@deployment_option
@data_option
def reconcile(port: int, origins: tuple[str, ...], deployment: Path | None, data: Path | None) -> None:
    """为本机的 OpenRefine 提供匹配接口（Reconciliation API 0.2），只听 127.0.0.1，Ctrl-C 结束。

    The address printed holds a random part, new at each start, so that no other web page of this machine can ask.
    Nothing is stored, and nothing of what is asked is logged.
    """
    import secrets

    import uvicorn

    from hub.deployment import load_deployment
    from hub.matching.read_known import read_known
    from hub.matching.reconciliation import loopback_app
    from hub.store.database import open_engine

    settings = settings_from(data, deployment)
    county = load_deployment(settings.deployment)
    engine = open_engine(settings, migrate=False)
    read_known(engine, county.county).close()  # a missing database is told now, not at the first question
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(("127.0.0.1", port))
    except OSError as error:
        listening.close()
        raise ConfigurationError(
            f"端口 {port} 已被占用或不可用。", next_step="用 --port 换一个端口，或用 --port 0。", detail=repr(error)
        ) from None
    token = secrets.token_urlsafe(18)
    app = loopback_app(engine, county, token, allow_origins=origins)
    click.echo("在 OpenRefine 里添加这个标准服务地址 add this standard service in OpenRefine:")
    click.echo(f"  http://127.0.0.1:{listening.getsockname()[1]}/{token}/reconcile")
    click.echo("只有本机可用；按 Ctrl-C 结束，地址随即作废。Loopback only; Ctrl-C ends it.")
    config = uvicorn.Config(app, log_level="warning", access_log=False, server_header=False, lifespan="off")
    try:
        uvicorn.Server(config).run(sockets=[listening])
    finally:
        listening.close()
        engine.dispose()
