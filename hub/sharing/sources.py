"""Where shared rows come from: the datasets of the master room, seen through the narrow contract sharing needs.

Sharing reads datasets by name and never a table of another room. Tests and tools may hand in a source of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import TYPE_CHECKING, Protocol

from sqlalchemy import Connection

from hub.feeds import Bilingual, Choice, Feed, Kind, Privacy, feed_catalogue

if TYPE_CHECKING:
    import pyarrow as pa

# What every dataset says of the cooperative itself, whoever gave the record.
IDENTITY_FIELDS = frozenset({"coop_id", "name", "uscc", "town"})


class DatasetField(Protocol):
    """One column of a dataset: its name, title, kind, how personal it is, and the feed that gives it (or None)."""

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> Bilingual: ...
    @property
    def kind(self) -> Kind: ...
    @property
    def privacy(self) -> Privacy: ...
    @property
    def source_feed(self) -> str | None: ...


class Dataset(Protocol):
    """What can be shared: a name, a title, the fields in their order, and the feeds its records come from. Every
    dataset has a field `coop_id`. The master table and what is derived from it belong to no feed."""

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> Bilingual: ...
    @property
    def fields(self) -> tuple[DatasetField, ...]: ...
    @property
    def feeds(self) -> tuple[str, ...]: ...


class DatasetSource(Protocol):
    """Datasets and their rows as of the newest master version."""

    def datasets(self) -> Mapping[str, Dataset]: ...
    def stream(self, connection: Connection, names: Iterable[str]) -> Iterator[tuple[str, pa.RecordBatchReader]]:
        """Several datasets of one moment, one after another, in batches; a reader is good until the next is asked for."""

    def read(self, connection: Connection, name: str) -> pa.Table: ...


class MasterDatasets:
    """The datasets of `hub.master.datasets`.

    Args:
        as_of: as they were true on that day; default: the day of the version read.
        known_at: as the hub knew them at the end of that night, or in that version; default: the newest version.
    """

    def __init__(self, *, as_of: date | None = None, known_at: date | int | None = None) -> None:
        self._as_of, self._known_at = as_of, known_at

    def datasets(self) -> Mapping[str, Dataset]:
        from hub.master.datasets import DATASETS

        found: Mapping[str, Dataset] = DATASETS
        return found

    def stream(self, connection: Connection, names: Iterable[str]) -> Iterator[tuple[str, pa.RecordBatchReader]]:
        from hub.master.datasets import stream_datasets

        yield from stream_datasets(connection, names, as_of=self._as_of, known_at=self._known_at)

    def read(self, connection: Connection, name: str) -> pa.Table:
        from hub.master.datasets import read_dataset

        rows: pa.Table = read_dataset(connection, name, as_of=self._as_of, known_at=self._known_at)
        return rows


def _declared(field: DatasetField) -> Feed | None:
    return feed_catalogue().get(field.source_feed) if field.source_feed else None


def choices_of(field: DatasetField) -> tuple[Choice, ...]:
    """The code list behind a field, for readers of people's formats: its own, else its feed's."""
    own: tuple[Choice, ...] = getattr(field, "choices", ())
    if own:
        return own
    feed = _declared(field)
    return feed.by_name[field.name].choices if feed and field.name in feed.by_name else ()
