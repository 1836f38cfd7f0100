"""`coop-hub cleanup`: the clean-up board."""

from __future__ import annotations

from pathlib import Path

import click

from hub.cli import data_option, deployment_option
from hub.cli.office import opened, print_table


@click.command()
@click.option("--town", "towns", multiple=True, help="只看这些乡镇 only these towns")
@click.option(
    "--stage", type=click.Choice(["overdue", "open", "suspected", "closed"]), help="只看这一类 only this stage"
)
@data_option
@deployment_option
def cleanup(towns: tuple[str, ...], stage: str | None, data: Path | None, deployment: Path | None) -> None:
    """清理整顿：疑似空壳社、处置意见、乡镇核查、销号和逾期。The clean-up board."""
    from hub.master.cleanup import STAGE_TITLES, Stage, cleanup_board

    with opened(data, deployment) as (connection, _):
        board = cleanup_board(connection, towns=towns or None)
    print_table(
        f"清理整顿 Clean-up · {board.day:%Y-%m-%d}",
        ("乡镇", *(STAGE_TITLES[s] for s in Stage)),
        [(town, *(str(stages[s]) for s in Stage)) for town, stages in board.by_town().items()],
        right=(1, 2, 3, 4),
    )
    shown = [e for e in board.entries if stage is None or e.stage == stage]
    print_table(
        "名单 Cooperatives",
        ("进展", "编号", "合作社", "乡镇", "问题", "处置意见", "期限", "逾期天数", "线索"),
        [
            (
                STAGE_TITLES[e.stage], e.coop_id, e.name, e.town or "", e.problem, e.proposed, str(e.due_on or ""),
                str(e.days_overdue or ""), "；".join(e.clues),
            )
            for e in shown
        ],
        right=(7,),
    )  # fmt: skip
