"""Real SSH servers on loopback for tests: OpenSSH's own, and one that misbehaves on request."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import paramiko
from paramiko.sftp_attr import SFTPAttributes


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def make_key(path: Path, kind: str = "ed25519", passphrase: str = "", form: str | None = None) -> Path:
    """A private key file (mode 0600) by ssh-keygen, with its .pub beside it."""
    arguments = ["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-C", "", "-f", str(path)]
    if kind == "rsa":
        arguments += ["-b", "2048"]
    subprocess.run(arguments + (["-m", form] if form else []), check=True, stdin=subprocess.DEVNULL)
    return path


def fingerprint_of(public: Path) -> str:
    told = subprocess.run(["ssh-keygen", "-lf", str(public)], check=True, capture_output=True, text=True).stdout
    return told.split()[1]


class OpenSsh:
    """OpenSSH's sshd on loopback, with its own host keys, for the account that runs the tests."""

    def __init__(self, folder: Path, *, extra: str = "", host_keys: tuple[str, ...] = ("ed25519",)) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)
        self.folder, self.port = folder, free_port()
        self.user_key = make_key(folder / "user_key")
        for kind in host_keys:
            make_key(folder / f"host_{kind}", kind)
        self.host_public = folder / f"host_{host_keys[0]}.pub"
        authorized = folder / "authorized_keys"
        authorized.write_bytes((folder / "user_key.pub").read_bytes())
        authorized.chmod(0o600)
        lines = [
            f"Port {self.port}",
            "ListenAddress 127.0.0.1",
            *(f"HostKey {folder}/host_{kind}" for kind in host_keys),
            f"AuthorizedKeysFile {authorized}",
            f"PidFile {folder}/sshd.pid",
            "StrictModes no",
            "UsePAM no",
            "PermitRootLogin yes",
            "PasswordAuthentication no",
            "Subsystem sftp internal-sftp",
            extra,
        ]
        (folder / "sshd_config").write_text("\n".join(lines))
        sshd = shutil.which("sshd") or "/usr/sbin/sshd"
        self._log = (folder / "sshd.log").open("wb")
        self.process = subprocess.Popen(
            [sshd, "-D", "-e", "-f", str(folder / "sshd_config")], stdout=self._log, stderr=self._log
        )
        wait_for_port(self.port)

    def authorize(self, public: Path) -> None:
        """Lets one more key in."""
        with (self.folder / "authorized_keys").open("ab") as stream:
            stream.write(public.read_bytes())

    def options(self, path: Path) -> dict[str, Any]:
        return {
            "host": "127.0.0.1",
            "port": self.port,
            "user": pwd.getpwuid(os.geteuid()).pw_name,
            "key_file": str(self.user_key),
            "host_key_sha256": fingerprint_of(self.host_public),
            "path": str(path),
        }

    def log(self) -> str:
        return (self.folder / "sshd.log").read_text(errors="replace")

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)
        self._log.close()


def wait_for_port(port: int) -> None:
    """Returns when something listens there."""
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise TimeoutError(f"nothing listens on {port}")


class _Handle(paramiko.SFTPHandle):
    def __init__(self, stream: Any, server: FaultyServer) -> None:
        super().__init__()
        self.readfile = self.writefile = stream
        self._server = server

    def read(self, offset: int, length: int) -> Any:
        self._server.reads += 1
        if self._server.on_read:
            self._server.on_read(offset)
        return super().read(offset, length)

    def write(self, offset: int, data: bytes) -> Any:
        if self._server.on_write:
            self._server.on_write()
        return super().write(offset, data)


class _Files(paramiko.SFTPServerInterface):
    """The server's folder, plainly; `FaultyServer` says where it goes wrong."""

    def __init__(self, server: Any, *more: Any, **named: Any) -> None:
        super().__init__(server, *more, **named)
        self.faulty: FaultyServer = server.faulty

    def _at(self, path: str) -> Path:
        return self.faulty.root / path.lstrip("/")

    def list_folder(self, path: str) -> Any:
        if self.faulty.on_list:
            self.faulty.on_list()
        if self.faulty.refuse_list:
            return paramiko.SFTP_PERMISSION_DENIED
        return [SFTPAttributes.from_stat(p.stat(), p.name) for p in self._at(path).iterdir()]

    def stat(self, path: str) -> Any:
        try:
            return SFTPAttributes.from_stat(self._at(path).stat())
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno or 0)

    lstat = stat

    def open(self, path: str, flags: int, attr: Any) -> Any:
        if flags & (os.O_WRONLY | os.O_RDWR) and self.faulty.refuse_write:
            return paramiko.SFTP_FAILURE
        try:
            stream = os.fdopen(
                os.open(self._at(path), flags, 0o600),
                "r+b" if flags & os.O_RDWR else "rb" if not flags & os.O_WRONLY else "wb",
            )
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno or 0)
        return _Handle(stream, self.faulty)

    def mkdir(self, path: str, attr: Any) -> Any:
        self._at(path).mkdir()
        return paramiko.SFTP_OK

    def rename(self, old: str, new: str) -> Any:
        if self._at(new).exists():
            return paramiko.SFTP_FAILURE
        self._at(old).rename(self._at(new))
        return paramiko.SFTP_OK

    def posix_rename(self, old: str, new: str) -> Any:
        if not self.faulty.knows_posix_rename:
            return paramiko.SFTP_OP_UNSUPPORTED
        self._at(old).rename(self._at(new))
        return paramiko.SFTP_OK

    def remove(self, path: str) -> Any:
        try:
            self._at(path).unlink()
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno or 0)
        return paramiko.SFTP_OK


class _Login(paramiko.ServerInterface):
    def __init__(self, faulty: FaultyServer) -> None:
        self.faulty = faulty

    def check_auth_password(self, username: str, password: str) -> int:
        self.faulty.logins.append(username)
        if self.faulty.on_login:
            self.faulty.on_login()
        good = password == self.faulty.password
        return paramiko.AUTH_SUCCESSFUL if good else paramiko.AUTH_FAILED  # type: ignore[attr-defined]

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return paramiko.OPEN_SUCCEEDED  # type: ignore[attr-defined]


class FaultyServer:
    """An SFTP server in this process, with a folder, a password and faults."""

    password = "口令-correct-horse"

    def __init__(self, root: Path, *, host_key: paramiko.PKey | None = None, silent: bool = False) -> None:
        self.root, self.silent = root, silent
        root.mkdir(parents=True, exist_ok=True)
        self.host_key = host_key or paramiko.ECDSAKey.generate()
        self.logins: list[str] = []
        self.reads = 0
        self.connections = 0
        self.refuse_list = False
        self.refuse_write = False
        self.knows_posix_rename = True
        self.on_read: Callable[[int], None] | None = None
        self.on_write: Callable[[], None] | None = None
        self.on_list: Callable[[], None] | None = None
        self.on_login: Callable[[], None] | None = None
        self._transports: list[paramiko.Transport] = []
        self._sockets: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._sockets.append(sock)
            if self.silent:
                continue
            transport = paramiko.Transport(sock)
            transport.add_server_key(self.host_key)
            transport.set_subsystem_handler("sftp", paramiko.SFTPServer, _Files)
            login = _Login(self)
            self._transports.append(transport)
            try:
                transport.start_server(server=login, event=threading.Event())
            except (paramiko.SSHException, EOFError, OSError):
                continue

    def cut(self) -> None:
        """Every connection breaks now."""
        for sock in self._sockets:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue

    def options(self) -> dict[str, Any]:
        from connectors.ssh import fingerprint

        return {
            "host": "127.0.0.1",
            "port": self.port,
            "user": "coop",
            "password_env": "SFTP_PASSWORD",
            "host_key_sha256": fingerprint(self.host_key),
            "path": "/",
            "settle": "none",
        }

    def stop(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits for the next connection
        self._listener.close()
        for transport in self._transports:
            transport.close()
        for transport in self._transports:
            transport.join(5)
        for sock in self._sockets:
            sock.close()
        self._thread.join(5)
