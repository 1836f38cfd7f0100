"""What a version was computed with, beside its rows: thresholds, and the county's names for its towns. Kept with the version,
so that any past version can be computed again without the county's folder as it was then."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from hub.deployment import Deployment
from hub.master.thresholds import Thresholds, load_thresholds


class Basis(BaseModel):
    """`towns` maps every way to write a town to its name; `villages` a village to its town, where only one town has it."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    thresholds: Thresholds = Thresholds()
    county: str = ""
    towns: dict[str, str] = {}
    villages: dict[str, str] = {}


def basis_of(deployment: Deployment) -> Basis:
    """The basis a county's folder gives today.

    Raises:
        ConfigurationError: rules.yaml is wrong.
    """
    county = deployment.county
    towns: dict[str, str] = {}
    villages: dict[str, list[str]] = {}
    for town in county.towns:
        bare = town.name
        for ending in ("街道办事处", "街道", "镇", "乡"):
            if bare.endswith(ending) and len(bare) > len(ending) + 1:
                bare = bare[: -len(ending)]
                break
        # the county's own spelling wins over another town's former name
        towns[town.name] = town.name
        for other in (*town.former, *town.short, bare, f"{bare}镇", f"{bare}乡", f"{bare}街道", f"{bare}街道办事处"):
            towns.setdefault(other, town.name)
        for village in town.villages:
            villages.setdefault(village, []).append(town.name)
    for town in county.towns:
        towns[town.name] = town.name
    short = county.name[:-1] if county.name[-1:] in "县市区旗" and len(county.name) > 2 else county.name
    return Basis(
        thresholds=load_thresholds(deployment),
        county=short,
        towns=dict(sorted(towns.items())),
        villages={v: t[0] for v, t in sorted(villages.items()) if len(t) == 1 and len(v) > 1},
    )
