"""SFTP out: files the hub hands over. Under a temporary name, checked, renamed into place; a receiver never sees half
a file. What is handed over, and to whom, is decided elsewhere.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import paramiko
from pydantic import ValidationError, model_validator

from connectors.contract import CheckOutcome, Clock, Options
from connectors.landing import CHUNK
from connectors.registry import explain
from connectors.retry import with_retries
from connectors.sftp_session import SftpSession
from connectors.ssh_options import SshServer, check_server
from hub.errors import ConfigurationError, HubError, TransientError, Where


class UploadOptions(SshServer, Options):
    """Options of a place files are handed over to."""

    path: str = "."
    receipt: Literal["none", "sha256", "json"] = "none"  # a small file laid beside each, after it
    make_path: bool = False  # make the directory if it is not there

    @model_validator(mode="after")
    def _complete(self) -> UploadOptions:
        check_server(self)
        return self


@dataclass(frozen=True, slots=True)
class Uploaded:
    """A file that lies whole at the receiver's. `receipt` is the name of the file beside it, if one is declared."""

    name: str
    size: int
    sha256: str
    receipt: str | None = None


class Uploader:
    """Hands files over to one place. Use as a context manager."""

    def __init__(
        self,
        options: UploadOptions,
        *,
        folder: Path,
        environment: Mapping[str, str] | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.options, self.clock = options, clock or Clock()
        self.session = SftpSession(options, options.path, os.environ if environment is None else environment, folder)

    def __enter__(self) -> Uploader:
        return self

    def __exit__(self, *_: object) -> None:
        self.session.close()

    def check(self) -> CheckOutcome:
        """Logs in and looks at the directory. Never raises a `HubError`."""
        try:
            count = len(with_retries(lambda: self.session.entries(""), self.options, self.clock))
        except HubError as error:
            return CheckOutcome(False, error.message, error)
        return CheckOutcome(True, f"已登录 {self.options.host}，主机密钥相符，目录里有 {count} 项。")

    def upload(self, files: Sequence[tuple[Path, str]]) -> tuple[Uploaded, ...]:
        """Hands over each (path here, name there), in order; an existing file of that name is replaced in one step.

        Raises:
            ConfigurationError: a name that is a path, or no right to write.
            HubError: as `ssh.connect`; files before the failing one lie at the receiver's already.
        """
        for _, name in files:
            if not name or "/" in name or "\\" in name or "\0" in name or name in {".", ".."}:
                raise ConfigurationError(f"“{name}”不能作为文件名。", next_step="改用不含斜杠的文件名。")
        if self.options.make_path:
            with_retries(self._make_path, self.options, self.clock)
        done = []
        for path, name in files:
            try:
                done.append(self._one(path, name))
            except HubError as error:
                raise error.at(file=name) from None
        return tuple(done)

    def _make_path(self) -> None:
        with self.session.client("交付目录") as client:
            try:
                client.stat(self.session.at(""))
            except FileNotFoundError:
                client.mkdir(self.session.at(""))

    def _one(self, path: Path, name: str) -> Uploaded:
        digest = with_retries(lambda: self._put(path, name), self.options, self.clock)
        size, receipt = path.stat().st_size, None
        if self.options.receipt == "sha256":
            receipt = f"{name}.sha256"
            content = f"{digest}  {name}\n".encode()
        elif self.options.receipt == "json":
            receipt = f"{name}.receipt.json"
            sent_at = self.clock.now().isoformat(timespec="seconds")
            content = json.dumps(
                {"name": name, "size": size, "sha256": digest, "sent_at": sent_at}, ensure_ascii=False
            ).encode()
        if receipt:
            with_retries(lambda: self._write(content, receipt), self.options, self.clock)
        return Uploaded(name, size, digest, receipt)

    def _put(self, path: Path, name: str) -> str:
        digest, sent = hashlib.sha256(), 0
        try:
            source = path.open("rb")
        except OSError as error:
            raise ConfigurationError(
                "要交付的文件读不到。", next_step="重新发布后再交付。", detail=str(error)
            ) from None
        with (
            source,
            self.session.client(f"交付文件“{name}”") as client,
            self._under_temporary_name(client, name) as remote,
        ):
            while block := source.read(CHUNK):
                remote.write(block)
                digest.update(block)
                sent += len(block)
            remote.expected = sent
        return digest.hexdigest()

    def _write(self, content: bytes, name: str) -> None:
        with self.session.client(f"回执“{name}”") as client, self._under_temporary_name(client, name) as remote:
            remote.write(content)
            remote.expected = len(content)

    def _under_temporary_name(self, client: paramiko.SFTPClient, name: str) -> _RemoteLanding:
        temporary = f".{secrets.token_hex(8)}.part"
        return _RemoteLanding(client, self.session.at(temporary), self.session.at(name))


class _RemoteLanding:
    """A remote file that becomes `final` when the block ends well and is removed when it does not."""

    def __init__(self, client: paramiko.SFTPClient, temporary: bytes, final: bytes) -> None:
        self.client, self.temporary, self.final = client, temporary, final
        self.expected = 0

    def __enter__(self) -> _RemoteLanding:
        self._file = self.client.open(self.temporary, "wx")
        self._file.set_pipelined(True)
        return self

    def write(self, block: bytes) -> None:
        self._file.write(block)

    def __exit__(self, kind: type[BaseException] | None, *_: Any) -> None:
        try:
            self._file.close()  # a pipelined write that failed is told here
            if kind is None:
                self._finish()
                return
        except (OSError, EOFError, paramiko.SSHException, HubError):
            self._remove()
            raise
        self._remove()

    def _remove(self) -> None:
        with suppress(OSError, EOFError, paramiko.SSHException):
            self.client.remove(self.temporary)

    def _finish(self) -> None:
        size = self.client.stat(self.temporary).st_size
        if size != self.expected:
            raise TransientError(
                f"对方收到 {size} 字节，应为 {self.expected} 字节，半截文件已删除。",
                next_step="稍后会再试；一直如此请对方检查磁盘和配额。",
            )
        try:
            self.client.posix_rename(self.temporary, self.final)
        except OSError as error:
            if error.errno in {errno.EACCES, errno.ENOENT}:
                raise
            # A server without posix-rename: the old file must go first.
            with suppress(FileNotFoundError):
                self.client.remove(self.final)
            self.client.rename(self.temporary, self.final)


def open_uploader(
    options: Mapping[str, Any],
    *,
    folder: Path,
    environment: Mapping[str, str] | None = None,
    clock: Clock | None = None,
) -> Uploader:
    """An uploader as an agreement or a deployment declares it. Opens no connection yet.

    Raises:
        ConfigurationError: `problems` lists every fault of the options.
    """
    try:
        checked = UploadOptions.model_validate(dict(options))
    except ValidationError as error:
        raise ConfigurationError(
            "SFTP 交付的选项有误。",
            next_step="按 docs/connectors.md 改正这些选项。",
            where=Where(),
            problems=explain(error, UploadOptions),
        ) from None
    return Uploader(checked, folder=folder, environment=environment, clock=clock)
