"""The page of rules says what the rules are."""

from __future__ import annotations

from hub.master.rules.describe import rules_as_markdown
from hub.settings import REPOSITORY


def test_the_page_of_rules_is_up_to_date() -> None:
    page = REPOSITORY / "docs" / "rules.md"
    assert page.read_text(encoding="utf-8") == rules_as_markdown(), "run: python -m hub.master.rules docs/rules.md"
