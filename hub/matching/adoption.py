"""Which model a county uses, and whether a new one deserves to be: both match the same labelled profiles, and the new one
is adopted only if it is no worse. An adopted model is a file of the deployment, `matching-model.json`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from hub.deployment import County, Deployment
from hub.errors import ConflictError
from hub.matching.answering import entities_of_profiles, main_entity
from hub.matching.evaluation import Figures, LinkedRow, evaluate
from hub.matching.matcher import match_profiles
from hub.matching.model import Model, load_model

if TYPE_CHECKING:
    import pyarrow as pa

ADOPTED = "matching-model.json"


@dataclass(frozen=True, slots=True)
class Measured:
    """What a model makes of labelled profiles. `mixed` counts cooperatives with rows of several entities."""

    figures: Figures
    mixed: int
    review_rows: int


def model_of(deployment: Deployment) -> Model:
    """The model this county has adopted, else the one shipped with the program."""
    own = deployment.folder / ADOPTED
    return load_model(own) if own.is_file() else load_model()


def labels_from_truth(
    connection: Connection, profiles: pa.Table, truth: dict[tuple[str, str, int], tuple[str, bool]]
) -> list[str | None]:
    """Per profile the entity most of its rows are in a truth file, None where unknown or no cooperative."""
    return [main_entity(found) for found in entities_of_profiles(connection, profiles, truth)]


def hide_codes(profiles: pa.Table, labels: Sequence[str | None]) -> pa.Table:
    """The profiles with the codes of every third labelled one taken away, so that labels from codes can test a model."""
    import pyarrow as pa

    hidden = [
        [] if label is not None and int(key[:8], 16) % 3 == 0 else codes
        for key, label, codes in zip(
            profiles["profile_key"].to_pylist(), labels, profiles["codes"].to_pylist(), strict=True
        )
    ]
    return profiles.set_column(
        profiles.schema.get_field_index("codes"), "codes", pa.array(hidden, pa.list_(pa.string()))
    )


def measure(profiles: pa.Table, labels: Sequence[str | None], model: Model, county: County | None) -> Measured:
    """Matches labelled profiles with a model; figures are over rows, as `coop-hub evaluate` counts them."""
    outcome = match_profiles(profiles, county=county, model=model)
    rows = [
        LinkedRow(
            "",
            "",
            "",
            n,
            "",
            outcome.link[i],
            None if outcome.link[i] == "review" else str(outcome.group[i]),
            label,
            True,
        )
        for i, (label, times) in enumerate(zip(labels, profiles["n_rows"].to_pylist(), strict=True))
        if label is not None
        for n in range(times)
    ]
    result = evaluate(rows)
    return Measured(result.overall, len(result.mixed), result.review_rows)


def no_worse(new: Measured, old: Measured) -> bool:
    """A new model may not mix more cooperatives, nor lose F1; with equal links it may not ask more."""
    if new.mixed > old.mixed or new.figures.f1 < old.figures.f1 - 1e-9:
        return False
    return new.figures.f1 > old.figures.f1 + 1e-9 or new.review_rows <= old.review_rows


def adopt(deployment: Deployment, model: Model, new: Measured, old: Measured) -> Path:
    """Makes a model the county's own.

    Raises:
        ConflictError: it is worse than the one in use.
    """
    if not no_worse(new, old):
        raise ConflictError("新模型不如正在使用的模型，没有采用。", next_step="用更多有标签的数据训练后再比较。")
    path = deployment.folder / ADOPTED
    model.save(path)
    return path
