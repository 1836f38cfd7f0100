"""The database role the portal reads with, and what it may see. Called by migrations; roles belong to the whole server,
so making one must bear that it is already there, and that the hub's account may not make any."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, text

from hub.errors import ConfigurationError

ROLE = "hub_portal"

_DEPARTMENT = "nullif(current_setting('hub.department', true), '')"
_ROLE = "current_setting('hub.role', true)"
_TOWN = "nullif(current_setting('hub.town', true), '')"
_OVERSIGHT = f"{_ROLE} in ('office', 'auditor')"
_OFFICE = f"{_ROLE} = 'office'"
_OWN = f"({_ROLE} = 'staff' and department = {_DEPARTMENT})"

# table -> which of its rows a person sees. What is not listed here, the role cannot read at all.
POLICIES: dict[str, str] = {
    "extract": f"{_OVERSIGHT} or {_OWN}",
    "extract_copy": f"{_OVERSIGHT} or {_OWN}",
    "extract_cooperative": f"{_OVERSIGHT} or {_OWN}",
    "push": f"{_OVERSIGHT} or {_OWN}",
    "ledger": f"{_OVERSIGHT} or {_OWN}",
    "agreement_version": (
        f"{_OVERSIGHT} or ({_ROLE} = 'staff' and (content->>'recipient' = {_DEPARTMENT} or content->'providers' ? {_DEPARTMENT}"
        f" or (content->>'recipient' = 'each_township' and {_TOWN} is not null)))"
    ),
    "agreement_decision": (
        "exists (select 1 from agreement_version v where v.agreement = agreement_decision.agreement"
        " and v.version = agreement_decision.version)"
    ),
    "correction": (
        f"{_OVERSIGHT} or ({_ROLE} = 'staff' and {_DEPARTMENT} in (raised_by_department, source_department))"
    ),
    "correction_step": "exists (select 1 from correction c where c.correction_id = correction_step.correction_id)",
    "delivery": (
        f"{_OFFICE} or ({_ROLE} = 'staff' and (department = {_DEPARTMENT} or (department = 'townships' and town = {_TOWN})))"
    ),
    "archived_file": "exists (select 1 from delivery d where d.sha256 = archived_file.sha256)",
    "source_row": "exists (select 1 from delivery d where d.delivery_id = source_row.delivery_id)",
    "row_reason": "exists (select 1 from source_row r where r.row_id = row_reason.row_id)",
    "check_result": "exists (select 1 from delivery d where d.delivery_id = check_result.delivery_id)",
    # whole rows of the master, with fields no agreement names: the office only; a department reads its extracts
    "cooperative": _OFFICE,
    "cooperative_history": _OFFICE,
    "cooperative_id": _OFFICE,
    "id_event": _OFFICE,
    "master_delivery": _OFFICE,
    "master_link": _OFFICE,
    "profile": _OFFICE,
    "link": _OFFICE,
}
# The review desk's, added later.
REVIEW_POLICIES: dict[str, str] = {"candidate": _OFFICE, "decision": _OFFICE}
# Tables without anybody's data in their rows.
OPEN_TABLES = ("master_version", "run")


def ensure_role(connection: Connection) -> None:
    """Makes the role if it is not there, and lets the hub's own account take it on.

    Raises:
        ConfigurationError: the account may not; says what the database's administrator must run.
    """
    account = str(connection.scalar(text("select current_user")))
    exists = connection.scalar(text("select true from pg_roles where rolname = :r"), {"r": ROLE})
    may = connection.scalar(text("select rolsuper or rolcreaterole from pg_roles where rolname = current_user"))
    if not exists and may:
        # two databases of one server may be migrated at the same moment
        connection.execute(
            text(
                f"do $$ begin create role {ROLE} nologin; exception when duplicate_object or unique_violation then null; end $$"
            )
        )
        exists = True
    member = exists and connection.scalar(text("select pg_has_role(current_user, :r, 'member')"), {"r": ROLE})
    if exists and not member and may:
        connection.execute(text(f'grant {ROLE} to "{account}"'))
        member = True
    if not member:
        raise ConfigurationError(
            "数据库账号不能创建门户读取用的角色。",
            next_step=f'请数据库管理员执行：CREATE ROLE {ROLE} NOLOGIN; GRANT {ROLE} TO "{account}"; 然后重试。',
        )


def protect(connection: Connection) -> None:
    """The portal's role, and the policies of the tables there were at first."""
    ensure_role(connection)
    connection.execute(text(f"grant usage on schema public to {ROLE}"))
    for table in OPEN_TABLES:
        connection.execute(text(f"grant select on {table} to {ROLE}"))
    write_policies(connection, POLICIES)


def write_policies(connection: Connection, policies: Mapping[str, str]) -> None:
    """Turns row-level security on and lets the role read what the policies say. The owner (the hub itself) is not held
    by them."""
    for table, rows in policies.items():
        connection.execute(text(f"alter table {table} enable row level security"))
        connection.execute(text(f"create policy portal_reads on {table} for select to {ROLE} using ({rows})"))
        connection.execute(text(f"grant select on {table} to {ROLE}"))
