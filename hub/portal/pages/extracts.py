"""Extracts: what a department may take away. Every download is authorised anew and written to the ledger and the
audit log before its first byte leaves."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote

from sqlalchemy import Connection, RowMapping, select
from starlette.exceptions import HTTPException
from starlette.responses import Response, StreamingResponse

from hub.alerts import raise_alert
from hub.errors import HubError, PermissionRefusedError
from hub.portal.access import DEPARTMENTS, Page
from hub.portal.audit import record_event
from hub.portal.visit import Visit
from hub.sharing import ledger
from hub.store.tables.sharing import extract
from hub.store.tables.sharing import ledger as ledger_table

_TYPES = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/x-ndjson",
    "json": "application/json",
}
_BLOCK = 1 << 20


def _of_department(connection: Connection, department: str) -> list[RowMapping]:
    return list(
        connection.execute(
            select(extract).where(extract.c.department == department).order_by(extract.c.extract_id.desc())
        ).mappings()
    )


def list_page(visit: Visit) -> Response:
    """The newest version of each agreement's extract; older ones behind it."""
    with visit.begin() as connection:
        rows = _of_department(connection, visit.person.department)
        taken = set(
            connection.execute(
                select(ledger_table.c.extract_id).where(
                    ledger_table.c.department == visit.person.department, ledger_table.c.event == "downloaded"
                )
            ).scalars()
        )
    newest: dict[str, RowMapping] = {}
    for row in rows:
        newest.setdefault(row["agreement"], row)
    older = [r for r in rows if r is not newest[r["agreement"]]]
    return visit.page("extracts.html", newest=list(newest.values()), older=older[:100], taken=taken)


def _one(visit: Visit, connection: Connection) -> RowMapping | None:
    number = visit.number("extract_id")
    return connection.execute(select(extract).where(extract.c.extract_id == number)).mappings().one_or_none()


def detail_page(visit: Visit) -> Response:
    with visit.begin() as connection:
        row = _one(visit, connection)
        mine = row is not None and row["department"] == visit.person.department
        receipts = (
            connection.execute(
                select(ledger_table)
                .where(ledger_table.c.extract_id == row["extract_id"])
                .order_by(ledger_table.c.seq.desc())
                .limit(50)
            )
            .mappings()
            .all()
            if row is not None and mine
            else []
        )
    if row is None:
        raise HTTPException(404)
    if not mine:
        raise visit.refuse("extract")
    return visit.page("extract.html", row=row, receipts=receipts)


def _open_checked(visit: Visit, row: RowMapping, entry: dict[str, Any]) -> BinaryIO:
    """The file behind an entry, opened once and proven to be what was published.

    Raises:
        HubError: it is gone or was changed; the office is alerted.
    """
    folder = visit.settings.data.resolve()
    path = (folder / str(entry["path"])).resolve()
    fault = "文件不在了"
    if path.is_relative_to(folder) and path.is_file():
        file = path.open("rb")
        if hashlib.file_digest(file, "sha256").hexdigest() == entry["sha256"]:
            file.seek(0)
            return file
        file.close()
        fault = "内容与发布时的摘要值不一致"
    with visit.begin() as connection:
        raise_alert(
            connection,
            "ledger_broken",
            f"extract:{row['extract_id']}:{entry['format']}",
            f"数据摘录 {row['extract_id']}",
            f"数据摘录 {row['extract_id']}（{row['title']}）的 {entry['format']} 文件：{fault}，已停止下载。",
            {"department": row["department"]},
        )
    raise HubError("这份数据摘录的文件核验不通过，已停止下载。", next_step="已通知办公室；请等待重新发布。")


def _blocks(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while block := file.read(_BLOCK):
            yield block


def download(visit: Visit) -> Response:
    """One file of an extract: authorise, verify, record, send; in this order."""
    person = visit.person
    with visit.begin() as connection:
        row = _one(visit, connection)
    if row is None:
        raise HTTPException(404)
    if row["department"] != person.department:
        raise visit.refuse("extract")
    place = int(visit.request.path_params["place"])
    if place >= len(row["files"]) or not row["files"][place].get("given", True):
        raise HTTPException(404)
    entry: dict[str, Any] = row["files"][place]
    file = _open_checked(visit, row, entry)
    name = Path(str(entry["path"])).name
    with visit.begin() as connection:
        stands = (
            select(extract.c.recalled_at).where(extract.c.extract_id == row["extract_id"]).with_for_update(read=True)
        )
        recalled = connection.scalar(stands) is not None
        if recalled:
            record_event(
                connection, "extract_refused", person.account, person.department,
                extract_id=row["extract_id"], reason="recalled",
            )  # fmt: skip
        else:
            details = {"format": entry["format"], "file": name, "sha256": entry["sha256"], "rows": row["rows"]}
            ledger.record(connection, "downloaded", person.department, person.account, row["extract_id"], details)
            record_event(
                connection, "extract_downloaded", person.account, person.department,
                extract_id=row["extract_id"], format=entry["format"],
            )  # fmt: skip
    if recalled:
        file.close()
        raise PermissionRefusedError(
            "这份数据摘录已被召回，不能再下载。", next_step="请改用同一协议的最新一份；已下载的请按召回通知处理。"
        )
    return StreamingResponse(
        _blocks(file),
        media_type=_TYPES.get(str(entry["format"]), "application/octet-stream"),
        headers={
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}",
            "Content-Length": str(entry["size"]),
            "X-Content-SHA256": str(entry["sha256"]),
        },
    )


PAGES = (
    Page("/extracts", list_page, DEPARTMENTS, title=("数据摘录", "Extracts"), menu="sharing", icon="download"),
    Page("/extracts/{extract_id:int}", detail_page, DEPARTMENTS, title=("数据摘录", "Extract")),
    Page("/extracts/{extract_id:int}/files/{place:int}", download, DEPARTMENTS, download=True),
)
