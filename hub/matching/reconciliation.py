"""Matching as a service: the Reconciliation Service API 0.2 (W3C Entity Reconciliation Community Group, Final Community
Group Report of 10 April 2023), as OpenRefine speaks it, over `hub.matching.known`. It reads; it never writes.

Who may ask is the mounting application's business (`admit`); which web pages may ask is decided here (CORS): pages of
this machine's own loopback, pages of the service itself, and origins named by the operator. JSONP is refused: it would
let any page ask.
"""

from __future__ import annotations

import html
import json
import threading
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from hub.deployment import Deployment
from hub.errors import HubError
from hub.feeds import Role
from hub.identifiers.codes import CodeKind, classify_code, clean_code
from hub.intake.columns import match_columns
from hub.intake.reader.model import Column
from hub.matching.coop_id import clean_coop_id, is_coop_id
from hub.matching.known import (
    Answer,
    Candidate,
    KnownCooperative,
    KnownCooperatives,
    Verdict,
    evidence_features,
    read_known,
    state_of,
)
from hub.matching.own_list import match_cells, own_list_feed, shown_confidence

if TYPE_CHECKING:
    import pyarrow as pa

MOST_QUERIES = 200  # of a batch; OpenRefine sends ten at a time
MOST_BYTES = 1 << 20  # of a request
MOST_CHARACTERS = 500  # of one value
MOST_PROPERTIES = 30
MOST_IDS = 1000  # of an extension request
MOST_RESULTS = 25
TYPE = {"id": "cooperative", "name": "农民专业合作社 Farmers' cooperative"}
# What a department may fetch of a cooperative it has matched: public facts only.
PROPERTIES: dict[str, str] = {
    "name": "总表名称 name",
    "uscc": "统一社会信用代码 USCC",
    "town": "乡镇 township",
    "coop_id": "合作社编号 coop_id",
}
# What a query may tell besides the name; every header the catalogue knows is understood as well.
_QUERY_PROPERTIES: dict[str, tuple[str, str]] = {
    "uscc": ("统一社会信用代码 USCC", "code_code"),
    "code": ("代码 code", "code_code"),
    "registration_number": ("注册号 registration number", "code_registration_number"),
    "representative": ("负责人 representative", "representative_representative"),
    "phone": ("联系电话 phone", "phone_phone"),
    "town": ("乡镇 township", "town_town"),
    "address": ("地址 address", "address_address"),
    "former_name": ("曾用名 former name", "former_name_former_name"),
    "founded_on": ("成立日期 founded on", "founded_founded_on"),
}
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_CODES = (CodeKind.USCC, CodeKind.ORGANISATION, CodeKind.TAX15, CodeKind.REGISTRATION)

Admit = Callable[[Request], Awaitable[Response | None]]


class _BadRequestError(Exception):
    """The request breaks the protocol or a limit; the message says how."""


@dataclass(frozen=True, slots=True)
class _Query:
    cells: dict[str, str]
    limit: int
    wanted: bool  # the types asked for include ours
    coop_id: str  # the query is an id itself


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
    service = _Service(engine_or_factory, deployment)

    def route(path: str, handle: Callable[[_Service, dict[str, str], str], Any], *methods: str) -> Route:
        async def serve(request: Request) -> Response:
            here = f"{(public_url or str(request.base_url)).rstrip('/')}{prefix.format_map(request.path_params)}"
            return await _serve(request, service, here, handle, allow_origins=frozenset(allow_origins), admit=admit)

        return Route(f"{prefix}{path}", serve, methods=[*methods, "OPTIONS"], max_body_size=MOST_BYTES)

    return [
        route("", _reconcile, "GET", "POST"),
        route("/", _reconcile, "GET", "POST"),
        route("/suggest/entity", _suggest_entity, "GET"),
        route("/suggest/property", _suggest_property, "GET"),
        route("/extend/propose", _propose, "GET"),
        route("/cooperative/{coop_id}", _view, "GET"),
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


class _Service:
    """The known cooperatives, read again when a matching or projection changed them."""

    def __init__(self, engine_or_factory: Engine | Callable[[], Engine], deployment: Deployment) -> None:
        self._given, self.deployment = engine_or_factory, deployment
        self._engine: Engine | None = None
        self._known: KnownCooperatives | None = None
        self._lock = threading.Lock()

    def known(self) -> KnownCooperatives:
        """The cooperatives as of now."""
        with self._lock:
            if self._engine is None:
                self._engine = self._given if isinstance(self._given, Engine) else self._given()
            if self._known is not None:
                with self._engine.connect() as connection:
                    if state_of(connection) == self._known.state:
                        return self._known
            # The one of before is not closed: another thread may still be asking it.
            self._known = read_known(self._engine, self.deployment.county)
            return self._known


async def _serve(
    request: Request,
    service: _Service,
    base: str,
    handle: Callable[[_Service, dict[str, str], str], Any],
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
    request: Request, service: _Service, base: str, handle: Callable[[_Service, dict[str, str], str], Any]
) -> Response:
    try:
        given = {k: v for k, v in request.query_params.items() if isinstance(v, str)}
        if request.method == "POST":
            async with request.form(max_files=0, max_fields=20) as form:
                given |= {k: v for k, v in form.items() if isinstance(v, str)}
        if "callback" in given:
            raise _BadRequestError(
                "不支持 JSONP，请用支持 CORS 的客户端（OpenRefine 3.3 以上）。JSONP is not supported."
            )
        given |= {f"path:{k}": str(v) for k, v in request.path_params.items()}
        result = await run_in_threadpool(handle, service, given, base)
    except _BadRequestError as error:
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


def _reconcile(service: _Service, given: dict[str, str], base: str) -> Any:
    if "queries" in given:
        return _batch(service.known(), _parsed(given["queries"], "queries"))
    if "extend" in given:
        return _extend(service.known(), _parsed(given["extend"], "extend"))
    return manifest(service.deployment, base)


def manifest(deployment: Deployment, base: str) -> dict[str, Any]:
    """The service manifest of API 0.2 (and, where it does no harm, of the 1.0 draft). `base` is the service's URL."""
    return {
        "versions": ["0.2"],
        "name": f"{deployment.county.name}合作社总表",
        "identifierSpace": f"urn:coop-hub:{deployment.county.code}:coop_id",
        "schemaSpace": "urn:coop-hub:schema",
        "defaultTypes": [TYPE],
        "view": {"url": f"{base}/cooperative/{{{{id}}}}"},
        "preview": {"url": f"{base}/cooperative/{{{{id}}}}", "width": 420, "height": 130},
        "suggest": {
            "entity": {"service_url": base, "service_path": "/suggest/entity"},
            "property": {"service_url": base, "service_path": "/suggest/property"},
        },
        "extend": {
            "propose_properties": {"service_url": base, "service_path": "/extend/propose"},
            "property_settings": [],
        },
        "standardizedScore": True,  # 1.0 draft: scores run from 0 to 100
    }


def _parsed(written: str, what: str) -> dict[str, Any]:
    def refuse(constant: str) -> Any:
        raise ValueError(constant)

    try:
        value = json.loads(written, parse_constant=refuse)
    except (ValueError, RecursionError):
        raise _BadRequestError(f"{what} 不是合法的 JSON。{what} is not JSON.") from None
    if not isinstance(value, dict):
        raise _BadRequestError(f"{what} 应是 JSON 对象。{what} must be a JSON object.")
    return value


def _batch(known: KnownCooperatives, queries: dict[str, Any]) -> dict[str, Any]:
    import pyarrow as pa

    if len(queries) > MOST_QUERIES:
        raise _BadRequestError(f"一批最多 {MOST_QUERIES} 条。At most {MOST_QUERIES} queries a batch.")
    asked = {name: _query(name, query) for name, query in queries.items()}
    fields = sorted({f for q in asked.values() for f in q.cells})
    cells: dict[str, pa.Array] = {f: pa.array([q.cells.get(f) for q in asked.values()], pa.string()) for f in fields}
    answers = match_cells(cells, len(asked), known) if fields else [None] * len(asked)
    return {
        _sound(name): {"result": _results(known, query, answer)}
        for (name, query), answer in zip(asked.items(), answers, strict=True)
    }


def _sound(value: str) -> str:
    """A text that can be written as UTF-8: JSON may hold halves of surrogate pairs."""
    try:
        value.encode()
    except UnicodeEncodeError:
        raise _BadRequestError("文本里有无效字符。A text holds half a surrogate pair.") from None
    return value


def _query(name: str, query: Any) -> _Query:
    if not isinstance(query, dict):
        raise _BadRequestError(f"{name} 应是对象。{name} must be an object.")
    written, properties = query.get("query"), query.get("properties", [])
    if written is not None and not isinstance(written, str):
        raise _BadRequestError(f"{name}.query 应是文本。must be a string.")
    if not isinstance(properties, list) or len(properties) > MOST_PROPERTIES:
        raise _BadRequestError(f"{name}.properties 应是列表，最多 {MOST_PROPERTIES} 项。must be a short array.")
    if written is None and not properties:
        raise _BadRequestError(f"{name} 既没有 query 也没有 properties。needs a query or properties.")
    limit = query.get("limit", 5)
    if isinstance(limit, bool) or not isinstance(limit, int | float) or not 0 <= limit < 1e9:
        raise _BadRequestError(f"{name}.limit 应是正数。must be a positive number.")
    types = query.get("type", [])
    types = [types] if isinstance(types, str) else types
    if not isinstance(types, list) or not all(isinstance(t, str) for t in types):
        raise _BadRequestError(f"{name}.type 应是文本或文本列表。must be a string or strings.")
    if query.get("type_strict", "any") not in ("any", "should", "all"):
        raise _BadRequestError(f"{name}.type_strict 只能是 any、should 或 all。")
    text = _text(written or "", f"{name}.query")
    cells: dict[str, str] = {}
    codes: list[str] = []
    if classify_code(clean_code(text)) in _CODES:
        codes.append(text)
    elif text:
        cells["name_name"] = text
    for one in properties:
        if not isinstance(one, dict) or not isinstance(one.get("pid"), str) or "v" not in one:
            raise _BadRequestError(f"{name}.properties 每项须有 pid 和 v。each needs pid and v.")
        field = _field_of(one["pid"][:MOST_CHARACTERS])
        values = _values(one["v"], f"{name}.properties")
        if field is None:
            continue  # a property of another service: nothing to compare it with
        if own_list_feed().by_name[field].role is Role.CODE:
            codes += values
        elif values:
            cells.setdefault(field, values[0])
    # A code says by its shape what it is, so any column for codes will do.
    slots = [f.name for f in own_list_feed().with_role(Role.CODE) if f.kind.value == "code"]
    cells |= dict(zip(slots, dict.fromkeys(codes), strict=False))
    wanted = not types or TYPE["id"] in types
    ready = clean_coop_id(text)
    return _Query(cells, min(int(limit), MOST_RESULTS) or MOST_RESULTS, wanted, ready if is_coop_id(ready) else "")


def _text(value: str, what: str) -> str:
    if len(value) > MOST_CHARACTERS:
        raise _BadRequestError(f"{what} 超过 {MOST_CHARACTERS} 字。is too long.")
    return _sound(value).strip()


def _values(value: Any, what: str) -> list[str]:
    """The texts of a property's value: a text, a number, a matched entity, or several of them."""
    several = value if isinstance(value, list) else [value]
    found = []
    for one in several[:MOST_PROPERTIES]:
        plain = one.get("name", one.get("id")) if isinstance(one, dict) else one
        if plain is None or isinstance(plain, bool):
            continue
        if not isinstance(plain, str | int | float):
            raise _BadRequestError(f"{what} 的 v 应是文本或数。v must be text or a number.")
        # a spreadsheet's code or phone may come as a number: 13800010001.0
        whole = isinstance(plain, float) and plain.is_integer()
        text = _text(f"{plain:.0f}" if whole else str(plain), what)
        if text:
            found.append(text)
    return found


@lru_cache(maxsize=1024)
def _field_of(pid: str) -> str | None:
    if pid in _QUERY_PROPERTIES:
        return _QUERY_PROPERTIES[pid][1]
    (column,) = match_columns([Column(pid, levels=(pid,))], own_list_feed()).columns
    return column.field


def _results(known: KnownCooperatives, query: _Query, answer: Answer | None) -> list[dict[str, Any]]:
    if not query.wanted:
        return []
    if query.coop_id and (told := known.by_id(query.coop_id)):
        return [_result(known, Candidate(told, 1.0), 100.0, match=True, reason="编号相同。")]
    if answer is None or answer.verdict is Verdict.NOT_A_COOPERATIVE:
        return []
    found = [*((answer.best,) if answer.best else ()), *answer.next][: query.limit]
    return [
        _result(
            known,
            candidate,
            round(100 * shown_confidence(candidate), 1),
            match=candidate is answer.best,
            reason=answer.reason if i == 0 else "",
        )
        for i, candidate in enumerate(found)
    ]


def _result(
    known: KnownCooperatives, candidate: Candidate, score: float, *, match: bool, reason: str
) -> dict[str, Any]:
    features = [{"id": "confidence", "value": round(score / 100, 3)}]
    features += [{"id": name, "value": weight} for name, weight in evidence_features(candidate, known.model)]
    return {
        "id": candidate.cooperative.coop_id,
        "name": candidate.cooperative.name,
        "description": " · ".join(p for p in (_described(candidate.cooperative), reason) if p),
        "type": [TYPE],
        "score": score,
        "match": match,
        "features": features,
    }


def _described(known: KnownCooperative) -> str:
    return " · ".join(p for p in (known.uscc, known.town) if p)


def _suggest_entity(service: _Service, given: dict[str, str], _base: str) -> Any:
    wanted = _text(given.get("prefix", ""), "prefix").casefold()
    cursor = given.get("cursor", "0")
    if not cursor.isascii() or not cursor.isdigit() or len(cursor) > 9:
        raise _BadRequestError("cursor 应是数。cursor must be a number.")
    if not wanted:
        return {"result": []}
    ranked = sorted(
        (place, c.name, c.coop_id, c)
        for c in service.known().cooperatives
        if (place := min((t.casefold().find(wanted) for t in (c.name, c.uscc, c.coop_id)), key=lambda p: (p < 0, p)))
        >= 0
    )
    return {
        "result": [
            {"id": c.coop_id, "name": c.name, "description": _described(c), "notable": [TYPE]}
            for *_, c in ranked[int(cursor) : int(cursor) + 10]
        ]
    }


def _suggest_property(_service: _Service, given: dict[str, str], _base: str) -> Any:
    wanted = _text(given.get("prefix", ""), "prefix").casefold()
    return {
        "result": [
            {"id": pid, "name": title}
            for pid, (title, _) in _QUERY_PROPERTIES.items()
            if wanted in f"{pid} {title}".casefold()
        ]
    }


def _propose(_service: _Service, given: dict[str, str], _base: str) -> Any:
    found = {"properties": [{"id": pid, "name": title} for pid, title in PROPERTIES.items()]}
    return {"type": given["type"][:MOST_CHARACTERS], **found} if "type" in given else found


def _extend(known: KnownCooperatives, asked: dict[str, Any]) -> dict[str, Any]:
    ids, properties = asked.get("ids"), asked.get("properties")
    if not isinstance(ids, list) or not all(isinstance(i, str) for i in ids) or len(ids) > MOST_IDS:
        raise _BadRequestError(f"extend.ids 应是编号列表，最多 {MOST_IDS} 个。")
    if not isinstance(properties, list) or not all(
        isinstance(p, dict) and isinstance(p.get("id"), str) for p in properties
    ):
        raise _BadRequestError("extend.properties 应是对象列表，每项有 id。")
    wanted = [p["id"] for p in properties]
    if unknown := [p for p in wanted if p not in PROPERTIES]:
        raise _BadRequestError(f"没有这些属性：{_sound('、'.join(unknown))[:MOST_CHARACTERS]}。No such property.")
    rows: dict[str, Any] = {}
    for coop_id in ids:
        told = known.by_id(coop_id)
        values = {p: str(getattr(told, p)) for p in wanted} if told else {}
        rows[_sound(coop_id)] = {p: [{"str": values[p]}] if values.get(p) else [] for p in wanted}
    return {"meta": [{"id": p, "name": PROPERTIES[p]} for p in wanted], "rows": rows}


def _view(service: _Service, given: dict[str, str], _base: str) -> Any:
    told = service.known().by_id(given["path:coop_id"])
    if told is None:
        raise HTTPException(404)
    lines = (("合作社编号", told.coop_id), ("统一社会信用代码", told.uscc or "—"), ("乡镇", told.town or "—"))
    shown = "".join(f"<dt>{k}</dt><dd>{html.escape(v)}</dd>" for k, v in lines)
    page = f'<!doctype html><html lang="zh"><meta charset="utf-8"><title>{html.escape(told.name)}</title>'
    page += f"<h1>{html.escape(told.name)}</h1><dl>{shown}</dl></html>"
    return HTMLResponse(page, headers={"Content-Security-Policy": "default-src 'none'"})
