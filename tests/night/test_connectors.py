"""Nights whose feeds come by declared connectors: a server's files, a table, an interface; what they cost when they fail, and
what a kill in the middle costs (nothing)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paramiko
import pyarrow.parquet as pq
import pytest
import yaml
from sqlalchemy import Engine, create_engine, text

from hub import night as nights
from hub.alerts.compose import compose_raised
from hub.deployment import load_deployment
from hub.errors import ConfigurationError
from hub.night import Night
from hub.night.report import read_report
from hub.settings import Settings
from hub.store.database import database_url
from tests.connectors.database_scenarios import run_sql
from tests.connectors.http_servers import Answer, Asked, JsonServer
from tests.connectors.ssh_servers import FaultyServer, OpenSsh, free_port
from tests.night.conftest import NO_REPORT, abnormal_rows, run_steps, uscc

TABLE = "jyyc"


class County:
    """Three feeds by three ways, each with a real server behind it: files by SFTP, a table asked by cursor, an interface asked
    for what is new."""

    def __init__(self, folder: Path, engine: Engine, settings: Settings, files: FaultyServer) -> None:
        self.folder, self.engine, self.settings, self.files = folder, engine, settings, files
        self.registered = files.options()  # the server's key as it was when somebody wrote the deployment
        self.batches: list[dict[str, str]] = []
        self.interface = JsonServer(self._answer)
        self.front = create_engine(database_url(settings))  # the other office's table lies beside the hub's own
        columns = '"企业名称" text, "统一社会信用代码" text, "列入原因" text, "列入日期" date, gxsj timestamp'
        run_sql(self.front, f'create schema front; create table front."{TABLE}" (id serial primary key, {columns})')
        self.nights = 0
        self.declare()

    def declare(self, **changed: dict[str, Any]) -> None:
        """Writes feeds.yaml; `changed` holds other options for a feed's connector."""
        ways: dict[str, dict[str, Any]] = {
            "water": {"kind": "sftp", **self.registered, "retries": 0, "after": "archive"},
            "market_abnormal": {
                "kind": "database", "url_env": "FRONT_URL", "schema": "front", "table": TABLE, "cursor": "gxsj",
                "columns": ["企业名称", "统一社会信用代码", "列入原因", "列入日期"], "retries": 0,
            },
            "traceability_batches": {
                "kind": "http", "url": self.interface.url, "records": "data", "since_param": "since",
                "since_field": "changed_at", "retries": 0,
            },
        }  # fmt: skip
        feeds = [{"feed": f, "connector": {**way, **changed.get(f, {})}} for f, way in ways.items()]
        (self.folder / "feeds.yaml").write_text(yaml.safe_dump({"feeds": feeds}), "utf-8")

    def _answer(self, asked: Asked) -> Answer:
        return Answer({"data": [b for b in self.batches if b["changed_at"] >= asked.query.get("since", "")]})

    def put_file(self, name: str, first: int, rows: int) -> None:
        lines = [f"东河镇,云山县{n}号渠用水专业合作社,{uscc(n)}" for n in range(first, first + rows)]
        (self.files.root / name).write_text("\n".join(["乡镇,合作社名称,统一社会信用代码", *lines, ""]), "utf-8")

    def put_rows(self, first: int, rows: int, changed: str, *, reason: str = NO_REPORT) -> None:
        with self.front.begin() as connection:
            for name, code, _, day in abnormal_rows(rows, first):
                connection.execute(
                    text(f"insert into front.{TABLE} values (default, :name, :code, :reason, :day, :changed)"),
                    {"name": name, "code": code, "reason": reason, "day": day, "changed": changed},
                )

    def put_batches(self, first: int, rows: int, changed: str) -> None:
        self.batches += [
            {
                "企业名称": f"云山县{n}号茶叶专业合作社",
                "企业证件号码": uscc(n),
                "生产批次": f"P{n}",
                "changed_at": changed,
            }
            for n in range(first, first + rows)
        ]

    def night(self, *, whole: bool = False) -> Night:
        """A night over the county as it is declared now: what concerns deliveries, or all of its steps."""
        self.nights += 1
        county = load_deployment(self.folder)
        night = nights.open_night(self.engine, self.settings, county, dagster_run_id=f"night-{self.nights}")
        run_steps(night, None if whole else "accept")
        if not whole:
            nights.close_night(night)
        return night

    def deliveries(self) -> list[tuple[str, str, str, int]]:
        """(feed, coverage, state, rows) of each, in the order they came."""
        with self.engine.connect() as connection:
            query = "select feed, coverage, state, rows_accepted from delivery order by feed, delivery_id"
            return [tuple(r) for r in connection.execute(text(query))]

    def alerts(self) -> dict[tuple[str, str], str]:
        """(kind, key) -> body of what is open."""
        with self.engine.connect() as connection:
            found = connection.execute(text("select kind, key, body from alert where fixed_at is null"))
            return {(r.kind, r.key): r.body for r in found}

    def state(self, feed: str) -> dict[str, Any]:
        with self.engine.connect() as connection:
            return dict(connection.scalar(text("select state from connector_state where feed = :f"), {"f": feed}) or {})

    def run_state(self) -> str:
        with self.engine.connect() as connection:
            return str(connection.scalar(text("select state from run order by run_id desc limit 1")))


@pytest.fixture
def served(
    county: Path, engine: Engine, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[County]:
    files = FaultyServer(tmp_path / "remote")
    monkeypatch.setenv("SFTP_PASSWORD", files.password)
    monkeypatch.setenv("FRONT_URL", database_url(settings).set(drivername="postgresql").render_as_string(False))
    built = County(county, engine, settings, files)
    built.put_file("用水.csv", 1, 6)
    built.put_rows(40, 10, "2026-03-01 08:00:00")
    built.put_batches(80, 4, "2026-03-01 08:00:00")
    yield built
    built.front.dispose()
    built.interface.stop()
    files.stop()


ALL_ONCE = [
    ("market_abnormal", "increment", "accepted", 10),
    ("traceability_batches", "increment", "accepted", 4),
    ("water", "full", "accepted", 6),
]


def test_a_first_night_takes_all_a_second_takes_nothing_anew_and_a_third_only_what_is_new(served: County) -> None:
    served.night()
    assert served.deliveries() == ALL_ONCE
    assert (served.alerts(), served.run_state()) == ({}, "done")
    assert [p.name for p in served.files.root.iterdir()] == ["已接收"], "put away at the sender's"
    served.night()
    assert served.deliveries() == ALL_ONCE
    served.put_rows(60, 3, "2026-03-02 08:00:00")
    served.put_batches(90, 2, "2026-03-01 08:00:00")  # the moment of the last ones
    served.night(whole=True)
    assert served.deliveries() == [
        *ALL_ONCE[:1], ("market_abnormal", "increment", "accepted", 3),
        ALL_ONCE[1], ("traceability_batches", "increment", "accepted", 2), ALL_ONCE[2],
    ]  # fmt: skip
    with served.engine.connect() as connection:
        assert connection.scalar(text("select count(*) from cooperative")) == 25, "the rows of both windows stand"


def test_a_window_of_a_query_is_one_delivery_archived_as_parquet_with_its_rows(served: County) -> None:
    served.night()
    served.put_rows(60, 3, "2026-03-02 08:00:00")
    served.night()
    with served.engine.connect() as connection:
        query = "select path from delivery join archived_file using (sha256) where feed = 'market_abnormal' order by delivery_id"
        paths = [served.settings.data / str(p) for p in connection.scalars(text(query))]
    assert [pq.read_metadata(p).num_rows for p in paths] == [10, 3]
    assert [pq.read_table(p).column_names[-1] for p in paths] == ["gxsj", "gxsj"]


def test_a_whole_table_that_did_not_change_is_no_second_delivery_but_came_tonight_all_the_same(served: County) -> None:
    served.declare(market_abnormal={"cursor": None})
    served.night()
    served.night()
    assert served.deliveries()[0] == ("market_abnormal", "full", "accepted", 10)
    assert len(served.deliveries()) == 3
    with served.engine.connect() as connection:
        again = dict(connection.execute(text("select feed, sent_again_on from delivery")).all())  # type: ignore[arg-type]
        tonight = connection.scalar(text("select max(business_date) from run"))
    assert again == {"market_abnormal": tonight, "traceability_batches": None, "water": None}


def test_a_window_speaks_of_the_day_it_was_asked_for_and_not_of_where_it_begins(served: County) -> None:
    served.night()
    served.put_rows(40, 1, "2026-03-02 08:00:00", reason="通过登记的住所或者经营场所无法联系")
    served.night()
    with served.engine.connect() as connection:
        found = connection.execute(
            text(
                "select d.as_of = r.business_date from delivery d join run r using (run_id) where feed = 'market_abnormal'"
            )
        )
        assert [r[0] for r in found] == [True, True], (
            "a window speaks of the day it was asked for, not of where it begins"
        )


def test_a_delivery_and_how_far_its_connector_has_come_are_stored_together_or_not_at_all(
    served: County, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hub.night import fetching

    class KilledError(Exception):
        pass

    def killed(*_: Any) -> None:
        raise KilledError

    with monkeypatch.context() as patched:
        patched.setattr(fetching, "_save_connector_state", killed)
        with pytest.raises(KilledError):
            served.night()
    assert served.deliveries() == []
    assert [served.state(f) for f in ("water", "market_abnormal", "traceability_batches")] == [{}, {}, {}]
    assert (served.files.root / "用水.csv").is_file()
    served.night()
    assert served.deliveries() == ALL_ONCE


def test_files_are_put_away_at_the_senders_after_their_registration_and_by_the_next_night_when_a_kill_came_between(
    served: County, monkeypatch: pytest.MonkeyPatch
) -> None:
    from connectors.sftp import SftpConnector

    class KilledError(Exception):
        pass

    seen: list[tuple[int, bool]] = []

    def killed(self: SftpConnector, items: Any) -> None:
        with served.engine.connect() as connection:
            registered = connection.scalar(text("select count(*) from delivery where feed = 'water'"))
        seen.append((int(registered or 0), bool(served.state("water").get("taken"))))
        raise KilledError

    with monkeypatch.context() as patched:
        patched.setattr(SftpConnector, "acknowledge", killed)
        with pytest.raises(KilledError):
            served.night()
    assert seen == [(1, True)]
    assert (served.files.root / "用水.csv").is_file()
    served.night()
    assert served.deliveries() == ALL_ONCE
    assert [p.name for p in served.files.root.iterdir()] == ["已接收"]


@pytest.mark.parametrize("feed", ["water", "market_abnormal", "traceability_batches"])
def test_what_cannot_be_reached_costs_its_own_feed_tonight_and_is_told_until_it_works_again(
    feed: str, served: County, monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody: dict[str, dict[str, Any]] = {
        "water": {"port": free_port()},
        "market_abnormal": {"url_env": None, "url": f"postgresql://u@127.0.0.1:{free_port()}/d", "connect_seconds": 2},
        "traceability_batches": {"url": f"http://127.0.0.1:{free_port()}/"},
    }
    served.declare(**{feed: nobody[feed]})
    served.night()
    assert served.deliveries() == [d for d in ALL_ONCE if d[0] != feed]
    assert list(served.alerts()) == [("connector_failed", feed)]
    assert "下一步" in served.alerts()["connector_failed", feed]
    assert served.run_state() == "attention"
    served.declare()
    served.night()
    assert served.deliveries() == ALL_ONCE
    assert (served.alerts(), served.run_state()) == ({}, "done")


def test_a_changed_host_key_is_an_urgent_alert_of_its_own_with_no_second_try_until_the_registered_server_is_back(
    served: County,
) -> None:
    registered, served.files.host_key = served.files.host_key, paramiko.ECDSAKey.generate()
    served.declare(water={"retries": 5})
    night = served.night()
    assert (served.files.connections, served.files.logins) == (1, []), "one try, and no password sent"
    assert served.deliveries() == ALL_ONCE[:2], "the other feeds came"
    assert list(served.alerts()) == [("host_key_changed", "water")]
    assert served.run_state() == "attention"
    with served.engine.connect() as connection:
        row = connection.execute(text("select * from alert")).mappings().one()
    subject, mail = compose_raised(night.deployment, served.settings, row)
    assert "紧急" in subject
    assert "对方服务器身份有变，已停止连接" in subject
    assert "电话" in mail
    assert "核实前不要改" in mail
    assert "水利" in mail
    report = read_report(served.engine)
    assert report is not None
    assert any("密钥与登记的不符" in subject for subject in report.open_alerts)
    served.files.host_key = registered
    served.night()
    assert served.deliveries() == ALL_ONCE
    assert (served.alerts(), served.run_state()) == ({}, "done")


@pytest.mark.server("sshd")
def test_a_real_ssh_servers_files_come_in_and_stay_put_away(served: County, tmp_path: Path) -> None:
    sshd = OpenSsh(tmp_path / "sshd")
    try:
        outbox = tmp_path / "outbox"
        outbox.mkdir()
        (outbox / "用水.csv").write_bytes((served.files.root / "用水.csv").read_bytes())
        served.declare(
            water={**sshd.options(outbox), "password_env": None, "settle": "two_looks", "settle_seconds": 0.1}
        )
        served.night()
        served.night()
    finally:
        sshd.stop()
    assert served.deliveries() == ALL_ONCE
    assert (outbox / "已接收" / "用水.csv").is_file()
    assert served.files.connections == 0


def test_a_feed_asked_for_what_is_new_cannot_be_declared_a_full_list(served: County) -> None:
    declared = yaml.safe_load((served.folder / "feeds.yaml").read_text("utf-8"))
    for feed in declared["feeds"]:
        feed["coverage"] = "full"
    (served.folder / "feeds.yaml").write_text(yaml.safe_dump(declared), "utf-8")
    with pytest.raises(ConfigurationError) as raised:
        load_deployment(served.folder)
    assert [("market_abnormal" in p, "traceability_batches" in p) for p in raised.value.problems] == [
        (True, False), (False, True),
    ]  # fmt: skip
