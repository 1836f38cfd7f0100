"""What a session of MySQL or MariaDB may do: read, and for so long. PostgreSQL is told the same when the connection is made;
these two only by statements of the session, and each by a variable of its own. And how a session ends that was cut.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlalchemy import Engine


def limit_session(engine: Engine, seconds: int) -> None:
    """Every connection of this engine reads only, its queries end after so many seconds, and one that is cut lets go of what it
    had not read."""
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

    # The driver reads what is left of a result before it lets go of it, even from a connection that is gone, and fails at
    # that when the memory is tidied up, wherever the program is by then.
    @event.listens_for(engine, "invalidate")
    def leave_the_rest(connection: Any, *_: Any) -> None:
        result = getattr(connection, "_result", None)
        if result is not None:
            result.unbuffered_active = False
