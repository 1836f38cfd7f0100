"""What an agreement gave a department on each past night. Rows that stay the same are one extract for many nights, so a night
has no extract of its own: it has the one that held then."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, RowMapping, text

from hub.errors import PermissionRefusedError
from hub.sharing.access import extract_for

_HELD = """
select distinct on (m.business_date) m.business_date as night, e.extract_id, e.title, e.rows, e.files, e.published_at, e.recalled_at,
       e.agreement_version,
       exists (select 1 from ledger l where l.event = 'pruned' and l.extract_id = e.extract_id) as cleared
from extract e join master_version m on m.version between e.master_version and e.confirmed_version
where e.agreement = :agreement and e.department = :department and not e.past
order by m.business_date desc, m.version desc, e.extract_id desc
limit :most
"""


@dataclass(frozen=True, slots=True)
class PastNight:
    """One night and the extract that held then; `barred` says why it cannot be fetched now, None when it can."""

    night: date
    extract: RowMapping
    barred: PermissionRefusedError | None

    @property
    def cleared(self) -> bool:
        """Its files were cleared after the years they are kept."""
        return bool(self.extract["cleared"])


def past_nights(
    connection: Connection, agreement: str, department: str, *, today: date, most: int = 400
) -> list[PastNight]:
    """Each night's extract of an agreement for a department, the newest first. Whether one may be fetched is asked as a
    download asks, and asked again by it."""
    asked: dict[Any, PermissionRefusedError | None] = {}
    held = connection.execute(text(_HELD), {"agreement": agreement, "department": department, "most": most})
    nights = held.mappings().all()
    for number in {row["extract_id"] for row in nights}:
        try:
            extract_for(connection, number, department, today)
            asked[number] = None
        except PermissionRefusedError as refusal:
            asked[number] = refusal
    return [PastNight(row["night"], row, asked[row["extract_id"]]) for row in nights]
