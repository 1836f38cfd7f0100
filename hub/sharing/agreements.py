"""Agreements (共享协议): who may receive which rows and fields, masked how, for what purpose, until when. As data.

Only the declaration and its faults live here. What was approved is `approvals`, what leaves is `publish`.
Whatever no agreement names stays inside: there is no "all fields", no default agreement, no fallback.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from hub.deployment import Department, Deployment, load_yaml_model
from hub.errors import ConfigurationError
from hub.feeds import Kind, Privacy
from hub.feeds.model import Identifier
from hub.sharing.sources import IDENTITY_FIELDS, Dataset, DatasetField, MasterDatasets

EACH_TOWNSHIP = "each_township"
TERMS_OF_USE = (
    "仅限本协议所列用途和本部门履职使用，未经数据提供部门同意不得转给第三方或向社会公开；"
    "数据为截至所列日期的情况，不作为行政处罚的直接依据；发现有误请通过枢纽提出校核纠错；到期或被召回时应当删除。"
)


class Mask(StrEnum):
    """What happens to a field's value on its way out. `clear` must be said for personal fields: silence is refusal."""

    CLEAR = "clear"  # 原样
    NAME = "name"  # 姓名：留首字
    PHONE = "phone"  # 电话：前三后四
    ID_CARD = "id_card"  # 身份证件号码：前六后四
    SUBJECT_CODE = "subject_code"  # 主体码：遮住其中的身份证号
    TEXT = "text"  # 自由文本：遮住其中的电话和证件号
    PSEUDONYM = "pseudonym"  # 假名：带密钥的 SM3 摘要，同一接收部门内可关联


MASK_TITLES = {
    Mask.CLEAR: "原样",
    Mask.NAME: "姓名留首字",
    Mask.PHONE: "电话留前三后四",
    Mask.ID_CARD: "证件号留前六后四",
    Mask.SUBJECT_CODE: "遮住码中的身份证号",
    Mask.TEXT: "遮住文中的电话和证件号",
    Mask.PSEUDONYM: "假名（带密钥的 SM3 摘要）",
}

_SUITABLE = {
    Kind.PERSON: {Mask.NAME},
    Kind.PHONE: {Mask.PHONE},
    Kind.ID_CARD: {Mask.ID_CARD},
    Kind.SUBJECT_CODE: {Mask.SUBJECT_CODE},
    Kind.TEXT: {Mask.TEXT},
    Kind.ADDRESS: {Mask.TEXT},
}
# Fields whose date says that an entry has ended; `current` looks at all that a dataset has.
ENDINGS = ("removed_on", "deregistered_on", "closed_on", "ended_on")
_PERSONAL_KINDS = frozenset({Kind.PERSON, Kind.PHONE, Kind.ID_CARD, Kind.SUBJECT_CODE})


class ShareType(StrEnum):
    """政务数据共享条例: how a resource is shared. `none` stands in the catalogue and never leaves."""

    UNCONDITIONAL = "unconditional"
    CONDITIONAL = "conditional"
    NONE = "none"


SHARE_TITLES = {
    ShareType.UNCONDITIONAL: "无条件共享",
    ShareType.CONDITIONAL: "有条件共享",
    ShareType.NONE: "不予共享",
}


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Term(_Frozen):
    """First and last day on which anything may be published or fetched."""

    start: date
    until: date

    @model_validator(mode="after")
    def _in_order(self) -> Term:
        if self.until < self.start:
            raise ValueError("until 早于 start")
        return self


class Listing(_Frozen):
    """Standing in another dataset: `{dataset: abnormal_decisions, current: true}`."""

    dataset: Identifier
    current: bool = False
    only: dict[Identifier, tuple[str | int | bool, ...]] = {}


class Since(_Frozen):
    """Rows whose date is not older than a day, or than so many months before the as-of date."""

    field: Identifier
    day: date | None = None
    months: Annotated[int | None, Field(ge=1)] = None

    @model_validator(mode="after")
    def _one_way(self) -> Since:
        if (self.day is None) == (self.months is None):
            raise ValueError("day 与 months 须写且只写一个")
        return self


class RowFilter(_Frozen):
    """Which rows: every condition given must hold."""

    own_town: bool = False  # cooperatives of the recipient's town
    own_cooperatives: bool = False  # standing in a dataset the recipient itself gives: those it leads, funds, cleans up
    listed_in: tuple[Listing, ...] = ()  # standing in any of these
    not_listed_in: tuple[Listing, ...] = ()  # standing in none of these
    current: bool = False  # entries that have not ended
    only: dict[Identifier, tuple[str | int | bool, ...]] = {}  # field has one of these values
    excluding: dict[Identifier, tuple[str | int | bool, ...]] = {}  # field has none of these values (empty passes)
    since: Since | None = None


class Agreement(_Frozen):
    """One agreement. `id` is its name for ever; a change of anything but the approval makes a new version."""

    id: Identifier
    title: str
    providers: Annotated[tuple[Identifier, ...], Field(min_length=1)]
    recipient: Identifier  # a department's id, or each_township
    dataset: Identifier
    fields: Annotated[tuple[Identifier, ...], Field(min_length=1)]
    masks: dict[Identifier, Mask] = {}
    rows: RowFilter = RowFilter()
    purpose: str
    legal_basis: str
    share_type: ShareType
    conditions: str = ""  # 共享条件
    term: Term
    update_cycle: str
    formats: tuple[Annotated[str, Field(pattern="^(xlsx|csv|parquet|jsonl)$")], ...] = ("xlsx", "csv")
    csv_encoding: Annotated[str, Field(pattern="^(utf-8|gb18030)$")] = "utf-8"
    delivery: tuple[Annotated[str, Field(pattern="^(portal|sftp)$")], ...] = ("portal",)
    terms_of_use: str = TERMS_OF_USE
    order_matters: bool = False  # true: copies keep the published order, and carry no mark in it
    approved_by: str | None = None
    approved_on: date | None = None

    @model_validator(mode="after")
    def _whole(self) -> Agreement:
        if len(set(self.fields)) != len(self.fields):
            raise ValueError("fields 中有字段写了两次")
        if stray := sorted(set(self.masks) - set(self.fields)):
            raise ValueError(f"masks 中的字段不在 fields 里：{'、'.join(stray)}")
        if (self.approved_by is None) != (self.approved_on is None):
            raise ValueError("approved_by 与 approved_on 须同时填写")
        if self.share_type is ShareType.CONDITIONAL and not self.conditions:
            raise ValueError("有条件共享须写明 conditions")
        return self

    def content(self) -> dict[str, object]:
        """The substance, ready for JSON: everything but who approved it."""
        return self.model_dump(mode="json", exclude={"approved_by", "approved_on"})

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical content."""
        text = json.dumps(self.content(), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def mask_of(self, field: str) -> Mask:
        return self.masks.get(field, Mask.CLEAR)

    def covers(self, day: date) -> bool:
        return self.term.start <= day <= self.term.until


class _Agreements(_Frozen):
    agreements: tuple[Agreement, ...]


def recipients_of(agreement: Agreement, deployment: Deployment) -> tuple[Department, ...]:
    """Departments that receive under this agreement: one, or every township."""
    if agreement.recipient == EACH_TOWNSHIP:
        return tuple(d for d in deployment.departments if d.kind == "township")
    return (deployment.department_by_id[agreement.recipient],)


def _field_faults(agreement: Agreement, field: DatasetField, named: bool, media: bool) -> Iterable[str]:
    mask = agreement.mask_of(field.name)
    if mask not in (Mask.CLEAR, Mask.PSEUDONYM) and mask not in _SUITABLE.get(field.kind, set()):
        yield f"字段 {field.name} 不能用“{MASK_TITLES[mask]}”"
    if field.privacy is Privacy.SENSITIVE and mask is Mask.CLEAR:
        yield f"字段 {field.name} 是敏感个人信息，须写明遮盖方式（masks），不能原样共享"
    if field.privacy is Privacy.PERSONAL and not named:
        yield f"字段 {field.name} 是个人信息，须在 masks 里写明遮盖方式，确需原样的写 clear"
    if media and (field.privacy is not Privacy.PUBLIC or field.kind in _PERSONAL_KINDS):
        yield f"字段 {field.name} 涉及个人，不能给宣传用途的部门"


def _filter_faults(agreement: Agreement, dataset: Dataset, datasets: Mapping[str, Dataset]) -> Iterable[str]:
    names = {f.name for f in dataset.fields}
    wanted = {
        *agreement.rows.only,
        *agreement.rows.excluding,
        *([agreement.rows.since.field] if agreement.rows.since else []),
    }
    if missing := sorted(wanted - names):
        yield f"rows 用到的字段不在 {dataset.name} 里：{'、'.join(missing)}"
    if agreement.rows.own_town and "town" not in names:
        yield f"{dataset.name} 没有 town 字段，不能用 own_town"
    if agreement.rows.current and not names & set(ENDINGS):
        yield f"{dataset.name} 没有终止日期字段（{'、'.join(ENDINGS)}），不能用 current"
    for listing in (*agreement.rows.listed_in, *agreement.rows.not_listed_in):
        if listing.dataset not in datasets:
            yield f"rows 提到的数据集 {listing.dataset} 不存在"
        elif missing := sorted(set(listing.only) - {f.name for f in datasets[listing.dataset].fields}):
            yield f"rows 用到的字段不在 {listing.dataset} 里：{'、'.join(missing)}"


def agreement_faults(agreement: Agreement, deployment: Deployment, datasets: Mapping[str, Dataset]) -> list[str]:
    """Everything wrong with an agreement beside this county's departments and these datasets, in Chinese."""
    faults: list[str] = []
    known = deployment.department_by_id
    faults += [f"没有名为 {p} 的部门" for p in agreement.providers if p not in known]
    each = agreement.recipient == EACH_TOWNSHIP
    if not each and agreement.recipient not in known:
        return [*faults, f"没有名为 {agreement.recipient} 的接收部门"]
    recipient = None if each else known[agreement.recipient]
    if each and not agreement.rows.own_town:
        faults.append("recipient 为 each_township 时须写 rows: {own_town: true}")
    if agreement.rows.own_town and recipient and recipient.kind != "township":
        faults.append(f"{recipient.name}不是乡镇（街道），不能用 own_town")
    dataset = datasets.get(agreement.dataset)
    if dataset is None:
        return [*faults, f"没有名为 {agreement.dataset} 的数据集（可用：{'、'.join(datasets)}）"]
    fields = {f.name: f for f in dataset.fields}
    if missing := [f for f in agreement.fields if f not in fields]:
        faults.append(f"{agreement.dataset} 没有字段：{'、'.join(missing)}")
    media = recipient is not None and recipient.kind == "media"
    for name in agreement.fields:
        if name in fields:
            faults += _field_faults(agreement, fields[name], name in agreement.masks, media)
    if set(agreement.fields) - IDENTITY_FIELDS:
        senders = {deployment.sender_of(f) for f in dataset.feeds if f in deployment.feed_by_name}
        if strangers := sorted(senders - set(agreement.providers)):
            faults.append(f"{dataset.name} 出自 {'、'.join(strangers)}，但 providers 没有写它")
    faults += _filter_faults(agreement, dataset, datasets)
    return faults


def _line_of_id(text: str, agreement: str) -> int:
    return next((i for i, line in enumerate(text.splitlines(), 1) if f"id: {agreement}" in line), 1)


def load_agreements(deployment: Deployment, datasets: Mapping[str, Dataset] | None = None) -> dict[str, Agreement]:
    """All agreements of a county by id, from `agreements/*.yaml`. No folder: no agreement, and nothing leaves.

    Raises:
        ConfigurationError: `problems` lists every fault of every file with its line.
    """
    datasets = MasterDatasets().datasets() if datasets is None else datasets
    problems: list[str] = []
    found: dict[str, Agreement] = {}
    for path in sorted(Path(deployment.folder, "agreements").glob("*.yaml")):
        loaded = load_yaml_model(path, _Agreements, problems, wrap="agreements")
        text = path.read_text(encoding="utf-8", errors="replace")
        for agreement in loaded.agreements if loaded else ():
            place = f"{path.name}:{_line_of_id(text, agreement.id)}：{agreement.id}"
            if agreement.id in found:
                problems.append(f"{place}，这个 id 写了两次")
            problems += [f"{place}，{fault}" for fault in agreement_faults(agreement, deployment, datasets)]
            found[agreement.id] = agreement
    if problems:
        raise ConfigurationError(
            "共享协议有误。",
            next_step=f"改正“{deployment.folder / 'agreements'}”里下列各处后重试；在此之前不共享任何数据。",
            problems=tuple(problems),
        )
    return found
