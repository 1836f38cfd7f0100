"""Who may open what: every page declares its roles, and what declares none is open to nobody.

Roles keep management, work and audit apart (GB/T 39477-2020): `staff` see what their department sends and receives,
the `office` runs the exchange, the `operator` keeps accounts and machines but sees no data, the `auditor` reads
ledger and audit log and changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.responses import Response

from hub.store.tables.portal import ROLES

if TYPE_CHECKING:
    from hub.portal.visit import Visit

Who = frozenset[str]
ANONYMOUS = "anonymous"
NOBODY: Who = frozenset()
PUBLIC: Who = frozenset({ANONYMOUS, *ROLES})
EVERYBODY: Who = frozenset(ROLES)  # everybody who is logged in
OFFICE: Who = frozenset({"office"})
DEPARTMENTS: Who = frozenset({"staff", "office"})  # who sends and receives data
OPERATOR: Who = frozenset({"operator"})
WATCHERS: Who = frozenset({"office", "operator"})  # who looks after nights and alerts
AUDITORS: Who = frozenset({"auditor"})
ACCOUNTANTS: Who = frozenset({"auditor", "office"})  # who may read the ledger
HEAD_READERS: Who = frozenset({"staff", "office", "auditor"})  # a department reads the heads it keeps

SMALL_BODY = 64 * 1024


@dataclass(frozen=True, slots=True)
class Page:
    """One route. `who` may open it; `menu` puts it into that group of the navigation under its `title`."""

    path: str
    handle: Callable[[Visit], Response]
    who: Who = NOBODY
    method: str = "GET"
    title: tuple[str, str] = ("", "")
    menu: str | None = None
    icon: str = ""
    upload: bool = False  # the body may be as large as COOP_HUB_MAX_UPLOAD_MB
    open_with_old_password: bool = False  # reachable while the one-time password still has to be changed
    download: bool = False  # a recorded act: refused when another site's page starts it


MENU: dict[str, tuple[str, str]] = {
    "work": ("工作", "Work"),
    "data": ("数据", "Data"),
    "sharing": ("共享", "Sharing"),
    "watch": ("运行", "Operation"),
    "audit": ("审计", "Audit"),
}


def menu_for(pages: Iterable[Page], role: str) -> list[tuple[tuple[str, str], list[Page]]]:
    """The navigation of a role: groups in order, each with the pages the role may open."""
    mine = [p for p in pages if p.menu and role in p.who]
    groups = [(title, [p for p in mine if p.menu == key]) for key, title in MENU.items()]
    return [(title, entries) for title, entries in groups if entries]
