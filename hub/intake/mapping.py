"""Headers a person has confirmed: once for a sender and a feed, remembered from then on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, select, text
from sqlalchemy.dialects.postgresql import insert

from hub.errors import ConfigurationError
from hub.feeds import get_feed
from hub.intake.reader.headers import header_key
from hub.intake.series import edition_before
from hub.store.tables.intake import column_mapping, delivery

_REOPEN = text(
    "update delivery set state = 'received', reason = null where feed = :feed and department = :department and state = 'failed'"
)
_HEADERS = text(
    """
    select distinct c.value ->> 'header' as header
    from delivery d, jsonb_array_elements(d.account -> 'sheets') s(value), jsonb_array_elements(s.value -> 'columns') c(value)
    where d.delivery_id = :id and c.value ->> 'header' <> ''
    """
)


@dataclass(frozen=True, slots=True)
class ConfirmedHeader:
    """`field` is null when the column was confirmed to be of no interest."""

    department: str
    feed: str
    header: str
    field: str | None
    confirmed_by: str
    confirmed_at: datetime


def confirm_header(
    connection: Connection, *, department: str, feed: str, header: str, field: str | None, person: str
) -> int:
    """Remembers what a sender's header means; returns how many deliveries that failed before will be read again.

    Raises:
        ConfigurationError: the feed has no such field.
    """
    declared = get_feed(feed)
    if field is not None and field not in declared.by_name:
        known = "、".join(f"{f.name}（{f.title.zh}）" for f in declared.fields)
        raise ConfigurationError(f"“{declared.title.zh}”没有数据项 {field}。", next_step=f"可用的有：{known}。")
    values = {"field": field, "confirmed_by": person}
    connection.execute(
        insert(column_mapping)
        .values(department=department, feed=feed, header=header_key(header), **values)
        .on_conflict_do_update(
            index_elements=["department", "feed", "header"], set_={**values, "confirmed_at": text("now()")}
        )
    )
    return connection.execute(_REOPEN, {"feed": feed, "department": department}).rowcount


def forget_header(connection: Connection, *, department: str, feed: str, header: str) -> bool:
    """Forgets a confirmed header; false if it was not known."""
    done = connection.execute(
        delete(column_mapping).where(
            column_mapping.c.department == department,
            column_mapping.c.feed == feed,
            column_mapping.c.header == header_key(header),
        )
    )
    return done.rowcount > 0


def confirmed_headers(connection: Connection) -> list[ConfirmedHeader]:
    """All of them, by sender and feed."""
    rows = connection.execute(
        select(column_mapping).order_by(column_mapping.c.department, column_mapping.c.feed, column_mapping.c.header)
    )
    return [ConfirmedHeader(r.department, r.feed, r.header, r.field, r.confirmed_by, r.confirmed_at) for r in rows]


def layout_changes(connection: Connection, delivery_id: int) -> tuple[list[str], list[str]]:
    """Headers that are new in a delivery, and that vanished, against the edition of the same list before it."""
    own = connection.execute(select(delivery).where(delivery.c.delivery_id == delivery_id)).one()
    before = edition_before(
        connection, delivery_id=delivery_id, feed=own.feed, department=own.department, name=own.name, town=own.town
    )
    if before is None or own.supersedes is not None:
        return [], []
    now = set(connection.scalars(_HEADERS, {"id": delivery_id}))
    then = set(connection.scalars(_HEADERS, {"id": before.delivery_id}))
    return sorted(now - then), sorted(then - now)
