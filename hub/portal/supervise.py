"""Programs as children of one foreground command: each in a process group of its own, started together, stopped
together, never left behind. Knows nothing of what they are."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from hub.errors import ConfigurationError, HubError

GRACE_SECONDS = 15.0
_TAIL_LINES = 12


def claim_port(host: str, port: int, setting: str) -> socket.socket:
    """A listening socket on that address; port 0 takes any free one.

    Raises:
        ConfigurationError: it is taken or not allowed; names the setting to change.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(256)
    except OSError as error:
        listener.close()
        raise ConfigurationError(
            f"不能在 {host}:{port} 上监听（{error.strerror or error}）。",
            next_step=f"端口可能已被占用：停掉占用它的程序，或用 {setting} 换一个（0 表示任意空闲端口）。",
        ) from None
    return listener


def free_port(host: str, port: int, setting: str) -> int:
    """A port a child will listen on, checked to be free right now. Raises ConfigurationError like `claim_port`."""
    with claim_port(host, port, setting) as listener:
        return int(listener.getsockname()[1])


@dataclass
class Program:
    """One child: its name for people, its command, and the file its output goes to."""

    name: str
    command: Sequence[str]
    log: Path
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)


class Supervisor:
    """Starts programs and makes sure none outlives us."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self.environment = dict(environment or os.environ)
        self.programs: list[Program] = []

    def start(self, program: Program) -> None:
        """Starts a program in a process group of its own (Ctrl-C reaches us, not it), its output to its log."""
        program.log.parent.mkdir(parents=True, exist_ok=True)
        with program.log.open("ab") as log:
            program.process = subprocess.Popen(
                list(program.command),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self.environment,
                start_new_session=True,
            )
        self.programs.append(program)

    def check(self) -> None:
        """Raises HubError when a program ended by itself, with the last lines it wrote."""
        for program in self.programs:
            code = program.process.poll() if program.process else None
            if code is None:
                continue
            raise HubError(
                f"{program.name}意外退出（代码 {code}），其余程序已停止。\n{_tail(program.log)}",
                next_step=f"看日志 {program.log}，改正后重新启动。",
            )

    def stop(self, grace: float = GRACE_SECONDS) -> None:
        """Asks every group to end, waits, then ends what is left. Safe to call twice."""
        for program in self.programs:
            _signal_group(program, signal.SIGTERM)
        deadline = time.monotonic() + grace
        for program in self.programs:
            if program.process is not None:
                with suppress(subprocess.TimeoutExpired):
                    program.process.wait(max(deadline - time.monotonic(), 0))
        while any(_group_lives(p) for p in self.programs) and time.monotonic() < deadline:
            time.sleep(0.05)
        for program in self.programs:
            _signal_group(program, signal.SIGKILL)
            if program.process is not None:
                program.process.wait()
        self.programs.clear()


def _signal_group(program: Program, number: int) -> None:
    if program.process is not None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(program.process.pid, number)


def _group_lives(program: Program) -> bool:
    if program.process is None:
        return False
    try:
        os.killpg(program.process.pid, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _tail(path: Path) -> str:
    with suppress(OSError):
        lines = path.read_bytes()[-8000:].decode("utf-8", "replace").splitlines()
        return "\n".join(f"    {line[:300]}" for line in lines[-_TAIL_LINES:])
    return ""
