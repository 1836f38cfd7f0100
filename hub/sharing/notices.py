"""Mails to a department: that something is there for it, never the thing itself."""

from __future__ import annotations

from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import insert

from hub.deployment import Deployment
from hub.settings import Settings
from hub.store.tables.alerts import message


def notify(
    connection: Connection, deployment: Deployment, department: str, *, occasion: str, subject: str, body: str
) -> int:
    """Puts one mail for each of a department's addresses into the outbox, once an occasion; returns how many."""
    known = deployment.department_by_id.get(department)
    if known is None or not known.mail:
        return 0
    rows = [{"occasion": occasion, "recipient": r, "subject": subject, "body": body} for r in known.mail]
    return connection.execute(insert(message).values(rows).on_conflict_do_nothing()).rowcount


def tell_published(
    connection: Connection, deployment: Deployment, settings: Settings, department: str, *, extract_id: int, title: str
) -> None:
    """That a new extract is there. The mail names it and where to fetch it; it holds no data."""
    where = f"请登录 {settings.portal_url} 下载。" if settings.portal_url else "请登录枢纽门户下载。"
    notify(
        connection,
        deployment,
        department,
        occasion=f"extract:{extract_id}",
        subject=f"[{deployment.county.name}合作社数据共享枢纽] 新数据：{title}",
        body=f"《{title}》有新的一期（摘录 {extract_id}）。{where}\n数据不随邮件发送，下载会留下记录。\n",
    )
