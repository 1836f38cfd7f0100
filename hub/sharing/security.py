"""Row-level security: reading the database as one department, so that a bug in a page cannot show another's rows.

The policies are in `hub.store.migrations.portal_role`: role `hub_portal` sees only what `hub.department` and `hub.role` let it see.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from hub.errors import ConfigurationError

PORTAL_ROLE = "hub_portal"
ROLES = ("staff", "office", "operator", "auditor")


@contextmanager
def as_department(
    connection: Connection, department: str, role: str, *, town: str | None = None
) -> Iterator[Connection]:
    """Reads as a person of `department` with `role` (staff, office, operator, auditor) within a `with` block, inside the
    caller's transaction. A township's people also name their town. What the policies do not allow is not there;
    writing is refused by the server. `operator` keeps the machine running and sees nobody's data.

    Raises:
        ConfigurationError: the database role is missing or may not be taken on.
    """
    if role not in ROLES:
        raise ValueError(f"unknown role {role!r}")
    try:
        connection.execute(
            text(
                "select set_config('hub.department', :d, true), set_config('hub.role', :r, true), "
                "set_config('hub.town', :t, true)"
            ),
            {"d": department, "r": role, "t": town or ""},
        )
        connection.execute(text(f"set local role {PORTAL_ROLE}"))
    except DBAPIError as error:
        raise ConfigurationError(
            "数据库没有门户读取用的角色，或本账号不能切换到它。",
            next_step=f"请数据库管理员执行：CREATE ROLE {PORTAL_ROLE} NOLOGIN; GRANT {PORTAL_ROLE} TO 本账号; 然后重试。",
            detail=type(error.orig).__name__,
        ) from None
    try:
        yield connection
    finally:
        if not connection.invalidated and connection.in_transaction():
            _leave(connection)


def _leave(connection: Connection) -> None:
    """Back to the caller's own role; in a transaction that already failed the rollback does it."""
    try:
        connection.execute(text("reset role"))
        connection.execute(
            text(
                "select set_config('hub.department', '', true), set_config('hub.role', '', true), "
                "set_config('hub.town', '', true)"
            )
        )
    except DBAPIError:
        # an aborted transaction: `set local` ends with it
        return
