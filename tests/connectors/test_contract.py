"""The contract's tests, once for each kind of connector."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.connectors.contract_suite import ConnectorContract, FileContract, Scenario
from tests.connectors.scenarios import FolderScenario, SftpScenario

FILE_SCENARIOS = [
    pytest.param(FolderScenario, id="folder"),
    pytest.param(SftpScenario, id="sftp", marks=pytest.mark.server("sshd")),
]
SCENARIOS = [*FILE_SCENARIOS]


class TestEveryConnector(ConnectorContract):
    @pytest.fixture(params=SCENARIOS)
    def scenario(self, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Scenario]:
        built: Scenario = request.param(tmp_path / "scratch")
        yield built
        built.close()


class TestEveryConnectorForFiles(FileContract):
    @pytest.fixture(params=FILE_SCENARIOS)
    def scenario(self, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Scenario]:
        built: Scenario = request.param(tmp_path / "scratch")
        yield built
        built.close()
