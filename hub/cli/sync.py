"""`coop-hub sync`: one nightly run, through Dagster, recorded in its instance.

The command line is the outermost room, so it alone may call into `assets`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hub.cli import data_option, deployment_option, settings_from
from hub.errors import ConfigurationError
from hub.settings import Settings

if TYPE_CHECKING:
    from hub.night.report import NightReport


@contextmanager
def _progress(label: str) -> Iterator[None]:
    """A spinner on stderr while the night works; silent when stderr is not a terminal."""
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal:
        yield
        return
    with console.status(label):
        yield


def run_and_report(settings: Settings, inbox: Path | None) -> tuple[NightReport | None, str | None, float]:
    """Runs a night; returns its report, the error if it failed, and the seconds it took."""
    started = time.perf_counter()
    with _progress("正在同步 syncing …"):
        from assets.run import run_night
        from hub.night.report import read_report
        from hub.store.database import open_engine

        result = run_night(settings, inbox=inbox)
        engine = open_engine(settings, migrate=False)
        report = read_report(engine, dagster_run_id=result.dagster_run_id)
        engine.dispose()
    return report, result.error if not result.ok else None, time.perf_counter() - started


def exit_code_of(report: NightReport | None, error: str | None) -> int:
    """0 done; 3 done, but something is held or beyond its limit; 1 failed."""
    if error is not None or report is None or report.state == "failed":
        return 1
    return 3 if report.state == "attention" else 0


@click.command()
@deployment_option
@click.option(
    "--inbox", type=click.Path(path_type=Path), help="从此目录取件：DIR/<feed>/<file> · take deliveries from here"
)
@data_option
def sync(deployment: Path | None, inbox: Path | None, data: Path | None) -> None:
    """夜间同步一次：取数、检查、入库、关联、总表、摘录。One nightly run.

    Exit code 0: done. 3: done, but something is held or quarantined beyond its limit. 1: failed.
    """
    from hub.cli.night_print import print_report
    from hub.deployment import load_deployment

    settings = settings_from(data, deployment)
    county = load_deployment(settings.deployment)
    if inbox is not None and not inbox.is_dir():
        raise ConfigurationError(f"收件目录“{inbox}”不存在。", next_step="检查 --inbox；其下每个数据目录项一个文件夹。")
    settings.data.mkdir(parents=True, exist_ok=True)
    report, error, seconds = run_and_report(settings, inbox.resolve() if inbox else None)
    if report is not None:
        print_report(report, county)
    click.echo(f"全程 wall time {seconds:.1f} s")
    if error:
        click.echo(f"错误：同步失败，{error} 下一步：修正后重跑同一命令；已入库的数据不会丢失。", err=True)
    sys.exit(exit_code_of(report, error))
