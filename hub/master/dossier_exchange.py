"""What passed between departments about a cooperative, for its dossier: values in dispute, and who received it. Either is cut at the
day the reader asks for: a dossier as known on a past night tells of no dispute raised since."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, text

from hub.feeds import Privacy
from hub.master.datasets import DATASETS

_DISPUTES = """
select c.correction_id, c.dataset, c.field, c.value, c.proposed, c.reason, c.raised_by_department, c.source_department,
       s.states[1] as state, s.states[1] in ('flagged', 'answered') as flagged, c.raised_on, c.due_on,
       case when s.states && array['answered', 'refused', 'archived'] then c.outcome end as outcome,
       case when s.states && array['answered', 'refused', 'archived'] then c.answer end as answer,
       case when c.closed_on <= coalesce(cast(:until as date), c.closed_on) then c.closed_on end as closed_on
from correction c join lateral (
    select array_agg(t.state order by t.step_id desc) as states from correction_step t
    where t.correction_id = c.correction_id and t.business_date <= coalesce(cast(:until as date), t.business_date)) s on s.states is not null
where c.coop_id = :coop_id order by c.correction_id
"""
_RECEIPTS = """
select l.at, l.event, l.department, l.person, e.title, e.business_date from ledger l join extract e using (extract_id)
join extract_cooperative x on x.agreement = e.agreement and x.department = e.department and x.from_extract <= e.extract_id
     and (x.until_extract is null or x.until_extract > e.extract_id) and (not e.past or x.from_extract = e.extract_id)
where x.coop_id = :coop_id and l.event in ('downloaded', 'pushed')
  and l.at < coalesce(cast(:until as timestamptz), 'infinity')
order by l.seq desc limit 200
"""


def read_disputes(
    connection: Connection, coop_id: str, *, until: date | None, show: Collection[Privacy], hidden: str
) -> tuple[dict[str, Any], ...]:
    """Disputes about a cooperative, as they stood at the end of a day (None: now). Values of fields the reader may not see stand as
    `hidden`."""
    rows = connection.execute(text(_DISPUTES), {"coop_id": coop_id, "until": until})
    return tuple(_veiled(dict(r._mapping), set(show), hidden) for r in rows)


def _veiled(dispute: dict[str, Any], show: set[Privacy], hidden: str) -> dict[str, Any]:
    dataset = DATASETS.get(dispute["dataset"])
    declared = next((f for f in dataset.fields if f.name == dispute["field"]), None) if dataset else None
    privacy = declared.privacy if declared else Privacy.PERSONAL  # of a whole row nobody knows what somebody proposed
    if privacy in show:
        return dispute
    return {**dispute, **{name: hidden for name in ("value", "proposed") if dispute[name]}}


def read_receipts(connection: Connection, coop_id: str, *, until: datetime | None) -> tuple[dict[str, Any], ...]:
    """Who took an extract with this cooperative in it before a moment (None: up to now): what the ledger says, newest first."""
    rows = connection.execute(text(_RECEIPTS), {"coop_id": coop_id, "until": until})
    return tuple(dict(r._mapping) for r in rows)
