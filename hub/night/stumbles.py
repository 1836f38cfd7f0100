"""What our own program did not expect in one delivery: it costs that delivery, tonight, and not the night.

An expected fault is a `HubError`, with words of its own. Anything else is a mistake of ours that some file found: it is told to the
office and to the log without a cell of the file, and the delivery waits for a program that can read it. What lies with the machine
(disk, memory, a database that is away) is no delivery's fault and fails the step.
"""

from __future__ import annotations

import logging
import traceback
from pathlib import Path
from typing import Any

from psycopg import DataError as DriverDataError
from psycopg import Error as DriverError
from psycopg import IntegrityError as DriverIntegrityError
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError

from hub.alerts import raise_alert
from hub.errors import Where
from hub.feeds import feed_catalogue
from hub.intake.deliveries import postpone_delivery
from hub.night.context import Night

_WITH_THE_DATA = (DataError, IntegrityError, DriverDataError, DriverIntegrityError)
_WITH_THE_MACHINE = (OSError, MemoryError, SQLAlchemyError, DriverError)

log = logging.getLogger(__name__)


def lies_with_the_delivery(error: Exception) -> bool:
    """Whether another delivery may go through all the same."""
    return isinstance(error, _WITH_THE_DATA) or not isinstance(error, _WITH_THE_MACHINE)


def note_stumble(night: Night, delivery_id: int, feed: str, name: str, error: Exception) -> str:
    """Lets the delivery wait for the next night and tells about it; returns the reason. Neither log nor alert repeats the error's
    message, which may hold cells."""
    kind, place = type(error).__name__, place_of(error)
    tell_log(f"delivery {delivery_id}", error)
    where = Where(feed=feed_catalogue()[feed].title.zh, file=name)
    reason = (
        f"{where}：程序没能处理这份来件（{kind}，{place}），其他来件照常。"
        "下一步：把原件和这条消息交给维护人员；来件没有丢，每夜自动再读，程序更新后不必重报。"
    )
    with night.engine.begin() as connection:
        postpone_delivery(connection, delivery_id, reason, night.run_id)
        raise_alert(
            connection, "delivery_stumbled", f"{feed}/{name}", f"程序没能处理来件：{name}", reason,
            details_of(night, feed, name, delivery_id),
        )  # fmt: skip
    return reason


def details_of(night: Night, feed: str, name: str, delivery_id: int) -> dict[str, Any]:
    """Where a delivery's alert points to: its feed's owner is told, too, and the portal opens the delivery."""
    sender = night.deployment.sender_of(feed)
    return {"feed": feed, "department": sender, "file": name, "delivery_id": delivery_id, "run_id": night.run_id}


def tell_log(what: str, error: Exception) -> None:
    """Kind and frames of the error, without its message."""
    log.error("%s stumbled: %s\n%s", what, type(error).__name__, "".join(traceback.format_tb(error.__traceback__)))


def place_of(error: Exception) -> str:
    """The innermost line of ours the error came through: `cells.py:59`."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [f for f in frames if Path(f.filename).is_relative_to(Path(__file__).parents[1])]
    frame = (ours or list(frames))[-1]
    return f"{Path(frame.filename).name}:{frame.lineno}"
