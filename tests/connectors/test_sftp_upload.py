"""Handing files over by SFTP: whole or not at all, replaced in one step, with a receipt where declared."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors.sftp_upload import Uploader, open_uploader
from hub.errors import ConfigurationError, HubError, TransientError
from tests.connectors.contract_suite import FakeClock
from tests.connectors.ssh_servers import FaultyServer, OpenSsh


@pytest.fixture
def server(tmp_path: Path) -> Iterator[FaultyServer]:
    faulty = FaultyServer(tmp_path / "remote")
    yield faulty
    faulty.stop()


@pytest.fixture
def extract(tmp_path: Path) -> Path:
    path = tmp_path / "林业局.xlsx"
    path.write_bytes(b"x" * 200_000)
    return path


def uploader(server: FaultyServer, **more: Any) -> Uploader:
    options = {k: v for k, v in server.options().items() if k != "settle"}
    return open_uploader(
        {**options, "retries": 1, **more},
        folder=server.root,
        environment={"SFTP_PASSWORD": server.password},
        clock=FakeClock().clock,
    )


@pytest.mark.server("sshd")
def test_openssh_receives_files_whole_with_their_receipts(tmp_path: Path, extract: Path) -> None:
    sshd = OpenSsh(tmp_path / "sshd")
    try:
        with open_uploader(
            {**sshd.options(tmp_path / "out"), "make_path": True, "receipt": "json"}, folder=tmp_path
        ) as out:
            (done,) = out.upload([(extract, "林业局_20260302.xlsx")])
            extract.write_bytes(b"new")
            out.upload([(extract, "林业局_20260302.xlsx")])
            assert out.check().reachable
    finally:
        sshd.stop()
    arrived = tmp_path / "out"
    assert sorted(p.name for p in arrived.iterdir()) == [
        "林业局_20260302.xlsx",
        "林业局_20260302.xlsx.receipt.json",
    ]
    assert (arrived / "林业局_20260302.xlsx").read_bytes() == b"new"
    told = json.loads((arrived / "林业局_20260302.xlsx.receipt.json").read_text())
    assert (told["size"], told["sha256"]) == (3, hashlib.sha256(b"new").hexdigest())
    assert done.size == 200_000


def test_a_server_without_posix_rename_receives_too(server: FaultyServer, extract: Path) -> None:
    server.knows_posix_rename = False
    with uploader(server, receipt="sha256") as out:
        for _ in range(2):
            (done,) = out.upload([(extract, "表.xlsx")])
    assert (server.root / "表.xlsx").stat().st_size == 200_000
    assert (server.root / "表.xlsx.sha256").read_text() == f"{done.sha256}  表.xlsx\n"
    assert len(list(server.root.iterdir())) == 2


def test_a_server_that_takes_no_bytes_is_transient_and_keeps_the_old_file(server: FaultyServer, extract: Path) -> None:
    (server.root / "表.xlsx").write_bytes(b"old")
    server.refuse_write = True
    with uploader(server) as out, pytest.raises(TransientError, match="磁盘已满"):
        out.upload([(extract, "表.xlsx")])
    assert [(p.name, p.read_bytes()) for p in server.root.iterdir()] == [("表.xlsx", b"old")]


def test_a_cut_leaves_the_old_file_and_the_next_try_succeeds(server: FaultyServer, extract: Path) -> None:
    (server.root / "表.xlsx").write_bytes(b"old")
    server.on_write = server.cut
    with uploader(server, retries=0) as out, pytest.raises(HubError):
        out.upload([(extract, "表.xlsx")])
    assert (server.root / "表.xlsx").read_bytes() == b"old"
    server.on_write = None
    with uploader(server) as out:
        out.upload([(extract, "表.xlsx")])
    assert (server.root / "表.xlsx").stat().st_size == 200_000


def test_a_name_that_is_a_path_is_refused(server: FaultyServer, extract: Path) -> None:
    with uploader(server) as out:
        for name in ("../x", "a/b", "", "..", "a\\b"):
            with pytest.raises(ConfigurationError, match="文件名"):
                out.upload([(extract, name)])
    assert server.connections == 0


def test_faults_of_the_declaration_are_told_at_once() -> None:
    with pytest.raises(ConfigurationError) as raised:
        open_uploader({"host": "h", "recipt": "json", "password": "hunter2"}, folder=Path())
    assert len(raised.value.problems) == 3
    assert "hunter2" not in str(raised.value)
