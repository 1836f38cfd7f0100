"""Proof that extracts are what the ledger says: every file read again, every digest compared."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection, select

from hub.settings import Settings
from hub.sharing.digests import digest_file
from hub.store.tables.sharing import extract, ledger


def verify_extracts(
    connection: Connection, settings: Settings, *, progress: Callable[[int, int], None] | None = None
) -> list[str]:
    """Problems of published files, in Chinese; empty when every byte is as it was published. Files whose time of
    keeping is over (a `pruned` line in the ledger) may be gone. `progress` is told (done, all)."""
    published = {
        r.extract_id: r.details
        for r in connection.execute(select(ledger.c.extract_id, ledger.c.details).where(ledger.c.event == "published"))
    }
    pruned = set(connection.scalars(select(ledger.c.extract_id).where(ledger.c.event == "pruned")))
    rows = connection.execute(select(extract).order_by(extract.c.extract_id)).all()
    problems: list[str] = []
    for done, row in enumerate(rows, 1):
        recorded = published.get(row.extract_id)
        if recorded is None:
            problems.append(f"摘录 {row.extract_id}“{row.title}”没有发布记录")
        elif recorded["rows"] != row.rows or recorded["rows_sha256"] != row.rows_digest:
            problems.append(f"摘录 {row.extract_id}“{row.title}”的行数或内容摘要与台账不符")
        for file in row.files:
            path = settings.data / file["path"]
            ledgered = (recorded or {}).get("files", {}).get(file["format"])
            if ledgered and (ledgered["sha256"], ledgered["sm3"]) != (file["sha256"], file["sm3"]):
                problems.append(f"摘录文件 {file['path']} 的登记摘要与台账不符")
            if not path.is_file():
                if row.extract_id not in pruned:
                    problems.append(f"摘录文件 {file['path']} 不在了")
                continue
            digests = digest_file(path)
            if (digests.sha256, digests.sm3) != (file["sha256"], file["sm3"]):
                problems.append(f"摘录文件 {file['path']} 被改动过（SHA-256 或 SM3 不符）")
        if progress:
            progress(done, len(rows))
    return problems
