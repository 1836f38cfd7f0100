"""SHA-256 and SM3 (GB/T 32905-2016) side by side, over bytes and files, in constant memory."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import hashes

_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Digests:
    """Both digests of the same bytes, as hex digits, and their number."""

    sha256: str
    sm3: str
    size: int


class DigestStream:
    """Feeds bytes to both digests as they pass."""

    def __init__(self) -> None:
        self._sha256, self._sm3, self._size = hashlib.sha256(), hashes.Hash(hashes.SM3()), 0

    def write(self, block: bytes | memoryview) -> int:
        self._sha256.update(block)
        self._sm3.update(bytes(block) if isinstance(block, memoryview) else block)
        self._size += len(block)
        return len(block)

    def digests(self) -> Digests:
        """Both digests of all bytes so far; the stream may go on."""
        return Digests(self._sha256.hexdigest(), self._sm3.copy().finalize().hex(), self._size)


def digest_file(path: Path) -> Digests:
    """Both digests of a file.

    Raises:
        OSError: the file cannot be read.
    """
    stream = DigestStream()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            stream.write(block)
    return stream.digests()
