"""Features of many profiles: in chunks, by two processes where it pays. What a feature is, says `hub.matching.features`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from hub.matching.features import profile_features
from hub.matching.names import Gazetteer

if TYPE_CHECKING:
    import pyarrow as pa

_CHUNK = 20_000
_WORTH_PROCESSES = 60_000  # profiles; below, starting processes costs more than it saves
_MOST_PROCESSES = 2


def features_in_chunks(profiles: pa.Table, gazetteer: Gazetteer) -> Iterator[tuple[pa.Table, pa.Table]]:
    """(profiles, their features) chunk by chunk; together all profiles, those of one name next to each other."""
    if profiles.num_rows <= _CHUNK:
        yield profiles, profile_features(profiles, gazetteer)
        return
    profiles = profiles.sort_by("name")
    chunks = [profiles.slice(at, _CHUNK) for at in range(0, profiles.num_rows, _CHUNK)]
    workers = min(_MOST_PROCESSES, os.cpu_count() or 1)
    if profiles.num_rows < _WORTH_PROCESSES or workers < 2:
        for chunk in chunks:
            yield chunk, profile_features(chunk, gazetteer)
        return
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    # spawned, not forked: a fork would inherit the threads' locks of DuckDB and of the database driver
    with ProcessPoolExecutor(
        workers, mp_context=get_context("spawn"), initializer=_take_gazetteer, initargs=(gazetteer,)
    ) as pool:
        waiting = []
        for chunk in chunks:
            waiting.append((chunk, pool.submit(_features, _small(chunk))))
            if len(waiting) > 2 * workers:
                done, features = waiting.pop(0)
                yield done, features.result()
        for done, features in waiting:
            yield done, features.result()


_gazetteer: list[Gazetteer] = []


def _take_gazetteer(gazetteer: Gazetteer) -> None:
    _gazetteer[:] = [gazetteer]


def _features(chunk: pa.Table) -> pa.Table:
    return profile_features(chunk, _gazetteer[0])


def _small(chunk: pa.Table) -> pa.Table:
    """The chunk without the rest of the table it is a slice of."""
    columns = ["name", "former_name", "representative", "phone", "town", "address", "founded_on"]
    import numpy as np

    return chunk.select(columns).take(np.arange(chunk.num_rows))
