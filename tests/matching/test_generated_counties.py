"""The benchmark's counties: the same for one seed, and, small, linked without mixing two cooperatives."""

from __future__ import annotations

from benchmarks.counties import Case, cases
from hub.matching.answering import answer_truly


def test_a_seed_gives_the_same_county_again_and_another_seed_another() -> None:
    tables = [Case(4, seed).make(0.05)[1].table for seed in (1, 1, 2)]
    assert tables[0].equals(tables[1])
    assert not tables[0].equals(tables[2])


def test_a_seed_has_every_style_size_and_mess_with_and_without_a_registry() -> None:
    found = cases(1)
    assert len({c.style for c in found}) == 6
    assert {c.mess for c in found} == {1.0, 1.5, 2.0, 2.5}
    assert {c.registry for c in found} == {True, False}
    assert (min(c.size for c in found), max(c.size for c in found)) == (829, 2842)


def test_true_answers_find_nearly_all_of_a_small_messy_county() -> None:
    world, rows = Case(9, 1).make(0.1)
    rounds = answer_truly(rows.table, rows.entities, county=world.county)
    first, last = rounds[0].evaluation, rounds[-1].evaluation
    assert not first.mixed
    assert first.overall.f1 >= 0.99
    assert last.overall.recall >= 0.995
