"""The change feed of ids: what became of every id a department may have stored (new, merged, split, restored, renamed), in the
order in which it happened, with the reason.

The first four are events the matcher wrote (`id_event`). A rename is not stored: it is read out of the master's own history,
where the name an id stands under differs from the one it stood under before. An event is told with the first version published
after it, because no extract knew of it earlier; the projection takes the matcher's lock, so that none falls between two versions.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, text

from hub.errors import ConfigurationError
from hub.master.projection import new_duck
from hub.master.reading import find_version
from hub.store.arrow import read_arrow

if TYPE_CHECKING:
    import pyarrow as pa

# kind -> (title zh, title en, what a department that stored the id does)
KINDS: dict[str, tuple[str, str, str]] = {
    "new": ("新建", "New", "coop_id 是新的一家"),
    "merged": ("合并", "Merged", "coop_id 改记为 other_id"),
    "split": ("拆分", "Split", "coop_id 从 other_id 分出，other_id 仍在"),
    "restored": ("恢复", "Restored", "coop_id 恢复使用，不再转到 other_id"),
    "renamed": ("更名", "Renamed", "编号不变，名称由 former_name 改为 name"),
}

# States of cooperatives that began between two versions, beside the name each stood under before, if another.
_RENAMES = """
    select s.coop_id, s.version, s.name, b.name as former_name from (
      select coop_id, version, name from cooperative where version > {first} and version <= {last} {of_one}
      union all select coop_id, from_version, fields->>'name' from cooperative_history
        where to_version > {first} and from_version > {first} and from_version <= {last} {of_one}) s
    join lateral (select h.fields->>'name' as name from cooperative_history h
                  where h.coop_id = s.coop_id and h.from_version < s.version order by h.from_version desc limit 1) b on true
    where b.name <> s.name"""

# Moments are few (one a matching), events may be millions: so moments find their version, and events their moment.
_FEED = """
    with told as (
      select e.happened_at, v.version from (select distinct happened_at from id_event where happened_at > {after} and happened_at <= {until}) e
      join lateral (select version from master_version m where m.published_at >= e.happened_at order by version limit 1) v on true),
    found as (
      select t.version, e.seq, e.kind, e.coop_id, e.other_id, e.reason, null::text as name, null::text as former_name
      from id_event e join told t using (happened_at)
      union all
      select version, null, 'renamed', coop_id, null, '名称由“' || former_name || '”变为“' || name || '”，编号不变。', name, former_name
      from ({renames}) r)
    select v.business_date, f.version, f.kind, f.coop_id, f.other_id,
           coalesce(f.name, c.name, (select h.fields->>'name' from cooperative_history h where h.coop_id = f.coop_id
                                     and h.from_version <= f.version order by h.from_version desc limit 1)),
           f.former_name, f.reason
    from found f join master_version v on v.version = f.version
    left join cooperative c on c.coop_id = f.coop_id and c.version <= f.version
    order by f.version, f.seq nulls last, f.coop_id"""


@dataclass(frozen=True, slots=True)
class IdChanges:
    """What became of ids after one published version (None: from the beginning) up to another. `table` has, oldest first,
    `night`, `version`, `kind` (of KINDS), `coop_id`, `other_id`, `name`, `former_name`, `reason`; whoever asks again later
    asks since `to_version`."""

    from_version: int | None
    from_night: date | None
    to_version: int
    to_night: date
    table: pa.Table

    @property
    def counts(self) -> dict[str, int]:
        """How many changes of each kind, in the order of KINDS."""
        counted = {r["values"]: r["counts"] for r in self.table["kind"].combine_chunks().value_counts().to_pylist()}
        return {kind: int(counted.get(kind, 0)) for kind in KINDS}

    def write_json(self, path: Path) -> None:
        """The same as one JSON object: where it begins and ends, and `changes`, a list of objects."""
        head = {
            "from_version": self.from_version,
            "from_night": self.from_night and self.from_night.isoformat(),
            "to_version": self.to_version,
            "to_night": self.to_night.isoformat(),
        }
        listed = path.with_name(f"{path.name}.changes")
        duck = new_duck()
        try:
            duck.execute("set preserve_insertion_order = true")  # what happened first is told first
            duck.register("changes_in", self.table)
            duck.execute("copy (select * from changes_in) to $file (format json, array true)", {"file": str(listed)})
            with path.open("wb") as out, listed.open("rb") as changes:
                out.write(json.dumps(head, ensure_ascii=False)[:-1].encode() + b', "changes": ')
                shutil.copyfileobj(changes, out)
                out.write(b"}\n")
        finally:
            duck.close()
            listed.unlink(missing_ok=True)


def shape() -> pa.Schema:
    """The columns of `IdChanges.table`."""
    import pyarrow as pa

    texts = ("kind", "coop_id", "other_id", "name", "former_name", "reason")
    return pa.schema([("night", pa.date32()), ("version", pa.int64()), *((c, pa.string()) for c in texts)])


def id_changes(
    connection: Connection, since: date | int | None = None, *, until: date | int | None = None
) -> IdChanges:
    """Changes of ids after the version that stood at `since` (a night or a version number; None or earlier than the first:
    all) up to the one that stood at `until` (default: the newest).

    Raises:
        ConfigurationError: nothing was published at all.
    """
    last = find_version(connection, until)
    first = None
    if since is not None:
        try:
            first = find_version(connection, since)
        except ConfigurationError:
            first = None  # nothing was published by then: everything is later
    moments = {
        version: f"(select published_at from master_version where version = {version})"
        for version in (last.version, *([first.version] if first else ()))
    }
    query = _FEED.format(
        after=moments[first.version] if first else "'-infinity'::timestamptz",
        until=moments[last.version],
        renames=_RENAMES.format(first=first.version if first else 0, last=last.version, of_one=""),
    )
    return IdChanges(
        first.version if first else None,
        first.business_date if first else None,
        last.version,
        last.business_date,
        read_arrow(connection, query, shape()),
    )


def renames_of(connection: Connection, coop_id: str, version: int) -> list[tuple[date, str, str]]:
    """When one cooperative was renamed by that version, from what and into what: (night, former name, name), oldest first."""
    query = _RENAMES.format(first=0, last=":v", of_one="and coop_id = :c")
    rows = connection.execute(
        text(
            f"select v.business_date, r.former_name, r.name from ({query}) r join master_version v using (version) order by 1, version"
        ),
        {"c": coop_id, "v": version},
    )
    return [(r.business_date, r.former_name, r.name) for r in rows]
