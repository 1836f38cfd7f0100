"""The county's secret key, and keys derived from it for one use each. The key never leaves the machine."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from pathlib import Path

from hub.settings import Settings, read_secret


def secret_key(settings: Settings) -> bytes:
    """The key of `settings.secret_key_file`, or of `data/secret.key`, which is made (mode 0600) if it is not there.

    Raises:
        ConfigurationError: the file is unreadable, empty, or others may read it.
    """
    path = settings.secret_key_file or settings.data / "secret.key"
    if settings.secret_key_file is None and not path.exists():
        _make(path)
    return read_secret(path).encode()


def _make(path: Path) -> None:
    """Writes a fresh key under another name and links it into place: two processes agree on the first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_hex(32) + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(fresh, path)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()


def derive_key(settings: Settings, *purpose: str) -> bytes:
    """A key of 32 bytes for one purpose: another purpose, another key, and none tells about the others."""
    return hmac.new(secret_key(settings), "\x1f".join(purpose).encode(), hashlib.sha256).digest()
