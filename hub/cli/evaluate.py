"""`coop-hub evaluate`: how good the links are, against a truth file."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hub.cli import data_option, deployment_option, settings_from

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from hub.matching.answering import Round
    from hub.matching.evaluation import Evaluation, Figures

_LISTED = 10


def _line(title: str, f: Figures) -> str:
    return f"{title:<24} 行 {f.rows:>7}  精确率 {f.precision:.5f}  召回率 {f.recall:.5f}  F1 {f.f1:.5f}"


@click.command()
@click.option(
    "--truth",
    required=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="真值 CSV：file,sheet,row,entity[,kind]",
)
@click.option("--plot", type=click.Path(path_type=Path, dir_okay=False), help="校准图 calibration plot (.png, .svg)")
@click.option(
    "--floor",
    type=click.FloatRange(0, 1),
    help="现有关联的 F1 低于此值时以退出码 1 结束 · fail if the links as they stand fall below",
)
@click.option(
    "--answered-floor",
    type=click.FloatRange(0, 1),
    help="照真值回答之后的 F1 低于此值时以退出码 1 结束，默认同 --floor · the same of the links after --answer-truly",
)
@click.option("--all-errors", is_flag=True, help=f"列出全部错误，不止 {_LISTED} 个 · list every error")
@click.option(
    "--answer-truly",
    is_flag=True,
    help="假设每个待判问题都照真值回答，再关联，直到没有新问题；什么也不写入 · as if every question were answered truly",
)
@data_option
@deployment_option
def evaluate(
    *,
    truth: Path,
    plot: Path | None,
    floor: float | None,
    answered_floor: float | None,
    all_errors: bool,
    answer_truly: bool,
    data: Path | None,
    deployment: Path | None,
) -> None:
    """对照真值衡量关联：按关联方式和数据来源的精确率、召回率、F1，校准，错误清单。"""
    from hub.matching.evaluation import draw_calibration, read_judged, read_linked, read_truth
    from hub.matching.evaluation import evaluate as measure
    from hub.store.database import open_engine

    if answered_floor is not None and not answer_truly:
        raise click.UsageError("--answered-floor 要与 --answer-truly 一起用。")
    settings = settings_from(data, deployment)
    known = read_truth(truth)
    engine = open_engine(settings, migrate=False)
    try:
        with engine.connect() as connection:
            rows, unknown = read_linked(connection, known)
            result = measure(rows, read_judged(connection, rows), unknown=unknown)
            rounds = _answered(connection, known, settings.deployment) if answer_truly else []
    finally:
        engine.dispose()
    _report(result, None if all_errors else _LISTED)
    held = [("现有关联", result.overall.f1, floor)]
    if rounds:
        answered = _report_rounds(rounds, None if all_errors else _LISTED)
        held.append(("回答之后", answered.overall.f1, floor if answered_floor is None else answered_floor))
    if plot:
        draw_calibration(result.calibration, plot)
        click.echo(f"校准图：{plot}")
    low = [(what, f1, least) for what, f1, least in held if least is not None and f1 < least]
    for what, f1, least in low:
        click.echo(f"{what}的 F1 为 {f1:.5f}，低于下限 {least}。", err=True)
    if low:
        sys.exit(1)


def _answered(connection: Connection, truth: Any, folder: Path) -> list[Round]:
    """Rounds of true answers on what the database holds, decisions that stand included."""
    from hub.deployment import load_deployment
    from hub.matching.adoption import model_of
    from hub.matching.answering import answer_truly, entities_of_profiles
    from hub.matching.reading import read_decisions, read_profiles

    county = load_deployment(folder)
    profiles = read_profiles(connection)
    place = {key: i for i, key in enumerate(profiles["profile_key"].to_pylist())}
    same, different = (
        [(place[a], place[b]) for a, b in pairs if a in place and b in place] for pairs in read_decisions(connection)
    )
    return answer_truly(
        profiles,
        entities_of_profiles(connection, profiles, truth),
        county=county.county,
        model=model_of(county),
        same=same,
        different=different,
    )


def _report_rounds(rounds: Sequence[Round], listed: int | None) -> Evaluation:
    """Prints what each round of answers came to; returns the last one's measurement."""
    click.echo("照真值回答全部待判问题之后（只推算，没有写入）：")
    for number, r in enumerate(rounds):
        e = r.evaluation
        head = "未回答" if not number else f"第 {number} 轮（答 {r.answered} 个，同一家 {r.same} 个）"
        click.echo(
            "  "
            + _line(head, e.overall)
            + f"  混入多家 {len(e.mixed)}  被分开 {len(e.split)}  待判 {e.review_rows} 行、{r.questions} 问"
        )
    last = rounds[-1].evaluation
    for title, errors in (("回答后仍混入多家的合作社", last.mixed), ("回答后仍被分开的合作社", last.split)):
        _report_errors(title, errors, listed)
    return last


def _report(result: Evaluation, listed: int | None) -> None:
    click.echo(_line("全部", result.overall))
    share = result.review_rows / result.overall.rows if result.overall.rows else 0.0
    click.echo(f"待判 {result.review_rows} 行（{share:.2%}）；真值中系统没有的 {result.unknown_rows} 行")
    click.echo("按关联方式：")
    for kind, figures in result.by_link.items():
        click.echo("  " + _line(kind or "未关联", figures))
    click.echo("按数据来源：")
    for feed, figures in result.by_feed.items():
        click.echo("  " + _line(feed, figures))
    click.echo("校准（给出的概率 → 实际为真的比例）：")
    for b in result.calibration:
        click.echo(f"  {b.low:.3f}–{b.high:.3f}  {b.count:>6} 对  平均 {b.mean:.4f}  实际 {b.true_share:.4f}")
    for title, errors in (("混入多家的合作社", result.mixed), ("被分开的合作社", result.split)):
        _report_errors(title, errors, listed)
    click.echo(f"误收的非合作社：{len(result.foreign)} 行")
    for line in result.foreign[:listed]:
        click.echo(f"  {line}")


def _report_errors(title: str, errors: dict[str, list[str]], listed: int | None) -> None:
    click.echo(f"{title}：{len(errors)} 个")
    for key, lines in list(errors.items())[:listed]:
        click.echo(f"  {key}")
        for line in lines[:12]:
            click.echo(f"    {line}")
