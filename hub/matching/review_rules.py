"""Which answers of the review desk need a second pair of eyes: `review.yaml` of the county's folder.

    second: joins    # none: nobody confirms · joins: "same" waits for another person · all: "different" too

A false merge costs a county far more than a question asked twice, so `joins` is the usual choice of careful counties.
"""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from hub.deployment import Deployment, load_yaml_model
from hub.errors import ConfigurationError


class Second(StrEnum):
    """When a second person must confirm."""

    NONE = "none"
    JOINS = "joins"
    ALL = "all"


class ReviewRules(BaseModel):
    """The county's rules for the desk."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    second: Second = Second.NONE

    def needs_second(self, verdict: str) -> bool:
        """Whether this answer binds only after another person confirms it. "Unsure" never binds anything."""
        return verdict != "unsure" and (
            self.second is Second.ALL or (self.second is Second.JOINS and verdict == "same")
        )


def review_rules(deployment: Deployment) -> ReviewRules:
    """The rules of `review.yaml`; without the file nobody confirms.

    Raises:
        ConfigurationError: the file has faults, each named with its line.
    """
    problems: list[str] = []
    loaded = load_yaml_model(deployment.folder / "review.yaml", ReviewRules, problems)
    if problems:
        raise ConfigurationError("核对台的规则有误。", next_step="改正 review.yaml 后重试。", problems=tuple(problems))
    return loaded or ReviewRules()
