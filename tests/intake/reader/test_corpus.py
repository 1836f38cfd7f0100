"""The corpus of made inputs, bad and odd: how large it is, and that no two of its inputs are the same."""

from __future__ import annotations

from tests.intake.reader import test_county_offices, test_files, test_hostile, test_layouts, test_odd_containers
from tests.intake.reader import test_published as published

LEAST = 150  # inputs, each with the account or the refusal a person expects


def test_the_corpus_of_bad_and_odd_inputs_is_as_large_as_promised() -> None:
    """Counted once each, however many formats a layout is tried in."""
    accounts = [
        *(f"layout {one.name}" for one in test_layouts.LAYOUTS),
        *(f"published {one[0]}" for one in published.CASES),
        *(f"office {one[0]}" for one in test_county_offices.CASES),
        *(f"container {name}" for name in test_odd_containers.CONTAINERS),
    ]
    refusals = [*(f"refused {name}" for name in test_files.REFUSED), *(f"hostile {n}" for n in test_hostile.HOSTILE)]
    assert len(set(accounts)) == len(accounts)
    assert len(accounts) >= LEAST
    assert len(refusals) >= 30
    assert len(test_layouts.CASES) > 300  # layouts times formats
