"""What the reconciliation service answers: its manifest, the candidates of a query, suggestions, properties, a page to look at.
Every handler takes the service, the request's parameters and the service's address.
"""

from __future__ import annotations

import html
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse

from hub.deployment import Deployment
from hub.matching.answers import Answer, Candidate, KnownCooperative, Verdict, evidence_features
from hub.matching.known import KnownCooperatives
from hub.matching.own_list import match_cells, shown_confidence
from hub.matching.read_known import read_known, state_of
from hub.matching.reconciliation_queries import (
    MOST_CHARACTERS,
    QUERY_PROPERTIES,
    TYPE,
    BadRequestError,
    Query,
    parsed_object,
    query_of,
    sound_text,
    text_of,
)

if TYPE_CHECKING:
    import pyarrow as pa

MOST_QUERIES = 200  # of a batch; OpenRefine sends ten at a time
MOST_IDS = 1000  # of an extension request
# What a department may fetch of a cooperative it has matched: public facts only.
PROPERTIES: dict[str, str] = {
    "name": "总表名称 name",
    "uscc": "统一社会信用代码 USCC",
    "town": "乡镇 township",
    "coop_id": "合作社编号 coop_id",
}


class Service:
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


def reconcile(service: Service, given: dict[str, str], base: str) -> Any:
    """Candidates for a batch of queries, properties of known ids, or the manifest, by what is asked."""
    if "queries" in given:
        return _batch(service.known(), parsed_object(given["queries"], "queries"))
    if "extend" in given:
        return _extend(service.known(), parsed_object(given["extend"], "extend"))
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
        # of the 1.0 draft what 0.2 has no word for: scores run from 0 to 100, texts are Chinese
        "standardizedScore": True,
        "lang": "zh-CN",
        "dir": "ltr",
    }


def _batch(known: KnownCooperatives, queries: dict[str, Any]) -> dict[str, Any]:
    import pyarrow as pa

    if len(queries) > MOST_QUERIES:
        raise BadRequestError(f"一批最多 {MOST_QUERIES} 条。At most {MOST_QUERIES} queries a batch.")
    asked = {name: query_of(name, query) for name, query in queries.items()}
    fields = sorted({f for q in asked.values() for f in q.cells})
    cells: dict[str, pa.Array] = {f: pa.array([q.cells.get(f) for q in asked.values()], pa.string()) for f in fields}
    answers = match_cells(cells, len(asked), known) if fields else [None] * len(asked)
    return {
        sound_text(name): {"result": _results(known, query, answer)}
        for (name, query), answer in zip(asked.items(), answers, strict=True)
    }


def _results(known: KnownCooperatives, query: Query, answer: Answer | None) -> list[dict[str, Any]]:
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


def suggest_entity(service: Service, given: dict[str, str], _base: str) -> Any:
    """Cooperatives whose name, code or id holds the prefix, ten at a time from `cursor`."""
    wanted = text_of(given.get("prefix", ""), "prefix").casefold()
    cursor = given.get("cursor", "0")
    if not cursor.isascii() or not cursor.isdigit() or len(cursor) > 9:
        raise BadRequestError("cursor 应是数。cursor must be a number.")
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


def suggest_property(_service: Service, given: dict[str, str], _base: str) -> Any:
    """What a query may tell besides the name."""
    wanted = text_of(given.get("prefix", ""), "prefix").casefold()
    return {
        "result": [
            {"id": pid, "name": title}
            for pid, (title, _) in QUERY_PROPERTIES.items()
            if wanted in f"{pid} {title}".casefold()
        ]
    }


def propose_properties(_service: Service, given: dict[str, str], _base: str) -> Any:
    """What may be fetched of a cooperative."""
    found = {"properties": [{"id": pid, "name": title} for pid, title in PROPERTIES.items()]}
    return {"type": given["type"][:MOST_CHARACTERS], **found} if "type" in given else found


def _extend(known: KnownCooperatives, asked: dict[str, Any]) -> dict[str, Any]:
    ids, properties = asked.get("ids"), asked.get("properties")
    if not isinstance(ids, list) or not all(isinstance(i, str) for i in ids) or len(ids) > MOST_IDS:
        raise BadRequestError(f"extend.ids 应是编号列表，最多 {MOST_IDS} 个。")
    if not isinstance(properties, list) or not all(
        isinstance(p, dict) and isinstance(p.get("id"), str) for p in properties
    ):
        raise BadRequestError("extend.properties 应是对象列表，每项有 id。")
    wanted = [p["id"] for p in properties]
    if unknown := [p for p in wanted if p not in PROPERTIES]:
        raise BadRequestError(f"没有这些属性：{sound_text('、'.join(unknown))[:MOST_CHARACTERS]}。No such property.")
    rows: dict[str, Any] = {}
    for coop_id in ids:
        told = known.by_id(coop_id)
        values = {p: str(getattr(told, p)) for p in wanted} if told else {}
        rows[sound_text(coop_id)] = {p: [{"str": values[p]}] if values.get(p) else [] for p in wanted}
    return {"meta": [{"id": p, "name": PROPERTIES[p]} for p in wanted], "rows": rows}


def view(service: Service, given: dict[str, str], _base: str) -> Any:
    """A page with the public facts of one cooperative."""
    told = service.known().by_id(given["path:coop_id"])
    if told is None:
        raise HTTPException(404)
    lines = (("合作社编号", told.coop_id), ("统一社会信用代码", told.uscc or "—"), ("乡镇", told.town or "—"))
    shown = "".join(f"<dt>{k}</dt><dd>{html.escape(v)}</dd>" for k, v in lines)
    page = f'<!doctype html><html lang="zh"><meta charset="utf-8"><title>{html.escape(told.name)}</title>'
    page += f"<h1>{html.escape(told.name)}</h1><dl>{shown}</dl></html>"
    return HTMLResponse(page, headers={"Content-Security-Policy": "default-src 'none'"})
