"""Dagster's own history does not grow for ever: runs that ended long ago are forgotten once a week. Nothing of the county is
lost with them; who sent, said and received what stands in the hub's tables, which are kept by their own rules.
"""

# no postponed annotations here: Dagster reads the type of `context` at run time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import dagster as dg

from assets.resources import HubResource

PRUNE = "forget_old_runs"
_ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
_AT_ONCE = 200


def forget_runs(instance: dg.DagsterInstance, *, before: datetime, jobs: Iterable[str]) -> int:
    """Deletes runs that ended before a moment, with their events; the newest run of each of `jobs` always stays. Returns how
    many. Killed half-way, it goes on where it stopped: each run is deleted by itself."""
    newest = {
        record.dagster_run.run_id
        for job in jobs
        for record in instance.get_run_records(dg.RunsFilter(job_name=job), limit=1)
    }
    forgotten = 0
    while True:
        records = instance.get_run_records(
            dg.RunsFilter(statuses=_ENDED, updated_before=before), limit=_AT_ONCE + len(newest), ascending=True
        )
        old = [r.dagster_run.run_id for r in records if r.dagster_run.run_id not in newest]
        if not old:
            return forgotten
        for run_id in old:
            instance.delete_run(run_id)
        forgotten += len(old)


def pruning_schedule(nightly: str) -> dg.ScheduleDefinition:
    """Every Sunday at four, after the night: forgets runs older than `COOP_HUB_DAGSTER_KEEP_DAYS`."""

    @dg.op(name="forget_runs")
    def forget(context: dg.OpExecutionContext, hub: HubResource) -> None:
        days = hub.settings().dagster_keep_days
        count = forget_runs(
            context.instance, before=datetime.now(UTC) - timedelta(days=days), jobs=(nightly, context.job_name)
        )
        context.log.info("forgot %d runs that ended more than %d days ago", count, days)
        context.add_output_metadata({"runs forgotten": count, "kept days": days})

    @dg.job(
        name=PRUNE,
        executor_def=dg.in_process_executor,
        description="清理 Dagster 自身的旧运行记录；业务数据和台账不受影响。\n\nForgets Dagster's own old runs; the hub's records stay.",
    )
    def prune() -> None:
        forget()

    return dg.ScheduleDefinition(
        name="weekly_pruning",
        job=prune,
        cron_schedule="0 4 * * 0",
        execution_timezone="Asia/Shanghai",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="每周日 04:00（北京时间）清理旧运行记录 · every Sunday at 04:00, Asia/Shanghai",
    )
