"""Every workbook opens in LibreOffice without repair, and read again cell by cell it is the data."""

from __future__ import annotations

import csv
import subprocess
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from hub.sharing import sheet_rows
from tests.sharing.conftest import County, an_agreement
from tests.sharing.test_masks import PAYLOADS

pytestmark = [pytest.mark.office, pytest.mark.slow]


def as_csv(path: Path, out: Path) -> dict[str, list[list[str]]]:
    """Every sheet of a workbook as LibreOffice shows it, by sheet name."""
    out.mkdir(exist_ok=True)
    options = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,-1"
    subprocess.run(
        [
            "soffice",
            f"-env:UserInstallation=file://{out}/profile",
            "--headless",
            "--convert-to",
            options,
            "--outdir",
            out,
            path,
        ],
        check=True,
        capture_output=True,
        timeout=120,
    )
    sheets = {}
    for file in out.glob("*.csv"):
        with file.open(encoding="utf-8", newline="") as lines:
            sheets[file.stem.split("-")[-1]] = list(csv.reader(lines))
    return sheets


def test_libreoffice_reads_back_exactly_what_was_written(county: County, tmp_path: Path) -> None:
    rows = county.source.rows["cooperatives"]
    rows += [{**rows[0], "coop_id": f"p{i:03d}", "remark": p} for i, p in enumerate(PAYLOADS)]
    county.agree(an_agreement(formats=["xlsx", "parquet"]))
    county.night()
    rows[0]["members"] = 77
    [summary] = county.publish() if county.new_master() else []
    sheets = as_csv(summary.files[0], tmp_path / "office")
    assert set(sheets) == {"封面", "数据", "字段说明", "变化"}
    data = [r[:9] for r in sheets["数据"][1:] if any(r)]
    table = pq.read_table(summary.files[1]).to_pylist()
    shown = [
        [
            r["coop_id"], r["name"], r["uscc"] or "", r["town"], r["founded_on"].isoformat(), str(r["members"]),
            f"{r['contributions']:g}", {True: "是", False: "否", None: ""}[r["open_affairs"]], r["remark"] or "",
        ]
        for r in table
    ]  # fmt: skip

    def plain(cells: list[str]) -> list[str]:
        # line ends inside a cell are line feeds in a spreadsheet
        return [c.replace("\r\n", "\n").replace("\r", "\n") for c in cells]

    assert [plain(r) for r in data] == [plain(r) for r in shown]
    assert ["变更", "云岫县青禾茶叶专业合作社", "合作社编号：c1", "成员数", "10", "77"] in [
        r[:6] for r in sheets["变化"]
    ]


def test_more_rows_than_a_sheet_holds_go_on_the_next_with_totals(
    county: County, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.sharing.workbook.ROW_LIMIT", 101)
    assert sheet_rows.ROW_LIMIT == 1_048_576
    county.source.rows["cooperatives"] = [
        {"coop_id": f"c{i:04d}", "name": f"云岫县第{i}专业合作社", "members": i} for i in range(250)
    ]
    county.agree(an_agreement(formats=["xlsx"]))
    [summary] = county.night()
    sheets = as_csv(summary.files[0], tmp_path / "office")
    sizes = {name: len([r for r in sheets[name][1:] if any(r)]) for name in ("数据", "数据2", "数据3")}
    assert sizes == {"数据": 100, "数据2": 100, "数据3": 50}
    cover = {r[0]: r[1] for r in sheets["封面"]}
    assert cover["分表"] == "数据 100 行；数据2 100 行；数据3 50 行"
    assert f"成员数合计 {sum(range(250)):,}" in cover["控制总数"]
