"""The rules of DESIGN.md, 'Ready for more than one machine', read from PostgreSQL's catalogue.

A tenant table is any with a project_id, except the reference tables of who works here. Its rows
can then be told apart, and put on different machines, by the project alone; and the database
itself refuses a reference across projects.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import psycopg
import pytest

from regulars.people import changes

Database = psycopg.Connection[Any]

# Tables with a project_id that are whole on every machine: roles and keys.
REFERENCE = {"role", "project_key"}
# What tenant tables may refer to beside each other.
SHARED = {"project", "agent"}

# Columns that name a person though no foreign key says so: events and sessions carry none, since
# it would lock and dirty the person's row once an event.
NAMES_A_PERSON = {"person_id", "from_id", "into_id", "one_id", "other_id"}
# Rows whose key is a person's id: written behind the changes they follow, maybe after a merge.
IS_A_PERSON = {("person", "id"), ("rollup_person", "id")}

TENANT_TABLES = """
SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'project_id' AND NOT a.attisdropped
WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p')
ORDER BY c.relname
"""
COLUMNS_OF = """
ARRAY(SELECT a.attname::text FROM unnest({keys}) WITH ORDINALITY AS k (number, place)
      JOIN pg_attribute a ON a.attrelid = {table} AND a.attnum = k.number ORDER BY k.place)
"""
UNIQUE = f"""
SELECT t.relname, i.relname, x.indisprimary,
       {COLUMNS_OF.format(keys="(x.indkey::int2[])[:x.indnkeyatts - 1]", table="x.indrelid")}
FROM pg_index x JOIN pg_class t ON t.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid
JOIN pg_namespace n ON n.oid = t.relnamespace
WHERE n.nspname = 'public' AND x.indisunique
"""
REFERENCES = f"""
SELECT t.relname, o.conname, f.relname, o.confdeltype,
       {COLUMNS_OF.format(keys="o.conkey", table="o.conrelid")},
       {COLUMNS_OF.format(keys="o.confkey", table="o.confrelid")}
FROM pg_constraint o JOIN pg_class t ON t.oid = o.conrelid JOIN pg_class f ON f.oid = o.confrelid
JOIN pg_namespace n ON n.oid = t.relnamespace
WHERE n.nspname = 'public' AND o.contype = 'f'
"""
TRIGGERS = """
SELECT c.relname, t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
WHERE NOT t.tgisinternal
"""
NULLABLE = """
SELECT c.relname FROM pg_class c
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'project_id' AND NOT a.attisdropped
WHERE NOT a.attnotnull
"""
UUIDS = """
SELECT c.relname, a.attname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND NOT a.attisdropped
JOIN pg_type t ON t.oid = a.atttypid
WHERE n.nspname = 'public' AND t.typname = 'uuid' AND NOT c.relispartition
"""


class Reference(NamedTuple):
    """One foreign key."""

    table: str
    name: str
    to: str
    on_delete: str
    columns: list[str]
    keys: list[str]


@pytest.fixture
def tenants(database: Database) -> set[str]:
    found = {row[0] for row in database.execute(TENANT_TABLES)} - REFERENCE
    assert {"person", "event", "segment_member", "outbox", "invitation"} <= found
    return found


@pytest.fixture
def references(database: Database, tenants: set[str]) -> list[Reference]:
    rows = [Reference(*row) for row in database.execute(REFERENCES)]
    found = [one for one in rows if one.table in tenants]
    assert len(found) > 10
    return found


def test_the_primary_key_of_a_tenant_table_is_project_and_id(
    database: Database, tenants: set[str]
) -> None:
    keys = {table: columns for table, _, primary, columns in database.execute(UNIQUE) if primary}
    wrong = {table: keys.get(table) for table in tenants if keys.get(table) != ["project_id", "id"]}
    assert wrong == {}


def test_every_unique_constraint_of_a_tenant_table_holds_the_project(
    database: Database, tenants: set[str]
) -> None:
    rows = database.execute(UNIQUE).fetchall()
    assert [row for row in rows if row[0] in tenants and "project_id" not in row[3]] == []


def test_tenant_tables_refer_to_each_other_by_project_and_id(
    references: list[Reference], tenants: set[str]
) -> None:
    assert [
        one
        for one in references
        if one.to in tenants
        and not (one.columns[:1] == ["project_id"] and one.keys == ["project_id", "id"])
    ] == []


def test_references_between_tenant_tables_are_named(
    references: list[Reference], tenants: set[str]
) -> None:
    given = [one for one in references if one.to in tenants]
    assert [one.name for one in given if one.name.endswith("_fkey")] == []


def test_tenant_tables_refer_to_nothing_but_each_other_projects_and_agents(
    references: list[Reference], tenants: set[str]
) -> None:
    assert {one.to for one in references} <= tenants | SHARED


def test_no_reference_acts_behind_the_product_s_back(references: list[Reference]) -> None:
    """Nothing cascades and nothing is set to null."""
    assert [one for one in references if one.on_delete != "a"] == []


def test_no_tenant_table_has_a_trigger(database: Database, tenants: set[str]) -> None:
    assert [row for row in database.execute(TRIGGERS) if row[0] in tenants] == []


def test_every_row_of_a_tenant_table_is_some_project_s(
    database: Database, tenants: set[str]
) -> None:
    assert {row[0] for row in database.execute(NULLABLE)} & tenants == set()


def test_every_table_with_a_person_in_it_is_covered_by_erasure(
    database: Database, tenants: set[str], references: list[Reference]
) -> None:
    named = {
        (table, column)
        for table, column in database.execute(UUIDS)
        if table in tenants and column in NAMES_A_PERSON
    }
    referring = {(one.table, one.columns[1]) for one in references if one.to == "person"}
    erased = {column for one in changes.CONSEQUENCES for column in one.erases}
    assert named | referring | IS_A_PERSON == erased


def test_the_database_itself_refuses_a_reference_across_projects(
    database: Database, project: Any
) -> None:
    from tests.slices.tracking.site import open_site, page

    site = open_site(database)
    site.send(page("a1"))
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        database.execute(
            "INSERT INTO identity (project_id, id, kind, value, person_id, created_at)"
            " VALUES (%s, gen_random_uuid(), 'user', 'x', %s, now())",
            (project.id, site.only_person().id),
        )
