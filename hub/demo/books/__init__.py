"""Which files lie in a department's folder on a demonstration night, and since which night each of them has not changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from hub.demo.books import agriculture, ledgers, market, tax, traceability
from hub.demo.books.edition import Books, Edition
from hub.demo.sheet import Book

EditionOf = Callable[[int], Edition]


def _quarter_night(night: int) -> int:
    """The last quarter's end up to a night: the first night stands for the third quarter of 2026, the third is its end."""
    return 1 if night < 3 else night - night % 3


# every month a new file; last month's still lies beside it
DATED: tuple[Books, ...] = (market.abnormal, tax.registrations, market.registry, traceability.subjects)
# every month a further file; the earlier ones stay
INCREMENTS: tuple[Books, ...] = (traceability.batches, agriculture.support_measures)
# one file, written anew every month
MONTHLY: tuple[Books, ...] = (agriculture.complaints,)
# one file, written anew at a quarter's end
QUARTERLY: tuple[Books, ...] = (
    agriculture.demonstration,
    agriculture.standardisation,
    ledgers.supply_marketing,
    ledgers.forestry,
    ledgers.water,
    ledgers.fiscal_support,
    ledgers.development_reform,
    ledgers.finance,
    ledgers.union_members,
)


def books_of_night(edition: EditionOf, night: int, towns: int) -> Iterator[Book]:
    """All files in all folders on a night, feed by feed."""
    for make in DATED:
        for n in range(max(1, night - 1), night + 1):
            yield from make(edition(n))
    for make in INCREMENTS:
        for n in range(1, night + 1):
            yield from make(edition(n))
    for n in sorted({1, *range(3, night + 1, 3)}):
        yield from market.inspection(edition(n))
    for make in MONTHLY:
        yield from make(edition(night))
    for make in QUARTERLY:
        yield from make(edition(_quarter_night(night)))
    for town in range(towns):
        yield from ledgers.township_cleanup(edition(ledgers.last_revision(town, night)), town)
