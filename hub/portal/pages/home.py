"""The start page: what this person should look at today. Each role sees its own."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, and_, func, or_, select
from starlette.responses import Response

from hub.alerts import KINDS, URGENT
from hub.portal.access import EVERYBODY, Page
from hub.portal.visit import Visit
from hub.store.tables.alerts import alert
from hub.store.tables.intake import delivery, run
from hub.store.tables.master import cooperative
from hub.store.tables.matching import link
from hub.store.tables.portal import audit_event, person, session
from hub.store.tables.sharing import extract, ledger


def _night(connection: Connection) -> dict[str, Any]:
    last = connection.execute(select(run).order_by(run.c.run_id.desc()).limit(1)).mappings().one_or_none()
    if last is None:
        return {"night": None, "night_counts": {}}
    counts = connection.execute(
        select(delivery.c.state, func.count()).where(delivery.c.run_id == last["run_id"]).group_by(delivery.c.state)
    )
    return {"night": last, "night_counts": {str(s): n for s, n in counts}}


def _problems(connection: Connection) -> dict[str, Any]:
    rows = connection.execute(
        select(alert)
        .where(alert.c.fixed_at.is_(None))
        .order_by(alert.c.kind.in_(URGENT).desc(), alert.c.last_at.desc())
    )
    return {"problems": rows.mappings().all(), "kinds": KINDS}


def _department(connection: Connection, department: str, town: str | None) -> dict[str, Any]:
    extracts = connection.execute(
        select(extract)
        .where(extract.c.department == department, extract.c.recalled_at.is_(None), ~extract.c.past)
        .order_by(extract.c.extract_id.desc())
        .limit(60)
    ).mappings()
    newest: dict[str, Any] = {}
    for row in extracts:
        newest.setdefault(row["agreement"], row)
    sent = connection.execute(
        select(delivery)
        .where(
            or_(
                delivery.c.department == department,
                # a township's files come under the townships' common name
                and_(delivery.c.department == "townships", delivery.c.town == town, delivery.c.town.is_not(None)),
            )
        )
        .order_by(delivery.c.delivery_id.desc())
        .limit(8)
    )
    return {"extracts": list(newest.values()), "sent": sent.mappings().all()}


def _office(connection: Connection) -> dict[str, Any]:
    held = connection.execute(
        select(delivery).where(delivery.c.state == "held").order_by(delivery.c.delivery_id.desc()).limit(8)
    )
    return {
        "held": held.mappings().all(),
        "cooperatives": connection.scalar(select(func.count()).select_from(cooperative)),
        "to_review": connection.scalar(select(func.count()).where(link.c.link == "review")),
        "quarantined": connection.scalar(
            select(func.coalesce(func.sum(delivery.c.rows_quarantined), 0)).where(delivery.c.state == "accepted")
        ),
    }


def _operator(connection: Connection) -> dict[str, Any]:
    return {
        "accounts": connection.scalar(select(func.count()).where(person.c.active)),
        "logged_in": connection.scalar(select(func.count()).where(session.c.expires_at > func.now())),
        "locked": connection.scalar(select(func.count()).where(person.c.locked_until > func.now())),
    }


def _auditor(connection: Connection) -> dict[str, Any]:
    return {
        "entries": connection.scalar(select(func.count()).select_from(ledger)),
        "head": connection.execute(select(ledger.c.seq, ledger.c.hash).order_by(ledger.c.seq.desc()).limit(1)).first(),
        "refusals": connection.scalar(
            select(func.count()).where(
                audit_event.c.event.in_(("access_refused", "extract_refused", "login_failed")),
                audit_event.c.at > func.now() - func.make_interval(0, 0, 0, 7),
            )
        ),
        "events": connection.scalar(select(func.count()).select_from(audit_event)),
    }


def home(visit: Visit) -> Response:
    role = visit.person.role
    with visit.begin() as connection:
        context: dict[str, Any] = {}
        if role in {"office", "operator"}:
            context |= _night(connection) | _problems(connection)
        if role in {"staff", "office"}:
            context |= _department(connection, visit.person.department, visit.town)
        if role == "office":
            context |= _office(connection)
        if role == "operator":
            context |= _operator(connection)
        if role == "auditor":
            context |= _auditor(connection)
    return visit.page(f"home_{role}.html", **context)


PAGES = (Page("/", home, EVERYBODY, title=("首页", "Home"), menu="work", icon="home"),)
