"""The rules for more than one machine, read off PostgreSQL's own catalogue (DESIGN.md).

A tenant table is one with a `project_id`, except the reference tables. Its keys hold the project,
so the server itself refuses a reference across projects and tables can be spread by project.
"""

from __future__ import annotations

from typing import Any

import psycopg

from regulars.people import erasure

REFERENCE = {"project", "agent", "role", "project_key", "sign_in_link"}

TENANT_TABLES = """
SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace
  AND a.attname = 'project_id' AND NOT a.attisdropped AND NOT c.relispartition
ORDER BY 1
"""
UNIQUE = """
SELECT c.relname, i.indisprimary,
       ARRAY(SELECT a.attname::text FROM unnest(i.indkey) WITH ORDINALITY AS k (attnum, place)
             JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum ORDER BY k.place)
FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
WHERE i.indisunique AND c.relnamespace = 'public'::regnamespace AND NOT c.relispartition
"""
FOREIGN = """
SELECT c.relname, f.conname, t.relname, f.confdeltype::text,
       ARRAY(SELECT a.attname::text FROM unnest(f.conkey) WITH ORDINALITY AS k (attnum, place)
             JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = k.attnum
             ORDER BY k.place),
       ARRAY(SELECT a.attname::text FROM unnest(f.confkey) WITH ORDINALITY AS k (attnum, place)
             JOIN pg_attribute a ON a.attrelid = f.confrelid AND a.attnum = k.attnum
             ORDER BY k.place)
FROM pg_constraint f JOIN pg_class c ON c.oid = f.conrelid JOIN pg_class t ON t.oid = f.confrelid
WHERE f.contype = 'f' AND c.relnamespace = 'public'::regnamespace
"""
TRIGGERS = """
SELECT c.relname, t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
WHERE NOT t.tgisinternal AND c.relnamespace = 'public'::regnamespace
"""
OF_PEOPLE = """
SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
  AND c.relnamespace = 'public'::regnamespace AND a.attname = 'person_id'
"""

Database = psycopg.Connection[Any]


def tenant_tables(database: Database) -> set[str]:
    return {name for (name,) in database.execute(TENANT_TABLES)} - REFERENCE


def test_every_tenant_table_is_keyed_by_project_and_id(database: Database) -> None:
    keys = {table: columns for table, primary, columns in database.execute(UNIQUE) if primary}
    tables = tenant_tables(database)
    assert len(tables) > 20
    assert [table for table in tables if keys.get(table) != ["project_id", "id"]] == []


def test_every_unique_constraint_holds_the_project(database: Database) -> None:
    tables = tenant_tables(database)
    without = [
        (table, columns)
        for table, _, columns in database.execute(UNIQUE)
        if table in tables and "project_id" not in columns
    ]
    assert without == []


def test_every_reference_between_tenant_tables_is_composite_and_named(database: Database) -> None:
    tables = tenant_tables(database)
    for table, name, target, _, columns, there in database.execute(FOREIGN):
        if table in tables and target in tables:
            assert columns[0] == "project_id", name
            assert there == ["project_id", "id"], name
            assert name.endswith("_fk"), f"{name} was named by nobody"


def test_tenant_tables_refer_only_to_tenant_tables_projects_and_agents(database: Database) -> None:
    tables = tenant_tables(database)
    for table, name, target, on_delete, *_ in database.execute(FOREIGN):
        if table in tables:
            assert target in tables | {"project", "agent"}, name
            assert on_delete == "a", f"{name} acts behind the product's back"


def test_no_table_has_a_trigger(database: Database) -> None:
    ours = [row for row in database.execute(TRIGGERS) if not row[0].startswith("procrastinate")]
    assert ours == []


def test_erasure_reaches_every_table_with_a_person_in_it(database: Database) -> None:
    owned = set(erasure.OWNED)
    # Memberships go by the segments' own consequence, before the person.
    by_consequence = {("segment_member", "person_id")}
    there = set(database.execute(OF_PEOPLE).fetchall())
    assert there <= owned | by_consequence
