"""Modules that a library loads with itself and we hardly ever need: loaded when something of theirs is asked for, or not at all."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
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


@contextmanager
def absent(*names: str) -> Iterator[None]:
    """While it lasts, importing these modules fails as if they were not installed; what is loaded already stays so."""
    hidden = [name for name in names if name not in sys.modules]
    modules: dict[str, ModuleType | None] = sys.modules  # type: ignore[assignment]
    modules.update(dict.fromkeys(hidden))
    try:
        yield
    finally:
        for name in hidden:
            modules.pop(name, None)
