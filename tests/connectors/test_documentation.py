"""Every example in docs/connectors.md is a declaration that opens, and every kind has one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from connectors import KINDS, open_connector
from connectors.registry import connector_class
from connectors.sftp_upload import UploadOptions, open_uploader
from hub.deployment import FeedDeclaration
from hub.feeds import feed_catalogue

PAGE = Path(__file__).resolve().parents[2] / "docs" / "connectors.md"
BLOCKS: list[Any] = [
    yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
]
FEEDS = [entry for block in BLOCKS if isinstance(block, list) for entry in block]


@pytest.mark.parametrize("entry", FEEDS, ids=lambda e: f"{e['feed']}-{e['connector']['kind']}")
def test_every_example_opens(entry: dict[str, Any]) -> None:
    declaration = FeedDeclaration.model_validate(entry)
    assert declaration.feed in feed_catalogue()
    connector = declaration.connector
    with open_connector(
        connector.kind, connector.options, feed=declaration.feed, folder=Path(), environment={}
    ) as opened:
        assert opened.kind == connector.kind


def test_the_example_of_handing_over_opens() -> None:
    (upload,) = [block["upload"] for block in BLOCKS if isinstance(block, dict)]
    with open_uploader(upload, folder=Path(), environment={}) as opened:
        assert opened.options.receipt == "json"


def test_every_kind_and_every_option_is_on_the_page() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert {entry["connector"]["kind"] for entry in FEEDS} == set(KINDS)
    models = [connector_class(kind).options_model for kind in KINDS] + [UploadOptions]
    names = {field.alias or name for model in models for name, field in model.model_fields.items()}
    derived = {f"{stem}_{way}" for stem in ("password", "token", "url", "key_passphrase") for way in ("env", "file")}
    assert [name for name in sorted(names - derived) if not re.search(rf"\b{name}\b", text)] == []
