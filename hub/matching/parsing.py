"""Features of many profiles: in chunks, by two processes where it pays. What a feature is, says `hub.matching.features`."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from hub.matching.features import profile_features
from hub.matching.gazetteers import learn_places
from hub.matching.names import Gazetteer

if TYPE_CHECKING:
    from concurrent.futures import ProcessPoolExecutor

    import pyarrow as pa

    from hub.deployment import County

_CHUNK = 20_000
_WORTH_PROCESSES = 80_000  # profiles; below, starting processes costs more than it saves
_MOST_PROCESSES = 2


class Parser:
    """Makes features; in processes of its own if it has a pool."""

    def __init__(self, pool: ProcessPoolExecutor | None, workers: int) -> None:
        self._pool, self._workers = pool, workers

    def learn(self, sample: pa.Table, county: County | None) -> Callable[[], Gazetteer]:
        """Starts learning the gazetteer of some profiles; the answer waits for it."""
        if self._pool is None:
            return lambda: learn_places(sample, county)
        return self._pool.submit(learn_places, sample, county).result

    def features(self, profiles: pa.Table, gazetteer: Gazetteer) -> Iterator[tuple[pa.Table, pa.Table]]:
        """(profiles, their features) chunk by chunk; together all profiles, those of one name next to each other."""
        if profiles.num_rows <= _CHUNK:
            yield profiles, profile_features(profiles, gazetteer)
            return
        profiles = profiles.sort_by("name")
        chunks = [profiles.slice(at, _CHUNK) for at in range(0, profiles.num_rows, _CHUNK)]
        if self._pool is None:
            for chunk in chunks:
                yield chunk, profile_features(chunk, gazetteer)
            return
        waiting: list[tuple[pa.Table, Any]] = []
        for chunk in chunks:
            waiting.append((chunk, self._pool.submit(profile_features, _small(chunk), gazetteer)))
            if len(waiting) > 2 * self._workers:
                done, features = waiting.pop(0)
                yield done, features.result()
        for done, features in waiting:
            yield done, features.result()


@contextmanager
def parser(profiles: int) -> Iterator[Parser]:
    """A parser for about so many profiles. Its processes start at once, while the caller reads what is to be parsed."""
    workers = min(_MOST_PROCESSES, os.cpu_count() or 1)
    if profiles < _WORTH_PROCESSES or workers < 2:
        yield Parser(None, 1)
        return
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    # spawned, not forked: a fork would inherit the threads' locks of DuckDB and of the database driver
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for _ in range(workers):
            pool.submit(_wake)
        yield Parser(pool, workers)


def _wake() -> None:
    """Loads what parsing needs."""
    import pyarrow as pa

    gc.disable()  # as in `hub.matching.resolve`
    pa.table({"profile": []})
    Gazetteer().parse("某某专业合作社")


def _small(chunk: pa.Table) -> pa.Table:
    """The chunk without the rest of the table it is a slice of."""
    columns = ["name", "former_name", "representative", "phone", "town", "address", "founded_on"]
    import numpy as np

    return chunk.select(columns).take(np.arange(chunk.num_rows))
