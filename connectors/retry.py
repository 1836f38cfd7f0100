"""Trying again: only what is worth it, ever later, never in step with others. No transport here."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TypeVar

from connectors.contract import Clock, MovedOnError, Options
from hub.errors import HubError

T = TypeVar("T")


class RetryAfter(Exception):
    """A transient error whose sender said when to come back."""

    def __init__(self, error: HubError, seconds: float) -> None:
        super().__init__(str(error))
        self.error, self.seconds = error, seconds


def waits(options: Options) -> list[float]:
    """Seconds to wait before each further try: doubling, each shortened at random by up to a half."""
    return [
        min(options.retry_seconds * 2**n, 300.0) * random.uniform(0.5, 1.0)  # noqa: S311 -- spreads load, guards nothing
        for n in range(options.retries)
    ]


def with_retries(work: Callable[[], T], options: Options, clock: Clock, *, longest: float = 120.0) -> T:
    """Result of `work`, tried again after transient errors.

    Raises:
        HubError: at once if it is not transient, otherwise the last one; `longest` limits what a sender may ask.
    """
    pauses = waits(options)
    while True:
        try:
            return work()
        except RetryAfter as wish:
            error, pause = wish.error, wish.seconds
        except HubError as fault:
            if not fault.retry or isinstance(fault, MovedOnError):
                raise
            error, pause = fault, 0.0
        if not pauses or pause > longest:
            raise error
        clock.sleep(max(pauses.pop(0), pause))
