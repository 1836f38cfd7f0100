"""The columns of an extract: name, title, kind, mask, and the one type their values have in every format."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from hub.feeds import Bilingual, Choice, Kind
from hub.sharing.agreements import MASK_TITLES, Agreement, Mask
from hub.sharing.masks import mask_expression
from hub.sharing.sources import Dataset, DatasetField, choices_of
from hub.sharing.sql import literal, name

if TYPE_CHECKING:
    import pyarrow as pa

DISPUTE = "dispute"  # the last column of every extract: which values of the row are disputed
DISPUTE_TITLE = "争议标注"


class Form(StrEnum):
    """Type of a column's values as they leave."""

    TEXT = "text"
    DATE = "date"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"


_DUCKDB_TYPE = {
    Form.TEXT: "varchar",
    Form.DATE: "date",
    Form.INTEGER: "bigint",
    Form.NUMBER: "double",
    Form.BOOLEAN: "boolean",
}


@dataclass(frozen=True, slots=True)
class ExtractColumn:
    """One column as it leaves. `choices` maps a code list's values to the words people read."""

    name: str
    title: str
    kind: Kind
    mask: Mask
    form: Form
    choices: tuple[Choice, ...] = ()
    source_feed: str | None = None
    description: str = ""

    def as_json(self) -> dict[str, Any]:
        """The column as the extract's record keeps it; `column_from_json` reads it back."""
        return {
            "name": self.name,
            "title": self.title,
            "kind": self.kind.value,
            "mask": self.mask.value,
            "form": self.form.value,
            "choices": [[c.value, c.title.zh, c.title.en] for c in self.choices],
            "source_feed": self.source_feed,
            "description": self.description,
        }

    @property
    def mask_title(self) -> str:
        return "" if self.mask is Mask.CLEAR else MASK_TITLES[self.mask]

    def machine(self) -> str:
        """DuckDB expression of the value in machine formats, masked and typed."""
        expression = mask_expression(self.name, self.kind, self.mask)
        return f"cast({expression} as {_DUCKDB_TYPE[self.form]})"

    def shown(self) -> str:
        """DuckDB expression of the value people read, over a table of machine values: words instead of codes."""
        quoted = name(self.name)
        if self.form is Form.BOOLEAN:
            return f"case {quoted} when true then '是' when false then '否' end"
        if self.choices and self.form is Form.TEXT:
            cases = " ".join(f"when {literal(c.value)} then {literal(c.title.zh)}" for c in self.choices)
            return f"case {quoted} {cases} else {quoted} end"
        return quoted

    @property
    def shown_form(self) -> Form:
        return Form.TEXT if self.form is Form.BOOLEAN else self.form


def column_from_json(kept: Mapping[str, Any]) -> ExtractColumn:
    """A column as it stood when its extract was published."""
    return ExtractColumn(
        name=kept["name"],
        title=kept["title"],
        kind=Kind(kept["kind"]),
        mask=Mask(kept["mask"]),
        form=Form(kept["form"]),
        choices=tuple(Choice(value=v, title=Bilingual(zh=zh, en=en), texts=()) for v, zh, en in kept["choices"]),
        source_feed=kept["source_feed"],
        description=kept["description"],
    )


def _form(field: DatasetField, mask: Mask, kind: pa.DataType, dates: Callable[[str], bool]) -> Form:
    """The form of a field's values. A date column with a value that is no date stays text: nothing is lost."""
    import pyarrow as pa

    if mask is not Mask.CLEAR:
        return Form.TEXT
    if pa.types.is_boolean(kind):
        return Form.BOOLEAN
    if pa.types.is_temporal(kind):
        return Form.DATE
    if pa.types.is_integer(kind):
        return Form.INTEGER
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return Form.NUMBER
    if field.kind is Kind.DATE and (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        return Form.DATE if dates(field.name) else Form.TEXT
    return Form.TEXT


def extract_columns(
    agreement: Agreement, dataset: Dataset, schema: pa.Schema, dates: Callable[[str], bool]
) -> tuple[ExtractColumn, ...]:
    """The columns an agreement lets out of a dataset, in the agreement's order, with the dispute flag last.

    Args:
        schema: of the dataset's rows.
        dates: whether every text of a field is a date.
    """
    fields = {f.name: f for f in dataset.fields}
    columns = []
    for field_name in agreement.fields:
        field, mask = fields[field_name], agreement.mask_of(field_name)
        columns.append(
            ExtractColumn(
                name=field.name,
                title=field.title.zh,
                kind=field.kind,
                mask=mask,
                form=_form(field, mask, schema.field(field.name).type, dates),
                choices=choices_of(field) if mask is Mask.CLEAR else (),
                source_feed=field.source_feed,
                description=getattr(field, "note", ""),
            )
        )
    flag = ExtractColumn(DISPUTE, DISPUTE_TITLE, Kind.TEXT, Mask.CLEAR, Form.TEXT)
    return (*columns, flag)
