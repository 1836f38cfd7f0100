"""A night loses nothing: every row has an account, every fault stays where it is, and running again changes nothing."""

from __future__ import annotations

import errno
import importlib
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

from hub.cli.verify import check_control_totals
from hub.settings import Settings
from tests.night.conftest import NO_REPORT, RunNight, abnormal_csv, abnormal_rows, uscc


def _states(engine: Engine) -> dict[str, str]:
    with engine.connect() as connection:
        return dict(connection.execute(text("select name, state from delivery order by delivery_id")).all())  # type: ignore[arg-type]


def _run_state(engine: Engine) -> str:
    with engine.connect() as connection:
        return str(connection.scalar(text("select state from run order by run_id desc limit 1")))


def _everything(engine: Engine) -> dict[str, list[tuple[object, ...]]]:
    """All that must be the same however often and however broken a night ran."""
    queries = {
        "rows": 'select feed, sheet, "row", part, disposition, profile_key, fields::text from source_row order by 1, 2, 3, 4',
        "links": "select l.profile_key, c.seed_profile, l.link from link l left join cooperative_id c using (coop_id) order by 1",
        "master": "select name, uscc, fields - 'coop_id' from cooperative order by name, uscc",
        "deliveries": "select feed, name, state, rows_in, rows_accepted from delivery order by 1, 2",
    }
    with engine.connect() as connection:
        return {k: [tuple(map(str, r)) for r in connection.execute(text(q))] for k, q in queries.items()}


def test_every_row_of_a_delivery_is_accounted_for(inbox: Path, run_night: RunNight, engine: Engine) -> None:
    rows = abnormal_rows(30)
    rows += [
        rows[0],
        ("", "", NO_REPORT, "2026-07-20"),
        ("云山县东河镇甲村股份经济合作社", "", NO_REPORT, "2026-07-20"),
    ]
    (inbox / "market_abnormal" / "名录.csv").write_bytes(abnormal_csv(rows))
    run_night()
    with engine.connect() as connection:
        assert connection.execute(
            text("select rows_in, rows_accepted, rows_quarantined, rows_duplicate, rows_out_of_scope from delivery")
        ).one() == (33, 30, 1, 1, 1)
        assert check_control_totals(connection) == (1, [])
        assert connection.scalar(text("select count(*) from cooperative")) == 30
        reason = connection.scalar(
            text('select message from row_reason r join source_row s using (row_id) where s."row" = 33')
        )
        assert any("\u4e00" <= c <= "\u9fff" for c in str(reason))


def test_a_second_night_of_the_same_files_changes_nothing(inbox: Path, run_night: RunNight, engine: Engine) -> None:
    (inbox / "market_abnormal" / "名录.csv").write_bytes(abnormal_csv(abnormal_rows(20)))
    run_night()
    before = _everything(engine)
    with engine.connect() as connection:
        ids = connection.execute(text("select * from link order by profile_key")).all()
        version = connection.scalar(text("select max(version) from master_version"))
    run_night()
    assert _everything(engine) == before
    with engine.connect() as connection:
        assert connection.execute(text("select * from link order by profile_key")).all() == ids
        assert connection.scalar(text("select max(version) from master_version")) == version


def test_the_same_content_under_another_name_is_not_taken_twice(
    inbox: Path, run_night: RunNight, engine: Engine
) -> None:
    content = abnormal_csv(abnormal_rows(5))
    (inbox / "market_abnormal" / "名录.csv").write_bytes(content)
    run_night()
    (inbox / "market_abnormal" / "名录（再发）.csv").write_bytes(content)
    run_night()
    assert _states(engine) == {"名录.csv": "accepted"}


@pytest.mark.parametrize("until", ["fetch", "stage", "accept", "match", "master", "publish"])
def test_a_night_cut_off_after_any_step_ends_the_same_when_run_again(
    until: str, inbox: Path, run_night: RunNight, engine: Engine
) -> None:
    (inbox / "market_abnormal" / "名录.csv").write_bytes(abnormal_csv(abnormal_rows(12)))
    run_night(until)
    run_night()
    assert _states(engine) == {"名录.csv": "accepted"}
    assert len(_everything(engine)["rows"]) == 12
    assert len(_everything(engine)["master"]) == 12
    with engine.connect() as connection:
        assert check_control_totals(connection)[1] == []


def test_a_staged_file_that_vanished_is_staged_again(
    inbox: Path, run_night: RunNight, engine: Engine, settings: Settings
) -> None:
    (inbox / "market_abnormal" / "名录.csv").write_bytes(abnormal_csv(abnormal_rows(3)))
    run_night("stage")
    for path in (settings.data / "staged").iterdir():
        path.unlink()
    run_night()
    assert _states(engine) == {"名录.csv": "accepted"}


def test_what_one_file_costs_stays_with_that_file(inbox: Path, run_night: RunNight, engine: Engine) -> None:
    folder = inbox / "market_abnormal"
    (folder / "好.csv").write_bytes(abnormal_csv(abnormal_rows(4)))
    (folder / "坏.xlsx").write_bytes(b"PK\x03\x04 this is no workbook")
    (folder / "空.csv").write_bytes(b"")
    (folder / "缺列.csv").write_bytes("企业名称,列入原因\n云山县某某专业合作社,未年报\n".encode())
    (inbox / "no_such_feed").mkdir()
    (inbox / "no_such_feed" / "x.csv").write_text("a,b\n1,2\n")
    run_night()
    assert _states(engine) == {"好.csv": "accepted", "坏.xlsx": "failed", "空.csv": "failed", "缺列.csv": "failed"}
    assert _run_state(engine) == "attention"
    with engine.connect() as connection:
        told = dict(connection.execute(text("select key, body from alert where fixed_at is null")).all())  # type: ignore[arg-type]
        assert set(told) == {
            "market_abnormal/坏.xlsx", "market_abnormal/空.csv", "market_abnormal/缺列.csv", "no_such_feed",
        }  # fmt: skip
        assert "列入日期" in told["market_abnormal/缺列.csv"]
        assert all("下一步" in body for body in told.values())
        assert connection.scalar(text("select count(*) from cooperative")) == 4


def test_an_unknown_folder_is_told_until_it_has_a_name_the_county_knows(
    inbox: Path, run_night: RunNight, engine: Engine
) -> None:
    (inbox / "tax2").mkdir()
    for still_open in (["tax2"], []):
        run_night("fetch")
        with engine.connect() as connection:
            assert list(connection.scalars(text("select key from alert where fixed_at is null"))) == still_open
        if still_open:
            (inbox / "tax2").rename(inbox / "tax_registration")


def test_an_alert_about_a_delivery_says_where_it_is_so_that_its_owner_is_told_and_the_portal_opens_it(
    inbox: Path, run_night: RunNight, engine: Engine
) -> None:
    (inbox / "market_abnormal" / "坏.csv").write_bytes(b"")
    run_night("stage")
    with engine.connect() as connection:
        details = connection.scalar(text("select details from alert where kind = 'delivery_failed'"))
        assert details == {
            "feed": "market_abnormal", "department": "market_supervision", "file": "坏.csv",
            "delivery_id": connection.scalar(text("select delivery_id from delivery")), "run_id": 1,
        }  # fmt: skip


def test_a_corrected_file_ends_the_alert_about_the_bad_one(inbox: Path, run_night: RunNight, engine: Engine) -> None:
    path = inbox / "market_abnormal" / "名录.csv"
    path.write_bytes(b"")
    run_night()
    assert _run_state(engine) == "attention"
    path.write_bytes(abnormal_csv(abnormal_rows(4)))
    run_night()
    assert _run_state(engine) == "done"


def test_a_full_list_far_shorter_than_the_last_one_waits_for_a_person(
    inbox: Path, run_night: RunNight, engine: Engine
) -> None:
    path = inbox / "market_abnormal" / "名录.csv"
    path.write_bytes(abnormal_csv(abnormal_rows(40)))
    run_night()
    path.write_bytes(abnormal_csv(abnormal_rows(20)))
    run_night()
    with engine.connect() as connection:
        held = connection.execute(text("select state, rows_in, reason from delivery order by delivery_id desc")).first()
        assert held is not None
        assert held[:2] == ("held", 20)
        assert connection.scalar(text("select count(*) from cooperative")) == 40
        assert (
            connection.scalar(text("select count(*) from alert where kind = 'delivery_held' and fixed_at is null")) == 1
        )
    assert _run_state(engine) == "attention"


def test_the_order_of_deliveries_on_one_night_does_not_matter(
    inbox: Path, run_night: RunNight, engine: Engine, settings: Settings, county: Path
) -> None:
    from hub import night as nights
    from hub.deployment import load_deployment
    from hub.intake.archive import store_file
    from hub.intake.deliveries import register_delivery

    rows = [(f"云山县{n}号批次茶叶专业合作社", uscc(n), f"P{n:03d}") for n in range(30)]
    header = "企业名称,企业证件号码,生产批次"

    def content(some: list[tuple[str, str, str]]) -> bytes:
        return "\n".join([header, *(",".join(r) for r in some), ""]).encode()

    folder = inbox / "traceability_batches"
    folder.mkdir()
    first, second = content(rows[:20]), content(rows[10:])
    (folder / "a.csv").write_bytes(first)
    (folder / "b.csv").write_bytes(second)
    run_night("accept")
    together = sorted(r[1:6] for r in _everything(engine)["rows"])
    assert sum(r[3] == "duplicate" for r in together) == 10
    with engine.begin() as connection:
        for table in ("source_row", "delivery", "profile", "connector_state"):
            connection.execute(text(f"delete from {table}"))
    night = nights.open_night(engine, settings, load_deployment(county), dagster_run_id="reversed", inbox=inbox)
    for name in ("b.csv", "a.csv"):
        file = store_file(folder / name, settings.data)
        with engine.begin() as connection:
            register_delivery(
                connection, feed="traceability_batches", department="traceability_platform", name=name, file=file,
                coverage=night.deployment.coverage_of("traceability_batches"), business_date=night.business_date,
                run_id=night.run_id,
            )  # fmt: skip
    nights.stage_deliveries(night, ["traceability_batches"])
    nights.accept_deliveries(night, ["traceability_batches"])
    assert sorted(r[1:6] for r in _everything(engine)["rows"]) == together


def test_archived_files_and_rows_that_were_tampered_with_are_found(
    inbox: Path, run_night: RunNight, engine: Engine, settings: Settings
) -> None:
    from hub.intake.archive import find_damaged_files

    (inbox / "market_abnormal" / "名录.csv").write_bytes(abnormal_csv(abnormal_rows(4)))
    run_night()
    with engine.connect() as connection:
        assert find_damaged_files(connection, settings.data) == []
        path = next(p for p in (settings.data / "archive").rglob("*") if p.is_file())
        path.chmod(0o600)
        path.write_bytes(path.read_bytes()[:-1] + b"!")
        assert len(find_damaged_files(connection, settings.data)) == 1
        path.unlink()
        assert "缺失" in find_damaged_files(connection, settings.data)[0]
    with engine.begin() as connection:
        connection.execute(text("delete from source_row where row_id = (select min(row_id) from source_row)"))
    with engine.connect() as connection:
        assert check_control_totals(connection)[1] != []


def test_a_header_confirmed_once_saves_the_file_and_every_later_one(
    inbox: Path, run_night: RunNight, engine: Engine
) -> None:
    from hub.intake.mapping import confirm_header, confirmed_headers, forget_header

    strange = "企业名称,统一社会信用代码/注册号,列入原因,何时列的"
    path = inbox / "market_abnormal" / "名录.csv"
    path.write_bytes(abnormal_csv(abnormal_rows(6), headers=strange))
    run_night()
    assert _states(engine) == {"名录.csv": "failed"}
    with engine.begin() as connection:
        again = confirm_header(
            connection,
            department="market_supervision",
            feed="market_abnormal",
            header="何时列的",
            field="listed_on",
            person="王科",
        )
        assert again == 1
    run_night()
    assert _states(engine) == {"名录.csv": "accepted"}
    path.write_bytes(abnormal_csv(abnormal_rows(7), headers=strange))
    run_night()
    with engine.begin() as connection:
        assert connection.scalar(text("select count(*) from cooperative")) == 7
        assert [c.field for c in confirmed_headers(connection)] == ["listed_on"]
        assert forget_header(connection, department="market_supervision", feed="market_abnormal", header="何时列的")


def test_a_new_or_vanished_column_is_told_and_its_end_too(inbox: Path, run_night: RunNight, engine: Engine) -> None:
    path = inbox / "market_abnormal" / "名录.csv"
    usual = "企业名称,统一社会信用代码/注册号,列入原因,列入日期"

    def open_alerts() -> list[str]:
        with engine.connect() as connection:
            return list(
                connection.scalars(text("select body from alert where kind = 'layout_changed' and fixed_at is null"))
            )

    path.write_bytes(abnormal_csv(abnormal_rows(6), headers=usual))
    run_night()
    assert open_alerts() == []
    path.write_bytes(abnormal_csv([(*r, "甲所") for r in abnormal_rows(6)], headers=f"{usual},片区网格员"))  # type: ignore[list-item]
    run_night()
    assert ["片区网格员" in body for body in open_alerts()] == [True]
    with engine.connect() as connection:
        assert connection.scalar(text("select count(*) from source_row where raw ->> '片区网格员' = '甲所'")) == 6
    path.write_bytes(abnormal_csv([(*r, "乙所") for r in abnormal_rows(6)], headers=f"{usual},片区网格员"))  # type: ignore[list-item]
    run_night()
    assert open_alerts() == []


def test_rows_that_cannot_be_used_go_back_in_the_senders_own_sheet(
    inbox: Path, run_night: RunNight, settings: Settings
) -> None:
    import openpyxl

    rows = [*abnormal_rows(30), ("云山县无日期茶叶专业合作社", "", NO_REPORT, "")]
    (inbox / "market_abnormal" / "名录.csv").write_bytes(abnormal_csv(rows))
    run_night()
    (path,) = (settings.data / "returns").rglob("*.xlsx")
    assert path.parent.name == "market_supervision"
    texts = [
        str(c.value) for sheet in openpyxl.load_workbook(path) for row in sheet.iter_rows() for c in row if c.value
    ]
    assert "云山县无日期茶叶专业合作社" in texts
    assert any("列入日期" in t and "空" in t for t in texts)


def test_another_list_of_the_same_sender_is_not_taken_for_a_truncated_one(
    inbox: Path, run_night: RunNight, engine: Engine
) -> None:
    folder = inbox / "market_abnormal"
    (folder / "列入名单20261031.csv").write_bytes(abnormal_csv(abnormal_rows(40)))
    run_night()
    (folder / "移出名单20261031.csv").write_bytes(abnormal_csv(abnormal_rows(5, start=60)))
    (folder / "列入名单20261130.csv").write_bytes(abnormal_csv(abnormal_rows(10)))
    run_night()
    assert _states(engine) == {
        "列入名单20261031.csv": "accepted", "移出名单20261031.csv": "accepted", "列入名单20261130.csv": "held",
    }  # fmt: skip


A_CELL = "农户张三"


def _stumble() -> None:
    raise OverflowError(f"cannot convert {A_CELL}")


@pytest.mark.parametrize(
    ("step", "module", "function"),
    [("reading", "hub.night.steps", "stage_delivery"), ("taking in", "hub.intake.acceptance", "_write_outcomes")],
)
def test_a_delivery_the_program_stumbles_over_costs_itself_and_is_read_again_the_next_night(
    step: str, module: str, function: str, inbox: Path, run_night: RunNight, engine: Engine,
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    folder = inbox / "market_abnormal"
    (folder / "好.csv").write_bytes(abnormal_csv(abnormal_rows(6)))
    (folder / "怪.csv").write_bytes(abnormal_csv(abnormal_rows(9)[6:]))
    real = getattr(importlib.import_module(module), function)

    def stumbling(*given: Any, **more: Any) -> Any:
        what = given[-1] if step == "taking in" else given[0]
        with engine.connect() as connection:
            name = connection.scalar(text("select name from delivery where delivery_id = :d"), {"d": what.delivery_id})
        return _stumble() if name == "怪.csv" else real(*given, **more)

    with monkeypatch.context() as patched:
        patched.setattr(f"{module}.{function}", stumbling)
        run_night()
    assert _states(engine) == {"好.csv": "accepted", "怪.csv": "received"}
    assert _run_state(engine) == "attention"
    with engine.connect() as connection:
        body = connection.scalar(text("select body from alert where kind = 'delivery_stumbled' and fixed_at is null"))
        assert connection.scalar(text("select count(*) from cooperative")) == 6
    assert "怪.csv" in str(body) and "OverflowError" in str(body) and "每夜自动再读" in str(body)
    assert "张三" not in str(body) + caplog.text
    assert "stumbled: OverflowError" in caplog.text
    run_night()
    assert _states(engine) == {"好.csv": "accepted", "怪.csv": "accepted"}
    assert _run_state(engine) == "done"
    with engine.connect() as connection:
        assert connection.scalar(text("select reason from delivery where name = '怪.csv'")) is None
        assert check_control_totals(connection)[1] == []


def test_a_full_disk_is_no_fault_of_a_delivery_and_fails_the_night(
    inbox: Path, run_night: RunNight, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    (inbox / "market_abnormal" / "名录.csv").write_bytes(abnormal_csv(abnormal_rows(3)))

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("hub.night.steps.stage_delivery", full)
        with pytest.raises(OSError, match="No space"):
            run_night()
    run_night()
    assert _states(engine) == {"名录.csv": "accepted"}
