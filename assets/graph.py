"""The assets: one fat step a stage, one asset a box and feed. Each body is a call into `hub.night` and the metadata of what it
did; an unexpected error is noted with the night and goes on to Dagster.
"""

# no postponed annotations here: Dagster reads the type of `context` at run time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import dagster as dg

from assets import specs
from assets.resources import HubResource
from hub import night as nights
from hub.deployment import Deployment
from hub.night import Night

_SEVERITY = {"critical": dg.AssetCheckSeverity.ERROR, "hold": dg.AssetCheckSeverity.ERROR}


@contextmanager
def _failing_loudly(night: Night, step: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        nights.fail_night(night, step, error)
        raise


def _selected(context: dg.AssetExecutionContext, prefix: str) -> list[str]:
    """Feeds or departments of the assets this run wants, in declared order."""
    wanted = context.selected_asset_keys
    return [k.path[1] for k in context.assets_def.keys if k in wanted and k.path[0] == prefix]


def build_assets(deployment: Deployment, recipients: list[str]) -> list[dg.AssetsDefinition]:
    """All assets of a county. `recipients` are the departments that some agreement names."""

    @dg.multi_asset(specs=specs.deliveries_specs(deployment), can_subset=True, name="fetch_deliveries")
    def fetch_deliveries(context: dg.AssetExecutionContext, hub: HubResource) -> Iterator[dg.MaterializeResult[Any]]:
        """Fetches and archives what every department has sent."""
        night = hub.night(context.run_id)
        with _failing_loudly(night, "fetch"):
            outcomes = nights.fetch_deliveries(night, sorted(_selected(context, "deliveries")))
        for feed, outcome in outcomes.items():
            yield dg.MaterializeResult(
                asset_key=specs.deliveries_key(feed),
                metadata={
                    "new": len(outcome.new),
                    "unchanged": len(outcome.unchanged),
                    "files": outcome.new + outcome.unchanged,
                    **({"problem": outcome.problem} if outcome.problem else {}),
                },
            )

    @dg.multi_asset(
        specs=specs.staged_specs(deployment),
        check_specs=specs.check_specs(deployment),
        can_subset=True,
        name="stage_deliveries",
    )
    def stage_deliveries(
        context: dg.AssetExecutionContext, hub: HubResource
    ) -> Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]:
        """Reads, normalises and checks every waiting delivery."""
        night = hub.night(context.run_id)
        with _failing_loudly(night, "stage"):
            outcomes = nights.stage_deliveries(night, sorted(_selected(context, "staged_rows")))
        for feed, outcome in outcomes.items():
            yield dg.MaterializeResult(
                asset_key=specs.staged_key(feed),
                metadata={
                    "dagster/row_count": sum(s.rows_in for s in outcome.staged),
                    "deliveries": len(outcome.staged),
                    **{f"refused {i}": f"{reason}" for i, (_, reason) in enumerate(outcome.failed, 1)},
                },
            )
            yield from _check_results(feed, outcome)

    @dg.multi_asset(specs=specs.source_specs(deployment), can_subset=True, name="accept_deliveries")
    def accept_deliveries(context: dg.AssetExecutionContext, hub: HubResource) -> Iterator[dg.MaterializeResult[Any]]:
        """Makes staged deliveries durable, one transaction each."""
        night = hub.night(context.run_id)
        with _failing_loudly(night, "accept"):
            outcomes = nights.accept_deliveries(night, sorted(_selected(context, "source_rows")))
        for feed, outcome in outcomes.items():
            totals: dict[str, int] = {}
            for staged in outcome.staged:
                for disposition, rows in staged.counts.items():
                    totals[disposition] = totals.get(disposition, 0) + rows
            yield dg.MaterializeResult(
                asset_key=specs.source_key(feed),
                metadata={"dagster/row_count": totals.get("accepted", 0), "held": len(outcome.held), **totals},
            )

    @dg.multi_asset(specs=[specs.links_spec(deployment)], name="link_profiles")
    def link_profiles(context: dg.AssetExecutionContext, hub: HubResource) -> dg.MaterializeResult[Any]:
        """Links every profile to a cooperative."""
        night = hub.night(context.run_id)
        with _failing_loudly(night, "match"):
            summary = nights.link_profiles(night)
        return dg.MaterializeResult(asset_key=specs.LINKS, metadata=_plain(summary))

    @dg.multi_asset(specs=[specs.cooperatives_spec(deployment)], name="project_master")
    def project_master(context: dg.AssetExecutionContext, hub: HubResource) -> dg.MaterializeResult[Any]:
        """Projects the master table."""
        night = hub.night(context.run_id)
        with _failing_loudly(night, "master"):
            summary = nights.project_master(night)
        return dg.MaterializeResult(
            asset_key=specs.COOPERATIVES, metadata={"dagster/row_count": summary.rows, "version": summary.version or 0}
        )

    @dg.multi_asset(specs=[specs.night_spec(recipients)], name="close_night")
    def close_night(context: dg.AssetExecutionContext, hub: HubResource) -> dg.MaterializeResult[Any]:
        """Looks for overdue feeds, prunes, and closes the night."""
        night = hub.night(context.run_id)
        with _failing_loudly(night, "close"):
            overdue = nights.check_the_house(night)
            state = nights.close_night(night)
        return dg.MaterializeResult(asset_key=specs.NIGHT, metadata={"state": state, "overdue": overdue})

    made = [fetch_deliveries, stage_deliveries, accept_deliveries, link_profiles, project_master, close_night]
    if recipients:

        @dg.multi_asset(specs=specs.extract_specs(deployment, recipients), name="publish_extracts")
        def publish_extracts(
            context: dg.AssetExecutionContext, hub: HubResource
        ) -> Iterator[dg.MaterializeResult[Any]]:
            """Publishes what each agreement in force allows."""
            night = hub.night(context.run_id)
            with _failing_loudly(night, "publish"):
                summaries = nights.publish_extracts(night)
            for department in recipients:
                own = [s for s in summaries if s.department == department]
                yield dg.MaterializeResult(
                    asset_key=specs.extract_key(department),
                    metadata={
                        "dagster/row_count": sum(s.rows for s in own),
                        "extracts": [s.title for s in own],
                    },
                )

        made.insert(-1, publish_extracts)
    return made


def _check_results(feed: str, outcome: Any) -> Iterator[dg.AssetCheckResult]:
    """One result a rule, over all deliveries of the feed tonight: the worst counts. Warnings come as one."""
    by_rule: dict[str, list[Any]] = {}
    for staged in outcome.staged:
        for one in staged.outcomes:
            by_rule.setdefault(one.rule, []).append(one)
    warned: dict[str, int] = {}
    soft = False
    for rule, results in by_rule.items():
        failed = [r for r in results if not r.passed]
        rows = sum(r.rows_failed for r in results)
        if results[0].severity == "warning":
            soft = True
            if failed:
                warned[rule] = rows
            continue
        yield dg.AssetCheckResult(
            asset_key=specs.staged_key(feed),
            check_name=rule,
            passed=not failed,
            severity=_SEVERITY.get(results[0].severity, dg.AssetCheckSeverity.WARN),
            description=failed[0].message if failed else None,
            metadata={"rows_failed": rows, "deliveries": len(results)},
        )
    if soft:
        yield dg.AssetCheckResult(
            asset_key=specs.staged_key(feed),
            check_name=specs.WARNINGS,
            passed=not warned,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={"rows by rule": warned},
        )


def _plain(summary: Any) -> dict[str, Any]:
    """A summary's numbers and words, as metadata."""
    from dataclasses import asdict

    return {k: v for k, v in asdict(summary).items() if isinstance(v, int | float | str | bool | dict | list)}
