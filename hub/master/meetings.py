"""Joint meetings (联席会议): the days they were held, so that "what changed since the last one" needs no memory. Noted by the office."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects.postgresql import insert

from hub.errors import ConfigurationError
from hub.store.tables.master import joint_meeting


@dataclass(frozen=True, slots=True)
class Meeting:
    """One joint meeting, and who noted it."""

    held_on: date
    note: str
    entered_by: str


def meetings(connection: Connection) -> list[Meeting]:
    """All that were noted, newest first."""
    columns = (joint_meeting.c.held_on, joint_meeting.c.note, joint_meeting.c.entered_by)
    rows = connection.execute(select(*columns).order_by(joint_meeting.c.held_on.desc()))
    return [Meeting(r.held_on, r.note, r.entered_by) for r in rows]


def note_meeting(connection: Connection, held_on: date, *, by: str, note: str = "", today: date) -> None:
    """Notes that a meeting was held; noting a day again replaces its note.

    Raises:
        ConfigurationError: the day is still to come.
    """
    if held_on > today:
        raise ConfigurationError(f"{held_on} 还没有到。", next_step="会议开过之后再登记；日期写成 2026-10-20 的样子。")
    said = {"note": note.strip(), "entered_by": by}
    statement = insert(joint_meeting).values(held_on=held_on, **said)
    connection.execute(statement.on_conflict_do_update(index_elements=["held_on"], set_=said))


def forget_meeting(connection: Connection, held_on: date) -> None:
    """Takes a wrong entry out.

    Raises:
        ConfigurationError: no meeting was noted on that day.
    """
    if not connection.execute(delete(joint_meeting).where(joint_meeting.c.held_on == held_on)).rowcount:
        raise ConfigurationError(
            f"没有登记过 {held_on} 的联席会议。", next_step="用 coop-hub meetings list 查看登记过哪几次。"
        )


def last_meeting(connection: Connection, today: date) -> date:
    """The day of the newest meeting up to a day.

    Raises:
        ConfigurationError: none was noted.
    """
    held: date | None = connection.scalar(
        select(joint_meeting.c.held_on)
        .where(joint_meeting.c.held_on <= today)
        .order_by(joint_meeting.c.held_on.desc())
        .limit(1)
    )
    if held is None:
        raise ConfigurationError(
            "还没有登记过联席会议。", next_step="用 coop-hub meetings held 日期 --by 姓名 登记；或给 --since 写明日期。"
        )
    return held
