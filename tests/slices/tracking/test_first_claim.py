"""A project demands signed claims from the moment in which its pages sent the first one."""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest

from regulars.workspaces.keys import ProjectConfig, load_project, signature_of
from tests.running import wait_until
from tests.slices.tracking.site import Site, identify, open_site, page

Database = psycopg.Connection[Any]


@pytest.fixture
def site(database: Database) -> Site:
    return open_site(database)


def _project(site: Site) -> ProjectConfig:
    found = load_project(site.connection, site.project.id)
    assert found is not None
    return found


def _used(site: Site) -> None:
    """Noted after the answer, so in a moment."""
    wait_until(lambda: _project(site).identity_used, seconds=30)


def test_a_signed_claim_switches_the_demand_on(site: Site) -> None:
    token = signature_of(site.project, "u1")
    assert site.send(page("a1"), identify("u1", "a1", token=token)).status == 200
    _used(site)
    assert _project(site).enforce_identity


def test_from_then_on_an_unsigned_claim_changes_nothing(site: Site) -> None:
    token = signature_of(site.project, "u1")
    site.send(identify("u1", "a1", {"plan": "pro"}, token=token))
    _used(site)
    site.send(identify("u1", "a2", {"plan": "free"}))
    assert site.only_person().attributes == {"plan": "pro"}


def test_a_single_call_counts_too(site: Site) -> None:
    token = signature_of(site.project, "u1")
    body = {"writeKey": site.write_key, "userId": "u1", "token": token, "messageId": "m1"}
    assert site.post("/v1/identify", json.dumps(body).encode()).status == 200
    _used(site)


@pytest.mark.parametrize("token", ["0" * 64, "not.a.token", ""])
def test_a_claim_that_proves_nothing_switches_nothing_on(site: Site, token: str) -> None:
    site.send(identify("u1", "a1", token=token))
    site.send(page("a1"))
    assert not _project(site).identity_used


def test_the_secret_key_is_no_signature(site: Site) -> None:
    site.send(identify("u1", traits={"plan": "pro"}), way="secret")
    site.send(page("a1"))
    assert not _project(site).identity_used


def test_switched_off_by_hand_it_stays_off(site: Site) -> None:
    token = signature_of(site.project, "u1")
    site.send(identify("u1", "a1", token=token))
    _used(site)
    site.connection.execute(
        "UPDATE project SET enforce_identity = false WHERE id = %s", (site.project.id,)
    )
    site.send(identify("u1", "a1", token=token))
    site.send(page("a1"))
    assert not _project(site).enforce_identity
