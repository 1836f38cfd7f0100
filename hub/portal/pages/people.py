"""Accounts of others, for the operator: add, reset, close, open. One-time passwords are shown once, on the answer page."""

from __future__ import annotations

from starlette.responses import Response

from hub.errors import HubError
from hub.portal import people
from hub.portal.access import OPERATOR, Page
from hub.portal.visit import Visit
from hub.store.tables.portal import ROLES

_TITLE = ("用户", "People")


def _list(visit: Visit, *, fault: str = "", handed: tuple[str, str] | None = None, status: int = 200) -> Response:
    with visit.begin() as connection:
        rows = people.list_people(connection)
    return visit.page(
        "people.html",
        status=status,
        rows=rows,
        roles=[(r, visit.t(*people.ROLE_TITLES[r])) for r in ROLES],
        role_titles=people.ROLE_TITLES,
        departments=visit.deployment.departments,
        fault=fault,
        handed=handed,
        form=visit.form,
    )


def list_page(visit: Visit) -> Response:
    return _list(visit)


def add(visit: Visit) -> Response:
    account = visit.said("account", 64).lower()
    try:
        with visit.begin() as connection:
            password = people.add_person(
                connection,
                visit.deployment,
                account=account,
                name=visit.said("name", 64),
                department=visit.said("department", 64),
                role=visit.said("role", 16),
                by=visit.person.account,
            )
    except HubError as error:
        return _list(visit, fault=visit.fault(error), status=400)
    return _list(visit, handed=(account, password))


def reset(visit: Visit) -> Response:
    account = visit.said("account", 64)
    try:
        with visit.begin() as connection:
            password = people.reset_password(connection, account, by=visit.person.account)
    except HubError as error:
        return _list(visit, fault=visit.fault(error), status=400)
    return _list(visit, handed=(account, password))


def set_active(visit: Visit) -> Response:
    account, active = visit.said("account", 64), visit.said("active") == "yes"
    try:
        with visit.begin() as connection:
            people.set_active(connection, account, active, by=visit.person.account)
    except HubError as error:
        return _list(visit, fault=visit.fault(error), status=400)
    done = visit.t("已启用", "Activated") if active else visit.t("已停用", "Deactivated")
    return visit.go("/people", f"{done} {account}")


PAGES = (
    Page("/people", list_page, OPERATOR, title=_TITLE, menu="watch", icon="people"),
    Page("/people/add", add, OPERATOR, method="POST", title=_TITLE),
    Page("/people/reset", reset, OPERATOR, method="POST", title=_TITLE),
    Page("/people/active", set_active, OPERATOR, method="POST", title=_TITLE),
)
