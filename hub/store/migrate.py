"""Bringing a database to the newest schema. One linear chain of revisions in `migrations/versions`, checked by a test
against the tables as declared."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Engine, text

_LOCK = 0x_C00B_0001  # advisory lock: two processes starting at once must not both migrate


def migrate_to_head(engine: Engine) -> None:
    """Runs all outstanding revisions in one transaction, under a lock."""
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    script = ScriptDirectory.from_config(config)
    with engine.connect() as connection:
        if MigrationContext.configure(connection).get_current_revision() == script.get_current_head():
            return
    environment = EnvironmentContext(config, script, fn=lambda revision, _: script._upgrade_revs("head", revision))
    with environment, engine.begin() as connection:
        connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        environment.configure(connection=connection, target_metadata=None, transactional_ddl=True)
        environment.run_migrations()
