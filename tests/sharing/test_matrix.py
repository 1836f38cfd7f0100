"""The authorisation matrix, role × dataset × field, generated from the demo county's agreements and tried whole: what is
in each department's files is exactly what its agreements name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import Connection, Engine, insert, select, text

from hub.deployment import Deployment, load_deployment
from hub.errors import PermissionRefusedError
from hub.feeds import Kind, Privacy
from hub.master.datasets import DATASETS, Dataset
from hub.settings import REPOSITORY, Settings
from hub.sharing import publish
from hub.sharing.agreements import Mask, load_agreements, recipients_of
from hub.sharing.copies import make_copy
from hub.sharing.security import as_department
from hub.store.tables.master import master_version
from hub.store.tables.sharing import extract

DAY = date(2026, 3, 10)


class Marked:
    """Every dataset with one row a town; every text holds a mark of its own dataset and field."""

    def __init__(self, deployment: Deployment) -> None:
        self.towns = [t.name for t in deployment.county.towns]

    def datasets(self) -> dict[str, Dataset]:
        return DATASETS

    def stream(self, connection: Connection, names: Iterable[str]) -> Iterator[tuple[str, pa.RecordBatchReader]]:
        for name in names:
            yield name, self.read(connection, name).to_reader()

    def read(self, connection: Connection, name: str) -> pa.Table:
        columns = {}
        for field in DATASETS[name].fields:
            kind, size = field.arrow_type, len(self.towns)
            values: list[Any]
            if field.name == "coop_id":
                values = [f"C{i:02d}" for i in range(size)]
            elif field.name == "town":
                values = self.towns
            elif field.name == "fit_for_publicity":
                values = ["yes"] * size
            elif field.name in ("removed_on", "closed_on", "deregistered_on", "ended_on"):
                values = [None] * size
            elif pa.types.is_date(kind):
                values = [DAY] * size
            elif pa.types.is_boolean(kind):
                values = [True] * size
            elif pa.types.is_integer(kind) or pa.types.is_floating(kind):
                values = [7] * size
            else:
                values = [f"<{name}.{field.name}>"] * size
            columns[field.name] = pa.array(values, kind)
        return pa.table(columns)


@pytest.fixture
def deployment() -> Deployment:
    return load_deployment(REPOSITORY / "deployments" / "demo")


@pytest.mark.slow
def test_every_department_holds_exactly_the_fields_its_agreements_name(
    engine: Engine, settings: Settings, deployment: Deployment
) -> None:
    agreements = load_agreements(deployment)
    with engine.begin() as connection:
        connection.execute(insert(master_version).values(business_date=DAY, digest="x"))
    publish(engine, deployment, settings, None, source=Marked(deployment))
    allowed: dict[tuple[str, str], set[str]] = defaultdict(set)
    for agreement in agreements.values():
        if agreement.approved_by:
            for recipient in recipients_of(agreement, deployment):
                allowed[(recipient.id, agreement.dataset)] |= set(agreement.fields)
    held: dict[tuple[str, str], set[str]] = defaultdict(set)
    with engine.connect() as connection:
        extracts = connection.execute(select(extract)).all()
    for row in extracts:
        path = settings.data / next(f["path"] for f in row.files if f["format"] == "parquet")
        table = pq.read_table(path)
        held[(row.department, row.dataset)] |= set(table.column_names) - {"dispute"}
        agreement = agreements[row.agreement]
        town = next((d.town for d in deployment.departments if d.id == row.department), None)
        for record in table.to_pylist():
            if town:
                assert record["town"] == town
            for field, value in record.items():
                mark, mask = f"<{row.dataset}.{field}>", agreement.mask_of(field)
                if isinstance(value, str) and value.startswith("<") and mask is Mask.CLEAR:
                    assert value == mark
                assert value != mark or mask in (Mask.CLEAR, Mask.TEXT)
    for department in deployment.departments:
        for dataset in DATASETS:
            assert held[(department.id, dataset)] == allowed[(department.id, dataset)], (department.id, dataset)
    # the database shows each role the same matrix
    for department in deployment.departments:
        for role, everything in (("staff", False), ("office", True), ("auditor", True), ("operator", None)):
            with engine.begin() as connection, as_department(connection, department.id, role, town=department.town):
                seen = {
                    (r.department, r.dataset)
                    for r in connection.execute(text("select department, dataset from extract"))
                }
            own = {k for k, v in allowed.items() if k[0] == department.id and v}
            whole = {k for k, v in allowed.items() if v}
            assert seen == (set() if everything is None else whole if everything else own)
    # and nobody can take another department's file
    for row in extracts[:: max(1, len(extracts) // 12)]:
        other = next(d.id for d in deployment.departments if d.id != row.department)
        with pytest.raises(PermissionRefusedError):
            make_copy(engine, deployment, settings, row.extract_id, form="csv", department=other, person="x", today=DAY)


def test_no_agreement_of_the_demo_county_gives_sensitive_fields_or_the_media_anything_personal(
    deployment: Deployment,
) -> None:
    for agreement in load_agreements(deployment).values():
        fields = {f.name: f for f in DATASETS[agreement.dataset].fields}
        for name in agreement.fields:
            field, mask = fields[name], agreement.mask_of(name)
            assert field.privacy is not Privacy.SENSITIVE or mask is not Mask.CLEAR
            if agreement.recipient == "media_centre":
                assert field.privacy is Privacy.PUBLIC
                assert field.kind is not Kind.PERSON
            if agreement.recipient not in ("agriculture", "each_township"):
                assert field.privacy is Privacy.PUBLIC or mask is not Mask.CLEAR


def test_the_demo_county_shares_what_its_implementation_plan_names_in_full() -> None:
    deployment = load_deployment(REPOSITORY / "deployments" / "demo")
    agreements = load_agreements(deployment).values()
    given = {(a.dataset, a.recipient) for a in agreements if a.share_type.value != "none"}
    line_departments = ("forestry", "supply_marketing", "water", "finance_bureau", "development_reform", "finance_institutions")  # fmt: skip
    market = ("abnormal_decisions", "inspections", "product_samples")
    for dataset in (*market, "tax_registrations"):
        assert {(dataset, r) for r in ("agriculture", "each_township", *line_departments)} <= given, dataset
    assert {(d, "tax") for d in (*market, "cooperatives")} <= given
    # the office: all there is but the reports of the public, which it handles and never passes on
    assert {d for d, r in given if r == "agriculture"} == set(DATASETS) - {"complaints"}
    assert ("cooperatives", "media_centre") in given
    for a in agreements:
        if a.recipient in line_departments:
            assert a.rows.own_cooperatives, a.id
        if a.recipient == "each_township":
            assert a.rows.own_town, a.id
        if a.recipient == "media_centre":
            titles = {f.name: f for f in DATASETS[a.dataset].fields}
            assert all(titles[f].privacy is Privacy.PUBLIC and titles[f].kind is not Kind.PERSON for f in a.fields)
    assert not {d.id for d in deployment.departments if d.kind != "township"} - {
        "townships", "market_supervision", "traceability_platform", "approval_bureau",
    } - {r for _, r in given}  # fmt: skip
