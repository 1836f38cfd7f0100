"""The code location: `dagster definitions validate -m assets.definitions`, the UI and the daemon load it."""

from __future__ import annotations

from typing import Any

import dagster as dg

from assets.graph import build_assets
from assets.pruning import pruning_schedule
from assets.resources import HubResource
from hub.deployment import Deployment, load_deployment
from hub.settings import load_settings

NIGHTLY = "nightly_sync"


def recipient_departments(deployment: Deployment) -> list[str]:
    """Departments that some agreement names as recipient, in the deployment's order."""
    from hub.sharing.agreements import load_agreements, recipients_of

    named = {d.id for agreement in load_agreements(deployment).values() for d in recipients_of(agreement, deployment)}
    return [d.id for d in deployment.departments if d.id in named]


def build_defs(**resource_overrides: Any) -> dg.Definitions:
    """Everything Dagster knows of one county. `hub=HubResource(...)` overrides where data and county are.

    Raises:
        ConfigurationError: the deployment is wrong; all faults listed.
    """
    hub = resource_overrides.get("hub", HubResource())
    deployment = load_deployment(
        hub.settings().deployment if isinstance(hub, HubResource) else load_settings().deployment
    )
    job = dg.define_asset_job(
        NIGHTLY,
        selection=dg.AssetSelection.all(),
        description="夜间同步：取数、读取检查、入库、关联、总表、摘录。\n\nThe nightly sync, end to end.",
        executor_def=dg.in_process_executor,  # few fat steps: a process each would cost more than the work
        tags={"dagster/max_runtime": 6 * 3600},
    )
    schedule = dg.ScheduleDefinition(
        name="nightly_at_two",
        job=job,
        cron_schedule="0 2 * * *",
        execution_timezone="Asia/Shanghai",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"每晚 02:00（北京时间）同步{deployment.county.name}的数据 · every night at 02:00, Asia/Shanghai",
    )
    return dg.Definitions(
        assets=build_assets(deployment, recipient_departments(deployment)),
        jobs=[job],
        schedules=[schedule, pruning_schedule(NIGHTLY)],
        resources={"hub": hub, **{k: v for k, v in resource_overrides.items() if k != "hub"}},
        executor=dg.in_process_executor,
    )


@dg.definitions
def defs() -> dg.Definitions:
    """The county of the settings. Loaded lazily, so that importing this module touches nothing."""
    return build_defs()
