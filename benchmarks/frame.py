"""How a benchmark measures and what it returns."""

from __future__ import annotations

import gc
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Measure:
    """One thing measured. `against` names the measure of the same run it is set beside; ratios come from seconds."""

    name: str
    seconds: float
    rows: int | None = None
    peak_mb: float | None = None
    against: str | None = None
    note: str = ""

    @property
    def rows_per_second(self) -> float | None:
        return self.rows / self.seconds if self.rows and self.seconds else None


def timed(work: Callable[[], Any], *, repeat: int = 1) -> tuple[float, Any]:
    """Best wall time of `repeat` runs, and the last result."""
    best, result = float("inf"), None
    for _ in range(repeat):
        gc.collect()
        started = time.perf_counter()
        result = work()
        best = min(best, time.perf_counter() - started)
    return best, result


def timed_in_child(work: Callable[[], Any]) -> tuple[float, float, Any]:
    """Wall seconds, peak resident MiB and result of `work` in a forked child: memory is measured alone."""
    import multiprocessing

    context = multiprocessing.get_context("fork")
    receiving, sending = context.Pipe(duplex=False)

    def child() -> None:
        seconds, result = timed(work)
        sending.send((seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, result))

    process = context.Process(target=child)
    process.start()
    sending.close()
    try:
        seconds, peak, result = receiving.recv()
    finally:
        process.join()
    return seconds, peak, result
