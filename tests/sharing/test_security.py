"""The database itself shows each department only its own rows, whatever query a page sends."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from hub.sharing.security import as_department
from hub.store.migrations.portal_role import OPEN_TABLES, POLICIES, REVIEW_POLICIES
from tests.sharing.conftest import County, an_agreement


@pytest.fixture
def two_departments(county: County) -> County:
    county.agree(
        an_agreement(formats=["parquet"]),
        an_agreement(id="master_to_water", recipient="water", formats=["parquet"]),
        an_agreement(id="master_to_towns", recipient="each_township", rows={"own_town": True}, formats=["parquet"]),
    )  # fmt: skip
    county.night()
    with county.engine.begin() as connection:
        connection.exec_driver_sql(
            """insert into correction (dataset, coop_id, raised_by_department, raised_by, source_department, reason, raised_on, due_on)
               values ('cooperatives', 'c1', 'tax', 'x', 'water', 'r', '2026-03-01', '2026-03-15'),
                      ('cooperatives', 'c1', 'forestry', 'x', 'finance_bureau', 'r', '2026-03-01', '2026-03-15')"""
        )
        connection.exec_driver_sql(
            "insert into correction_step (correction_id, state, department, person, business_date) select correction_id, 'raised', 'tax', 'x', raised_on from correction"
        )
        connection.exec_driver_sql("insert into archived_file (sha256, sm3, size, path) values ('a', 'b', 1, 'p')")
        connection.exec_driver_sql(
            """insert into delivery (feed, department, name, sha256, as_of, coverage, town)
               values ('tax_registration', 'tax', 'a', 'a', '2026-03-01', 'full', null),
                      ('township_cleanup', 'townships', 'b', 'a', '2026-03-01', 'full', '白石镇'),
                      ('township_cleanup', 'townships', 'c', 'a', '2026-03-01', 'full', '月湖乡')"""
        )
    return county


def seen(engine: Engine, table: str, column: str, department: str, role: str, town: str | None = None) -> set[object]:
    with engine.begin() as connection, as_department(connection, department, role, town=town):
        return set(connection.scalars(text(f"select {column} from {table}")))


@pytest.mark.parametrize("table", ["extract", "extract_cooperative", "ledger"])
def test_staff_see_their_own_department_and_no_other(two_departments: County, table: str) -> None:
    engine = two_departments.engine
    assert seen(engine, table, "department", "tax", "staff") == {"tax"}
    assert seen(engine, table, "department", "water", "staff") == {"water"}
    assert seen(engine, table, "department", "town_02", "staff") == {"town_02"}
    assert {"tax", "water"} < seen(engine, table, "department", "agriculture", "office")
    assert {"tax", "water"} < seen(engine, table, "department", "agriculture", "auditor")


def test_an_operator_and_a_person_of_nowhere_see_nobodys_rows(two_departments: County) -> None:
    engine = two_departments.engine
    for table in (*POLICIES, *REVIEW_POLICIES):
        assert seen(engine, table, "1", "tax", "operator") == set(), table
        assert seen(engine, table, "1", "", "staff") == set(), table


def test_both_sides_of_a_correction_see_it_and_nobody_else(two_departments: County) -> None:
    engine = two_departments.engine
    for table in ("correction", "correction_step"):
        assert len(seen(engine, table, "correction_id", "tax", "staff")) == 1
        assert len(seen(engine, table, "correction_id", "water", "staff")) == 1
        assert len(seen(engine, table, "correction_id", "supply_marketing", "staff")) == 0


def test_a_township_sees_the_deliveries_of_its_own_town(two_departments: County) -> None:
    engine = two_departments.engine
    assert seen(engine, "delivery", "town", "town_02", "staff", "白石镇") == {"白石镇"}
    assert seen(engine, "delivery", "department", "tax", "staff") == {"tax"}
    assert seen(engine, "delivery", "feed", "town_02", "staff") == set()


def test_agreements_are_seen_by_those_they_bind(two_departments: County) -> None:
    engine = two_departments.engine
    assert seen(engine, "agreement_version", "agreement", "tax", "staff") == {"master_to_tax"}
    assert seen(engine, "agreement_version", "agreement", "town_02", "staff", "白石镇") == {"master_to_towns"}
    assert len(seen(engine, "agreement_decision", "agreement", "agriculture", "staff")) == 3  # the provider


@pytest.mark.parametrize("statement", ["delete from extract", "update extract set title = ''", "insert into run (kind, business_date) values ('x', now())", "select * from session", "select * from person"])  # fmt: skip
def test_the_portals_role_writes_nothing_and_reads_no_other_table(two_departments: County, statement: str) -> None:
    with two_departments.engine.connect() as connection, connection.begin() as transaction:
        with pytest.raises(DBAPIError, match="permission denied"), as_department(connection, "tax", "staff"):
            connection.execute(text(statement))
        transaction.rollback()


def test_after_the_block_the_hub_is_itself_again(two_departments: County) -> None:
    with two_departments.engine.begin() as connection:
        with as_department(connection, "tax", "staff"):
            assert connection.scalar(text("select current_user")) == "hub_portal"
        assert connection.scalar(text("select current_user")) != "hub_portal"
        assert connection.scalar(text("select current_setting('hub.department')")) == ""
    with two_departments.engine.connect() as connection:
        assert connection.scalar(text("select count(distinct department) from extract")) > 2


def test_every_readable_table_has_row_level_security(two_departments: County) -> None:
    with two_departments.engine.connect() as connection:
        granted = set(
            connection.scalars(
                text("select table_name from information_schema.role_table_grants where grantee = 'hub_portal'")
            )
        )
        secured = set(connection.scalars(text("select relname from pg_class where relrowsecurity")))
    assert granted - set(OPEN_TABLES) <= secured
    assert set(POLICIES) <= granted


def test_an_unknown_role_is_refused(engine: Engine) -> None:
    with (
        engine.begin() as connection,
        pytest.raises(ValueError, match="unknown role"),
        as_department(connection, "tax", "root"),
    ):
        pass
