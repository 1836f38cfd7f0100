"""Attachments of a dispute: a photograph of a licence, a scanned letter. Kept by content, given back as downloads only."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import IO

from hub.errors import FormatError

MOST_FILES = 5
MOST_BYTES = 20 << 20
KINDS = (".pdf", ".jpg", ".jpeg", ".png", ".docx", ".doc", ".xlsx", ".xls", ".wps", ".et", ".txt", ".ofd", ".zip")


def evidence_path(data: Path, sha256: str) -> Path:
    return data / "evidence" / sha256[:2] / sha256


def keep_evidence(data: Path, files: Sequence[tuple[str, IO[bytes]]]) -> list[dict[str, str]]:
    """Stores attachments, each durable under its SHA-256, and tells them as a dispute keeps them: `{name, sha256}`.

    Raises:
        FormatError: too many, too large, empty, or of a kind nobody can look at.
    """
    if len(files) > MOST_FILES:
        raise FormatError(f"附件最多 {MOST_FILES} 个。", next_step="合并后再传。")
    kept = []
    for called, stream in files:
        name = PurePosixPath(called.replace("\\", "/").replace("\0", "")).name[-120:]
        if not name.lower().endswith(KINDS):
            raise FormatError(f"不收“{name}”这类附件。", next_step=f"可用：{'、'.join(k[1:] for k in KINDS)}。")
        kept.append({"name": name, "sha256": _store(data, name, stream)})
    return kept


def _store(data: Path, name: str, stream: IO[bytes]) -> str:
    folder = data / "evidence"
    folder.mkdir(parents=True, exist_ok=True)
    digest, size = hashlib.sha256(), 0
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".", delete=False) as temporary:
        try:
            while block := stream.read(1 << 20):
                size += len(block)
                if size > MOST_BYTES:
                    raise FormatError(f"附件“{name}”超过 {MOST_BYTES >> 20} MB。", next_step="压缩或分开后再传。")
                digest.update(block)
                temporary.write(block)
            if not size:
                raise FormatError(f"附件“{name}”是空的。", next_step="检查文件后重传。")
            temporary.flush()
            os.fsync(temporary.fileno())
        except BaseException:
            Path(temporary.name).unlink()
            raise
    target = evidence_path(data, digest.hexdigest())
    target.parent.mkdir(exist_ok=True)
    Path(temporary.name).replace(target)
    return digest.hexdigest()
