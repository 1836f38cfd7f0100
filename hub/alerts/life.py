"""The daily proof of life: one short mail that says the hub lives and how last night went. Its absence is the alarm."""

from __future__ import annotations

from datetime import date

from sqlalchemy import Connection, func, select

from hub.alerts.compose import when
from hub.alerts.kinds import KINDS, URGENT
from hub.deployment import Deployment
from hub.store.tables.alerts import alert, message
from hub.store.tables.intake import delivery, run

LIFE_HOUR = 8  # o'clock in the county: after the night, before work
_RUN_STATES = {"running": "运行中", "done": "完成", "attention": "完成，有待处理事项", "failed": "失败"}
_DELIVERY_STATES = {
    "accepted": "已入库",
    "unchanged": "内容未变",
    "held": "暂扣",
    "rejected": "退回",
    "failed": "无法使用",
    "received": "待处理",
    "staged": "待检查",
}


def compose_life(connection: Connection, deployment: Deployment, today: date) -> tuple[str, str]:
    """Subject and body of the day's mail: the last night, its deliveries by state, open problems, mails that failed."""
    night = (
        connection.execute(select(run).where(run.c.kind == "nightly").order_by(run.c.run_id.desc()).limit(1))
        .mappings()
        .one_or_none()
    )
    lines: list[str] = []
    if night is None:
        lines.append("还没有运行过夜间同步。")
    else:
        state = _RUN_STATES.get(night["state"], night["state"])
        lines.append(f"最近一次夜间同步：{when(night['started_at'])} 开始，{state}。")
        counts = connection.execute(
            select(delivery.c.state, func.count())
            .where(delivery.c.run_id == night["run_id"])
            .group_by(delivery.c.state)
            .order_by(delivery.c.state)
        ).all()
        lines.append("来件：" + ("，".join(f"{_DELIVERY_STATES.get(s, s)} {n} 件" for s, n in counts) or "无") + "。")
    problems = connection.execute(
        select(alert.c.kind, alert.c.subject, alert.c.times)
        .where(alert.c.fixed_at.is_(None))
        .order_by(alert.c.kind.in_(URGENT).desc(), alert.c.first_at)
    ).all()
    lines.append(f"尚未解决的问题：{len(problems)} 个。" if problems else "没有未解决的问题。")
    lines += [
        f"  · {KINDS[p.kind].title if p.kind in KINDS else p.kind}：{p.subject}"
        + (f"（{p.times} 次）" if p.times > 1 else "")
        for p in problems[:30]
    ]
    refused = connection.scalar(select(func.count()).where(message.c.gave_up_at.is_not(None)))
    if refused:
        lines.append(f"有 {refused} 封告警信被收件方拒收，请核对部署目录里 alerts.yaml 的邮箱地址。")
    mood = "有待处理事项" if problems else "一切正常"
    subject = f"［{deployment.county.name}合作社枢纽］每日平安信 {today:%Y-%m-%d}：{mood}"
    return subject, "\n".join(lines) + "\n\n每天一封。哪天没有收到，请检查系统是否在运行。\n"
