"""How good the links are on counties of several sorts, before and after staff answered every question truly."""

from collections import Counter

import pytest

from hub.matching.answering import Round, answer_truly, main_entity
from hub.matching.matcher import match_profiles
from tests.matching.counties import SORTS, small_county
from tests.matching.profiles import profile_table
from tests.matching.rows import COUNTY, row, uscc


@pytest.fixture(
    scope="module", params=[(sort, seed) for sort in SORTS for seed in (1, 2)], ids=lambda p: f"{p[0]}-{p[1]}"
)
def rounds(request: pytest.FixtureRequest) -> list[Round]:
    sort, seed = request.param
    county = small_county(sort, seed=seed)
    return answer_truly(county.profiles, county.entities, county=county.county)


def test_no_cooperative_is_mixed_before_or_after_answers(rounds: list[Round]) -> None:
    assert not any(r.evaluation.mixed for r in rounds)


def test_true_answers_find_the_rest(rounds: list[Round]) -> None:
    first, last = rounds[0].evaluation, rounds[-1].evaluation
    assert first.overall.recall >= 0.965
    assert first.review_rows <= 0.035 * first.overall.rows
    once, twice = (rounds[min(n, len(rounds) - 1)].evaluation.overall.recall for n in (1, 2))
    assert once >= 0.99  # whose a code is, is asked after whose the name is
    assert twice >= 0.995
    assert last.overall.recall >= 0.995  # one cooperative of so small a county is 0.3 %


def test_asking_comes_to_an_end(rounds: list[Round]) -> None:
    assert len(rounds) <= 4
    assert rounds[-1].questions == 0


def test_answers_say_how_many_were_yes() -> None:
    table = profile_table(
        [
            row("云岫县牛蹄山水果专业合作社", uscc(1), representative="王小明", town="白石镇"),
            row("云岫县牛山水果专业合作社", town="白石镇", feed="demonstration"),
        ]
    )
    two = [Counter({uscc(1): 1}), Counter({"other": 1})]
    rounds = answer_truly(table, two, county=COUNTY)
    assert [(r.questions, r.answered, r.same) for r in rounds] == [(1, 0, 0), (0, 1, 0)]
    one = [Counter({uscc(1): 1})] * 2
    rounds = answer_truly(table, one, county=COUNTY)
    assert [(r.answered, r.same) for r in rounds] == [(0, 0), (1, 1)]
    assert rounds[-1].evaluation.overall.recall == 1.0


def test_a_profile_is_the_entity_of_most_of_its_rows() -> None:
    assert main_entity(Counter({"a": 1, "b": 2})) == "b"
    assert main_entity(Counter()) is None


def test_a_code_copied_from_another_line_is_confirmed_by_a_person_and_keeps_no_row_waiting() -> None:
    table = profile_table(
        [
            row("云岫县兴旺果蔬专业合作社", uscc(1), representative="李大山", town="白石镇", times=2),
            row("云岫县石门茶叶专业合作社", uscc(2), representative="王小明", town="青溪镇", times=2),
            row("石门茶叶合作社", uscc(1), representative="王小明", feed="market_abnormal"),
        ]
    )
    outcome = match_profiles(table, county=COUNTY)
    names = table["name"].to_pylist()
    pasted, right = names.index("石门茶叶合作社"), names.index("云岫县石门茶叶专业合作社")
    assert outcome.group[pasted] == outcome.group[right]
    assert outcome.link[pasted] == "name"
    (question,) = outcome.questions
    assert (question.a, question.kind, question.waits) == (pasted, "conflict", False)
    apart = match_profiles(table, county=COUNTY, different={(min(pasted, question.b), max(pasted, question.b))})
    assert apart.group[pasted] != apart.group[right]
    assert not match_profiles(table, county=COUNTY, same=[(pasted, right)]).questions


def test_a_trade_in_common_is_no_name_in_common() -> None:
    """刘园养殖 bearing 远大种养殖's code is a slip of the code, however many characters the two share."""
    table = profile_table(
        [
            row("云岫县远大种养殖专业合作社", uscc(1), representative="李大山", times=2),
            row("云岫县刘园养殖专业合作社", uscc(1), representative="王小明", feed="market_abnormal"),
        ]
    )
    outcome = match_profiles(table, county=COUNTY)
    assert len(set(outcome.group)) == 2
    assert [q.kind for q in outcome.questions] == ["conflict"]


@pytest.mark.parametrize(("sort", "cooperatives", "mess"), [("coast", 1500, 1.0), ("plain", 1000, 1.5)])
def test_a_large_county_full_of_namesakes_is_linked_and_asked_about_rightly(
    sort: str, cooperatives: int, mess: float
) -> None:
    county = small_county(sort, cooperatives=cooperatives, mess=mess, namesakes=True)
    rounds = answer_truly(county.profiles, county.entities, county=county.county)
    first, last = rounds[0].evaluation, rounds[-1].evaluation
    assert not any(r.evaluation.mixed for r in rounds)
    assert first.overall.f1 >= 0.985
    assert first.review_rows <= 0.015 * first.overall.rows
    assert last.overall.recall >= 0.998
    assert rounds[-1].questions == 0
