"""The one database: embedded by default, a server by URL. Everything else asks here for an engine.

The driver is always named (`postgresql+psycopg`): SQLAlchemy 2.1 reads a bare `postgresql://` as psycopg 3,
Dagster's storage needs psycopg2, and guessing has cost others a night.
"""

from __future__ import annotations

from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from sqlalchemy import Engine, create_engine, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import OperationalError

from hub.errors import ConfigurationError
from hub.settings import Settings
from hub.store.embedded import start_embedded

HUB_DATABASE = "coop_hub"
DAGSTER_DATABASE = "coop_hub_dagster"


@lru_cache(maxsize=16)
def _server_url(database_url: str | None, folder: Path) -> URL:
    if database_url is None:
        return start_embedded(folder)
    return make_url(database_url)


def database_url(settings: Settings, *, driver: str = "psycopg", database: str | None = None) -> URL:
    """URL of the hub's database with its driver named. `driver` is `psycopg` or, for Dagster, `psycopg2`.
    With an embedded server the default database is `coop_hub`; with a URL it is the one the URL names."""
    given = settings.database_url.get_secret_value() if settings.database_url else None
    url = _server_url(given, settings.data / "postgres").set(drivername=f"postgresql+{driver}")
    if database is not None or given is None:
        url = url.set(database=database or HUB_DATABASE)
    return url


def ensure_database(url: URL) -> None:
    """Creates the database a URL names, if the server lets us and it is not there."""
    with suppress(OperationalError):
        engine = create_engine(url)
        try:
            with engine.connect():
                return
        finally:
            engine.dispose()
    admin = create_engine(url.set(database="postgres"), isolation_level="AUTOCOMMIT")
    try:
        with admin.connect() as connection:
            exists = connection.scalar(text("select 1 from pg_database where datname = :name"), {"name": url.database})
            if not exists:
                connection.execute(  # order by bytes: the same on every machine, and indexes of digests build faster
                    text(f"create database \"{url.database}\" encoding 'UTF8' lc_collate 'C' template template0")
                )
    except OperationalError as error:
        raise ConfigurationError(
            "连不上数据库服务器。", next_step="检查 COOP_HUB_DATABASE_URL、网络和账号权限。", detail=str(error.orig)
        ) from None
    finally:
        admin.dispose()


def open_engine(settings: Settings, *, migrate: bool = True) -> Engine:
    """An engine on the hub's database, created and migrated to the newest schema first unless told otherwise."""
    url = database_url(settings)
    ensure_database(url)
    engine = create_engine(url, pool_pre_ping=True, future=True)
    if migrate:
        from hub.store.migrate import migrate_to_head

        migrate_to_head(engine)
    return engine


def dagster_storage_url(settings: Settings) -> URL:
    """URL of Dagster's own storage in the same server, for psycopg2; the database is created if missing.

    Dagster commits each of its hundreds of events a night on its own. They are a log, not our data: that database need not
    wait for the disk at every commit (after a power cut the last second of the log may be missing, never ours).
    """
    url = database_url(settings, driver="psycopg", database=DAGSTER_DATABASE)
    ensure_database(url)
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        if connection.scalar(text("show synchronous_commit")) != "off":
            connection.execute(text(f'alter database "{url.database}" set synchronous_commit = off'))
    engine.dispose()
    return url.set(drivername="postgresql+psycopg2")
