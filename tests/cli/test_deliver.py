"""`coop-hub deliver`: files handed in by a person are there for the next night, and a file that cannot be taken says why."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import Engine, text

from hub import night as nights
from hub.cli import cli
from hub.deployment import load_deployment
from hub.errors import ConfigurationError, FormatError
from hub.settings import Settings
from tests.night.conftest import abnormal_csv, abnormal_rows

FEED = "market_abnormal"


@pytest.fixture
def county(tmp_path: Path, engine: Engine, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Path:
    assert settings.database_url is not None
    monkeypatch.setenv("COOP_HUB_DATABASE_URL", settings.database_url.get_secret_value())
    folder = tmp_path / "county"
    folder.mkdir()
    (folder / "county.yaml").write_text("name: 云山县\ncode: '339199'\n", "utf-8")
    (folder / "feeds.yaml").write_text(
        f"feeds:\n- feed: {FEED}\n  connector: {{kind: folder, if_missing: empty}}\n", "utf-8"
    )
    return folder


@pytest.fixture
def listed(tmp_path: Path) -> list[Path]:
    """Two lists with rows of their own."""
    paths = [tmp_path / "列入名单.csv", tmp_path / "移出名单.csv"]
    paths[0].write_bytes(abnormal_csv(abnormal_rows(4)))
    paths[1].write_bytes(abnormal_csv(abnormal_rows(3, start=10)))
    return paths


def deliver(county: Path, settings: Settings, *arguments: object) -> Result:
    """The command; an error comes out as it is."""
    place = ["--deployment", str(county), "--data", str(settings.data)]
    result = CliRunner().invoke(cli, ["deliver", *map(str, arguments), *place])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def taken(engine: Engine) -> list[tuple[str, str, str, int]]:
    with engine.connect() as connection:
        query = "select name, department, state, rows_accepted from delivery order by delivery_id"
        return [tuple(r) for r in connection.execute(text(query))]


def run_night(county: Path, engine: Engine, settings: Settings) -> None:
    night = nights.open_night(engine, settings, load_deployment(county), dagster_run_id=None)
    for step in (nights.fetch_deliveries, nights.stage_deliveries, nights.accept_deliveries):
        step(night, [FEED])


def test_the_rows_of_several_files_arrive_with_the_next_night(
    county: Path, engine: Engine, settings: Settings, listed: list[Path]
) -> None:
    result = deliver(county, settings, FEED, *listed)
    assert result.exit_code == 0
    assert result.output.count("已收") == 2
    assert "列入名单.csv（来件 1）" in result.output
    assert "下一步" in result.output
    assert [state for _, _, state, _ in taken(engine)] == ["received", "received"]
    run_night(county, engine, settings)
    assert taken(engine) == [
        ("列入名单.csv", "market_supervision", "accepted", 4), ("移出名单.csv", "market_supervision", "accepted", 3),
    ]  # fmt: skip


def test_a_file_handed_in_twice_is_taken_once_whatever_it_is_called_and_the_command_says_so(
    county: Path, engine: Engine, settings: Settings, listed: list[Path], tmp_path: Path
) -> None:
    deliver(county, settings, FEED, listed[0])
    run_night(county, engine, settings)
    again = tmp_path / "名单（再发）.csv"
    again.write_bytes(listed[0].read_bytes())
    told = deliver(county, settings, FEED, again).output
    assert "未重复收：名单（再发）.csv（来件 1）" in told
    run_night(county, engine, settings)
    assert len(taken(engine)) == 1


def test_a_feed_that_does_not_exist_takes_nothing_and_names_those_that_do(
    county: Path, engine: Engine, settings: Settings, listed: list[Path]
) -> None:
    for feed in ("market_abnormall", "water"):  # unknown anywhere; known, but not switched on here
        with pytest.raises(ConfigurationError) as raised:
            deliver(county, settings, feed, listed[0])
        assert FEED in str(raised.value)
    assert taken(engine) == []


def test_one_missing_or_empty_file_is_named_and_none_of_the_command_is_taken(
    county: Path, engine: Engine, settings: Settings, listed: list[Path], tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError, match=r"没有\.csv：文件不存在"):
        deliver(county, settings, FEED, listed[0], tmp_path / "没有.csv")
    (tmp_path / "空.csv").write_bytes(b"")
    with pytest.raises(FormatError, match=r"空\.csv：文件是空的"):
        deliver(county, settings, FEED, listed[0], tmp_path / "空.csv")
    assert taken(engine) == []


def test_the_command_without_a_file_is_a_mistake_in_its_use(county: Path, settings: Settings) -> None:
    assert deliver(county, settings, FEED).exit_code == 2
