"""May this department fetch this extract now? Asked anew at every download, push and look; never remembered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, select

from hub.errors import PermissionRefusedError
from hub.sharing.agreements import Agreement
from hub.sharing.approvals import STANDING_TITLES, Standing, agreement_at, newest_decision, standing_of
from hub.store.tables.sharing import extract


def extract_for(connection: Connection, extract_id: int, department: str, today: date) -> tuple[Row[Any], Agreement]:
    """The extract and the agreement it was published under, if this department may have it on this day.

    Raises:
        PermissionRefusedError: no such extract for this department, or it was recalled, or the agreement is revoked or
            past its term. Another department's extract looks like one that does not exist.
    """
    row = connection.execute(
        select(extract).where(extract.c.extract_id == extract_id, extract.c.department == department)
    ).first()
    if row is None:
        raise PermissionRefusedError(
            f"本部门没有编号为 {extract_id} 的摘录。", next_step="从“我的数据”页面选择要下载的数据。"
        )
    if row.recalled_at is not None:
        raise PermissionRefusedError(
            f"“{row.title}”已被召回，不能再下载。", next_step="删除手中的副本并在召回通知里回执；等新的一期发布。"
        )
    agreement = agreement_at(connection, row.agreement, row.agreement_version)
    decision = newest_decision(connection, row.agreement, row.agreement_version)
    standing = standing_of(agreement, decision, today)
    if standing is not Standing.IN_FORCE:
        raise PermissionRefusedError(
            f"“{row.title}”所依据的共享协议{STANDING_TITLES[standing]}，不能下载。",
            next_step="与领导小组办公室联系，协议批准或续期后再下载。",
        )
    return row, agreement


def parquet_of(files: Sequence[Mapping[str, Any]]) -> str:
    """Path, below the data folder, of an extract's rows as Parquet, which every extract has."""
    return next(str(f["path"]) for f in files if f["format"] == "parquet")
