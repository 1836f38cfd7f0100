"""What a session of MySQL or MariaDB may do: read, and for so long. PostgreSQL is told the same when the connection is made;
these two only by statements of the session, and each by a variable of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlalchemy import Engine


def limit_session(engine: Engine, seconds: int) -> None:
    """Every connection of this engine reads only, and its queries end after so many seconds."""
    from sqlalchemy import event

    @event.listens_for(engine, "connect")
    def limit(connection: Any, _: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("set session transaction read only")
            cursor.execute("select version()")
            if "mariadb" in str(cursor.fetchone()[0]).lower():
                cursor.execute(f"set session max_statement_time = {seconds}")
            else:
                cursor.execute(f"set session max_execution_time = {seconds * 1000}")
