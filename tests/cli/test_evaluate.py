"""`coop-hub evaluate` as an operator runs it: the demo county's night, measured against the truth beside it, with floors."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.test_sync import coop_hub


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_demo_county_is_linked_above_the_floor_and_answers_find_the_rest(tmp_path: Path) -> None:
    county, data = tmp_path / "county", tmp_path / "var"
    made = coop_hub("demo", "generate", "--out", county, "--cooperatives", "300", "--seed", "4")
    assert made.returncode == 0, made.stderr
    night = coop_hub("sync", "--inbox", county / "inbox", "--data", data)
    assert night.returncode in (0, 3), night.stdout + night.stderr
    plot = tmp_path / "calibration.svg"
    words = ["evaluate", "--truth", county / "truth.csv", "--data", data, "--plot", plot, "--answer-truly"]
    done = coop_hub(*words, "--floor", "0.99")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "回答后仍混入多家的合作社：0 个" in done.stdout
    assert "误收的非合作社：0 行" in done.stdout
    last = [line for line in done.stdout.splitlines() if "混入多家 0  被分开" in line][-1]
    assert float(last.split("召回率")[1].split()[0]) >= 0.999
    assert plot.stat().st_size > 1000
