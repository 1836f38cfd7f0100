"""Unions of cooperatives (联合社): which cooperatives a union's rosters name as its members. The other direction, the unions a
cooperative belongs to, is a field of the master and the dataset `union_memberships`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection

from hub.master.datasets import read_dataset


@dataclass(frozen=True, slots=True)
class Member:
    """One member of a union; `left_on` is set when it has left, or will."""

    coop_id: str
    name: str
    town: str | None
    joined_on: date | None
    left_on: date | None


def read_members(
    connection: Connection, union: str, *, as_of: date | None = None, known_at: date | int | None = None
) -> tuple[Member, ...]:
    """The members the rosters name for a union (its coop_id), by name; days and nights as for `read_dataset`.

    Raises:
        ConfigurationError: nothing was published by then.
    """
    import pyarrow.compute as pc

    all_rows = read_dataset(connection, "union_memberships", as_of=as_of, known_at=known_at)
    rows = all_rows.filter(pc.equal(all_rows["union_coop_id"], union)).to_pylist()
    found = {Member(r["coop_id"], r["name"], r["town"], r["joined_on"], r["left_on"]) for r in rows}
    return tuple(sorted(found, key=lambda m: (m.left_on is not None, m.name, m.coop_id, m.joined_on or date.min)))
