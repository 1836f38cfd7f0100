"""Deliveries: what each department sent, what became of every row. Departments see their own, the office all."""

from __future__ import annotations

from sqlalchemy import ColumnElement, func, select, true
from starlette.exceptions import HTTPException
from starlette.responses import Response

from hub.portal.access import DEPARTMENTS, Page
from hub.portal.visit import Visit
from hub.store.tables.intake import DELIVERY_STATES, check_result, delivery, row_reason, source_row

_PER_PAGE = 40
_ROWS_SHOWN = 100


def _mine(visit: Visit) -> ColumnElement[bool]:
    """Only the visitor's department's deliveries, unless the visitor is the office."""
    return true() if visit.person.role == "office" else delivery.c.department == visit.person.department


def list_page(visit: Visit) -> Response:
    page, state, feed = visit.asked_number("page"), visit.asked("state"), visit.asked("feed")
    mine = _mine(visit)
    query = select(delivery).where(mine).order_by(delivery.c.delivery_id.desc())
    if state in DELIVERY_STATES:
        query = query.where(delivery.c.state == state)
    if feed:
        query = query.where(delivery.c.feed == feed)
    with visit.begin() as connection:
        rows = connection.execute(query.limit(_PER_PAGE + 1).offset((page - 1) * _PER_PAGE)).mappings().all()
        counted = select(delivery.c.state, func.count()).where(mine).group_by(delivery.c.state)
        counts = {str(s): int(n) for s, n in connection.execute(counted)}
        feeds = connection.scalars(select(delivery.c.feed).distinct().where(mine).order_by(delivery.c.feed)).all()
    return visit.page(
        "deliveries.html",
        rows=rows[:_PER_PAGE],
        page=page,
        more=len(rows) > _PER_PAGE,
        counts=counts,
        feeds=feeds,
        state_asked=state,
        feed_asked=feed,
    )


def detail_page(visit: Visit) -> Response:
    number = visit.number("delivery_id")
    with visit.begin() as connection:
        row = connection.execute(select(delivery).where(delivery.c.delivery_id == number)).mappings().one_or_none()
        checks = (
            connection.execute(
                select(check_result)
                .where(check_result.c.delivery_id == number)
                .order_by(check_result.c.passed, check_result.c.rule)
            )
            .mappings()
            .all()
        )
        reasons = (
            connection.execute(
                select(
                    source_row.c.sheet,
                    source_row.c.row,
                    source_row.c.disposition,
                    func.array_agg(func.coalesce(row_reason.c["column"], "")).label("columns"),
                    func.array_agg(row_reason.c.message).label("messages"),
                )
                .join_from(source_row, row_reason, row_reason.c.row_id == source_row.c.row_id)
                .where(source_row.c.delivery_id == number)
                .group_by(source_row.c.row_id)
                .order_by(source_row.c.sheet, source_row.c.row, source_row.c.part)
                .limit(_ROWS_SHOWN)
            )
            .mappings()
            .all()
        )
    if row is None:
        raise HTTPException(404)
    if visit.person.role != "office" and row["department"] != visit.person.department:
        raise visit.refuse("delivery")
    return visit.page("delivery.html", row=row, checks=checks, reasons=reasons, rows_shown=_ROWS_SHOWN)


PAGES = (
    Page("/deliveries", list_page, DEPARTMENTS, title=("来件", "Deliveries"), menu="work", icon="inbox"),
    Page("/deliveries/{delivery_id:int}", detail_page, DEPARTMENTS, title=("来件", "Delivery")),
)
