"""The office that tests of the way back work in."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine

from hub.settings import Settings
from tests.intake.office import Office, abnormal_rows, open_office, write_list


@pytest.fixture
def office(engine: Engine, settings: Settings) -> Office:
    return open_office(engine, settings)


@pytest.fixture
def abnormal_list(tmp_path: Path) -> Path:
    return write_list(tmp_path / "经营异常名录20261031.xlsx", abnormal_rows())
