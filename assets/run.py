"""One nightly run in this process, recorded in Dagster's instance like any run the daemon starts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hub.errors import ConflictError
from hub.settings import Settings

# the run's own log lies in the instance; the console belongs to the report
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass(frozen=True)
class NightResult:
    """`ok` is false when a step failed; the hub's own record of the night is found by `dagster_run_id`."""

    ok: bool
    dagster_run_id: str
    error: str | None


def run_night(settings: Settings, *, inbox: Path | None = None, kind: str = "nightly") -> NightResult:
    """Runs the nightly job through Dagster.

    Raises:
        ConfigurationError: settings or deployment are wrong; nothing was started.
        ConflictError: another sync of this hub is running.
    """
    from sqlalchemy import create_engine, text

    from assets.instance import prepare_dagster_home
    from hub.store.database import database_url, ensure_database

    prepare_dagster_home(settings)
    url = database_url(settings)
    ensure_database(url)
    engine = create_engine(url)
    # the lock lives as long as this connection: a killed process leaves none behind
    try:
        with engine.connect() as connection:
            if not connection.scalar(text("select pg_try_advisory_lock(hashtext('coop_hub_night'))")):
                raise ConflictError("另一次同步正在进行。", next_step="等它结束后再试；进度见 Dagster 界面。")
            return _execute(settings, inbox, kind)
    finally:
        engine.dispose()


def _execute(settings: Settings, inbox: Path | None, kind: str) -> NightResult:
    import dagster as dg

    from assets.definitions import NIGHTLY, build_defs
    from assets.resources import HubResource

    hub = HubResource(
        data=str(settings.data),
        deployment=str(settings.deployment),
        inbox=str(inbox) if inbox else None,
        kind=kind,
        today=settings.today,
    )
    job = build_defs(hub=hub).resolve_job_def(NIGHTLY)
    with dg.DagsterInstance.get() as instance:
        # one pooled connection instead of a new one for each of the run's events
        instance.optimize_for_webserver(statement_timeout=60_000, pool_recycle=3600, max_overflow=5)
        result = job.execute_in_process(instance=instance, raise_on_error=False, run_config=_QUIET)
    failures = [e for e in result.all_events if e.is_step_failure]
    error = None
    if failures:
        data = failures[0].step_failure_data
        cause = data.error.cause or data.error if data.error else None
        error = f"{failures[0].step_key}：{cause.message.strip() if cause else '未知错误'}"
    return NightResult(result.success, result.run_id, error)
