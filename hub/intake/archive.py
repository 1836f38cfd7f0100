"""Every arrival, stored by what it holds. A file is written once, under its SHA-256, and never overwritten."""

from __future__ import annotations

import hashlib
import os
import uuid
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import insert

from hub.errors import TransientError, Where
from hub.store.tables.intake import archived_file

_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class ArchivedFile:
    """A stored arrival: `path` is below the data folder."""

    sha256: str
    sm3: str
    size: int
    path: str


def _digests(source: Path) -> tuple[str, str, int]:
    from cryptography.hazmat.primitives import hashes

    sha256, sm3, size = hashlib.sha256(), hashes.Hash(hashes.SM3()), 0
    with source.open("rb") as stream:
        while block := stream.read(_BLOCK):
            sha256.update(block)
            sm3.update(block)
            size += len(block)
    return sha256.hexdigest(), sm3.finalize().hex(), size


def digests_of(path: Path) -> tuple[str, str]:
    """SHA-256 and SM3 (GB/T 32905-2016) of a file, as hex."""
    sha256, sm3, _ = _digests(path)
    return sha256, sm3


def store_file(source: Path, data: Path) -> ArchivedFile:
    """Copies a file into the archive and makes it durable; the same content again is a no-op.

    Raises:
        TransientError: the disk is full or the source vanished while it was read.
    """
    try:
        sha256, sm3, size = _digests(source)
        relative = Path("archive") / sha256[:2] / sha256
        target = data / relative
        if not target.is_file() or target.stat().st_size != size:
            target.parent.mkdir(parents=True, exist_ok=True)
            temporary = target.with_name(f".{uuid.uuid4().hex}.part")
            try:
                copied = hashlib.sha256()
                with source.open("rb") as reading, temporary.open("wb") as writing:
                    while block := reading.read(_BLOCK):
                        writing.write(block)
                        copied.update(block)
                    writing.flush()
                    os.fsync(writing.fileno())
                if copied.hexdigest() != sha256:
                    raise TransientError(
                        "文件在读取时仍在变化。",
                        next_step="下一次同步会再取；若一直如此，请发送方传完后再改名。",
                        where=Where(file=source.name),
                    )
                temporary.chmod(0o440)
                temporary.replace(target)
            finally:
                temporary.unlink(missing_ok=True)
            folder = os.open(target.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
    except OSError as error:
        raise TransientError(
            "原件存档失败。",
            next_step="检查磁盘空间和数据目录权限后重跑。",
            where=Where(file=source.name),
            detail=repr(error),
        ) from None
    return ArchivedFile(sha256=sha256, sm3=sm3, size=size, path=str(relative))


def record_file(connection: Connection, file: ArchivedFile) -> None:
    """Notes a stored file in the database, once."""
    values = {"sha256": file.sha256, "sm3": file.sm3, "size": file.size, "path": file.path}
    connection.execute(insert(archived_file).values(values).on_conflict_do_nothing())


def find_damaged_files(connection: Connection, data: Path) -> list[str]:
    """Names every archived file that is missing or whose content is no longer what its name says."""
    problems: list[str] = []
    for row in connection.execute(archived_file.select().order_by(archived_file.c.sha256)).mappings():
        path = data / str(row["path"])
        if not path.is_file():
            problems.append(f"存档缺失：{row['path']}")
        elif digests_of(path) != (row["sha256"], row["sm3"]):
            problems.append(f"存档内容被改动：{row['path']}")
    return problems
