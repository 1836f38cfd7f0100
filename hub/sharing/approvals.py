"""Versions of agreements and who approved them: what is in force on a day, and why something is not.

A change of an agreement's file makes a new version, which gives nothing out until it is approved. What was published
under the approved version before stays readable; revoking ends that at once, and so does the end of the term.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from sqlalchemy import Connection, func, insert, select

from hub.errors import PermissionRefusedError
from hub.sharing import ledger
from hub.sharing.agreements import Agreement, ShareType
from hub.store.tables.sharing import agreement_decision, agreement_version

EXPIRY_WARNING_DAYS = 30


class Standing(StrEnum):
    """Where an agreement stands on a day."""

    IN_FORCE = "in_force"
    UNAPPROVED = "unapproved"
    NOT_YET = "not_yet"
    EXPIRED = "expired"
    REVOKED = "revoked"
    NOT_SHARED = "not_shared"


STANDING_TITLES = {
    Standing.IN_FORCE: "有效",
    Standing.UNAPPROVED: "待批准",
    Standing.NOT_YET: "未到生效日",
    Standing.EXPIRED: "已到期",
    Standing.REVOKED: "已撤销",
    Standing.NOT_SHARED: "不予共享",
}


@dataclass(frozen=True, slots=True)
class Decision:
    """The newest word on a version."""

    decision: str
    person: str
    decided_on: date
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class AgreementState:
    """An agreement with its recorded version, the newest decision about it, and where it stands."""

    agreement: Agreement
    version: int
    decision: Decision | None
    standing: Standing

    @property
    def in_force(self) -> bool:
        return self.standing is Standing.IN_FORCE

    def days_left(self, day: date) -> int:
        return (self.agreement.term.until - day).days


def record_version(connection: Connection, agreement: Agreement) -> int:
    """The number of the agreement's present content; a content never seen before gets the next number. An approval
    written in the file is taken over once (a deployment's files are under the office's control)."""
    known = connection.scalar(
        select(agreement_version.c.version).where(
            agreement_version.c.agreement == agreement.id, agreement_version.c.digest == agreement.digest
        )
    )
    if known is not None:
        version = int(known)
    else:
        newest = connection.scalar(
            select(func.max(agreement_version.c.version)).where(agreement_version.c.agreement == agreement.id)
        )
        version = int(newest or 0) + 1
        connection.execute(
            insert(agreement_version).values(
                agreement=agreement.id, version=version, digest=agreement.digest, content=agreement.content()
            )
        )
    if agreement.approved_by and agreement.approved_on and newest_decision(connection, agreement.id, version) is None:
        decide(
            connection,
            agreement,
            version,
            "approved",
            person=agreement.approved_by,
            day=agreement.approved_on,
            reason="随部署文件批准",
        )
    return version


def newest_decision(connection: Connection, agreement: str, version: int) -> Decision | None:
    """The newest decision about one version."""
    d = agreement_decision.c
    row = connection.execute(
        select(d.decision, d.person, d.decided_on, d.reason)
        .where(d.agreement == agreement, d.version == version)
        .order_by(d.decision_id.desc())
        .limit(1)
    ).first()
    return Decision(row.decision, row.person, row.decided_on, row.reason) if row else None


def decide(
    connection: Connection,
    agreement: Agreement,
    version: int,
    decision: str,
    *,
    person: str,
    day: date,
    reason: str | None = None,
) -> None:
    """Records an approval or a revocation, in the ledger too. It counts from this moment.

    Raises:
        PermissionRefusedError: an agreement of share type 不予共享 cannot be approved.
    """
    if decision == "approved" and agreement.share_type is ShareType.NONE:
        raise PermissionRefusedError(
            f"“{agreement.title}”的共享类型是不予共享，不能批准。", next_step="如确需共享，先改协议的共享类型和依据。"
        )
    connection.execute(
        insert(agreement_decision).values(
            agreement=agreement.id, version=version, decision=decision, person=person, decided_on=day, reason=reason
        )
    )
    ledger.record(
        connection,
        f"agreement_{decision}",
        agreement.recipient,
        person,
        None,
        {"agreement": agreement.id, "version": version, "digest": agreement.digest, "on": day.isoformat()},
    )


def revoke_all(connection: Connection, agreement: Agreement, *, person: str, day: date, reason: str | None) -> int:
    """Revokes every approved version of an agreement, so that nothing published under any of them can be fetched.
    Returns how many."""
    d = agreement_decision.c
    versions = connection.scalars(select(d.version).where(d.agreement == agreement.id).distinct()).all()
    revoked = 0
    for version in versions:
        newest = newest_decision(connection, agreement.id, version)
        if newest is not None and newest.decision == "approved":
            decide(connection, agreement, version, "revoked", person=person, day=day, reason=reason)
            revoked += 1
    return revoked


def standing_of(agreement: Agreement, decision: Decision | None, day: date) -> Standing:
    """Where an agreement stands on a day, given the newest decision about its version."""
    if agreement.share_type is ShareType.NONE:
        return Standing.NOT_SHARED
    if decision is None:
        return Standing.UNAPPROVED
    if decision.decision == "revoked":
        return Standing.REVOKED
    if day > agreement.term.until:
        return Standing.EXPIRED
    if day < agreement.term.start:
        return Standing.NOT_YET
    return Standing.IN_FORCE


def agreement_states(
    connection: Connection, agreements: Mapping[str, Agreement], day: date
) -> dict[str, AgreementState]:
    """Records what is new and tells where every agreement stands on a day."""
    states = {}
    for agreement in agreements.values():
        version = record_version(connection, agreement)
        decision = newest_decision(connection, agreement.id, version)
        states[agreement.id] = AgreementState(agreement, version, decision, standing_of(agreement, decision, day))
    return states


def agreement_at(connection: Connection, agreement: str, version: int) -> Agreement:
    """An agreement as it stood in one version.

    Raises:
        PermissionRefusedError: no such version was ever recorded.
    """
    content = connection.scalar(
        select(agreement_version.c.content).where(
            agreement_version.c.agreement == agreement, agreement_version.c.version == version
        )
    )
    if content is None:
        raise PermissionRefusedError(
            f"没有协议 {agreement} 第 {version} 版。", next_step="用 coop-hub agreements 查看现有协议和版本。"
        )
    return Agreement.model_validate(content)
