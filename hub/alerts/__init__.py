"""Alerts: producers only insert into the outbox, inside their own transaction; one small sender delivers.

kinds     what can be wrong, with title and next step
outbox    raise_alert, fix_alert: the only functions producers need
compose   an alert's mail in words
sender    send_pending, send_until: mails out, with retries
overdue   feeds that are late, nights that did not happen
life      the daily proof of life
"""

from hub.alerts.kinds import KINDS, URGENT, AlertKind
from hub.alerts.outbox import fix_alert, raise_alert
from hub.alerts.overdue import check_nights, check_overdue
from hub.alerts.sender import SendSummary, send_pending, send_until

__all__ = [
    "KINDS",
    "URGENT",
    "AlertKind",
    "SendSummary",
    "check_nights",
    "check_overdue",
    "fix_alert",
    "raise_alert",
    "send_pending",
    "send_until",
]
