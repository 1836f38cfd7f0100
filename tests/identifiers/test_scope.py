"""What stays out of the master table although its name says 合作社."""

import pytest

from hub.identifiers.codes import make_uscc, organisation_check_character
from hub.identifiers.scope import out_of_scope_reason


def code(kind: str, number: int = 5617890) -> str:
    first8 = f"{number:08d}"
    return make_uscc("339127", first8 + organisation_check_character(first8), kind)


@pytest.mark.parametrize(
    ("name", "codes"),
    [
        ("云岫县白石镇上白石村股份经济合作社", [code("N2")]),
        ("云岫县白石镇上白石村股份经济合作社", []),
        ("云岫县白石镇石门村经济合作社", []),
        ("云岫县青溪供销合作社", [code("91")]),
        ("云岫县青溪供销合作社药店", []),
        ("云岫县农村信用合作联社", []),
        ("云岫县农村信用合作社", []),
        ("云岫县葡萄协会", [code("51")]),
        ("云岫县老李家庭农场", [code("92")]),
        ("云岫县老李家庭农场（已注销）", []),
        ("云岫县山里红农业发展有限公司", []),
        ("云岫县山里红", [code("91")]),
    ],
)
def test_what_is_no_cooperative_is_put_out_with_a_reason(name: str, codes: list[str]) -> None:
    reason = out_of_scope_reason(name, codes)
    assert reason
    assert "不是农民专业合作社" in reason


@pytest.mark.parametrize(
    ("name", "codes"),
    [
        ("云岫县老李果蔬专业合作社", []),
        ("云岫县老李果蔬专业合作社联合社", []),
        ("老李果蔬合作社", []),
        ("云岫县供销惠农农产品专业合作社", []),
        ("云岫县股份果蔬股份合作社", []),
        ("云岫县老李家庭农场果蔬专业合作社", []),
        ("云岫县白石镇上白石村股份经济合作社", [code("93")]),
        ("云岫县山里红农业发展有限公司", [code("93")]),
        ("", [code("93")]),
        ("", []),
        ("云岫县老李果蔬专业合作社", [code("91")[:-1] + "*"]),
    ],
)
def test_a_cooperative_stays_in(name: str, codes: list[str]) -> None:
    assert out_of_scope_reason(name, codes) is None


def test_a_mistyped_other_kind_does_not_put_a_cooperative_out() -> None:
    right = code("91")
    wrong = right[:-1] + ("0" if right[-1] != "0" else "1")
    assert out_of_scope_reason("云岫县老李果蔬专业合作社", [wrong]) is None
