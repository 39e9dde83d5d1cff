"""Settings of conversations: messenger, office hours, saved replies, identity, notifications."""

from __future__ import annotations

import base64
import hmac
from typing import Any

import pytest
from django.contrib.messages import get_messages

from regulars.inbox import preferences, saved_replies, settings
from regulars.inbox.preferences import AgentPreferences
from regulars.inbox.settings import MessengerSettings
from regulars.kit import clock
from regulars.workspaces.keys import note_identity_used
from regulars.workspaces.models import AuditEntry, Project
from tests.cast import Cast

EVIL = "\"><script>alert('x')</script>"

LOOKS = {
    "on": "on", "color": "#153b68", "own_color": "#000000", "side": "left",
    "greeting": "Hej {{ first_name }}", "intro": "What are you brewing?", "show_team": "on",
}  # fmt: skip
ANSWERING = {
    "always": "yes", "away_message": "Back soon.", "assignment": "manual", "inbound_address": "",
    "email_after_minutes": "5", "first_reply_target_minutes": "none",
}  # fmt: skip


def _said(response: Any) -> str:
    return " ".join(str(message) for message in get_messages(response.wsgi_request))


def _page(response: Any) -> str:
    return str(response.content.decode())


def _kept(cast: Cast) -> MessengerSettings:
    return settings.load(cast.connection, cast.home.id)


# Who sees what


@pytest.mark.parametrize("path", ["messenger/", "inbox/", "identity/"])
def test_these_settings_are_for_owners_and_admins(cast: Cast, path: str) -> None:
    url = cast.home.url(f"settings/{path}")
    assert cast.alice.client.get(url).status_code == 200
    assert cast.bob.client.get(url).status_code == 403
    assert cast.bob.client.post(url).status_code == 403


@pytest.mark.parametrize("path", ["reveal", "replace", "enforce", "check"])
def test_agents_neither_see_nor_change_the_identity_secret(cast: Cast, path: str) -> None:
    before = Project.objects.filter(id=cast.home.id).values().get()
    assert cast.bob.client.post(cast.home.url(f"settings/identity/{path}")).status_code == 403
    assert Project.objects.filter(id=cast.home.id).values().get() == before


def test_every_agent_opens_saved_replies_and_their_own_notifications(cast: Cast) -> None:
    for path in ("replies/", "notifications/"):
        page = cast.bob.client.get(cast.home.url(f"settings/{path}"))
        assert page.status_code == 200
        assert "settings/notifications/" in _page(page)
        assert "settings/keys/" not in _page(page)


# The messenger


def test_the_messenger_s_looks_are_saved(cast: Cast) -> None:
    url = cast.home.url("settings/messenger/")
    assert cast.alice.client.post(url, LOOKS)["Location"] == url
    kept = _kept(cast)
    assert (kept.on, kept.color, kept.side, kept.show_team) == (True, "#153b68", "left", True)
    assert (kept.greeting, kept.intro) == ("Hej {{ first_name }}", "What are you brewing?")
    assert (kept.ask_rating, kept.allow_files) == (False, False)


@pytest.mark.parametrize(("choice", "kept"), [("", None), ("own", "#123456")])
def test_a_colour_is_ours_or_one_s_own(cast: Cast, choice: str, kept: str | None) -> None:
    form = {**LOOKS, "color": choice, "own_color": "#123456"}
    cast.alice.client.post(cast.home.url("settings/messenger/"), form)
    assert _kept(cast).color == kept
    page = _page(cast.alice.client.get(cast.home.url("settings/messenger/")))
    assert f'name="color" value="{choice}" checked' in page


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("greeting", "Hi {{ frist_name }}", "There is no merge tag “frist_name”."),
        ("greeting", "", "The greeting can"),
        ("color", "#ffffff", "not one of the available choices"),
        ("side", "top", "not one of the available choices"),
    ],
)
def test_what_is_wrong_is_said_where_it_stands(
    cast: Cast, field: str, value: str, words: str
) -> None:
    answer = cast.alice.client.post(cast.home.url("settings/messenger/"), {**LOOKS, field: value})
    assert answer.status_code == 422
    assert words in _page(answer)
    assert _kept(cast) == MessengerSettings()


def test_an_own_colour_that_is_none_is_refused(cast: Cast) -> None:
    form = {**LOOKS, "color": "own", "own_color": "red"}
    answer = cast.alice.client.post(cast.home.url("settings/messenger/"), form)
    assert answer.status_code == 422
    assert "Expected a colour" in _page(answer)


def test_what_changed_is_in_the_audit_log(cast: Cast) -> None:
    form = {**LOOKS, "color": "", "side": "right", "ask_rating": "on", "allow_files": "on"}
    cast.alice.client.post(cast.home.url("settings/messenger/"), form)
    entry = AuditEntry.objects.get(project_id=cast.home.id, action="messenger.changed")
    assert entry.subject == "greeting, intro"
    assert entry.details["intro"] == ["How can we help?", "What are you brewing?"]
    assert entry.agent_id == cast.alice.id


def test_saving_the_same_again_logs_nothing(cast: Cast) -> None:
    for _ in range(2):
        cast.alice.client.post(cast.home.url("settings/messenger/"), LOOKS)
    logged = AuditEntry.objects.filter(action="messenger.changed", project_id=cast.home.id)
    assert logged.count() == 1


def test_a_hostile_greeting_is_shown_as_text(cast: Cast) -> None:
    cast.alice.client.post(
        cast.home.url("settings/messenger/"), {**LOOKS, "greeting": EVIL, "intro": EVIL}
    )
    page = _page(cast.alice.client.get(cast.home.url("settings/messenger/")))
    assert "<script>alert" not in page


# Office hours


def test_hours_are_saved_as_they_were_typed(cast: Cast) -> None:
    form = {
        **ANSWERING,
        "always": "",
        "from_0": ["09:00", "14:00"],
        "to_0": ["12:30", "00:00"],
        "from_5": ["22:00", ""],
        "to_5": ["02:00", ""],
    }
    url = cast.home.url("settings/inbox/")
    assert cast.alice.client.post(url, form)["Location"] == url
    assert settings.to_json(_kept(cast))["office_hours"] == [
        {"day": 0, "from": "09:00", "to": "12:30"},
        {"day": 0, "from": "14:00", "to": "24:00"},
        {"day": 5, "from": "22:00", "to": "02:00"},
    ]
    page = _page(cast.alice.client.get(url))
    assert 'name="from_0" value="14:00"' in page
    assert 'name="to_0" value="00:00"' in page


def test_hours_can_be_taken_back(cast: Cast) -> None:
    url = cast.home.url("settings/inbox/")
    cast.alice.client.post(url, {**ANSWERING, "always": "", "from_0": "09:00", "to_0": "17:00"})
    cast.alice.client.post(url, {**ANSWERING, "from_0": "09:00", "to_0": "17:00"})
    assert _kept(cast).office_hours is None


def test_hours_that_overlap_are_refused_and_stay_as_typed(cast: Cast) -> None:
    form = {**ANSWERING, "always": "", "from_1": ["09:00", "10:00"], "to_1": ["12:00", "11:00"]}
    answer = cast.alice.client.post(cast.home.url("settings/inbox/"), form)
    assert answer.status_code == 422
    page = _page(answer)
    assert "Tuesday: these hours overlap others." in page
    assert 'name="from_1" value="10:00"' in page
    assert _kept(cast) == MessengerSettings()


def test_half_an_interval_is_refused(cast: Cast) -> None:
    form = {**ANSWERING, "always": "", "from_1": "09:00", "to_1": ""}
    answer = cast.alice.client.post(cast.home.url("settings/inbox/"), form)
    assert "Tuesday: expected times such as 09:00." in _page(answer)


def test_who_answers_and_what_goes_by_email_are_saved(cast: Cast) -> None:
    form = {
        **ANSWERING,
        "assignment": "round_robin",
        "inbound_address": "reply@example.com",
        "email_after_minutes": "none",
        "first_reply_target_minutes": "60",
    }
    cast.alice.client.post(cast.home.url("settings/inbox/"), form)
    kept = _kept(cast)
    assert (kept.assignment, kept.inbound_address) == ("round_robin", "reply@example.com")
    assert (kept.email_after_minutes, kept.first_reply_target_minutes) == (None, 60)
    assert kept.away_message == "Back soon."


def test_what_rest_chose_can_be_kept(cast: Cast) -> None:
    settings.change(cast.connection, cast.home.id, {"email_after_minutes": 7}, clock.now())
    url = cast.home.url("settings/inbox/")
    page = _page(cast.alice.client.get(url))
    assert '<option value="7" selected>After 7 minutes</option>' in page
    cast.alice.client.post(url, {**ANSWERING, "email_after_minutes": "7"})
    assert _kept(cast).email_after_minutes == 7


def test_the_page_says_when_it_opens_next(cast: Cast) -> None:
    closed: dict[str, Any] = {"office_hours": []}
    settings.change(cast.connection, cast.home.id, closed, clock.now())
    assert "Closed now" in _page(cast.alice.client.get(cast.home.url("settings/inbox/")))


# Saved replies


def _reply(cast: Cast, **more: Any) -> Any:
    given = {"name": "Gift boxes", "body": "Hej {{ first_name }}", "shortcut": "gift", **more}
    return saved_replies.create(cast.connection, cast.home.id, clock.now(), **given)


def test_an_agent_writes_a_reply(cast: Cast) -> None:
    url = cast.home.url("settings/replies/")
    form = {"name": "Gift boxes", "shortcut": "/gift", "body": "Hej {{ first_name }}"}
    done = cast.bob.client.post(f"{url}new", form)
    assert done["Location"] == url
    assert "Gift boxes is saved." in _said(done)
    (kept,) = saved_replies.everything(cast.connection, cast.home.id)
    assert (kept.shortcut, kept.body, kept.created_by) == (
        "gift",
        "Hej {{ first_name }}",
        cast.bob.id,
    )
    entry = AuditEntry.objects.get(project_id=cast.home.id, action="saved_reply.made")
    assert entry.subject == "Gift boxes"


def test_a_colleague_writes_it_anew(cast: Cast) -> None:
    made = _reply(cast)
    url = cast.home.url(f"settings/replies/{made}/")
    assert "Hej {{ first_name }}" in _page(cast.bob.client.get(url))
    cast.bob.client.post(url, {"name": "Presents", "shortcut": "", "body": "Wrapped."})
    kept = saved_replies.get(cast.connection, cast.home.id, made)
    assert (kept.name, kept.shortcut, kept.changed_by) == ("Presents", None, cast.bob.id)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("name", "", "Name can"),
        ("body", "Hi {{ nobody }}", "There is no merge tag “nobody”."),
        ("shortcut", "gift", "/gift already finds “Gift boxes”."),
        ("shortcut", "two words", "A shortcut is up to 30"),
    ],
)
def test_a_reply_that_cannot_be_is_refused_where_it_is_wrong(
    cast: Cast, field: str, value: str, words: str
) -> None:
    _reply(cast)
    form = {"name": "Other", "shortcut": "", "body": "x", field: value}
    answer = cast.bob.client.post(cast.home.url("settings/replies/new"), form)
    assert answer.status_code == 422
    assert words in _page(answer)
    assert len(saved_replies.everything(cast.connection, cast.home.id)) == 1


def test_a_deleted_reply_can_be_had_back(cast: Cast) -> None:
    url = cast.home.url(f"settings/replies/{_reply(cast)}/")
    answer = cast.bob.client.post(f"{url}delete")
    assert f'hx-post="{url}restore"' in _page(answer)
    assert saved_replies.everything(cast.connection, cast.home.id) == []
    assert cast.bob.client.get(url).status_code == 404
    back = cast.bob.client.post(f"{url}restore")
    assert back["HX-Redirect"] == cast.home.url("settings/replies/")
    assert len(saved_replies.everything(cast.connection, cast.home.id)) == 1


def test_the_preview_reads_for_somebody_known_and_for_nobody(cast: Cast) -> None:
    body = 'Hej {{ first_name | default: "there" }}. {{ agent.first_name }} of {{ project.name }}'
    url = cast.home.url("settings/replies/preview")
    page = _page(cast.bob.client.post(url, {"body": body}))
    assert "Hej Amara. Bob of Tideway Coffee" in page
    assert "Hej there. Bob of Tideway Coffee" in page


def test_the_preview_says_what_is_wrong_and_runs_nothing(cast: Cast) -> None:
    url = cast.home.url("settings/replies/preview")
    assert "There is no merge tag" in _page(cast.bob.client.post(url, {"body": "{{ nobody }}"}))
    for body in (EVIL, f"{{{{ first_name | default: '{EVIL.replace(chr(39), '')}' }}}}"):
        assert "<script>alert" not in _page(cast.bob.client.post(url, {"body": body}))


def test_a_hostile_reply_is_shown_as_text(cast: Cast) -> None:
    made = _reply(cast, name=EVIL, body=EVIL)
    for path in ("", f"{made}/"):
        page = _page(cast.bob.client.get(cast.home.url(f"settings/replies/{path}")))
        assert "<script>alert" not in page


# Identity verification


def test_the_secret_is_on_the_page_only_when_asked_for(cast: Cast) -> None:
    secret = cast.home.config.identity_secret
    page = _page(cast.alice.client.get(cast.home.url("settings/identity/")))
    assert secret not in page
    assert secret[-4:] in page
    shown = cast.alice.client.post(cast.home.url("settings/identity/reveal"))
    assert secret in _page(shown)
    assert "no-store" in shown["Cache-Control"]


def test_who_looked_at_the_secret_is_in_the_audit_log(cast: Cast) -> None:
    cast.alice.client.post(cast.home.url("settings/identity/reveal"))
    entry = AuditEntry.objects.get(project_id=cast.home.id, action="identity.secret_shown")
    assert entry.agent_id == cast.alice.id


def test_the_secret_is_never_shown_for_a_link_that_was_followed(cast: Cast) -> None:
    assert cast.alice.client.get(cast.home.url("settings/identity/reveal")).status_code == 405


def test_a_new_secret_takes_the_old_one_s_place(cast: Cast) -> None:
    done = cast.alice.client.post(cast.home.url("settings/identity/replace"))
    assert "Put it on your server" in _said(done)
    now = Project.objects.get(id=cast.home.id).identity_secret
    assert now != cast.home.config.identity_secret


def test_the_demand_is_switched_by_hand(cast: Cast) -> None:
    url = cast.home.url("settings/identity/enforce")
    for form, demanded in (({"enforce_identity": "on"}, True), ({}, False)):
        cast.alice.client.post(url, form)
        assert Project.objects.get(id=cast.home.id).enforce_identity is demanded


def test_the_page_warns_where_pages_sign_and_nobody_demands_it(cast: Cast) -> None:
    url = cast.home.url("settings/identity/")
    assert "whoever says they are a user is believed" in _page(cast.alice.client.get(url))
    note_identity_used(cast.connection, cast.home.id, clock.now())
    assert "Signatures demanded" in _page(cast.alice.client.get(url))
    cast.alice.client.post(f"{url}enforce")
    assert "Unsigned claims are believed." in _page(cast.alice.client.get(url))


@pytest.mark.parametrize(
    ("user", "signed_for", "words"),
    [
        ("u_4812", "u_4812", "It matches"),
        ("u_4813", "u_4812", "It does not match"),
        ("", "u_4812", "Give a user id"),
    ],
)
def test_a_signature_can_be_tried(cast: Cast, user: str, signed_for: str, words: str) -> None:
    secret = cast.home.config.identity_secret.encode()
    token = hmac.new(secret, signed_for.encode(), "sha256").hexdigest()
    form = {"user_id": user, "token": token}
    answer = cast.alice.client.post(cast.home.url("settings/identity/check"), form)
    assert words in _page(answer)
    assert not Project.objects.get(id=cast.home.id).identity_used_at


def test_a_token_that_ran_out_is_told_from_one_that_is_wrong(cast: Cast) -> None:
    secret = cast.home.config.identity_secret
    head = "eyJhbGciOiJIUzI1NiJ9.eyJ1c2VyX2lkIjoidTEiLCJleHAiOjE3MDAwMDAwMDB9"
    signature = hmac.digest(secret.encode(), head.encode(), "sha256")
    token = f"{head}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"
    url = cast.home.url("settings/identity/check")
    assert "run out" in _page(cast.alice.client.post(url, {"user_id": "u1", "token": token}))
    assert "not match" in _page(cast.alice.client.post(url, {"user_id": "u2", "token": token}))


# Notifications and being away


def test_an_agent_chooses_how_to_be_told(cast: Cast) -> None:
    url = cast.home.url("settings/notifications/")
    form = {"browser": "on", "only_mine": "yes", "email_after_minutes": "30"}
    assert cast.bob.client.post(url, form)["Location"] == url
    kept = preferences.load(cast.connection, cast.home.id, cast.bob.id)
    assert kept == AgentPreferences(
        away=False, sound=False, browser=True, only_mine=True, email_after_minutes=30
    )
    assert preferences.load(cast.connection, cast.home.id, cast.alice.id) == AgentPreferences()


def test_an_agent_may_want_no_email_at_all(cast: Cast) -> None:
    form = {"only_mine": "", "email_after_minutes": "none"}
    cast.bob.client.post(cast.home.url("settings/notifications/"), form)
    kept = preferences.load(cast.connection, cast.home.id, cast.bob.id)
    assert (kept.email_after_minutes, kept.only_mine) == (None, False)


def test_away_mode_is_in_the_menu_of_every_page(cast: Cast) -> None:
    url = cast.home.url("settings/notifications/away")
    page = _page(cast.bob.client.get(cast.home.url("people/")))
    assert f'hx-post="{url}"' in page
    assert 'aria-pressed="false"' in page[page.index('id="away-mode"') :][:60]
    answer = cast.bob.client.post(url, {"away": "on"}, headers={"HX-Request": "true"})
    assert 'aria-pressed="true"' in _page(answer)
    assert " online" not in _page(answer)
    assert preferences.load(cast.connection, cast.home.id, cast.bob.id).away
    cast.bob.client.post(url, {"away": ""}, headers={"HX-Request": "true"})
    assert not preferences.load(cast.connection, cast.home.id, cast.bob.id).away


def test_without_scripts_away_mode_leads_to_the_page(cast: Cast) -> None:
    done = cast.bob.client.post(cast.home.url("settings/notifications/away"), {"away": "on"})
    assert done["Location"] == cast.home.url("settings/notifications/")
