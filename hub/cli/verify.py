"""`coop-hub verify`: is everything still what it was? Ledger, archive, extracts, control totals."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from sqlalchemy import Connection, text

from hub.cli import data_option, settings_from

_TOTALS = """
select d.delivery_id, d.name, d.rows_in, d.rows_accepted, d.rows_quarantined, d.rows_duplicate, d.rows_out_of_scope,
       count(s.row_id) as total,
       count(*) filter (where s.disposition = 'accepted') as accepted,
       count(*) filter (where s.disposition = 'quarantined') as quarantined,
       count(*) filter (where s.disposition = 'duplicate') as duplicate,
       count(*) filter (where s.disposition = 'out_of_scope') as outside
from delivery d left join source_row s using (delivery_id)
where d.state in ('accepted', 'held', 'rejected') group by d.delivery_id
"""


def check_control_totals(connection: Connection) -> tuple[int, list[str]]:
    """in = accepted + quarantined + duplicate + out_of_scope, in the delivery's record and counted anew from its rows.
    Returns the number of deliveries looked at and the problems."""
    problems: list[str] = []
    looked_at = 0
    for one in connection.execute(text(_TOTALS)):
        looked_at += 1
        recorded = (one.rows_accepted, one.rows_quarantined, one.rows_duplicate, one.rows_out_of_scope)
        counted = (one.accepted, one.quarantined, one.duplicate, one.outside)
        if one.rows_in != sum(recorded):
            problems.append(f"来件 {one.delivery_id}（{one.name}）：收到 {one.rows_in} 行，各类合计 {sum(recorded)} 行")
        if recorded != counted or one.rows_in != one.total:
            problems.append(f"来件 {one.delivery_id}（{one.name}）：记录与逐行清点不符")
    return looked_at, problems


@click.command()
@data_option
def verify(data: Path | None) -> None:
    """核验台账哈希链、原件存档、已发布摘录和控制总数。Exit code 1 if anything is not as it was."""
    from hub.intake.archive import find_damaged_files
    from hub.sharing import ledger, verify_extracts
    from hub.store.database import open_engine

    settings = settings_from(data)
    engine = open_engine(settings)
    failed = False
    with engine.connect() as connection:
        deliveries, totals = check_control_totals(connection)
        for title, problems in (
            (f"控制总数（{deliveries} 份来件）control totals", totals),
            ("原件存档 archive", find_damaged_files(connection, settings.data)),
            ("共享台账 ledger", ledger.verify(connection)),
            ("已发布摘录 extracts", verify_extracts(connection, settings)),
        ):
            click.echo(f"{'✗' if problems else '✓'} {title}")
            for problem in problems:
                click.echo(f"    {problem}")
            failed |= bool(problems)
    engine.dispose()
    sys.exit(1 if failed else 0)
