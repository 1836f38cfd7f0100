"""The general part of the matcher, on lists of organisations that are no cooperatives."""

from hypothesis import given, settings
from hypothesis import strategies as st

from hub.matching.general import (
    COMPARISONS,
    PARAMETERS,
    Organisation,
    group_organisations,
    score_organisations,
    words_of,
)

LISTS = [
    Organisation("Little Stars Day Care Center", "120 North Elm Street", "60601", "312-555-0101"),
    Organisation("LITTLE STARS DAYCARE CTR.", "120 N. Elm St", "60601", "5550101"),
    Organisation("Little Stars", "120 N Elm", "", "555-0101"),
    Organisation("Riverside Nursery", "7 West Oak Avenue", "60605", "5550444"),
    Organisation("Riverside Nursery School", "7 W OAK AVE", "60605", ""),
    Organisation("Hilltop Learning Center", "900 S Pine Rd", "60609", "5550777"),
]


def test_ways_of_writing_one_organisation_come_together_and_others_stay_apart() -> None:
    assert group_organisations(LISTS) == [0, 0, 0, 3, 3, 5]


def test_street_kinds_and_directions_are_written_short() -> None:
    assert words_of("120 North Elm Street, Suite 5") == ["120", "N", "ELM", "ST", "SUITE", "5"]


def test_a_shared_phone_alone_is_not_one_organisation() -> None:
    two = [
        Organisation("Alpha School", "1 Elm St", "60601", "5550101"),
        Organisation("Beta Clinic", "88 Pine Rd", "60699", "5550101"),
    ]
    assert group_organisations(two * 3 + LISTS[3:])[:2] == [0, 1]


@settings(max_examples=20, deadline=None)
@given(st.permutations(range(len(LISTS))))
def test_the_order_of_rows_does_not_matter(order: list[int]) -> None:
    groups = group_organisations([LISTS[i] for i in order])
    found = {frozenset(order[k] for k, g in enumerate(groups) if g == group) for group in groups}
    assert found == {frozenset({0, 1, 2}), frozenset({3, 4}), frozenset({5})}


def test_every_level_has_its_parameters() -> None:
    assert set(PARAMETERS) == {c.name for c in COMPARISONS}
    assert all(len(PARAMETERS[c.name]) == len(c.levels) + 1 for c in COMPARISONS)
    assert all(0 < m <= 1 and 0 < u <= 1 for pairs in PARAMETERS.values() for m, u in pairs)
    assert all(0 <= p <= 1 for _, _, p in score_organisations(LISTS))
