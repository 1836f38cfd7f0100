"""Everything Dagster is told loads, is complete, and reads like the picture."""

from __future__ import annotations

import dagster as dg
import pytest

from assets import specs
from assets.definitions import NIGHTLY, build_defs, recipient_departments
from hub.deployment import load_deployment
from hub.settings import REPOSITORY


@pytest.fixture(scope="module")
def defs() -> dg.Definitions:
    return build_defs()


def _specs(defs: dg.Definitions) -> list[dg.AssetSpec]:
    return [spec for asset in defs.assets or [] if isinstance(asset, dg.AssetsDefinition) for spec in asset.specs]


def test_all_definitions_can_be_loaded(defs: dg.Definitions) -> None:
    dg.Definitions.validate_loadable(defs)


def test_the_graph_reads_like_the_picture(defs: dg.Definitions) -> None:
    deps = {s.key: {d.asset_key for d in s.deps} for s in _specs(defs)}
    deployment = load_deployment(REPOSITORY / "deployments" / "demo")
    for feed in deployment.feed_by_name:
        assert deps[specs.staged_key(feed)] == {specs.deliveries_key(feed)}
        assert deps[specs.source_key(feed)] == {specs.staged_key(feed)}
        assert specs.source_key(feed) in deps[specs.LINKS]
    assert deps[specs.COOPERATIVES] == {specs.LINKS}
    for department in recipient_departments(deployment):
        assert deps[specs.extract_key(department)] == {specs.COOPERATIVES}
        assert specs.extract_key(department) in deps[specs.NIGHT]


def test_every_asset_says_whose_it_is_and_what_it_is_in_both_languages(defs: dg.Definitions) -> None:
    for spec in _specs(defs):
        assert spec.owners, spec.key
        assert spec.kinds, spec.key
        assert spec.metadata.get("dagster/table_name") or spec.metadata.get("dagster/column_schema"), spec.key
        description = spec.description or ""
        assert any("\u4e00" <= c <= "\u9fff" for c in description), spec.key
        assert any(c.isascii() and c.isalpha() for c in description), spec.key


def test_rows_and_master_declare_columns_and_where_they_come_from(defs: dg.Definitions) -> None:
    by_key = {s.key: s for s in _specs(defs)}
    for key in (specs.source_key("tax_registration"), specs.COOPERATIVES):
        columns = {c.name for c in by_key[key].metadata["dagster/column_schema"].columns}
        lineage = by_key[key].metadata["dagster/column_lineage"].deps_by_column
        assert "name" in columns
        assert set(lineage) <= columns
        assert lineage["name"]


def test_every_rule_that_holds_something_back_is_an_asset_check_and_warnings_are_one(defs: dg.Definitions) -> None:
    from expectations import rules_of
    from hub.feeds import feed_catalogue

    declared = {
        (s.asset_key, s.name)
        for asset in defs.assets or []
        if isinstance(asset, dg.AssetsDefinition)
        for s in asset.check_specs
    }
    for name, feed in feed_catalogue().items():
        rules = rules_of(feed)
        assert rules
        assert {
            (specs.staged_key(name), r.name if r.severity != "warning" else specs.WARNINGS) for r in rules
        } <= declared


def test_the_schedule_runs_at_two_in_the_county_and_is_on(defs: dg.Definitions) -> None:
    schedule = defs.resolve_schedule_def("nightly_at_two")
    assert schedule.cron_schedule == "0 2 * * *"
    assert schedule.execution_timezone == "Asia/Shanghai"
    assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING
    assert schedule.job_name == NIGHTLY
