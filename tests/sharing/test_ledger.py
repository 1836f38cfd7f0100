"""The ledger only grows, and a change of any byte of it is found, here and offline."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from hub.cli import cli
from hub.errors import FormatError
from hub.sharing import ledger
from hub.sharing.ledger import GENESIS, Head, Line, chain_problems, line_hash, parse_line, read_lines


def fill(engine: Engine, count: int = 5) -> list[Line]:
    for i in range(count):
        with engine.begin() as connection:
            ledger.record(connection, "downloaded", "tax", "wang", None, {"copy": f"1-{i}", "rows": i, "title": "名录"})
    with engine.connect() as connection:
        return list(read_lines(connection))


def test_lines_are_numbered_without_gaps_and_chained(engine: Engine) -> None:
    lines = fill(engine)
    assert [line.seq for line in lines] == [1, 2, 3, 4, 5]
    assert [line.previous_hash for line in lines] == [GENESIS, *(line.hash for line in lines[:-1])]
    with engine.connect() as connection:
        assert ledger.verify(connection) == []
        assert ledger.head(connection) == Head(5, lines[-1].hash)


def test_a_rolled_back_line_leaves_no_gap(engine: Engine) -> None:
    fill(engine, 1)
    with engine.connect() as connection:
        ledger.record(connection, "downloaded", "tax", "wang")
        connection.rollback()
    assert [line.seq for line in fill(engine, 1)] == [1, 2]


def test_many_writers_at_once_make_one_chain(engine: Engine) -> None:
    threads = [threading.Thread(target=fill, args=(engine, 5)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with engine.connect() as connection:
        assert ledger.verify(connection) == []
        assert ledger.head(connection).seq == 20


@pytest.mark.parametrize("statement", ["update ledger set person = 'x'", "delete from ledger", "truncate ledger"])
def test_the_database_refuses_to_change_or_remove_lines(engine: Engine, statement: str) -> None:
    fill(engine, 2)
    with pytest.raises(DBAPIError, match="append only"), engine.begin() as connection:
        connection.execute(text(statement))


@pytest.mark.parametrize(
    "tampering",
    [
        "update ledger set person = 'x' where seq = 3",
        "update ledger set department = 'water' where seq = 1",
        "update ledger set event = 'refused' where seq = 5",
        "update ledger set at = at + interval '1 microsecond' where seq = 2",
        """update ledger set details = jsonb_set(details, '{rows}', '99') where seq = 4""",
        "update ledger set previous_hash = hash where seq = 2",
        "update ledger set hash = reverse(hash) where seq = 5",
        "delete from ledger where seq = 3",
        "delete from ledger where seq = 1",
        "update ledger set seq = seq + 10 where seq = 5",
    ],
)
def test_what_was_tampered_with_behind_the_triggers_is_found(engine: Engine, tampering: str) -> None:
    fill(engine)
    with engine.begin() as connection:
        connection.execute(text("alter table ledger disable trigger user"))
        connection.execute(text(tampering))
        connection.execute(text("alter table ledger enable trigger user"))
    with engine.connect() as connection:
        assert ledger.verify(connection)


def test_cutting_off_the_end_or_rewriting_all_is_found_by_a_head_kept_elsewhere(engine: Engine) -> None:
    lines = fill(engine)
    kept = [Head(5, lines[-1].hash)]
    assert chain_problems(lines, kept) == []
    assert "截去" in chain_problems(lines[:4], kept)[0]
    rewritten: list[Line] = []
    previous = GENESIS
    for line in lines:
        content: dict[str, Any] = {
            "seq": line.seq, "at": line.at, "event": line.event, "department": "water", "person": line.person,
            "extract_id": line.extract_id, "details": line.details, "previous_hash": previous,
        }  # fmt: skip
        previous = line_hash(**content)
        rewritten.append(Line(**content, hash=previous))
    assert chain_problems(rewritten) == []
    assert "重写" in chain_problems(rewritten, kept)[0]


def _exported() -> str:
    lines, previous = [], GENESIS
    for seq in range(1, 4):
        content: dict[str, Any] = {
            "seq": seq, "at": datetime(2026, 3, 10, 2, 0, seq, 5, tzinfo=UTC), "event": "downloaded", "department": "tax",
            "person": "wang", "extract_id": seq, "details": {"rows": 12, "copy": "1-A"}, "previous_hash": previous,
        }  # fmt: skip
        previous = line_hash(**content)
        lines.append(json.dumps(Line(**content, hash=previous).as_json(), sort_keys=True))
    return "\n".join(lines)


EXPORTED = _exported()


@given(st.integers(0, len(EXPORTED) - 1), st.integers(1, 94))
@example(EXPORTED.index("5Z") + 1, 52)  # 0 for Z: a moment in no zone, which is UTC again on a machine that keeps UTC
@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_changed_character_of_an_export_is_found(place: int, shift: int) -> None:
    changed = EXPORTED[:place] + chr(33 + (ord(EXPORTED[place]) - 33 + shift) % 94) + EXPORTED[place + 1 :]
    try:
        lines = [parse_line(line) for line in changed.splitlines()]
    except FormatError:
        return
    same = [parse_line(line) for line in EXPORTED.splitlines()]
    assert chain_problems(lines) or lines == same  # what differs must differ in meaning: 1.0 and 1 are one number


def test_the_command_line_exports_checks_and_hands_over_the_head(
    engine: Engine, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(engine)
    monkeypatch.setenv("COOP_HUB_DATABASE_URL", settings.database_url.get_secret_value())
    monkeypatch.setenv("COOP_HUB_DATA", str(settings.data))
    run = CliRunner().invoke
    exported, head = tmp_path / "ledger.jsonl", tmp_path / "head.json"
    assert run(cli, ["ledger", "export", "--out", str(exported)]).exit_code == 0
    assert run(cli, ["ledger", "head", "--out", str(head)]).exit_code == 0
    assert "完整" in run(cli, ["ledger", "check", str(exported), "--head", str(head)]).output
    exported.write_text(exported.read_text(encoding="utf-8").replace("wang", "wong", 1), encoding="utf-8")
    result = run(cli, ["ledger", "check", str(exported), "--head", str(head)])
    assert result.exit_code == 1
    assert "被改动过" in result.output
    assert "下载" in run(cli, ["ledger", "list"]).output


def test_an_event_nobody_knows_is_refused(engine: Engine) -> None:
    with engine.begin() as connection, pytest.raises(ValueError, match="unknown ledger event"):
        ledger.record(connection, "stolen", "tax", "wang")
