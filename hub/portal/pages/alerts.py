"""Problems open and past, and whether their mails went out."""

from __future__ import annotations

from sqlalchemy import func, select
from starlette.responses import Response

from hub.alerts import KINDS, URGENT
from hub.portal.access import WATCHERS, Page
from hub.portal.visit import Visit
from hub.store.tables.alerts import alert, message


def list_page(visit: Visit) -> Response:
    with visit.begin() as connection:
        opened = connection.execute(
            select(alert)
            .where(alert.c.fixed_at.is_(None))
            .order_by(alert.c.kind.in_(URGENT).desc(), alert.c.last_at.desc())
        )
        problems = opened.mappings().all()
        past = (
            connection.execute(
                select(alert).where(alert.c.fixed_at.is_not(None)).order_by(alert.c.fixed_at.desc()).limit(30)
            )
            .mappings()
            .all()
        )
        mails = connection.execute(
            select(
                func.count().filter(message.c.sent_at.is_not(None)).label("sent"),
                func.count().filter(message.c.sent_at.is_(None), message.c.gave_up_at.is_(None)).label("waiting"),
                func.count().filter(message.c.gave_up_at.is_not(None)).label("refused"),
                func.max(message.c.sent_at).label("last"),
            )
        ).one()
        error = connection.scalar(
            select(message.c.last_error)
            .where(message.c.sent_at.is_(None), message.c.last_error.is_not(None))
            .order_by(message.c.message_id.desc())
            .limit(1)
        )
    return visit.page(
        "alerts.html",
        problems=problems,
        past=past,
        kinds=KINDS,
        mails=mails,
        mail_error=error,
        mail_server=visit.settings.smtp_host,
    )


PAGES = (Page("/alerts", list_page, WATCHERS, title=("告警", "Alerts"), menu="watch", icon="bell"),)
