"""Rows out of scope, told for whole columns, are those the rule puts out one by one."""

from __future__ import annotations

import json

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from hub.identifiers.codes import make_uscc
from hub.identifiers.scope import out_of_scope_reason
from hub.intake.scope import out_of_scope_reasons

NAMES = [
    *(None, "云岫县白石茶叶专业合作社", "白石供销农产品专业合作社", "白石茶叶专业合作社(已注销)", "云岫县供销合作社", "甲股份合作社"),
    *("东村股份经济合作社", "白石茶业有限公司", "白石家庭农场", "云岫茶叶协会", "茶叶Ａ专业合作社", "甲", "白石镇人民政府", "东村经济合作社"),
]  # fmt: skip
CODES = [
    *(make_uscc("339127", "MA2AB1234", kind) for kind in ("93", "91", "92", "51", "N2", "11")),
    *(
        "93339127MA2AB12345",
        "91339127MA2AB12345",
        "339127NA0000001",
        'a"\\93339127202610317Q',
        "9333 9127202610317q",
        "ABC",
    ),
]


@given(
    st.lists(st.tuples(st.sampled_from(NAMES), st.lists(st.sampled_from(CODES), max_size=2)), min_size=1, max_size=20)
)
def test_whole_columns_give_the_answers_of_the_rule(rows: list[tuple[str | None, list[str]]]) -> None:
    table = pa.table(
        {
            "profile_name": pa.array([name for name, _ in rows], pa.string()),
            "profile_codes": pa.array([json.dumps(codes, ensure_ascii=False) for _, codes in rows], pa.string()),
        }
    )
    wanted = {i: out_of_scope_reason(name or "", codes) for i, (name, codes) in enumerate(rows)}
    assert out_of_scope_reasons(table) == {i: reason for i, reason in wanted.items() if reason}
