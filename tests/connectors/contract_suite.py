"""What every connector must do, as tests. `test_contract.py` runs them over one `Scenario` for each kind.

A scenario is a real source the test can change: a folder, an SFTP server, a table, an HTTP server. Sources of files
give one item a file; sources of rows (`rows = True`) give one item a query, with a row for each thing put in.
"""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest

from connectors import Clock, Connector, Fetched, open_connector
from hub.errors import HubError

HOSTILE_NAMES = [
    "两个 空格  的表.xlsx",
    "换行\n名.csv",
    "引号'\"`$(touch x);--.csv",
    "-rf.csv",
    "a..%2f..%2fetc.csv",
    "零宽\u200b反向\u202e名.csv",
    "𠮷䶮合作社.csv",
    "%41.csv",
]


class FakeClock:
    """Time that passes only when somebody sleeps; `while_asleep` is what the world does meanwhile."""

    def __init__(self) -> None:
        self.at = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
        self.slept: list[float] = []
        self.while_asleep: list[Any] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += timedelta(seconds=seconds)
        if self.while_asleep:
            self.while_asleep.pop(0)()

    @property
    def clock(self) -> Clock:
        return Clock(now=lambda: self.at, sleep=self.sleep)


class Scenario(ABC):
    """A source with nothing in it, and ways to change it."""

    kind: ClassVar[str]
    rows: ClassVar[bool] = False

    def __init__(self, scratch: Path) -> None:
        self.scratch = scratch
        self.time = FakeClock()
        self.environment: dict[str, str] = {}

    @abstractmethod
    def options(self) -> dict[str, Any]:
        """Options of a declaration that reads this source."""

    @abstractmethod
    def put(self, name: str, content: bytes) -> None:
        """Adds something complete."""

    @abstractmethod
    def remove_all(self) -> None:
        """Takes everything away, the place that held it included where rows are concerned."""

    @abstractmethod
    def make_unlistable(self) -> None:
        """From now on the place cannot be listed (it may look empty to a careless reader)."""

    @abstractmethod
    def break_while_fetching(self) -> None:
        """From now on a fetch fails after some bytes came."""

    def names_in(self, fetched: Fetched) -> list[str]:
        """Which of the things put in this delivery carries, by the name given to `put`."""
        raise NotImplementedError

    def close(self) -> None:  # noqa: B027 -- most scenarios start nothing
        """Stops what the scenario started."""

    def open(self, **more: Any) -> Connector:
        return open_connector(
            self.kind,
            {**self.options(), "retry_seconds": 0.01, **more},
            feed="tax_registration",
            folder=self.scratch,
            environment=self.environment,
            clock=self.time.clock,
        )


def fetch_all(connector: Connector, state: Any, to: Path) -> tuple[list[Fetched], Any]:
    """One night: everything listed is fetched and accepted. State goes through JSON, as in the database."""
    listing = connector.list(json.loads(json.dumps(state)))
    state = json.loads(json.dumps(listing.state))
    fetched = []
    for n, item in enumerate(listing.items):
        one = connector.fetch(item, to / f"{n}.bin")
        state = json.loads(json.dumps(connector.advance(state, one)))
        fetched.append(one)
    connector.acknowledge(listing.items)
    return fetched, state


class ConnectorContract:
    """Tests of the contract; a class in `test_contract.py` inherits them."""

    def test_an_empty_source_lists_nothing_and_is_reachable(self, scenario: Scenario) -> None:
        with scenario.open() as connector:
            outcome = connector.check()
            assert outcome.reachable, outcome.error
            assert outcome.seen
            assert connector.list({}).items == ()

    def test_two_things_arrive_whole_with_their_digest(self, scenario: Scenario, tmp_path: Path) -> None:
        scenario.put("甲.csv", b"a" * 10)
        scenario.put("乙.csv", b"b" * 70_000)
        with scenario.open() as connector:
            assert len(connector.discover()) >= 1
            fetched, _ = fetch_all(connector, {}, tmp_path / "to")
        names = sorted(name for one in fetched if not one.empty for name in scenario.names_in(one))
        assert names == sorted(["甲.csv", "乙.csv"])
        for one in fetched:
            content = one.path.read_bytes()
            assert (one.size, one.sha256) == (len(content), hashlib.sha256(content).hexdigest())

    def test_what_was_accepted_is_not_lost_and_not_taken_twice_with_memory(
        self, scenario: Scenario, tmp_path: Path
    ) -> None:
        scenario.put("甲.csv", b"one")
        more: dict[str, Any] = {} if scenario.rows else {"take": "changed"}
        with scenario.open(**more) as connector:
            first, state = fetch_all(connector, {}, tmp_path / "one")
            again, state = fetch_all(connector, state, tmp_path / "two")
            scenario.put("乙.csv", b"two")
            third, _ = fetch_all(connector, state, tmp_path / "three")
        assert [scenario.names_in(one) for one in first] == [["甲.csv"]]
        assert [one for one in again if not one.empty] == []
        assert [scenario.names_in(one) for one in third] == [["乙.csv"]]

    def test_a_night_killed_before_acceptance_fetches_the_same_again(self, scenario: Scenario, tmp_path: Path) -> None:
        scenario.put("甲.csv", b"one")
        with scenario.open() as connector:
            state = connector.list({}).state
            first = [connector.fetch(i, tmp_path / "1").sha256 for i in connector.list(state).items]
            second = [connector.fetch(i, tmp_path / "2").sha256 for i in connector.list(state).items]
        assert first == second
        assert len(first) == 1

    def test_a_place_that_cannot_be_listed_is_an_error_and_not_empty(self, scenario: Scenario) -> None:
        scenario.put("甲.csv", b"one")
        scenario.make_unlistable()
        with scenario.open() as connector:
            with pytest.raises(HubError) as raised:
                connector.list({})
            assert raised.value.next_step
            outcome = connector.check()
            assert not outcome.reachable
            assert outcome.error is not None

    def test_what_is_gone_before_the_fetch_is_a_clear_error_and_leaves_nothing(
        self, scenario: Scenario, tmp_path: Path
    ) -> None:
        scenario.put("甲.csv", b"one")
        with scenario.open() as connector:
            (item,) = connector.list({}).items
            scenario.remove_all()
            with pytest.raises(HubError) as raised:
                connector.fetch(item, tmp_path / "to" / "x")
        assert raised.value.next_step
        assert [p for p in (tmp_path / "to").rglob("*") if p.is_file()] == []

    def test_a_fetch_that_breaks_off_leaves_no_partial_file_and_keeps_an_older_one(
        self, scenario: Scenario, tmp_path: Path
    ) -> None:
        scenario.put("甲.csv", b"x" * 300_000)
        target = tmp_path / "to" / "x"
        target.parent.mkdir()
        target.write_bytes(b"older")
        with scenario.open(retries=1) as connector:
            (item,) = connector.list({}).items
            scenario.break_while_fetching()
            with pytest.raises(HubError) as raised:
                connector.fetch(item, target)
        assert raised.value.next_step
        assert [p.name for p in target.parent.iterdir()] == ["x"]
        assert target.read_bytes() == b"older"

    def test_a_larger_delivery_than_allowed_is_refused(self, scenario: Scenario, tmp_path: Path) -> None:
        import random

        scenario.put("甲.csv", random.Random(1).randbytes(3 * 1024 * 1024))
        with scenario.open(max_mb=1) as connector:
            try:
                listing = connector.list({})
                for item in listing.items:
                    connector.fetch(item, tmp_path / "to" / "x")
                told = "".join(p.reason for p in listing.passed_over if p.attention)
            except HubError as error:
                told = error.message
        assert "超过" in told
        assert not (tmp_path / "to" / "x").exists()

    @pytest.mark.parametrize("name", HOSTILE_NAMES)
    def test_a_hostile_name_harms_nobody_and_the_content_arrives(
        self, scenario: Scenario, tmp_path: Path, name: str
    ) -> None:
        scenario.put(name, b"hostile")
        with scenario.open() as connector:
            fetched, state = fetch_all(connector, {}, tmp_path / "to")
        assert [n for one in fetched for n in scenario.names_in(one)] == [name]
        shown = fetched[0].item.name
        assert all(c.isprintable() for c in shown)
        for text in (shown, fetched[0].item.key, json.dumps(state, ensure_ascii=False)):
            assert "\0" not in text
            text.encode()
        assert [p.name for p in (tmp_path / "to").iterdir()] == ["0.bin"]

    def test_acknowledging_twice_is_acknowledging_once(self, scenario: Scenario, tmp_path: Path) -> None:
        scenario.put("甲.csv", b"one")
        more: dict[str, Any] = {} if scenario.rows else {"after": "archive"}
        with scenario.open(**more) as connector:
            listing = connector.list({})
            state = listing.state
            for item in listing.items:
                state = connector.advance(state, connector.fetch(item, tmp_path / "x"))
            connector.acknowledge(listing.items)
            connector.acknowledge(listing.items)
            assert connector.list(state).items == ()

    def test_reading_an_item_shows_its_content_and_leaves_no_file(self, scenario: Scenario, tmp_path: Path) -> None:
        scenario.put("甲.csv", b"one")
        with scenario.open() as connector:
            (item,) = connector.list({}).items
            whole = connector.fetch(item, tmp_path / "x").path.read_bytes()
            with connector.read(item) as stream:
                assert stream.read() == whole

    def test_an_unknown_option_is_refused_with_the_known_ones(self, scenario: Scenario) -> None:
        from hub.errors import ConfigurationError

        with pytest.raises(ConfigurationError) as raised:
            scenario.open(pattren="*.csv", retries="many")
        assert len(raised.value.problems) == 2
        assert "pattren" in "".join(raised.value.problems)


class FileContract:
    """More tests, for sources of files."""

    def test_a_file_still_growing_waits_with_its_reason_and_comes_when_it_is_whole(
        self, scenario: Scenario, tmp_path: Path
    ) -> None:
        scenario.put("甲.csv", b"first half,")
        scenario.time.while_asleep.append(lambda: scenario.put("甲.csv", b"first half, second half"))
        with scenario.open(settle="two_looks") as connector:
            listing = connector.list({})
            assert listing.items == ()
            assert [w.name for w in listing.waiting] == ["甲.csv"]
            assert "还在写入" in listing.waiting[0].reason
            scenario.time.at += timedelta(minutes=1)
            (item,) = connector.list(json.loads(json.dumps(listing.state))).items
            assert connector.fetch(item, tmp_path / "x").path.read_bytes() == b"first half, second half"

    def test_temporary_names_are_passed_over_and_said(self, scenario: Scenario) -> None:
        for name in ("表.xlsx.part", "~$表.xlsx", "表.tmp", "表.xlsx.filepart", ".隐藏.csv"):
            scenario.put(name, b"half")
        with scenario.open() as connector:
            listing = connector.list({})
        assert listing.items == ()
        assert len(listing.passed_over) == 5

    def test_only_whole_names_match(self, scenario: Scenario) -> None:
        for name in ("税务登记_202603.xlsx", "旧_税务登记_202603.xlsx", "税务登记_202603.xlsx.bak"):
            scenario.put(name, b"x")
        for choice in ({"pattern": "税务登记_*.XLSX"}, {"regex": r"税务登记_\d{6}\.xlsx"}):
            with scenario.open(**choice) as connector:
                assert [i.name for i in connector.list({}).items] == ["税务登记_202603.xlsx"]

    def test_a_marker_says_when_a_file_is_whole(self, scenario: Scenario) -> None:
        scenario.put("甲.csv", b"x")
        with scenario.open(settle="done_marker", after="archive") as connector:
            listing = connector.list({})
            assert listing.items == ()
            assert "完成标记" in listing.waiting[0].reason
            scenario.put("甲.csv.done", b"")
            (item,) = connector.list({}).items
            connector.acknowledge([item])
            assert [d.name for d in connector.discover() if "done" in d.name] == []

    def test_a_new_file_under_an_accepted_name_stays_where_it_is(self, scenario: Scenario, tmp_path: Path) -> None:
        scenario.put("甲.csv", b"old")
        with scenario.open(after="archive") as connector:
            (item,) = connector.list({}).items
            scenario.put("甲.csv", b"new and longer")
            connector.acknowledge([item])
            (still,) = connector.list({}).items
            assert connector.fetch(still, tmp_path / "x").path.read_bytes() == b"new and longer"

    def test_archived_files_never_overwrite_each_other(self, scenario: Scenario) -> None:
        with scenario.open(after="archive", recursive=False) as connector:
            for content in (b"1", b"22", b"333"):
                scenario.put("甲.csv", content)
                connector.acknowledge(connector.list({}).items)
            assert connector.list({}).items == ()
        assert sorted(self.archived_sizes(scenario)) == [1, 2, 3]

    def archived_sizes(self, scenario: Scenario) -> list[int]:
        with scenario.open(path=scenario.options()["path"].rstrip("/") + "/已接收") as connector:
            return [i.size or 0 for i in connector.list({}).items]

    def test_renaming_after_acceptance_takes_a_file_out_of_the_next_listing(self, scenario: Scenario) -> None:
        scenario.put("甲.csv", b"1")
        with scenario.open(after="rename") as connector:
            connector.acknowledge(connector.list({}).items)
            listing = connector.list({})
        assert listing.items == ()
        assert [p.name for p in listing.passed_over] == ["甲.csv.accepted"]
