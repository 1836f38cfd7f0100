"""What is asked of the reconciliation service, read from JSON: a query within its limits, or `BadRequestError` with what is wrong."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from hub.feeds import Role
from hub.identifiers.codes import CodeKind, classify_code, clean_code
from hub.intake.columns import match_columns
from hub.intake.reader.model import Column
from hub.matching.coop_id import clean_coop_id, is_coop_id
from hub.matching.own_list import own_list_feed

MOST_CHARACTERS = 500  # of one value
MOST_PROPERTIES = 30
MOST_RESULTS = 25
TYPE = {"id": "cooperative", "name": "农民专业合作社 Farmers' cooperative"}
# What a query may tell besides the name; every header the catalogue knows is understood as well.
QUERY_PROPERTIES: dict[str, tuple[str, str]] = {
    "uscc": ("统一社会信用代码 USCC", "code_code"),
    "code": ("代码 code", "code_code"),
    "registration_number": ("注册号 registration number", "code_registration_number"),
    "representative": ("负责人 representative", "representative_representative"),
    "phone": ("联系电话 phone", "phone_phone"),
    "town": ("乡镇 township", "town_town"),
    "address": ("地址 address", "address_address"),
    "former_name": ("曾用名 former name", "former_name_former_name"),
    "founded_on": ("成立日期 founded on", "founded_founded_on"),
}
_KEYS = frozenset({"query", "type", "limit", "type_strict", "properties"})  # of a query
_CODES = (CodeKind.USCC, CodeKind.ORGANISATION, CodeKind.TAX15, CodeKind.REGISTRATION)


class BadRequestError(Exception):
    """The request breaks the protocol or a limit; the message says how."""


@dataclass(frozen=True, slots=True)
class Query:
    """One query: what it tells as cells of the own list's feed, and at most how many candidates it wants."""

    cells: dict[str, str]
    limit: int
    wanted: bool  # the types asked for include ours
    coop_id: str  # the query is an id itself


def parsed_object(written: str, what: str) -> dict[str, Any]:
    """The JSON object in a parameter named `what`.

    Raises:
        BadRequestError: it is none.
    """

    def refuse(constant: str) -> Any:
        raise ValueError(constant)

    try:
        value = json.loads(written, parse_constant=refuse)
    except (ValueError, RecursionError):
        raise BadRequestError(f"{what} 不是合法的 JSON。{what} is not JSON.") from None
    if not isinstance(value, dict):
        raise BadRequestError(f"{what} 应是 JSON 对象。{what} must be a JSON object.")
    return value


def sound_text(value: str) -> str:
    """A text that can be written as UTF-8: JSON may hold halves of surrogate pairs."""
    try:
        value.encode()
    except UnicodeEncodeError:
        raise BadRequestError("文本里有无效字符。A text holds half a surrogate pair.") from None
    return value


def query_of(name: str, query: Any) -> Query:
    """The query of that name in a batch.

    Raises:
        BadRequestError: it breaks the protocol or a limit.
    """
    if not isinstance(query, dict):
        raise BadRequestError(f"{name} 应是对象。{name} must be an object.")
    if unknown := sorted(
        query.keys() - _KEYS
    ):  # "props" for "properties": answered by the name alone, nobody would notice
        raise BadRequestError(
            f"{name} 有协议之外的键：{sound_text('、'.join(unknown))[:MOST_CHARACTERS]}。unknown keys."
        )
    written, properties = query.get("query"), query.get("properties", [])
    if written is not None and not isinstance(written, str):
        raise BadRequestError(f"{name}.query 应是文本。must be a string.")
    if not isinstance(properties, list) or len(properties) > MOST_PROPERTIES:
        raise BadRequestError(f"{name}.properties 应是列表，最多 {MOST_PROPERTIES} 项。must be a short array.")
    if written is None and not properties:
        raise BadRequestError(f"{name} 既没有 query 也没有 properties。needs a query or properties.")
    limit = query.get("limit", 5)
    if isinstance(limit, bool) or not isinstance(limit, int | float) or not 0 <= limit < 1e9:
        raise BadRequestError(f"{name}.limit 应是正数。must be a positive number.")
    types = query.get("type", [])
    types = [types] if isinstance(types, str) else types
    if not isinstance(types, list) or not all(isinstance(t, str) for t in types):
        raise BadRequestError(f"{name}.type 应是文本或文本列表。must be a string or strings.")
    if query.get("type_strict", "any") not in ("any", "should", "all"):
        raise BadRequestError(f"{name}.type_strict 只能是 any、should 或 all。")
    text = sound_text(written or "").strip()
    if len(text) > MOST_CHARACTERS:
        text, properties = "", []  # no name: it is answered with nothing, and the others of its batch as ever
    cells: dict[str, str] = {}
    codes: list[str] = []
    if classify_code(clean_code(text)) in _CODES:
        codes.append(text)
    elif text:
        cells["name_name"] = text
    for one in properties:
        if not isinstance(one, dict) or not isinstance(one.get("pid"), str) or "v" not in one:
            raise BadRequestError(f"{name}.properties 每项须有 pid 和 v。each needs pid and v.")
        field = _field_of(one["pid"][:MOST_CHARACTERS])
        values = _values(one["v"], f"{name}.properties")
        if field is None:
            continue  # a property of another service: nothing to compare it with
        if own_list_feed().by_name[field].role is Role.CODE:
            codes += values
        elif values:
            cells.setdefault(field, values[0])
    # A code says by its shape what it is, so any column for codes will do.
    slots = [f.name for f in own_list_feed().with_role(Role.CODE) if f.kind.value == "code"]
    cells |= dict(zip(slots, dict.fromkeys(codes), strict=False))
    wanted = not types or TYPE["id"] in types
    ready = clean_coop_id(text)
    return Query(cells, min(int(limit), MOST_RESULTS) or MOST_RESULTS, wanted, ready if is_coop_id(ready) else "")


def text_of(value: str, what: str) -> str:
    """A text of at most `MOST_CHARACTERS`, without space around it.

    Raises:
        BadRequestError: it is longer, or cannot be written.
    """
    if len(value) > MOST_CHARACTERS:
        raise BadRequestError(f"{what} 超过 {MOST_CHARACTERS} 字。is too long.")
    return sound_text(value).strip()


def _values(value: Any, what: str) -> list[str]:
    """The texts of a property's value: a text, a number, a matched entity, or several of them."""
    several = value if isinstance(value, list) else [value]
    found = []
    for one in several[:MOST_PROPERTIES]:
        plain = one.get("name", one.get("id")) if isinstance(one, dict) else one
        if plain is None or isinstance(plain, bool):
            continue
        if not isinstance(plain, str | int | float):
            raise BadRequestError(f"{what} 的 v 应是文本或数。v must be text or a number.")
        # a spreadsheet's code or phone may come as a number: 13800010001.0
        whole = isinstance(plain, float) and plain.is_integer()
        text = sound_text(f"{plain:.0f}" if whole else str(plain)).strip()
        if 0 < len(text) <= MOST_CHARACTERS:
            found.append(text)
    return found


@lru_cache(maxsize=1024)
def _field_of(pid: str) -> str | None:
    if pid in QUERY_PROPERTIES:
        return QUERY_PROPERTIES[pid][1]
    (column,) = match_columns([Column(pid, levels=(pid,))], own_list_feed()).columns
    return column.field
