"""Where every value stands: the row, delivery, date and rule behind each field of a cooperative, and behind each other statement.

Not kept but computed when asked for, from the same rows and links, because a list sent again moves the rows behind millions of
values without changing one of them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, text

from hub.master.inputs import Snapshot, load_rows, load_sources
from hub.master.projection import new_duck, project_rows
from hub.master.reading import Version, find_version, master_at

if TYPE_CHECKING:
    import duckdb


def read_evidence(
    connection: Connection, coop_ids: Sequence[str], *, as_of: date | None = None, known_at: date | int | None = None
) -> dict[str, dict[str, Any]]:
    """coop_id -> field -> evidence, for some cooperatives: `row`, `delivery`, `source` (feed.field), `as_of`, `rule`, `past` where no
    current list says so, and `others`, each with its `value` and the same. Derived fields and answers list their `rows`; answers
    also their `parts`, and `with` whom a value is shared.

    Raises:
        ConfigurationError: nothing was published by then.
    """
    version = find_version(connection, known_at)
    duck = new_duck()
    try:
        project_with_rows(connection, duck, version, coop_ids, as_of)
        wanted = set(coop_ids)
        rows = duck.execute("select coop_id, evidence from projected").fetchall()
        return {coop: json.loads(evidence) for coop, evidence in rows if coop in wanted}
    finally:
        duck.close()


def project_with_rows(
    connection: Connection,
    duck: duckdb.DuckDBPyConnection,
    version: Version,
    coop_ids: Sequence[str],
    as_of: date | None,
) -> date:
    """Projects some cooperatives, with the rows behind every value, and those that share a representative, phone or address with
    them, because some rules compare. Returns the day it speaks of."""
    past = as_of is not None and as_of < version.business_date
    day = as_of if past and as_of is not None else version.business_date
    everyone = (*coop_ids, *_neighbours(connection, version, coop_ids))
    snapshot = Snapshot(version.version, day if past else None, day, everyone)
    sources = load_sources(connection, duck, snapshot, version.basis.thresholds.current_for_days)
    load_rows(connection, duck, snapshot, sources)
    project_rows(duck, version.basis, day, with_rows=True)
    return day


def _neighbours(connection: Connection, version: Version, coop_ids: Sequence[str]) -> list[str]:
    """Other cooperatives that shared a value with these, as that version published them."""
    rows = connection.execute(
        text(
            f"""with m as (select coop_id, fields->>'representative' as representative, fields->>'phone' as phone, fields->>'address' as address
                           from {master_at(version.version)} x)
                select distinct o.coop_id from m c join m o on o.coop_id <> c.coop_id
                  and (o.representative = c.representative or o.phone = c.phone or o.address = c.address)
                where c.coop_id = any(:ids) order by 1 limit 500"""
        ),
        {"ids": list(coop_ids)},
    )
    return list(rows.scalars())
