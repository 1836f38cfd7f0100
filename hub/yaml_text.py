"""YAML, read by libyaml where it is there: a fifth of the time, and every command begins by reading some."""

from __future__ import annotations

from typing import Any

import yaml

SAFE_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_yaml(text: str) -> Any:
    """What a text says: plain values only, never an object."""
    return yaml.load(text, Loader=SAFE_LOADER)  # noqa: S506 -- a safe loader, either way
