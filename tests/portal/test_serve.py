"""`coop-hub serve`: one command that starts everything and leaves nothing behind; `coop-hub people` beside it."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner
from sqlalchemy import Engine, select

from hub.cli.people import people as people_command
from hub.errors import ConfigurationError, HubError
from hub.portal.supervise import Program, Supervisor, claim_port
from hub.settings import REPOSITORY, Settings
from hub.store.tables.portal import audit_event, person


def environment(settings: Settings) -> dict[str, str]:
    assert settings.database_url
    return {
        **os.environ,
        "COOP_HUB_DATA": str(settings.data),
        "COOP_HUB_DATABASE_URL": settings.database_url.get_secret_value(),
        "PYTHONPATH": str(REPOSITORY),
    }


class Service:
    """A running `coop-hub serve` and what it said so far."""

    def __init__(self, settings: Settings, *options: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "hub.cli", "serve", "--port", "0", "--dagster-port", "0", *options],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment(settings), text=True, start_new_session=True,
        )  # fmt: skip
        self.said = ""

    def until(self, words: str) -> str:
        assert self.process.stdout
        while words not in self.said:
            line = self.process.stdout.readline()
            assert line, self.said
            self.said += line
        return self.said

    def end(self, number: int = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        rest, _ = self.process.communicate(timeout=60)
        self.said += rest
        return self.process.returncode


@pytest.fixture
def services() -> Iterator[list[Service]]:
    started: list[Service] = []
    yield started
    for service in started:
        service.end()


def living(marker: str) -> list[str]:
    """Command lines of processes that carry a marker in their environment."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            if marker.encode() in (entry / "environ").read_bytes():
                found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return [c for c in found if c and "postgres" not in c]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_portal_comes_up_hands_out_passwords_once_and_goes_down_cleanly(
    engine: Engine, settings: Settings, services: list[Service], number: signal.Signals
) -> None:
    service = Service(settings, "--without-dagster")
    services.append(service)
    said = service.until("Ctrl-C")
    url = re.search(r"http://127\.0\.0\.1:\d+", said)
    password = re.search(r"office\s+([a-z0-9]{4}(?:-[a-z0-9]{4}){3})", said)
    assert url and password
    with httpx.Client(base_url=url[0]) as client:
        assert client.post("/login", data={"account": "office", "password": password[1]}).status_code == 303
        assert client.get("/").headers["location"] == "/password"
    assert service.end(number) == 0
    assert "已停止" in service.said
    with engine.connect() as connection:
        hashes = connection.scalars(select(person.c.password_hash)).all()
    assert hashes and all(h.startswith("$argon2id$") for h in hashes)
    again = Service(settings, "--without-dagster")
    services.append(again)
    assert "一次性密码" not in again.until("Ctrl-C")
    assert again.end() == 0


@pytest.mark.slow
def test_dagster_and_its_daemon_run_behind_it_and_leave_nothing_behind(
    settings: Settings, services: list[Service]
) -> None:
    service = Service(settings)
    services.append(service)
    said = service.until("Ctrl-C")
    dagster = re.search(r"Dagster[^\n]*(http://127\.0\.0\.1:\d+)", said)
    assert dagster
    assert httpx.get(f"{dagster[1]}/server_info", timeout=20).status_code == 200
    marker = f"COOP_HUB_DATA={settings.data}"
    commands = living(marker)
    assert any("webserver" in c for c in commands) and any("daemon" in c for c in commands)
    assert service.end() == 0
    deadline = time.monotonic() + 10
    while living(marker) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert living(marker) == []


def test_a_second_service_on_the_same_data_is_refused(settings: Settings, services: list[Service]) -> None:
    services.append(Service(settings, "--without-dagster"))
    services[0].until("Ctrl-C")
    services.append(Service(settings, "--without-dagster"))
    assert services[1].end(0) == 1
    assert "已经有一个服务在运行" in services[1].said
    assert "Traceback" not in services[1].said


def test_a_taken_port_is_named_with_the_setting_to_change() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(ConfigurationError, match=r"COOP_HUB_PORTAL_PORT") as raised,
    ):
        claim_port("127.0.0.1", taken.getsockname()[1], "COOP_HUB_PORTAL_PORT")
    assert "占用" in raised.value.next_step


def python(name: str, code: str, folder: Path) -> Program:
    return Program(name, [sys.executable, "-c", code], folder / f"{name}.log")


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 20
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert path.exists()


def test_a_program_that_dies_is_told_with_its_last_words(tmp_path: Path) -> None:
    supervisor = Supervisor()
    supervisor.start(python("good", "import time; time.sleep(60)", tmp_path))
    supervisor.check()
    supervisor.start(python("bad", "raise SystemExit('数据库不见了')", tmp_path))
    deadline = time.monotonic() + 20
    with pytest.raises(HubError, match=r"bad意外退出（代码 1）[\s\S]*数据库不见了"):
        while time.monotonic() < deadline:
            supervisor.check()
            time.sleep(0.02)
    good = supervisor.programs[0].process
    supervisor.stop()
    assert good is not None and good.poll() is not None


def test_children_of_children_and_those_who_do_not_listen_end_too(tmp_path: Path) -> None:
    deaf = (
        "import signal, subprocess, sys, time, pathlib\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "code = 'import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)'\n"
        "child = subprocess.Popen([sys.executable, '-c', code])\n"
        f"pathlib.Path({str(tmp_path / 'pid')!r}).write_text(str(child.pid))\n"
        f"pathlib.Path({str(tmp_path / 'pid')!r}).rename({str(tmp_path / 'ready')!r})\n"
        "time.sleep(60)\n"
    )
    supervisor = Supervisor()
    supervisor.start(python("deaf", deaf, tmp_path))
    wait_for(tmp_path / "ready")
    grandchild = int((tmp_path / "ready").read_text())
    supervisor.stop(grace=0.5)
    deadline = time.monotonic() + 10
    while Path(f"/proc/{grandchild}/cmdline").exists() and Path(f"/proc/{grandchild}/cmdline").read_bytes():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    supervisor.stop()


def test_the_operator_adds_lists_resets_and_closes_accounts_at_the_machine(
    engine: Engine, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment(settings).items():
        if name.startswith("COOP_HUB"):
            monkeypatch.setenv(name, value)
    runner = CliRunner()
    added = runner.invoke(people_command, ["add", "lin", "--name", "林", "--department", "tax"], catch_exceptions=False)
    assert added.exit_code == 0
    assert re.search(r"[a-z0-9]{4}(-[a-z0-9]{4}){3}", added.output)
    assert "税务局" in runner.invoke(people_command, ["list"], catch_exceptions=False).output
    assert "一次性密码" in runner.invoke(people_command, ["reset", "lin"], catch_exceptions=False).output
    assert runner.invoke(people_command, ["deactivate", "lin"]).exit_code == 0
    assert "停用" in runner.invoke(people_command, ["list"]).output
    assert runner.invoke(people_command, ["activate", "lin"]).exit_code == 0
    for wrong in (
        ["add", "lin", "--name", "林", "--department", "tax"],
        ["add", "Lin Zhang!", "--name", "林", "--department", "tax"],
        ["add", "wang", "--name", "王", "--department", "nowhere"],
        ["add", "wang", "--name", "王", "--department", "tax", "--role", "office"],
        ["reset", "nobody"],
    ):
        assert isinstance(runner.invoke(people_command, wrong).exception, HubError), wrong
    with engine.connect() as connection:
        written = connection.execute(select(audit_event.c.event, audit_event.c.account)).all()
    assert [e for e, _ in written] == ["person_added", "password_reset", "person_deactivated", "person_activated"]
    assert all(str(a).startswith("cli") for _, a in written)
