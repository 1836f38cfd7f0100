"""Standard agreements for a new county: those of the demo county, without anybody's approval."""

from __future__ import annotations

import re
from pathlib import Path

from hub.errors import ConflictError
from hub.settings import REPOSITORY

_APPROVAL = re.compile(r"^ *approved_(by|on):.*\n", re.MULTILINE)


def write_templates(out: Path) -> list[Path]:
    """Writes the templates into a folder; existing files are never touched.

    Raises:
        ConflictError: a file of that name is there.
    """
    sources = sorted((REPOSITORY / "deployments" / "demo" / "agreements").glob("*.yaml"))
    targets = [out / s.name for s in sources]
    if there := [t.name for t in targets if t.exists()]:
        raise ConflictError(f"目录里已有 {'、'.join(there)}。", next_step="换一个空目录，或先移走这些文件。")
    out.mkdir(parents=True, exist_ok=True)
    for source, target in zip(sources, targets, strict=True):
        target.write_text(_APPROVAL.sub("", source.read_text(encoding="utf-8")), encoding="utf-8")
    return targets
