"""Every rule of every feed lets a good row pass and catches a row that breaks it."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest

from expectations import CheckReport, Days, Rule, check_rows, describe_rules, rules_of
from expectations.describe import rules_as_markdown
from hub.errors import HubError
from hub.feeds import Coverage, Feed, feed_catalogue, get_feed
from tests.expectations.cases import TODAY, breaking_case, frame_of, good_row

FEEDS = tuple(feed_catalogue().values())
ROW_RULES = [(feed, rule) for feed in FEEDS for rule in rules_of(feed) if not rule.about_file]


def check(
    feed: Feed, rows: pd.DataFrame, previous: int | None = None, coverage: Coverage = Coverage.FULL
) -> CheckReport:
    return check_rows(feed, rows, previous_rows=previous, hold_below=0.8, coverage=coverage, today=TODAY)


def failed(report: CheckReport) -> dict[str, list[int]]:
    return {r.rule: r.failed_positions.tolist() for r in report.results if not r.passed}


@pytest.mark.parametrize("feed", FEEDS, ids=lambda f: f.feed)
def test_a_good_row_keeps_every_rule(feed: Feed) -> None:
    assert failed(check(feed, frame_of(feed, [good_row(feed)]))) == {}


@pytest.mark.parametrize("feed", FEEDS, ids=lambda f: f.feed)
def test_every_rule_is_reported_whether_it_passed_or_not(feed: Feed) -> None:
    report = check(feed, frame_of(feed, [good_row(feed)]))
    assert [r.rule for r in report.results] == [r.name for r in rules_of(feed)]


@pytest.mark.parametrize(("feed", "rule"), ROW_RULES, ids=lambda x: x.name if isinstance(x, Rule) else x.feed)
def test_a_row_that_breaks_the_rule_is_found_at_its_place(feed: Feed, rule: Rule) -> None:
    case = breaking_case(feed, rule)
    assert case is not None, f"{feed.feed}.{rule.name} has no failing case in tests/expectations/cases.py"
    report = check(feed, frame_of(feed, case.rows))
    assert rule.name in failed(report)
    assert case.position in failed(report)[rule.name]
    result = next(r for r in report.results if r.rule == rule.name)
    assert result.severity == rule.severity
    assert "{" not in result.message
    assert result.message.endswith("。")


def test_only_a_row_that_names_nobody_or_lacks_its_date_of_listing_is_quarantined() -> None:
    costly = {f"{feed.feed}.{r.name}" for feed, r in ROW_RULES if r.severity == "row"}
    costly = {c.split(".")[1] for c in costly}
    assert costly == {"identity", "identity_damaged", "name_length", "listed_on_filled"}


@pytest.mark.parametrize("feed", FEEDS, ids=lambda f: f.feed)
def test_a_name_alone_is_enough_for_every_soft_rule(feed: Feed) -> None:
    row = dict.fromkeys(good_row(feed)) | {"notes": "[]", "name": "白石清泉茶叶"}
    if feed.feed == "market_abnormal":
        row["listed_on"] = "2023-06-30"
    assert check(feed, frame_of(feed, [row])).quarantined.tolist() == [False]


def test_a_damaged_code_beside_a_name_is_a_warning() -> None:
    feed = get_feed("supply_marketing")
    row = good_row(feed) | {"code": None, "notes": '[{"field": "code", "code": "damaged_code", "message": ""}]'}
    report = check(feed, frame_of(feed, [row]))
    assert report.failed("row") == ()
    assert failed(report) == {"code_damaged": [0]}


def test_a_date_that_cannot_be_read_keeps_its_row() -> None:
    feed = get_feed("market_abnormal")
    row = good_row(feed) | {"listed_on": None, "notes": '[{"field": "listed_on", "code": "unreadable", "message": ""}]'}
    report = check(feed, frame_of(feed, [row]))
    assert not report.quarantined.any()
    assert "listed_on_readable" in failed(report)


def test_forever_is_a_date() -> None:
    feed = get_feed("finance")
    assert "due_on_plausible" not in failed(check(feed, frame_of(feed, [good_row(feed) | {"due_on": "9999-12-31"}])))


def test_short_and_long_forms_of_a_name_may_share_a_code() -> None:
    feed = get_feed("supply_marketing")
    rows = [good_row(feed), good_row(feed) | {"name": "白石清泉茶叶合作社"}]
    assert "code_one_name" not in failed(check(feed, frame_of(feed, rows)))


@pytest.mark.parametrize(
    ("previous", "coverage", "held"),
    [
        (10, Coverage.FULL, True), (5, Coverage.FULL, False), (None, Coverage.FULL, False), (10, Coverage.INCREMENT, False),
    ],
)  # fmt: skip
def test_a_full_list_that_shrank_too_far_is_held(previous: int | None, coverage: Coverage, held: bool) -> None:
    feed = get_feed("demonstration")
    rows = frame_of(feed, [good_row(feed) | {"name": f"云岫县第{i}茶叶专业合作社", "code": None} for i in range(4)])
    report = check(feed, rows, previous, coverage)
    assert [r.rule for r in report.failed("hold")] == (["row_count_holds"] if held else [])
    if held:
        assert "疑似截断：本次 4 行，上次采用 10 行，不到 80%" in report.failed("hold")[0].message


def test_an_empty_table_waits_for_a_person() -> None:
    feed = get_feed("market_abnormal")
    report = check(feed, frame_of(feed, []))
    assert [r.rule for r in report.failed("hold")] == ["not_empty"]
    assert report.failed("critical") == report.failed("row") == ()
    assert "零报告" in report.failed("hold")[0].message


def test_a_missing_column_is_never_a_pass() -> None:
    feed = get_feed("market_abnormal")
    report = check(feed, frame_of(feed, [good_row(feed)]).drop(columns=["listed_on"]))
    assert [(r.rule, r.severity) for r in report.results] == [("columns_present", "critical")]
    assert "列入日期" in report.results[0].message


def test_an_empty_suite_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from expectations import great

    monkeypatch.setattr(great, "rules_of", lambda _feed: ())
    with pytest.raises(HubError, match="没有任何检查规则"):
        great.build_suite(get_feed("water"))


def test_a_rule_that_cannot_run_stops_the_delivery_and_blames_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    from expectations import great

    feed = get_feed("water")
    broken = tuple(
        replace(r, failing=lambda c: c.rows["no such column"]) if r.name == "identity" else r for r in rules_of(feed)
    )
    monkeypatch.setattr(great, "rules_of", lambda _feed: broken)
    with pytest.raises(HubError, match="identity") as raised:
        check(feed, frame_of(feed, [good_row(feed)]))
    assert "不是来件的问题" in raised.value.next_step
    assert "no such column" in raised.value.detail


def test_messages_name_the_column_as_the_sender_wrote_it() -> None:
    feed = get_feed("market_abnormal")
    rows = frame_of(feed, [good_row(feed) | {"listed_on": None}])
    report = check_rows(
        feed, rows, previous_rows=None, hold_below=0.8, coverage=Coverage.FULL, today=TODAY, headers={"listed_on": "列异时间"}
    )  # fmt: skip
    assert "“列异时间”为空" in report.failed("row")[0].message


def test_a_column_the_table_does_not_have_is_not_asked_for_row_by_row() -> None:
    feed = get_feed("demonstration")
    rows = frame_of(feed, [good_row(feed) | {"monitored_in": None}])
    for headers, expected in (({"monitoring": "监测结果"}, True), ({"monitored_in": "监测年份"}, False)):
        report = check_rows(
            feed, rows, previous_rows=None, hold_below=0.8, coverage=Coverage.FULL, today=TODAY, headers=headers
        )  # fmt: skip
        assert next(r for r in report.results if r.rule == "monitored_in_given_monitoring").passed is expected


def test_the_same_rows_give_the_same_report() -> None:
    feed = get_feed("registry")
    rows = frame_of(feed, [good_row(feed), good_row(feed) | {"code": None, "name": None}])
    one, other = check(feed, rows), check(feed, rows)
    assert [(r.rule, r.passed, r.message, r.failed_positions.tolist()) for r in one.results] == [
        (r.rule, r.passed, r.message, r.failed_positions.tolist()) for r in other.results
    ]


def test_rules_are_listed_without_loading_the_heavy_libraries() -> None:
    program = (
        "import sys; from expectations import describe_rules; assert len(describe_rules()) > 300; "
        "print([m for m in ('great_expectations', 'pandas', 'numpy') if m in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_every_rule_is_described_in_two_languages() -> None:
    assert [d for d in describe_rules() if d.zh.isascii() or not d.en.isascii() or "_" in d.zh] == []


def test_the_page_of_rules_is_up_to_date() -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "checks.md"
    assert page.read_text(encoding="utf-8") == rules_as_markdown(), "run: python -m expectations docs/checks.md"


@pytest.mark.parametrize(
    ("days", "coverage", "told"),
    [
        (None, Coverage.FULL, set()),
        (Days(TODAY), Coverage.FULL, set()),
        (Days(TODAY, TODAY, 0), Coverage.FULL, set()),
        (Days(TODAY - timedelta(days=31), TODAY - timedelta(days=31), 31), Coverage.FULL, set()),
        (Days(TODAY - timedelta(days=32), None, 31), Coverage.FULL, {"as_of_recent"}),
        (Days(TODAY - timedelta(days=1), TODAY, 31), Coverage.FULL, {"as_of_not_before_last"}),
        (Days(TODAY - timedelta(days=99), TODAY, 31), Coverage.FULL, {"as_of_recent", "as_of_not_before_last"}),
        (Days(TODAY - timedelta(days=99), TODAY, 31), Coverage.INCREMENT, set()),
    ],
)
def test_an_old_list_sent_late_is_told_and_costs_nothing(days: Days | None, coverage: Coverage, told: set[str]) -> None:
    feed = get_feed("water")
    report = check_rows(
        feed, frame_of(feed, [good_row(feed)]), previous_rows=None, hold_below=0.8, coverage=coverage, today=TODAY, days=days
    )  # fmt: skip
    assert {r.rule for r in report.failed("warning")} == told
    assert report.failed("hold") == report.failed("critical") == ()
    for result in report.failed("warning"):
        assert str(days and days.as_of) in result.message
        assert "{" not in result.message
