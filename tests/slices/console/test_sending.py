"""Sending in the console: domains, services, topics, the outbox, whom we no longer write to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from typing import Any
from uuid import UUID

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from regulars.campaigns import settings as sending_settings
from regulars.kit import clock
from regulars.kit.ids import new_id
from regulars.mail import compose, dkim, domains, hooks, outgoing, subscriptions, suppressions
from regulars.mail import topics as topics_slice
from regulars.mail.letters import Letter, Mailbox
from regulars.mail.services import accounts
from regulars.workspaces.models import AuditEntry, Project
from tests.cast import Cast
from tests.running import free_port
from tests.slices.mail.names import Names, answering
from tests.slices.mail.services import Services, mail_services

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Iterator[Names]:
    with answering() as found:
        monkeypatch.setenv("REGULARS_DNS", found.setting)
        yield found


def _open(cast: Cast, path: str) -> str:
    answer = cast.alice.client.get(cast.home.url(path))
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def _post(cast: Cast, path: str, **said: Any) -> Any:
    return cast.alice.client.post(cast.home.url(path), said, follow=True)


def _out(cast: Cast, *addresses: str) -> dict[str, Any]:
    return dict(
        subscriptions.left_out(
            cast.connection, cast.home.id, addresses, marketing=False, topic_id=None
        )
    )


def _queued(cast: Cast, **changed: Any) -> UUID:
    letter: dict[str, Any] = {
        "id": new_id(clock.now()),
        "kind": "conversation",
        "sender": Mailbox("help@tideway.example", "Tideway"),
        "to": Mailbox("pat@example.com", "Pat"),
        "subject": "Your beans",
        "text": "They left today",
    }
    mail = compose.write(cast.home.id, Letter(**(letter | changed)), clock.now())
    return outgoing.queue(cast.connection, cast.home.id, mail, clock.now())


def test_saving_a_from_address_sets_its_domain_up(cast: Cast) -> None:
    _post(
        cast,
        "settings/email/",
        from_email="hello@tideway.example",
        from_name="Ines",
        company="Tideway Coffee",
        postal_address="Rua do Cais 14\nPorto",
    )
    project = Project.objects.get(id=cast.home.id)
    assert (project.from_email, project.company) == ("hello@tideway.example", "Tideway Coffee")
    assert project.track_mail is False
    signer = dkim.signer_of(cast.connection, cast.home.id, "hello@tideway.example")
    assert signer is not None
    page = _open(cast, "settings/email/")
    assert all(f"{key.selector}._domainkey.tideway.example" in page for key in signer.keys)


def test_an_unusable_from_address_is_refused_beside_its_field(cast: Cast) -> None:
    answer = _post(cast, "settings/email/", from_email="nobody")
    assert answer.status_code == 422
    assert "id_from_email_error" in answer.content.decode()


def test_a_project_s_from_address_by_rest_sets_its_domain_up(cast: Cast) -> None:
    answer = cast.alice.client.patch(
        "/api/v1/project",
        {"from_email": "hello@tideway.example", "track_mail": False},
        content_type="application/json",
        headers={"Authorization": f"Bearer {cast.home.secret_key}"},
    )
    assert answer.status_code == 200
    assert answer.json()["track_mail"] is False
    assert dkim.signer_of(cast.connection, cast.home.id, "hello@tideway.example") is not None


def test_records_are_looked_for_when_asked(cast: Cast, names: Names) -> None:
    _post(cast, "settings/email/domains/add", name="tideway.example")
    (domain,) = domains.all_of(cast.connection, cast.home.id, clock.now())
    page = _post(cast, f"settings/email/domains/{domain.id}/check").content.decode()
    assert "4 of 4 missing" in page
    names.say("tideway.example", "TXT", "v=spf1 -all")
    page = _post(cast, f"settings/email/domains/{domain.id}/check").content.decode()
    assert "3 of 4 missing" in page


def test_a_domain_s_life_is_in_the_audit_log(cast: Cast, names: Names) -> None:
    _post(cast, "settings/email/domains/add", name="tideway.example")
    (domain,) = domains.all_of(cast.connection, cast.home.id, clock.now())
    below = f"settings/email/domains/{domain.id}"
    _post(cast, f"{below}/rotate")
    _post(cast, f"{below}/return-path", return_path="back@tideway.example")
    assert "The new keys wait" in _open(cast, "settings/email/")
    _post(cast, f"{below}/remove")
    log = AuditEntry.objects.filter(project_id=cast.home.id, subject="tideway.example")
    assert set(log.values_list("action", flat=True)) == {
        f"mail_domain.{did}" for did in ("added", "rotated", "return_path", "removed")
    }
    assert domains.all_of(cast.connection, cast.home.id, clock.now()) == []


@pytest.mark.parametrize("name", ["", HOSTILE, "localhost", "a" * 400])
def test_what_is_no_domain_is_refused(cast: Cast, name: str) -> None:
    answer = _post(cast, "settings/email/domains/add", name=name)
    assert answer.status_code == 422
    assert HOSTILE not in answer.content.decode()


def test_a_service_s_password_is_shown_once(cast: Cast) -> None:
    page = _post(cast, "settings/email/services/postmark/set-up").content.decode()
    secret = hooks.secret_of(cast.connection, cast.home.id, "postmark")
    assert secret
    assert f"regulars:{secret}@" in page
    assert secret not in _open(cast, "settings/email/")
    _post(cast, "settings/email/services/postmark/remove")
    assert hooks.secret_of(cast.connection, cast.home.id, "postmark") is None


def test_a_service_s_key_is_checked(cast: Cast) -> None:
    answer = _post(cast, "settings/email/services/sendgrid/set-up", key="nonsense")
    assert answer.status_code == 422
    assert _post(cast, "settings/email/services/nobody/set-up").status_code == 404


def test_topics_are_made_changed_and_archived(cast: Cast) -> None:
    _post(cast, "settings/topics/", name=HOSTILE, description="Monthly")
    (topic,) = topics_slice.all_of(cast.connection, cast.home.id)
    assert HOSTILE not in cast.alice.client.get(cast.home.url("settings/topics/")).content.decode()
    again = _post(cast, "settings/topics/", name=HOSTILE.upper())
    assert again.status_code == 422
    _post(cast, f"settings/topics/{topic.id}/", name="News", description="")
    assert [one.name for one in topics_slice.all_of(cast.connection, cast.home.id)] == ["News"]
    _post(cast, f"settings/topics/{topic.id}/archive")
    assert topics_slice.all_of(cast.connection, cast.home.id) == []


def test_health_is_there_before_anything_was_sent(cast: Cast) -> None:
    page = _open(cast, "sending/")
    assert "Nothing is on its way." in page
    assert "No mail server is set" in page


def test_the_outbox_shows_mail_exactly_as_it_leaves(cast: Cast) -> None:
    mail_id = _queued(cast, subject=f"Beans {HOSTILE}", text=f"Hi {HOSTILE}")
    raw = outgoing.raw_of(cast.connection, cast.home.id, mail_id)
    assert raw is not None
    page = _open(cast, f"sending/outbox/{mail_id}/?as=source")
    assert bytes(raw).decode().replace("\r\n", "\n").strip() in page
    plain = cast.alice.client.get(cast.home.url(f"sending/outbox/{mail_id}/?as=text"))
    assert HOSTILE not in plain.content.decode()
    assert f"Hi {HOSTILE}" in unescape(plain.content.decode())


def test_a_mail_s_html_runs_nothing_and_fetches_nothing_from_afar(cast: Cast) -> None:
    mail_id = _queued(cast)
    answer = cast.alice.client.get(cast.home.url(f"sending/outbox/{mail_id}/mail.html"))
    policy = answer["Content-Security-Policy"]
    assert policy.startswith("sandbox; default-src 'none'")
    assert "script-src" not in policy
    assert answer["X-Frame-Options"] == "SAMEORIGIN"
    assert "They left today" in answer.content.decode()


def test_the_outbox_goes_back_in_time(cast: Cast) -> None:
    for number in range(52):
        _queued(cast, id=new_id(clock.now()), subject=f"Mail {number}.")
    page = _open(cast, "sending/outbox/")
    assert ("Mail 51." in page, "Mail 1." in page) == (True, False)
    older = re.search(r'href="([^"]+before=[^"]+)">Older', page)
    assert older
    answer = cast.alice.client.get(older[1])
    assert "Mail 1." in answer.content.decode()


def test_addresses_and_domains_are_blocked_and_let_go(cast: Cast) -> None:
    _post(cast, "sending/suppressed/add", address="Pat@Example.com", detail=HOSTILE)
    _post(cast, "sending/suppressed/add", address="@gone.example")
    assert _out(cast, "pat@example.com", "x@gone.example") == {
        "pat@example.com": "suppressed",
        "x@gone.example": "suppressed",
    }
    page = cast.alice.client.get(cast.home.url("sending/suppressed/?q=pat")).content.decode()
    assert ("pat@example.com" in page, "@gone.example" in page) == (True, False)
    assert HOSTILE not in page
    (one,) = suppressions.page(cast.connection, cast.home.id, clock.now(), text="pat")
    _post(cast, f"sending/suppressed/{one.id}/remove")
    assert _out(cast, "pat@example.com") == {}


def test_plain_agents_see_the_list_and_change_nothing(cast: Cast) -> None:
    suppressions.add(cast.connection, cast.home.id, "pat@example.com", "bounced", clock.now())
    page = cast.bob.client.get(cast.home.url("sending/suppressed/"))
    assert "pat@example.com" in page.content.decode()
    for path in ("add", "import", "not-written-to.csv"):
        url = cast.home.url(f"sending/suppressed/{path}")
        assert cast.bob.client.post(url, {"address": "a@b.example"}).status_code == 403


def test_a_file_of_addresses_is_taken_in_and_given_out(cast: Cast) -> None:
    text = "\ufeffEmail\r\nPat@Example.com,x\r\n\r\nnonsense\r\n@gone.example\r\n=1+1@x.example\r\n"
    file = SimpleUploadedFile("gone.csv", text.encode())
    page = _post(cast, "sending/suppressed/import", file=file).content.decode()
    assert "3 addresses were added. 1 lines were no address." in page
    answer = cast.alice.client.get(cast.home.url("sending/suppressed/not-written-to.csv"))
    lines = b"".join(answer.streaming_content).decode().splitlines()  # type: ignore[attr-defined]
    assert lines[0] == "address,reason,since,detail"
    assert {line.split(",")[0] for line in lines[1:]} == {
        "pat@example.com",
        "@gone.example",
        "'=1+1@x.example",
    }


@pytest.mark.parametrize("content", [b"", b"\0" * 1000, b"\xff\xfe\xfd", b'"' * 5000])
def test_odd_files_add_nobody(cast: Cast, content: bytes) -> None:
    _post(cast, "sending/suppressed/import", file=SimpleUploadedFile("x.csv", content))
    assert suppressions.page(cast.connection, cast.home.id, clock.now()) == []


# The project's own server


PACE = {"at_once": "3", "per_second": "20", "domain_at_once": ""}


def test_a_project_sends_by_a_server_of_its_own_whose_password_nobody_sees_again(
    cast: Cast,
) -> None:
    url = "smtps://tideway:s3cret-word@mail.example.com"
    page = _post(cast, "settings/email/server", smtp_url=url, **PACE).content.decode()
    assert "tideway@mail.example.com" in page
    assert "s3cret-word" not in page
    kept = sending_settings.of_project(cast.connection, cast.home.id)
    assert (kept.smtp_url, kept.at_once, kept.per_second) == (url, 3, 20.0)
    assert "tideway@mail.example.com" in _open(cast, "sending/")
    (entry,) = AuditEntry.objects.filter(project_id=cast.home.id, action="sending.server_changed")
    assert "s3cret-word" not in str(entry.__dict__)


def test_the_server_stays_where_only_the_pace_is_changed(cast: Cast) -> None:
    _post(cast, "settings/email/server", smtp_url="smtp://mail.example.com", **PACE)
    _post(cast, "settings/email/server", smtp_url="", **(PACE | {"at_once": "7"}))
    kept = sending_settings.of_project(cast.connection, cast.home.id)
    assert (kept.smtp_url, kept.at_once) == ("smtp://mail.example.com", 7)


def test_a_project_goes_back_to_the_installations_server(cast: Cast) -> None:
    _post(cast, "settings/email/server", smtp_url="smtp://mail.example.com", **PACE)
    _post(cast, "settings/email/server", smtp_url="", forget="on", **PACE)
    assert sending_settings.of_project(cast.connection, cast.home.id).smtp_url == ""


@pytest.mark.parametrize("url", ["mail.example.com", "http://mail.example.com", "smtp://", HOSTILE])
def test_what_is_no_server_is_refused_by_name(cast: Cast, url: str) -> None:
    answer = _post(cast, "settings/email/server", smtp_url=url, **PACE)
    assert answer.status_code == 422
    assert "Write smtp://name:password@host" in answer.content.decode()
    assert HOSTILE not in answer.content.decode()


def test_who_does_not_manage_a_project_does_not_choose_its_server(cast: Cast) -> None:
    answer = cast.bob.client.post(cast.home.url("settings/email/server"), PACE)
    assert answer.status_code == 403


# A mail service


@pytest.fixture
def services(monkeypatch: pytest.MonkeyPatch) -> Iterator[Services]:
    monkeypatch.setenv("REGULARS_TESTING", "1")
    with mail_services() as running:
        monkeypatch.setenv("REGULARS_MAIL_SERVICES_AT", running.url)
        yield running


def _from(cast: Cast, address: str) -> None:
    Project.objects.filter(id=cast.home.id).update(from_email=address)


def test_a_project_sends_by_a_service_whose_key_nobody_sees_again(cast: Cast) -> None:
    said = {"key": "AKIA1", "secret": "s3cret-word", "region": "eu-west-1"}
    page = _post(cast, "settings/email/services/ses/send-by", **said).content.decode()
    assert "Mail leaves by <b>Amazon SES</b>" in page
    assert "eu-west-1" in page
    assert "s3cret-word" not in page
    assert "AKIA1" not in page
    kept = sending_settings.of_project(cast.connection, cast.home.id)
    assert accounts.read("ses", kept.service_key)["secret"] == "s3cret-word"
    assert "Amazon SES" in _open(cast, "sending/")
    (entry,) = AuditEntry.objects.filter(project_id=cast.home.id, action="sending.service_chosen")
    assert "s3cret-word" not in str(entry.__dict__)


def test_a_key_that_is_not_said_anew_stays(cast: Cast) -> None:
    url = "settings/email/services/postmark/send-by"
    _post(cast, url, key="token")
    _post(cast, url, key="", stream="broadcast")
    kept = sending_settings.of_project(cast.connection, cast.home.id)
    account = accounts.read("postmark", kept.service_key)
    assert (account["key"], account["stream"]) == ("token", "broadcast")
    _post(cast, "settings/email/server", smtp_url="", **PACE)
    assert sending_settings.of_project(cast.connection, cast.home.id).service == "postmark"


def test_a_service_is_left_and_its_key_forgotten(cast: Cast) -> None:
    _post(cast, "settings/email/services/resend/send-by", key="token")
    _post(cast, "settings/email/service/stop")
    kept = sending_settings.of_project(cast.connection, cast.home.id)
    assert (kept.service, kept.service_key) == ("", "")


@pytest.mark.parametrize(
    ("service", "said", "words"),
    [
        ("brevo", {"key": ""}, "API key is missing"),
        ("mailgun", {"key": "x", "region": HOSTILE}, "There is no such region"),
        ("ses", {"key": "x", "secret": "y", "region": "nowhere"}, "such as eu-west-1"),
    ],
)
def test_what_is_no_account_is_refused_in_words(
    cast: Cast, service: str, said: dict[str, str], words: str
) -> None:
    answer = _post(cast, f"settings/email/services/{service}/send-by", **said)
    assert answer.status_code == 422
    assert words in unescape(answer.content.decode())
    assert HOSTILE not in answer.content.decode()
    assert sending_settings.of_project(cast.connection, cast.home.id).service == ""


def test_a_test_goes_to_oneself_by_whatever_mail_leaves_by(cast: Cast, services: Services) -> None:
    _from(cast, "hello@tideway.example")
    _post(cast, "settings/email/services/postmark/send-by", key="right")
    page = _post(cast, "settings/email/test").content.decode()
    assert "Postmark took a test" in page
    (took,) = services.took
    assert took.to == cast.alice.email
    services.answers.append("422")
    page = _post(cast, "settings/email/test").content.decode()
    assert "The test did not leave. Postmark said: 422 No, says postmark" in page


def test_a_test_without_a_sender_says_what_to_do(cast: Cast, services: Services) -> None:
    _from(cast, "")
    _post(cast, "settings/email/services/postmark/send-by", key="right")
    assert "Say above which address" in _post(cast, "settings/email/test").content.decode()
    assert services.took == []


def test_who_does_not_manage_a_project_sends_by_no_service(cast: Cast) -> None:
    for path in ("services/brevo/send-by", "service/stop", "test"):
        answer = cast.bob.client.post(cast.home.url(f"settings/email/{path}"), {"key": "x"})
        assert answer.status_code == 403


def test_all_emails_are_held_and_let_go(cast: Cast) -> None:
    page = unescape(_post(cast, "sending/hold").content.decode())
    assert "No email leaves, by Alice" in page
    assert "Hold all emails" not in page
    page = _post(cast, "sending/let-go").content.decode()
    assert "Hold all emails" in page
    said = AuditEntry.objects.filter(project_id=cast.home.id).values_list("action", flat=True)
    assert {"sending.held", "sending.let_go"} <= set(said)
    assert cast.bob.client.post(cast.home.url("sending/hold")).status_code == 403


@pytest.mark.parametrize(
    ("host", "words"),
    [("127.0.0.1", "Nothing answers at 127.0.0.1:{}."), ("gone.invalid", "no server called gone")],
)
def test_a_test_to_a_server_that_is_not_there_says_so(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, host: str, words: str
) -> None:
    port = free_port()
    monkeypatch.setenv("REGULARS_SMTP_URL", f"smtp://{host}:{port}")
    _from(cast, "hello@tideway.example")
    page = unescape(_post(cast, "settings/email/test").content.decode())
    assert f"The test did not leave. {'Nothing' if host[0] == '1' else 'There is'}" in page
    assert words.format(port) in page
