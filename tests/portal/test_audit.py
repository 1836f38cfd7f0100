"""Every event the code writes is documented, and every documented one is written."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from sqlalchemy import Engine

from hub.portal.audit import EVENTS, record_event
from hub.settings import REPOSITORY

DOCUMENT = REPOSITORY / "docs" / "audit-events.md"


def documented() -> dict[str, str]:
    rows = re.findall(r"^\| `(\w+)` \| (\S+) \|", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE)
    return dict(rows)


def written() -> set[str]:
    """Events named anywhere in the hub's code outside their catalogue."""
    catalogue = REPOSITORY / "hub" / "portal" / "audit.py"
    code = "\n".join(p.read_text(encoding="utf-8") for p in Path(REPOSITORY / "hub").rglob("*.py") if p != catalogue)
    return {event for event in EVENTS if f'"{event}"' in code}


def test_the_document_and_the_catalogue_name_the_same_events_with_the_same_titles() -> None:
    assert documented() == {event: zh for event, (zh, _) in EVENTS.items()}


def test_every_event_is_written_somewhere() -> None:
    assert written() == set(EVENTS)


def test_an_event_nobody_described_is_a_mistake(engine: Engine) -> None:
    with engine.connect() as connection, pytest.raises(KeyError, match="strange"):
        record_event(connection, "strange", "lin")
