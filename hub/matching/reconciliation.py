"""Matching as a service: the Reconciliation Service API 0.2 (W3C Entity Reconciliation Community Group, Final Community
Group Report of 10 April 2023), as OpenRefine speaks it, over `hub.matching.known`. It reads; it never writes.

Who may ask is the mounting application's business (`admit`); which web pages may ask is decided here (CORS): pages of
this machine's own loopback, pages of the service itself, and origins named by the operator. JSONP is refused: it would
let any page ask. What is asked and answered: `reconciliation_queries`, `reconciliation_answers`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from hub.deployment import Deployment
from hub.errors import HubError
from hub.matching.reconciliation_answers import (
    Service,
    propose_properties,
    reconcile,
    suggest_entity,
    suggest_property,
    view,
)
from hub.matching.reconciliation_queries import BadRequestError

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
MOST_BYTES = 1 << 20  # of a request
Admit = Callable[[Request], Awaitable[Response | None]]


def reconciliation_routes(
    engine_or_factory: Engine | Callable[[], Engine],
    deployment: Deployment,
    *,
    prefix: str = "/reconcile",
    public_url: str | None = None,
    allow_origins: Sequence[str] = (),
    admit: Admit | None = None,
) -> list[Route]:
    """The service's routes.

    Args:
        engine_or_factory: the hub's database, or what opens it at the first question.
        prefix: path of the service; no slash at its end. It may hold path parameters (`/reconcile/{token}`) for `admit`.
        public_url: the address people use, where it is not the one the request came by (a proxy in between).
        allow_origins: further web origins ("http://refine.example:3333") whose pages may ask.
        admit: asked before everything else; a response it returns is sent instead of an answer (a login, a refusal).
    """
    service = Service(engine_or_factory, deployment)

    def route(path: str, handle: Callable[[Service, dict[str, str], str], Any], *methods: str) -> Route:
        async def serve(request: Request) -> Response:
            here = f"{(public_url or str(request.base_url)).rstrip('/')}{prefix.format_map(request.path_params)}"
            return await _serve(request, service, here, handle, allow_origins=frozenset(allow_origins), admit=admit)

        return Route(f"{prefix}{path}", serve, methods=[*methods, "OPTIONS"], max_body_size=MOST_BYTES)

    return [
        route("", reconcile, "GET", "POST"),
        route("/", reconcile, "GET", "POST"),
        route("/suggest/entity", suggest_entity, "GET"),
        route("/suggest/property", suggest_property, "GET"),
        route("/extend/propose", propose_properties, "GET"),
        route("/cooperative/{coop_id}", view, "GET"),
    ]


def loopback_app(
    engine_or_factory: Engine | Callable[[], Engine],
    deployment: Deployment,
    token: str,
    *,
    allow_origins: Sequence[str] = (),
) -> Starlette:
    """The service alone, for OpenRefine on the operator's own machine: only under a path that holds `token`, only by a
    loopback name (a foreign name that resolves to this machine is refused)."""
    routes = reconciliation_routes(
        engine_or_factory, deployment, prefix=f"/{token}/reconcile", allow_origins=allow_origins
    )
    hosts = Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"], www_redirect=False)
    return Starlette(routes=routes, middleware=[hosts])


async def _serve(
    request: Request,
    service: Service,
    base: str,
    handle: Callable[[Service, dict[str, str], str], Any],
    *,
    allow_origins: frozenset[str],
    admit: Admit | None,
) -> Response:
    origin = request.headers.get("origin")
    if origin is not None and not _may_ask(origin, request, allow_origins):
        return _failure(403, "这个网页来源不在允许之列。This origin may not ask.")
    response: Response | None
    if request.method == "OPTIONS":
        response = Response(status_code=204)
    else:
        response = await admit(request) if admit else None
        if response is None:
            response = await _answer(request, service, base, handle)
    if origin is not None:
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Allow-Methods"] = "GET, POST, OPTIONS"
        response.headers["Access-Control-Allow-Headers"] = "Content-Type, Accept"
    response.headers["Vary"] = "Origin"
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


async def _answer(
    request: Request, service: Service, base: str, handle: Callable[[Service, dict[str, str], str], Any]
) -> Response:
    try:
        given = {k: v for k, v in request.query_params.items() if isinstance(v, str)}
        if request.method == "POST":
            async with request.form(max_files=0, max_fields=20) as form:
                given |= {k: v for k, v in form.items() if isinstance(v, str)}
        if "callback" in given:
            raise BadRequestError(
                "不支持 JSONP，请用支持 CORS 的客户端（OpenRefine 3.3 以上）。JSONP is not supported."
            )
        given |= {f"path:{k}": str(v) for k, v in request.path_params.items()}
        result = await run_in_threadpool(handle, service, given, base)
    except BadRequestError as error:
        return _failure(400, str(error))
    except HTTPException as error:
        return _failure(error.status_code, "请求太大或格式有误。Too large, or malformed.")
    except HubError as error:
        return _failure(503, str(error))
    except SQLAlchemyError:
        return _failure(503, "数据库暂不可用，请稍后再试。The database is away; try again later.")
    return result if isinstance(result, Response) else JSONResponse(result)


def _failure(status: int, message: str) -> JSONResponse:
    return JSONResponse({"status": "error", "code": status, "message": message}, status_code=status)


def _may_ask(origin: str, request: Request, allowed: frozenset[str]) -> bool:
    if origin in allowed:
        return True
    try:
        parts = urlsplit(origin)
        host = parts.hostname
    except ValueError:
        return False
    if parts.scheme not in {"http", "https"}:
        return False
    return host in _LOOPBACK or parts.netloc == request.headers.get("host", "")
