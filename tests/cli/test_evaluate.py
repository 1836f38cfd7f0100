"""`coop-hub evaluate` as an operator runs it: the demo county's night, measured against the truth beside it, with floors."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.cli.test_sync import coop_hub

_FIGURES = re.compile(r"^ *(\S+) +行 +(\d+) +精确率 ([\d.]+) +召回率 ([\d.]+) +F1 ([\d.]+)", re.MULTILINE)


def figures(printed: str) -> dict[str, tuple[int, float, float, float]]:
    """Title -> rows, precision, recall, F1, as `coop-hub evaluate` prints them of the links as they stand."""
    standing = printed.split("照真值回答", maxsplit=1)[0]
    return {t: (int(n), float(p), float(r), float(f)) for t, n, p, r, f in _FIGURES.findall(standing)}


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_demo_county_is_linked_above_the_floor_and_answers_find_the_rest(tmp_path: Path) -> None:
    county, data = tmp_path / "county", tmp_path / "var"
    made = coop_hub("demo", "generate", "--out", county, "--cooperatives", "300", "--seed", "4")
    assert made.returncode == 0, made.stderr
    night = coop_hub("sync", "--inbox", county / "inbox", "--data", data)
    assert night.returncode in (0, 3), night.stdout + night.stderr
    plot = tmp_path / "calibration.svg"
    words = [
        "evaluate",
        "--truth",
        county / "truth.csv",
        "--data",
        data,
        "--plot",
        plot,
        "--answer-truly",
        "--all-errors",
    ]
    done = coop_hub(*words, "--floor", "0.99", "--answered-floor", "0.999")
    assert done.returncode == 0, done.stdout + done.stderr

    # as the links stand: precise in every feed, and what is missed waits for a person or is listed
    found = figures(done.stdout)
    assert found["全部"][1] == 1.0
    feeds = {t: f for t, f in found.items() if re.fullmatch("[a-z_]+", t) and t not in LINKS}
    assert len(feeds) > 10
    assert sum(f[0] for f in feeds.values()) == found["全部"][0]
    assert all(f[1] >= 0.99 and f[3] >= 0.97 for f in feeds.values() if f[0] >= 20), feeds
    assert sum(f[0] for t, f in found.items() if t in LINKS) == found["全部"][0]
    assert "混入多家的合作社：0 个" in done.stdout.split("照真值回答")[0]
    apart = re.search(r"被分开的合作社：(\d+) 个\n((?:  .*\n)*)", done.stdout)
    assert apart
    assert len(re.findall(r"^  \S", apart[2], re.MULTILINE)) == int(apart[1])  # every one of them is named

    assert "回答后仍混入多家的合作社：0 个" in done.stdout
    assert "误收的非合作社：0 行" in done.stdout
    last = [line for line in done.stdout.splitlines() if "混入多家 0  被分开" in line][-1]
    assert float(last.split("召回率")[1].split()[0]) >= 0.999
    assert plot.stat().st_size > 1000


LINKS = {"identifier", "name", "model", "decision", "new", "review", "未关联"}
