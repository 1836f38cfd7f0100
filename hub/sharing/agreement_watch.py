"""Reminders about agreements: soon to end, ended, changed and waiting. One open alert per problem."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from sqlalchemy import Connection, select

from hub.alerts import fix_alert, raise_alert
from hub.sharing import ledger
from hub.sharing.approvals import EXPIRY_WARNING_DAYS, AgreementState, Standing
from hub.store.tables.sharing import ledger as ledger_table


def watch_agreements(connection: Connection, states: Iterable[AgreementState], today: date) -> None:
    """Raises and settles the alerts; the first night past an agreement's term stands in the ledger."""
    for state in states:
        a, key = state.agreement, state.agreement.id
        waiting = state.standing is Standing.UNAPPROVED
        expiring = state.in_force and state.days_left(today) <= EXPIRY_WARNING_DAYS
        expired = state.standing is Standing.EXPIRED
        details = {"agreement": key, "version": state.version}
        for kind, wrong, subject in (
            ("agreement_waiting", waiting, f"共享协议“{a.title}”第 {state.version} 版待批准"),
            ("agreement_expiring", expiring, f"共享协议“{a.title}”将于 {a.term.until} 到期"),
            ("agreement_expired", expired, f"共享协议“{a.title}”已于 {a.term.until} 到期"),
        ):
            if wrong:
                raise_alert(
                    connection, kind, key, subject, f"{subject}。用 coop-hub agreements show {key} 查看。", details
                )
            else:
                fix_alert(connection, kind, key)
        if expired and not _told(connection, key, state.version):
            ledger.record(connection, "agreement_expired", a.recipient, ledger.HUB, None, details)


def _told(connection: Connection, agreement: str, version: int) -> bool:
    query = select(ledger_table.c.seq).where(
        ledger_table.c.event == "agreement_expired",
        ledger_table.c.details["agreement"].astext == agreement,
        ledger_table.c.details["version"].as_integer() == version,
    )
    return connection.scalar(query.limit(1)) is not None
