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
from hub.intake.reader.words import word_list

if TYPE_CHECKING:
    import pyarrow as pa

Judge = Callable[[str], tuple[Any, tuple[str, str] | None]]

EMPTY_WORDS = word_list(
    "无 / // ／ - -- --- — —— ——— – ─ ── _ . 。 、 * \\ 空 无此项 未办理 未提供 未填 未填写 未填报 暂无 暂缺 暂未提供 不详 不明 未知 缺 缺失 无数据 没有 "
    "null NULL Null none None NONE n/a N/A N／A #N/A #n/a #VALUE! #REF! #NAME? #DIV/0! #NULL! nan NaN NAN nil <NA> (空) （空） (无) （无） … ..."
)
_INVISIBLE = r"[\x{200b}-\x{200f}\x{2028}-\x{202e}\x{2060}-\x{2064}\x{feff}\x{00ad}\x{0000}-\x{0008}\x{000e}-\x{001f}]"
_OUTER = r"^[\s\x{3000}\x{00a0}'’`]+|[\s\x{3000}\x{00a0}]+$"
_SCIENTIFIC = re.compile(r"^\d(?:\.\d+)?E\+?\d{2}$")
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


def visible(cells: pa.Array) -> pa.Array:
    """Cells without invisible characters, outer blanks and leading apostrophes; null where nothing is left."""
    import pyarrow.compute as pc

    text = cells
    if pc.any(pc.match_substring_regex(text, _INVISIBLE)).as_py():
        text = pc.replace_substring_regex(text, _INVISIBLE, "")
    if pc.any(pc.match_substring_regex(text, _OUTER)).as_py():
        text = pc.replace_substring_regex(text, _OUTER, "")
    return _null_if_blank(text)


def _null_if_blank(text: pa.Array) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    return pc.if_else(pc.equal(text, ""), pa.scalar(None, text.type), text)


def without_empty_words(text: pa.Array) -> pa.Array:
    """Null where the cell says 无, /, ——, 未提供, NULL…"""
    import pyarrow as pa
    import pyarrow.compute as pc

    empty = pc.is_in(text, value_set=pa.array(EMPTY_WORDS, pa.string()))
    return pc.if_else(empty, pa.scalar(None, text.type), text)


def normal_text(cells: pa.Array, *, line_break: str = " ") -> pa.Array:
    """Visible NFKC text, line breaks replaced, empty words null."""
    import pyarrow.compute as pc

    text = pc.utf8_normalize(visible(cells), form="NFKC")
    if pc.any(pc.match_substring_regex(text, r"[\r\n\t]")).as_py():
        text = pc.replace_substring_regex(text, r"\s*[\r\n\t]+\s*", line_break)
    return without_empty_words(_null_if_blank(pc.utf8_trim_whitespace(text)))


def squeezed(cells: pa.Array) -> pa.Array:
    """NFKC without any white space or invisible character: how profiles are compared."""
    import pyarrow.compute as pc

    text = pc.utf8_normalize(visible(cells), form="NFKC")
    if pc.any(pc.match_substring_regex(text, r"[\s\x{3000}\x{00a0}\x{2000}-\x{200a}]")).as_py():
        text = pc.replace_substring_regex(text, r"[\s\x{3000}\x{00a0}\x{2000}-\x{200a}]+", "")
    return without_empty_words(_null_if_blank(text))


def note_json(field: str, code: str, message: str) -> str:
    return json.dumps({"field": field, "code": code, "message": message}, ensure_ascii=False)


def judge_distinct(text: pa.Array, judge: Judge, field: str, kind: Kind) -> tuple[pa.Array, pa.Array]:
    """Applies `judge` once to each distinct text."""
    import pyarrow as pa

    coded = text.dictionary_encode()
    values: list[Any] = []
    notes: list[str | None] = []
    for raw in coded.dictionary.to_pylist():
        value, note = (None, None) if raw is None else judge(raw)
        values.append(value)
        notes.append(note_json(field, *note) if note else None)
    return (
        pa.array(values, arrow_type(kind)).take(coded.indices),
        pa.array(notes, pa.string()).take(coded.indices),
    )


def _no_notes(length: int) -> pa.Array:
    import pyarrow as pa

    return pa.nulls(length, pa.string())


def normalise_cells(cells: pa.Array, field: FeedField, unit: str | None = None) -> tuple[pa.Array, pa.Array]:
    """A column of raw text in its field's normal form, with notes. `unit` is what the header or the sheet says."""
    kind = field.kind
    if kind is Kind.COOPERATIVE_NAME:
        return _name(cells)
    if kind in {Kind.CODE, Kind.SUBJECT_CODE, Kind.ID_CARD}:
        return _code(cells, field)
    if kind is Kind.PERSON:
        return squeezed_person(cells), _no_notes(len(cells))
    if kind is Kind.TOWN:
        return squeezed(cells), _no_notes(len(cells))
    if kind in {Kind.TEXT, Kind.SERIAL}:
        return normal_text(cells), _no_notes(len(cells))
    if kind is Kind.ADDRESS:
        return normal_text(cells, line_break=""), _no_notes(len(cells))
    if kind is Kind.BOOLEAN:
        return judge_distinct(visible(cells), cells_numbers.parse_boolean, field.name, kind)
    text = normal_text(cells, line_break="\n" if kind is Kind.PHONE else " ")
    if kind is Kind.CHOICE:
        return judge_distinct(text, lambda raw: choose(raw, field), field.name, kind)
    if kind is Kind.PHONE:
        return _mostly_plain(text, r"^1\d{10}$", cells_numbers.parse_phone, field)
    if kind is Kind.DATE:
        return _mostly_plain(text, r"^\b$", cells_dates.parse_date, field)
    if kind is Kind.YEAR:
        return judge_distinct(text, cells_dates.parse_year, field.name, kind)
    if kind is Kind.INTEGER:
        return _mostly_plain(text, r"^\d{1,15}$", cells_numbers.parse_integer, field)
    if kind is Kind.NUMBER:
        return _mostly_plain(text, r"^-?\d{1,12}(\.\d{1,12})?$", cells_numbers.parse_number, field)
    scale = cells_numbers.money_scale(unit) or cells_numbers.money_scale(field.unit) or 1.0
    return judge_distinct(text, lambda raw: cells_numbers.parse_money(raw, scale), field.name, kind)


def _mostly_plain(text: pa.Array, plain: str, judge: Judge, field: FeedField) -> tuple[pa.Array, pa.Array]:
    """Like `judge_distinct`, but texts already in normal form are only cast."""
    import pyarrow as pa
    import pyarrow.compute as pc

    wanted = arrow_type(field.kind)
    is_plain = pc.fill_null(pc.match_substring_regex(text, plain), False)
    odd = pc.if_else(is_plain, pa.scalar(None, text.type), text)
    values, notes = judge_distinct(odd, judge, field.name, field.kind)
    simple = pc.if_else(is_plain, text, pa.scalar(None, text.type))
    return pc.coalesce(simple.cast(wanted), values), notes


def _name(cells: pa.Array) -> tuple[pa.Array, pa.Array]:
    """As written, but without line breaks and invisible characters."""
    import pyarrow.compute as pc

    text = visible(cells)
    if pc.any(pc.match_substring_regex(text, r"[\r\n\t]")).as_py():
        text = pc.replace_substring_regex(text, r"\s*[\r\n\t]+\s*", "")
    return without_empty_words(text), _no_notes(len(cells))


_LATIN_NAME = re.compile(r"[A-Za-z]")


def squeezed_person(cells: pa.Array) -> pa.Array:
    """A person's name: no blanks inside a Chinese one (王  芳), single blanks inside others."""
    import pyarrow as pa
    import pyarrow.compute as pc

    text = normal_text(cells)
    latin = pc.fill_null(pc.match_substring_regex(text, "[A-Za-z]"), False)
    tight = squeezed(text)
    return pc.if_else(latin, text, tight) if pc.any(latin).as_py() else tight.cast(pa.string())


def _code(cells: pa.Array, field: FeedField) -> tuple[pa.Array, pa.Array]:
    text = without_empty_words(visible(cells))
    import pyarrow as pa
    import pyarrow.compute as pc

    keep_dots = field.kind is Kind.SUBJECT_CODE
    plain = r"^[0-9A-Z.]+$" if keep_dots else r"^[0-9A-Z]+$"
    is_plain = pc.fill_null(pc.match_substring_regex(text, plain), False)
    odd = pc.if_else(is_plain, pa.scalar(None, text.type), text)
    values, notes = judge_distinct(odd, lambda raw: _clean(raw, keep_dots=keep_dots), field.name, field.kind)
    return pc.coalesce(pc.if_else(is_plain, text, pa.scalar(None, text.type)), values), notes


def _clean(raw: str, *, keep_dots: bool) -> tuple[str | None, tuple[str, str] | None]:
    if keep_dots:
        return re.sub(r"\s+", "", unicodedata.normalize("NFKC", raw)).upper() or None, None
    pieces = [p for p in re.split(r"[/、,，;；\r\n]+", raw) if len(clean_code(p)) >= 8]
    if len(pieces) > 1:
        first = clean_code(pieces[0])
        return first, ("several_codes", f"一格里有 {len(pieces)} 个代码，取第一个")
    code = clean_code(raw)
    if _SCIENTIFIC.match(code):
        return code, ("damaged_code", "代码被表格软件当作数字，后几位已丢失，请把该列设为文本后重新填写")
    return code or None, None


def is_damaged_code(code: str) -> bool:
    """A code that went through a number: 9.33310981792645E+17."""
    return bool(_SCIENTIFIC.match(code))


def choose(raw: str, field: FeedField) -> tuple[str, tuple[str, str] | None]:
    """The choice a text means: its value or title, else the first whose texts are part of it; else the text."""
    text = re.sub(r"\s+", "", unicodedata.normalize("NFKC", raw))
    folded = text.casefold()
    for choice in field.choices:
        if folded in {choice.value.casefold(), choice.title.zh.casefold(), choice.title.en.casefold()}:
            return choice.value, None
    for choice in field.choices:
        if any(unicodedata.normalize("NFKC", t).casefold() in folded for t in choice.texts):
            return choice.value, None
    return raw, ("unknown_choice", f"“{raw.strip()[:40]}”不在“{field.title.zh}”的代码表里")
