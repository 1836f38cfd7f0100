"""What every connector promises: look, list, fetch, acknowledge. Types and the base class only; no way of transport.

A connector brings *deliveries* here and knows nothing of what is in them. Its life in one night:

    with open_connector(kind, options, feed=..., folder=...) as connector:
        listing = connector.list(state)              # state: what the caller stored for this feed, {} at first
        for item in listing.items:
            fetched = connector.fetch(item, path)    # the file is at `path`, whole, or not at all
            ...accept it; in that same transaction:  state = connector.advance(state, fetched)
        connector.acknowledge(accepted_items)        # after the transaction: archive or rename at the sender's

Two things are never confused: `Listing.state` holds only what was *seen* (sizes at the last look) and may be stored
at any time; `advance` says how far we have *come* and is stored only where the delivery is accepted. A night killed
anywhere in between fetches again and loses nothing.
"""

from __future__ import annotations

import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, BinaryIO, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from hub.errors import HubError, TransientError

State = Mapping[str, Any]  # JSON, small; the caller keeps it in `connector_state`


class MovedOnError(TransientError):
    """What was listed is gone or has changed. The next listing sees it anew, so `fetch` does not try again."""


class Options(BaseModel):
    """Options every connector takes. Unknown ones are refused, so a typing slip never becomes a default."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_mb: Annotated[int, Field(ge=1)] = 2048  # a larger delivery is refused, in MiB
    retries: Annotated[int, Field(ge=0, le=10)] = 3  # further tries after a transient error
    retry_seconds: Annotated[float, Field(ge=0, le=600)] = (
        2.0  # wait before the first further try; doubles, with jitter
    )

    @property
    def max_bytes(self) -> int:
        return self.max_mb * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Clock:
    """Time as connectors use it, so that tests need not wait."""

    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True, slots=True)
class Item:
    """Something complete that can be fetched: a file, or the window of a query.

    Args:
        name: for people and for the delivery's name: clean Unicode, no control characters. Never use it as a path.
        key: the connector's own way to find it again.
        size: bytes, where known before fetching.
        modified_at: the sender's time stamp, aware.
        details: JSON the connector needs to fetch exactly what it listed.
    """

    name: str
    key: str
    size: int | None = None
    modified_at: datetime | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Waiting:
    """Seen, but not yet complete: still growing, or without its marker. `reason` is a Chinese sentence."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class PassedOver:
    """Seen and left alone. `attention`: a person should look (a link that leads outside, a file too large); without
    it the thing is of no interest (a temporary name, another pattern)."""

    name: str
    reason: str
    attention: bool = False


@dataclass(frozen=True, slots=True)
class Listing:
    """What is there now. `state` holds what was seen and may be stored at once."""

    items: tuple[Item, ...]
    waiting: tuple[Waiting, ...] = ()
    passed_over: tuple[PassedOver, ...] = ()
    state: State = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Fetched:
    """A delivery that lies whole at `path`. `rows` where the connector itself counted them; `empty` when a query by
    cursor brought nothing new, so that there is nothing to deliver. `details` feed `advance`."""

    item: Item
    path: Path
    size: int
    sha256: str
    rows: int | None = None
    empty: bool = False
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CheckOutcome:
    """Whether the other side can be reached and used, and one Chinese sentence of what was seen there."""

    reachable: bool
    seen: str
    error: HubError | None = None


@dataclass(frozen=True, slots=True)
class Discovered:
    """One thing that is there at all, wanted or not: a file, a table, a page of results."""

    name: str
    what: str
    details: Mapping[str, Any] = field(default_factory=dict)


class Connector(ABC):
    """Base of all connectors. Errors are `HubError`s: configuration, authentication and host key at once, transient
    ones after the declared further tries."""

    kind: ClassVar[str]
    options_model: ClassVar[type[Options]]

    def __init__(self, options: Options, *, feed: str, folder: Path, environment: Mapping[str, str], clock: Clock):
        self.base_options, self.feed, self.folder = options, feed, folder
        self.environment, self.clock = environment, clock

    def __enter__(self) -> Connector:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:  # noqa: B027 -- only connectors that keep something open have something to close
        """Ends connections. May be called twice."""

    @property
    @abstractmethod
    def place(self) -> str:
        """Where it reaches out to, for people: an address without secrets. Opens no connection."""

    @abstractmethod
    def _look(self) -> str:
        """Reaches out and says in one Chinese sentence what is there; raises what stands in the way."""

    def check(self) -> CheckOutcome:
        """Reaches out. Never raises a `HubError`: the outcome carries it."""
        try:
            return CheckOutcome(True, self._look())
        except HubError as error:
            error.at(feed=self.feed)
            return CheckOutcome(False, error.message, error)

    @abstractmethod
    def discover(self) -> tuple[Discovered, ...]:
        """Everything that is there, whether or not the options ask for it."""

    @abstractmethod
    def list(self, state: State) -> Listing:
        """What can be fetched, what must wait and why. A place that cannot be listed is an error, never "no files"."""

    @abstractmethod
    def fetch(self, item: Item, to: Path) -> Fetched:
        """Brings `item` to the path `to`: through a temporary file beside it, synced, renamed. After an error neither
        of the two exists (an older `to` stays as it was)."""

    def advance(self, state: State, fetched: Fetched) -> State:  # noqa: ARG002 -- most connectors have nowhere to advance
        """The state once `fetched` is accepted. Pure; store the result in the accepting transaction only."""
        return dict(state)

    def acknowledge(self, items: Sequence[Item]) -> None:  # noqa: B027 -- only where the deployment declares it
        """After acceptance: archives or renames at the sender's, if declared. Repeating it changes nothing; something
        new under the same name stays where it is."""

    @contextmanager
    def read(self, item: Item) -> Iterator[BinaryIO]:
        """The content of `item` to look at, in a temporary file that goes when the block ends."""
        with tempfile.TemporaryDirectory(prefix="coop-hub-") as scratch:
            path = Path(scratch) / "item"
            self.fetch(item, path)
            with path.open("rb") as stream:
                yield stream
