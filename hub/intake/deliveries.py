"""The delivery table: registering what arrived, finding what still waits, moving states. A state moves only here and in
`hub.intake.acceptance`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, case, select, text, update
from sqlalchemy.dialects.postgresql import insert

from hub.feeds import Coverage
from hub.intake.archive import ArchivedFile, record_file
from hub.store.tables.intake import delivery

SEEN_BEFORE = ("accepted", "held", "rejected")  # the same content again changes nothing


@dataclass(frozen=True, slots=True)
class Delivery:
    """One arrival that waits to be staged or accepted."""

    delivery_id: int
    feed: str
    department: str
    name: str
    sha256: str
    as_of: date
    coverage: Coverage
    town: str | None
    supersedes: int | None = None


def register_delivery(
    connection: Connection,
    *,
    feed: str,
    department: str,
    name: str,
    file: ArchivedFile,
    coverage: Coverage,
    business_date: date,
    run_id: int | None,
    modified_at: datetime | None = None,
) -> tuple[int, bool]:
    """Notes an arrival; returns (delivery_id, new). Content that this feed already delivered and that was accepted, held or
    rejected is not new, whatever the file is called now; content that failed before is tried again."""
    record_file(connection, file)
    known = connection.execute(
        select(delivery.c.delivery_id, delivery.c.state, delivery.c.name, delivery.c.reason, delivery.c.modified_at)
        .where(delivery.c.feed == feed, delivery.c.sha256 == file.sha256)
        .order_by(case((delivery.c.state.in_(SEEN_BEFORE), 0), else_=1), delivery.c.delivery_id)
        .limit(1)
    ).first()
    if known is not None:
        if known.state in SEEN_BEFORE:
            _note_sent_again(connection, known.delivery_id, business_date, modified_at)
            return known.delivery_id, False
        connection.execute(
            update(delivery)
            .where(delivery.c.delivery_id == known.delivery_id)
            .values(state="received", run_id=run_id, reason=None, **_copy_kept(known, name, modified_at))
        )
        return known.delivery_id, True
    inserted = connection.execute(
        insert(delivery)
        .values(
            feed=feed,
            department=department,
            name=name,
            sha256=file.sha256,
            run_id=run_id,
            modified_at=modified_at,
            as_of=business_date,
            coverage=coverage.value,
            state="received",
        )
        .returning(delivery.c.delivery_id)
    ).scalar_one()
    return int(inserted), True


_SENT_AGAIN = text(
    """
    update delivery d set sent_again_on = :day, sent_again_at = coalesce(cast(:at as timestamptz), d.sent_again_at)
    where d.delivery_id = :id and d.state = 'accepted'
      and (cast(:at as timestamptz) is null or d.modified_at is null or :at > greatest(d.modified_at, d.sent_again_at))
      and not exists (
          select from delivery newer where newer.feed = d.feed and newer.state = 'accepted' and newer.as_of > d.as_of
            and coalesce(newer.town, '') = coalesce(d.town, ''))
    """
)


def _note_sent_again(connection: Connection, delivery_id: int, day: date, at: datetime | None) -> None:
    """A list that did not change came in time all the same: by a query asked again, or as a file written anew. A file that lies
    where it lay is none, and neither is an old list when a newer one was taken."""
    connection.execute(_SENT_AGAIN, {"id": delivery_id, "day": day, "at": at})


def _copy_kept(known: Any, name: str, modified_at: datetime | None) -> dict[str, Any]:
    """Name and time of a delivery whose content arrives again before it was read: the name tells its series, the time its place
    in it, so which copy came first on a night must not decide. One that failed or stumbled stays what it was told about as."""
    if known.state not in ("received", "staged") or known.reason is not None:
        return {}
    times = [t for t in (known.modified_at, modified_at) if t is not None]
    return {"name": min(str(known.name), name), "modified_at": max(times, default=None)}


def waiting_deliveries(
    connection: Connection, feed: str, states: tuple[str, ...] = ("received", "staged")
) -> list[Delivery]:
    """What this feed has yet to stage or accept, in an order that does not depend on the order of arrival: of two editions of one
    day the file written later goes last, and stands."""
    rows = connection.execute(
        select(delivery)
        .where(delivery.c.feed == feed, delivery.c.state.in_(states))
        .order_by(delivery.c.as_of, delivery.c.modified_at.nulls_first(), delivery.c.name, delivery.c.sha256)
    ).mappings()
    return [_delivery(row) for row in rows]


def _delivery(row: Any) -> Delivery:
    return Delivery(
        delivery_id=row["delivery_id"],
        feed=row["feed"],
        department=row["department"],
        name=row["name"],
        sha256=row["sha256"],
        as_of=row["as_of"],
        coverage=Coverage(row["coverage"]),
        town=row["town"],
        supersedes=row["supersedes"],
    )


def get_delivery(connection: Connection, delivery_id: int) -> Delivery | None:
    """One delivery, whatever its state."""
    row = connection.execute(select(delivery).where(delivery.c.delivery_id == delivery_id)).mappings().first()
    return _delivery(row) if row else None


def fail_delivery(connection: Connection, delivery_id: int, reason: str) -> None:
    """A delivery that cannot be used at all: nothing of it stays but its archive file and the reason."""
    connection.execute(
        update(delivery).where(delivery.c.delivery_id == delivery_id).values(state="failed", reason=reason, rows_in=0)
    )


def postpone_delivery(connection: Connection, delivery_id: int, reason: str, run_id: int | None) -> None:
    """A delivery that our own program stumbled over: it waits, says why, and is read anew by every night until it goes through."""
    connection.execute(
        update(delivery)
        .where(delivery.c.delivery_id == delivery_id, delivery.c.state.in_(("received", "staged")))
        .values(state="received", reason=reason, run_id=run_id)
    )


def mark_staged(connection: Connection, delivery_id: int) -> None:
    """The delivery's staged files are durable; acceptance may take it."""
    connection.execute(
        update(delivery)
        .where(delivery.c.delivery_id == delivery_id, delivery.c.state == "received")
        .values(state="staged", reason=None)
    )
