"""Keeping and clearing: published files and who is in them are kept three years at least (个人信息保护法; records of
personal data handed over), then cleared on request. The ledger is never cleared: it holds no personal data.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, exists, func, select

from hub.errors import PermissionRefusedError
from hub.settings import Settings
from hub.sharing import ledger
from hub.store.tables.sharing import extract, extract_cooperative
from hub.store.tables.sharing import ledger as ledger_table

KEEP_DAYS = 3 * 366


def due(connection: Connection, *, before: date, today: date) -> list[Row[Any]]:
    """Extracts published before a day whose files may be cleared. The newest extract of an agreement stays, whatever its
    age.

    Raises:
        PermissionRefusedError: younger than three years.
    """
    if before > today - timedelta(days=KEEP_DAYS):
        raise PermissionRefusedError(
            "交付记录至少保存三年，不能清理。", next_step=f"最晚可清理到 {today - timedelta(days=KEEP_DAYS)} 之前的。"
        )
    newer = extract.alias("newer")
    superseded = exists().where(
        newer.c.agreement == extract.c.agreement,
        newer.c.department == extract.c.department,
        newer.c.extract_id > extract.c.extract_id,
        ~newer.c.past,
    )
    return list(
        connection.execute(
            select(extract).where(
                (~extract.c.past & (extract.c.confirmed_on < before) & superseded)
                | (extract.c.past & (extract.c.published_at < before)),
                ~exists().where(ledger_table.c.event == "pruned", ledger_table.c.extract_id == extract.c.extract_id),
            )
        )
    )


def is_cleared(connection: Connection, extract_id: int) -> bool:
    """Whether an extract's files were cleared after their years."""
    return bool(
        connection.scalar(
            select(exists().where(ledger_table.c.event == "pruned", ledger_table.c.extract_id == extract_id))
        )
    )


def prune(connection: Connection, settings: Settings, *, before: date, today: date, person: str) -> int:
    """Removes the files of extracts published before a day, and what is known of their content; each is a line of the
    ledger. Returns how many were cleared.

    Raises:
        PermissionRefusedError: younger than three years.
    """
    rows = due(connection, before=before, today=today)
    for row in rows:
        ledger.record(connection, "pruned", row.department, person, row.extract_id, {"files": len(row.files)})
        # runs of extracts that ended before the oldest one still kept
        pruned = select(ledger_table.c.extract_id).where(ledger_table.c.event == "pruned")
        kept = select(func.min(extract.c.extract_id)).where(
            extract.c.agreement == row.agreement,
            extract.c.department == row.department,
            extract.c.extract_id.not_in(pruned),
        )
        connection.execute(
            delete(extract_cooperative).where(
                extract_cooperative.c.agreement == row.agreement,
                extract_cooperative.c.department == row.department,
                extract_cooperative.c.until_extract <= kept.scalar_subquery(),
            )
        )
    for row in rows:  # files last: a line without a file is right, a file gone without a line is not
        for file in row.files:
            (settings.data / file["path"]).unlink(missing_ok=True)
    return len(rows)
