"""Reads the known cooperatives from the database, to be asked (`hub.matching.known`)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import ProgrammingError

from hub.deployment import County
from hub.errors import ConfigurationError
from hub.matching.answers import KnownCooperative
from hub.matching.known import KnownCooperatives
from hub.matching.model import Model, load_model
from hub.store.arrow import read_arrow

if TYPE_CHECKING:
    import pyarrow as pa

_PROFILES = """
    select p.profile_key, p.name, p.former_name, array_to_json(p.codes)::text as codes, p.representative, p.phone, p.town,
           p.address, p.founded_on::text as founded_on, greatest(coalesce(r.n, 1), 1) as n_rows, l.coop_id, l.link, l.reason
    from link l join profile p using (profile_key)
    left join (select profile_key, count(*) as n from source_row where disposition in ('accepted', 'duplicate')
               and superseded_by is null group by profile_key) r using (profile_key)
    order by p.profile_key collate "C"
"""
_MASTER = "select coop_id, name, coalesce(uscc, ''), coalesce(town, '') from cooperative"
_STATE = """
    select coalesce((select value from match_state where name = 'input'), ''),
           coalesce((select max(version) from master_version), 0)
"""


def state_of(connection: Connection) -> tuple[str, int]:
    """What the known cooperatives rest on: it changes when a matching or a projection changed something."""
    row = connection.execute(text(_STATE)).one()
    return str(row[0]), int(row[1])


def read_known(engine: Engine, county: County | None = None, model: Model | None = None) -> KnownCooperatives:
    """Reads the known cooperatives in one read-only transaction.

    Raises:
        ConfigurationError: there is no database yet, or no cooperative in it.
    """
    try:
        with engine.connect() as connection:
            connection.execute(text("set transaction isolation level repeatable read, read only"))
            state = state_of(connection)
            profiles = _read_profiles(connection)
            master = {r[0]: KnownCooperative(*map(str, r)) for r in connection.execute(text(_MASTER))}
            connection.rollback()
    except ProgrammingError as error:
        raise ConfigurationError(
            "数据库还没有建立，没有可供匹配的合作社。", next_step="先执行 coop-hub sync。", detail=str(error.orig)
        ) from None
    if not profiles.num_rows:
        raise ConfigurationError("还没有一家已认定的合作社，无从匹配。", next_step="先执行 coop-hub sync。")
    return KnownCooperatives(profiles, master, county, model or load_model(), state)


def _read_profiles(connection: Connection) -> pa.Table:
    import pyarrow as pa

    texts = ["profile_key", "name", "former_name", "codes", "representative", "phone", "town", "address", "founded_on"]
    ends = ["coop_id", "link", "reason"]
    schema = pa.schema([(t, pa.string()) for t in texts] + [("n_rows", pa.int64())] + [(t, pa.string()) for t in ends])
    table = read_arrow(connection, _PROFILES, schema)
    return table.set_column(table.schema.get_field_index("codes"), "codes", code_lists(table["codes"].to_pylist()))


def code_lists(codes: Iterable[str | None]) -> pa.Array:
    """Lists of codes from JSON texts."""
    import pyarrow as pa

    return pa.array([json.loads(c) if c else [] for c in codes], pa.list_(pa.string()))
