"""The HTTP connector against a real server: every way of paging, waiting when asked to, and refusing what is not right."""

from __future__ import annotations

import base64
import email.utils
import json
import logging
import ssl
import subprocess
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors import Connector, open_connector
from hub.errors import AuthenticationError, ConfigurationError, FormatError, HubError, TransientError
from tests.connectors.contract_suite import FakeClock
from tests.connectors.http_servers import Answer, Asked, JsonServer

RECORDS = [{"名称": f"合作社{n}", "id": n} for n in range(7)]
Serve = Callable[..., JsonServer]


@pytest.fixture
def serve() -> Iterator[Serve]:
    started: list[JsonServer] = []

    def start(answer: Callable[[Asked], Answer]) -> JsonServer:
        started.append(JsonServer(answer))
        return started[-1]

    yield start
    for server in started:
        server.stop()


def opened(server: JsonServer | str, time: FakeClock | None = None, **options: Any) -> Connector:
    return open_connector(
        "http",
        {"url": server if isinstance(server, str) else server.url, "retry_seconds": 0.01, **options},
        feed="traceability_subjects",
        folder=Path("/nonexistent"),
        environment={"TOKEN": "s3cret-token", "PASSWORD": "密码"},
        clock=(time or FakeClock()).clock,
    )


def taken(connector: Connector, to: Path) -> list[dict[str, Any]]:
    (item,) = connector.list({}).items
    fetched = connector.fetch(item, to)
    records = [json.loads(line) for line in fetched.path.read_bytes().splitlines()]
    assert fetched.rows == len(records)
    return records


# paging


def test_pages_by_number_are_read_to_the_empty_one(serve: Serve, tmp_path: Path) -> None:
    """The server gives at most three a page, whatever was asked for: a short page is not the end."""

    def answer(asked: Asked) -> Answer:
        first = (int(asked.query["page"]) - 1) * 3
        return Answer(RECORDS[first : first + 3])

    server = serve(answer)
    with opened(server, paging="page", page_size=100, params={"区划": "331098", "x": True}) as connector:
        assert taken(connector, tmp_path / "x") == RECORDS
    assert server.asked[-1].query["page"] == "4"
    assert server.asked[0].query["区划"] == "331098"
    assert server.asked[0].query["pageSize"] == "100"


def test_pages_by_offset_go_on_behind_what_came(serve: Serve, tmp_path: Path) -> None:
    def answer(asked: Asked) -> Answer:
        first = int(asked.query["start"])
        return Answer({"rows": RECORDS[first : first + 2], "count": str(len(RECORDS))})

    server = serve(answer)
    with opened(server, paging="offset", offset_param="start", records="rows", total="count") as connector:
        assert taken(connector, tmp_path / "x") == RECORDS
    assert [a.query["start"] for a in server.asked[1:]] == ["0", "2", "4", "6"]


def test_pages_by_next_address_are_followed_on_the_same_host(serve: Serve, tmp_path: Path) -> None:
    def answer(asked: Asked) -> Answer:
        first = int(asked.query.get("from", "0"))
        following = f"/api/coops?from={first + 4}" if first + 4 < len(RECORDS) else None
        return Answer({"items": RECORDS[first : first + 4], "links": {"next": following}})

    with opened(serve(answer), paging="next", next="links.next", records="items") as connector:
        assert taken(connector, tmp_path / "x") == RECORDS


def test_pages_by_cursor_work_in_the_body_of_a_post(serve: Serve, tmp_path: Path) -> None:
    def answer(asked: Asked) -> Answer:
        body = json.loads(asked.body)
        assert body["县"] == "清禾县"
        first = int(body.get("scroll", 0))
        return Answer({"items": RECORDS[first : first + 4], "mark": first + 4 if first + 4 < len(RECORDS) else ""})

    server = serve(answer)
    with opened(
        server,
        method="POST",
        body={"县": "清禾县"},
        paging="cursor",
        cursor="mark",
        cursor_param="scroll",
        records="items",
    ) as connector:
        assert taken(connector, tmp_path / "x") == RECORDS
    assert {a.method for a in server.asked} == {"POST"}


def test_an_interface_that_ignores_the_page_is_found_out(serve: Serve, tmp_path: Path) -> None:
    with opened(serve(lambda asked: Answer(RECORDS)), paging="page") as connector:
        (item,) = connector.list({}).items
        with pytest.raises(FormatError, match="分页参数没有起作用"):
            connector.fetch(item, tmp_path / "to" / "x")
    assert list((tmp_path / "to").iterdir()) == []


def test_fewer_records_than_promised_are_not_taken(serve: Serve, tmp_path: Path) -> None:
    def answer(asked: Asked) -> Answer:
        return Answer({"rows": RECORDS if asked.query["page"] == "1" else [], "total": 9})

    with opened(serve(answer), paging="page", records="rows", total="total", retries=1) as connector:
        (item,) = connector.list({}).items
        with pytest.raises(TransientError, match="9 条，实际取到 7 条"):
            connector.fetch(item, tmp_path / "x")


def test_data_that_change_between_pages_are_asked_for_anew(serve: Serve, tmp_path: Path) -> None:
    totals = iter([7, 7, 8, *([8] * 20)])
    more = [*RECORDS, {"名称": "新社", "id": 8}]

    def answer(asked: Asked) -> Answer:
        total = next(totals)
        first = (int(asked.query["page"]) - 1) * 5
        return Answer({"rows": more[:total][first : first + 5], "total": total})

    with opened(serve(answer), paging="page", records="rows", total="total") as connector:
        assert taken(connector, tmp_path / "x") == more


def test_an_endless_interface_ends_at_the_declared_number_of_pages(serve: Serve, tmp_path: Path) -> None:
    def answer(asked: Asked) -> Answer:
        return Answer([{"id": asked.query["page"]}])

    with opened(serve(answer), paging="page", max_pages=5) as connector:
        (item,) = connector.list({}).items
        with pytest.raises(FormatError, match="超过 5 页"):
            connector.fetch(item, tmp_path / "x")


# content


def test_numbers_arrive_as_they_were_written_and_bytes_do_not_depend_on_order(serve: Serve, tmp_path: Path) -> None:
    bodies = iter(
        [
            b'[{"b": 933301980000000001, "a": 1.10}]',
            b'[{"b": 933301980000000001, "a": 1.10}]',
            b'[{"a":1.10,"b":933301980000000001}]',
        ]
    )
    with opened(serve(lambda asked: Answer(next(bodies)))) as connector:
        (item,) = connector.list({}).items
        first = connector.fetch(item, tmp_path / "1")
        second = connector.fetch(item, tmp_path / "2")
    assert first.path.read_bytes() == b'{"a":"1.10","b":933301980000000001}\n'
    assert first.sha256 == second.sha256
    assert item.name == "coops.jsonl"


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (Answer(b"<html>login</html>", kind="text/html"), "不是 JSON"),
        (Answer(b'{"rows": [', kind="application/json"), "不完整"),
        (Answer({"rows": "none"}), "不是记录列表"),
        (Answer({"rows": [1, 2]}), "不是记录列表"),
        (Answer({"data": []}), "不是记录列表"),
        (Answer(b"[" * 200_000), "不完整"),
    ],
)
def test_what_is_no_list_of_records_is_refused(serve: Serve, answer: Answer, told: str) -> None:
    with opened(serve(lambda asked: answer), records="rows") as connector, pytest.raises(FormatError, match=told):
        connector.list({})


def test_json_under_another_type_is_taken_when_declared(serve: Serve, tmp_path: Path) -> None:
    server = serve(lambda asked: Answer(RECORDS, kind="text/plain"))
    with opened(server, accept_types=["text/plain"]) as connector:
        assert taken(connector, tmp_path / "x") == RECORDS


def test_a_failure_told_inside_a_good_answer_is_noticed(serve: Serve) -> None:
    server = serve(lambda asked: Answer({"code": 401, "msg": "token expired", "data": []}))
    with opened(server, ok="code", records="data") as connector, pytest.raises(TransientError, match="code = 401"):
        connector.list({})


def test_a_page_beyond_the_limit_is_refused_while_it_comes(serve: Serve) -> None:
    import gzip

    bomb = gzip.compress(b'[{"a": "' + b"x" * (5 << 20) + b'"}]')
    server = serve(lambda asked: Answer(bomb, headers={"Content-Encoding": "gzip"}))
    with opened(server, max_mb=1) as connector, pytest.raises(FormatError, match="超过"):
        connector.list({})


# who we are


def test_the_token_goes_into_the_header_or_the_query_and_never_into_a_log(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server = serve(lambda asked: Answer(RECORDS))
    with opened(server, token_env="TOKEN") as connector:
        assert connector.check().reachable
    with opened(server, token_env="TOKEN", token_in="query", token_name="appKey") as connector:
        assert connector.check().reachable
    with opened(server, token_env="TOKEN", token_name="X-Key", token_prefix="") as connector:
        assert connector.check().reachable
    with opened(server, user="县办", password_env="PASSWORD") as connector:
        assert connector.check().reachable
    assert server.asked[0].headers["authorization"] == "Bearer s3cret-token"
    assert server.asked[1].query["appKey"] == "s3cret-token"
    assert server.asked[2].headers["x-key"] == "s3cret-token"
    assert base64.b64decode(server.asked[3].headers["authorization"].split()[1]).decode() == "县办:密码"
    assert "s3cret" not in caplog.text


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_token_is_told_once(serve: Serve, status: int) -> None:
    server = serve(lambda asked: Answer({}, status=status))
    with opened(server, token_env="TOKEN") as connector, pytest.raises(AuthenticationError) as raised:
        connector.list({})
    assert len(server.asked) == 1
    assert "s3cret" not in f"{raised.value}{raised.value.detail}"


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_to_another_host_is_refused_and_one_on_the_same_followed(
    serve: Serve, tmp_path: Path, status: int
) -> None:
    thief = serve(lambda asked: Answer(RECORDS))

    def answer(asked: Asked) -> Answer:
        if asked.path == "/moved":
            return Answer(RECORDS)
        target = thief.url if asked.query.get("to") == "away" else "/moved"
        return Answer(b"", status=status, headers={"Location": target})

    server = serve(answer)
    with opened(server, token_env="TOKEN") as connector:
        assert taken(connector, tmp_path / "x") == RECORDS
    with opened(server, token_env="TOKEN", params={"to": "away"}) as connector:
        error = connector.check().error
    assert isinstance(error, ConfigurationError)
    assert "别的主机" in error.message
    assert thief.asked == []


def test_a_next_page_on_another_host_is_refused(serve: Serve, tmp_path: Path) -> None:
    thief = serve(lambda asked: Answer(RECORDS))
    server = serve(lambda asked: Answer({"rows": RECORDS, "next": thief.url}))
    with opened(server, token_env="TOKEN", paging="next", records="rows") as connector:
        (item,) = connector.list({}).items
        with pytest.raises(ConfigurationError, match="别的主机"):
            connector.fetch(item, tmp_path / "x")
    assert thief.asked == []


def test_redirects_without_end_are_left(serve: Serve) -> None:
    server = serve(lambda asked: Answer(b"", status=302, headers={"Location": "/api/coops"}))
    with opened(server) as connector, pytest.raises(ConfigurationError, match="一直在跳转"):
        connector.list({})


def test_a_certificate_nobody_vouches_for_is_refused_and_one_of_the_closed_network_taken(tmp_path: Path) -> None:
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", str(tmp_path / "key.pem"), "-out", str(tmp_path / "cert.pem")],
        check=True,
        capture_output=True,
    )  # fmt: skip
    server = JsonServer(lambda asked: Answer(RECORDS))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    server._server.socket = context.wrap_socket(server._server.socket, server_side=True)
    url = server.url.replace("http:", "https:")
    try:
        with opened(url, token_env="TOKEN") as connector:
            error = connector.check().error
            assert isinstance(error, ConfigurationError)
            assert "证书" in error.message
        assert server.asked == []
        with opened(url, token_env="TOKEN", ca_file=str(tmp_path / "cert.pem")) as connector:
            assert connector.check().reachable
    finally:
        server.stop()


# when things go wrong


def test_a_busy_server_is_asked_again_when_it_said(serve: Serve, tmp_path: Path) -> None:
    time = FakeClock()
    answers = iter(
        [
            Answer({}, status=429, headers={"Retry-After": "7"}),
            Answer(
                {}, status=503, headers={"Retry-After": email.utils.format_datetime(time.at + timedelta(seconds=67))}
            ),
            Answer({}, status=500),
            Answer(RECORDS),
        ]
    )
    with opened(serve(lambda asked: next(answers)), time, retry_seconds=2) as connector:
        assert connector.check().reachable
    assert time.slept[0] == 7
    assert time.slept[1] == pytest.approx(60, abs=1.1)
    assert 4 <= time.slept[2] <= 8


def test_a_server_that_wants_us_to_wait_for_hours_is_left_for_tonight(serve: Serve) -> None:
    time = FakeClock()
    server = serve(lambda asked: Answer({}, status=429, headers={"Retry-After": "86400"}))
    with opened(server, time) as connector, pytest.raises(TransientError):
        connector.list({})
    assert time.slept == []


def test_a_server_that_never_recovers_is_transient_after_the_declared_tries(serve: Serve) -> None:
    server = serve(lambda asked: Answer({}, status=502))
    with opened(server, retries=2) as connector, pytest.raises(TransientError, match="502"):
        connector.list({})
    assert len(server.asked) == 3


@pytest.mark.parametrize("status", [400, 405, 422, 404, 410])
def test_a_request_it_does_not_take_is_a_matter_of_configuration(serve: Serve, status: int) -> None:
    server = serve(lambda asked: Answer({}, status=status))
    with opened(server) as connector, pytest.raises(ConfigurationError):
        connector.list({})
    assert len(server.asked) == 1


def test_a_broken_answer_is_asked_for_again(serve: Serve, tmp_path: Path) -> None:
    answers = iter([Answer(RECORDS), Answer(RECORDS, cut_at=30), Answer(RECORDS)])
    with opened(serve(lambda asked: next(answers))) as connector:
        assert taken(connector, tmp_path / "x") == RECORDS


def test_silence_and_dripping_end_in_time(serve: Serve) -> None:
    import threading

    release = threading.Event()
    server = serve(lambda asked: Answer(RECORDS, drip=lambda: release.wait(0.05)))  # type: ignore[arg-type]
    with opened(server, retries=0, page_seconds=0.3) as connector, pytest.raises(TransientError, match="规定时间"):
        connector.list({})
    with opened(server, retries=0, read_seconds=0.01) as connector, pytest.raises(TransientError, match="规定时间"):
        connector.list({})
    release.set()


def test_nothing_listening_is_transient(tmp_path: Path) -> None:
    from tests.connectors.ssh_servers import free_port

    with (
        opened(f"http://127.0.0.1:{free_port()}/", retries=0) as connector,
        pytest.raises(TransientError, match="连不上"),
    ):
        connector.list({})


# only what is new


def test_only_what_is_new_is_asked_for_and_nothing_is_taken_twice(serve: Serve, tmp_path: Path) -> None:
    records = [{"id": 1, "t": "2026-03-01 08:00:00"}, {"id": 2, "t": "2026-03-01 09:00:00"}, {"id": 3, "t": None}]
    server = serve(lambda asked: Answer(records))  # ignores the parameter altogether
    with opened(server, since_param="since", since_field="t", overlap=3600) as connector:
        (item,) = connector.list({}).items
        first = connector.fetch(item, tmp_path / "1")
        state = json.loads(json.dumps(connector.advance({}, first)))
        assert connector.list(state).items == ()
        assert server.asked[-1].query["since"] == "2026-03-01 08:00:00"
        records.append({"id": 4, "t": "2026-03-01T00:30:00Z"})  # 08:30 in the county: late, within the overlap
        (item,) = connector.list(state).items
        second = connector.fetch(item, tmp_path / "2")
    assert first.rows == 3
    assert [json.loads(line)["id"] for line in second.path.read_bytes().splitlines()] == [4]


@pytest.mark.parametrize(("kind", "values"), [("integer", [9, 10]), ("text", ["a9", "b1"])])
def test_numbers_and_texts_serve_as_marks_too(serve: Serve, tmp_path: Path, kind: str, values: list[Any]) -> None:
    records = [{"v": values[0]}]
    server = serve(lambda asked: Answer(records))
    with opened(server, since_param="since", since_field="v", since_kind=kind) as connector:
        (item,) = connector.list({}).items
        state = connector.advance({}, connector.fetch(item, tmp_path / "1"))
        records.append({"v": values[1]})
        (item,) = connector.list(json.loads(json.dumps(state))).items
        assert connector.fetch(item, tmp_path / "2").rows == 1
    assert server.asked[-1].query["since"] == str(values[0])


# declarations


def test_a_declaration_with_faults_or_secrets_is_refused() -> None:
    for options, told in (
        ({"url": "ftp://h/x"}, "http://"),
        ({"url": "https://u:hunter2@h/x"}, "不能写账号密码"),
        ({"url": "https://h/x", "headers": {"Authorization": "hunter2"}}, "token_env"),
        ({"url": "https://h/x", "headers": {"X": "a\r\nb"}}, "请求头"),
        ({"url": "https://h/x", "token": "hunter2"}, "机密不能写在部署里"),
        ({"url": "https://h/x", "token_env": "A", "token_file": "b"}, "只能写一个"),
        ({"url": "https://h/x", "user": "u"}, "一起写"),
        ({"url": "https://h/x", "since_param": "s"}, "一起写"),
        ({"url": "https://h/x", "since_param": "s", "since_field": "f", "since_kind": "text", "overlap": 1}, "overlap"),
        ({"url": "https://h:99999/x"}, "写法不对"),
    ):
        with pytest.raises(ConfigurationError) as raised:
            open_connector("http", options, feed="water", folder=Path())
        assert told in str(raised.value)
        assert "hunter2" not in str(raised.value)


def test_every_error_says_what_to_do_next(serve: Serve) -> None:
    for status in (400, 401, 404, 429, 500):
        with opened(serve(lambda asked, s=status: Answer({}, status=s)), retries=0) as connector:  # type: ignore[misc]
            with pytest.raises(HubError) as raised:
                connector.list({})
            assert raised.value.next_step
