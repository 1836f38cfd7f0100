"""`coop-hub deliver`: files handed in by a person."""

from __future__ import annotations

from pathlib import Path

import click

from hub.cli import data_option, deployment_option, settings_from


@click.command()
@click.argument("feed")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@deployment_option
@data_option
def deliver(feed: str, files: tuple[Path, ...], deployment: Path | None, data: Path | None) -> None:
    """人工交件：为数据目录项 FEED 交入文件，下一次同步时处理。Hand in files for a feed."""
    from hub.deployment import load_deployment
    from hub.night.hand import check_file, hand_in
    from hub.store.database import open_engine

    settings = settings_from(data, deployment)
    county = load_deployment(settings.deployment)
    for path in files:  # one that is missing is told before any of the others is taken
        check_file(settings, county, feed, path)
    settings.data.mkdir(parents=True, exist_ok=True)
    engine = open_engine(settings)
    for path in files:
        taken = hand_in(engine, settings, county, feed, path)
        click.echo(
            f"{'已收' if taken.new else '内容与以前的来件相同，未重复收'}：{taken.name}（来件 {taken.delivery_id}）"
        )
    engine.dispose()
    click.echo("下一步：执行 coop-hub sync 或等今晚的同步。")
