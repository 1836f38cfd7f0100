"""Figures over pairs of rows, by hand and on a county."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import Engine, text

from hub.cli import cli
from hub.errors import FormatError
from hub.matching.evaluation import Judged, LinkedRow, draw_calibration, evaluate, read_truth
from hub.matching.resolve import resolve
from hub.settings import Settings
from tests.matching.rows import accept, county_deployment, row, uscc


def linked(group: str | None, entity: str, link: str = "name", feed: str = "tax_registration") -> LinkedRow:
    return LinkedRow(feed, "f.xlsx", "", 1, "某社", link, group, entity, True)


def test_pairs_are_counted_as_the_definition_says() -> None:
    rows = [linked("g1", "A"), linked("g1", "A"), linked("g1", "B"), linked("g2", "B"), linked(None, "B", "review")]
    result = evaluate(rows)
    assert result.overall.precision == pytest.approx(1 / 3)
    assert result.overall.recall == pytest.approx(1 / 4)
    assert set(result.mixed) == {"g1"}
    assert set(result.split) == {"B"}
    assert result.review_rows == 1
    assert result.by_link["review"].recall == 0.0


def test_a_row_of_no_cooperative_that_was_taken_in_is_listed() -> None:
    foreign = LinkedRow("tax_registration", "f", "", 9, "某村股份经济合作社", "new", "g9", "OTHER", False)
    result = evaluate([foreign, linked("g1", "A")])
    assert len(result.foreign) == 1
    assert result.overall.rows == 1


def test_calibration_bins_hold_every_probability_once(tmp_path: Path) -> None:
    judged = [Judged(p, t) for p, t in ((0.0, False), (0.5, True), (0.5, False), (0.999, True), (1.0, True))]
    result = evaluate([linked("g", "A")], judged)
    assert sum(b.count for b in result.calibration) == len(judged)
    for name in ("c.png", "c.svg"):
        draw_calibration(result.calibration, tmp_path / name)
        assert (tmp_path / name).stat().st_size > 1000


def test_a_truth_file_without_its_columns_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "truth.csv"
    path.write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(FormatError, match="真值"):
        read_truth(path)


def test_the_command_measures_what_the_database_holds(
    engine: Engine, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = accept(
        engine,
        [
            row("云岫县兴旺果蔬专业合作社", uscc(1)),
            row("兴旺果蔬合作社"),
            row("云岫县石门茶叶专业合作社", uscc(2)),
        ],
    )
    resolve(engine, county_deployment(tmp_path), run_id)
    with engine.connect() as connection:
        file = connection.execute(text("select name from delivery")).scalar_one()
    truth = tmp_path / "truth.csv"
    truth.write_text(
        f"source,file,sheet,row,entity,kind\nt,{file},,2,A,coop\nt,{file},,3,A,coop\nt,{file},,4,B,coop\n",
        encoding="utf-8",
    )
    assert settings.database_url is not None
    monkeypatch.setenv("COOP_HUB_DATABASE_URL", settings.database_url.get_secret_value())
    words = ["evaluate", "--truth", str(truth), "--data", str(settings.data), "--floor", "0.99"]
    result = CliRunner().invoke(cli, [*words, "--plot", str(tmp_path / "c.svg")], catch_exceptions=False)
    assert result.exit_code == 0
    assert "F1 1.00000" in result.output
    assert "真值中系统没有的 0 行" in result.output


def test_a_floor_is_of_the_links_as_they_stand_even_where_answers_would_mend_them(
    engine: Engine, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A matcher that asked about everything would be perfect once all is answered."""
    rows = [
        row("云岫县牛蹄山水果专业合作社", uscc(1), representative="王小明", town="白石镇", feed="registry"),
        row("云岫县牛山水果专业合作社", feed="registry"),
        row("云岫县石门茶叶专业合作社", uscc(2), representative="李大山", town="青溪镇", feed="registry"),
    ]
    deployment = county_deployment(tmp_path)
    assert resolve(engine, deployment, accept(engine, rows)).rows["review"] == 1
    with engine.connect() as connection:
        file = connection.execute(text("select name from delivery")).scalar_one()
    truth = tmp_path / "truth.csv"
    truth.write_text(
        f"file,sheet,row,entity\n{file},,2,A\n{file},,3,A\n{file},,4,B\n",
        encoding="utf-8",
    )
    assert settings.database_url is not None
    monkeypatch.setenv("COOP_HUB_DATABASE_URL", settings.database_url.get_secret_value())

    def run(*more: str) -> tuple[int, str]:
        words = ["evaluate", "--truth", str(truth), "--data", str(settings.data), "--answer-truly", *more]
        result = CliRunner().invoke(cli, words)
        return result.exit_code, result.output

    code, printed = run("--floor", "0.9")
    assert code == 1
    assert "现有关联的 F1 为 0.00000，低于下限 0.9" in printed
    assert "回答之后的 F1" not in printed
    assert "registry" in printed and "被分开的合作社：1 个" in printed and "牛山" in printed
    assert run("--floor", "0", "--answered-floor", "1")[0] == 0
    assert CliRunner().invoke(cli, ["evaluate", "--truth", str(truth), "--answered-floor", "1"]).exit_code == 2
