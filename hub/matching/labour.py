"""Processes that share out what Python has to do profile by profile, where it pays: as many as two, started before there is work
for them, because starting one takes as long as reading names apart for ten thousand profiles."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Future, ProcessPoolExecutor

_T = TypeVar("_T")
_WORTH_PROCESSES = 80_000  # profiles; below, starting processes costs more than it saves
_MOST_PROCESSES = 2


@dataclass(frozen=True)
class Labour:
    """Does work in its processes, or where there are none, here."""

    pool: ProcessPoolExecutor | None = None
    workers: int = 1

    def start(self, function: Callable[..., _T], *given: Any) -> Callable[[], _T]:
        """Starts one piece of work; the answer waits for it. Without processes it is done when it is asked for."""
        if self.pool is None:
            return lambda: function(*given)
        future: Future[_T] = self.pool.submit(function, *given)
        return future.result

    def share(self, function: Callable[[Any], _T], parts: Sequence[Any]) -> list[_T]:
        """What the function makes of each part, in their order."""
        return [result() for result in [self.start(function, part) for part in parts]]


ALONE = Labour()


@contextmanager
def labour_for(profiles: int) -> Iterator[Labour]:
    """Labour for about so many profiles. Its processes start at once, while the caller reads what there is to do."""
    workers = min(_MOST_PROCESSES, os.cpu_count() or 1)
    if profiles < _WORTH_PROCESSES or workers < 2:
        yield ALONE
        return
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    # spawned, not forked: a fork would inherit the threads' locks of DuckDB and of the database driver
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for _ in range(workers):
            pool.submit(_wake)
        yield Labour(pool, workers)


def _wake() -> None:
    """Loads what nearly all work needs."""
    import pyarrow as pa

    from hub.matching.names import Gazetteer

    gc.disable()  # as in `hub.matching.resolve`
    pa.table({"profile": []})
    Gazetteer().parse("某某专业合作社")
