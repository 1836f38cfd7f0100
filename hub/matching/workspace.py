"""The matcher's own tables between nights: a DuckDB file with features, parties, keys and bonds of all profiles. It is a store of
work done, never the truth: it is believed only while the database says it is of the last matching, and made again
otherwise, so it may be deleted at any time.
"""

from __future__ import annotations

import json
import uuid
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hub.matching import matcher
from hub.matching.scoring import open_workspace

if TYPE_CHECKING:
    import duckdb

_VERSION = 2  # of the tables in the file
_MEMORY = "3GB"


def workspace_of(data: Path) -> Path:
    """Where the matcher keeps its own tables below the data folder."""
    return data / "matching" / "workspace.duckdb"


class Workspace:
    """The tables of a matching, in a file or, without a path, in memory. Changes count from `keep` on.

    `known` says whether it holds what the last matching knew; `state` is what that matching kept beside its tables.
    """

    def __init__(self, path: Path | None, generation: str | None) -> None:
        self._path = path
        self.state: dict[str, Any] = {}
        self.known = False
        self.connection: duckdb.DuckDBPyConnection | None = None
        if path is not None and generation is not None and path.is_file():
            with suppress(Exception):  # another version's file, a damaged one, a locked one: as good as none
                self.connection = open_workspace(path, memory=_MEMORY)
                kept = json.loads(self.connection.execute("select value from kept").fetchall()[0][0])
                self.known = kept["version"] == _VERSION and kept["generation"] == generation
                self.state = kept["state"]
        if self.known:
            self.duck.execute("begin")
        else:
            self.start_anew()

    @property
    def duck(self) -> duckdb.DuckDBPyConnection:
        assert self.connection is not None  # noqa: S101 -- open from the first line to `close`
        return self.connection

    def start_anew(self) -> None:
        """Forgets all and starts with empty tables."""
        self.close()
        self.known, self.state = False, {}
        if self._path is not None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            for old in (self._path, self._path.with_name(self._path.name + ".wal")):
                with suppress(OSError):
                    old.unlink(missing_ok=True)
            with suppress(Exception):  # the folder cannot be written to: in memory then, and every night from nothing
                self.connection = open_workspace(self._path, memory=_MEMORY)
        if self.connection is None:
            self.connection = open_workspace()
        matcher.create_tables(self.duck)

    def keep(self, state: dict[str, Any]) -> str:
        """Makes the tables last and returns the generation that the database is to remember in the same breath."""
        generation = uuid.uuid4().hex
        kept = json.dumps({"version": _VERSION, "generation": generation, "state": state})
        self.duck.execute("create or replace table kept as select $1 as value", [kept])
        if self.known:
            self.duck.execute("commit")
        return generation

    def close(self) -> None:
        """Closes the file; changes that were not kept are gone."""
        if self.connection is not None:
            self.connection.close()
            self.connection = None
