"""`coop-hub demo`: the fictional county. Here: `generate`, which writes its deliveries."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from hub.cli import data_option, deployment_option, settings_from
from hub.settings import Settings


@click.group()
def demo() -> None:
    """演示县：生成虚构的报送文件，演示一夜。The fictional county."""


@contextmanager
def _bar(words: str) -> Iterator[Callable[[str, int, int], None]]:
    """A progress bar on stderr, shown on a terminal only. What it gives is told (what, done, all)."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (TextColumn(words), BarColumn(), TextColumn("{task.fields[what]}"), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:
        task = progress.add_task(words, total=None, what="")

        def tell(what: str, done: int, total: int) -> None:
            progress.update(task, completed=done, total=total, what=what)

        yield tell


@demo.command()
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="写到哪里 folder that gets inbox/, the truth and the entities",
)
@click.option("--night", type=click.IntRange(1, 120), default=1, show_default=True, help="第几夜 which night")
@click.option("--cooperatives", type=click.IntRange(1), default=None, help="合作社数 how many (默认 600)")
@click.option("--seed", type=int, default=None, help="随机种子 equal seeds give equal files")
@click.option(
    "--format",
    "form",
    type=click.Choice(["office", "parquet", "csv"]),
    default="office",
    show_default=True,
    help="office：各部门真实样式；parquet、csv：压力测试用的大表，可到千万家 plain tables for benchmarks, up to ten million",
)
@deployment_option
def generate(
    *, out: Path, night: int, cooperatives: int | None, seed: int | None, form: str, deployment: Path | None
) -> None:
    """生成演示县一夜的报送文件及其真值。Writes one night's deliveries, with the truth beside them."""
    from hub.demo import COOPERATIVES, OFFICE_LIMIT, SEED, write_night
    from hub.deployment import load_deployment

    county = load_deployment(settings_from(None, deployment).deployment).county
    count = COOPERATIVES if cooperatives is None else cooperatives
    seed = SEED if seed is None else seed
    if form == "office":
        if count > OFFICE_LIMIT:
            raise click.UsageError(
                f"office 样式最多 {OFFICE_LIMIT} 家；更多请用 --format parquet 或 csv。For more, use --format parquet or csv."
            )
        result = write_night(out / "inbox", night=night, seed=seed, cooperatives=count, county=county)
        click.echo(
            f"第 {night} 夜（{result.business_date}）：{len(result.files)} 个文件、{len(result.truth)} 行，写在 {out / 'inbox'}"
        )
        return
    if night != 1:
        raise click.UsageError("大表没有第二夜，去掉 --night。Plain tables have one night only; drop --night.")
    from hub.demo.scale import generate_scale

    with _bar("生成") as tell:
        scale = generate_scale(out, cooperatives=count, county=county, seed=seed, form=form, progress=tell)
    click.echo(f"{count:,} 家合作社、{scale.total:,} 行，写在 {out / 'inbox'}；全部行的身份栏在 {out / 'rows.parquet'}")


@demo.command()
@deployment_option
@data_option
def night(deployment: Path | None, data: Path | None) -> None:
    """演示一夜：写出当夜的报送文件，同步，打印结果。再执行一次就是下一夜。One night of the demo county.

    A night that was cut off is run again; otherwise the next month's deliveries arrive. Exit codes as for sync.
    """
    from hub.cli.night_print import print_report
    from hub.cli.sync import exit_code_of, run_and_report
    from hub.demo import business_date, write_night
    from hub.deployment import load_deployment

    settings = settings_from(data, deployment)
    county = load_deployment(settings.deployment)
    settings.data.mkdir(parents=True, exist_ok=True)
    number = _next_night(settings)
    written = write_night(settings.data / "inbox", night=number, county=county.county)
    click.echo(f"演示县第 {number} 夜：{len(written.files)} 个报送文件在 {settings.data / 'inbox'}")
    settings = settings_from(data, deployment, today=business_date(number).isoformat())
    report, error, seconds = run_and_report(settings, settings.data / "inbox")
    if report is not None:
        print_report(report, county)
    click.echo(f"全程 wall time {seconds:.1f} s")
    if error:
        click.echo(f"错误：同步失败，{error} 下一步：再执行一次 make run；已入库的数据不会丢失。", err=True)
    else:
        click.echo("下一步 next：再执行 make run 看第二夜；make serve 打开门户和 Dagster 界面。")
    code = exit_code_of(report, error)
    sys.exit(0 if code == 3 else code)  # something held is part of the demonstration, not a failure of `make run`


def _next_night(settings: Settings) -> int:
    """One more than the nights that ended; a cut-off or failed one is run again."""
    from sqlalchemy import text

    from hub.store.database import open_engine

    engine = open_engine(settings)
    with engine.connect() as connection:
        ended = connection.scalar(
            text(
                "select count(distinct business_date) from run where kind = 'nightly' and state in ('done', 'attention')"
            )
        )
    engine.dispose()
    return int(ended or 0) + 1
