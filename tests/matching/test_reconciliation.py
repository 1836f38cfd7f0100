"""The reconciliation service over real HTTP, held to the protocol's own words: the schemas here say what those of the
Reconciliation Service API 0.2 say (manifest, query batch, result batch, suggestions, data extension). They are written anew, because
the published ones are another project's; docs/reconciliation.md says against which of those the service was validated."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest
import uvicorn
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from hub.matching.reconciliation import MOST_BYTES, loopback_app, reconciliation_routes
from hub.matching.reconciliation_answers import MOST_QUERIES
from hub.matching.resolve import resolve
from tests.matching.rows import accept, county_deployment, row, uscc

TEXT, FLAG = {"type": "string"}, {"type": "boolean"}
ID_AND_NAME = {"type": "object", "properties": {"id": TEXT, "name": TEXT}, "required": ["id", "name"]}
TYPE_GIVEN = {"anyOf": [TEXT, {"type": "object", "properties": {"id": TEXT, "name": TEXT}, "required": ["id"]}]}
TEMPLATE = {"type": "object", "properties": {"url": {"type": "string", "pattern": r"\{\{id\}\}"}}, "required": ["url"]}
PLACE = {"type": "object", "properties": {"service_url": TEXT, "service_path": TEXT}}
MANIFEST = {
    "type": "object",
    "properties": {
        "versions": {"type": "array", "items": TEXT, "contains": {"const": "0.2"}},
        "name": TEXT,
        "identifierSpace": TEXT,
        "schemaSpace": TEXT,
        "defaultTypes": {"type": "array", "items": ID_AND_NAME, "uniqueItems": True},
        "view": TEMPLATE,
        "preview": {
            "allOf": [TEMPLATE],
            "properties": {"width": {"type": "integer"}, "height": {"type": "integer"}},
            "required": ["url", "width", "height"],
        },
        "suggest": {"type": "object", "properties": {"entity": PLACE, "property": PLACE, "type": PLACE}},
        "extend": {
            "type": "object",
            "properties": {"propose_properties": PLACE, "property_settings": {"type": "array"}},
        },
        "standardizedScore": FLAG,
        "lang": TEXT,
        "dir": {"enum": ["ltr", "rtl", "auto"]},
    },
    "required": ["versions", "name", "identifierSpace", "schemaSpace"],
}
VALUE = {
    "anyOf": [
        TEXT,
        {"type": "number"},
        FLAG,
        {"type": "object", "properties": {"id": TEXT, "name": TEXT}, "required": ["id"]},
    ]
}
QUERIES = {
    "type": "object",
    "additionalProperties": {
        "type": "object",
        "properties": {
            "query": TEXT,
            "type": {"anyOf": [TEXT, {"type": "array", "items": TEXT}]},
            "limit": {"type": "number"},
            "type_strict": {"enum": ["any", "should", "all"]},
            "properties": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {"pid": TEXT, "v": {"anyOf": [VALUE, {"type": "array", "items": VALUE}]}},
                    "required": ["pid", "v"],
                },
            },
        },
        "anyOf": [
            {"required": ["query"]},
            {"required": ["properties"], "properties": {"properties": {"minItems": 1}}},
        ],
        "additionalProperties": False,
    },
}
RESULTS = {
    "type": "object",
    "additionalProperties": {
        "type": "object",
        "properties": {
            "result": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        "id": TEXT,
                        "name": TEXT,
                        "description": TEXT,
                        "score": {"type": "number", "minimum": 0, "maximum": 100},
                        "match": FLAG,
                        "type": {"type": "array", "items": TYPE_GIVEN},
                        "features": {
                            "type": "array",
                            "items": {
                                "type": "object",
                                "properties": {"id": TEXT, "value": {"type": ["number", "boolean"]}},
                            },
                        },
                    },
                    "required": ["id", "name", "score"],
                },
            }
        },
        "required": ["result"],
    },
}
SUGGESTIONS = {
    "type": "object",
    "properties": {
        "result": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "id": TEXT,
                    "name": TEXT,
                    "description": TEXT,
                    "notable": {"type": "array", "items": TYPE_GIVEN},
                },
                "required": ["id", "name"],
            },
        }
    },
    "required": ["result"],
}
EXTENSION = {
    "type": "object",
    "properties": {
        "meta": {"type": "array", "items": ID_AND_NAME},
        "rows": {
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "additionalProperties": {
                    "type": "array",
                    "items": {"type": "object", "properties": {"str": TEXT}, "required": ["str"]},
                },
            },
        },
    },
    "required": ["meta", "rows"],
}

XINGWANG, SHIMEN, DAHE = "云岫县兴旺果蔬专业合作社", "云岫县石门茶叶专业合作社", "云岫县大河水稻专业合作社"
TOKEN = "token-of-this-test"


class Serving(uvicorn.Server):
    """A server in a thread, on a free port of loopback."""

    def __init__(self, app: Starlette) -> None:
        super().__init__(uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off"))
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        self.thread = threading.Thread(target=self.run, kwargs={"sockets": [self.socket]}, daemon=True)

    def __enter__(self) -> Serving:
        self.thread.start()
        deadline = time.monotonic() + 20
        while not self.started and time.monotonic() < deadline:
            time.sleep(0.02)
        assert self.started
        return self

    def __exit__(self, *_: object) -> None:
        self.should_exit = True
        self.thread.join(20)
        self.socket.close()


def fill(engine: Engine, tmp_path: Path) -> None:
    run_id = accept(
        engine,
        [
            row(XINGWANG, uscc(1), representative="王小明", town="白石镇", phone="13800010001"),
            row(SHIMEN, uscc(3), representative="赵石门", town="龙潭镇"),
            row(DAHE, uscc(4), representative="周大河", town="白石镇"),
            row(DAHE, uscc(5), representative="吴小河", town="青溪镇"),
        ],
    )
    resolve(engine, county_deployment(tmp_path), run_id)
    with engine.begin() as connection:
        version = connection.execute(
            text("insert into master_version (business_date, digest) values ('2026-11-01', 'x') returning version")
        ).scalar_one()
        connection.execute(
            text(
                "insert into cooperative (coop_id, name, uscc, town, version) select distinct on (l.coop_id) l.coop_id, "
                "p.name, p.codes[1], p.town, :v from link l join profile p using (profile_key)"
            ),
            {"v": version},
        )


@pytest.fixture
def service(engine: Engine, tmp_path: Path) -> Iterator[httpx.Client]:
    fill(engine, tmp_path)
    server = Serving(loopback_app(engine, county_deployment(tmp_path), TOKEN))
    with server, httpx.Client(base_url=f"{server.address}/{TOKEN}/reconcile", timeout=30) as client:
        yield client


def ask(client: httpx.Client, **queries: Any) -> dict[str, Any]:
    jsonschema.validate(queries, QUERIES)
    answer = client.post("", data={"queries": json.dumps(queries)})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    jsonschema.validate(found, RESULTS)
    return found


def test_the_manifest_is_what_the_protocol_asks_for(service: httpx.Client) -> None:
    manifest = service.get("").json()
    jsonschema.validate(manifest, MANIFEST)
    assert manifest["versions"] == ["0.2"]
    assert manifest["identifierSpace"] == "urn:coop-hub:339127:coop_id"
    assert "云岫县" in manifest["name"]
    assert manifest["view"]["url"].startswith(str(service.base_url).rstrip("/"))


def test_a_batch_is_answered_by_get_and_by_post_alike(service: httpx.Client) -> None:
    queries = {"q0": {"query": "兴旺果蔬合作社", "limit": 3}, "q1": {"query": "飞来峰蜂业专业合作社"}}
    posted = ask(service, **queries)
    fetched = service.get("", params={"queries": json.dumps(queries)}).json()
    assert posted == fetched
    best = posted["q0"]["result"][0]
    assert (best["name"], best["match"]) == (XINGWANG, True)
    assert best["score"] > 98
    assert best["type"] == [{"id": "cooperative", "name": "农民专业合作社 Farmers' cooperative"}]
    assert {f["id"] for f in best["features"]} >= {"confidence", "name"}
    assert posted["q1"] == {"result": []}


def test_properties_settle_what_a_name_leaves_open(service: httpx.Client) -> None:
    found = ask(
        service,
        q0={"query": "大河水稻专业合作社"},
        q1={"query": "大河水稻专业合作社", "properties": [{"pid": "uscc", "v": uscc(5)}]},
        q2={
            "query": "大河水稻专业合作社",
            "properties": [
                {"pid": "representative", "v": "吴小河"},
                {"pid": "town", "v": {"id": "t", "name": "青溪镇"}},
            ],
        },
        q3={"query": uscc(5)},
        q4={"properties": [{"pid": "社会信用代码", "v": [uscc(5), ""]}, {"pid": "P31", "v": 7}]},
        q5={"query": "大河水稻专业合作社", "type": ["cooperative"], "type_strict": "any"},
        q6={"query": "大河水稻专业合作社", "type": "Q5"},
        q7={"query": "大河水稻专业合作社", "limit": 1},
    )
    assert [r["match"] for r in found["q0"]["result"]] == [False, False]
    right = found["q1"]["result"][0]
    assert right["match"] is True
    for name in ("q2", "q3", "q4"):
        assert (found[name]["result"][0]["id"], found[name]["result"][0]["match"]) == (right["id"], True), name
    assert found["q5"] == found["q0"]
    assert found["q6"] == {"result": []}
    assert len(found["q7"]["result"]) == 1
    assert ask(service, q={"query": right["id"]})["q"]["result"][0]["id"] == right["id"]


def test_a_cell_with_a_whole_text_in_it_costs_its_own_row_and_not_the_batch(service: httpx.Client) -> None:
    """OpenRefine sends ten cells at a time and takes a 400 for no answer to any of them."""
    note = {"pid": "address", "v": "长" * 501}
    found = ask(
        service, q0={"query": "长" * 501}, q1={"query": "兴旺果蔬合作社", "properties": [note]}, q2={"query": uscc(5)}
    )
    assert found["q0"] == {"result": []}
    assert (found["q1"]["result"][0]["name"], found["q1"]["result"][0]["match"]) == (XINGWANG, True)
    assert found["q2"]["result"][0]["match"] is True


def test_no_answer_holds_a_persons_name_or_phone(service: httpx.Client) -> None:
    people = [{"pid": "representative", "v": "王小明"}, {"pid": "phone", "v": 13800010001}]
    found = ask(service, q0={"query": "兴旺果疏合作社", "properties": people})
    assert found["q0"]["result"][0]["match"] is True
    assert "王小明" not in json.dumps(found, ensure_ascii=False)
    assert "13800010001" not in json.dumps(found)


BROKEN = [
    "{",
    "[]",
    '"q0"',
    '{"q0": []}',
    '{"q0": {}}',
    '{"q0": {"query": 7}}',
    '{"q0": {"query": "x", "limit": -1}}',
    '{"q0": {"query": "x", "limit": NaN}}',
    '{"q0": {"query": "x", "limit": 1e999}}',
    '{"q0": {"query": "x", "limit": true}}',
    '{"q0": {"query": "x", "type": 7}}',
    '{"q0": {"query": "x", "type_strict": "perhaps"}}',
    '{"q0": {"query": "x", "properties": {}}}',
    '{"q0": {"query": "x", "props": [{"pid": "uscc", "v": "1"}]}}',
    '{"q0": {"query": "x", "properties": [{"pid": "uscc"}]}}',
    '{"q0": {"query": "x", "properties": [{"pid": "uscc", "v": [[]]}]}}',
    '{"q0": {"query": "\\ud800"}}',
    '{"\\ud800": {"query": "x"}}',
    json.dumps({f"q{i}": {"query": "x"} for i in range(MOST_QUERIES + 1)}),
    "[" * 50_000,
]


def test_what_breaks_the_protocol_or_a_limit_is_a_400_with_a_reason(service: httpx.Client) -> None:
    for queries in BROKEN:
        answer = service.post("", data={"queries": queries})
        assert answer.status_code == 400, queries[:80]
        assert answer.json()["message"]


def test_a_body_too_large_is_refused_and_jsonp_too(service: httpx.Client) -> None:
    assert service.post("", data={"queries": "x" * (MOST_BYTES + 10)}).status_code in (400, 413)
    answer = service.get("", params={"callback": "jsonp1"})
    assert answer.status_code == 400
    assert "JSONP" in answer.json()["message"]
    assert service.post("", files={"queries": b"{}"}).status_code == 400


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(
        st.text(max_size=5),
        st.dictionaries(
            st.sampled_from(["query", "limit", "type", "properties", "type_strict"]),
            st.recursive(
                st.none()
                | st.booleans()
                | st.integers()
                | st.floats()
                | st.text(max_size=20)
                | st.sampled_from([uscc(1), "兴旺"]),
                lambda inner: (
                    st.lists(inner, max_size=3)
                    | st.dictionaries(st.sampled_from(["pid", "v", "id", "name"]), inner, max_size=3)
                ),
                max_leaves=6,
            ),
        ),
        max_size=3,
    )
)
def test_whatever_is_asked_the_answer_is_valid_or_a_400(service: httpx.Client, queries: Any) -> None:
    answer = service.post("", data={"queries": json.dumps(queries)})
    assert answer.status_code in (200, 400)
    if answer.status_code == 200:
        jsonschema.validate(answer.json(), RESULTS)
        assert set(answer.json()) == set(queries)


def test_only_pages_of_this_machine_may_ask_unless_the_operator_names_more(engine: Engine, tmp_path: Path) -> None:
    fill(engine, tmp_path)
    app = loopback_app(engine, county_deployment(tmp_path), TOKEN, allow_origins=["http://refine.county.test"])
    with Serving(app) as server, httpx.Client(base_url=f"{server.address}/{TOKEN}/reconcile") as client:
        for origin in ("http://127.0.0.1:3333", "http://localhost:3333", "http://refine.county.test"):
            answer = client.get("", headers={"Origin": origin})
            assert answer.headers["access-control-allow-origin"] == origin
            assert "access-control-allow-credentials" not in answer.headers
            asked = client.options("", headers={"Origin": origin, "Access-Control-Request-Method": "POST"})
            assert asked.status_code == 204
            assert "POST" in asked.headers["access-control-allow-methods"]
        for origin in ("http://elsewhere.test", "null", "http://127.0.0.1.elsewhere.test", "file://", "http://[bad"):
            answer = client.get("", headers={"Origin": origin})
            assert answer.status_code == 403
            assert "access-control-allow-origin" not in answer.headers
        assert client.get("", headers={"Host": "elsewhere.test"}).status_code == 400
        assert httpx.get(f"{server.address}/reconcile").status_code == 404
        assert httpx.get(f"{server.address}/another-token/reconcile").status_code == 404


def test_suggestions_and_fetched_properties_are_what_the_protocol_asks_for(service: httpx.Client) -> None:
    found = service.get("/suggest/entity", params={"prefix": "大河"}).json()
    jsonschema.validate(found, SUGGESTIONS)
    assert [r["name"] for r in found["result"]] == [DAHE, DAHE]
    assert (
        service.get("/suggest/entity", params={"prefix": "大河", "cursor": "1"}).json()["result"] == found["result"][1:]
    )
    assert service.get("/suggest/entity", params={"prefix": "x", "cursor": "-1"}).status_code == 400
    properties = service.get("/suggest/property", params={"prefix": "信用"}).json()
    jsonschema.validate(properties, SUGGESTIONS)
    assert [r["id"] for r in properties["result"]] == ["uscc"]
    assert {"id": "uscc", "name": "统一社会信用代码 USCC"} in service.get("/extend/propose").json()["properties"]
    ids = [found["result"][0]["id"], "nobody"]
    asked = {"ids": ids, "properties": [{"id": "uscc"}, {"id": "town"}]}
    told = service.post("", data={"extend": json.dumps(asked)}).json()
    jsonschema.validate(told, EXTENSION)
    assert told["rows"][ids[0]]["uscc"][0]["str"] in (uscc(4), uscc(5))
    assert told["rows"]["nobody"] == {"uscc": [], "town": []}
    private = service.post("", data={"extend": json.dumps({"ids": ids, "properties": [{"id": "phone"}]})})
    assert private.status_code == 400


def test_a_cooperatives_page_shows_public_facts_and_runs_nothing(service: httpx.Client) -> None:
    coop_id = ask(service, q={"query": SHIMEN})["q"]["result"][0]["id"]
    page = service.get(f"/cooperative/{coop_id}")
    assert SHIMEN in page.text
    assert uscc(3) in page.text
    assert "赵石门" not in page.text
    assert page.headers["content-security-policy"] == "default-src 'none'"
    assert service.get("/cooperative/nobody").status_code == 404


def test_a_new_matching_is_seen_without_a_restart(service: httpx.Client, engine: Engine, tmp_path: Path) -> None:
    name = "云岫县飞来峰蜂业专业合作社"
    assert ask(service, q={"query": name})["q"]["result"] == []
    resolve(engine, county_deployment(tmp_path), accept(engine, [row(name, uscc(9))]))
    assert ask(service, q={"query": name})["q"]["result"][0]["match"] is True


def test_a_service_without_a_database_to_read_says_so(engine: Engine, tmp_path: Path) -> None:
    with Serving(loopback_app(engine, county_deployment(tmp_path), TOKEN)) as server:
        answer = httpx.post(f"{server.address}/{TOKEN}/reconcile", data={"queries": '{"q": {"query": "x"}}'})
    assert answer.status_code == 503
    assert "coop-hub sync" in answer.json()["message"]


def test_the_mounting_application_decides_who_may_ask(engine: Engine, tmp_path: Path) -> None:
    async def admit(request: Request) -> Response | None:
        return (
            None if request.headers.get("x-person") == "clerk" else JSONResponse({"message": "login"}, status_code=401)
        )

    fill(engine, tmp_path)
    routes = reconciliation_routes(lambda: engine, county_deployment(tmp_path), prefix="/match", admit=admit)
    with Serving(Starlette(routes=routes)) as server:
        assert httpx.get(f"{server.address}/match").status_code == 401
        assert httpx.get(f"{server.address}/match/suggest/entity?prefix=x").status_code == 401
        answer = httpx.get(f"{server.address}/match", headers={"x-person": "clerk"})
        assert answer.json()["view"]["url"] == f"{server.address}/match/cooperative/{{{{id}}}}"
