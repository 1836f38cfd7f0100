"""What a night did, as a person reads it: read from the database, so it can be told again at any time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Engine, text

from hub.alerts import URGENT

_BY_FEED = """
select feed, count(*) as deliveries,
       count(*) filter (where state = 'accepted') as taken, count(*) filter (where state = 'held') as held,
       count(*) filter (where state = 'failed' or (state in ('received', 'staged') and reason is not null)) as failed,
       coalesce(sum(rows_in), 0) as rows_in, coalesce(sum(rows_accepted), 0) as accepted,
       coalesce(sum(rows_quarantined), 0) as quarantined, coalesce(sum(rows_duplicate), 0) as duplicate,
       coalesce(sum(rows_out_of_scope), 0) as out_of_scope
from delivery where run_id = :run_id group by feed order by feed
"""
_REASONS = """
select feed, message, rows from (
    select d.feed, r.message, count(*) as rows, row_number() over (partition by d.feed order by count(*) desc, r.message) as place
    from row_reason r join source_row s using (row_id) join delivery d using (delivery_id)
    where d.run_id = :run_id and s.disposition = 'quarantined' group by d.feed, r.message) t
where place <= 3 order by feed, rows desc, message
"""
_TROUBLE = """
select feed, name, state, reason from delivery
where run_id = :run_id and (state in ('held', 'failed') or (state in ('received', 'staged') and reason is not null))
order by feed, name
"""
_LINKS = """
select l.link, count(*) as profiles, coalesce(sum(n.rows), 0) as rows
from link l left join (select profile_key, count(*) as rows from source_row s join delivery d using (delivery_id)
                       where d.state = 'accepted' and s.disposition in ('accepted', 'duplicate') group by profile_key) n
     using (profile_key)
group by l.link order by rows desc, l.link
"""


@dataclass(frozen=True)
class NightReport:
    """Rows of the printed tables, and the run's own record."""

    run_id: int
    state: str
    business_date: date
    number: int  # how many nights this hub has finished, this one included
    feeds: list[dict[str, Any]]
    reasons: dict[str, list[tuple[str, int]]]
    trouble: list[dict[str, Any]]
    links: list[dict[str, Any]]
    steps: list[dict[str, Any]]
    summary: dict[str, Any]
    open_alerts: list[str]


def read_report(engine: Engine, *, dagster_run_id: str | None = None) -> NightReport | None:
    """The report of a run, or of the newest one. None when there was no night yet."""
    with engine.connect() as connection:
        run = (
            connection.execute(
                text(
                    "select * from run where cast(:id as text) is null or dagster_run_id = :id order by run_id desc limit 1"
                ),
                {"id": dagster_run_id},
            )
            .mappings()
            .first()
        )
        if run is None:
            return None
        one = {"run_id": run["run_id"]}
        reasons: dict[str, list[tuple[str, int]]] = {}
        for row in connection.execute(text(_REASONS), one):
            reasons.setdefault(row.feed, []).append((row.message, row.rows))
        return NightReport(
            run_id=run["run_id"],
            state=run["state"],
            business_date=run["business_date"],
            number=connection.scalar(text("select count(*) from run where kind = 'nightly' and run_id <= :run_id"), one)
            or 0,
            feeds=[dict(r) for r in connection.execute(text(_BY_FEED), one).mappings()],
            reasons=reasons,
            trouble=[dict(r) for r in connection.execute(text(_TROUBLE), one).mappings()],
            links=[dict(r) for r in connection.execute(text(_LINKS)).mappings()],
            steps=list(run["steps"]),
            summary=dict(run["summary"]),
            open_alerts=list(
                connection.scalars(
                    text(
                        "select subject from alert where fixed_at is null order by kind <> all(:urgent), first_at, alert_id"
                    ),
                    {"urgent": list(URGENT)},
                )
            ),
        )
