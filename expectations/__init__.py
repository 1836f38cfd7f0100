"""Checks on deliveries: one Great Expectations suite per feed, built from the feed's declaration and a table of its own rules.

Importing this package loads neither Great Expectations nor pandas; `check_rows` loads them when first called (seconds),
`warm_up` does so ahead of time. Rules can be listed without them (`rules_of`). No other room of the hub is known here.
"""

from expectations.check import CheckReport, RuleResult, check_rows, warm_up
from expectations.columns import Days
from expectations.describe import RuleDescription, describe_rules
from expectations.duplicates import duplicate_positions
from expectations.rules import Rule, Severity, rules_of

__all__ = [
    "CheckReport",
    "Days",
    "Rule",
    "RuleDescription",
    "RuleResult",
    "Severity",
    "check_rows",
    "describe_rules",
    "duplicate_positions",
    "rules_of",
    "warm_up",
]
