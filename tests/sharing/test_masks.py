"""What leaves is masked as agreed; what nobody named does not leave; nothing of the data becomes live."""

from __future__ import annotations

import csv
import io
import json
from datetime import date
from typing import Any

import duckdb
import openpyxl
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hub.errors import ConfigurationError
from hub.feeds import Kind, Privacy
from hub.settings import load_settings
from hub.sharing.agreements import Agreement, Mask, agreement_faults
from hub.sharing.keys import derive_key, secret_key
from hub.sharing.masks import mask_expression, pseudonym, pseudonyms
from tests.sharing.conftest import DATASETS, TODAY, County, FakeSource, an_agreement

DUCK = duckdb.connect()


def masked(value: str | None, mask: Mask, kind: Kind = Kind.TEXT) -> Any:
    DUCK.execute("create or replace temp table one (v varchar)")
    DUCK.execute("insert into one values (?)", [value])
    return DUCK.execute(f"select {mask_expression('v', kind, mask)} from one").fetchall()[0][0]


@pytest.mark.parametrize(
    ("mask", "value", "shown"),
    [
        (Mask.NAME, "张三", "张*"),
        (Mask.NAME, "欧阳小明", "欧***"),
        (Mask.NAME, "张", "张*"),
        (Mask.NAME, "𠮷田太郎", "𠮷***"),
        (Mask.PHONE, "13800001234", "138****1234"),
        (Mask.PHONE, "0576-88123456", "057******3456"),
        (Mask.PHONE, "88123456", "********"),
        (Mask.ID_CARD, "110101199003074514", "110101********4514"),
        (Mask.ID_CARD, "110101900307451", "110101*****7451"),
        (Mask.ID_CARD, "12345", "*****"),
        (Mask.SUBJECT_CODE, "ZS3391270193339127MA2AAAAA1X", "ZS3391270193339127MA2AAAAA1X"),
        (Mask.SUBJECT_CODE, "ZS33912701110101199003074514", "ZS33912701110101********4514"),
        (Mask.SUBJECT_CODE, "ZS33912701000110101900307451", "ZS33912701000110********7451"),
        (Mask.TEXT, "电话13800001234，证件110101199003074514。", "电话138****1234，证件110101********4514。"),
        (Mask.TEXT, "座机0576-88123456", "座机0576-****3456"),
        (Mask.TEXT, "面积 120 亩，2026年3月10日", "面积 120 亩，2026年3月10日"),
    ],
)
def test_masks_hide_what_they_promise(mask: Mask, value: str, shown: str) -> None:
    assert masked(value, mask) == shown


@pytest.mark.parametrize("mask", [m for m in Mask if m is not Mask.PSEUDONYM])
def test_nothing_stays_nothing(mask: Mask) -> None:
    assert masked(None, mask) is None


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("93339127MA2AAAAA1X", "93339127MA2AAAAA1X"),
        ("331127MA2AAAAA1", "331127MA2AAAAA1"),
        ("110101199003074514", "110101********4514"),
        ("11010119900307451401", "110101**********1401"),
        ("110101900307451AB", "110101900307451AB"),
        ("11010190030745101", "110101*******5101"),
    ],
)
def test_a_persons_number_typed_into_a_code_column_never_leaves_in_the_clear(value: str, shown: str) -> None:
    assert masked(value, Mask.CLEAR, Kind.CODE) == shown


@given(st.text(min_size=1, max_size=30))
@example("0*")
def test_masked_names_and_ids_never_show_the_whole(value: str) -> None:
    value = value.replace("\x00", "") or "x"
    for mask in (Mask.NAME, Mask.ID_CARD, Mask.PHONE):
        shown = masked(value, mask)
        assert shown is not None
        hidden_already = set(value[1:]) == {"*"} or value == "*"  # a name masked by whoever sent it
        assert shown != value or hidden_already


def test_pseudonyms_meet_within_a_recipient_and_nowhere_else(tmp_path: Any) -> None:
    settings = load_settings(data=tmp_path)
    tax, water = derive_key(settings, "pseudonym", "tax"), derive_key(settings, "pseudonym", "water")
    assert pseudonym(tax, "张三") == pseudonym(tax, "张三") != pseudonym(tax, "张四")
    assert pseudonym(tax, "张三") != pseudonym(water, "张三")
    rows = pseudonyms(pa.array(["x", None, "x", "y"]), tax)
    assert rows.to_pylist() == [pseudonym(tax, "x"), None, pseudonym(tax, "x"), pseudonym(tax, "y")]


def test_the_secret_key_is_made_once_and_is_the_owners_alone(tmp_path: Any) -> None:
    settings = load_settings(data=tmp_path)
    first = secret_key(settings)
    assert secret_key(load_settings(data=tmp_path)) == first
    assert (tmp_path / "secret.key").stat().st_mode & 0o077 == 0


def test_an_extract_masks_and_pseudonymises_as_agreed(county: County) -> None:
    county.agree(
        an_agreement(
            fields=["coop_id", "name", "representative", "phone"],
            masks={"coop_id": "pseudonym", "representative": "name", "phone": "phone"},
            formats=["jsonl", "csv"],
        )
    )
    [summary] = county.night()
    [path] = [p for p in summary.files if p.suffix == ".jsonl"]
    row = json.loads(path.read_text(encoding="utf-8").splitlines()[0])
    assert (row["representative"], row["phone"][3:7]) == ("张**", "****")
    assert len(row["coop_id"]) == 32
    everything = b"".join(p.read_bytes() for p in (county.settings.data / "extracts").rglob("*.*"))
    assert b"13800000001" not in everything
    assert "张三丰".encode() not in everything


# --- default deny ---


def _filled(source: FakeSource) -> dict[tuple[str, str], str]:
    """Every field of every dataset filled with a value found nowhere else; returns the values by (dataset, field)."""
    marks: dict[tuple[str, str], str] = {}
    number = 0
    for dataset in DATASETS.values():
        row: dict[str, Any] = {"coop_id": "c1", "town": "白石镇"}
        for field in dataset.fields:
            number += 1
            if field.name in ("coop_id", "town"):
                continue
            if field.kind is Kind.DATE:
                row[field.name] = date(1960 + number // 20, 1 + number % 12, 1 + number % 28)
            elif field.kind in (Kind.INTEGER, Kind.YEAR):
                row[field.name] = 870000 + number
            elif field.kind in (Kind.NUMBER, Kind.MONEY):
                row[field.name] = 870000.25 + number
            elif field.kind is Kind.BOOLEAN:
                row[field.name] = True
            else:
                row[field.name] = f"标记{number:04d}值"
            if field.kind is not Kind.BOOLEAN:
                marks[(dataset.name, field.name)] = str(row[field.name])
        source.rows[dataset.name] = [row]
    return marks


def _providers(dataset: str) -> list[str]:
    feeds = {
        "abnormal_decisions": "market_supervision", "tax_registrations": "tax", "traceability_subjects": "traceability_platform",
        "forestry": "forestry", "cleanup_entries": "townships",
    }  # fmt: skip
    return [feeds.get(dataset, "agriculture")]


@pytest.mark.parametrize("dataset", sorted(DATASETS))
def test_of_every_dataset_only_the_named_fields_leave(county: County, dataset: str) -> None:
    marks = _filled(county.source)
    fields = DATASETS[dataset].fields
    public = [f.name for f in fields if f.privacy is Privacy.PUBLIC and f.kind is not Kind.BOOLEAN]
    half, rest = public[::2], public[1::2]
    common = {"dataset": dataset, "providers": _providers(dataset), "formats": ["jsonl"]}
    county.agree(
        an_agreement(id="half", fields=half, **common),
        an_agreement(id="rest", fields=rest, recipient="water", **common),
    )
    for summary in county.night():
        allowed = set(half if summary.agreement == "half" else rest)
        text = summary.files[0].read_text(encoding="utf-8")
        assert set(json.loads(text)) == allowed | {"dispute"}
        shown = {key for key, mark in marks.items() if mark in text}
        assert {f for d, f in shown if d == dataset} == allowed - {"coop_id", "town"}
        assert {d for d, _ in shown} <= {dataset}


@pytest.mark.parametrize("dataset", sorted(DATASETS))
def test_personal_fields_need_a_word_and_sensitive_ones_a_mask(county: County, dataset: str) -> None:
    deployment = county.deployment
    for field in DATASETS[dataset].fields:
        base = {"dataset": dataset, "providers": _providers(dataset), "fields": [field.name]}
        silent = agreement_faults(Agreement.model_validate(an_agreement(**base)), deployment, DATASETS)
        clear = Agreement.model_validate(an_agreement(**base, masks={field.name: "clear"}))
        spoken = agreement_faults(clear, deployment, DATASETS)
        assert bool(silent) == (field.privacy is not Privacy.PUBLIC)
        assert bool(spoken) == (field.privacy is Privacy.SENSITIVE)


def test_a_fields_mask_must_suit_it(county: County) -> None:
    county.agree(an_agreement(fields=["members"], masks={"members": "phone"}))
    county.new_master()
    with pytest.raises(ConfigurationError, match="不能用"):
        county.publish()


# --- nothing becomes live ---

_FORMULAS = [
    "=1+1", "=cmd|'/c calc'!A0", "=HYPERLINK(\"http://x\",\"点我\")", "@SUM(A1)", "+1+1", "-1+1", "-2+3+cmd|' /C calc'!A0",
    "=DDE(\"cmd\";\"/C calc\";\"x\")", "=IMPORTXML(\"http://x\",\"//a\")", "=WEBSERVICE(\"http://x\")", "＝1+1", "＋1", "－1", "＠x",
    "\t=1+1", "\r=1+1", "\n=1+1", " =1+1", "\u3000=1", "\ufeff=1+1", "\u200b=1+1", "=\t1", "==1", "=-1", "+-1", "@=1",
    "http://example.invalid/", "mailto:x@example.invalid", "file:///etc/passwd", "\\\\server\\share", "internal:Sheet1!A1",
    "{=1+1}", "'=1+1", "\"=1+1\"", "%0A=1+1", "=1+1;", "|calc", "%calc", "=1&\"<a>\"", "<script>alert(1)</script>",
    "&lt;b&gt;", "]]>", "<![CDATA[x]]>", "_x0041_", "_x000D_", "_x005F_x0041_", "&#61;1+1", "&amp;", "a&b<c>d\"e'f",
]  # fmt: skip
_MORE = [
    f"{lead}{formula}"
    for lead in ("=", "+", "-", "@")
    for formula in ("SUM(1,1)", "A1", "1", "\"x\"", "cmd|'/c x'!A1", "'x'!A1", "INDIRECT(\"A1\")", "EXEC(\"x\")", "CALL(\"x\")", "REGISTER(\"x\")",
                    "1/0", "#REF!", "TRUE()", "NOW()")
]  # fmt: skip
PAYLOADS = _FORMULAS + _MORE


def test_a_hundred_payloads_come_through_inert_and_unaltered(county: County) -> None:
    assert len(PAYLOADS) >= 100
    county.source.rows["cooperatives"] = [
        {"coop_id": f"p{i:03d}", "name": "云岫县某专业合作社", "town": "白石镇", "remark": p}
        for i, p in enumerate(PAYLOADS)
    ]
    county.agree(an_agreement(fields=["coop_id", "remark"], formats=["xlsx", "csv", "jsonl", "parquet"]))
    [summary] = county.night()
    xlsx, table, lines, _ = summary.files
    assert [json.loads(line)["remark"] for line in lines.read_text(encoding="utf-8").split("\n") if line] == PAYLOADS
    sheet = openpyxl.load_workbook(xlsx)["数据"]
    cells = [row[1] for row in sheet.iter_rows(min_row=2)]
    assert {c.data_type for c in cells} <= {"s", "inlineStr"}
    assert [c.hyperlink for c in cells] == [None] * len(cells)
    assert all(c.quotePrefix for c in cells)
    from openpyxl.utils.escape import unescape

    # openpyxl leaves _xHHHH_ as it stands in the file; Excel and LibreOffice read it back
    shown = [unescape(c.value) for c in cells]
    assert shown == [p.replace("\r\n", "\n") for p in PAYLOADS]
    rows = list(csv.reader(io.StringIO(table.read_bytes().decode("utf-8-sig"), newline="")))[1:]
    assert len(rows) == len(PAYLOADS)
    for row, payload in zip(rows, PAYLOADS, strict=True):
        assert row[1][:1] not in tuple("=+-@＝＋－＠\t\r\n")
        assert row[1].removeprefix("'") == payload.removeprefix("'")


def test_numbers_below_zero_stay_numbers_in_csv(county: County) -> None:
    county.source.rows["cooperatives"] = [{"coop_id": "c1", "contributions": -5.5, "members": -1}]
    county.agree(an_agreement(fields=["contributions", "members"], formats=["csv"]))
    [summary] = county.night(TODAY)
    assert "-5.5,-1" in summary.files[0].read_text(encoding="utf-8-sig")
