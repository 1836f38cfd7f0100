"""Initials are what one would type for a name."""

import pyarrow as pa

from hub.master.initials import initials_of


def test_every_character_has_its_letter_and_what_has_none_keeps_its_place() -> None:
    names = pa.array(["白石山茶叶专业合作社", "Ab12（青溪）𠮷", "", None, "里洋蜂蜜"])
    assert initials_of(names).to_pylist() == ["bsscyzyhzs", "ab12（qx）𠮷", "", "", "lyfm"]


def test_no_names_have_no_initials() -> None:
    assert initials_of(pa.array([], pa.string())).to_pylist() == []
