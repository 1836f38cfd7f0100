"""The portal as people meet it: a real server on loopback, real accounts, a county with something in it."""

from __future__ import annotations

import hashlib
import re
import shutil
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
import yaml
from argon2 import PasswordHasher
from sqlalchemy import Engine, create_engine, insert, text, update

from hub.deployment import Deployment, load_deployment
from hub.portal import people
from hub.portal.app import build_app
from hub.settings import REPOSITORY, Settings, load_settings
from hub.store.database import database_url
from hub.store.tables.intake import archived_file, check_result, delivery, row_reason, run, source_row
from hub.store.tables.master import master_version
from hub.store.tables.portal import person
from hub.store.tables.sharing import extract

PASSWORD = "Qing-he-2026"
SHIPPED_HASHER = people._hasher
_QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
_HASH: dict[str, str] = {}


@dataclass
class Portal:
    """A running portal and ways in."""

    url: str
    engine: Engine
    settings: Settings
    deployment: Deployment
    clients: list[httpx.Client] = field(default_factory=list)

    def browser(self, **more: Any) -> httpx.Client:
        client = httpx.Client(base_url=self.url, timeout=30, **more)
        self.clients.append(client)
        return client

    def add(self, account: str, department: str, role: str, *, password: str = PASSWORD) -> str:
        with self.engine.begin() as connection:
            people.add_person(
                connection, self.deployment, account=account, name=f"{account}演示", department=department, role=role,
                by="test",
            )  # fmt: skip
            if password not in _HASH:
                _HASH[password] = people.hash_password(password)
            connection.execute(
                update(person)
                .where(person.c.account == account)
                .values(password_hash=_HASH[password], must_change_password=False)
            )
        return account

    def enter(self, account: str, password: str = PASSWORD) -> httpx.Client:
        """A browser that is logged in."""
        client = self.browser()
        answer = client.post("/login", data={"account": account, "password": password})
        assert answer.status_code == 303, answer.text
        return client

    def as_role(self, role: str) -> httpx.Client:
        departments = {"staff": "tax", "office": "agriculture", "operator": "agriculture", "auditor": "agriculture"}
        return self.enter(self.add(f"the-{role}", departments[role], role))


def proof(client: httpx.Client, path: str = "/password") -> str:
    """The form token of a page."""
    found = re.search(r'name="proof" value="([0-9a-f]{64})"', client.get(path).text)
    assert found
    return found[1]


@pytest.fixture(scope="session", autouse=True)
def _quick_hashes() -> Iterator[None]:
    """Hundreds of accounts and logins, a tenth of a second each with the parameters we ship."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(people, "_hasher", lambda: _QUICK)
        yield


@pytest.fixture
def county() -> Deployment:
    return load_deployment(Path(REPOSITORY / "deployments" / "demo"))


@pytest.fixture
def serve() -> Iterator[Callable[[Any], str]]:
    """Runs an application on loopback; returns its address. Stops when the test ends."""
    running: list[tuple[uvicorn.Server, threading.Thread]] = []

    def start(app: Any) -> str:
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        running.append((server, thread))
        return f"http://127.0.0.1:{port}"

    yield start
    for server, thread in running:
        server.should_exit = True
        thread.join(20)


@pytest.fixture
def portal(engine: Engine, settings: Settings, county: Deployment, serve: Callable[[Any], str]) -> Iterator[Portal]:
    running = Portal(serve(build_app(engine, settings, county)), engine, settings, county)
    yield running
    for client in running.clients:
        client.close()


@pytest.fixture(scope="session")
def _lived(server_settings: Settings, _template: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """A database and a data folder with two nights of a small demo county in them, to be copied."""
    from hub import night as steps
    from hub.demo import write_night
    from hub.night.context import open_night

    data = tmp_path_factory.mktemp("lived")
    admin = create_engine(database_url(server_settings, database="postgres"), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"create database lived_hub template {_template}"))
    admin.dispose()
    url = database_url(server_settings, database="lived_hub")
    engine = create_engine(url)
    shutil.copytree(REPOSITORY / "deployments" / "demo", data / "county")
    facts = yaml.safe_load((data / "county" / "county.yaml").read_text(encoding="utf-8"))
    facts["towns"] = facts["towns"][:2]  # every town more is six extracts more
    (data / "county" / "county.yaml").write_text(yaml.safe_dump(facts, allow_unicode=True), encoding="utf-8")
    for department in ("development_reform", "finance_bureau", "finance_institutions", "supply_marketing", "water"):
        (data / "county" / "agreements" / f"{department}.yaml").unlink()  # like forestry's, which stays
    demo = load_deployment(data / "county")
    for number in (1, 2):
        written = write_night(data / "inbox", night=number, cooperatives=60, county=demo.county)
        if number == 1:  # a report without a name: a row that goes back
            (data / "inbox" / "complaints" / "补充登记.csv").write_text(
                "被举报单位,举报内容,登记日期\n云岫县无名专业合作社,长期无人,2026-10-01\n,冒用他人名义,2026-10-02\n",
                encoding="utf-8",
            )
        settings = load_settings(
            data=data, database_url=url.render_as_string(hide_password=False), today=written.business_date.isoformat()
        )
        night = open_night(engine, settings, demo, dagster_run_id=None, inbox=data / "inbox")
        feeds = [f.feed for f in demo.feeds]
        steps.fetch_deliveries(night, feeds)
        steps.stage_deliveries(night, feeds)
        steps.accept_deliveries(night, feeds)
        steps.link_profiles(night)
        steps.project_master(night)
        steps.publish_extracts(night)
        steps.check_the_house(night)
        steps.close_night(night)
    engine.dispose()
    return "lived_hub", data


@pytest.fixture
def lived(
    server_settings: Settings, _lived: tuple[str, Path], tmp_path: Path, serve: Callable[[Any], str]
) -> Iterator[Portal]:
    """A portal of the demo county after two nights, this test's own to change."""
    template, data = _lived
    name = f"t{uuid.uuid4().hex[:12]}"
    admin = create_engine(database_url(server_settings, database="postgres"), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"create database {name} template {template} strategy file_copy"))
    url = database_url(server_settings, database=name)
    shutil.copytree(data, tmp_path / "var", ignore=shutil.ignore_patterns("inbox", "scratch", "county"))
    settings = load_settings(
        data=tmp_path / "var", database_url=url.render_as_string(hide_password=False), today="2026-11-30"
    )
    engine = create_engine(url)
    demo = load_deployment(data / "county")
    running = Portal(serve(build_app(engine, settings, demo)), engine, settings, demo)
    yield running
    for client in running.clients:
        client.close()
    engine.dispose()
    with admin.connect() as connection:
        connection.execute(text(f"drop database {name} with (force)"))
    admin.dispose()


def publish(
    engine: Engine, settings: Settings, department: str, title: str = "经营异常名录", content: bytes = b"name\r\n"
) -> int:
    """An extract for a department, with its file in the data folder; returns its id."""
    with engine.begin() as connection:
        version = connection.execute(
            insert(master_version)
            .values(business_date=date(2026, 10, 1), digest="d")
            .returning(master_version.c.version)
        ).scalar_one()
        path = Path("extracts") / department / f"{title}-{version}.csv"
        (settings.data / path).parent.mkdir(parents=True, exist_ok=True)
        (settings.data / path).write_bytes(content)
        entry = {
            "format": "csv", "path": str(path), "size": len(content),
            "sha256": hashlib.sha256(content).hexdigest(), "sm3": "0", "given": True,
        }  # fmt: skip
        return int(
            connection.execute(
                insert(extract)
                .values(
                    agreement=f"{department}_abnormal", agreement_version=1, department=department,
                    master_version=version, business_date=date(2026, 10, 1), title=title, rows=120,
                    dataset="abnormal_decisions", dataset_title="经营异常名录", rows_sm3="d", rows_digest="d", confirmed_version=version,
                    confirmed_on=date(2026, 10, 1), fields=[{"name": "name", "title": "名称", "mask": "none"}], files=[entry], changes={"added": 3, "changed": 2, "gone": 1},
                )
                .returning(extract.c.extract_id)
            ).scalar_one()
        )  # fmt: skip


def deliver(
    engine: Engine, department: str, feed: str, name: str, state: str = "accepted", quarantined: int = 2
) -> int:
    """A delivery with a check, and as many rows sent back as told; returns its id."""
    sha = hashlib.sha256(f"{feed}{name}".encode()).hexdigest()
    with engine.begin() as connection:
        night = connection.execute(
            insert(run)
            .values(kind="nightly", business_date=date(2026, 10, 1), state="done",
                    steps=[{"step": "intake", "seconds": 3.2}, {"step": "matching", "seconds": 1.1}])
            .returning(run.c.run_id)
        ).scalar_one()  # fmt: skip
        connection.execute(insert(archived_file).values(sha256=sha, sm3=sha, size=2048, path=f"archive/{sha}"))
        number = connection.execute(
            insert(delivery)
            .values(
                feed=feed, department=department, name=name, sha256=sha, run_id=night, as_of=date(2026, 9, 30),
                coverage="full", state=state, rows_in=100 + quarantined, rows_accepted=90, rows_quarantined=quarantined,
                rows_duplicate=6, rows_out_of_scope=4,
                reason="本次 102 行，上次 240 行，不到八成。" if state == "held" else None,
            )
            .returning(delivery.c.delivery_id)
        ).scalar_one()  # fmt: skip
        connection.execute(
            insert(check_result).values(
                delivery_id=number, rule="filled", severity="row", passed=False, rows_failed=quarantined,
                message="“列入日期”不能为空",
            )
        )  # fmt: skip
        for n in range(quarantined):
            row_id = connection.execute(
                insert(source_row)
                .values(
                    delivery_id=number,
                    feed=feed,
                    sheet="Sheet1",
                    row=5 + n,
                    content_key=f"{n:032d}",
                    disposition="quarantined",
                    fields={},
                    raw={},
                )
                .returning(source_row.c.row_id)
            ).scalar_one()
            connection.execute(
                insert(row_reason).values(
                    row_id=row_id, seq=0, rule="filled", column="列入日期", message="这一格是空的，请补填日期。"
                )
            )
    return int(number)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Two whole nights are lived through before the first of these tests: on a busy machine that takes minutes."""
    for item in items:
        if "lived" in getattr(item, "fixturenames", ()) and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(1200))
