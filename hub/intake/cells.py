"""Cells to normal forms, a column at a time: cleaned by vector operations, judged once a distinct value.

Each kind of field gives (values, notes): an Arrow array of the kind's normal form, null where the cell is empty or
cannot be read, and an Arrow string array with a note as JSON (`{"field", "code", "message"}`) or null. No rule here
looks at another column; rules between columns are expectations.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from hub.feeds.model import FeedField, Kind
from hub.identifiers.codes import clean_code
from hub.intake import cells_dates, cells_numbers
from hub.intake.cells_text import distinct_cells, normal_text, one_line, squeezed, visible, without_empty_words
from hub.simplified import simplified

if TYPE_CHECKING:
    import pyarrow as pa

Judge = Callable[[str], tuple[Any, tuple[str, str] | None]]

_LETTER = r"\pL"
_SCIENTIFIC = re.compile(r"^\d(?:\.\d+)?E\+?\d{1,2}$")
_TYPES = {
    Kind.YEAR: "int64",
    Kind.INTEGER: "int64",
    Kind.NUMBER: "float64",
    Kind.MONEY: "float64",
    Kind.BOOLEAN: "bool",
}


def arrow_type(kind: Kind) -> pa.DataType:
    """The Arrow type of a kind's normal form."""
    import pyarrow as pa

    name = _TYPES.get(kind)
    return {"int64": pa.int64(), "float64": pa.float64(), "bool": pa.bool_()}[name] if name else pa.string()


def note_json(field: str, code: str, message: str) -> str:
    return json.dumps({"field": field, "code": code, "message": message}, ensure_ascii=False)


def judge_distinct(text: pa.Array, judge: Judge, field: str, kind: Kind) -> tuple[pa.Array, pa.Array | None]:
    """Applies `judge` once to each distinct text; notes are None when there is none."""
    import pyarrow as pa

    if text.null_count == len(text):
        return pa.nulls(len(text), arrow_type(kind)), None
    coded = text.dictionary_encode()
    values: list[Any] = []
    notes: list[str | None] = []
    for raw in coded.dictionary.to_pylist():
        value, note = (None, None) if raw is None else judge(raw)
        values.append(value)
        notes.append(note_json(field, *note) if note else None)
    return (
        pa.array(values, arrow_type(kind)).take(coded.indices),
        pa.array(notes, pa.string()).take(coded.indices) if any(notes) else None,
    )


def normalise_cells(cells: pa.Array, field: FeedField, unit: str | None = None) -> tuple[pa.Array, pa.Array | None]:
    """A column of raw text in its field's normal form, and its notes (None: no cell has one). `unit` is what the
    header or the sheet says."""
    distinct, places = distinct_cells(cells)
    values, notes = _normalise(distinct, field, unit)
    if places is None:
        return values, notes
    return values.take(places), notes.take(places) if notes is not None else None


def _normalise(cells: pa.Array, field: FeedField, unit: str | None) -> tuple[pa.Array, pa.Array | None]:
    kind = field.kind
    if kind is Kind.COOPERATIVE_NAME:
        return _name(cells, field)
    if kind in {Kind.CODE, Kind.SUBJECT_CODE, Kind.ID_CARD}:
        return _code(cells, field)
    if kind is Kind.PERSON:
        return _person(cells), None
    if kind is Kind.TOWN:  # a place of this county, whatever script its name is written in
        return judge_distinct(squeezed(cells), lambda raw: (simplified(raw), None), field.name, kind)
    if kind in {Kind.TEXT, Kind.SERIAL}:
        return normal_text(cells), None
    if kind is Kind.ADDRESS:
        return normal_text(cells, line_break=""), None
    if kind is Kind.BOOLEAN:
        return judge_distinct(visible(cells), cells_numbers.parse_boolean, field.name, kind)
    text = normal_text(cells, line_break="\n" if kind is Kind.PHONE else " ")
    if kind is Kind.CHOICE:
        return judge_distinct(text, lambda raw: choose(raw, field), field.name, kind)
    if kind is Kind.PHONE:
        return _mostly_plain(text, r"^1\d{10}$", cells_numbers.parse_phone, field)
    if kind is Kind.DATE:
        return judge_distinct(text, cells_dates.parse_date, field.name, kind)
    if kind is Kind.YEAR:
        return judge_distinct(text, cells_dates.parse_year, field.name, kind)
    if kind is Kind.INTEGER:
        return _mostly_plain(text, r"^\d{1,15}$", cells_numbers.parse_integer, field)
    if kind is Kind.NUMBER:
        return _mostly_plain(text, r"^-?\d{1,12}(\.\d{1,12})?$", cells_numbers.parse_number, field)
    scale = cells_numbers.money_scale(unit) or cells_numbers.money_scale(field.unit) or 1.0
    return judge_distinct(text, lambda raw: cells_numbers.parse_money(raw, scale), field.name, kind)


def _mostly_plain(text: pa.Array, plain: str, judge: Judge, field: FeedField) -> tuple[pa.Array, pa.Array | None]:
    """Like `judge_distinct`, but texts already in normal form are only cast."""
    import pyarrow as pa
    import pyarrow.compute as pc

    wanted = arrow_type(field.kind)
    is_plain = pc.fill_null(pc.match_substring_regex(text, plain), fill_value=False)
    if pc.all(pc.or_(is_plain, text.is_null())).as_py():
        return text.cast(wanted), None
    odd = pc.if_else(is_plain, pa.scalar(None, text.type), text)
    values, notes = judge_distinct(odd, judge, field.name, field.kind)
    simple = pc.if_else(is_plain, text, pa.scalar(None, text.type))
    return pc.coalesce(simple.cast(wanted), values), notes


def _name(cells: pa.Array, field: FeedField) -> tuple[pa.Array, pa.Array | None]:
    """A name as written. What holds no letter names nobody (a time, a row of zeros, a code in the wrong column)."""
    import pyarrow as pa
    import pyarrow.compute as pc

    text = without_empty_words(one_line(visible(cells), ""))
    names = pc.fill_null(pc.match_substring_regex(text, _LETTER), fill_value=True)
    if pc.all(names).as_py():
        return text, None
    nothing = pa.scalar(None, pa.string())
    _, notes = judge_distinct(pc.if_else(names, nothing, text), _no_name, field.name, field.kind)
    return pc.if_else(names, text, nothing), notes


def _no_name(raw: str) -> tuple[None, tuple[str, str]]:
    return None, ("not_a_name", f"“{raw[:40]}”里没有文字，不是名称")


def _person(cells: pa.Array) -> pa.Array:
    """A person's name: no blanks inside a Chinese one (王  芳), single blanks inside others."""
    import pyarrow.compute as pc

    tight = squeezed(cells)
    latin = pc.fill_null(pc.match_substring_regex(tight, "[A-Za-z]"), fill_value=False)
    return pc.if_else(latin, normal_text(cells), tight) if pc.any(latin).as_py() else tight


def _code(cells: pa.Array, field: FeedField) -> tuple[pa.Array, pa.Array | None]:
    text = without_empty_words(visible(cells))
    keep_dots = field.kind is Kind.SUBJECT_CODE
    plain = r"^[0-9A-Z.]{9,}$" if keep_dots else r"^[0-9A-Z]{5,}$"  # shorter ones may be a number like 9E17
    return _mostly_plain(text, plain, lambda raw: _clean(raw, keep_dots=keep_dots), field)


def _clean(raw: str, *, keep_dots: bool) -> tuple[str | None, tuple[str, str] | None]:
    if keep_dots:
        return re.sub(r"\s+", "", unicodedata.normalize("NFKC", raw)).upper() or None, None
    pieces = [p for p in re.split(r"[/、,，;；\r\n]+", raw) if len(clean_code(p)) >= 8]
    if len(pieces) > 1:
        return clean_code(pieces[0]), ("several_codes", f"一格里有 {len(pieces)} 个代码，取第一个")
    code = clean_code(raw)
    if is_damaged_code(code):
        return code, ("damaged_code", "代码被表格软件当作数字，后几位已丢失，请把该列设为文本后重新填写")
    return code or None, None


def is_damaged_code(code: str) -> bool:
    """A code that went through a number: 9.33310981792645E+17."""
    return bool(_SCIENTIFIC.match(code))


def choose(raw: str, field: FeedField) -> tuple[str, tuple[str, str] | None]:
    """The choice a text means: its value or title, else the first whose texts are part of it; else the text."""
    text = re.sub(r"\s+", "", simplified(unicodedata.normalize("NFKC", raw)))
    folded = text.casefold()
    for choice in field.choices:
        if folded in {choice.value.casefold(), choice.title.zh.casefold(), choice.title.en.casefold()}:
            return choice.value, None
    for choice in field.choices:
        if any(unicodedata.normalize("NFKC", t).casefold() in folded for t in choice.texts):
            return choice.value, None
    return raw, ("unknown_choice", f"“{raw.strip()[:40]}”不在“{field.title.zh}”的代码表里")
