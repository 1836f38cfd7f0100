"""Modules that a library loads with itself and we hardly ever need, loaded when something of theirs is asked for."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any


class _PutOff(ModuleType):
    """Stands in `sys.modules` until the first attribute is asked for; then the module itself takes its place."""

    def __getattr__(self, attribute: str) -> Any:
        if attribute.startswith("__"):  # what the import system and inspection look at
            raise AttributeError(attribute)
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(importlib.import_module(self.__name__), attribute)


def put_off(name: str) -> None:
    """Has a module loaded at its first use instead of at its import. Without effect once it is loaded."""
    if name not in sys.modules:
        sys.modules[name] = _PutOff(name)
