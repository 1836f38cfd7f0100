"""Features of many profiles, in chunks. What a feature is, says `hub.matching.features`."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from hub.matching.features import profile_features

if TYPE_CHECKING:
    import pyarrow as pa

    from hub.matching.labour import Labour
    from hub.matching.names import Gazetteer

_CHUNK = 20_000


def features_in_chunks(profiles: pa.Table, gazetteer: Gazetteer, labour: Labour) -> Iterator[tuple[pa.Table, pa.Table]]:
    """(profiles, their features) chunk by chunk; together all profiles, those of one name next to each other."""
    if profiles.num_rows <= _CHUNK:
        yield profiles, profile_features(profiles, gazetteer)
        return
    profiles = profiles.sort_by("name")
    waiting: deque[tuple[pa.Table, Callable[[], pa.Table]]] = deque()
    for at in range(0, profiles.num_rows, _CHUNK):
        chunk = profiles.slice(at, _CHUNK)
        waiting.append((chunk, labour.start(profile_features, _small(chunk), gazetteer)))
        if len(waiting) > 2 * labour.workers:
            yield _done(*waiting.popleft())
    while waiting:
        yield _done(*waiting.popleft())


def _done(profiles: pa.Table, features: Callable[[], pa.Table]) -> tuple[pa.Table, pa.Table]:
    return profiles, features()


def _small(chunk: pa.Table) -> pa.Table:
    """The chunk without the rest of the table it is a slice of."""
    columns = ["name", "former_name", "representative", "phone", "town", "address", "founded_on"]
    import numpy as np

    return chunk.select(columns).take(np.arange(chunk.num_rows))
