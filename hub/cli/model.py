"""`coop-hub model`: train the matching model, compare a new one with the one in use, adopt it. Never a part of the night."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hub.cli import data_option, deployment_option, settings_from

if TYPE_CHECKING:
    import pyarrow as pa

    from hub.deployment import Deployment
    from hub.matching.adoption import Measured

_truth = click.option(
    "--truth",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="真值 CSV；不给则以信用代码为标签 · labels; without it the codes label",
)


def _labelled(
    truth: Path | None, data: Path | None, deployment: Path | None
) -> tuple[Deployment, pa.Table, list[str | None]]:
    from hub.deployment import load_deployment
    from hub.matching.adoption import labels_from_truth, model_of
    from hub.matching.evaluation import read_truth
    from hub.matching.resolve import read_profiles
    from hub.matching.training import labels_from_codes
    from hub.store.database import open_engine

    settings = settings_from(data, deployment)
    county = load_deployment(settings.deployment)
    with ExitStack() as stack:
        engine = open_engine(settings, migrate=False)
        stack.callback(engine.dispose)
        with engine.connect() as connection:
            profiles = read_profiles(connection)
            if truth:
                return county, profiles, labels_from_truth(connection, profiles, read_truth(truth))
    return county, profiles, labels_from_codes(profiles, county.county, model_of(county))


@click.group()
def model() -> None:
    """匹配模型：训练、比较、采用。The matching model, trained deliberately and compared before it is adopted."""


@model.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--version", "version", required=True, help="版本名 name of the version, e.g. 2026-11")
@_truth
@data_option
@deployment_option
def train(file: Path, version: str, truth: Path | None, **where: Any) -> None:
    """在现有数据上训练，写成模型文件；不改变正在使用的模型。"""
    from hub.matching.adoption import model_of
    from hub.matching.training import train as refine

    county, profiles, labels = _labelled(truth, **where)
    source = f"{county.county.name}，{profiles.num_rows} 个身份画像，标签来自{'真值文件' if truth else '信用代码'}"
    trained = refine(profiles, labels, model_of(county), version=version, trained_on=source, county=county.county)
    trained.model.save(file)
    click.echo(f"用 {trained.same_pairs} 对同一家、{trained.different_pairs} 对不同家训练，已写出 {file}。")
    click.echo(f"下一步：coop-hub model compare {file}")


def _line(title: str, m: Measured) -> str:
    f = m.figures
    return f"{title}：精确率 {f.precision:.5f}  召回率 {f.recall:.5f}  F1 {f.f1:.5f}  混入多家 {m.mixed} 个  待判 {m.review_rows} 行"


@model.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@_truth
@click.option("--adopt", is_flag=True, help="不比原来差就采用 · adopt it if it is no worse")
@data_option
@deployment_option
def compare(file: Path, truth: Path | None, adopt: bool, **where: Any) -> None:
    """新模型与正在使用的模型比较；不给真值时遮住三分之一的代码作检验。"""
    from hub.matching.adoption import adopt as take
    from hub.matching.adoption import hide_codes, measure, model_of, no_worse
    from hub.matching.model import load_model

    county, profiles, labels = _labelled(truth, **where)
    if truth is None:
        profiles = hide_codes(profiles, labels)
    in_use, candidate = model_of(county), load_model(file)
    old = measure(profiles, labels, in_use, county.county)
    new = measure(profiles, labels, candidate, county.county)
    click.echo(_line(f"在用 {in_use.version}", old))
    click.echo(_line(f"新的 {candidate.version}", new))
    if adopt:
        click.echo(f"已采用，写入 {take(county, candidate, new, old)}；下次夜间同步起生效。")
    else:
        click.echo("新模型可以采用（加 --adopt）。" if no_worse(new, old) else "新模型不如在用的。")


@model.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False), required=False)
@deployment_option
def show(file: Path | None, deployment: Path | None) -> None:
    """模型的版本、来源和各项权重。A model's version, origin and weights."""
    from hub.deployment import load_deployment
    from hub.matching.adoption import model_of
    from hub.matching.comparison import COMPARISONS, level_title
    from hub.matching.model import load_model

    shown = load_model(file) if file else model_of(load_deployment(settings_from(None, deployment).deployment))
    click.echo(f"版本 {shown.version}；训练自：{shown.trained_on}")
    click.echo(f"把握达到 {shown.link:.0%} 自动关联，达到 {shown.review:.0%} 交人判断，其余新建。")
    for comparison in COMPARISONS:
        click.echo(comparison.title)
        for number, weight in sorted(shown.weights(comparison).items(), reverse=True):
            if number >= 0:
                click.echo(f"  {weight:+7.2f}  {level_title(comparison, number)}")
