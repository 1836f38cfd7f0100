"""One's own account: logging in and out, changing the password, choosing the language."""

from __future__ import annotations

from sqlalchemy import select
from starlette.responses import RedirectResponse, Response

from hub.portal import people, sessions
from hub.portal.access import EVERYBODY, PUBLIC, Page
from hub.portal.visit import LANGUAGE_COOKIE, Visit
from hub.store.tables.portal import person, session


def own_path(wanted: str) -> str:
    """A path on this portal to go on to; anything that could lead elsewhere becomes the start page."""
    safe = wanted.startswith("/") and not wanted.startswith("//") and "\\" not in wanted and wanted.isprintable()
    return wanted[:500] if safe and not wanted.startswith(("/login", "/logout")) else "/"


def login_page(visit: Visit) -> Response:
    wanted = own_path(visit.request.query_params.get("next", "/"))
    if visit.person_or_none:
        return visit.go(wanted)
    return visit.page("login.html", account="", failed=False, wanted=wanted)


def log_in(visit: Visit) -> Response:
    account, password = visit.said("account", 64), visit.form.get("password")
    wanted = own_path(visit.said("next") or "/")
    with visit.begin() as connection:
        token = sessions.log_in(connection, account, password if isinstance(password, str) else "")
        if visit.token and token:
            sessions.log_out(connection, visit.token)
    if token is None:
        return visit.page("login.html", status=403, account=account, failed=True, wanted=wanted)
    response = visit.go(wanted)
    response.set_cookie(
        visit.hub.session_cookie,
        token,
        max_age=int(sessions.ABSOLUTE.total_seconds()),
        path="/",
        httponly=True,
        samesite="lax",
        secure=visit.settings.portal_secure_cookies,
    )
    return response


def log_out(visit: Visit) -> Response:
    with visit.begin() as connection:
        sessions.log_out(connection, visit.token)
    response = RedirectResponse("/login", status_code=303, headers={"Clear-Site-Data": '"cache"'})
    response.delete_cookie(visit.hub.session_cookie, path="/")
    return response


def password_page(visit: Visit) -> Response:
    with visit.begin() as connection:
        rows = connection.execute(
            select(session.c.created_at, session.c.seen_at)
            .where(session.c.account == visit.person.account)
            .order_by(session.c.seen_at.desc())
        ).all()
        last = connection.scalar(select(person.c.last_login_at).where(person.c.account == visit.person.account))
    return visit.page("password.html", fault="", minimum=people.MIN_PASSWORD, sessions=rows, last_login=last)


def change_password(visit: Visit) -> Response:
    old, new, again = (str(visit.form.get(name) or "") for name in ("old", "new", "again"))
    if new != again:
        fault: tuple[str, str] | None = ("两次输入的新密码不一样。", "The new passwords differ.")
    else:
        with visit.begin() as connection:
            fault = people.change_password(connection, visit.person.account, old, new)
    if fault:
        return visit.page(
            "password.html",
            status=400,
            fault=visit.t(*fault),
            minimum=people.MIN_PASSWORD,
            sessions=[],
            last_login=None,
        )
    with visit.begin() as connection:
        token = sessions.log_in(connection, visit.person.account, new)
    response = visit.go("/", visit.t("密码已修改，其他设备上的登录已退出。", "Password changed; other sessions ended."))
    if token:
        response.set_cookie(
            visit.hub.session_cookie,
            token,
            max_age=int(sessions.ABSOLUTE.total_seconds()),
            path="/",
            httponly=True,
            samesite="lax",
            secure=visit.settings.portal_secure_cookies,
        )
    return response


def choose_language(visit: Visit) -> Response:
    response = visit.go(own_path(visit.request.query_params.get("back", "/")))
    to = visit.asked("to")
    if to in {"zh", "en"}:
        response.set_cookie(LANGUAGE_COOKIE, to, max_age=365 * 86400, path="/", samesite="lax", httponly=True)
    return response


PAGES = (
    Page("/login", login_page, PUBLIC, title=("登录", "Log in"), open_with_old_password=True),
    Page("/login", log_in, PUBLIC, method="POST", title=("登录", "Log in"), open_with_old_password=True),
    Page("/logout", log_out, EVERYBODY, method="POST", open_with_old_password=True),
    Page("/password", password_page, EVERYBODY, title=("我的账号", "My account"), open_with_old_password=True),
    Page(
        "/password", change_password, EVERYBODY, method="POST", title=("我的账号", "My account"),
        open_with_old_password=True,
    ),
    Page("/language", choose_language, PUBLIC, open_with_old_password=True),
)  # fmt: skip
