"""Where fetched bytes land: a temporary file beside the target, hashed while written, synced, renamed into place.

Whole or not at all: after any error the temporary file is gone. Disk trouble here is told apart from trouble at the
sender's, because a different person mends it.
"""

from __future__ import annotations

import errno
import hashlib
import io
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from hub.errors import ConfigurationError, FormatError, HubError, TransientError, Where

CHUNK = 1 << 20
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def disk_error(error: OSError, to: Path) -> HubError:
    """What an error of our own disk means to the operator."""
    if error.errno in _FULL:
        return TransientError(
            "本机磁盘已满，文件没有取完，半截文件已删除。",
            next_step="清理数据目录所在的磁盘（或提高配额）后重试；不会丢失数据。",
            detail=f"{errno.errorcode.get(error.errno or 0, '')} {to.parent}",
        )
    if isinstance(error, PermissionError):
        return ConfigurationError(
            "没有权限写入本机的数据目录。", next_step=f"检查“{to.parent}”的所有者和权限。", detail=str(error)
        )
    return TransientError("写入本机磁盘出错。", next_step="检查磁盘和挂载后重试。", detail=str(error))


class Landing(io.RawIOBase):
    """The file being written: counts, hashes and limits. Give it to anything that writes to a binary stream."""

    def __init__(self, stream: io.FileIO, to: Path, max_bytes: int) -> None:
        super().__init__()
        self._stream, self._to, self._max = stream, to, max_bytes
        self._digest = hashlib.sha256()
        self.size = 0

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.size

    def write(self, data: Any, /) -> int:
        """Appends.

        Raises:
            FormatError: more bytes than a delivery may have.
            TransientError: this disk is full.
        """
        block = memoryview(data).cast("B") if not isinstance(data, bytes) else data
        if self.size + len(block) > self._max:
            raise FormatError(
                f"内容超过允许的大小（{self._max // 1024 // 1024} MiB）。",
                next_step="核对对方发来的是否为正确文件；确需接收时调大该来源的 max_mb。",
                where=Where(file=self._to.name),
            )
        try:
            done = 0
            while done < len(block):  # an unbuffered stream may take a part only, just before the disk is full
                done += self._stream.write(block[done:]) or 0
        except OSError as error:
            raise disk_error(error, self._to) from None
        self._digest.update(block)
        self.size += len(block)
        return len(block)

    def restart(self) -> None:
        """Forgets what was written so far (the remote file changed under us)."""
        self._stream.seek(0)
        self._stream.truncate()
        self._digest = hashlib.sha256()
        self.size = 0

    def finish(self) -> None:
        """Bytes are on the disk when this returns."""
        self._stream.flush()
        os.fsync(self._stream.fileno())


@contextmanager
def landing(to: Path, *, max_bytes: int) -> Iterator[Landing]:
    """A `Landing` that becomes `to` when the block ends well, and vanishes when it does not."""
    temporary = to.parent / f".{secrets.token_hex(8)}.part"
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        stream = temporary.open("xb", buffering=0)
    except OSError as error:
        raise disk_error(error, to) from None
    try:
        with stream:
            place = Landing(stream, to, max_bytes)
            yield place
            try:
                place.finish()
            except OSError as error:
                raise disk_error(error, to) from None
        try:
            temporary.replace(to)
            sync_folder(to.parent)
        except OSError as error:
            raise disk_error(error, to) from None
    finally:
        with suppress(FileNotFoundError):
            temporary.unlink()


def sync_folder(folder: Path) -> None:
    """Makes renames in `folder` last through a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
