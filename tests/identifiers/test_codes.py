"""Check digits, kinds and repairs of codes, against the standards' own examples and by properties."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.identifiers.codes import (
    USCC_ALPHABET,
    CodeKind,
    classify_code,
    clean_code,
    id_card_check_passes,
    is_cooperative_uscc,
    make_uscc,
    organisation_check_character,
    organisation_check_passes,
    organisation_code_of,
    proven_codes,
    registration_check_passes,
    suggest_repairs,
    uscc_check_character,
    uscc_check_passes,
)

regions = st.from_regex(r"\A[1-6][0-9]{5}\Z")
organisations = st.text("0123456789", min_size=8, max_size=8).map(lambda s: s + organisation_check_character(s))
new_organisations = st.text(USCC_ALPHABET, min_size=6, max_size=6).map(
    lambda s: "MA" + s + organisation_check_character("MA" + s)
)
cooperatives = st.builds(make_uscc, regions, organisations | new_organisations)


def test_the_standards_own_examples_pass() -> None:
    assert organisation_check_character("D2143569") == "X"  # GB 11714, the standard's example
    assert uscc_check_passes("91350100M000100Y43")  # GB 32100, the standard's example
    assert id_card_check_passes("11010519491231002X")  # GB 11643, the standard's example
    assert registration_check_passes("110108000000016")


def test_a_sum_that_is_a_multiple_of_31_gets_a_zero_and_not_nothing() -> None:
    first17 = next(
        f"93331127{i:08d}0"
        for i in range(1, 10_000)
        if sum(USCC_ALPHABET.index(c) * pow(3, n, 31) for n, c in enumerate(f"93331127{i:08d}0")) % 31 == 0
    )
    assert uscc_check_character(first17) == "0"
    assert uscc_check_passes(first17 + "0")


@pytest.mark.parametrize("wrong", ["", "9", "9" * 16, "9" * 18, "O" * 17, "9333112756178901汉"])
def test_a_check_character_is_refused_for_what_is_no_beginning_of_a_code(wrong: str) -> None:
    with pytest.raises(ValueError, match=r"wanted|alphabet"):
        uscc_check_character(wrong)


@given(cooperatives)
def test_every_made_code_is_a_cooperative_and_passes_both_checks(code: str) -> None:
    assert is_cooperative_uscc(code)
    assert uscc_check_passes(code)
    assert classify_code(code) is CodeKind.USCC
    assert organisation_code_of(code) == code[8:17]
    assert organisation_check_passes(code[8:17])
    assert suggest_repairs(code) == ()


@given(cooperatives, st.integers(0, 17), st.sampled_from(USCC_ALPHABET))
def test_no_single_wrong_character_passes_the_check(code: str, place: int, other: str) -> None:
    wrong = code[:place] + other + code[place + 1 :]
    assert uscc_check_passes(wrong) == (wrong == code)


@given(cooperatives, st.integers(0, 17), st.sampled_from(USCC_ALPHABET))
def test_one_wrong_character_is_among_the_repairs(code: str, place: int, other: str) -> None:
    wrong = code[:place] + other + code[place + 1 :]
    if wrong != code:
        assert code in suggest_repairs(wrong)


@given(cooperatives, st.integers(0, 17))
def test_one_lost_character_is_among_the_repairs(code: str, place: int) -> None:
    assert code in suggest_repairs(code[:place] + code[place + 1 :])


@given(cooperatives, st.integers(0, 16))
def test_two_swapped_neighbours_are_among_the_repairs(code: str, place: int) -> None:
    swapped = code[:place] + code[place + 1] + code[place] + code[place + 2 :]
    if swapped != code:
        assert code in suggest_repairs(swapped)


@given(cooperatives, st.integers(0, 18), st.sampled_from(USCC_ALPHABET))
def test_one_character_too_many_is_among_the_repairs(code: str, place: int, extra: str) -> None:
    assert code in suggest_repairs(code[:place] + extra + code[place:])


@given(cooperatives)
def test_letters_a_code_cannot_hold_are_put_right_first(code: str) -> None:
    typed = code.replace("0", "O").replace("1", "I").replace("2", "Z").replace("5", "S").replace("U", "V")
    if typed != code:
        assert suggest_repairs(typed)[0] == code


@given(st.text(max_size=24))
def test_anything_can_be_cleaned_and_classified(text: str) -> None:
    cleaned = clean_code(text)
    assert clean_code(cleaned) == cleaned
    assert classify_code(cleaned) in CodeKind
    assert all(len(r) == 18 for r in suggest_repairs(cleaned))


@given(cooperatives, st.sampled_from(["'{}", " {} ", "{}\u200b", '"{}"', "\ufeff{}\n", "{}\u3000"]))
def test_a_code_survives_how_offices_write_it(code: str, written: str) -> None:
    full_width = "".join(chr(ord(c) + 0xFEE0) for c in code)
    assert clean_code(written.format(code.lower())) == code
    assert clean_code(written.format(full_width)) == code


@given(regions, organisations | new_organisations)
def test_an_old_tax_number_holds_the_organisation_code_of_the_credit_code(region: str, organisation: str) -> None:
    old = region + organisation
    assert classify_code(old) is CodeKind.TAX15
    assert organisation_code_of(old) == make_uscc(region, organisation)[8:17] == old[6:15]


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("341824NA000123X", CodeKind.REGISTRATION),
        ("339127NA000008X", CodeKind.REGISTRATION),  # its tail passes as an organisation code
        ("110108000000016", CodeKind.REGISTRATION),
        ("D2143569X", CodeKind.ORGANISATION),
        ("11010519491231002X", CodeKind.ID_CARD),
        ("11010519491231002X01", CodeKind.PERSON_TAX),
        ("11010549123100201", CodeKind.PERSON_TAX),
        ("9.3331127E+17", CodeKind.DAMAGED),
        ("933311275617890000", CodeKind.DAMAGED),
        ("合作社", CodeKind.OTHER),
        ("", CodeKind.OTHER),
    ],
)
def test_a_code_is_typed_by_its_shape(code: str, kind: CodeKind) -> None:
    assert classify_code(code) is kind


def test_a_separator_or_a_decimal_tail_is_not_part_of_a_code() -> None:
    assert clean_code("D2143569-X") == "D2143569X"
    assert clean_code("110108000000016.0") == "110108000000016"
    assert clean_code(" 9.3331127e+17 ") == "9.3331127E+17"
    assert clean_code(None) == ""


def test_a_persons_number_is_never_repaired_into_an_organisation() -> None:
    assert suggest_repairs("11010519491231002X") == ()


def _every_repair(code: str) -> set[str]:
    """Credit codes one slip away that pass both checks, by trying all."""
    near = {code[:i] + c + code[i + 1 :] for i in range(18) for c in USCC_ALPHABET}
    near |= {code[:i] + code[i + 1] + code[i] + code[i + 2 :] for i in range(17)}
    return {
        n
        for n in near - {code}
        if is_cooperative_uscc(n) and organisation_check_passes(n[8:17]) and uscc_check_passes(n)
    }


@given(cooperatives, st.integers(0, 17), st.sampled_from(USCC_ALPHABET))
def test_a_repair_is_every_code_one_slip_away_and_no_other(code: str, place: int, wrong: str) -> None:
    damaged = code[:place] + wrong + code[place + 1 :]
    if damaged != code and not (uscc_check_passes(damaged) and organisation_check_passes(damaged[8:17])):
        assert set(suggest_repairs(damaged)) == _every_repair(damaged)
        assert code in suggest_repairs(damaged)


@given(st.lists(cooperatives | st.text("0123456789ABCXYOI９汉", max_size=19), max_size=8), st.integers(0, 17))
def test_codes_are_proven_together_as_they_are_one_by_one(codes: list[str], place: int) -> None:
    codes = [*codes, *(c[:place] + "7" + c[place + 1 :] for c in codes)]
    one_by_one = [is_cooperative_uscc(c) and organisation_check_passes(c[8:17]) and uscc_check_passes(c) for c in codes]
    assert proven_codes(codes).tolist() == one_by_one
