"""`coop-hub inspect`: the promised JSON, the readable table, and plain errors."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from hub.cli.inspect import inspect
from tests.intake.reader import builders
from tests.intake.reader.builders import Sheet

ROWS = [
    ["某县农民专业合作社经营异常名录"],
    ["序号", "企业名称", "统一社会信用代码", "列入原因", "列入日期", "经办"],
    ["1", "甲专业合作社", "93330000000000000X", "年报", "2024-01-02", "某"],
    [],
    ["合计", "1条"],
]


def _inspect(*arguments: str) -> Any:
    done = CliRunner().invoke(inspect, list(arguments))
    assert done.exit_code == 0, done.output
    return done.output


def test_json_holds_what_the_design_promises(tmp_path: Path) -> None:
    good, bad = tmp_path / "好.xlsx", tmp_path / "坏.xlsx"
    good.write_bytes(builders.xlsx(Sheet(ROWS)))
    bad.write_bytes(b"%PDF-1.4")
    one, other = json.loads(_inspect(str(good), str(bad), "--json"))
    assert {"file", "format", "encoding", "encrypted", "refusal", "sheets"} <= one.keys()
    assert (one["file"], one["format"], one["encoding"], one["encrypted"], one["refusal"]) == (
        str(good),
        "xlsx",
        None,
        False,
        None,
    )
    (sheet,) = one["sheets"]
    assert (sheet["name"], sheet["hidden"], sheet["header_rows"], sheet["data_rows"]) == ("表", False, [2], 1)
    assert [c["field"] for c in sheet["columns"]] == ["serial", "name", "code", "reason", "listed_on", None]
    assert [(s["row"], s["kind"]) for s in sheet["skipped"]] == [(1, "title"), (4, "blank"), (5, "total")]
    assert (other["format"], other["sheets"]) == ("pdf", [])
    assert "PDF" in other["refusal"]


def test_a_named_feed_decides_what_columns_are(tmp_path: Path) -> None:
    path = tmp_path / "表.csv"
    path.write_bytes(builders.csv_file(Sheet([["名称", "登记日期"], ["甲专业合作社", "2024-01-02"]])))
    (guessed,) = json.loads(_inspect(str(path), "--json"))
    assert [c["field"] for c in guessed["sheets"][0]["columns"]] == [None, None]
    (named,) = json.loads(_inspect(str(path), "--json", "--feed", "registry"))
    assert [c["field"] for c in named["sheets"][0]["columns"]] == ["name", "founded_on"]


def test_the_table_for_people_names_rows_columns_and_reasons(tmp_path: Path) -> None:
    path = tmp_path / "好.xlsx"
    path.write_bytes(builders.xlsx(Sheet(ROWS)))
    shown = _inspect(str(path))
    for words in ("表头行 2", "数据 1 行", "→ name", "第 5 行 total", "空白 1 行"):
        assert words in shown


def test_an_unknown_feed_is_one_sentence_and_no_traceback(tmp_path: Path) -> None:
    path = tmp_path / "好.xlsx"
    path.write_bytes(builders.xlsx(Sheet(ROWS)))
    done = subprocess.run(
        [sys.executable, "-m", "hub.cli", "inspect", str(path), "--feed", "nonsense"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "没有名为 nonsense 的数据目录项" in done.stderr
    assert "Traceback" not in done.stderr
