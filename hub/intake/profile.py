"""Who a row says it is about: its profile, and the key rows share that say the same. Nothing of a county's towns or
of matching is known here: the key of a row never changes because a gazetteer did.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from hub.feeds.model import Feed, Role
from hub.intake.cells_text import distinct_cells, squeezed

if TYPE_CHECKING:
    import pyarrow as pa

PARTS = ("name", "former_name", "codes", "representative", "phone", "town", "address", "founded_on")
_SEPARATOR = "\x1f"
_DAMAGED = r"\d(\.\d+)?E\+?\d{1,2}"
_ROLES = {
    "name": Role.NAME,
    "former_name": Role.FORMER_NAME,
    "representative": Role.REPRESENTATIVE,
    "phone": Role.PHONE,
    "town": Role.TOWN,
    "address": Role.ADDRESS,
    "founded_on": Role.FOUNDED,
}


def profile_key(
    *,
    name: str | None = None,
    former_name: str | None = None,
    codes: Sequence[str] = (),
    representative: str | None = None,
    phone: str | None = None,
    town: str | None = None,
    address: str | None = None,
    founded_on: str | None = None,
) -> str | None:
    """32 hex digits over the lightly cleaned parts (NFKC, no white space, codes sorted), None when the row names
    nobody: no name, no former name, no code. Equal to the column `profile_key` of `profile_columns`."""
    if not (name or former_name or codes):
        return None
    parts = [name, former_name, ",".join(sorted(set(codes))), representative, phone, town, address, founded_on]
    text = _SEPARATOR.join(p or "" for p in parts)
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def profile_columns(
    fields: dict[str, pa.Array], feed: Feed, length: int, delivery_town: str | None
) -> dict[str, pa.Array]:
    """The `profile_*` columns of a batch of rows.

    Args:
        fields: normal forms by field name (missing ones are taken as empty).
        delivery_town: the sender's town, for rows that name none.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    none = pa.nulls(length, pa.string())
    columns: dict[str, pa.Array] = {}
    for part, role in _ROLES.items():
        sources = [fields[f.name] for f in feed.with_role(role) if f.name in fields]
        columns[part] = _squeezed(pc.coalesce(*sources) if len(sources) > 1 else sources[0]) if sources else none
    if delivery_town:
        columns["town"] = pc.fill_null(columns["town"], delivery_town)
    codes = [fields[f.name] for f in feed.with_role(Role.CODE) if f.name in fields]
    columns["codes"], columns["key"] = _codes_and_keys(codes, columns, length)
    return {f"profile_{part}": column for part, column in columns.items()}


def _squeezed(column: pa.Array) -> pa.Array:
    values, places = distinct_cells(column)
    return squeezed(values) if places is None else squeezed(values).take(places)


def _codes_and_keys(codes: list[pa.Array], parts: dict[str, pa.Array], length: int) -> tuple[pa.Array, pa.Array]:
    """(JSON lists of the row's distinct sound codes, sorted; keys), computed in DuckDB."""
    import duckdb
    import pyarrow as pa

    names = [f"code{i}" for i in range(len(codes))]
    source = pa.table({**dict(zip(names, codes, strict=True)), **parts})
    sound = [f"case when regexp_full_match({n}, '{_DAMAGED}') then null else nullif({n}, '') end" for n in names]
    if len(names) == 1:  # most feeds: no need for lists
        joined, listed = f"coalesce({sound[0]}, '')", f"coalesce('[\"' || {sound[0]} || '\"]', '[]')"
    else:
        every = ", ".join(sound) or "null::varchar"
        codes_list = f"list_sort(list_distinct([{every}]))"  # list_distinct leaves nulls out
        joined, listed = f"array_to_string({codes_list}, ',')", f"to_json({codes_list})::varchar"
    texts = ", ".join("joined" if p == "codes" else f"coalesce({p}, '')" for p in PARTS)
    with duckdb.connect(config={"threads": 2 if length > 20_000 else 1}) as connection:
        connection.register("source", source)
        result = connection.sql(
            f"""select listed as codes,
                    case when name is null and former_name is null and joined = '' then null
                         else md5(concat_ws(chr(31), {texts})) end as key
                from (select {joined} as joined, {listed} as listed,
                        name, former_name, representative, phone, town, address, founded_on from source)"""
        ).to_arrow_table()
    return result["codes"].cast(pa.string()), result["key"].cast(pa.string())
