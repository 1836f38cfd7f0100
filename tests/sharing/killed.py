"""The test county rebuilt in a process that a test kills."""

from pathlib import Path

from hub.settings import load_settings
from hub.store.database import open_engine
from tests.sharing.conftest import County, FakeSource, master_rows


def county_of(folder: str, data: str) -> County:
    """The county in `folder`, on the database the environment names."""
    settings = load_settings(data=Path(data))
    return County(
        Path(folder), open_engine(settings, migrate=False), settings, FakeSource({"cooperatives": master_rows()})
    )
