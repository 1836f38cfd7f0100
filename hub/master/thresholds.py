"""Thresholds of the rules: a county's `rules.yaml`, with defaults. Every number a rule compares with stands here."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from hub.deployment import Deployment, load_yaml_model
from hub.errors import ConfigurationError

FILE = "rules.yaml"
Months = Annotated[int, Field(ge=1, le=240)]


class Thresholds(BaseModel):
    """What the rules compare with. Months are calendar months back from the night's date."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    young_months: Annotated[Months, Field(description="成立不满这些月的不判空壳线索二、三")] = 24
    no_batch_months: Annotated[Months, Field(description="这些月内无批次算无近期批次")] = 24
    stopped_months: Annotated[Months, Field(description="停业、非正常满这些月算停止运行")] = 24
    unreachable_months: Annotated[Months, Field(description="查无下落满这些月算停止运行")] = 24
    least_members: Annotated[int, Field(ge=1, description="成员数低于此数算成员不足")] = 5
    several_representative: Annotated[int, Field(ge=2, description="同名负责人的合作社达到此数即提示")] = 3
    several_phone: Annotated[int, Field(ge=2, description="同一电话的合作社达到此数即提示")] = 3
    several_address: Annotated[int, Field(ge=2, description="同一住所的合作社达到此数即提示")] = 3
    current_for_days: Annotated[int, Field(ge=1, description="全量名单超过这些天未更新，就不再据以判“否”")] = 400
    batches_complete_since: Annotated[
        date | None, Field(description="追溯批次自此日起报送齐全：此后无批次即为“无”；不填则批次为增量，无法判“无”")
    ] = None


def load_thresholds(deployment: Deployment) -> Thresholds:
    """The county's thresholds; the defaults when it has no rules.yaml.

    Raises:
        ConfigurationError: rules.yaml is wrong; every fault with its line.
    """
    problems: list[str] = []
    found = load_yaml_model(deployment.folder / FILE, Thresholds, problems)
    if problems:
        raise ConfigurationError(
            "规则阈值有误。", next_step=f"改正“{deployment.folder / FILE}”里下列各处。", problems=tuple(problems)
        )
    return found or Thresholds()
