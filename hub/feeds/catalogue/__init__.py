"""The catalogue of feeds: every `*.yaml` beside this file is one. Adding a feed is adding a file."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import yaml
from pydantic import ValidationError

from hub.errors import ConfigurationError
from hub.feeds.model import Feed
from hub.yaml_text import read_yaml


@cache
def feed_catalogue() -> dict[str, Feed]:
    """All feeds by name, sorted.

    Raises:
        ConfigurationError: listing every fault of every file at once.
    """
    found: dict[str, Feed] = {}
    problems: list[str] = []
    for entry in sorted(files(__name__).iterdir(), key=lambda e: e.name):
        if not entry.name.endswith(".yaml"):
            continue
        try:
            feed = Feed.model_validate(read_yaml(entry.read_text(encoding="utf-8")))
        except (ValidationError, yaml.YAMLError) as error:
            problems.append(f"{entry.name}：{error}")
            continue
        if entry.name != f"{feed.feed}.yaml":
            problems.append(f"{entry.name}：文件名应与 feed 名 {feed.feed} 一致")
        found[feed.feed] = feed
    if problems:
        raise ConfigurationError(
            "数据目录有误。", next_step="改正 hub/feeds/catalogue 下列出的文件。", problems=tuple(problems)
        )
    return found


def get_feed(name: str) -> Feed:
    """One feed. Raises ConfigurationError, naming the known ones, if there is none of that name."""
    catalogue = feed_catalogue()
    if name not in catalogue:
        raise ConfigurationError(f"没有名为 {name} 的数据目录项。", next_step=f"可用的有：{'、'.join(catalogue)}。")
    return catalogue[name]
