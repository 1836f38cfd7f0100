"""Tests of whole columns of codes give what `hub.identifiers.codes` says of each code."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from expectations.code_tests import BAD_CHECK, VERDICTS, credit_codes, organisation_codes, other_organisations, verdicts
from hub.identifiers.codes import CodeKind, classify_code, make_uscc, organisation_code_of, uscc_check_passes

WHOLE = [make_uscc("339127", first + check) for first in ("MA2AB123", "00000110", "12345678") for check in "04X"]
CODES = st.sampled_from(
    [
        *WHOLE,
        *(c[:17] + "0" for c in WHOLE),
        *(c[8:17] for c in WHOLE),
        *("339127" + c[8:17] for c in WHOLE),
        *("339127NA0000001", "339127NA000000X", "339127NA00000012", "933391270000011000", "9.33E+17", "339127199003070014"),
        *("91339127MA2AB12345", "93339127MI2AB12345", "３３９１２７", "", "甲"),
    ]
) | st.text(alphabet="0139AEIXN", min_size=9, max_size=18)  # fmt: skip


@given(st.lists(CODES, min_size=1, max_size=30))
def test_verdicts_are_those_of_each_code(codes: list[str]) -> None:
    def one(code: str) -> str:
        kind = classify_code(code)
        return BAD_CHECK if kind is CodeKind.USCC and not uscc_check_passes(code) else kind.value

    column = pa.array(codes, pa.string())
    assert [VERDICTS[v] for v in verdicts(column)] == [
        CodeKind.USCC.value if uscc_check_passes(c) and c.startswith("93") else one(c) for c in codes
    ]
    assert credit_codes(column).tolist() == [
        classify_code(c) is CodeKind.USCC or (uscc_check_passes(c) and c.startswith("93")) for c in codes
    ]


@given(st.lists(CODES, min_size=1, max_size=30))
def test_organisation_codes_are_those_of_each_code(codes: list[str]) -> None:
    assert organisation_codes(pa.array(codes, pa.string())).to_pylist() == [organisation_code_of(c) for c in codes]


@given(st.lists(st.tuples(CODES, CODES), min_size=1, max_size=30))
def test_pairs_are_apart_only_when_both_hold_an_organisation_code(pairs: list[tuple[str, str]]) -> None:
    def apart(one: str, other: str) -> bool:
        a, b = organisation_code_of(one), organisation_code_of(other)
        return one != other and a is not None and b is not None and a != b

    ones, others = (pa.array(column, pa.string()) for column in zip(*pairs, strict=True))
    assert other_organisations(ones, others).to_pylist() == [apart(*p) for p in pairs]
