"""The change feed of ids: whoever stored ids can follow them, and is told why."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from click.testing import CliRunner
from sqlalchemy import Engine, create_engine, text

from hub.cli import cli
from hub.cli.ids import _write_csv
from hub.errors import ConfigurationError
from hub.master.dossier import read_dossier
from hub.master.id_changes import IdChanges, id_changes, shape
from hub.matching.decisions import decide, revoke
from hub.matching.resolve import resolve
from hub.settings import Settings
from hub.store.database import database_url
from tests.master.builder import DEMO, County
from tests.matching.rows import county_deployment, uscc
from tests.matching.test_decisions import key_of

NIGHTS = [date(2026, 10, d) for d in range(1, 8)]
FORMER, RENAMED, LEDGER = "云岫县兴旺果蔬专业合作社", "云岫县兴旺果蔬种植专业合作社", "云岫县大山里蔬菜专业合作社"
OTHER = "云岫县石门茶叶专业合作社"


def night(county: County, day: date, **lists: list[dict[str, Any]]) -> None:
    """What a night does: takes lists in, links, projects."""
    county.night(day)
    for feed, rows in lists.items():
        county.deliver(feed, rows)
    resolve(county.engine, county.deployment, county.run_id)
    county.project()


def say(engine: Engine, one: str, other: str, verdict: str) -> int:
    with engine.begin() as connection:
        return decide(connection, key_of(engine, one), key_of(engine, other), verdict, person="张三", reason="核实")


@dataclass(frozen=True)
class Lived:
    """A county after six nights. `by_day`: what the feed told of what was linked anew by day, before the night."""

    engine: Engine
    url: str
    by_day: list[tuple[str, str, str | None]]


@pytest.fixture(scope="module")
def lived(server_settings: Settings, _template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lived]:
    """A co-op is renamed, one is made of two, the merger is taken back, and one is split by day."""
    url = database_url(server_settings, database="t_ids")
    admin = create_engine(database_url(server_settings, database="postgres"), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"create database t_ids template {_template}"))
    engine = create_engine(url)
    place = county_deployment(tmp_path_factory.mktemp("ids")).model_copy(update={"folder": DEMO})
    county = County(engine, deployment=place)
    first = [{"name": FORMER, "tax_number": uscc(1)}, {"name": OTHER, "tax_number": uscc(2)}]
    night(county, NIGHTS[0], tax_registration=first, demonstration=[{"name": LEDGER}])
    night(county, NIGHTS[1], tax_registration=[{"name": RENAMED, "tax_number": uscc(1)}, first[1]])
    number = say(engine, RENAMED, LEDGER, "same")
    night(county, NIGHTS[2])
    night(county, NIGHTS[3])  # nothing happens
    with engine.begin() as connection:
        revoke(connection, number, person="李四", reason="看错")
    night(county, NIGHTS[4])
    say(engine, FORMER, RENAMED, "different")
    resolve(engine, county.deployment, None)  # as the portal does, by day
    by_day = told(engine, NIGHTS[4])
    night(county, NIGHTS[5])
    yield Lived(engine, url.render_as_string(hide_password=False), by_day)
    engine.dispose()
    with admin.connect() as connection:
        connection.execute(text("drop database t_ids with (force)"))
    admin.dispose()


def told(engine: Engine, since: date | int | None, **until: Any) -> list[tuple[str, str, str | None]]:
    with engine.connect() as connection:
        return [
            (r["kind"], r["coop_id"], r["other_id"]) for r in id_changes(connection, since, **until).table.to_pylist()
        ]


def test_ids_are_told_as_new_renamed_merged_and_restored_in_the_order_it_happened(lived: Lived) -> None:
    engine = lived.engine
    everything = told(engine, None)
    kinds = [kind for kind, *_ in everything]
    assert kinds[:5] == ["new", "new", "new", "renamed", "merged"]
    assert [k for k in kinds if k != "renamed"] == ["new", "new", "new", "merged", "restored", "split"]
    (_, gone, kept), (_, back, origin) = (next(e for e in everything if e[0] == k) for k in ("merged", "restored"))
    assert (back, origin) == (gone, kept)
    assert {gone, kept} <= {i for kind, i, _ in everything if kind == "new"}
    assert told(engine, NIGHTS[0]) == everything[3:]
    assert told(engine, NIGHTS[1], until=NIGHTS[2])[0][0] == "merged"
    assert told(engine, NIGHTS[2], until=NIGHTS[3]) == []
    assert told(engine, date(2020, 1, 1)) == everything
    assert told(engine, NIGHTS[5]) == []


def test_a_rename_says_both_names_and_stands_in_the_dossier(lived: Lived) -> None:
    with lived.engine.connect() as connection:
        (rename,) = id_changes(connection, NIGHTS[0], until=NIGHTS[1]).table.to_pylist()
        timeline = read_dossier(connection, rename["coop_id"]).timeline
    assert (rename["former_name"], rename["name"], rename["night"]) == (FORMER, RENAMED, NIGHTS[1])
    assert rename["reason"] == f"名称由“{FORMER}”变为“{RENAMED}”，编号不变。"
    assert f"更名：名称由“{FORMER}”变为“{RENAMED}”" in [m.what for m in timeline if m.day == NIGHTS[1]]


def test_what_was_linked_anew_by_day_is_told_with_the_night_that_publishes_it(lived: Lived) -> None:
    assert lived.by_day == []
    assert "split" in [kind for kind, *_ in told(lived.engine, NIGHTS[4])]


def follow(leads: dict[str, str], found: IdChanges) -> None:
    """What a department does with the feed: an id it stored -> the id that leads to now."""
    for one in found.table.to_pylist():
        if one["kind"] in {"new", "split", "restored"}:
            leads[one["coop_id"]] = one["coop_id"]
        elif one["kind"] == "merged":
            leads[one["coop_id"]] = one["other_id"]


def test_a_department_that_follows_the_feed_holds_the_ids_of_now(lived: Lived) -> None:
    leads: dict[str, str] = {}
    with lived.engine.connect() as connection:
        newest = connection.execute(text("select max(version) from master_version")).scalar_one()
        for version in range(1, newest + 1):  # it asks every night
            follow(leads, id_changes(connection, version - 1 or None, until=version))
        ids = connection.execute(text("select coop_id, redirects_to from cooperative_id")).all()
    assert leads == {r.coop_id: r.redirects_to or r.coop_id for r in ids}


def test_the_command_prints_the_feed_and_writes_it_for_programs(
    lived: Lived, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COOP_HUB_DATABASE_URL", lived.url)

    def run(*words: str) -> Any:
        return CliRunner().invoke(cli, ["ids", *words, "--data", str(tmp_path)])

    shown = run("--since", "2026-10-01", "--until", "2026-10-03").output
    assert "更名 Renamed：" in shown and "合并 Merged：1" in shown and "新建" not in shown
    assert "没有变更" in run("--since", "2026-10-06").output
    out = tmp_path / "deep" / "ids.csv"
    assert "下次用 --since" in run("--since", "1", "--out", str(out)).output
    with out.open(encoding="utf-8-sig") as stream:
        rows = list(csv.DictReader(stream))
    assert list(rows[0]) == ["night", "version", "kind", "coop_id", "other_id", "name", "former_name", "reason"]
    assert all(r["reason"].endswith("。") and r["name"] for r in rows)
    out = out.with_suffix(".json")
    assert run("--since", "1", "--out", str(out)).exit_code == 0
    feed = json.loads(out.read_text(encoding="utf-8"))
    assert [{k: "" if v is None else str(v) for k, v in c.items()} for c in feed["changes"]] == rows
    assert (feed["from_version"], feed["from_night"], feed["to_night"]) == (1, "2026-10-01", "2026-10-06")
    assert run("--since", "gestern").exit_code == 2
    assert isinstance(run("--since", "1", "--out", "x.pdf").exception, ConfigurationError)


def test_a_hundred_thousand_changes_stay_in_their_order_in_the_file(tmp_path: Path) -> None:
    import pyarrow as pa

    count = 150_000
    said = {f.name: pa.nulls(count, f.type) for f in shape()} | {"coop_id": pa.array([f"C{n}" for n in range(count)])}
    changes = IdChanges(None, None, 1, NIGHTS[0], pa.table(said, schema=shape()))
    changes.write_json(tmp_path / "ids.json")
    feed = json.loads((tmp_path / "ids.json").read_text(encoding="utf-8"))
    assert [c["coop_id"] for c in feed["changes"]] == [f"C{n}" for n in range(count)]
    assert feed["from_night"] is None
    assert [f.name for f in tmp_path.iterdir()] == ["ids.json"]


def test_before_the_first_night_there_is_nothing_to_follow(engine: Engine) -> None:
    with engine.connect() as connection, pytest.raises(ConfigurationError):
        id_changes(connection, None)


def test_nothing_in_the_feed_as_csv_is_run_by_a_spreadsheet(tmp_path: Path) -> None:
    row = {
        "night": date(2026, 11, 1),
        "version": 3,
        "kind": "renamed",
        "coop_id": "A",
        "name": "=1+1",
        "former_name": "甲社",
        "reason": "@更名",
    }
    found = IdChanges(2, date(2026, 10, 1), 3, date(2026, 11, 1), pa.Table.from_pylist([row], shape()))
    _write_csv(found, tmp_path / "ids.csv")
    text_ = (tmp_path / "ids.csv").read_bytes().decode("utf-8")
    assert (
        text_
        == "\ufeffnight,version,kind,coop_id,other_id,name,former_name,reason\n2026-11-01,3,renamed,A,,'=1+1,甲社,'@更名\n"
    )
