"""The Fellegi-Sunter model as a versioned file: how often each level occurs among rows of the same cooperative (m) and
of different ones (u). Trained by a deliberate act (`coop-hub model train`), never in the night.

Weights are log2(m / u). The chance that two parties are the same at all is not in the file: it follows from the number
of cooperatives at hand (see `hub.matching.scoring`), so one model serves small and large counties.
Source: Fellegi and Sunter, A Theory for Record Linkage (1969); the parameters' form follows Splink.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from hub.errors import ConfigurationError
from hub.matching.comparison import COMPARISONS, Comparison

MODELS = Path(__file__).parent / "models"
CURRENT = "general.json"
# Levels models of earlier versions lack, and the level that took them in then.
_ONCE_PART_OF = {("name", "broken"): "trade_slip", ("name", "bare"): "lost"}


@dataclass(frozen=True)
class Model:
    """m and u by comparison and level name (`other` is the lowest). `link` and `review` are the probabilities from
    which a party is linked, or asked about; they follow from the costs in `costs`."""

    version: str
    trained_on: str
    m: dict[str, dict[str, float]]
    u: dict[str, dict[str, float]]
    link: float = 0.98
    review: float = 0.1
    known: float = 0.9  # chance that an uncoded row's cooperative is among those already known
    costs: dict[str, float] = field(default_factory=lambda: {"false_merge": 50.0, "review": 1.0, "missed": 10.0})

    def weight(self, comparison: Comparison, level: str) -> float:
        """log2(m / u) of a level; 0 for nothing to compare."""
        if level == "missing":
            return 0.0
        return math.log2(self.m[comparison.name][level] / self.u[comparison.name][level])

    def weights(self, comparison: Comparison) -> dict[int, float]:
        """Weight by the level's number (see `comparison.level_sql`)."""
        best = len(comparison.levels)
        numbered = {best - i: lv.name for i, lv in enumerate(comparison.levels)} | {0: "other", -1: "missing"}
        return {number: self.weight(comparison, name) for number, name in numbered.items()}

    def to_json(self) -> dict[str, Any]:
        return {
            "version": self.version,
            "trained_on": self.trained_on,
            "link": self.link,
            "review": self.review,
            "known": self.known,
            "costs": self.costs,
            "comparisons": {
                c.name: {
                    lv: {"m": self.m[c.name][lv], "u": self.u[c.name][lv]}
                    for lv in [*(level.name for level in c.levels), "other"]
                }
                for c in COMPARISONS
            },
        }

    def save(self, path: Path) -> None:
        path.write_text(json.dumps(self.to_json(), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def model_from_json(data: dict[str, Any]) -> Model:
    """A model from its file's content.

    Raises:
        ConfigurationError: a comparison or level is missing, or a number is no probability.
    """
    m: dict[str, dict[str, float]] = {}
    u: dict[str, dict[str, float]] = {}
    problems: list[str] = []
    for comparison in COMPARISONS:
        found = data.get("comparisons", {}).get(comparison.name, {})
        m[comparison.name], u[comparison.name] = {}, {}
        for level in [*(lv.name for lv in comparison.levels), "other"]:
            pair = found.get(level) or found.get(_ONCE_PART_OF.get((comparison.name, level), ""))
            if not pair or not (0 < pair["m"] <= 1 and 0 < pair["u"] <= 1):
                problems.append(f"{comparison.name}.{level}")
                continue
            m[comparison.name][level], u[comparison.name][level] = pair["m"], pair["u"]
    if problems:
        raise ConfigurationError(
            "匹配模型文件不完整或有误。",
            next_step="重新执行 coop-hub model train，或改回随程序附带的模型。",
            problems=tuple(problems),
        )
    return Model(
        data["version"], data["trained_on"], m, u, data["link"], data["review"], data["known"], dict(data["costs"])
    )


@lru_cache(maxsize=4)
def load_model(path: Path | None = None) -> Model:
    """The model in a file; without a path the one shipped with the program.

    Raises:
        ConfigurationError: the file cannot be read or is incomplete.
    """
    path = path or MODELS / CURRENT
    try:
        return model_from_json(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(
            f"读不了匹配模型 {path.name}。", next_step="检查文件，或改回随程序附带的模型。", detail=repr(error)
        ) from None
