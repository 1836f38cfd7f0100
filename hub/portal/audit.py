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
    "extract_viewed": ("在线查看数据摘录", "Extract looked at"),
    "recall_acknowledged": ("召回回执", "Recall acknowledged"),
    "extract_recalled": ("召回数据摘录", "Extract recalled"),
    "agreement_approved": ("批准共享协议", "Agreement approved"),
    "agreement_revoked": ("撤销共享协议", "Agreement revoked"),
    "delivery_uploaded": ("上传来件", "Delivery uploaded"),
    "delivery_released": ("放行来件", "Delivery released"),
    "delivery_rejected": ("退回来件", "Delivery rejected"),
    "return_downloaded": ("下载退回工作簿", "Return workbook downloaded"),
    "original_downloaded": ("下载来件原件", "Original downloaded"),
    "header_confirmed": ("确认列名对应", "Header confirmed"),
    "correction_raised": ("提出校核纠错", "Correction raised"),
    "evidence_downloaded": ("下载校核附件", "Evidence downloaded"),
    "correction_handled": ("办理校核纠错", "Correction handled"),
    "question_viewed": ("查看待判问题", "Question looked at"),
    "question_decided": ("判断待判问题", "Question decided"),
    "decision_confirmed": ("复核判断", "Decision confirmed"),
    "decision_revoked": ("撤销判断", "Decision taken back"),
    "links_renewed": ("重新关联", "Linked anew"),
    "questions_exported": ("导出待判清单", "Questions exported"),
    "answers_imported": ("导入待判答复", "Answers imported"),
    "list_matched": ("匹配名单", "List matched"),
    "service_opened": ("开通匹配接口", "Matching service opened"),
    "service_closed": ("停用匹配接口", "Matching service closed"),
    "receivers_looked_up": ("查询数据给过谁", "Receivers looked up"),
    "list_traced": ("追查副本", "List traced"),
    "ledger_checked": ("核验台账", "Ledger checked"),
    "cooperative_viewed": ("查看一社一档", "Dossier viewed"),
    "bulletin_downloaded": ("下载联席会议通报", "Bulletin downloaded"),
    "meeting_noted": ("登记联席会议", "Joint meeting noted"),
    "dossier_downloaded": ("下载一社一档", "Dossier downloaded"),
}


def record_event(
    connection: Connection, event: str, account: str | None, department: str | None = None, **details: Any
) -> None:
    """Writes one event in the caller's transaction. What somebody asked for may hold NUL, which PostgreSQL takes in no text: it is
    written down all the same, without it.

    Raises:
        KeyError: the event is not in EVENTS (a mistake of ours).
    """
    if event not in EVENTS:
        raise KeyError(event)
    told = {name: value.replace("\0", "") if isinstance(value, str) else value for name, value in details.items()}
    connection.execute(insert(audit_event).values(event=event, account=account, department=department, details=told))
