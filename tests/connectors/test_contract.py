"""The contract's tests, once for each kind of connector."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.connectors.contract_suite import ConnectorContract, FileContract, Scenario
from tests.connectors.database_scenarios import MariaScenario, PostgresScenario
from tests.connectors.scenarios import FolderScenario, HttpScenario, SftpScenario

FILE_SCENARIOS = [
    pytest.param(FolderScenario, id="folder"),
    pytest.param(SftpScenario, id="sftp", marks=pytest.mark.server("sshd")),
]
SCENARIOS = [
    *FILE_SCENARIOS,
    pytest.param(HttpScenario, id="http"),
    pytest.param(PostgresScenario, id="postgresql"),
    pytest.param(MariaScenario, id="mariadb", marks=pytest.mark.server("mariadbd")),
]


class TestEveryConnector(ConnectorContract):
    @pytest.fixture(params=SCENARIOS)
    def scenario(self, request: pytest.FixtureRequest) -> Iterator[Scenario]:
        built: Scenario = request.param(request)
        yield built
        built.close()


class TestEveryConnectorForFiles(FileContract):
    @pytest.fixture(params=FILE_SCENARIOS)
    def scenario(self, request: pytest.FixtureRequest) -> Iterator[Scenario]:
        built: Scenario = request.param(request)
        yield built
        built.close()
