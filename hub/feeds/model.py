"""What a feed is: the declaration of something a department regularly sends. Frozen, validated data, no behaviour
beyond look-ups. The catalogue itself is YAML in `catalogue/`, one file a feed.
"""

from __future__ import annotations

from enum import StrEnum
from functools import cached_property
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

Identifier = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]


class Kind(StrEnum):
    """What a field's normal form is. In brackets: the form it takes in `fields` (JSON and Arrow)."""

    TEXT = "text"  # trimmed NFKC text
    COOPERATIVE_NAME = "cooperative_name"  # a name as written, invisible characters and line breaks gone
    CODE = "code"  # any organisation's number; typed by its shape, never by its header (upper case, no spaces)
    SUBJECT_CODE = "subject_code"  # traceability subject code; may embed a USCC or an ID card number
    PERSON = "person"
    PHONE = "phone"  # digits; an extension after "-"
    ID_CARD = "id_card"
    ADDRESS = "address"
    TOWN = "town"  # as written; the county's gazetteer resolves it later
    DATE = "date"  # "YYYY-MM-DD"; 9999-12-31 for 长期/至今; a month is its first day, with a note
    YEAR = "year"  # integer
    INTEGER = "integer"
    NUMBER = "number"  # float
    MONEY = "money"  # float, in yuan, scaled from the header's or the sheet's unit
    CHOICE = "choice"  # one of the field's `choices`, or the text as written when none fits
    BOOLEAN = "boolean"  # 是/否/有/无…
    SERIAL = "serial"  # 序号: read, never compared


class Privacy(StrEnum):
    """How personal a field is (个人信息保护法). `public` also covers the legal representative's name on the registry."""

    PUBLIC = "public"
    PERSONAL = "personal"  # phones, contact persons, addresses of persons
    SENSITIVE = "sensitive"  # ID card numbers


class Coverage(StrEnum):
    """What absence means. Only a full list lets "not in it" mean "no"."""

    FULL = "full"
    INCREMENT = "increment"
    PROBLEMS = "problems"


class Role(StrEnum):
    """Which part of "who this row is about" a field carries; the matcher sees only these."""

    NAME = "name"
    CODE = "code"
    REPRESENTATIVE = "representative"
    PHONE = "phone"
    TOWN = "town"
    ADDRESS = "address"
    FOUNDED = "founded"
    FORMER_NAME = "former_name"


class Bilingual(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    zh: str
    en: str


class Choice(BaseModel):
    """One value of a code list: the normal form, and the texts that mean it (matched as parts, first choice wins)."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    value: str
    title: Bilingual
    texts: tuple[str, ...]


class FeedField(BaseModel):
    """One column of a feed. `synonyms` are headers as offices print them; the title in Chinese is always one."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: Identifier
    title: Bilingual
    kind: Kind
    synonyms: tuple[str, ...] = ()
    required: bool = False  # the column must be there, or the delivery is refused (drift)
    filled: bool = False  # every row must have a value, or the row is quarantined
    role: Role | None = None
    privacy: Privacy = Privacy.PUBLIC
    choices: tuple[Choice, ...] = ()
    unit: str | None = None  # money: the unit when neither header nor sheet names one ("元", "万元")
    several: bool = False  # one cell may hold several names joined by 、 or line breaks: split into rows
    note: str = ""


class Feed(BaseModel):
    """A feed. `grain` says what one row is; `key` names the fields that make a row unique within one delivery
    (a second row with all of them equal is a duplicate only if every other field is equal too)."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    feed: Identifier
    title: Bilingual
    summary: Bilingual
    department: Identifier  # who gives it, unless the deployment says otherwise
    coverage: Coverage
    update: str  # 更新周期: 每月, 每周, 每日, 每季度, 每年, 实时
    grain: Bilingual
    key: tuple[Identifier, ...]
    fields: tuple[FeedField, ...]
    one_of: tuple[tuple[Identifier, ...], ...] = ()  # of each group, a row must fill at least one field
    date_order: tuple[tuple[Identifier, Identifier], ...] = ()  # (earlier, later)
    per_town: bool = False  # one delivery per township: the sender's town is in the file name or title
    sheet_field: Identifier | None = None  # a field whose value is read off the sheet's name (国家级, 省级…)
    legal_basis: str = ""

    @model_validator(mode="after")
    def _names_exist(self) -> Feed:
        names = [f.name for f in self.fields]
        if len(set(names)) != len(names):
            raise ValueError("a field name stands twice")
        wanted = {*self.key, *(n for g in self.one_of for n in g), *(n for pair in self.date_order for n in pair)}
        if self.sheet_field:
            wanted.add(self.sheet_field)
        if missing := wanted - set(names):
            raise ValueError(f"unknown fields: {', '.join(sorted(missing))}")
        return self

    @cached_property
    def by_name(self) -> dict[str, FeedField]:
        return {f.name: f for f in self.fields}

    def with_role(self, role: Role) -> tuple[FeedField, ...]:
        """The fields that carry this part of the identity, in declared order (the first filled one counts)."""
        return tuple(f for f in self.fields if f.role is role)
