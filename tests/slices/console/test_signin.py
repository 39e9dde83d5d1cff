"""Signing in and out, the lockout, and the two kinds of one-time links as pages."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from regulars.kit import clock
from regulars.workspaces import sign_in, team
from regulars.workspaces.models import Agent, AuditEntry
from tests.cast import PASSWORD, Cast

NEW = "quite another long sentence"


def _client(ip: str = "192.0.2.50") -> Client:
    return Client(REMOTE_ADDR=ip)


def _sign_in(client: Client, email: str, password: str = PASSWORD, **more: str) -> Any:
    return client.post("/signin", {"login": email, "password": password, **more})


def _is_in(client: Client) -> bool:
    return client.get("/account/").status_code == 200


def test_an_agent_signs_in_with_email_and_password(cast: Cast) -> None:
    client = _client()
    response = _sign_in(client, f" {cast.alice.email.upper()} ")
    assert (response.status_code, response["Location"]) == (302, "/")
    assert client.get("/")["Location"] == cast.home.url()
    entry = AuditEntry.objects.get(project_id=cast.home.id, action="agent.signed_in")
    assert (entry.agent_id, entry.ip) == (cast.alice.id, "192.0.2.50")


def test_signing_in_leads_back_to_the_page_that_asked_for_it(cast: Cast) -> None:
    client = _client()
    asked = client.get(cast.home.url("settings/team/"))
    assert asked["Location"] == f"/signin?next={cast.home.url('settings/team/')}"
    page = client.get(asked["Location"])
    assert f'value="{cast.home.url("settings/team/")}"' in page.content.decode()
    done = _sign_in(client, cast.alice.email, next=cast.home.url("settings/team/"))
    assert done["Location"] == cast.home.url("settings/team/")


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "\\\\evil"])
def test_signing_in_never_leads_to_another_site(cast: Cast, elsewhere: str) -> None:
    done = _sign_in(_client(), cast.alice.email, next=elsewhere)
    assert done["Location"] == "/"


def test_a_fragment_takes_the_whole_page_to_the_sign_in(cast: Cast) -> None:
    response = _client().get(cast.home.url("settings/team/"), headers={"HX-Request": "true"})
    assert response["HX-Redirect"] == "/signin"


def test_a_wrong_password_and_an_unknown_email_look_the_same(cast: Cast) -> None:
    answers = []
    for email in (cast.alice.email, "nobody@nowhere.example"):
        client = _client()
        response = _sign_in(client, email, "wrong")
        page = response.content.decode().replace(email, "")
        answers.append((response.status_code, re.sub(r'(Token|value)[^>]*"', "", page)))
        assert not _is_in(client)
    assert answers[0] == answers[1]
    assert "The email or the password is not right." in answers[0][1]


def test_five_wrong_tries_lock_this_email_from_this_address(cast: Cast) -> None:
    client = _client()
    for _ in range(4):
        assert _sign_in(client, cast.alice.email, "wrong").status_code == 200
    locked = _sign_in(client, cast.alice.email, "wrong")
    assert locked.status_code == 429
    assert "for 15 minutes" in locked.content.decode()
    assert _sign_in(client, cast.alice.email.upper()).status_code == 429
    assert not _is_in(client)


def test_the_lockout_hits_nobody_else(cast: Cast) -> None:
    attacker = _client()
    for _ in range(6):
        _sign_in(attacker, cast.alice.email, "wrong")
    assert _sign_in(_client("198.51.100.7"), cast.alice.email).status_code == 302
    assert _sign_in(attacker, cast.bob.email).status_code == 302


def test_another_browser_at_the_same_address_gets_no_more_tries(cast: Cast) -> None:
    for turn in range(5):
        client = Client(REMOTE_ADDR="192.0.2.50", HTTP_USER_AGENT=f"Browser {turn}")
        locked = _sign_in(client, cast.alice.email, "wrong")
    assert locked.status_code == 429


def test_after_the_pause_the_right_password_opens_again(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = _client()
    for _ in range(5):
        _sign_in(client, cast.alice.email, "wrong")
    later = clock.now() + timedelta(minutes=16)
    monkeypatch.setattr("axes.handlers.proxy.now", lambda: later)
    assert _sign_in(client, cast.alice.email).status_code == 302


def test_success_forgives_earlier_slips(cast: Cast) -> None:
    client = _client()
    for _ in range(2):
        for _ in range(4):
            _sign_in(client, cast.alice.email, "wrong")
        assert _sign_in(client, cast.alice.email).status_code == 302


@pytest.mark.parametrize("email", ["", "x" * 300, "a@b\x00.example", "é" * 100 + "@b.example"])
def test_nonsense_is_no_error(cast: Cast, email: str) -> None:
    assert _sign_in(_client(), email, "wrong\x00").status_code == 200


def test_there_is_no_sign_up(cast: Cast) -> None:
    for path in ("/signup", "/accounts/signup/", "/signup/"):
        assert _client().get(path).status_code == 404


def test_signing_out_ends_the_session_and_takes_a_post(cast: Cast) -> None:
    client = cast.alice.client
    assert client.get("/signout").status_code == 405
    assert _is_in(client)
    assert client.post("/signout")["Location"] == "/signin"
    assert not _is_in(client)
    assert AuditEntry.objects.filter(
        project_id=cast.home.id, action="agent.signed_out", agent_id=cast.alice.id
    ).exists()


def test_forms_need_their_token(cast: Cast) -> None:
    client = Client(enforce_csrf_checks=True)
    response = _sign_in(client, cast.alice.email)
    assert response.status_code == 403
    assert "stale" in response.content.decode()


def test_a_session_can_be_kept_or_end_with_the_browser(cast: Cast) -> None:
    kept, brief = _client(), _client()
    _sign_in(kept, cast.alice.email, remember="on")
    _sign_in(brief, cast.alice.email)
    assert kept.cookies["regulars_session"]["max-age"] == 30 * 24 * 3600
    assert brief.cookies["regulars_session"]["max-age"] == ""
    assert kept.cookies["regulars_session"]["httponly"]
    assert kept.cookies["regulars_session"]["samesite"] == "Lax"


def _reset_path(cast: Cast) -> str:
    return sign_in.reset_link(cast.bob.email, now=clock.now())


def test_opening_a_reset_link_changes_nothing(cast: Cast) -> None:
    """Mail scanners follow every link."""
    path = _reset_path(cast)
    for _ in range(3):
        assert _client().get(path).status_code == 200
    assert Agent.objects.get(id=cast.bob.id).check_password(PASSWORD)


def test_a_reset_link_sets_a_password_and_signs_in(cast: Cast) -> None:
    path, client = _reset_path(cast), _client()
    weak = client.post(path, {"password": "short"})
    assert "at least 12 characters" in weak.content.decode()
    assert client.post(path, {"password": NEW})["Location"] == "/"
    assert _is_in(client)
    assert client.get(path).status_code == 410
    assert _client().post(path, {"password": NEW}).status_code == 410
    assert Agent.objects.get(id=cast.bob.id).check_password(NEW)


def test_a_new_password_ends_the_sessions_made_with_the_old(cast: Cast) -> None:
    old = cast.bob.client
    assert _is_in(old)
    _client().post(_reset_path(cast), {"password": NEW})
    assert not _is_in(old)


def test_a_link_opened_by_somebody_who_is_signed_in_signs_its_agent_in(cast: Cast) -> None:
    cast.alice.client.post(_reset_path(cast), {"password": NEW})
    assert "Bob" in cast.alice.client.get("/account/").content.decode()


@pytest.mark.parametrize("path", ["/reset/nope", "/first-sign-in/nope", "/invite/nope"])
def test_a_link_that_does_not_work_says_what_to_do(cast: Cast, path: str) -> None:
    for response in (_client().get(path), _client().post(path, {"password": NEW})):
        assert response.status_code == 410
        assert "does not work any more" in response.content.decode()


def test_the_first_owner_comes_in_by_the_printed_link(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    Agent.objects.filter(id=cast.alice.id).update(email="", email_folded="", name="")
    try:
        first = sign_in.first_start(clock.now())
        assert first is not None
        client = _client()
        assert client.get(first.sign_in_path).status_code == 200
        form = {"name": "Ines", "email": f"{cast.alice.id}@example.com", "password": NEW}
        wrong = client.post(first.sign_in_path, form | {"email": cast.bob.email})
        assert "Another agent has this email." in wrong.content.decode()
        done = client.post(first.sign_in_path, form)
        assert done["Location"] == cast.home.url("welcome/")
        assert client.get(done["Location"]).status_code == 200
        assert client.get(first.sign_in_path).status_code == 410
    finally:
        Agent.objects.filter(email_folded="").update(email_folded=f"{cast.alice.id}")


def test_nobody_signs_in_as_the_owner_without_an_email(cast: Cast) -> None:
    Agent.objects.filter(id=cast.alice.id).update(email="", email_folded="", name="")
    try:
        client = _client()
        for email in ("", " ", "\u200b"):
            _sign_in(client, email)
        assert not _is_in(client)
    finally:
        Agent.objects.filter(email_folded="").update(email_folded=f"{cast.alice.id}")


def test_who_is_in_no_project_is_told_so(cast: Cast) -> None:
    team.remove_agent(cast.home.id, cast.bob.id, by=cast.alice.actor, now=clock.now())
    page = cast.bob.client.get("/account/")
    assert "You are in no project now" in page.content.decode()
    assert cast.bob.client.get(cast.home.url("welcome/")).status_code == 404
