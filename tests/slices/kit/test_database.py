"""The core's connection under Django's."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from django.db import transaction

from regulars.kit import clock
from regulars.kit import database as kit_database
from regulars.people import store
from regulars.people.changes import Changes
from regulars.people.facts import apply_traits
from regulars.workspaces.keys import ProjectConfig
from regulars.workspaces.models import Project


def test_the_core_reads_json_and_binary_over_djangos_connection(project: ProjectConfig) -> None:
    with kit_database.of_django() as core:
        changes = Changes(core, project.id, clock.now())
        changes.begin()
        person = changes.new_person()
        apply_traits(person, {"plan": {"size": 1}}, clock.now(), lambda *_: None)
        changes.flush()
        changes.finish()

    with kit_database.of_django() as core:
        found = store.read(core, project.id, [person.id])
        (attributes,) = core.execute("SELECT attributes FROM person WHERE id = %s", [person.id])

    assert found[person.id].attributes == attributes[0] == {"plan": {"size": 1}}


def test_the_core_and_djangos_models_share_one_transaction(
    database: psycopg.Connection[Any], project: ProjectConfig
) -> None:
    with pytest.raises(ZeroDivisionError):
        _change_by_both_and_fail(project)

    found = database.execute("SELECT name, company FROM project WHERE id = %s", [project.id])
    assert found.fetchone() == ("Test project", "")


@transaction.atomic
def _change_by_both_and_fail(project: ProjectConfig) -> None:
    Project.objects.filter(id=project.id).update(name="Lost with the rest")
    with kit_database.of_django() as core, core.transaction():
        core.execute("UPDATE project SET company = 'Lost' WHERE id = %s", [project.id])
    raise ZeroDivisionError
