"""The steps of a night. What one feed, file or row costs stays there: an expected error becomes a state, a reason and an
alert, and the night goes on; so does what the program did not expect of one delivery (`hub.night.stumbles`). Anything else
unexpected fails the step, loudly.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, select, text

from hub.alerts import fix_alert, raise_alert
from hub.errors import HubError, Where
from hub.feeds import feed_catalogue
from hub.intake.acceptance import accept_delivery
from hub.intake.deliveries import Delivery, fail_delivery, mark_staged, waiting_deliveries
from hub.intake.mapping import layout_changes
from hub.intake.series import edition_to_replace
from hub.intake.staging import StagedDelivery, load_staged, save_staged, stage_delivery
from hub.night.context import Night
from hub.night.returns import write_due_returns
from hub.night.stumbles import details_of, lies_with_the_delivery, note_stumble
from hub.store.tables.intake import archived_file, column_mapping

if TYPE_CHECKING:
    from hub.master import MasterSummary
    from hub.matching.resolve import MatchSummary
    from hub.sharing import ExtractSummary

log = logging.getLogger(__name__)


@dataclass
class FeedOutcome:
    """What became of one feed's waiting deliveries in a step."""

    feed: str
    staged: list[StagedDelivery] = field(default_factory=list)
    accepted: list[int] = field(default_factory=list)
    held: list[int] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)  # file, reason


def stage_deliveries(night: Night, feeds: Sequence[str]) -> dict[str, FeedOutcome]:
    """Reads, normalises and checks every waiting delivery of these feeds."""
    outcomes = {feed: FeedOutcome(feed) for feed in feeds}
    with night.step("stage") as note:
        for feed, outcome in outcomes.items():
            with night.engine.connect() as connection:
                waiting = waiting_deliveries(connection, feed)
            for one in waiting:
                _stage_one(night, one, outcome)
        note["rows"] = sum(s.rows_in for o in outcomes.values() for s in o.staged)
    return outcomes


def _stage_one(night: Night, one: Delivery, outcome: FeedOutcome) -> None:
    with night.engine.connect() as connection:
        path = night.settings.data / str(
            connection.scalar(select(archived_file.c.path).where(archived_file.c.sha256 == one.sha256))
        )
        mapping = {
            row.header: row.field
            for row in connection.execute(
                select(column_mapping).where(
                    column_mapping.c.feed == one.feed, column_mapping.c.department == one.department
                )
            )
        }
    try:
        staged = stage_delivery(
            one,
            archive_file=path,
            settings=night.settings,
            deployment=night.deployment,
            mapping=mapping,
            before=partial(edition_to_replace, night.engine, one),
            business_date=night.business_date,
        )
    except HubError as error:
        outcome.failed.append((one.name, str(error)))
        log.warning("delivery %s: %s (%s)", one.delivery_id, type(error).__name__, error.detail)
        with night.engine.begin() as connection:
            fail_delivery(connection, one.delivery_id, str(error))
            raise_alert(
                connection, "delivery_failed", f"{one.feed}/{one.name}", f"来件无法使用：{one.name}", str(error),
                details_of(night, one.feed, one.name, one.delivery_id),
            )  # fmt: skip
        return
    except Exception as error:
        if not lies_with_the_delivery(error):
            raise
        outcome.failed.append((one.name, note_stumble(night, one.delivery_id, one.feed, one.name, error)))
        return
    save_staged(staged)
    with night.engine.begin() as connection:
        mark_staged(connection, one.delivery_id)
    outcome.staged.append(staged)


def accept_deliveries(night: Night, feeds: Sequence[str]) -> dict[str, FeedOutcome]:
    """Makes staged deliveries durable, one transaction each, in an order that does not depend on how they arrived."""
    outcomes = {feed: FeedOutcome(feed) for feed in feeds}
    with night.step("accept") as note:
        for feed, outcome in outcomes.items():
            with night.engine.connect() as connection:
                waiting = waiting_deliveries(connection, feed, ("staged",))
            names = {one.delivery_id: one.name for one in waiting}
            found = [load_staged(night.settings.data, one.delivery_id) for one in waiting]
            outcome.staged = [s for s in found if s is not None]
            for one in sorted(outcome.staged, key=lambda s: s.as_of):  # stable: else by name and content
                tell = partial(_alert_about, night, one, feed)
                try:
                    state = accept_delivery(night.engine, one, run_id=night.run_id, tell=tell)
                except Exception as error:
                    if isinstance(error, HubError) or not lies_with_the_delivery(error):
                        raise
                    name = names[one.delivery_id]
                    outcome.failed.append((name, note_stumble(night, one.delivery_id, feed, name, error)))
                    continue
                (outcome.held if state == "held" else outcome.accepted).append(one.delivery_id)
        night.note("returned", write_due_returns(night, list(feeds)))
        note["deliveries"] = sum(len(o.accepted) for o in outcomes.values())
    return outcomes


def _alert_about(night: Night, one: StagedDelivery, feed: str, connection: Connection, state: str) -> None:
    """Tells about a delivery what there is to tell, in the transaction that takes it in: no kill comes between the two."""
    name, reason = connection.execute(
        text("select name, reason from delivery where delivery_id = :id"), {"id": one.delivery_id}
    ).one()
    title = feed_catalogue()[feed].title.zh
    details = details_of(night, feed, name, one.delivery_id)
    fix_alert(connection, "delivery_failed", f"{feed}/{name}")
    fix_alert(connection, "delivery_stumbled", f"{feed}/{name}")
    _alert_about_layout(connection, one, feed, name, details)
    _alert_about_day(connection, one, feed, name, details)
    if state == "held":
        raise_alert(
            connection, "delivery_held", str(one.delivery_id), f"{title}：来件待人工确认（{name}）",
            f"{Where(feed=title, file=name)}：{reason} 下一步：与发送方核实后执行 "
            f"coop-hub deliveries release {one.delivery_id}（放行）或 reject（退回）。", details,
        )  # fmt: skip
    share = one.counts.get("quarantined", 0) / max(one.rows_in, 1)
    limit = night.deployment.feed_by_name[feed].quarantine_limit
    problem = f"{feed}/{one.town or ''}"
    if share > limit:
        raise_alert(
            connection, "quarantine_exceeded", problem, f"{title}：退回行过多（{name}）",
            f"{Where(feed=title, file=name)}：{one.rows_in} 行中有 {one.counts['quarantined']} 行不能使用（上限 {limit:.0%}）。"
            f" 下一步：执行 coop-hub deliveries return {one.delivery_id} --out 退回.xlsx，发给发送方更正后重报。", details,
        )  # fmt: skip
    elif state == "accepted":
        fix_alert(connection, "quarantine_exceeded", problem)


def _alert_about_layout(
    connection: Connection, one: StagedDelivery, feed: str, name: str, details: dict[str, Any]
) -> None:
    """A column that is new or gone since the sender's last delivery is told once; a layout as before ends it."""
    new, gone = layout_changes(connection, one.delivery_id)
    problem = f"{feed}/{one.town or ''}"
    if not new and not gone:
        fix_alert(connection, "layout_changed", problem)
        return
    title = feed_catalogue()[feed].title.zh
    words = [f"新增列：{'、'.join(new)}。"] * bool(new) + [f"不见了的列：{'、'.join(gone)}。"] * bool(gone)
    raise_alert(
        connection, "layout_changed", problem, f"{title}：表头有变化（{name}）",
        f"{Where(feed=title, file=name)}：{''.join(words)}不认识的列原样保存，没有丢。"
        f" 下一步：若新列名就是某个数据项，执行 coop-hub columns confirm {feed} 列名 数据项 --by 姓名。", details,
    )  # fmt: skip


def _alert_about_day(
    connection: Connection, one: StagedDelivery, feed: str, name: str, details: dict[str, Any]
) -> None:
    """An old list sent late costs nothing that is newer, but somebody must ask for the newest; one of its time ends it."""
    said = [o.message for o in one.outcomes if o.rule.startswith("as_of_") and not o.passed]
    problem = f"{feed}/{one.town or ''}"
    if not said:
        fix_alert(connection, "list_outdated", problem)
        return
    title = feed_catalogue()[feed].title.zh
    where = Where(feed=title, file=name)
    raise_alert(
        connection, "list_outdated", problem, f"{title}：收到旧名单（{name}）", f"{where}：{''.join(said)}", details
    )


def link_profiles(night: Night) -> MatchSummary:
    """Who is who: links every profile of accepted rows to a cooperative."""
    from hub.matching.resolve import resolve
    from hub.matching.workspace import workspace_of

    with night.step("match") as note:
        summary = resolve(night.engine, night.deployment, night.run_id, workspace=workspace_of(night.settings.data))
        note.update(asdict(summary))
    if summary.questions:
        _alert(
            night, "review_waiting", "queue", f"有 {summary.questions} 个待判问题",
            f"{summary.questions} 对记录拿不准是不是同一家，等人判断；判断前相关的行暂不归到任何一家。",
        )  # fmt: skip
    else:
        _fixed(night, "review_waiting", "queue")
    night.note("match", asdict(summary))
    return summary


def project_master(night: Night) -> MasterSummary:
    """Projects the master table from accepted rows, links and decisions."""
    from hub.master import project

    with night.step("master") as note:
        summary = project(night.engine, night.deployment, night.run_id, night.business_date)
        note["rows"] = summary.rows
    night.note("master", asdict(summary))
    return summary


def publish_extracts(night: Night) -> list[ExtractSummary]:
    """Publishes what each agreement in force allows, and pushes what is to be pushed; a server that does not answer is
    told in an alert and tried again next time."""
    from hub.sharing import publish
    from hub.sharing.delivery import push_pending
    from hub.sharing.handover import hand_over_head

    with night.step("publish") as note:
        summaries = publish(night.engine, night.deployment, night.settings, night.run_id)
        note["extracts"] = len(summaries)
        pushed = push_pending(night.engine, night.deployment, night.settings, today=night.business_date)
        note["pushed"] = pushed.sent
        handed = hand_over_head(night.engine, night.deployment, night.settings, today=night.business_date)
        note["head_handed"] = handed.head.seq if handed and handed.done else None
    night.note("extracts", [asdict(s) for s in summaries])
    return summaries


def check_the_house(night: Night) -> list[str]:
    """Feeds overdue, and anything else nobody would notice: alerts raised here, and told fixed when they are."""
    from hub.alerts.overdue import check_overdue

    with night.step("watch"), night.engine.begin() as connection:
        return [str(problem) for problem in check_overdue(connection, night.deployment, night.business_date)]


def close_night(night: Night) -> str:
    """Ends the run's record: `done`, or `attention` when something is held, failed or beyond its limit."""
    with night.engine.begin() as connection:
        attention = connection.scalar(
            text("select exists (select 1 from alert where fixed_at is null and kind = any(:kinds))"),
            {
                "kinds": [
                    "delivery_held",
                    "delivery_failed",
                    "delivery_stumbled",
                    "return_stumbled",
                    "quarantine_exceeded",
                    "connector_failed",
                    "host_key_changed",
                    "unknown_feed_folder",
                ]
            },
        )
        state = "attention" if attention else "done"
        connection.execute(
            text("update run set state = :state, finished_at = now() where run_id = :run_id"),
            {"state": state, "run_id": night.run_id},
        )
        fix_alert(connection, "run_failed", "nightly")
    return state


def fail_night(night: Night, step: str, error: BaseException) -> None:
    """Notes that a step failed and tells the office; the error itself goes on to whoever runs the night."""
    with night.engine.begin() as connection:
        connection.execute(
            text("update run set state = 'failed', finished_at = now() where run_id = :run_id"),
            {"run_id": night.run_id},
        )
        raise_alert(
            connection, "run_failed", "nightly", "夜间同步失败",
            f"步骤“{step}”出错：{error if isinstance(error, HubError) else type(error).__name__}。"
            "已入库的数据没有丢失。下一步：数据工程师在 Dagster 界面查看失败步骤，处理后重跑；重跑是安全的。",
        )  # fmt: skip


def _alert(night: Night, kind: str, key: str, subject: str, body: str) -> None:
    with night.engine.begin() as connection:
        raise_alert(connection, kind, key, subject, body)


def _fixed(night: Night, kind: str, key: str) -> None:
    with night.engine.begin() as connection:
        fix_alert(connection, kind, key)
