"""Alembic's entry for its own command line; the hub itself migrates through `hub.store.migrate`."""

from alembic import context

context.run_migrations()
