"""What producers call. Only inserts and updates in the caller's transaction: an alert stands or falls with the work
that raised it, and a mail server that is down can never fail a night."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, func, text, update
from sqlalchemy.dialects.postgresql import insert

from hub.alerts.kinds import KINDS
from hub.store.tables.alerts import alert


def raise_alert(  # noqa: PLR0917 -- six plain facts, always in this order
    connection: Connection,
    kind: str,
    key: str,
    subject: str,
    body: str,
    details: Mapping[str, Any] | None = None,
) -> int:
    """Says that something is wrong; returns the alert's id. The same open problem (kind, key) again is only counted
    and its words brought up to date: nobody gets a second mail.

    Args:
        kind: one of `hub.alerts.kinds.KINDS`.
        key: what tells this problem from others of its kind: a feed, a delivery's name.
        subject: one line in Chinese, without the kind's title.
        body: what happened, in Chinese; never personal data.
        details: where: `feed`, `department`, `file`, `delivery_id`, `run_id`, as far as known.

    Raises:
        KeyError: no such kind (a mistake of ours, not of a user).
    """
    if kind not in KINDS:
        raise KeyError(kind)
    row = insert(alert).values(kind=kind, key=key, subject=subject, body=body, details=dict(details or {}))
    counted = row.on_conflict_do_update(
        index_elements=["kind", "key"],
        index_where=text("fixed_at is null"),
        set_={
            "times": alert.c.times + 1,
            "last_at": func.now(),
            "subject": row.excluded.subject,
            "body": row.excluded.body,
            "details": row.excluded.details,
        },
    ).returning(alert.c.alert_id)
    return int(connection.execute(counted).scalar_one())


def fix_alert(connection: Connection, kind: str, key: str) -> bool:
    """Says that the problem is gone; whoever was told of it will be told so. Returns whether one was open."""
    if kind not in KINDS:
        raise KeyError(kind)
    fixed = connection.execute(
        update(alert)
        .where(alert.c.kind == kind, alert.c.key == key, alert.c.fixed_at.is_(None))
        .values(fixed_at=func.now())
    )
    return bool(fixed.rowcount)
