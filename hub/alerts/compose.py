"""An alert in words: what happened, where, what to do next; and to whom it goes. Plain text, Chinese, no personal data."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping

from hub.alerts.kinds import KINDS
from hub.deployment import COUNTY_TIME, Deployment
from hub.feeds import feed_catalogue
from hub.settings import Settings

_DEPARTMENT_ACTS = frozenset({"correction_raised", "correction_answered", "correction_overdue", "recall_unanswered"})


def recipients(deployment: Deployment, kind: str, details: Mapping[str, Any]) -> tuple[str, ...]:
    """Whom a problem concerns: the kind's route, else the office; the owner of the feed it is about; and, where a
    department has to act, that department."""
    routes = deployment.alerts
    people = routes.by_kind.get(kind) or routes.office or deployment.office.mail
    feed = deployment.feed_by_name.get(str(details.get("feed", "")))
    actor = deployment.department_by_id.get(str(details.get("department", ""))) if kind in _DEPARTMENT_ACTS else None
    return tuple(dict.fromkeys((*people, *(feed.owner_mail if feed else ()), *(actor.mail if actor else ()))))


def when(moment: datetime) -> str:
    """A moment as the county's clocks show it."""
    return moment.astimezone(COUNTY_TIME).strftime("%Y年%m月%d日 %H:%M")


def where(deployment: Deployment, details: Mapping[str, Any]) -> str:
    """The place of a problem in words, from an alert's details; empty when it has none."""
    parts: list[str] = []
    feed = str(details.get("feed") or "")
    if feed:
        known = feed_catalogue().get(feed)
        parts.append(f"数据项：{known.title.zh}（{feed}）" if known else f"数据项：{feed}")
    department = str(details.get("department") or "")
    if department:
        known_department = deployment.department_by_id.get(department)
        parts.append(f"部门：{known_department.name if known_department else department}")
    if details.get("file"):
        parts.append(f"文件：{details['file']}")
    if details.get("delivery_id"):
        parts.append(f"来件编号：{details['delivery_id']}")
    if details.get("run_id"):
        parts.append(f"同步编号：{details['run_id']}")
    return "\n".join(parts)


def _subject(deployment: Deployment, state: str, title: str, subject: str) -> str:
    line = f"［{deployment.county.name}合作社枢纽］{state}{title}：{subject}"
    return " ".join(line.split())[:200]


def _link(settings: Settings) -> str:
    return f"\n\n在门户查看：{settings.portal_url.rstrip('/')}/alerts" if settings.portal_url else ""


def compose_raised(deployment: Deployment, settings: Settings, row: RowMapping) -> tuple[str, str]:
    """Subject and body of the mail that tells of a problem."""
    kind = KINDS[row["kind"]]
    place = where(deployment, row["details"])
    parts = [
        f"发生了什么\n{row['body']}",
        *([f"在哪里\n{place}"] if place else []),
        f"何时\n{when(row['first_at'])}" + (f"，至今 {row['times']} 次" if row["times"] > 1 else ""),
        f"下一步\n{kind.next_step}",
    ]
    return (
        _subject(deployment, "紧急 · " if kind.urgent else "", kind.title, row["subject"]),
        "\n\n".join(parts) + _link(settings) + "\n\n同一问题不会重复发信；解决后会再告知一次。\n",
    )


def compose_fixed(deployment: Deployment, settings: Settings, row: RowMapping, *, told: bool) -> tuple[str, str]:
    """Subject and body of the mail that tells of a problem's end. `told`: its beginning was mailed before."""
    kind = KINDS[row["kind"]]
    place = where(deployment, row["details"])
    span = f"{when(row['first_at'])} 出现，{when(row['fixed_at'])} 解决，其间记录 {row['times']} 次。"
    parts = [
        f"已经解决\n{row['subject']}\n{span}" + ("" if told else "此前未能发信告知，现一并说明。"),
        *([f"在哪里\n{place}"] if place else []),
        f"当时的情况\n{row['body']}",
        "下一步\n无需处理。",
    ]
    return (
        _subject(deployment, "已解决 · ", kind.title, row["subject"]),
        "\n\n".join(parts) + _link(settings) + "\n",
    )
