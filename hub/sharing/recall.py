"""召回 (GB/T 39477-2020): an extract that should not have left is called back, and every holder of a copy answers.

Recalling stops downloads at once. Each copy that left stays open until its holder's department says it is deleted.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select, text, update

from hub.alerts import fix_alert, raise_alert
from hub.errors import ConflictError, PermissionRefusedError
from hub.sharing import ledger
from hub.store.tables.sharing import extract, extract_copy


@dataclass(frozen=True, slots=True)
class OpenCopy:
    """A copy of a recalled extract that nobody has acknowledged."""

    copy_number: str
    extract_id: int
    title: str
    department: str
    person: str
    made_at: datetime


def recall(connection: Connection, extract_id: int, person: str, reason: str) -> int:
    """Recalls an extract; returns the number of copies whose holders must answer. The department is alerted.

    Raises:
        PermissionRefusedError: no such extract, or no reason given.
        ConflictError: already recalled.
    """
    row = connection.execute(select(extract).where(extract.c.extract_id == extract_id).with_for_update()).first()
    if row is None:
        raise PermissionRefusedError(
            f"没有编号为 {extract_id} 的摘录。", next_step="用 coop-hub ledger list 查看编号。"
        )
    if row.recalled_at is not None:
        raise ConflictError(f"摘录 {extract_id} 已经召回。", next_step="用 coop-hub recall status 查看回执。")
    if not reason.strip():
        raise PermissionRefusedError("召回须写明原因。", next_step="加上 --reason 后重试。")
    connection.execute(update(extract).where(extract.c.extract_id == extract_id).values(recalled_at=func.now()))
    copies = int(
        connection.scalar(select(func.count()).select_from(extract_copy).where(extract_copy.c.extract_id == extract_id))
        or 0
    )
    ledger.record(connection, "recalled", row.department, person, extract_id, {"reason": reason, "copies": copies})
    if copies:
        raise_alert(
            connection,
            "recall_unanswered",
            str(extract_id),
            f"请删除并回执：《{row.title}》已召回",
            f"《{row.title}》（摘录 {extract_id}）已召回，原因：{reason}。已领取 {copies} 份，请删除后登录枢纽回执。",
            {"department": row.department, "extract": extract_id},
        )
    return copies


def acknowledge(connection: Connection, copy_number: str, department: str, person: str) -> None:
    """A holder's department says that a recalled copy is deleted.

    Raises:
        PermissionRefusedError: not this department's copy, or its extract is not recalled.
    """
    row = connection.execute(
        select(extract_copy, extract.c.recalled_at)
        .join(extract, extract.c.extract_id == extract_copy.c.extract_id)
        .where(extract_copy.c.copy_number == copy_number, extract_copy.c.department == department)
        .with_for_update(of=extract_copy)
    ).first()
    if row is None or row.recalled_at is None:
        raise PermissionRefusedError(
            f"本部门没有待回执的副本 {copy_number}。", next_step="副本号在封面和文件名里，请核对。"
        )
    if row.acknowledged_at is not None:
        return
    connection.execute(
        update(extract_copy)
        .where(extract_copy.c.copy_number == copy_number)
        .values(acknowledged_at=func.now(), acknowledged_by=person)
    )
    ledger.record(connection, "acknowledged", department, person, row.extract_id, {"copy": copy_number})
    if not any(c.extract_id == row.extract_id for c in open_copies(connection)):
        fix_alert(connection, "recall_unanswered", str(row.extract_id))


def open_copies(connection: Connection, *, department: str | None = None) -> list[OpenCopy]:
    """Copies of recalled extracts without an answer, oldest first."""
    query = (
        select(
            extract_copy.c.copy_number,
            extract.c.extract_id,
            extract.c.title,
            extract_copy.c.department,
            extract_copy.c.person,
            extract_copy.c.made_at,
        )
        .join(extract, extract.c.extract_id == extract_copy.c.extract_id)
        .where(extract.c.recalled_at.is_not(None), extract_copy.c.acknowledged_at.is_(None))
        .order_by(extract_copy.c.made_at)
    )
    if department:
        query = query.where(extract_copy.c.department == department)
    return [OpenCopy(*r) for r in connection.execute(query)]


_RECEIVED = """
select e.extract_id, e.department, e.title, e.agreement, e.agreement_version, e.business_date, e.fields, e.recalled_at,
       c.copy_number, c.person, c.way, c.format, c.made_at, c.acknowledged_at
from extract_cooperative h
join extract e on e.agreement = h.agreement and e.department = h.department
  and e.extract_id >= h.from_extract and (h.until_extract is null or e.extract_id < h.until_extract)
  and (not e.past or h.from_extract = e.extract_id)
join extract_copy c on c.extract_id = e.extract_id
where h.coop_id = :coop_id
order by c.made_at, c.copy_number
"""


def who_received(connection: Connection, coop_id: str) -> list[Row[Any]]:
    """Every copy that left with a cooperative in it: which extract under which agreement, its fields, who took it, when, by
    which way, and whether it was recalled and deleted. Extracts nobody took are not among them."""
    return list(connection.execute(text(_RECEIVED), {"coop_id": coop_id}))
