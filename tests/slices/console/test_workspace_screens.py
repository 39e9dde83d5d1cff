"""Settings and account pages: what they show to whom, and what they change."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client

from regulars.kit import clock
from regulars.workspaces import audit, queries, team
from regulars.workspaces.audit import Actor
from regulars.workspaces.keys import load_project_by_secret_key
from regulars.workspaces.models import Agent, AuditEntry, Project, ProjectKey
from tests.cast import PASSWORD, Cast

MANAGERS_PAGES = ("", "project/", "team/", "keys/", "webhooks/", "audit/")


def _said(response: Any) -> str:
    """The toasts that the next page shows."""
    return " ".join(str(message) for message in get_messages(response.wsgi_request))


def _page(response: Any) -> str:
    return str(response.content.decode())


@pytest.mark.parametrize("path", MANAGERS_PAGES)
def test_settings_are_for_owners_and_admins(cast: Cast, path: str) -> None:
    admin = cast.colleague("Ada", cast.home, "admin")
    url = cast.home.url(f"settings/{path}")
    assert cast.alice.client.get(url).status_code in {200, 302}
    assert admin.client.get(url).status_code in {200, 302}
    refused = cast.bob.client.get(url)
    assert refused.status_code == 403
    assert "This is not open to you" in _page(refused)


def test_pages_carry_a_strict_policy(cast: Cast) -> None:
    response = cast.alice.client.get(cast.home.url("settings/team/"))
    policy = response["Content-Security-Policy"]
    assert "unsafe" not in policy
    for rule in ("script-src 'self'", "style-src 'self'", "frame-ancestors 'none'"):
        assert rule in policy
    assert "no-store" in response["Cache-Control"]
    assert response["Referrer-Policy"] == "same-origin"


def test_the_switcher_leads_to_the_agents_projects_alone(cast: Cast) -> None:
    second = cast.workspace("Tideway Wholesale")
    invited = team.invite(second.id, cast.alice.email, "agent", by=audit.OPERATOR, now=clock.now())
    token = team.path_of(invited).removeprefix("/invite/")
    team.join_as(token, cast.alice.agent, ip=None, now=clock.now())
    page = _page(cast.alice.client.get(cast.home.url("settings/team/")))
    assert f'href="{second.url()}"' in page
    assert str(cast.elsewhere.id) not in page
    cast.alice.client.get(second.url("welcome/"))
    assert cast.alice.client.get("/")["Location"] == second.url()


def test_an_owner_makes_another_project(cast: Cast) -> None:
    assert cast.alice.client.get("/projects/new").status_code == 200
    done = cast.alice.client.post("/projects/new", {"name": "Tideway Wholesale"})
    project = Project.objects.get(id=done["Location"].split("/")[2])
    assert project.name == "Tideway Wholesale"
    assert queries.role_of(project.id, cast.alice.id) == "owner"
    assert cast.bob.client.post("/projects/new", {"name": "Mine"}).status_code == 403


# Project


def test_project_settings_are_saved(cast: Cast) -> None:
    url = cast.home.url("settings/project/")
    form = {"name": "Tideway", "time_zone": "Europe/Lisbon", "dedupe_hours": "24"}
    done = cast.alice.client.post(url, form)
    assert done["Location"] == url
    project = Project.objects.get(id=cast.home.id)
    assert (project.name, project.time_zone, project.dedupe_hours, project.honour_gpc) == (
        "Tideway",
        "Europe/Lisbon",
        24,
        False,
    )


def test_a_wrong_setting_is_named_where_it_stands(cast: Cast) -> None:
    form = {"name": "x\x0by", "time_zone": "Europe/Lisbon", "dedupe_hours": "9999"}
    response = cast.alice.client.post(cast.home.url("settings/project/"), form)
    assert response.status_code == 422
    assert 'id="id_dedupe_hours_error"' in _page(response)
    assert Project.objects.get(id=cast.home.id).name == "Tideway Coffee"


# Team


def test_people_are_asked_in_by_links_to_copy(cast: Cast) -> None:
    url = cast.home.url("settings/team/")
    form = {"emails": "nadia@example.com, oskar@example.com\n", "role": "admin"}
    done = cast.alice.client.post(f"{url}invite", form)
    assert done["Location"] == url
    asked = cast.alice.client.get(url).context["asked"]
    assert [one.email for one in asked] == ["nadia@example.com", "oskar@example.com"]
    assert all(one.url.startswith("http://testserver/invite/") for one in asked)
    cast.alice.client.post(f"{url}invitations/{asked[0].id}/withdraw")
    assert len(cast.alice.client.get(url).context["asked"]) == 1
    assert Client().get(asked[0].url).status_code == 410


def test_links_lead_to_where_the_installation_says_it_is(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGULARS_BASE_URL", "https://people.example.com/")
    path = _link(cast, "nadia@example.com")
    page = cast.alice.client.get(cast.home.url("settings/team/"))
    assert page.context["asked"][0].url == f"https://people.example.com{path}"
    welcome = cast.alice.client.get(cast.home.url("welcome/"))
    assert 'src="https://people.example.com/t.js"' in welcome.context["snippet"]


def test_one_wrong_address_asks_nobody_in(cast: Cast) -> None:
    form = {"emails": "nadia@example.com nonsense", "role": "agent"}
    response = cast.alice.client.post(cast.home.url("settings/team/invite"), form)
    assert response.status_code == 422
    assert "This is not an email address." in _page(response)
    assert queries.invitations_of(cast.home.id) == []


def test_an_admin_neither_gives_nor_sees_what_only_owners_may(cast: Cast) -> None:
    admin = cast.colleague("Ada", cast.home, "admin")
    url = cast.home.url("settings/team/")
    cast.alice.client.post(f"{url}invite", {"emails": "boss@example.com", "role": "owner"})
    page = admin.client.get(url)
    assert [one.url for one in page.context["asked"]] == [""]
    assert "owner" not in dict(page.context["form"].fields["role"].choices)
    refused = admin.client.post(f"{url}invite", {"emails": "x@example.com", "role": "owner"})
    assert refused.status_code in {403, 422}
    assert admin.client.post(f"{url}{cast.alice.id}/remove").status_code == 403
    assert admin.client.post(f"{url}{cast.bob.id}/reset-link").status_code == 403


def test_a_role_is_changed_and_the_last_owner_stays(cast: Cast) -> None:
    url = cast.home.url("settings/team/")
    done = cast.alice.client.post(f"{url}{cast.bob.id}/role", {"role": "admin"})
    assert "Bob is now an admin." in _said(done)
    assert queries.role_of(cast.home.id, cast.bob.id) == "admin"
    kept = cast.alice.client.post(f"{url}{cast.alice.id}/role", {"role": "agent"})
    assert "A project needs an owner" in _said(kept)
    assert queries.role_of(cast.home.id, cast.alice.id) == "owner"


def test_whoever_is_removed_is_out_with_their_next_click(cast: Cast) -> None:
    assert cast.bob.client.get(cast.home.url("welcome/")).status_code == 200
    cast.alice.client.post(cast.home.url(f"settings/team/{cast.bob.id}/remove"))
    assert cast.bob.client.get(cast.home.url("welcome/")).status_code == 404


def test_a_sign_in_link_is_shown_once(cast: Cast) -> None:
    url = cast.home.url("settings/team/")
    made = cast.alice.client.post(f"{url}{cast.bob.id}/reset-link")
    link = made.context["given"].url
    assert link in _page(made)
    assert "/reset/" not in _page(cast.alice.client.get(url))
    assert Client().get(link).status_code == 200


def test_no_link_for_whom_other_projects_trust_too(cast: Cast) -> None:
    invited = team.invite(
        cast.elsewhere.id, cast.bob.email, "agent", by=cast.charlie.actor, now=clock.now()
    )
    token = team.path_of(invited).removeprefix("/invite/")
    team.join_as(token, cast.bob.agent, ip=None, now=clock.now())
    url = cast.home.url("settings/team/")
    refused = cast.alice.client.post(f"{url}{cast.bob.id}/reset-link")
    assert refused["Location"] == url
    assert "Only the person who runs this server" in _said(refused)


# Invitations


def _link(cast: Cast, email: str, role: str = "agent") -> str:
    invited = team.invite(cast.home.id, email, role, by=cast.alice.actor, now=clock.now())
    return team.path_of(invited)


def test_a_newcomer_joins_and_is_signed_in(cast: Cast) -> None:
    email = f"nadia.{cast.home.id.hex}@example.com"
    path, client = _link(cast, email), Client()
    page = _page(client.get(path))
    assert "Alice" in page
    assert "Tideway Coffee" in page
    weak = client.post(path, {"name": "Nadia", "password": "short"})
    assert "at least 12 characters" in _page(weak)
    done = client.post(path, {"name": "Nadia", "password": PASSWORD})
    assert done["Location"] == cast.home.url()
    assert client.get(cast.home.url("welcome/")).status_code == 200
    assert Client().get(path).status_code == 410


def test_who_has_an_account_signs_in_to_join(cast: Cast) -> None:
    path, client = _link(cast, cast.charlie.email), Client()
    page = _page(client.get(path))
    assert f'href="/signin?next={path.replace("/", "%2F")}"' in page
    assert 'name="password"' not in page
    client.post(path, {"name": "Mallory", "password": PASSWORD})
    assert queries.role_of(cast.home.id, cast.charlie.id) is None
    assert cast.charlie.client.get(path).status_code == 200
    assert queries.role_of(cast.home.id, cast.charlie.id) is None
    assert cast.charlie.client.post(path)["Location"] == cast.home.url()
    assert queries.role_of(cast.home.id, cast.charlie.id) == "agent"


def test_an_invitation_for_somebody_else_can_not_be_taken(cast: Cast) -> None:
    path = _link(cast, f"nadia.{cast.home.id.hex}@example.com", "owner")
    assert "This is for somebody else" in _page(cast.bob.client.get(path))
    cast.bob.client.post(path)
    assert queries.role_of(cast.home.id, cast.bob.id) == "agent"


# Keys


def test_a_new_secret_key_is_shown_once(cast: Cast) -> None:
    url = cast.home.url("settings/keys/")
    made = cast.alice.client.post(f"{url}new", {"name": "Shop backend", "kind": "secret"})
    value = made.context["made"].value
    assert value in _page(made)
    assert load_project_by_secret_key(cast.connection, value) is not None
    page = _page(cast.alice.client.get(url))
    assert value not in page
    assert f"sk_…{value[-4:]}" in page
    assert cast.home.write_key in page


def test_a_key_is_replaced_and_revoked(cast: Cast) -> None:
    url = cast.home.url("settings/keys/")
    key = ProjectKey.objects.get(project_id=cast.home.id, kind="write")
    kept = cast.alice.client.post(f"{url}{key.id}/revoke")
    assert "only write key" in _said(kept)
    made = cast.alice.client.post(f"{url}{key.id}/rotate")
    assert made.context["made"].value in _page(made)
    done = cast.alice.client.post(f"{url}{key.id}/revoke")
    assert "Revoked" in _said(done)
    assert cast.alice.client.post(f"{url}{key.id}/revoke").status_code == 404


def test_a_key_needs_a_name_and_a_kind(cast: Cast) -> None:
    url = cast.home.url("settings/keys/new")
    for form in ({"kind": "secret"}, {"name": "x", "kind": "golden"}):
        assert cast.alice.client.post(url, form).status_code == 422
    assert ProjectKey.objects.filter(project_id=cast.home.id).count() == 2


# Audit log


def test_the_audit_log_pages_back_without_a_gap(cast: Cast) -> None:
    for number in range(120):
        audit.record(
            cast.home.id,
            "project.changed",
            f"Change {number}",
            by=Actor(cast.alice.id, "192.0.2.1"),
            now=clock.now(),
        )
    url = cast.home.url("settings/audit/")
    page = cast.alice.client.get(url)
    seen = [line.subject for line in page.context["lines"]]
    while page.context["next"]:
        page = cast.alice.client.get(f"{url}?before={page.context['next']}")
        seen += [line.subject for line in page.context["lines"]]
    changes = [subject for subject in seen if subject.startswith("Change")]
    assert changes == [f"Change {number}" for number in reversed(range(120))]


def test_the_audit_log_tells_who_did_what_from_where(cast: Cast) -> None:
    form = {"name": "Tideway", "time_zone": "UTC", "dedupe_hours": "72", "honour_gpc": "on"}
    cast.alice.client.post(cast.home.url("settings/project/"), form)
    line = cast.alice.client.get(cast.home.url("settings/audit/")).context["lines"][0]
    assert (line.who, line.did, line.ip) == ("Alice", "Changed the project's settings", "192.0.2.1")
    assert line.changes == ("name: Tideway Coffee → Tideway",)


def test_the_audit_log_knows_no_other_place(cast: Cast) -> None:
    url = cast.home.url("settings/audit/")
    assert cast.alice.client.get(f"{url}?before=nonsense").status_code == 404
    theirs = AuditEntry.objects.filter(project_id=cast.elsewhere.id)[0]
    page = cast.alice.client.get(f"{url}?before={theirs.id}")
    assert all("Elsewhere" not in line.subject for line in page.context["lines"])


def test_an_action_without_a_sentence_is_not_logged(cast: Cast) -> None:
    with pytest.raises(ValueError, match="no sentence"):
        audit.record(cast.home.id, "agent.danced", by=audit.OPERATOR, now=clock.now())


# Account


def test_an_agent_changes_their_name_and_time_zone(cast: Cast) -> None:
    form = {"name": "Bobby", "time_zone": "Asia/Tokyo"}
    assert cast.bob.client.post("/account/details", form)["Location"] == "/account/"
    bob = Agent.objects.get(id=cast.bob.id)
    assert (bob.name, bob.time_zone) == ("Bobby", "Asia/Tokyo")
    wrong = cast.bob.client.post("/account/details", {"name": "", "time_zone": "Asia/Tokyo"})
    assert 'id="id_name_error"' in _page(wrong)


def test_a_new_password_needs_the_old_one_and_keeps_this_session(cast: Cast) -> None:
    here, there = cast.bob.client, Client()
    there.post("/signin", {"login": cast.bob.email, "password": PASSWORD})
    new = "quite another long sentence"
    wrong = here.post("/account/password", {"old_password": "wrong", "new_password": new})
    assert "This is not your password now." in _page(wrong)
    done = here.post("/account/password", {"old_password": PASSWORD, "new_password": new})
    assert done["Location"] == "/account/"
    assert here.get("/account/").status_code == 200
    assert there.get("/account/").status_code == 302
    assert AuditEntry.objects.filter(
        project_id=cast.home.id, action="agent.password_changed", agent_id=cast.bob.id
    ).exists()


def test_guessing_the_old_password_is_slowed_down(cast: Cast) -> None:
    form = {"old_password": "wrong", "new_password": "quite another long sentence"}
    answers = [cast.bob.client.post("/account/password", form).status_code for _ in range(6)]
    assert answers[-1] == 429


# Welcome


def test_the_welcome_page_waits_for_the_first_visitor(cast: Cast) -> None:
    url = cast.home.url("welcome/")
    page = cast.alice.client.get(url)
    assert cast.home.write_key in _page(page)
    assert "Waiting for the first visitor" in _page(page)
    assert cast.alice.client.get(f"{url}live").status_code == 204
    person = cast.pat
    live = cast.alice.client.get(f"{url}live")
    assert live.status_code == 200
    assert f"{cast.home.url('people/')}{person.id}/" in _page(live)
    assert "Pat Doe" in _page(live)
    assert live.context["strokes"]["identify"].done


def test_presence_is_noted_once_a_minute(cast: Cast) -> None:
    def last_here() -> Any:
        role = queries.role_in(cast.home.id, cast.alice.id)
        assert role is not None
        return role.last_here

    assert last_here() is None
    cast.alice.client.get(cast.home.url("welcome/"))
    first = last_here()
    assert first is not None
    cast.alice.client.get(cast.home.url("welcome/"))
    assert last_here() == first


# The server's names


def test_an_unknown_host_name_is_told_what_to_set(cast: Cast) -> None:
    response = Client().get("/signin", headers={"Host": "regulars.lan:8000"})
    assert response.status_code == 400
    assert "REGULARS_BASE_URL" in _page(response)
