"""Writes the page of all rules: `python -m hub.master.rules docs/rules.md`."""

import sys
from pathlib import Path

from hub.master.rules.describe import rules_as_markdown

Path(sys.argv[1]).write_text(rules_as_markdown(), encoding="utf-8")
