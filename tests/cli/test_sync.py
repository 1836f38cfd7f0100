"""`coop-hub sync` from process start, through Dagster, on the county beside the project and on small odd ones."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from collections import Counter
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from hub.settings import REPOSITORY
from tests.night.conftest import abnormal_csv, abnormal_rows

QINGHE = REPOSITORY / "tests" / "deployments" / "qinghe"


def coop_hub(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hub.cli", *map(str, arguments)],
        cwd=REPOSITORY, env={**os.environ, **environment}, capture_output=True, text=True, timeout=280, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def qinghe(
    tmp_path_factory: pytest.TempPathFactory, shared_data: Path
) -> tuple[Path, subprocess.CompletedProcess[str]]:
    data = tmp_path_factory.mktemp("qinghe") / "var"
    done = coop_hub("sync", "--deployment", QINGHE, "--inbox", shared_data / "county" / "inbox", "--data", data)
    return data, done


@pytest.mark.shared_data
@pytest.mark.slow
@pytest.mark.timeout(600)
class TestCountyBesideTheProject:
    def test_the_night_ends_well_and_says_what_it_did(
        self, qinghe: tuple[Path, subprocess.CompletedProcess[str]]
    ) -> None:
        _, done = qinghe
        assert done.returncode == 0, done.stdout + done.stderr
        assert "3815" in done.stdout
        assert "Traceback" not in done.stdout + done.stderr

    def test_every_data_row_stands_in_the_crosswalk_and_links_are_right(
        self, qinghe: tuple[Path, subprocess.CompletedProcess[str]], shared_data: Path, tmp_path: Path
    ) -> None:
        data, _ = qinghe
        out = tmp_path / "crosswalk.csv"
        assert coop_hub("export", "crosswalk", "--out", out, "--data", data).returncode == 0
        with out.open(encoding="utf-8-sig") as stream:
            rows = list(csv.DictReader(stream))
        assert list(rows[0]) == [
            "feed",
            "delivery",
            "sheet",
            "row",
            "disposition",
            "coop_id",
            "link",
            "score",
            "reason",
        ]
        with (shared_data / "county" / "truth.csv").open(encoding="utf-8-sig") as stream:
            truth = {(t["file"], t["sheet"], int(t["row"])): t for t in csv.DictReader(stream)}
        got = {(r["delivery"], r["sheet"], int(r["row"])): r for r in rows}
        assert set(got) == set(truth)
        foreign = [got[k] for k, t in truth.items() if t["kind"] != "coop" and got[k]["coop_id"]]
        assert foreign == []
        masters: dict[str, Counter[str]] = {}
        for key, t in truth.items():
            if got[key]["coop_id"]:
                masters.setdefault(got[key]["coop_id"], Counter())[t["entity"]] += 1
        assert [m for m, entities in masters.items() if len(entities) > 1] == []
        review = sum(r["link"] == "review" for r in rows)
        assert review <= len(rows) / 100

    def test_the_links_as_they_stand_are_as_good_as_promised(
        self, qinghe: tuple[Path, subprocess.CompletedProcess[str]], shared_data: Path
    ) -> None:
        from tests.cli.test_evaluate import figures

        data, _ = qinghe
        truth = shared_data / "county" / "truth.csv"
        done = coop_hub("evaluate", "--truth", truth, "--data", data, "--deployment", QINGHE, "--floor", "0.995")
        assert done.returncode == 0, done.stdout + done.stderr
        found = figures(done.stdout)
        rows, precision, recall, f1 = found["全部"]
        assert rows > 3000
        assert precision == 1.0
        assert recall >= 0.995
        assert f1 >= 0.995
        assert "误收的非合作社：0 行" in done.stdout
        assert "真值中系统没有的 0 行" in done.stdout

    def test_the_same_deliveries_again_change_nothing(
        self, qinghe: tuple[Path, subprocess.CompletedProcess[str]], shared_data: Path, tmp_path: Path
    ) -> None:
        data, _ = qinghe
        before, after = tmp_path / "before.csv", tmp_path / "after.csv"
        coop_hub("export", "crosswalk", "--out", before, "--data", data)
        again = coop_hub("sync", "--deployment", QINGHE, "--inbox", shared_data / "county" / "inbox", "--data", data)
        assert again.returncode == 0, again.stdout + again.stderr
        coop_hub("export", "crosswalk", "--out", after, "--data", data)
        assert before.read_bytes() == after.read_bytes()

    def test_everything_verifies(self, qinghe: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
        data, _ = qinghe
        done = coop_hub("verify", "--data", data)
        assert done.returncode == 0, done.stdout
        assert "✗" not in done.stdout

    @pytest.mark.parametrize("ending", ["csv", "parquet", "xlsx"])
    def test_the_master_table_comes_in_three_forms(
        self, ending: str, qinghe: tuple[Path, subprocess.CompletedProcess[str]], tmp_path: Path
    ) -> None:
        import pandas as pd

        data, _ = qinghe
        out = tmp_path / f"master.{ending}"
        done = coop_hub("export", "master", "--out", out, "--data", data)
        assert done.returncode == 0, done.stderr
        read = {"csv": pd.read_csv, "parquet": pd.read_parquet, "xlsx": partial(pd.read_excel, engine="openpyxl")}
        table = read[ending](out)
        assert len(table) > 1000

    def test_the_run_is_recorded_in_dagster_with_its_checks(
        self, qinghe: tuple[Path, subprocess.CompletedProcess[str]]
    ) -> None:
        from hub.settings import load_settings
        from hub.store.database import dagster_storage_url

        data, _ = qinghe
        engine = create_engine(dagster_storage_url(load_settings(data=data)))
        with engine.connect() as connection:
            assert connection.scalar(text("select count(*) from runs where status = 'SUCCESS'")) >= 1
            assert connection.scalar(text("select count(*) from asset_check_executions")) > 50
        engine.dispose()


@pytest.mark.slow
def test_bad_input_costs_itself_only_and_ends_with_three(tmp_path: Path) -> None:
    folder = tmp_path / "inbox" / "market_abnormal"
    folder.mkdir(parents=True)
    (folder / "好.csv").write_bytes(abnormal_csv(abnormal_rows(5)))
    (folder / "坏.xls").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 not really")
    (tmp_path / "inbox" / "nonsense").mkdir()
    done = coop_hub("sync", "--deployment", QINGHE, "--inbox", tmp_path / "inbox", "--data", tmp_path / "var")
    assert done.returncode == 3, done.stdout + done.stderr
    assert "坏.xls" in done.stdout
    assert "nonsense" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_a_wrong_deployment_is_told_whole_and_starts_nothing(tmp_path: Path) -> None:
    (tmp_path / "county.yaml").write_text("name: 某县\ncode: abc\n", encoding="utf-8")
    done = coop_hub("sync", "--deployment", tmp_path, "--data", tmp_path / "var")
    assert done.returncode == 1
    assert "county.yaml:2" in done.stderr
    assert "下一步" in done.stderr
    assert not (tmp_path / "var").exists()


def test_a_missing_inbox_is_told(tmp_path: Path) -> None:
    done = coop_hub("sync", "--deployment", QINGHE, "--inbox", tmp_path / "nowhere", "--data", tmp_path / "var")
    assert done.returncode == 1
    assert "nowhere" in done.stderr
