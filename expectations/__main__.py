"""Writes the page of all rules: `python -m expectations docs/checks.md`."""

import sys
from pathlib import Path

from expectations.describe import rules_as_markdown

Path(sys.argv[1]).write_text(rules_as_markdown(), encoding="utf-8")
