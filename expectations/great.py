"""The part that needs Great Expectations: our one expectation, the metric behind it, the suites, and running a suite.
Imported by `expectations.check` only, when the first check runs (the library takes seconds to load).

Rules are tested on the real rows, a rule a metric, and judged by Great Expectations. Two ways of its own are not taken:
its column map expectations cost 6 ms each against 1.3 ms for this one, and a batch made from a data frame is hashed
twice, column by column, which costs more than all rules together on a million rows. A validator on the frame itself is
neither hashed nor copied, and needs no data context (which would leave a temporary folder behind).
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import date
from typing import TYPE_CHECKING, Any, ClassVar

from expectations.put_off import absent, put_off

os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")  # read when the library is imported; nothing calls out

# pyspark, where it is installed, takes a process without a main file (a test worker, python -c) for its doctests and ends it
with warnings.catch_warnings(), absent("pyspark", "pyspark.sql.connect"):
    warnings.simplefilter("ignore")
    for module in ("scipy.stats", "altair"):  # a third of the library's loading time, for expectations not used here
        put_off(module)
    from great_expectations.core.expectation_suite import ExpectationSuite
    from great_expectations.core.metric_domain_types import MetricDomainTypes
    from great_expectations.execution_engine.pandas_execution_engine import PandasExecutionEngine
    from great_expectations.expectations.core.expect_table_columns_to_match_set import ExpectTableColumnsToMatchSet
    from great_expectations.expectations.core.expect_table_row_count_to_be_between import ExpectTableRowCountToBeBetween
    from great_expectations.expectations.expectation import BatchExpectation
    from great_expectations.expectations.metadata_types import FailureSeverity
    from great_expectations.expectations.metrics.metric_provider import metric_value
    from great_expectations.expectations.metrics.table_metric_provider import TableMetricProvider
    from great_expectations.validator.validator import Validator

from expectations.rules import rules_of
from hub.errors import HubError, Where
from hub.feeds import Feed

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from expectations.columns import Columns
    from expectations.rule import Rule

_GX_SEVERITY = {
    "critical": FailureSeverity.CRITICAL,
    "hold": FailureSeverity.CRITICAL,
    "row": FailureSeverity.WARNING,
    "warning": FailureSeverity.INFO,
}
_under_test: ContextVar[tuple[Columns, dict[str, Rule], dict[str, NDArray[np.bool_]]]] = ContextVar("under_test")
_as_of: ContextVar[date] = ContextVar("as_of")


class RowsBreakingRule(TableMetricProvider):
    """Metric: how many rows break a rule. Which ones is kept aside, for the rules that fail."""

    metric_name = "table.coop_hub.rows_breaking_rule"
    value_keys = ("rule",)

    @metric_value(engine=PandasExecutionEngine)
    def _pandas(
        cls,  # noqa: N805 -- the decorator makes it a class method
        execution_engine: PandasExecutionEngine,
        metric_domain_kwargs: dict[str, Any],
        metric_value_kwargs: dict[str, Any],
        metrics: dict[str, Any],  # noqa: ARG002
        runtime_configuration: dict[str, Any],  # noqa: ARG002
    ) -> int:
        frame, _, _ = execution_engine.get_compute_domain(metric_domain_kwargs, domain_type=MetricDomainTypes.TABLE)
        columns, rules, broken = _under_test.get()
        if len(frame) != len(columns):
            raise ValueError("the rows under test are not those of this delivery")
        name = metric_value_kwargs["rule"]
        failing = rules[name].failing
        if failing is None:
            raise ValueError(f"{name} is a rule about the file")
        mask = failing(columns)
        count = int(mask.sum())
        if count:
            broken[name] = mask
        return count


class ExpectRowsToKeepRule(BatchExpectation):
    """Expect every row to keep a named rule of its feed (`expectations.rules_of`)."""

    rule: str

    metric_dependencies = ("table.coop_hub.rows_breaking_rule",)
    success_keys: ClassVar[tuple[str, ...]] = ("rule",)
    args_keys = ("rule",)

    def _validate(
        self,
        metrics: dict[str, Any],
        runtime_configuration: dict[str, Any] | None = None,  # noqa: ARG002
        execution_engine: Any = None,  # noqa: ARG002
    ) -> dict[str, Any]:
        broken = metrics["table.coop_hub.rows_breaking_rule"]
        return {"success": broken == 0, "result": {"observed_value": broken}}


class DayOfDelivery(TableMetricProvider):
    """Metric: the day the delivery speaks of, as the suite's caller found it (no column holds it)."""

    metric_name = "table.coop_hub.as_of"

    @metric_value(engine=PandasExecutionEngine)
    def _pandas(
        cls,  # noqa: N805 -- the decorator makes it a class method
        execution_engine: PandasExecutionEngine,  # noqa: ARG002
        metric_domain_kwargs: dict[str, Any],  # noqa: ARG002
        metric_value_kwargs: dict[str, Any],  # noqa: ARG002
        metrics: dict[str, Any],  # noqa: ARG002
        runtime_configuration: dict[str, Any],  # noqa: ARG002
    ) -> str:
        return _as_of.get().isoformat()


class ExpectDeliveryToSpeakOfDaySince(BatchExpectation):
    """Expect the delivery to speak of the day `since` (ISO) or a later one; None lets any day pass."""

    since: str | None = None

    metric_dependencies = ("table.coop_hub.as_of",)
    success_keys: ClassVar[tuple[str, ...]] = ("since",)
    args_keys = ("since",)

    def _validate(
        self,
        metrics: dict[str, Any],
        runtime_configuration: dict[str, Any] | None = None,  # noqa: ARG002
        execution_engine: Any = None,  # noqa: ARG002
    ) -> dict[str, Any]:
        day = metrics["table.coop_hub.as_of"]
        return {"success": self.since is None or day >= self.since, "result": {"observed_value": day}}


def _expectation(rule: Rule, feed: Feed, least_rows: int, since: Mapping[str, date | None]) -> Any:
    common: dict[str, Any] = {
        "severity": _GX_SEVERITY[rule.severity],
        "meta": {"rule": rule.name, "severity": rule.severity},
        "notes": rule.description_zh,
    }
    if rule.name == "columns_present":
        read = sorted({n for r in rules_of(feed) for n in r.reads} | {f.name for f in feed.fields})
        return ExpectTableColumnsToMatchSet(column_set=read, exact_match=False, **common)
    if rule.name == "not_empty":
        return ExpectTableRowCountToBeBetween(min_value=1, **common)
    if rule.name == "row_count_holds":
        return ExpectTableRowCountToBeBetween(min_value=least_rows, **common)
    if rule.failing is None:
        earliest = since.get(rule.name)
        return ExpectDeliveryToSpeakOfDaySince(since=earliest.isoformat() if earliest else None, **common)
    return ExpectRowsToKeepRule(rule=rule.name, **common)


def build_suite(feed: Feed, *, least_rows: int = 0, since: Mapping[str, date | None] | None = None) -> Any:
    """The feed's suite. `least_rows` is what the volume rule wants; 0 lets any number pass. `since` holds the earliest day each
    rule about the day lets pass.

    Raises:
        HubError: the suite would be empty, and an empty suite passes everything.
    """
    expectations = [_expectation(rule, feed, least_rows, since or {}) for rule in rules_of(feed)]
    if not expectations:
        raise HubError(
            f"{feed.title.zh}没有任何检查规则。",
            next_step="这是程序的问题，请交给系统管理员。",
            where=Where(feed=feed.feed),
        )
    return ExpectationSuite(name=feed.feed, expectations=expectations)


def run_suite(
    feed: Feed, columns: Columns, *, least_rows: int, as_of: date, since: Mapping[str, date | None]
) -> tuple[dict[str, bool], dict[str, NDArray[np.bool_]]]:
    """Runs the feed's suite on one delivery: (rule -> passed, rule -> which rows break it).

    Raises:
        HubError: a rule could not be run; never taken for a pass.
    """
    suite = build_suite(feed, least_rows=least_rows, since=since)
    broken: dict[str, NDArray[np.bool_]] = {}
    token = _under_test.set((columns, {r.name: r for r in rules_of(feed)}, broken))
    day = _as_of.set(as_of)
    try:
        validator = Validator(execution_engine=PandasExecutionEngine(batch_data_dict={feed.feed: columns.rows}))
        validator.metrics_calculator.show_progress_bars = False
        results = validator.graph_validate(
            configurations=[e.configuration for e in suite.expectations],
            runtime_configuration={"catch_exceptions": True, "result_format": {"result_format": "SUMMARY"}},
        )
    finally:
        _under_test.reset(token)
        _as_of.reset(day)
    passed: dict[str, bool] = {}
    faults: dict[str, str] = {}
    for result in results:
        configuration = result.expectation_config
        if configuration is None:
            continue  # counted as lost below
        name = (configuration.meta or {})["rule"]
        passed[name] = bool(result.success)
        if fault := _fault(result.exception_info):
            faults[name] = fault
    lost = {r.name for r in rules_of(feed)} - set(passed)
    if not passed.get("columns_present", False):
        return {"columns_present": False}, {}  # the other rules could not run, and need not
    if faults or lost:
        raise HubError(
            f"检查规则没有执行成：{'、'.join(sorted({*faults, *lost}))}。",
            next_step="这不是来件的问题。请把这条信息交给系统管理员；来件已留存，修好后再同步一次。",
            where=Where(feed=feed.title.zh),
            detail="; ".join(f"{k}: {v}" for k, v in sorted(faults.items())),
        )
    return passed, broken


def _fault(information: dict[str, Any] | None) -> str | None:
    """The exception inside a result, which the library files under the metric's id or directly; None if there is none."""
    if not information:
        return None
    entries = [information, *(v for v in information.values() if isinstance(v, dict))]
    return next((str(e.get("exception_message")) for e in entries if e.get("raised_exception")), None)
