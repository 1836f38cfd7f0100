"""The master table's fields, as data: `fields.yaml` beside this file, and one field a rule (hub.master.rules)."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from hub.errors import ConfigurationError
from hub.feeds import Bilingual, Choice, Kind, Privacy, feed_catalogue
from hub.feeds.model import Identifier
from hub.master.rules import rules
from hub.yaml_text import read_yaml

ANSWERS: tuple[Choice, ...] = (
    Choice(value="yes", title=Bilingual(zh="是", en="yes"), texts=("是",)),
    Choice(value="no", title=Bilingual(zh="否", en="no"), texts=("否",)),
    Choice(value="unknown", title=Bilingual(zh="不详", en="unknown"), texts=("不详",)),
)


class MasterField(BaseModel):
    """One column of the master table. `sources` are `feed.field`, first the declared source (一数一源), or bare feeds where
    the value is derived. `answer` fields are yes, no or unknown."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: Identifier
    title: Bilingual
    kind: Kind
    privacy: Privacy = Privacy.PUBLIC
    group: str
    rule: Literal["ranked", "newest", "code", "full_name", "derived", "answer"]
    sources: tuple[str, ...]
    past: bool = False
    choices_of: str | None = None
    note: str = ""

    @property
    def choices(self) -> tuple[Choice, ...]:
        """The code list of a choice field, with titles for screens and prints."""
        if self.rule == "answer":
            return ANSWERS
        of = self.choices_of or (self.sources[0] if self.kind is Kind.CHOICE else None)
        if of is None:
            return ()
        feed, _, field = of.partition(".")
        return feed_catalogue()[feed].by_name[field].choices

    @property
    def source_feeds(self) -> tuple[str, ...]:
        """Feeds it rests on, the declared one first."""
        return tuple(dict.fromkeys(s.partition(".")[0] for s in self.sources))

    def display(self, value: object, language: str = "zh") -> str:
        """A value as a person reads it: the title of a choice, 是/否 for booleans, else the text."""
        if value is None:
            return ""
        if isinstance(value, bool):
            return ("是" if value else "否") if language == "zh" else ("yes" if value else "no")
        for choice in self.choices:
            if choice.value == value:
                return choice.title.zh if language == "zh" else choice.title.en
        return f"{value:,.12g}" if isinstance(value, float) else str(value)


@cache
def master_fields() -> tuple[MasterField, ...]:
    """All fields in their order on screens and in files: those of fields.yaml, then the answers of the rules.

    Raises:
        ConfigurationError: a field is wrong or names a feed or field that does not exist; every fault at once.
    """
    problems: list[str] = []
    found: list[MasterField] = []
    for entry in read_yaml((files("hub.master") / "fields.yaml").read_text(encoding="utf-8")):
        try:
            found.append(MasterField.model_validate(entry))
        except ValidationError as error:
            problems.append(f"fields.yaml：{entry.get('name')}，{error}")
    catalogue = feed_catalogue()
    for field in found:
        for source in (*field.sources, *([field.choices_of] if field.choices_of else [])):
            feed, dot, name = source.partition(".")
            if feed not in catalogue or (dot and name not in catalogue[feed].by_name):
                problems.append(f"fields.yaml：{field.name} 的来源 {source} 不在数据目录里")
            if not dot and field.rule != "derived":
                problems.append(f"fields.yaml：{field.name} 的来源 {source} 须写成 数据目录项.字段")
    if problems:
        raise ConfigurationError("总表字段有误。", next_step="改正 hub/master/fields.yaml。", problems=tuple(problems))
    answers = [
        MasterField(
            name=r.name,
            title=r.title,
            kind=Kind.CHOICE,
            group=r.group.value,
            rule="answer",
            sources=r.feeds,
            note=r.note,
        )
        for r in rules()
    ]
    return (*found, *answers)


@cache
def master_field(name: str) -> MasterField:
    """One field. Raises ConfigurationError when there is none of that name."""
    for field in master_fields():
        if field.name == name:
            return field
    raise ConfigurationError(
        f"总表没有名为 {name} 的字段。", next_step=f"可用的有：{'、'.join(f.name for f in master_fields())}。"
    )
