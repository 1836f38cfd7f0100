"""Tables of profiles for tests of the matcher itself, without a database."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pyarrow as pa

from hub.intake.profile import profile_key

_TEXTS = ("profile_key", "name", "former_name")
_MORE = ("representative", "phone", "town", "address", "founded_on")
SCHEMA = pa.schema(
    [(c, pa.string()) for c in _TEXTS]
    + [("codes", pa.list_(pa.string()))]
    + [(c, pa.string()) for c in _MORE]
    + [("n_rows", pa.int64()), ("feeds", pa.list_(pa.string()))]
)


def profile_table(rows: Iterable[dict[str, Any]]) -> pa.Table:
    """Rows (as `tests.matching.rows.row` makes them) as the matcher reads profiles: distinct, by key."""
    found: dict[str, dict[str, Any]] = {}
    for one in rows:
        parts = {k: v for k, v in one.items() if k not in {"feed", "times"}}
        key = profile_key(**parts)
        assert key is not None
        entry = found.setdefault(key, {"profile_key": key, **parts, "n_rows": 0, "feeds": set()})
        entry["n_rows"] += one.get("times", 1)
        entry["feeds"].add(one.get("feed", "tax_registration"))
    ordered = [
        {**found[k], "codes": list(found[k]["codes"]), "feeds": sorted(found[k]["feeds"])} for k in sorted(found)
    ]
    return pa.Table.from_pylist(ordered, schema=SCHEMA)


def partition(keys: list[str], group: list[int], link: list[str]) -> set[frozenset[str]]:
    """The groups as sets of keys; profiles under review stand alone."""
    members: dict[object, set[str]] = {}
    for i, key in enumerate(keys):
        members.setdefault(group[i] if link[i] not in {"review", "nothing"} else ("alone", key), set()).add(key)
    return {frozenset(m) for m in members.values()}
