"""What people did and what was refused. Every event is named here and described in docs/audit-events.md (a test
compares the two); details hold ids and counts, never passwords and never personal data beyond the account."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, insert

from hub.store.tables.portal import audit_event

# event -> title in Chinese, in English
EVENTS: dict[str, tuple[str, str]] = {
    "login": ("登录", "Logged in"),
    "login_failed": ("登录失败", "Login failed"),
    "account_locked": ("账号因多次失败暂时锁定", "Account locked after failures"),
    "logout": ("退出", "Logged out"),
    "password_changed": ("修改密码", "Password changed"),
    "person_added": ("新增用户", "Person added"),
    "password_reset": ("重置密码", "Password reset"),
    "person_deactivated": ("停用用户", "Person deactivated"),
    "person_activated": ("启用用户", "Person activated"),
    "access_refused": ("越权访问被拒绝", "Access refused"),
    "extract_downloaded": ("下载数据摘录", "Extract downloaded"),
    "extract_refused": ("下载数据摘录被拒绝", "Extract download refused"),
}


def record_event(
    connection: Connection, event: str, account: str | None, department: str | None = None, **details: Any
) -> None:
    """Writes one event in the caller's transaction.

    Raises:
        KeyError: the event is not in EVENTS (a mistake of ours).
    """
    if event not in EVENTS:
        raise KeyError(event)
    connection.execute(insert(audit_event).values(event=event, account=account, department=department, details=details))
