"""What is compared between two parties, and how alike they may be: the levels of the Fellegi-Sunter model.

A *party* is what is being matched: the profiles already known to be one cooperative, or a single profile. Every
compared thing is a list of texts (a cooperative has several names, representatives, phones over its rows); the best
pair counts. Levels are SQL over `l.` and `r.`, so that DuckDB here, and Splink on DuckDB or Spark, compute the same.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Level:
    """One degree of likeness. `sql` speaks of `{l}` and `{r}`, prefixes of the two parties' columns."""

    name: str
    title: str  # what a clerk reads
    sql: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """A compared thing: its levels from the best down; below them everything else; before them "nothing to compare"."""

    name: str
    title: str
    missing: str
    levels: tuple[Level, ...]
    other: str  # title of the lowest level


def _both(column: str, other: str | None = None) -> str:
    return f"list_has_any({{l}}{column}, {{r}}{other or column})"


def _either(left: str, right: str) -> str:
    return f"(list_has_any({{l}}{left}, {{r}}{right}) or list_has_any({{l}}{right}, {{r}}{left}))"


def _empty(column: str) -> str:
    return f"(len({{l}}{column}) = 0 or len({{r}}{column}) = 0)"


def _one_empty(column: str) -> str:
    return f"(len({{l}}{column}) = 0) <> (len({{r}}{column}) = 0)"


COMPARISONS: tuple[Comparison, ...] = (
    Comparison(
        "name",
        "名称",
        _empty("core"),
        (
            Level("same", "名称完全相同", _both("surface")),
            Level("core", "字号和行业相同（区划或后缀写法不同）", _both("core")),
            Level("sound", "字号和行业同音", _both("sound")),
            Level("look", "字号和行业形近或近音", _both("look")),
            Level("jumbled", "字号和行业用字相同，行业字序有误", f"{_both('letters')} and not {_both('trade')}"),
            Level("swapped", "字号用字相同，字序颠倒", _both("letters")),
            Level("swapped_sound", "字号和行业同音而字序颠倒", _both("sound_letters")),
            Level("broken", "行业漏写一字，不成行业", f"{_either('cut', 'core')} and {_one_empty('trade')}"),
            Level("trade_slip", "行业漏写或多写一字", f"{_either('cut', 'core')} and not {_both('trade')}"),
            Level("bare", "漏写一字，字号只剩一字", f"{_either('cut', 'core')} and {_one_empty('brand')}"),
            Level("lost", "字号漏写或多写一字", _either("cut", "core")),
            Level("lost_sound", "漏写一字且有同音字", _either("sound_cut", "sound")),
            Level("stem", "字号相同，行业写法略有出入", _both("stem")),
            Level("brand", "字号相同，行业不同", _both("brand")),
            Level("replaced", "名称只差一字", _both("sound_mask")),
        ),
        "名称不同",
    ),
    Comparison(
        "form",
        "组织形式",
        _empty("form"),
        (Level("same", "组织形式相同", _both("form")),),
        "组织形式不同（联合社、股份合作社、分社另是一家）",
    ),
    Comparison(
        "region",
        "名称区划",
        _empty("region"),
        (Level("same", "名称区划相同", _both("region")),),
        "名称区划不同",
    ),
    Comparison(
        "representative",
        "负责人",
        _empty("rep"),
        (
            Level("rare", "负责人相同（本县少见）", _both("rare_rep")),
            Level("same", "负责人相同", _both("rep")),
            Level("near", "负责人同音或只差一字", f"({_both('rep_sound')} or {_both('rep_cut')})"),
        ),
        "负责人不同",
    ),
    Comparison(
        "phone",
        "电话",
        _empty("phone"),
        (
            Level("same", "电话相同", _both("phone")),
            Level("near", "电话只差一位", f"({_both('phone_half')} and {_both('phone_cut')})"),  # the cheaper first
        ),
        "电话不同",
    ),
    Comparison(
        "town",
        "乡镇",
        _empty("town"),
        (Level("same", "乡镇相同", _both("town")),),
        "乡镇不同",
    ),
    Comparison(
        "place",
        "地址",
        "(len({l}place) + len({l}village) = 0 or len({r}place) + len({r}village) = 0)",
        (
            Level("same", "详细地址相同", _both("place")),
            Level("village", "村（社区）相同", _both("village")),
        ),
        "地址不同",
    ),
    Comparison(
        "founded",
        "成立日期",
        _empty("founded"),
        (Level("same", "成立日期相同", _both("founded")),),
        "成立日期不同",
    ),
)

# Columns a profile gives, all lists of text; those of names first.
NAME_COLUMNS = ("surface", "core", "sound", "look", "trade", "brand", "stem", "form", "region")
FEATURE_COLUMNS = (*NAME_COLUMNS, "rep", "rep_sound", "phone", "town", "place", "village", "founded")


LONGEST_WITH_SLIPS = 40  # characters; a longer text has no cuts: it has as many as characters, each as long as itself


def _each(column: str, made: str) -> str:
    return f"list_distinct(list_transform({column}, lambda c: {made}))"


def _at_each_place(column: str, instead: str, shortest: int = 3) -> str:
    return (
        f"list_distinct(flatten(list_transform(list_filter({column}, lambda c: len(c) between {shortest} and {LONGEST_WITH_SLIPS}), lambda c: "
        f"list_transform(range(1, len(c) + 1), lambda i: substr(c, 1, i - 1) || {instead}substr(c, i + 1)))))"
    )


_SORTED = "array_to_string(list_sort(string_split(c, '')), '')"

# Columns that follow from those, as SQL over them: characters in order; a text with each one of its characters left out (two
# texts share a cut if one slip makes one into the other); with each one masked (two share one if they differ in one place).
DERIVED_COLUMNS: dict[str, str] = {
    "letters": _each("core", _SORTED),
    "sound_letters": _each("sound", _SORTED),
    "cut": _at_each_place("core", ""),
    "sound_cut": _at_each_place("sound", ""),
    "sound_mask": _at_each_place("sound", "'?' || "),
    "rep_cut": _at_each_place("rep", "'?' || "),
    "phone_half": (
        "list_distinct(flatten(list_transform(phone, "
        "lambda c: [left(c, len(c) // 2) || '?', '?' || right(c, len(c) // 2)])))"
    ),
    "phone_cut": _at_each_place("phone", "'?' || "),
}

# Keys by which parties find one another: a sign, and the column. A name of one slip finds the name it was by its cuts; that two
# names share a cut says less, and most of them do where many cooperatives share a trade.
PARTY_KEYS = (("S", "sound"), ("S", "sound_cut"), ("T", "stem"), ("L", "sound_letters"), ("R", "rep"), ("P", "phone"))
KEYS_OF_PEOPLE = "RP"
CUT_KEY = "sound_cut"


def column_sql(column: str) -> str:
    """A column of a table of features or parties, or the SQL it follows by."""
    return DERIVED_COLUMNS.get(column, column)


def level_sql(comparison: Comparison, left: str = "l.", right: str = "r.") -> str:
    """SQL that gives the level of a pair: -1 nothing to compare, 0 everything else, n best of n levels."""
    cases = [f"when {comparison.missing.format(l=left, r=right)} then -1"]
    best = len(comparison.levels)
    cases += [f"when {lv.sql.format(l=left, r=right)} then {best - i}" for i, lv in enumerate(comparison.levels)]
    return f"case {' '.join(cases)} else 0 end"


def level_name(comparison: Comparison, value: int) -> str:
    """Name of a level by its number: `missing`, `other`, or the level's own."""
    if value < 0:
        return "missing"
    return "other" if value == 0 else comparison.levels[len(comparison.levels) - value].name


def level_title(comparison: Comparison, value: int) -> str:
    """What a clerk reads for a level."""
    if value < 0:
        return f"{comparison.title}缺失"
    return comparison.other if value == 0 else comparison.levels[len(comparison.levels) - value].title
