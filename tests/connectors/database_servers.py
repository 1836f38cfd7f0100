"""MariaDB's own server on loopback for tests, started once for a process."""

from __future__ import annotations

import atexit
import os
import pwd
import shutil
import subprocess
import tempfile
from functools import lru_cache
from pathlib import Path

from tests.connectors.ssh_servers import free_port, wait_for_port


@lru_cache(maxsize=1)
def mariadb_port() -> int:
    """Port of a fresh server with account `root`, password `口令 root`, and a database `front`."""
    import pymysql

    folder, port = Path(tempfile.mkdtemp(prefix="coop-hub-mariadb-")), free_port()
    account = pwd.getpwuid(os.geteuid()).pw_name
    common = ["--no-defaults", f"--datadir={folder}/data", f"--user={account}"]
    with (folder / "log").open("wb") as log:
        subprocess.run(
            ["mariadb-install-db", *common, "--auth-root-authentication-method=normal", "--skip-test-db"],
            check=True,
            stdout=log,
            stderr=log,
        )
        server = subprocess.Popen(
            [
                shutil.which("mariadbd") or "/usr/sbin/mariadbd",
                *common,
                "--bind-address=127.0.0.1",
                f"--port={port}",
                f"--socket={folder}/s",
                "--innodb-buffer-pool-size=16M",
                "--skip-log-bin",
            ],
            stdout=log,
            stderr=log,
        )
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    atexit.register(server.wait)
    atexit.register(server.terminate)
    wait_for_port(port)
    with pymysql.connect(host="127.0.0.1", port=port, user="root") as connection, connection.cursor() as cursor:
        cursor.execute("create database front character set utf8mb4")
        cursor.execute("create user reader@'127.0.0.1' identified by 'reader-secret'")
        cursor.execute("grant select on front.* to reader@'127.0.0.1'")
    return port
