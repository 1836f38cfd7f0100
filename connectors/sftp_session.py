"""One SFTP session that is opened when needed, kept while it works and opened anew after a cut. Names are bytes: a
server may hold names in GB18030, which the library alone refuses to list.
"""

from __future__ import annotations

import errno
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import paramiko
from paramiko.sftp import CMD_CLOSE, CMD_HANDLE, CMD_NAME, CMD_OPENDIR, CMD_READDIR

from connectors.ssh import connect, ssh_errors
from connectors.ssh_options import SshServer
from hub.errors import ConfigurationError, HubError, TransientError


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a remote directory. `name` is Unicode with undecodable bytes escaped, as Python spells paths."""

    name: str
    mode: int
    size: int
    mtime: int

    @property
    def is_link(self) -> bool:
        return stat.S_ISLNK(self.mode)


def raw(path: str) -> bytes:
    """The bytes of a remote path."""
    return path.encode("utf-8", "surrogateescape")


class _Client(paramiko.SFTPClient):
    """The library's client, except that nothing a server says must be UTF-8."""

    def _convert_status(self, msg: Any) -> None:
        code = msg.get_int()
        text = msg.get_binary().decode("utf-8", "replace")
        kept = paramiko.Message()
        kept.add_int(code)
        kept.add_string(text)
        kept.rewind()
        try:
            super()._convert_status(kept)  # type: ignore[misc]
        except OSError as error:
            # The server's general failure has no number; a broken connection has none either. Tell them apart.
            raise (error if error.errno else OSError(errno.EIO, text)) from None

    def entries(self, path: bytes) -> list[tuple[bytes, paramiko.SFTPAttributes]]:
        """All of a directory but "." and "..". A cut in the middle is an error, not the end of the list."""
        wire: Any = self
        kind, message = wire._request(CMD_OPENDIR, path)
        if kind != CMD_HANDLE:
            raise paramiko.SFTPError("expected a handle")
        handle = message.get_binary()
        found = []
        while True:
            try:
                kind, message = wire._request(CMD_READDIR, handle)
            except EOFError:
                break
            if kind != CMD_NAME:
                raise paramiko.SFTPError("expected names")
            for _ in range(message.get_int()):
                name, long = message.get_binary(), message.get_binary()
                attributes = paramiko.SFTPAttributes._from_msg(message, name, long)  # type: ignore[attr-defined]
                if name not in {b".", b".."}:
                    found.append((name, attributes))
        wire._request(CMD_CLOSE, handle)  # fails if the end of the list was the end of the connection
        return found


class SftpSession:
    """Operations on a server, each with errors already named. `root` is the directory all relative paths start at."""

    def __init__(self, server: SshServer, root: str, environment: Mapping[str, str], folder: Path) -> None:
        self.server, self.root = server, root
        self._environment, self._folder = environment, folder
        self._ssh: paramiko.SSHClient | None = None
        self._sftp: _Client | None = None

    def close(self) -> None:
        """Ends the session; the next operation opens a new one."""
        ssh, self._ssh, self._sftp = self._ssh, None, None
        if ssh is not None:
            with suppress(Exception):
                ssh.close()

    def _open(self) -> _Client:
        if self._sftp is None:
            self._ssh = connect(self.server, self._environment, self._folder)
            with ssh_errors(self.server):
                transport = self._ssh.get_transport()
                if transport is None:
                    raise EOFError
                channel = transport.open_session(timeout=self.server.channel_seconds)
                channel.settimeout(self.server.channel_seconds)
                channel.invoke_subsystem("sftp")
                self._sftp = _Client(channel)
        return self._sftp

    @contextmanager
    def client(self, what: str) -> Iterator[_Client]:
        """The client, for one operation on `what` (Chinese, for messages). After any other error than a plain refusal
        the session is closed, so that the next try starts afresh."""
        try:
            with ssh_errors(self.server):
                yield self._open()
        except HubError:
            self.close()
            raise
        except FileNotFoundError as error:
            raise ConfigurationError(
                f"SFTP 服务器上没有{what}。", next_step="检查 path；请对方核实目录或文件还在。", detail=str(error)
            ) from None
        except PermissionError as error:
            raise ConfigurationError(
                f"SFTP 账号没有权限访问{what}。", next_step="请对方给该账号相应的权限。", detail=str(error)
            ) from None
        except OSError as error:
            self.close()
            raise TransientError(
                f"SFTP 服务器处理{what}时出错（可能磁盘已满或超出配额）。",
                next_step="稍后会再试；一直如此请对方检查磁盘和配额。",
                detail=f"{errno.errorcode.get(error.errno or 0, '')} {error}",
            ) from None

    def at(self, relative: str) -> bytes:
        """A path below the root, as bytes."""
        return raw(f"{self.root.rstrip('/') or '/'}/{relative}" if relative else self.root)

    def entries(self, relative: str) -> list[Entry]:
        """The entries of a directory, sorted by name."""
        with self.client("来件目录") as client:
            found = []
            for name, told in client.entries(self.at(relative)):
                facts, text = told, name.decode("utf-8", "surrogateescape")
                if None in (facts.st_mode, facts.st_size, facts.st_mtime) and b"/" not in name:
                    with suppress(FileNotFoundError):
                        facts = client.lstat(self.at(f"{relative}/{text}" if relative else text))
                found.append(Entry(text, facts.st_mode or 0, facts.st_size or 0, facts.st_mtime or 0))
            return sorted(found, key=lambda e: e.name)

    def stat(self, relative: str, what: str) -> Entry:
        """What a path leads to (links followed)."""
        with self.client(what) as client:
            facts = client.stat(self.at(relative))
            return Entry(relative, facts.st_mode or 0, facts.st_size or 0, facts.st_mtime or 0)

    def real(self, relative: str) -> str:
        """The absolute path without links."""
        with self.client("来件目录") as client:
            found: Any = client
            kind, message = found._request(16, self.at(relative))  # SSH_FXP_REALPATH; the library's wants UTF-8
            if kind != CMD_NAME:
                raise paramiko.SFTPError("expected a name")
            message.get_int()
            path: bytes = message.get_binary()
            return path.decode("utf-8", "surrogateescape")
