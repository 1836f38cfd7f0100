"""Everything `coop-hub serve` runs: database, portal, Dagster's page and daemon, and the sender of alerts, as one
foreground command that starts together and stops together."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine, text

from hub.alerts import send_until
from hub.deployment import Deployment, load_deployment
from hub.errors import ConfigurationError, HubError
from hub.portal.people import first_accounts
from hub.portal.supervise import Program, Supervisor, claim_port, free_port
from hub.settings import REPOSITORY, Settings
from hub.store.database import dagster_storage_url, open_engine

if TYPE_CHECKING:
    import uvicorn

_ONE_SERVICE = 0x_C00B_0007  # advisory lock: one service a database, or two daemons would run two nights at once
_LOOPBACK = "127.0.0.1"
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where people find what runs; `dagster` is None without it."""

    portal: str
    dagster: str | None


@contextmanager
def _only_service(engine: Engine) -> Iterator[None]:
    with engine.connect() as connection:
        if not connection.scalar(text("select pg_try_advisory_lock(:key)"), {"key": _ONE_SERVICE}):
            raise ConfigurationError(
                "这个数据目录已经有一个服务在运行。", next_step="先停掉它，或用 --data 指向另一个目录。"
            )
        connection.commit()
        yield


@contextmanager
def _until_signalled() -> Iterator[threading.Event]:
    """An event that Ctrl-C, a terminal that closes, or a service manager sets. A second Ctrl-C interrupts at once."""
    stop = threading.Event()

    def on_signal(number: int, _: object) -> None:
        if stop.is_set() and number == signal.SIGINT:
            raise KeyboardInterrupt
        stop.set()

    before = {n: signal.signal(n, on_signal) for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _portal(app: Any, listener: socket.socket) -> Iterator[uvicorn.Server]:
    """The portal in a thread of its own, up when this yields, finished with its last answers when it ends."""
    import uvicorn

    server = uvicorn.Server(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            lifespan="off",
            timeout_keep_alive=15,
            timeout_graceful_shutdown=5,
            limit_concurrency=400,
        )
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="portal", daemon=True)
    thread.start()
    while not server.started and thread.is_alive():
        time.sleep(0.02)
    if not server.started:
        raise HubError("门户没有启动成功。", next_step="看屏幕上方的错误，改正后重试。")
    try:
        yield server
    finally:
        server.should_exit = True
        thread.join(15)


def _dagster(settings: Settings, port: int) -> tuple[Program, Program]:
    logs = settings.data / "logs"
    return (
        Program(
            "Dagster 页面",
            [sys.executable, "-m", "assets", "webserver", "--port", str(port)],
            logs / "dagster-webserver.log",
        ),
        Program("Dagster 守护程序", [sys.executable, "-m", "assets", "daemon"], logs / "dagster-daemon.log"),
    )


def _environment(settings: Settings) -> dict[str, str]:
    """What children need to find the same county, database and code as we."""
    more = {"COOP_HUB_DATA": str(settings.data), "COOP_HUB_DEPLOYMENT": str(settings.deployment)}
    if settings.database_url:
        more["COOP_HUB_DATABASE_URL"] = settings.database_url.get_secret_value()
    path = os.pathsep.join(p for p in (str(REPOSITORY), os.environ.get("PYTHONPATH", "")) if p)
    return {**os.environ, **more, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1"}


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/server_info", timeout=2) as answer:  # noqa: S310 -- our own loopback address
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _hand_out(engine: Engine, deployment: Deployment, demonstration: bool, say: Say) -> None:
    with engine.begin() as connection:
        accounts = first_accounts(connection, deployment, demonstration=demonstration)
    if accounts:
        say("首次启动，已建立账号；一次性密码只显示这一次，首次登录须修改：")
        say("First start: accounts with one-time passwords, shown only now, to be changed at first login:")
        for account, password in accounts:
            say(f"    {account:<10} {password}")


def serve(
    settings: Settings, say: Say, *, with_dagster: bool = True, ready: Callable[[Addresses], None] | None = None
) -> None:
    """Runs until a signal says stop.

    Args:
        say: prints a line for the person at the terminal.
        with_dagster: also start Dagster's page and daemon (a service manager may run them by itself).
        ready: called once with the addresses when all answers.

    Raises:
        HubError: a port is taken, the deployment is wrong, or a program died; all else was stopped.
    """
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    deployment = load_deployment(settings.deployment)
    settings.data.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        stop = stack.enter_context(_until_signalled())
        listener = stack.enter_context(claim_port(settings.portal_host, settings.portal_port, "COOP_HUB_PORTAL_PORT"))
        port = int(listener.getsockname()[1])
        dagster_port = free_port(_LOOPBACK, settings.dagster_port, "COOP_HUB_DAGSTER_PORT") if with_dagster else 0
        engine = open_engine(settings)
        stack.callback(engine.dispose)
        stack.enter_context(_only_service(engine))
        host = f"[{settings.portal_host}]" if ":" in settings.portal_host else settings.portal_host
        addresses = Addresses(
            settings.portal_url or f"http://{host}:{port}",
            f"http://{_LOOPBACK}:{dagster_port}" if with_dagster else None,
        )
        supervisor = Supervisor(_environment(settings))
        stack.callback(supervisor.stop)
        daemon: Program | None = None
        if with_dagster:
            dagster_storage_url(settings)  # made here: two children making the same database at once would collide
            page, daemon = _dagster(settings, dagster_port)
            supervisor.start(page)

        from hub.portal.app import build_app

        stack.enter_context(_portal(build_app(engine, settings, deployment, dagster_url=addresses.dagster), listener))
        sender = threading.Thread(
            target=send_until, args=(stop, engine, settings, deployment), name="alerts", daemon=True
        )
        sender.start()
        stack.callback(sender.join, 25)
        stack.callback(stop.set)
        say(f"门户 Portal：      {addresses.portal}")
        _hand_out(engine, deployment, settings.deployment == REPOSITORY / "deployments" / "demo", say)
        while not stop.is_set() and addresses.dagster and not _answers(addresses.dagster):
            supervisor.check()
            stop.wait(0.3)
        if daemon and not stop.is_set():
            supervisor.start(daemon)  # after the page, which makes Dagster's tables at its first start
            say(f"Dagster（仅本机）：{addresses.dagster}")
        if not stop.is_set():
            say("按 Ctrl-C 停止。Ctrl-C stops everything.")
            if ready:
                ready(addresses)
        while not stop.wait(0.5):
            supervisor.check()
        say("正在停止… stopping")
    say("已停止。Stopped.")
