"""The demo county's deliveries, in the shapes departments send: every printed row is found under its own number."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path

import pytest

from hub.feeds import get_feed
from hub.intake.normalise import normalise_reading
from hub.intake.reader import read_file


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from click.testing import CliRunner

    from hub.cli.demo import demo

    folder = tmp_path_factory.mktemp("demo")
    done = CliRunner().invoke(demo, ["generate", "--out", str(folder), "--cooperatives", "250"])
    assert done.exit_code == 0, done.output
    return folder


def test_every_row_of_every_delivery_is_staged_under_its_number(county: Path) -> None:
    printed: dict[tuple[str, str], set[tuple[str, int]]] = defaultdict(set)
    with (county / "truth.csv").open(encoding="utf-8-sig", newline="") as source:
        for row in csv.DictReader(source):
            printed[row["source"], row["file"]].add((row["sheet"], int(row["row"])))
    assert len(printed) > 20
    for (feed_name, name), rows in printed.items():
        feed = get_feed(feed_name)
        reading = read_file(county / "inbox" / feed_name / name, feed=feed)
        staged = normalise_reading(reading, feed)
        found = set(zip(staged.rows["sheet"].to_pylist(), staged.rows["row"].to_pylist(), strict=True))
        assert found == rows, name
        assert (staged.drift, staged.set_aside) == ([], []), name
