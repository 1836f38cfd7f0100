"""What every test may lean on: a real PostgreSQL, a fresh database a test, and the data beside the project if there."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import hypothesis
import pytest
from sqlalchemy import Engine, create_engine, text

from hub.settings import Settings, load_settings
from hub.store.database import database_url
from tests.databases import TEMPLATE, Databases

# machines differ in speed: a property is judged by its answer, not by how long it took
hypothesis.settings.register_profile(
    "hub",
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
    # a landing is judged by its own change; people's runs look for new examples
    derandomize=os.environ.get("CI") == "true",
)
hypothesis.settings.load_profile("hub")

SHARED = Path(__file__).resolve().parents[2] / "shared"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests that need ../shared, a server program, a browser or an office suite say so when they skip; on CI they must run. Files with
    slow tests come first: with several processes, none is left alone with one of them at the end."""
    import shutil

    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)
    on_ci = os.environ.get("COOP_HUB_TEST_NO_SKIP") == "1"
    for item in items:
        if item.get_closest_marker("shared_data") and not SHARED.is_dir():
            item.add_marker(pytest.mark.skip(reason="../shared is not beside this clone"))
        programs = [str(mark.args[0]) for mark in item.iter_markers("server")]
        programs += ["chromium"] * bool(item.get_closest_marker("browser"))
        programs += ["soffice"] * bool(item.get_closest_marker("office"))
        for program in programs:
            found = shutil.which(program) or shutil.which(program, path="/usr/sbin:/usr/local/sbin:/sbin")
            if not found and not on_ci:
                item.add_marker(pytest.mark.skip(reason=f"{program} is not installed on this machine"))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    return SHARED / "data"


@pytest.fixture(scope="session")
def server_settings() -> Iterator[Settings]:
    """Settings whose embedded PostgreSQL all tests of this process share. Not below pytest's own temporary folders: other
    test runs on the machine clear those away, server and all."""
    with tempfile.TemporaryDirectory(prefix="coop-hub-tests-", ignore_cleanup_errors=True) as folder:
        yield load_settings(data=Path(folder))


def _never_wait_for_the_disk(server_settings: Settings) -> None:
    """What tests write need outlive no power cut. Tests of durability start servers of their own, with the settings we ship."""
    admin = create_engine(database_url(server_settings, database="postgres"), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            connection.execute(text(f"alter system set {setting} = off"))
        connection.execute(text("select pg_reload_conf()"))
    admin.dispose()


@pytest.fixture(scope="session")
def _databases(server_settings: Settings) -> Databases:
    _never_wait_for_the_disk(server_settings)
    return Databases(server_settings)


@pytest.fixture(scope="session")
def _template(_databases: Databases) -> str:
    """The migrated database to copy from."""
    return TEMPLATE


NewHub = Callable[[Path], AbstractContextManager[Settings]]


@pytest.fixture
def new_hub(server_settings: Settings, _databases: Databases) -> NewHub:
    """For tests that need several hubs: settings with this data folder and a migrated database that goes when the block ends."""

    @contextmanager
    def made(data: Path) -> Iterator[Settings]:
        name = _databases.take()
        url = database_url(server_settings, database=name)
        yield load_settings(data=data, database_url=url.render_as_string(hide_password=False))
        _databases.give_back(name)

    return made


@pytest.fixture
def settings(new_hub: NewHub, tmp_path: Path) -> Iterator[Settings]:
    """Settings with a data folder and a migrated database of this test's own."""
    with new_hub(tmp_path / "var") as made:
        yield made


@pytest.fixture
def engine(settings: Settings) -> Iterator[Engine]:
    """An engine on this test's own database."""
    engine = create_engine(database_url(settings))
    yield engine
    engine.dispose()
