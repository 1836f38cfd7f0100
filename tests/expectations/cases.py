"""For every feed a row that keeps every rule, and for every rule rows that break it. All fictional."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd

from expectations import Rule, rules_of
from hub.feeds import Feed, Kind, Role
from hub.identifiers.codes import make_uscc, organisation_check_character

TODAY = date(2026, 11, 1)


def uscc(number: int, kind: str = "93") -> str:
    first = f"{number:08d}"
    return make_uscc("339127", first + organisation_check_character(first), kind)


CODE, OTHER_CODE, COMPANY_CODE = uscc(11), uscc(22), uscc(33, "91")
BAD_CHECK = CODE[:17] + ("1" if CODE[17] != "1" else "2")
PERSON = "339127199003070014"  # made up, in a region that does not exist
BAD_PERSON = "339127199003070011"
DAMAGED = "933391270000011000"
NAME, OTHER_NAME = "云岫县白石清泉茶叶专业合作社", "云岫县龙潭金穗水稻专业合作社"

BY_KIND: dict[Kind, Any] = {
    Kind.TEXT: "文字", Kind.COOPERATIVE_NAME: NAME, Kind.CODE: CODE, Kind.SUBJECT_CODE: "T" + CODE, Kind.PERSON: "王小明",
    Kind.PHONE: "13800000000", Kind.ID_CARD: PERSON, Kind.ADDRESS: "白石镇石门村", Kind.TOWN: "白石镇",
    Kind.DATE: "2023-06-30", Kind.YEAR: 2023, Kind.INTEGER: 12, Kind.NUMBER: 30.5, Kind.MONEY: 120000.0, Kind.BOOLEAN: True,
    Kind.SERIAL: "1",
}  # fmt: skip
GOOD: dict[str, dict[str, Any]] = {
    "tax_registration": {"status": "03", "deregistered_on": None, "abnormal_on": None},
    "traceability_subjects": {"longitude": 119.5, "latitude": 28.1, "approval": "approved", "organisation_code": CODE[8:17]},
    "traceability_batches": {"test_result": "pass"},
    "complaints": {"outcome": "founded"},
    "township_cleanup": {"progress": "done"},
    "supply_marketing": {"title_level": "省级"},
    "forestry": {"title_level": "无"},
    "registry": {"status": "active", "ended_on": None, "registration_number": None},
}  # fmt: skip

# rule -> cells that break it, where the name of the rule alone does not tell
OWN: dict[str, dict[str, dict[str, Any]]] = {
    "market_abnormal": {
        "removal_reason_given_removed_on": {"removal_reason": None},
        "removed_on_given_removal_reason": {"removed_on": None},
        "removed_on_given_removed_by": {"removed_on": None, "removal_reason": None},
    },
    "market_inspection": {
        "tested_for_given_verdict": {"verdict": "fail", "tested_for": None},
        "product_given_sampling": {"check_type": "sampling", "verdict": None, "product": None},
    },
    "tax_registration": {
        "deregistered_on_given_status": {"status": "07"},
        "abnormal_on_given_status": {"status": "05"},
        "deregistered_on_against_status": {"deregistered_on": "2024-01-01"},
        "tax_number_agrees_with_code": {"tax_number": OTHER_CODE},
        "code_of_cooperative": {"code": COMPANY_CODE, "tax_number": COMPANY_CODE},
    },
    "traceability_subjects": {
        "registered_on_given_approval": {"registered_on": None},
        "organisation_code_agrees_with_code": {"organisation_code": OTHER_CODE[8:17]},
        "longitude_in_range": {"longitude": 28.1},
        "latitude_in_range": {"latitude": 119.5},
        "longitude_with_latitude": {"latitude": None},
        "subject_code_agrees_with_code": {"subject_code": "T" + OTHER_CODE},
    },
    "traceability_batches": {
        "quantity_unit_given_quantity": {"quantity_unit": None},
        "issued_on_given_certificate": {"issued_on": None},
        "quantity_positive": {"quantity": 0.0},
        "certificate_against_test_result": {"test_result": "fail"},
    },
    "demonstration": {
        "monitored_in_given_monitoring": {"monitored_in": None},
        "monitored_in_not_before_awarded_in": {"awarded_in": 2023, "monitored_in": 2021},
        "code_of_cooperative": {"code": COMPANY_CODE},
    },
    "standardisation": {
        "members_at_least_five": {"members": 4},
        "governance_complete": {"council": False},
    },
    "complaints": {
        "outcome_given_closed_on": {"outcome": None},
        "closed_on_given_outcome": {"closed_on": None},
        "closed_on_against_outcome": {"outcome": "pending"},
    },
    "township_cleanup": {
        "closed_on_given_progress": {"closed_on": None},
        "closed_on_against_progress": {"progress": "under_way"},
    },
    "supply_marketing": {
        "title_level_known": {"title_level": "优秀"},
        "code_of_cooperative": {"code": COMPANY_CODE},
    },
    "union_members": {"code_of_cooperative": {"code": COMPANY_CODE}},
    "forestry": {"title_level_known": {"title_level": "优秀"}, "area_mu_in_range": {"area_mu": 2e6}},
    "water": {"irrigated_mu_in_range": {"irrigated_mu": 2e6}, "year_given_amount": {"year": None}},
    "fiscal_support": {"amount_positive": {"amount": 0.0}},
    "finance": {
        "amount_given_record_type": {"record_type": "loan", "amount": None},
        "credit_grade_given_record_type": {"record_type": "grade", "credit_grade": None},
    },
    "support_measures": {"provided_by_given_amount": {"provided_by": None}},
    "registry": {
        "ended_on_given_status": {"status": "deregistered"},
        "ended_on_against_status": {"ended_on": "2024-01-01"},
        "members_at_least_five": {"members": 4},
        "code_of_cooperative": {"code": COMPANY_CODE},
        "registration_number_agrees_with_code": {"registration_number": OTHER_CODE},
    },
}  # fmt: skip


@dataclass(frozen=True)
class Case:
    """Rows of one delivery and the position that breaks the rule."""

    rows: list[dict[str, Any]]
    position: int


def good_row(feed: Feed) -> dict[str, Any]:
    row = {f.name: f.choices[0].value if f.choices else BY_KIND[f.kind] for f in feed.fields}
    return row | GOOD.get(feed.feed, {}) | {"notes": "[]"}


def frame_of(feed: Feed, rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Rows in the types the normaliser gives them."""
    frame = pd.DataFrame(rows, columns=["notes", *(f.name for f in feed.fields)])
    numeric = {Kind.YEAR, Kind.INTEGER, Kind.NUMBER, Kind.MONEY}
    for field in feed.fields:
        kind = "float64" if field.kind in numeric else "object" if field.kind is Kind.BOOLEAN else "str"
        frame[field.name] = frame[field.name].astype(kind)
    return frame


def note(field: str, code: str = "unreadable") -> str:
    return json.dumps([{"field": field, "code": code, "message": "读不懂"}], ensure_ascii=False)


def breaking_case(feed: Feed, rule: Rule) -> Case | None:
    """Rows that break this rule; None if there is no case for it, which is a fault of the tests."""
    good = good_row(feed)
    if cells := OWN.get(feed.feed, {}).get(rule.name):
        return Case([good, good | {"notes": "[]"} | cells], 1)
    rows = _across_rows(feed, rule, good)
    if rows:
        return Case(rows, 1)
    cells = next(_by_name(feed, rule), None)
    return Case([good, good | cells], 1) if cells else None


def _across_rows(feed: Feed, rule: Rule, good: dict[str, Any]) -> list[dict[str, Any]] | None:
    if rule.name == "key_unique":
        other = next(
            f.name for f in feed.fields if f.kind in (Kind.TEXT, Kind.PERSON, Kind.TOWN) and f.name not in feed.key
        )
        return [good, good | {other: "改过"}]
    code, name = feed.with_role(Role.CODE)[0].name, feed.with_role(Role.NAME)[0].name
    return [good, good | {name: OTHER_NAME}] if rule.name == f"{code}_one_{name}" else None


def _by_name(feed: Feed, rule: Rule) -> Iterator[dict[str, Any]]:
    names = {f.name: None for f in (*feed.with_role(Role.NAME), *feed.with_role(Role.CODE))}
    field = feed.by_name.get(rule.field or "")
    if rule.name == "identity":
        yield names
    if rule.name == "identity_damaged":
        first = feed.with_role(Role.CODE)[0].name
        yield names | {first: DAMAGED, "notes": note(first, "damaged_code")}
    if field is None:
        return
    what = rule.name.removeprefix(f"{field.name}_")
    if what in ("filled", "expected"):
        yield {field.name: None}
    if rule.name.startswith("one_of_"):
        yield dict.fromkeys(rule.reads)
    if what == "readable":
        yield {field.name: None, "notes": note(field.name)}
    if what == "plausible":
        wrong = {Kind.DATE: "2150-01-01", Kind.YEAR: 1900, Kind.MONEY: 2e8}
        yield {field.name: wrong[field.kind]}
    if what == "length":
        yield {field.name: "清泉茶叶" * 26}
    if what == "in_list":
        yield {field.name: "表外的写法"}
    if what == "not_negative":
        yield {field.name: -1}
    if what == "shape":
        yield {field.name: "12345"}
    if what == "check":
        yield {field.name: BAD_CHECK if field.kind is Kind.CODE else BAD_PERSON}
    if what == "damaged":
        yield {field.name: None, "notes": note(field.name, "damaged_code")}
    if what == "not_person":
        yield {field.name: PERSON}
    if what.startswith("not_before_"):
        yield {field.name: "2020-01-01", what.removeprefix("not_before_"): "2020-01-02"}


__all__ = ["TODAY", "breaking_case", "frame_of", "good_row", "note", "rules_of", "uscc"]
