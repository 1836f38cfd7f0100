"""All pages as one application. The only way to a handler leads through `_serve`: session, role, origin, token."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from importlib.resources import files
from urllib.parse import quote

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from hub.deployment import Deployment
from hub.errors import ConflictError, HubError, PermissionRefusedError, TransientError
from hub.portal.access import ANONYMOUS, SMALL_BODY, Page
from hub.portal.audit import record_event
from hub.portal.guard import StrictHeaders, comes_from_here, started_elsewhere
from hub.portal.pages import ALL_PAGES
from hub.portal.render import Renderer
from hub.portal.service_tokens import service_routes
from hub.portal.sessions import form_token_matches, who_is
from hub.portal.visit import Hub, Visit
from hub.settings import Settings

_log = logging.getLogger(__name__)
_STATIC = {"portal.css": "text/css", "portal.js": "text/javascript", "emblem.svg": "image/svg+xml"}
_WORDS = {
    400: ("请求有误", "Bad request", "返回上一页，检查后再试。", "Go back, check and try again."),
    403: ("没有权限", "Not allowed", "如确有需要，请联系领导小组办公室。", "Ask the office if you need this."),
    404: ("没有这个页面", "Not found", "它可能已移走，或不属于您的部门。", "It may be gone, or not your department's."),
    405: ("没有这个页面", "Not found", "请从左侧菜单进入。", "Use the menu."),
    413: ("文件太大", "Too large", "请拆分后再上传，或用接口报送。", "Split the file, or deliver it by a connector."),
    500: (
        "系统出错了",
        "Something broke",
        "已记入日志，请稍后再试或联系系统管理员。",
        "It is in the log; try again later.",
    ),
    503: ("暂时无法使用", "Unavailable", "数据库暂不可用，请稍后再试。", "The database is away; try again later."),
}


def _static(name: str, kind: str) -> Route:
    content = files("hub.portal").joinpath("static", name).read_bytes()

    async def serve(_: Request) -> Response:
        return Response(content, media_type=kind, headers={"Cache-Control": "public, max-age=3600"})

    return Route(f"/static/{name}", serve, methods=["GET"])


def _error_page(hub: Hub, request: Request, status: int, message: str = "", next_step: str = "") -> Response:
    visit: Visit | None = getattr(request.state, "visit", None)
    if visit is None:
        visit = Visit(request, hub, Page(request.url.path, _nothing), None, "")
    zh, en, then_zh, then_en = _WORDS.get(status, _WORDS[500])
    return visit.page(
        "error.html",
        status=status,
        code=status,
        message=message or visit.t(zh, en),
        next_step=next_step or visit.t(then_zh, then_en),
    )


def _nothing(_: Visit) -> Response:
    raise HTTPException(404)


def _status(error: HubError) -> int:
    kinds = ((PermissionRefusedError, 403), (ConflictError, 409), (TransientError, 503))
    return next((status for kind, status in kinds if isinstance(error, kind)), 400)


async def _arrive(hub: Hub, page: Page, request: Request) -> Visit | Response:
    """The visit, if this person may open this page; else what they get instead."""
    token = request.cookies.get(hub.session_cookie, "")

    def look_up() -> Visit | Response:
        person = None
        if token:
            with hub.engine.begin() as connection:
                person = who_is(connection, token)
        visit = Visit(request, hub, page, person, token if person else "")
        request.state.visit = visit
        if person is None and ANONYMOUS not in page.who:
            back = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            after = f"?next={quote(back)}" if page.method == "GET" and back != "/" else ""
            return RedirectResponse(f"/login{after}", status_code=303)
        if person is not None and person.role not in page.who:
            with hub.engine.begin() as connection:
                record_event(
                    connection, "access_refused", person.account, person.department,
                    path=request.url.path[:200], what="page",
                )  # fmt: skip
            return _error_page(hub, request, 403)
        if person is not None and person.must_change_password and not page.open_with_old_password:
            return RedirectResponse("/password", status_code=303)
        return visit

    return await run_in_threadpool(look_up)


def _endpoint(hub: Hub, page: Page) -> Callable[[Request], Awaitable[Response]]:
    async def serve(request: Request) -> Response:
        if page.method == "POST" and not comes_from_here(request, hub.settings.portal_url):
            return await run_in_threadpool(_error_page, hub, request, 403)
        if page.download and (request.method == "HEAD" or started_elsewhere(request)):
            return await run_in_threadpool(_error_page, hub, request, 403)
        try:
            visit = await _arrive(hub, page, request)
            if isinstance(visit, Response):
                return visit
            if page.method == "POST":
                async with request.form(max_files=50, max_fields=500) as form:
                    return await _answer(hub, page, visit, form)
            return await run_in_threadpool(page.handle, visit)
        except HubError as error:
            _log.info("%s %s", error.message, error.detail)
            return await run_in_threadpool(_error_page, hub, request, _status(error), error.message, error.next_step)
        except SQLAlchemyError as error:
            _log.exception("portal: database")
            away = getattr(error, "connection_invalidated", False) or type(error).__name__ == "OperationalError"
            return await run_in_threadpool(_error_page, hub, request, 503 if away else 500)
        except HTTPException:
            raise
        except Exception:  # noqa: BLE001 -- the last resort: a page that says so, the traceback in the log only
            _log.exception("portal: %s", page.path)
            return await run_in_threadpool(_error_page, hub, request, 500)

    return serve


async def _answer(hub: Hub, page: Page, visit: Visit, form: FormData) -> Response:
    visit.form = form
    given = form.get("proof")
    if visit.token and not (isinstance(given, str) and form_token_matches(visit.token, given)):
        return await run_in_threadpool(
            _error_page, hub, visit.request, 403,
            visit.t("页面已过期", "The page expired"), visit.t("返回上一页，刷新后再提交。", "Go back, reload and submit again."),
        )  # fmt: skip
    return await run_in_threadpool(page.handle, visit)


def build_app(
    engine: Engine,
    settings: Settings,
    deployment: Deployment,
    *,
    dagster_url: str | None = None,
    more_routes: tuple[BaseRoute, ...] = (),
) -> Starlette:
    """The portal on an engine. `dagster_url`: where operators find the Dagster UI. `more_routes`: services with a
    guard of their own."""
    hub = Hub(engine, settings, deployment, Renderer(deployment), ALL_PAGES, dagster_url)

    async def on_http_error(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        return await run_in_threadpool(_error_page, hub, request, status)

    routes: list[BaseRoute] = [_static(name, kind) for name, kind in _STATIC.items()]
    for page in ALL_PAGES:
        limit = settings.max_upload_mb * 1024 * 1024 + SMALL_BODY if page.upload else None
        routes.append(Route(page.path, _endpoint(hub, page), methods=[page.method], max_body_size=limit))
    app = Starlette(
        routes=[*routes, *service_routes(engine, settings, deployment), *more_routes],
        middleware=[Middleware(StrictHeaders, secure=settings.portal_secure_cookies)],
        exception_handlers={HTTPException: on_http_error, 500: on_http_error},
        max_body_size=SMALL_BODY,
    )
    app.state.hub = hub
    return app
