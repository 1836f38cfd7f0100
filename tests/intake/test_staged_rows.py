"""What lies on disk between reading and acceptance: all of a delivery's rows with the verdicts on them, or nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import expectations
from hub.feeds import get_feed
from hub.intake import json_text, staged_rows
from hub.intake.normalise import normalise_reading
from hub.intake.reader import read_file
from hub.intake.staged_rows import read_batches, read_columns, staged_path, verdicts_path, write_rows, write_verdicts
from tests.intake.office import Office, abnormal_rows, write_list

FEED = "market_abnormal"


@pytest.fixture
def few_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staged_rows, "slices", lambda length: json_text.slices(length, 3))


@pytest.mark.usefixtures("few_at_once")
def test_rows_are_read_with_their_verdicts_a_piece_at_a_time(tmp_path: Path) -> None:
    reading = read_file(write_list(tmp_path / "名录.xlsx", abnormal_rows()), feed=get_feed(FEED))
    rows = normalise_reading(reading, get_feed(FEED)).rows
    path = staged_path(tmp_path, 1)
    write_rows(path, rows, get_feed(FEED))
    words = ["accepted"] * 5 + ["quarantined"] * 2 + ["duplicate"]
    write_verdicts(path, pa.array(words), pa.array([None] * 6 + ["[]", None], pa.string()))
    columns = ("reasons", "row", "disposition", "profile_name")
    assert [b.num_rows for b in read_batches(path, columns)] == [3, 3, 2]
    read = read_columns(path, columns)
    assert read.column_names == list(columns)
    assert read["disposition"].to_pylist() == words
    assert read["row"].to_pylist() == rows["row"].to_pylist()
    assert read["profile_name"].to_pylist() == rows["profile_name"].to_pylist()


def test_rules_that_fail_to_run_leave_nothing_behind(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError("a rule could not be run")

    monkeypatch.setattr(expectations, "check_rows", broken)
    with pytest.raises(RuntimeError, match="could not be run"):
        office.hand_in(FEED, write_list(tmp_path / "名录.xlsx", abnormal_rows()))
    assert list((office.settings.data / "staged").iterdir()) == []


def test_what_was_accepted_is_gone_from_the_disk(office: Office, tmp_path: Path) -> None:
    delivery = office.hand_in(FEED, write_list(tmp_path / "名录.xlsx", abnormal_rows()))
    path = staged_path(office.settings.data, delivery)
    assert not path.exists()
    assert not verdicts_path(path).exists()
