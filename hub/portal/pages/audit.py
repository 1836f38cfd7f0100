"""The ledger of what left, and the log of what people did: read only."""

from __future__ import annotations

from sqlalchemy import func, select
from starlette.responses import Response

from hub.portal.access import ACCOUNTANTS, AUDITORS, Page
from hub.portal.audit import EVENTS
from hub.portal.visit import Visit
from hub.store.tables.portal import audit_event
from hub.store.tables.sharing import extract, ledger

_PER_PAGE = 50


def ledger_page(visit: Visit) -> Response:
    page, department, event = visit.asked_number("page"), visit.asked("department"), visit.asked("event")
    query = (
        select(ledger, extract.c.title, extract.c.rows)
        .outerjoin(extract, extract.c.extract_id == ledger.c.extract_id)
        .order_by(ledger.c.seq.desc())
    )
    if department:
        query = query.where(ledger.c.department == department)
    if event:
        query = query.where(ledger.c.event == event)
    with visit.begin() as connection:
        rows = connection.execute(query.limit(_PER_PAGE + 1).offset((page - 1) * _PER_PAGE)).mappings().all()
        head = connection.execute(select(ledger.c.seq, ledger.c.hash).order_by(ledger.c.seq.desc()).limit(1)).first()
        kinds = connection.execute(select(ledger.c.event).distinct().order_by(ledger.c.event)).scalars().all()
        departments = connection.scalars(select(ledger.c.department).distinct()).all()
        total = connection.scalar(select(func.count()).select_from(ledger))
    return visit.page(
        "ledger.html",
        rows=rows[:_PER_PAGE],
        page=page,
        more=len(rows) > _PER_PAGE,
        head=head,
        kinds=kinds,
        total=total,
        departments=sorted({d for d in departments if d}),
        department_asked=department,
        event_asked=event,
    )


def events_page(visit: Visit) -> Response:
    page, event, account = visit.asked_number("page"), visit.asked("event"), visit.asked("account")
    query = select(audit_event).order_by(audit_event.c.event_id.desc())
    if event:
        query = query.where(audit_event.c.event == event)
    if account:
        query = query.where(audit_event.c.account == account)
    with visit.begin() as connection:
        rows = connection.execute(query.limit(_PER_PAGE + 1).offset((page - 1) * _PER_PAGE)).mappings().all()
    return visit.page(
        "events.html",
        rows=rows[:_PER_PAGE],
        page=page,
        more=len(rows) > _PER_PAGE,
        events=EVENTS,
        event_asked=event,
        account_asked=account,
    )


PAGES = (
    Page("/ledger", ledger_page, ACCOUNTANTS, title=("共享台账", "Ledger"), menu="audit", icon="ledger"),
    Page("/events", events_page, AUDITORS, title=("审计日志", "Audit log"), menu="audit", icon="eye"),
)
