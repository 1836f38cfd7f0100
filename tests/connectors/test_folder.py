"""The folder connector: links, odd entries, two looks over two nights, a full disk, a folder that is not there."""

from __future__ import annotations

import json
import os
from datetime import timedelta
from pathlib import Path

import pytest

from connectors import open_connector
from connectors.landing import landing
from connectors.names import key_of, shown
from hub.errors import ConfigurationError, FormatError, TransientError
from tests.connectors.scenarios import FolderScenario, touch_at


@pytest.fixture
def source(request: pytest.FixtureRequest) -> FolderScenario:
    return FolderScenario(request)


def test_without_a_path_it_reads_the_feeds_inbox_in_the_deployment(tmp_path: Path) -> None:
    inbox = tmp_path / "inbox" / "water"
    inbox.mkdir(parents=True)
    (inbox / "台账.xlsx").write_bytes(b"x")
    with open_connector("folder", {"settle": "none"}, feed="water", folder=tmp_path) as connector:
        assert [i.name for i in connector.list({}).items] == ["台账.xlsx"]


def test_a_missing_folder_is_an_error_unless_declared_to_mean_nothing_sent(source: FolderScenario) -> None:
    gone = str(source.root / "没有")
    with source.open(path=gone) as connector, pytest.raises(ConfigurationError, match="不存在"):
        connector.list({})
    with source.open(path=gone, if_missing="empty") as connector:
        assert connector.list({}).items == ()
    source.put("file", b"")
    with (
        source.open(path=str(source.root / "file"), if_missing="empty") as connector,
        pytest.raises(ConfigurationError),
    ):
        connector.list({})


def test_a_link_that_leads_outside_is_refused_and_one_inside_is_followed(
    source: FolderScenario, tmp_path: Path
) -> None:
    (tmp_path / "secret.csv").write_bytes(b"outside")
    (source.root / "外.csv").symlink_to(tmp_path / "secret.csv")
    (source.root / "空.csv").symlink_to(source.root / "没有")
    (source.root / "环.csv").symlink_to(source.root / "环.csv")
    source.put("真.csv", b"inside")
    (source.root / "内.csv").symlink_to(source.root / "真.csv")
    with source.open(settle="none") as connector:
        listing = connector.list({})
        assert sorted(i.name for i in listing.items) == sorted(["内.csv", "真.csv"])
        refused = {p.name: p for p in listing.passed_over if p.attention}
        assert "之外" in refused["外.csv"].reason
        assert set(refused) == {"外.csv", "环.csv"}


def test_a_file_swapped_for_a_link_between_listing_and_fetch_is_refused(source: FolderScenario, tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_bytes(b"inside!")
    source.put("甲.csv", b"inside!")
    with source.open(settle="none") as connector:
        (item,) = connector.list({}).items
        (source.root / "甲.csv").unlink()
        (source.root / "甲.csv").symlink_to(tmp_path / "secret.csv")
        with pytest.raises((ConfigurationError, TransientError)):
            connector.fetch(item, tmp_path / "to")
    assert not (tmp_path / "to").exists()


def test_pipes_and_folders_are_no_deliveries(source: FolderScenario) -> None:
    os.mkfifo(source.root / "pipe.csv")
    (source.root / "子目录.csv").mkdir()
    with source.open(settle="none") as connector:
        listing = connector.list({})
    assert listing.items == ()
    assert [p.name for p in listing.passed_over] == ["pipe.csv"]


def test_subfolders_are_read_only_when_asked_for(source: FolderScenario, tmp_path: Path) -> None:
    (source.root / "城关镇").mkdir()
    (source.root / "城关镇" / "表.xlsx").write_bytes(b"1")
    (source.root / "已接收").mkdir()
    (source.root / "已接收" / "旧.xlsx").write_bytes(b"0")
    with source.open(settle="none") as connector:
        assert connector.list({}).items == ()
    with source.open(settle="none", recursive=True) as connector:
        (item,) = connector.list({}).items
        assert item.name == "城关镇/表.xlsx"
        assert connector.fetch(item, tmp_path / "to").size == 1


def test_a_look_of_an_earlier_night_counts_and_no_time_is_lost(source: FolderScenario) -> None:
    source.put("甲.csv", b"1")
    with source.open(settle_seconds=5) as connector:
        state = connector.list({}).state
        assert source.time.slept == [5]
        source.time.at += timedelta(days=1)
        assert len(connector.list(json.loads(json.dumps(state))).items) == 1
        assert source.time.slept == [5]


def test_a_marker_older_than_its_file_does_not_count(source: FolderScenario) -> None:
    source.put("甲.csv", b"1")
    source.put("甲.done", b"")
    touch_at(source.root / "甲.csv", 1_700_000_100)
    touch_at(source.root / "甲.done", 1_700_000_000)
    with source.open(settle="done_marker") as connector:
        listing = connector.list({})
        assert "早于" in listing.waiting[0].reason
        touch_at(source.root / "甲.done", 1_700_000_200)
        assert len(connector.list({}).items) == 1


def test_a_file_that_is_complete_by_its_final_name_is_taken_at_once_and_not_before(
    source: FolderScenario, tmp_path: Path
) -> None:
    source.put("甲.csv.part", b"half")
    source.put("~$乙.xlsx", b"lock")
    with source.open(settle="rename") as connector:
        listing = connector.list({})
        assert (listing.items, listing.waiting) == ((), ())
        assert {p.name: p.attention for p in listing.passed_over} == {"甲.csv.part": False, "~$乙.xlsx": False}
        source.put("甲.csv.part", b"half and whole")
        (source.root / "甲.csv.part").rename(source.root / "甲.csv")
        (item,) = connector.list(listing.state).items
        assert connector.fetch(item, tmp_path / "to").path.read_bytes() == b"half and whole"
    assert source.time.slept == [], "nobody waits for a second look"


def test_what_was_taken_but_not_put_away_is_put_away_by_the_next_night(source: FolderScenario, tmp_path: Path) -> None:
    source.put("甲.csv", b"1")
    with source.open(settle="none", take="changed", after="archive") as connector:
        (item,) = connector.list({}).items
        state = connector.advance({}, connector.fetch(item, tmp_path / "1"))
        (again,) = connector.list(state).items  # killed before it was acknowledged
        connector.acknowledge([again])
        assert connector.list(state).items == ()
    assert [p.name for p in (source.root / "已接收").iterdir()] == ["甲.csv"]


def test_the_oldest_file_comes_first(source: FolderScenario) -> None:
    for name, at in (("a.csv", 300), ("b.csv", 100), ("c.csv", 200)):
        source.put(name, b"x")
        touch_at(source.root / name, at)
    with source.open(settle="none") as connector:
        assert [i.name for i in connector.list({}).items] == ["b.csv", "c.csv", "a.csv"]


def test_a_file_that_changes_after_the_listing_is_not_taken(source: FolderScenario, tmp_path: Path) -> None:
    source.put("甲.csv", b"1")
    with source.open(settle="none") as connector:
        (item,) = connector.list({}).items
        source.put("甲.csv", b"12")
        with pytest.raises(TransientError, match="变了"):
            connector.fetch(item, tmp_path / "to")
    assert list(tmp_path.glob("to*")) == []
    assert source.time.slept == []


def test_a_full_disk_says_so_and_is_worth_another_try(source: FolderScenario, tmp_path: Path) -> None:
    source.put("甲.csv", b"x" * 300_000)
    with source.open(settle="none", retries=2) as connector:
        (item,) = connector.list({}).items
        source.break_while_fetching()
        try:
            with pytest.raises(TransientError, match="磁盘已满"):
                connector.fetch(item, tmp_path / "to")
        finally:
            source.close()
        assert len(source.time.slept) == 2
        assert connector.fetch(item, tmp_path / "to").size == 300_000


def test_a_name_in_gb18030_is_shown_as_its_author_meant_it(source: FolderScenario, tmp_path: Path) -> None:
    raw = "税务登记.csv".encode("gb18030")
    with open(os.fsencode(source.root) + b"/" + raw, "wb") as stream:  # noqa: PTH123 -- a name in bytes
        stream.write(b"gbk")
    with source.open(settle="none") as connector:
        (item,) = connector.list({}).items
        assert item.name == "税务登记.csv"
        json.dumps(item.key).encode()
        item.key.encode()
        assert connector.fetch(item, tmp_path / "to").size == 3


def test_names_that_look_alike_keep_different_keys() -> None:
    names = ["a\nb", "a\tb", "%0A", "a%0Ab", "é", "e\u0301", b"\xff", b"\xfe"]
    assert len({key_of(n) for n in names}) == len(names)
    assert shown("a\nb") == "a�b"


def test_all_faults_of_a_declaration_are_told_at_once() -> None:
    with pytest.raises(ConfigurationError) as raised:
        open_connector(
            "folder",
            {"regex": "(", "settle": "later", "archive": "../x", "fodler": 1},
            feed="water",
            folder=Path(),
        )
    told = "\n".join(raised.value.problems)
    assert len(raised.value.problems) == 4
    assert "正则表达式不对" in told
    assert "没有这个选项（可用：" in told


def test_an_unknown_kind_names_the_known_ones() -> None:
    with pytest.raises(ConfigurationError, match="folder"):
        open_connector("ftp", {}, feed="water", folder=Path())


def test_a_landing_is_limited_and_vanishes_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(FormatError), landing(tmp_path / "x", max_bytes=3) as place:
        place.write(b"1234")
    assert list(tmp_path.iterdir()) == []
