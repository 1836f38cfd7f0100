"""What does not happen raises no error by itself: feeds that are late, nights that did not run. Looked for here."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from sqlalchemy import Connection, case, func, select

from hub.alerts.outbox import fix_alert, raise_alert
from hub.deployment import Deployment
from hub.feeds import feed_catalogue
from hub.store.tables.intake import check_result, delivery, run

NIGHT_MISSED_AFTER = timedelta(hours=26)
NIGHT_STUCK_AFTER = timedelta(hours=6)


def _last_arrivals(connection: Connection) -> dict[tuple[str, str], date]:
    """Day of the newest usable delivery, or of the last time it was sent again unchanged, by (feed, town); a town of "" stands for the whole feed."""
    day = case(
        (run.c.business_date.is_not(None), run.c.business_date),
        else_=func.date(func.timezone("Asia/Shanghai", delivery.c.received_at)),
    )
    old = select(check_result.c.delivery_id).where(  # an old list sent again is no arrival of a new one
        check_result.c.rule == "as_of_not_before_last", check_result.c.passed.is_(False)
    )
    rows = connection.execute(
        select(delivery.c.feed, delivery.c.town, func.max(func.greatest(day, delivery.c.sent_again_on)))
        .select_from(delivery.outerjoin(run, run.c.run_id == delivery.c.run_id))
        .where(delivery.c.state.in_(("accepted", "unchanged")), delivery.c.delivery_id.not_in(old))
        .group_by(delivery.c.feed, delivery.c.town)
    ).all()
    found: dict[tuple[str, str], date] = {}
    for feed, town, last in rows:
        if town:
            found[feed, town] = last
        found[feed, ""] = max(last, found.get((feed, ""), last))
    return found


def _names(items: Iterable[str]) -> str:
    listed = list(items)
    return "、".join(listed[:8]) + (f"等 {len(listed)} 个" if len(listed) > 8 else "")


def check_overdue(connection: Connection, deployment: Deployment, today: date) -> list[str]:
    """Raises `feed_overdue` for every feed whose last accepted (or unchanged) delivery is older than its `every_days`,
    fixes it for those in time. A feed that never came counts from the county's first night; a feed sent town by town
    is late when one town is. Returns the feeds overdue."""
    arrivals = _last_arrivals(connection)
    first_night = connection.scalar(select(func.min(run.c.business_date)))
    late: list[str] = []
    for declared in deployment.feeds:
        feed, days = feed_catalogue()[declared.feed], declared.every_days
        if days is None:
            continue
        allowed = today - timedelta(days=days)
        towns = [t.name for t in deployment.county.towns] if feed.per_town else [""]
        if feed.per_town and not any((feed.feed, t) in arrivals for t in towns):
            towns = [""]
        late_towns = [t for t in towns if (last := arrivals.get((feed.feed, t), first_night)) and last < allowed]
        if not late_towns:
            fix_alert(connection, "feed_overdue", feed.feed)
            continue
        late.append(feed.feed)
        newest = arrivals.get((feed.feed, ""))
        sender = deployment.department_by_id[deployment.sender_of(feed.feed)]
        known = f"最近一次收到是 {newest:%Y年%m月%d日}。" if newest else "至今从未收到。"
        whom = f"逾期的乡镇：{_names(late_towns)}。" if late_towns != [""] else ""
        raise_alert(
            connection,
            "feed_overdue",
            feed.feed,
            f"{sender.name}的“{feed.title.zh}”",
            f"“{feed.title.zh}”约定每 {days} 天报送一次，截至 {today:%Y年%m月%d日} 已逾期。{known}{whom}",
            {"feed": feed.feed, "department": sender.id},
        )
    return late


def check_nights(connection: Connection, now: datetime) -> bool:
    """Raises `night_missed` when no nightly run began within 26 hours, or one has been running for over six; fixes it
    otherwise. A county that never ran a night is left in peace. Returns whether all is well."""
    last = connection.execute(
        select(run.c.started_at, run.c.state).where(run.c.kind == "nightly").order_by(run.c.run_id.desc()).limit(1)
    ).one_or_none()
    if last is None:
        return True
    age = now - last.started_at
    if age > NIGHT_MISSED_AFTER:
        words = f"最近一次夜间同步开始于 {age // timedelta(hours=1)} 小时前，此后没有再运行。"
    elif last.state == "running" and age > NIGHT_STUCK_AFTER:
        words = f"最近一次夜间同步已运行 {age // timedelta(hours=1)} 小时仍未结束，可能已中断。"
    else:
        fix_alert(connection, "night_missed", "nightly")
        return True
    raise_alert(connection, "night_missed", "nightly", "每晚 2 点的同步", words)
    return False
