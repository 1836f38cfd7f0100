"""Accounts and passwords: who may log in, in which department and role. Passwords are kept as argon2id hashes only;
an operator never learns one, only hands out one-time passwords that must be changed at first login."""

from __future__ import annotations

import re
import secrets
import threading
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy import Connection, RowMapping, delete, func, insert, select, update

from hub.deployment import Deployment
from hub.errors import ConflictError, HubError
from hub.portal.audit import record_event
from hub.store.tables.portal import ROLES, person, service_token, session

if TYPE_CHECKING:
    from argon2 import PasswordHasher

ROLE_TITLES: dict[str, tuple[str, str]] = {
    "staff": ("部门经办", "Department staff"),
    "office": ("领导小组办公室", "Office"),
    "operator": ("系统管理员", "Operator"),
    "auditor": ("审计员", "Auditor"),
}
ONE_TIME_VALID = timedelta(days=7)
MIN_PASSWORD = 10
MAX_PASSWORD = 256
_ACCOUNT = re.compile(r"[a-z][a-z0-9._-]{1,31}")
_READABLE = "abcdefghjkmnpqrstuvwxyz23456789"  # nothing that is misread over the phone
_at_once = threading.BoundedSemaphore(2)  # each takes 64 MiB: many at once would starve the night


@cache
def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher

    return PasswordHasher()


@cache
def _nobody_hash() -> str:
    return _hasher().hash(secrets.token_urlsafe(16))


def hash_password(password: str) -> str:
    """argon2id with the library's parameters (RFC 9106, low memory)."""
    with _at_once:
        return _hasher().hash(password)


def password_matches(password_hash: str | None, password: str) -> bool:
    """Whether it is the password; takes as long for an account that does not exist (hash None)."""
    from argon2.exceptions import InvalidHashError, VerificationError

    if len(password) > MAX_PASSWORD:
        return False
    with _at_once:
        try:
            return _hasher().verify(password_hash or _nobody_hash(), password) and password_hash is not None
        except (VerificationError, InvalidHashError):
            return False


def one_time_password() -> str:
    """Sixteen readable characters in groups of four (79 bits)."""
    return "-".join("".join(secrets.choice(_READABLE) for _ in range(4)) for _ in range(4))


def password_fault(password: str, account: str) -> tuple[str, str] | None:
    """Why a new password will not do (Chinese, English), or None."""
    kinds = (str.islower, str.isupper, str.isdigit, lambda c: not (c.isascii() and c.isalnum()))
    if len(password) < MIN_PASSWORD:
        return f"密码至少 {MIN_PASSWORD} 个字符。", f"At least {MIN_PASSWORD} characters."
    if len(password) > MAX_PASSWORD:
        return f"密码最多 {MAX_PASSWORD} 个字符。", f"At most {MAX_PASSWORD} characters."
    if account.lower() in password.lower():
        return "密码里不能含有账号。", "The password must not hold the account."
    if sum(any(kind(c) for c in password) for kind in kinds) < 3 or len(set(password)) < 6:
        return (
            "密码须含小写字母、大写字母、数字、其他字符中的至少三种，且不能只重复几个字符。",
            "Use three of: lower case, upper case, digits, others; and not just a few characters repeated.",
        )
    return None


def add_person(
    connection: Connection, deployment: Deployment, *, account: str, name: str, department: str, role: str, by: str
) -> str:
    """Makes an account; returns its one-time password, which is shown once and kept nowhere.

    Raises:
        ConflictError: the account exists.
        HubError: the account, department or role is not one.
    """
    if not _ACCOUNT.fullmatch(account):
        raise HubError(
            f"“{account[:40]}”不能作账号。",
            next_step="用 2 至 32 个小写字母、数字、点、横线，以字母开头，例如 lin.zhang。",
        )
    if department not in deployment.department_by_id:
        raise HubError(
            f"没有编号为“{department[:40]}”的部门。", next_step=f"可用的有：{'、'.join(deployment.department_by_id)}。"
        )
    if role not in ROLES:
        raise HubError(f"没有“{role[:40]}”这种角色。", next_step=f"可用的有：{'、'.join(ROLES)}。")
    if role == "office" and department != deployment.office.id:
        raise HubError(
            "办公室角色只能给领导小组办公室的人。", next_step=f"部门改为 {deployment.office.id}，或角色改为 staff。"
        )
    if not name.strip():
        raise HubError("缺少姓名。", next_step="填写使用人的姓名。")
    if connection.scalar(select(person.c.account).where(person.c.account == account)):
        raise ConflictError(f"账号“{account}”已经有了。", next_step="换一个账号名，或重置它的密码。")
    password = one_time_password()
    connection.execute(
        insert(person).values(
            account=account, name=name.strip(), department=department, role=role, password_hash=hash_password(password)
        )
    )
    record_event(connection, "person_added", by, person=account, role=role, to_department=department)
    return password


def _existing(connection: Connection, account: str) -> RowMapping:
    row = (
        connection.execute(select(person).where(person.c.account == account).with_for_update()).mappings().one_or_none()
    )
    if row is None:
        raise HubError(f"没有账号“{account[:40]}”。", next_step="用 coop-hub people list 查看已有账号。")
    return row


def _end_everything(connection: Connection, account: str) -> None:
    """All sessions of an account, and its address of the matching service."""
    connection.execute(delete(session).where(session.c.account == account))
    connection.execute(delete(service_token).where(service_token.c.account == account))


def reset_password(connection: Connection, account: str, *, by: str) -> str:
    """A new one-time password; every session of the account ends and a lock is lifted. Raises HubError if unknown."""
    _existing(connection, account)
    password = one_time_password()
    connection.execute(
        update(person)
        .where(person.c.account == account)
        .values(
            password_hash=hash_password(password),
            password_set_at=func.now(),
            must_change_password=True,
            failed_logins=0,
            locked_until=None,
        )
    )
    _end_everything(connection, account)
    record_event(connection, "password_reset", by, person=account)
    return password


def change_password(connection: Connection, account: str, old: str, new: str) -> tuple[str, str] | None:
    """Changes one's own password; returns why not (Chinese, English), or None when done. All sessions end."""
    row = _existing(connection, account)
    if not password_matches(row["password_hash"], old):
        return "原密码不对。", "The old password is wrong."
    if fault := password_fault(new, account):
        return fault
    if password_matches(row["password_hash"], new):
        return "新密码不能与原密码相同。", "The new password must differ from the old one."
    connection.execute(
        update(person)
        .where(person.c.account == account)
        .values(password_hash=hash_password(new), password_set_at=func.now(), must_change_password=False)
    )
    _end_everything(connection, account)
    record_event(connection, "password_changed", account, row["department"])
    return None


def set_active(connection: Connection, account: str, active: bool, *, by: str) -> None:
    """Opens or closes an account; closing ends its sessions at once. Accounts are never deleted: the ledger names them.

    Raises:
        HubError: unknown, or the last active operator would be closed.
    """
    row = _existing(connection, account)
    if not active and row["role"] == "operator" and row["active"]:
        others = select(func.count()).where(person.c.role == "operator", person.c.active, person.c.account != account)
        if not connection.scalar(others):
            raise ConflictError(
                "这是最后一个可用的系统管理员账号，不能停用。", next_step="先新增或启用另一个系统管理员。"
            )
    connection.execute(
        update(person).where(person.c.account == account).values(active=active, failed_logins=0, locked_until=None)
    )
    if not active:
        _end_everything(connection, account)
    record_event(connection, "person_activated" if active else "person_deactivated", by, person=account)


def list_people(connection: Connection) -> list[RowMapping]:
    """All accounts without their hashes, by department and account."""
    columns = [c for c in person.c if c.name != "password_hash"]
    return list(connection.execute(select(*columns).order_by(person.c.department, person.c.account)).mappings())


def demo_accounts(deployment: Deployment) -> list[dict[str, str]]:
    """The accounts a demonstration starts with: one for each way the portal is used."""
    wanted = [
        ("office", "办公室演示", deployment.office.id, "office"),
        ("market", "市场监管演示", "market_supervision", "staff"),
        ("tax", "税务演示", "tax", "staff"),
        ("forestry", "林业演示", "forestry", "staff"),
        ("supply", "供销演示", "supply_marketing", "staff"),
        (
            "town",
            "乡镇演示",
            next((d.id for d in deployment.departments if d.kind == "township" and d.town), ""),
            "staff",
        ),
        ("admin", "系统管理员", deployment.office.id, "operator"),
        ("audit", "审计员", deployment.office.id, "auditor"),
    ]
    return [
        {"account": account, "name": name, "department": department, "role": role}
        for account, name, department, role in wanted
        if department in deployment.department_by_id
    ]


def first_accounts(connection: Connection, deployment: Deployment, *, demonstration: bool) -> list[tuple[str, str]]:
    """On a portal nobody can log in to: makes the demonstration's accounts, or one operator; returns (account, one-time
    password) of each. An empty list when there are people already."""
    connection.execute(select(func.pg_advisory_xact_lock(0x_C00B_0006)))
    if connection.scalar(select(func.count()).select_from(person)):
        return []
    accounts = [a for a in demo_accounts(deployment) if demonstration or a["role"] == "operator"]
    return [(a["account"], add_person(connection, deployment, by="hub", **a)) for a in accounts]
