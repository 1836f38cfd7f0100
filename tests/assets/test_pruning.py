"""Dagster forgets old runs, and only those."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg

from assets.definitions import NIGHTLY, build_defs
from assets.instance import prepare_dagster_home
from assets.pruning import PRUNE, forget_runs
from assets.resources import HubResource
from hub.settings import load_settings


@dg.job
def nightly() -> None:
    @dg.op
    def work() -> None: ...

    work()


def _runs(instance: dg.DagsterInstance, count: int) -> list[str]:
    return [nightly.execute_in_process(instance=instance).run_id for _ in range(count)]


def test_runs_that_ended_before_the_moment_are_forgotten_with_their_events() -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        runs = _runs(instance, 3)
        tomorrow = datetime.now(UTC) + timedelta(days=1)
        assert forget_runs(instance, before=tomorrow, jobs=["another"]) == 3
        assert not instance.get_run_records()
        assert not instance.all_logs(runs[0])


def test_the_newest_run_of_a_job_stays_however_old() -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        runs = _runs(instance, 3)
        tomorrow = datetime.now(UTC) + timedelta(days=1)
        assert forget_runs(instance, before=tomorrow, jobs=["nightly"]) == 2
        assert [r.dagster_run.run_id for r in instance.get_run_records()] == [runs[-1]]
        assert forget_runs(instance, before=tomorrow, jobs=["nightly"]) == 0


def test_younger_runs_are_left_alone() -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        _runs(instance, 2)
        assert forget_runs(instance, before=datetime.now(UTC) - timedelta(days=1), jobs=[]) == 0
        assert len(instance.get_run_records()) == 2


def test_pruning_runs_every_week_on_the_hubs_own_storage(tmp_path: Path) -> None:
    settings = load_settings(data=tmp_path / "var")
    prepare_dagster_home(settings)
    defs = build_defs(hub=HubResource(data=str(settings.data)))
    schedule = defs.resolve_schedule_def("weekly_pruning")
    assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING
    assert schedule.job_name == PRUNE
    assert schedule.execution_timezone == "Asia/Shanghai"
    with dg.DagsterInstance.get() as instance:
        result = defs.resolve_job_def(PRUNE).execute_in_process(instance=instance)
        assert result.success
        assert {j.name for j in defs.jobs or ()} >= {NIGHTLY}
