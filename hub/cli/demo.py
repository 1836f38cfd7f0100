"""`coop-hub demo`: the fictional county. Here: `generate`, which writes its deliveries."""

from __future__ import annotations

from pathlib import Path

import click

from hub.cli import deployment_option, settings_from


@click.group()
def demo() -> None:
    """演示县：生成虚构的报送文件。The fictional county."""


@demo.command()
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="写到哪里 folder that gets inbox/, truth.csv and entities.csv",
)
@click.option("--night", type=click.IntRange(1, 120), default=1, show_default=True, help="第几夜 which night")
@click.option("--cooperatives", type=click.IntRange(1), default=None, help="合作社数 how many (默认 600)")
@click.option("--seed", type=int, default=None, help="随机种子 equal seeds give equal files")
@deployment_option
def generate(*, out: Path, night: int, cooperatives: int | None, seed: int | None, deployment: Path | None) -> None:
    """生成演示县一夜的报送文件及其真值。Writes one night's deliveries, with the truth beside them."""
    from hub.demo import COOPERATIVES, SEED, write_night
    from hub.deployment import load_deployment

    county = load_deployment(settings_from(None, deployment).deployment).county
    result = write_night(
        out / "inbox",
        night=night,
        seed=SEED if seed is None else seed,
        cooperatives=COOPERATIVES if cooperatives is None else cooperatives,
        county=county,
    )
    click.echo(
        f"第 {night} 夜（{result.business_date}）：{len(result.files)} 个文件、{len(result.truth)} 行，写在 {out / 'inbox'}"
    )
