"""What matching takes for granted about the county as a whole: the gazetteer names are read with, and how many cooperatives there
may be. Learned from the profiles in a full matching, kept, and learned anew only when the profiles have changed
considerably, so that a night with few changes has few consequences.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hub.matching.names import Gazetteer

if TYPE_CHECKING:
    import duckdb

DRIFT = 0.05  # share by which the number of profiles may change before the reference is learned anew
_STEPS = 4  # the number of cooperatives is rounded to steps of 2 ** (1/4): a few more change no chance


@dataclass(frozen=True)
class Reference:
    """`cooperatives` is rounded."""

    gazetteer: Gazetteer
    cooperatives: int

    def to_json(self) -> dict[str, Any]:
        places = self.gazetteer
        return {
            "regions": sorted(places.regions),
            "short_regions": sorted(places.short_regions),
            "towns": dict(sorted(places.towns.items())),
            "trades": sorted(places.trades),
            "home": places.home,
            "villages": sorted(places.villages),
            "renamed": dict(sorted(places.renamed.items())),
            "cooperatives": self.cooperatives,
        }

    @property
    def digest(self) -> str:
        """The same for equal references."""
        return hashlib.sha256(json.dumps(self.to_json(), sort_keys=True).encode()).hexdigest()


def reference_from_json(data: dict[str, Any]) -> Reference:
    """A reference as `Reference.to_json` wrote it."""
    regions, short, trades, villages = (frozenset(data[c]) for c in ("regions", "short_regions", "trades", "villages"))
    gazetteer = Gazetteer(regions, short, dict(data["towns"]), trades, data["home"], villages, dict(data["renamed"]))
    return Reference(gazetteer, int(data["cooperatives"]))


def drifted(profiles: int, learned_from: int) -> bool:
    """Whether there are so many more or fewer profiles than a reference was learned from that it is to be learned anew."""
    return abs(profiles - learned_from) > DRIFT * learned_from


def count_cooperatives(connection: duckdb.DuckDBPyConnection) -> int:
    """How many cooperatives there may be: those with a code, or as many as there are different names; rounded."""
    coded, names = connection.execute(
        """select (select count(distinct party) from standing where organisation is not null),
                  (select count(distinct sound) from (
                     select party, min(list_min(sound)) as sound from feature join standing using (profile)
                     where not weak group by party))"""
    ).fetchall()[0]
    return rounded(max(int(coded), int(names), 1))


def rounded(count: int) -> int:
    """A number to the nearest step of 2 ** (1/4)."""
    return round(2 ** (round(_STEPS * math.log2(count)) / _STEPS))
