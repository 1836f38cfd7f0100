"""Real sources for the contract's tests."""

from __future__ import annotations

import atexit
import json
import os
import resource
import shutil
import tempfile
from pathlib import Path
from typing import Any, ClassVar

import pytest

from connectors import Fetched
from tests.connectors.contract_suite import Scenario
from tests.connectors.http_servers import Answer, Asked, JsonServer
from tests.connectors.ssh_servers import OpenSsh


class FolderScenario(Scenario):
    """A directory of this machine."""

    kind = "folder"

    def __init__(self, request: pytest.FixtureRequest) -> None:
        super().__init__(request.getfixturevalue("tmp_path") / "scratch")
        self.root = self.scratch / "来件"
        self.root.mkdir(parents=True)
        self._contents: dict[str, str] = {}
        self._limit: tuple[int, int] | None = None

    def options(self) -> dict[str, Any]:
        return {"path": str(self.root)}

    def put(self, name: str, content: bytes) -> None:
        (self.root / name).write_bytes(content)

    def remove_all(self) -> None:
        for path in self.root.iterdir():
            path.unlink()

    def make_unlistable(self) -> None:
        shutil.rmtree(self.root)
        self.root.write_bytes(b"a file where the folder was")

    def break_while_fetching(self) -> None:
        """This machine takes no file larger than 100 kB: the disk is full in the middle of the copy."""
        self._limit = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, self._limit[1]))

    def names_in(self, fetched: Fetched) -> list[str]:
        content = fetched.path.read_bytes()
        return [p.name for p in self.root.iterdir() if p.is_file() and p.read_bytes() == content]

    def close(self) -> None:
        if self._limit:
            resource.setrlimit(resource.RLIMIT_FSIZE, self._limit)


def touch_at(path: Path, seconds: float) -> None:
    """Sets a file's time stamp."""
    os.utime(path, (seconds, seconds))


class SftpScenario(FolderScenario):
    """OpenSSH's sshd, one for all tests of a process: starting it for each would take longer than the tests."""

    kind = "sftp"
    _server: ClassVar[OpenSsh | None] = None

    def __init__(self, request: pytest.FixtureRequest) -> None:
        super().__init__(request)
        if SftpScenario._server is None:
            folder = Path(tempfile.mkdtemp(prefix="coop-hub-sshd-"))
            SftpScenario._server = OpenSsh(folder)
            atexit.register(shutil.rmtree, folder, ignore_errors=True)
            atexit.register(SftpScenario._server.stop)
        self.server = SftpScenario._server

    def options(self) -> dict[str, Any]:
        return self.server.options(self.root)


class HttpScenario(Scenario):
    """A JSON interface with pages of three records, asked for what is new."""

    kind = "http"
    rows = True

    def __init__(self, request: pytest.FixtureRequest) -> None:
        super().__init__(request.getfixturevalue("tmp_path") / "scratch")
        self.records: list[dict[str, Any]] = []
        self.wrong: Answer | None = None
        self.server = JsonServer(self.answer)
        self.environment["API_TOKEN"] = "token-of-the-test"

    def answer(self, asked: Asked) -> Answer:
        if self.wrong:
            return self.wrong
        found = [r for r in self.records if r["changed_at"] >= asked.query.get("since", "")]
        first = (int(asked.query["page"]) - 1) * 3
        return Answer({"code": 200, "data": {"total": len(found), "rows": found[first : first + 3]}})

    def options(self) -> dict[str, Any]:
        return {
            "url": self.server.url,
            "token_env": "API_TOKEN",
            "records": "data.rows",
            "total": "data.total",
            "ok": "code",
            "paging": "page",
            "since_param": "since",
            "since_field": "changed_at",
        }

    def put(self, name: str, content: bytes) -> None:
        changed_at = self.time.at.strftime("%Y-%m-%d %H:%M:%S")
        self.records.append({"name": name, "padding": content.hex(), "changed_at": changed_at})

    def remove_all(self) -> None:
        self.wrong = Answer({}, status=410)

    def make_unlistable(self) -> None:
        self.wrong = Answer({}, status=403)

    def break_while_fetching(self) -> None:
        whole = Answer({"code": 200, "data": {"rows": self.records}})
        self.wrong = Answer(whole.content, cut_at=len(whole.body) // 2)

    def names_in(self, fetched: Fetched) -> list[str]:
        return [json.loads(line)["name"] for line in fetched.path.read_bytes().splitlines()]

    def close(self) -> None:
        self.server.stop()
