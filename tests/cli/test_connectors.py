"""`coop-hub connectors`: the ways in and out, looked at with real servers on loopback."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from hub.cli import cli
from tests.connectors.http_servers import Answer, JsonServer
from tests.connectors.ssh_servers import FaultyServer, free_port


@pytest.fixture
def server(tmp_path: Path) -> Iterator[FaultyServer]:
    started = FaultyServer(tmp_path / "remote")
    (tmp_path / "remote" / "税务登记.xlsx").write_bytes(b"x")
    yield started
    started.stop()


@pytest.fixture
def interface() -> Iterator[JsonServer]:
    started = JsonServer(lambda _: Answer({"code": 200, "data": [{"name": "甲", "batch": "1"}]}))
    yield started
    started.stop()


@pytest.fixture
def county(tmp_path: Path, server: FaultyServer, interface: JsonServer, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three feeds by three ways, all of which work, and a server extracts are pushed to."""
    monkeypatch.setenv("SFTP_PASSWORD", FaultyServer.password)
    monkeypatch.setenv("API_TOKEN", "token-of-the-test")
    folder = tmp_path / "county"
    folder.mkdir()
    (folder / "county.yaml").write_text("name: 云山县\ncode: '339199'\n", "utf-8")
    push = {k: v for k, v in server.options().items() if k != "settle"}
    (folder / "deliveries_out.yaml").write_text(yaml.safe_dump({"targets": {"tax": push}}), "utf-8")
    (tmp_path / "var" / "inbox" / "water").mkdir(parents=True)
    declare(folder, server=server, interface=interface)
    return folder


def declare(folder: Path, *, server: FaultyServer, interface: JsonServer, **changed: dict[str, Any]) -> None:
    """Writes feeds.yaml; `changed` holds other options for a feed's connector."""
    ways: dict[str, dict[str, Any]] = {
        "water": {"kind": "folder"},
        "tax_registration": {"kind": "sftp", **server.options()},
        "traceability_batches": {"kind": "http", "url": interface.url, "token_env": "API_TOKEN", "records": "data"},
    }
    feeds = [{"feed": f, "connector": {**way, **changed.get(f, {})}} for f, way in ways.items()]
    (folder / "feeds.yaml").write_text(yaml.safe_dump({"feeds": feeds}), "utf-8")


def run(county: Path, *arguments: str) -> Result:
    """The command; an error comes out as it is."""
    place = ["--deployment", str(county), "--data", str(county.parent / "var")]
    result = CliRunner().invoke(cli, ["connectors", *arguments, *place])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_the_list_tells_where_each_feed_comes_from_and_reaches_out_to_nobody(
    county: Path, server: FaultyServer, interface: JsonServer
) -> None:
    shown = run(county, "list").output
    assert f"coop@127.0.0.1:{server.port} /" in shown
    assert interface.url in shown
    assert str(county.parent / "var" / "inbox" / "water") in shown
    assert server.connections == 0
    assert interface.asked == []


def test_all_ways_that_work_end_with_zero(county: Path) -> None:
    result = run(county, "check")
    assert result.exit_code == 0, result.output
    assert "✗" not in result.output
    assert "主机密钥相符" in result.output
    assert "接口可用" in result.output
    assert "共 4 条连接，4 条可用。" in result.output


def test_the_server_extracts_are_pushed_to_is_checked_with_the_others(county: Path) -> None:
    told = {(r["direction"], r["name"]): r for r in json.loads(run(county, "check", "--json").output)}
    assert told["out", "tax"]["fault"] == ""
    assert told["out", "tax"]["seen"].startswith("已登录")


@pytest.mark.parametrize(
    ("feed", "options", "fault", "words"),
    [
        ("water", {"path": "nowhere"}, "配置", "不存在"),
        ("water", {"pathh": "x"}, "配置", "没有这个选项"),
        ("tax_registration", {"password_env": "NOT_SET"}, "配置", "NOT_SET"),
        ("tax_registration", {"host_key_sha256": "SHA256:" + "A" * 43}, "主机密钥", "下一步"),
        ("traceability_batches", {"records": "data.nothing"}, "格式", "下一步"),
    ],
)
def test_a_fault_is_named_with_what_to_do_next(
    county: Path,
    server: FaultyServer,
    interface: JsonServer,
    feed: str,
    options: dict[str, Any],
    fault: str,
    words: str,
) -> None:
    declare(county, server=server, interface=interface, **{feed: options})
    result = run(county, "check")
    assert result.exit_code == 1, result.output
    told = {r["name"]: r for r in json.loads(run(county, "check", feed, "--json").output)}
    assert told[feed]["fault"] == fault
    assert told[feed]["next_step"]
    assert words in result.output
    assert "3 条可用，1 条不可用。" in result.output
    assert "token-of-the-test" not in result.output
    assert FaultyServer.password not in result.output


def test_a_directory_that_may_not_be_listed_is_a_fault(county: Path, server: FaultyServer) -> None:
    server.refuse_list = True
    result = run(county, "check", "tax_registration")
    assert (result.exit_code, "配置：" in result.output, "权限" in result.output) == (1, True, True)


def test_a_wrong_password_is_a_fault_of_login(county: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SFTP_PASSWORD", "wrong")
    result = run(county, "check", "tax_registration")
    assert (result.exit_code, "登录：" in result.output) == (1, True)
    assert "wrong" not in result.output


def test_faults_that_may_pass_end_with_three(county: Path, server: FaultyServer, interface: JsonServer) -> None:
    nobody = {"port": free_port(), "retries": 0}
    declare(county, server=server, interface=interface, tax_registration=nobody)
    result = run(county, "check", "tax_registration", "water")
    assert result.exit_code == 3, result.output
    assert "暂时：" in result.output


def test_only_named_feeds_are_looked_at(county: Path, server: FaultyServer) -> None:
    result = run(county, "check", "water")
    assert "共 1 条连接，1 条可用。" in result.output
    assert server.connections == 0


def test_what_lies_at_the_source_is_shown_wanted_or_not(county: Path) -> None:
    assert "税务登记.xlsx" in run(county, "discover", "tax_registration").output
    assert {d["name"] for d in json.loads(run(county, "discover", "traceability_batches", "--json").output)} >= {
        "name",
        "batch",
    }
    assert "什么也没有" in run(county, "discover", "water").output


def test_an_unknown_feed_is_one_sentence(county: Path) -> None:
    from hub.errors import ConfigurationError

    with pytest.raises(ConfigurationError, match="connectors list"):
        run(county, "check", "nothing")
