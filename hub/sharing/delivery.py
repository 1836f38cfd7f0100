"""Pushing extracts to a department's own server by SFTP: atomic, host key pinned, with a receipt file; retried, resumed.

Where a department's server is stands in the deployment, `deliveries_out.yaml`, one entry a department, with the options
of `connectors.sftp_upload`. What goes out is a numbered copy like any other. The portal stays open all the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Connection, Engine, delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from hub.alerts import fix_alert, raise_alert
from hub.deployment import Deployment, load_yaml_model
from hub.errors import ConfigurationError, HostKeyError, HubError, PermissionRefusedError
from hub.settings import Settings
from hub.sharing import ledger
from hub.sharing.access import extract_for
from hub.sharing.agreements import Agreement
from hub.sharing.copies import ExtractCopy, make_copy
from hub.sharing.ledger import HUB
from hub.store.tables.sharing import extract_copy, push

GIVE_UP_AFTER = 8  # attempts; the waits double from five minutes, so about a day


class _Targets(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    targets: dict[str, dict[str, Any]] = {}


@dataclass(frozen=True, slots=True)
class PushSummary:
    """What one look at the queue did."""

    sent: int = 0
    postponed: int = 0
    failed: int = 0


def push_targets(deployment: Deployment) -> Mapping[str, Mapping[str, Any]]:
    """The departments' servers by department id.

    Raises:
        ConfigurationError: the file has faults, or names a department that is not there.
    """
    problems: list[str] = []
    loaded = load_yaml_model(deployment.folder / "deliveries_out.yaml", _Targets, problems)
    targets = loaded.targets if loaded else {}
    problems += [f"deliveries_out.yaml：没有名为 {d} 的部门" for d in targets if d not in deployment.department_by_id]
    if problems:
        raise ConfigurationError(
            "推送目标有误。", next_step="改正 deliveries_out.yaml 里下列各处后重试。", problems=tuple(problems)
        )
    return targets


def queue_push(connection: Connection, agreement: Agreement, department: str, extract_id: int) -> None:
    """Notes that a new extract is to be pushed, if its agreement says so. An older one that still waits is dropped:
    nobody wants yesterday's list after today's."""
    if "sftp" not in agreement.delivery:
        return
    connection.execute(
        text(
            """
            delete from push p using extract e where e.extract_id = p.extract_id and p.state = 'waiting'
              and e.agreement = :agreement and e.department = :department
            """
        ),
        {"agreement": agreement.id, "department": department},
    )
    connection.execute(
        insert(push).values(extract_id=extract_id, department=department, way="sftp").on_conflict_do_nothing()
    )


def push_pending(
    engine: Engine,
    deployment: Deployment,
    settings: Settings,
    *,
    today: date,
    environment: Mapping[str, str] | None = None,
) -> PushSummary:
    """Sends what waits and is due. A failure is retried later with doubling waits and told after the first; what may not
    leave any more (revoked, recalled, expired) is dropped. Never raises for one department's trouble."""
    with engine.connect() as connection:
        waiting = connection.execute(
            select(push).where(push.c.state == "waiting", push.c.not_before <= func.now()).order_by(push.c.push_id)
        ).all()
    sent = postponed = failed = 0
    try:
        targets = push_targets(deployment) if waiting else {}
    except ConfigurationError as error:  # told, and tried again when the file is right
        for job in waiting:
            _postpone(engine, deployment, job, error, given_up=False)
        return PushSummary(postponed=len(waiting))
    for job in waiting:
        try:
            _send(engine, deployment, settings, job, targets, today, environment)
        except PermissionRefusedError as refusal:
            _settle(engine, job.push_id, "failed", refusal.message)
            failed += 1
        except HubError as error:
            given_up = job.attempts + 1 >= GIVE_UP_AFTER or not error.retry
            _postpone(engine, deployment, job, error, given_up=given_up)
            failed, postponed = failed + given_up, postponed + (not given_up)
        else:
            _settle(engine, job.push_id, "sent", None)
            with engine.begin() as connection:
                fix_alert(connection, "push_failed", job.department)
                fix_alert(connection, "host_key_changed", f"push/{job.department}")
            sent += 1
    return PushSummary(sent, postponed, failed)


def _send(  # noqa: PLR0917 -- called in one place
    engine: Engine,
    deployment: Deployment,
    settings: Settings,
    job: Any,
    targets: Mapping[str, Mapping[str, Any]],
    today: date,
    environment: Mapping[str, str] | None,
) -> None:
    from connectors.sftp_upload import open_uploader

    if job.department not in targets:
        raise ConfigurationError(
            f"没有写明{deployment.department_by_id[job.department].name}的推送目标。",
            next_step="在部署目录的 deliveries_out.yaml 里写明，或把协议的 delivery 改为 portal。",
        )
    with engine.connect() as connection:
        _, agreement = extract_for(connection, job.extract_id, job.department, today)
    with open_uploader(targets[job.department], folder=deployment.folder, environment=environment) as uploader:
        copies: list[ExtractCopy] = []
        try:
            copies = [
                make_copy(
                    engine, deployment, settings, job.extract_id,
                    form=form, department=job.department, person=HUB, today=today, way="sftp",
                )
                for form in agreement.formats
            ]  # fmt: skip
            uploaded = uploader.upload([(c.path, c.name) for c in copies])
        except HubError as error:
            _record_end(engine, job, copies, "push_failed", {"why": error.message})
            raise
        else:
            _record_end(engine, job, copies, "pushed", {"files": {u.name: u.sha256 for u in uploaded}})
        finally:
            for copy in copies:
                copy.discard()


def _record_end(
    engine: Engine, job: Any, copies: Sequence[ExtractCopy], event: str, details: Mapping[str, Any]
) -> None:
    """How a push ended, in the ledger. A copy that never arrived is nobody's: a recall does not ask for it."""
    with engine.begin() as connection:
        numbers = [c.number for c in copies]
        if event == "push_failed":
            connection.execute(delete(extract_copy).where(extract_copy.c.copy_number.in_(numbers)))
        ledger.record(connection, event, job.department, HUB, job.extract_id, {"copies": numbers, **details})


def _settle(engine: Engine, push_id: int, state: str, error: str | None) -> None:
    with engine.begin() as connection:
        connection.execute(
            update(push)
            .where(push.c.push_id == push_id)
            .values(
                state=state,
                attempts=push.c.attempts + 1,
                sent_at=func.now() if state == "sent" else None,
                last_error=error,
            )
        )


def _postpone(engine: Engine, deployment: Deployment, job: Any, error: HubError, *, given_up: bool) -> None:
    with engine.begin() as connection:
        connection.execute(
            update(push)
            .where(push.c.push_id == job.push_id)
            .values(
                state="failed" if given_up else "waiting",
                attempts=push.c.attempts + 1,
                not_before=func.now() + text(f"interval '{5 * 2**job.attempts} minutes'"),
                last_error=error.message,
            )
        )
        raise_alert(
            connection,
            "push_failed",
            job.department,
            f"摘录 {job.extract_id} 推送失败",
            f"{error.message} {'不再重试' if given_up else '稍后自动重试'}；接收部门可登录门户下载。",
            {"department": job.department, "extract": job.extract_id},
        )
        if isinstance(error, HostKeyError):
            name = deployment.department_by_id[job.department].name
            raise_alert(
                connection,
                "host_key_changed",
                f"push/{job.department}",
                f"{name}的接收服务器：密钥与登记的不符",
                str(error),
                {"department": job.department},
            )
