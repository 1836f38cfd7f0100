"""Who a row says it is about: its profile, and the key rows share that say the same. Nothing of a county's towns or
of matching is known here: the key of a row never changes because a gazetteer did.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from hub.feeds.model import Feed, Role
from hub.intake.cells_text import distinct_cells, squeezed
from hub.intake.json_text import escaped, md5_of, slices

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
    fields: dict[str, pa.Array],
    feed: Feed,
    length: int,
    delivery_town: str | None,
    side_by_side: Callable[..., Iterable[Any]] = map,
) -> dict[str, pa.Array]:
    """The `profile_*` columns of a batch of rows.

    Args:
        fields: normal forms by field name (missing ones are taken as empty).
        delivery_town: the sender's town, for rows that name none.
        side_by_side: works like `map`, perhaps in threads.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    none = pa.nulls(length, pa.string())

    def one(role: Role) -> pa.Array:
        sources = [fields[f.name] for f in feed.with_role(role) if f.name in fields]
        return _squeezed(pc.coalesce(*sources) if len(sources) > 1 else sources[0]) if sources else none

    columns = dict(zip(_ROLES, side_by_side(one, _ROLES.values()), strict=True))
    if delivery_town:
        columns["town"] = pc.fill_null(columns["town"], delivery_town)
    codes = [fields[f.name] for f in feed.with_role(Role.CODE) if f.name in fields]

    def some(piece: tuple[int, int]) -> tuple[pa.Array, pa.Array]:
        parts = {part: column.slice(*piece) for part, column in columns.items()}
        return _codes_and_keys([c.slice(*piece) for c in codes], parts, piece[1])

    found = list(side_by_side(some, slices(length) if length else [(0, 0)]))
    for part, pieces in zip(("codes", "key"), zip(*found, strict=True), strict=True):
        columns[part] = pa.concat_arrays(pieces)
    return {f"profile_{part}": column for part, column in columns.items()}


def _squeezed(column: pa.Array) -> pa.Array:
    values, places = distinct_cells(column)
    return squeezed(values) if places is None else squeezed(values).take(places)


def _codes_and_keys(codes: list[pa.Array], parts: dict[str, pa.Array], length: int) -> tuple[pa.Array, pa.Array]:
    """(JSON lists of the row's distinct sound codes, sorted; keys)."""
    import pyarrow as pa
    import pyarrow.compute as pc

    joined, listed = _listed([_sound(c) for c in codes], length)
    texts = [joined if p == "codes" else pc.fill_null(parts[p], "") for p in PARTS]
    nobody = pc.and_(pc.and_(parts["name"].is_null(), parts["former_name"].is_null()), pc.equal(joined, ""))
    return listed, pc.if_else(
        nobody, pa.scalar(None, pa.string()), md5_of(pc.binary_join_element_wise(*texts, _SEPARATOR))
    )


def _sound(codes: pa.Array) -> pa.Array:
    """Codes without those a spreadsheet has damaged."""
    import pyarrow as pa
    import pyarrow.compute as pc

    damaged = pc.fill_null(pc.match_substring_regex(codes, f"^(?:{_DAMAGED})?$"), False)
    return pc.if_else(damaged, pa.scalar(None, pa.string()), codes) if pc.any(damaged).as_py() else codes


def _listed(codes: list[pa.Array], length: int) -> tuple[pa.Array, pa.Array]:
    """Each row's codes (the columns' values, sorted, each once) joined by commas, and as a JSON list."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not codes:
        return pa.repeat(pa.scalar("", pa.string()), length), pa.repeat(pa.scalar("[]", pa.string()), length)
    in_order = codes[:1]
    for column in codes[1:]:  # sorted in: what is there already is not taken twice
        rest = column
        for place, known in enumerate(in_order):
            rest = pc.if_else(pc.fill_null(pc.equal(known, rest), False), pa.scalar(None, pa.string()), rest)
            in_order[place] = pc.min_element_wise(known, rest)
            rest = pc.if_else(pc.and_(known.is_valid(), rest.is_valid()), pc.max_element_wise(known, rest), None)
        in_order.append(rest)
    joined, quoted = pc.fill_null(in_order[0], ""), _quoted("[", in_order[0])
    for column in in_order[1:]:
        if column.null_count < length:
            joined = pc.binary_join_element_wise(
                joined, pc.fill_null(pc.binary_join_element_wise(",", column, ""), ""), ""
            )
            quoted = pc.binary_join_element_wise(quoted, pc.fill_null(_quoted(",", column), ""), "")
    return joined, pc.fill_null(pc.binary_join_element_wise(quoted, "]", ""), "[]")


def _quoted(before: str, column: pa.Array) -> pa.Array:
    import pyarrow.compute as pc

    return pc.binary_join_element_wise(f'{before}"', escaped(column), '"', "")
