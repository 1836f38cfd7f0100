"""The master table: one row a cooperative, one source a field, its history, and what the office reads off it.

project      tonight's rows and links -> a version of the master table      (hub.master.publication)
fields       the master's fields and their declared sources                 (fields.yaml)
rules        states, clues, cross-checks, hints                             (rules/*.yaml)
datasets     what other rooms may read                                      (read_dataset)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hub.master.publication import MasterSummary, project

__all__ = ["MasterSummary", "project"]


def __getattr__(name: str) -> object:
    # the projection pulls in SQLAlchemy and tables; `import hub.master.fields` should not
    if name in __all__:
        from hub.master import publication

        return getattr(publication, name)
    raise AttributeError(name)
