"""Disputed values that extracts must flag. How a dispute comes and goes is `corrections`."""

from __future__ import annotations

from sqlalchemy import Connection, select

from hub.sharing.selection import Dispute
from hub.store.tables.sharing import correction


def flagged_disputes(connection: Connection, dataset: str) -> list[Dispute]:
    """The flagged corrections of one dataset, oldest first."""
    c = correction.c
    rows = connection.execute(
        select(c.correction_id, c.coop_id, c.field, c.value, c.record)
        .where(c.dataset == dataset, c.flagged)
        .order_by(c.correction_id)
    )
    return [
        Dispute(r.correction_id, r.coop_id, r.field, r.value, tuple((str(k), str(v)) for k, v in r.record.items()))
        for r in rows
    ]
