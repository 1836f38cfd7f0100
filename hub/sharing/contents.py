"""Which cooperatives an extract holds, kept as runs of extracts: a cooperative that stays in costs nothing more.

Answers "who received this cooperative's data", for dossiers, recalls and questions of the people concerned.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlalchemy import Connection, text

from hub.store.arrow import copy_in

if TYPE_CHECKING:
    import pyarrow as pa


def record_cooperatives(
    connection: Connection, agreement: str, department: str, extract_id: int, coop_ids: Sequence[str]
) -> None:
    """Notes what a new extract holds: closes the runs of those who are gone, opens runs for those who are new."""
    import pyarrow as pa

    connection.execute(text("create temp table held (coop_id text not null) on commit drop"))
    rows: pa.Table = pa.table({"coop_id": pa.array(coop_ids, pa.string())})
    copy_in(connection, "held", rows)
    values = {"agreement": agreement, "department": department, "extract": extract_id}
    connection.execute(
        text(
            """
            update extract_cooperative e set until_extract = :extract
            where e.agreement = :agreement and e.department = :department and e.until_extract is null
              and not exists (select 1 from held h where h.coop_id = e.coop_id)
            """
        ),
        values,
    )
    connection.execute(
        text(
            """
            insert into extract_cooperative (agreement, department, coop_id, from_extract)
            select :agreement, :department, h.coop_id, :extract from held h
            where not exists (select 1 from extract_cooperative e
              where e.agreement = :agreement and e.department = :department and e.coop_id = h.coop_id
                and e.until_extract is null)
            """
        ),
        values,
    )
    connection.execute(text("drop table held"))


def record_cooperatives_once(
    connection: Connection, agreement: str, department: str, extract_id: int, coop_ids: Sequence[str]
) -> None:
    """Notes what an extract for a past day holds: runs of this one extract, which close and open nothing else."""
    import pyarrow as pa

    rows: pa.Table = pa.table(
        {
            "agreement": pa.array([agreement] * len(coop_ids), pa.string()),
            "department": pa.array([department] * len(coop_ids), pa.string()),
            "coop_id": pa.array(coop_ids, pa.string()),
            "from_extract": pa.array([extract_id] * len(coop_ids), pa.int64()),
            "until_extract": pa.array([extract_id + 1] * len(coop_ids), pa.int64()),
        }
    )
    copy_in(connection, "extract_cooperative", rows)
