"""Extracts pushed to a department's own SFTP server: whole, with a receipt, recorded; trouble is retried and told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from hub.errors import ConfigurationError
from hub.sharing import ledger
from hub.sharing.agreements import load_agreements
from hub.sharing.approvals import revoke_all
from hub.sharing.delivery import PushSummary, push_pending, push_targets
from hub.sharing.handover import HandedOver, hand_over_head
from hub.sharing.ledger import chain_problems, read_head
from tests.connectors.ssh_servers import FaultyServer
from tests.sharing.conftest import TODAY, County, an_agreement

Sql = Callable[..., list[tuple[Any, ...]]]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[FaultyServer]:
    faulty = FaultyServer(tmp_path / "remote")
    yield faulty
    faulty.stop()


def aim(county: County, server: FaultyServer, **more: Any) -> None:
    options = {k: v for k, v in server.options().items() if k != "settle"}
    target = {**options, "retries": 0, "receipt": "sha256", **more}
    (county.folder / "deliveries_out.yaml").write_text(yaml.safe_dump({"targets": {"tax": target}}), encoding="utf-8")


def push(county: County, server: FaultyServer) -> PushSummary:
    environment = {"SFTP_PASSWORD": server.password}
    return push_pending(county.engine, county.deployment, county.settings, today=TODAY, environment=environment)


def at_once(county: County) -> None:
    with county.engine.begin() as connection:
        connection.exec_driver_sql("update push set not_before = now()")


def test_a_pushed_extract_arrives_with_its_receipt_and_is_recorded(
    county: County, server: FaultyServer, sql: Sql
) -> None:
    aim(county, server)
    county.agree(an_agreement(delivery=["portal", "sftp"], formats=["csv", "xlsx"]))
    county.night()
    assert push(county, server) == PushSummary(sent=1)
    assert push(county, server) == PushSummary()
    arrived = sorted(p.name for p in server.root.rglob("*") if p.is_file())
    assert sorted(n.rsplit(".", 1)[1] for n in arrived) == ["csv", "sha256", "sha256", "xlsx"]
    [(details,)] = sql("select details from ledger where event = 'pushed'")
    assert set(details["files"]) == {n for n in arrived if not n.endswith(".sha256")}
    assert sql("select way, person, count(*) from extract_copy group by 1, 2") == [("sftp", "hub", 2)]


def test_trouble_is_told_retried_and_fixed(county: County, server: FaultyServer, sql: Sql) -> None:
    aim(county, server)
    county.agree(an_agreement(delivery=["sftp"], formats=["csv"]))
    county.night()
    server.stop()
    assert push(county, server) == PushSummary(postponed=1)
    assert push(county, server) == PushSummary()  # not before its time
    assert sql("select kind from alert where fixed_at is null") == [("push_failed",)]
    assert sql("select count(*) from extract_copy") == [(0,)]
    again = FaultyServer(server.root)
    try:
        aim(county, again)
        at_once(county)
        assert push(county, again) == PushSummary(sent=1)
    finally:
        again.stop()
    assert sql("select count(*) from alert where fixed_at is null") == [(0,)]
    with county.engine.connect() as connection:
        assert ledger.verify(connection) == []


def test_a_recipients_changed_host_key_is_an_urgent_alert_beside_the_failed_push_and_nothing_leaves(
    county: County, server: FaultyServer, sql: Sql
) -> None:
    import paramiko

    aim(county, server)
    county.agree(an_agreement(delivery=["sftp"], formats=["csv"]))
    county.night()
    registered, server.host_key = server.host_key, paramiko.ECDSAKey.generate()
    assert push(county, server) == PushSummary(failed=1)
    told = dict(sql("select kind, key from alert where fixed_at is null"))
    assert told == {"push_failed": "tax", "host_key_changed": "push/tax"}
    assert (server.logins, list(server.root.iterdir())) == ([], [])
    server.host_key = registered
    with county.engine.begin() as connection:  # a new extract would do the same
        connection.exec_driver_sql("update push set state = 'waiting', not_before = now()")
    assert push(county, server) == PushSummary(sent=1)
    assert sql("select kind from alert where fixed_at is null") == []


def test_what_was_revoked_meanwhile_does_not_leave(county: County, server: FaultyServer, sql: Sql) -> None:
    aim(county, server)
    county.agree(an_agreement(delivery=["sftp"], formats=["csv"]))
    county.night()
    agreement = load_agreements(county.deployment, county.source.datasets())["master_to_tax"]
    with county.engine.begin() as connection:
        revoke_all(connection, agreement, person="主任", day=TODAY, reason="停止")
    assert push(county, server) == PushSummary(failed=1)
    assert [p for p in server.root.rglob("*") if p.is_file()] == []


def test_a_department_without_a_target_is_told_and_a_wrong_target_is_a_fault(
    county: County, server: FaultyServer, sql: Sql
) -> None:
    county.agree(an_agreement(delivery=["sftp"], formats=["csv"]))
    county.night()
    assert push(county, server) == PushSummary(failed=1)
    assert "deliveries_out.yaml" in sql("select last_error || body from push, alert")[0][0] or sql(
        "select count(*) from alert"
    ) == [(1,)]
    (county.folder / "deliveries_out.yaml").write_text("targets: {nobody: {host: x}}", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="nobody"):
        push_targets(county.deployment)
    county.source.rows["cooperatives"].pop()
    county.night()
    assert push(county, server) == PushSummary(postponed=1)  # the night goes on


def test_only_the_newest_of_an_agreement_waits(county: County, server: FaultyServer, sql: Sql) -> None:
    county.agree(an_agreement(delivery=["sftp"], formats=["csv"]))
    county.night()
    county.source.rows["cooperatives"][0]["members"] = 77
    [second] = county.publish() if county.new_master() else []
    assert sql("select extract_id from push") == [(second.extract_id,)]


def test_the_departments_people_get_a_mail_that_it_is_there_without_the_data(county: County, sql: Sql) -> None:
    departments = (
        "- {id: agriculture, name: 农业农村局, kind: office}\n- {id: tax, name: 税务局, mail: [tax@example.invalid]}\n"
    )
    feeds = "- {feed: tax_registration}\n"
    (county.folder / "departments.yaml").write_text(departments, encoding="utf-8")
    (county.folder / "feeds.yaml").write_text(feeds, encoding="utf-8")
    county.agree(an_agreement(formats=["csv"]))
    [summary] = county.night()
    [(recipient, subject, body)] = sql("select recipient, subject, body from message")
    assert recipient == "tax@example.invalid"
    assert "合作社总表" in subject
    assert f"摘录 {summary.extract_id}" in body
    assert "青禾" not in body


def test_the_ledgers_head_is_laid_into_the_keepers_server_once_a_day_and_tried_again_after_trouble(
    county: County, server: FaultyServer, sql: Sql
) -> None:
    aim(county, server)
    (county.folder / "ledger_handover.yaml").write_text("{to: tax, ways: [sftp]}", encoding="utf-8")
    county.agree(an_agreement(formats=["csv"]))
    county.night()

    def hand(environment: dict[str, str]) -> HandedOver:
        handed = hand_over_head(county.engine, county.deployment, county.settings, today=TODAY, environment=environment)
        assert handed is not None
        return handed

    assert set(hand({"SFTP_PASSWORD": "wrong"}).failed) == {"sftp"}
    assert sql("select kind from alert where fixed_at is null") == [("head_not_handed",)]
    for _ in range(2):
        handed = hand({"SFTP_PASSWORD": server.password})
    assert handed.done == ("sftp",)
    assert sql("select kind from alert where fixed_at is null") == []
    [name] = list(server.root.rglob("*.json"))
    assert read_head(name) == handed.head
    with county.engine.connect() as connection:
        assert chain_problems(ledger.read_lines(connection), [read_head(name)]) == []
