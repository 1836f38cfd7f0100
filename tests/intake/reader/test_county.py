"""The county beside the project: every data row of its 26 deliveries is found, under its own row number."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path

import pytest

from hub.feeds import get_feed
from hub.intake.normalise import normalise_reading
from hub.intake.reader import read_file
from hub.intake.reader.facts import detect_as_of, detect_town

pytestmark = pytest.mark.shared_data


def _rows_of(county: Path) -> dict[tuple[str, str], list[dict[str, str]]]:
    files: dict[tuple[str, str], list[dict[str, str]]] = defaultdict(list)
    with (county / "rows.csv").open(encoding="utf-8-sig", newline="") as source:
        for row in csv.DictReader(source):
            files[row["source"], row["file"]].append(row)
    return files


def test_every_row_is_found_under_its_number_with_its_cells_as_written(shared_data: Path) -> None:
    county = shared_data / "county"
    files = _rows_of(county)
    assert len(files) == 26
    for (feed_name, name), expected in files.items():
        reading = read_file(county / "inbox" / feed_name / name, feed=get_feed(feed_name))
        assert reading.refusal is None
        found = {}
        for sheet in reading.sheets:
            columns = {
                "name": sheet.column_of("name"),
                "code": sheet.column_of("code"),
                "rep": sheet.column_of("representative"),
                "phone": sheet.column_of("phone"),
            }
            for row in sheet.rows.to_pylist():
                cells = {key: (row[c] or "") if c else "" for key, c in columns.items()}
                if feed_name == "tax_registration" and not cells["code"]:
                    cells["code"] = row[sheet.column_of("tax_number") or ""] or ""
                found[sheet.name, row["row"]] = cells
        wanted = {(r["sheet"], int(r["row"])): {k: r[k] for k in ("name", "code", "rep", "phone")} for r in expected}
        assert found == wanted, name


def test_every_delivery_of_the_county_is_staged_and_says_who_its_rows_are_about(shared_data: Path) -> None:
    county = shared_data / "county"
    total = 0
    for (feed_name, name), expected in _rows_of(county).items():
        path, feed = county / "inbox" / feed_name / name, get_feed(feed_name)
        reading = read_file(path, feed=feed)
        town = detect_town(reading, path) if feed.per_town else None
        staged = normalise_reading(reading, feed, delivery_town=town)
        assert staged.rows.num_rows == len(expected)
        assert staged.rows["profile_key"].null_count == 0
        assert not staged.set_aside
        if feed.per_town:
            assert town and name.startswith(town)
            assert set(staged.rows["profile_town"].to_pylist()) == {town}
        if feed_name == "demonstration":
            assert set(staged.rows["level"].to_pylist()) == {"national", "provincial", "city", "county"}
        if feed_name in {"tax_registration", "market_abnormal"}:
            assert str(detect_as_of(reading, path)) == "2026-10-31"
        total += staged.rows.num_rows
    assert total == 3815
