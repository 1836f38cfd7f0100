"""`coop-hub model` as whoever keeps the county runs it: train on what is there, compare, adopt; the next night uses what was
adopted, and what is worse is told and refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import Engine, text

from hub.cli import cli
from hub.deployment import Deployment, load_deployment
from hub.errors import ConflictError
from hub.matching.adoption import ADOPTED, model_of
from hub.matching.model import load_model
from hub.matching.resolve import resolve
from hub.settings import REPOSITORY, Settings
from tests.matching.rows import accept
from tests.matching.test_model import county_rows

SHIPPED = load_model().version


@pytest.fixture
def folder(engine: Engine, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a county whose first night is over."""
    place = tmp_path / "county"
    shutil.copytree(REPOSITORY / "deployments" / "demo", place)
    assert settings.database_url is not None
    monkeypatch.setenv("COOP_HUB_DATABASE_URL", settings.database_url.get_secret_value())
    monkeypatch.setenv("COOP_HUB_DATA", str(settings.data))
    monkeypatch.setenv("COOP_HUB_DEPLOYMENT", str(place))
    night = resolve(engine, load_deployment(place), accept(engine, county_rows()))
    assert night.model == SHIPPED
    return place


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(cli, ["model", *map(str, words)])


def truth_of(engine: Engine, path: Path) -> Path:
    """A truth file: the cooperative each row was linked to is the one it is."""
    with engine.connect() as connection:
        rows = connection.execute(
            text(
                """select d.name, s.row, l.coop_id from source_row s join delivery d using (delivery_id)
                   join link l using (profile_key) where l.coop_id is not null"""
            )
        ).all()
    path.write_text("file,sheet,row,entity\n" + "".join(f"{r.name},,{r.row},{r.coop_id}\n" for r in rows), "utf-8")
    return path


def weights(engine: Engine) -> set[str]:
    with engine.connect() as connection:
        return set(connection.execute(text("select evidence->>'items' from link where link = 'model'")).scalars())


def spoilt(good: Path, path: Path) -> Path:
    """A model that holds another brand for as good as the same name, and the same name for nothing."""
    told = json.loads(good.read_text(encoding="utf-8"))
    for level in told["comparisons"]["name"].values():
        level["m"], level["u"] = level["u"], level["m"]
    path.write_text(json.dumps({**told, "version": "spoilt"}, ensure_ascii=False), encoding="utf-8")
    return path


@pytest.mark.parametrize("labels", ["codes", "truth"])
def test_a_model_is_trained_compared_and_adopted_and_the_next_night_uses_it(
    engine: Engine, folder: Path, tmp_path: Path, labels: str
) -> None:
    truth = ["--truth", truth_of(engine, tmp_path / "truth.csv")] if labels == "truth" else []
    file = tmp_path / "new.json"
    trained = run("train", file, "--version", "2026-11", *truth)
    assert trained.exit_code == 0, trained.output
    assert "对同一家" in trained.output and f"coop-hub model compare {file}" in trained.output
    assert load_model(file).version == "2026-11"
    assert ("真值文件" if truth else "信用代码") in load_model(file).trained_on
    compared = run("compare", file, *truth)
    assert [line.split("：")[0] for line in compared.output.splitlines()[:2]] == [f"在用 {SHIPPED}", "新的 2026-11"]
    assert "新模型可以采用" in compared.output
    assert not (folder / ADOPTED).exists()  # comparing alone adopts nothing

    before = weights(engine)
    assert "已采用" in run("compare", file, *truth, "--adopt").output
    assert model_of(load_deployment(folder)).version == "2026-11"
    assert "版本 2026-11" in run("show").output
    night = resolve(engine, load_deployment(folder), None)
    assert (night.changed, night.full, night.model) == (True, True, "2026-11")
    assert weights(engine).isdisjoint(before)  # what a link is explained by is of the new model
    again = resolve(engine, load_deployment(folder), None)
    assert (again.changed, again.model) == (False, "2026-11")


def test_a_worse_model_is_told_refused_and_changes_no_night(engine: Engine, folder: Path, tmp_path: Path) -> None:
    county: Deployment = load_deployment(folder)
    good = tmp_path / "good.json"
    load_model().save(good)
    bad = spoilt(good, tmp_path / "bad.json")
    truth = truth_of(engine, tmp_path / "truth.csv")
    assert "新模型不如在用的" in run("compare", bad, "--truth", truth).output
    refused = run("compare", bad, "--truth", truth, "--adopt")
    assert isinstance(refused.exception, ConflictError)
    assert "没有采用" in str(refused.exception)
    assert not (folder / ADOPTED).exists()
    assert not resolve(engine, county, None).changed
