"""The same model in Splink's terms, for those who want Splink's charts, its Spark backend, or to check our scoring against
its `predict` (a test does). The night itself never imports Splink."""

from __future__ import annotations

import re
from typing import Any

from hub.matching.comparison import COMPARISONS
from hub.matching.model import Model

_SIDE = re.compile(r"\{([lr])\}(\w+)")


# What the levels use of DuckDB's SQL, as Spark calls it.
_SPARK = (("list_has_any(", "arrays_overlap("), ("len(", "size("))


def _condition(sql: str, dialect: str) -> str:
    """`{l}core` as Splink calls it: `core_l`."""
    if dialect == "spark":
        for ours, theirs in _SPARK:
            sql = sql.replace(ours, theirs)
    return _SIDE.sub(r"\2_\1", sql)


def splink_settings(
    model: Model,
    *,
    probability_two_random_records_match: float,
    blocking: list[str | dict[str, Any]],
    dialect: str = "duckdb",
) -> dict[str, Any]:
    """Settings for `splink.Linker` over the party table (unique id `party`).

    Args:
        blocking: SQL over `l.` and `r.`, one rule each, or Splink's own form of a rule.
        dialect: `duckdb` or `spark`.
    """
    comparisons = []
    for comparison in COMPARISONS:
        m, u = model.m[comparison.name], model.u[comparison.name]
        levels: list[dict[str, Any]] = [
            {
                "sql_condition": _condition(comparison.missing, dialect),
                "label_for_charts": "缺失",
                "is_null_level": True,
            }
        ]
        levels += [
            {
                "sql_condition": _condition(level.sql, dialect),
                "label_for_charts": level.title,
                "m_probability": m[level.name],
                "u_probability": u[level.name],
            }
            for level in comparison.levels
        ]
        levels.append(
            {
                "sql_condition": "ELSE",
                "label_for_charts": comparison.other,
                "m_probability": m["other"],
                "u_probability": u["other"],
            }
        )
        comparisons.append({"output_column_name": comparison.name, "comparison_levels": levels})
    return {
        "link_type": "dedupe_only",
        "unique_id_column_name": "party",
        "probability_two_random_records_match": probability_two_random_records_match,
        "blocking_rules_to_generate_predictions": [
            {"blocking_rule": rule} if isinstance(rule, str) else rule for rule in blocking
        ],
        "comparisons": comparisons,
        "retain_intermediate_calculation_columns": True,
        "retain_matching_columns": False,
    }
