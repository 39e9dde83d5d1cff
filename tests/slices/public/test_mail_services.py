"""Mail services tell what became of mail: only they are believed, and only about their project."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from regulars.kit import clock
from regulars.mail import addresses, feedback, hooks, sns, subscriptions, suppressions
from regulars.mail.feedback import Recipient
from regulars.mail.services import told
from tests.pure.mail.amazon import Amazon
from tests.slices.public.test_mail_door import Noting

PAT = "pat@example.com"
SIGNING = ec.generate_private_key(ec.SECP256R1())
SENDGRID_KEY = base64.b64encode(
    SIGNING.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
).decode()
RESEND_KEY = "whsec_" + base64.b64encode(b"a secret of resend's").decode()
AMAZON = Amazon()
KEYS = {"mailgun": "key-of-mailgun", "sendgrid": SENDGRID_KEY, "resend": RESEND_KEY}


class Desk:
    """A project that hears of services, and the recipient of a mail of its."""

    def __init__(self, database: psycopg.Connection[Any], project: Any, url: str) -> None:
        self.database, self.project_id, self.url = database, project.id, url
        self.ledger = Noting()
        self.recipient_id = uuid4()
        self.ledger.recipients[self.recipient_id] = Recipient(PAT, None)
        self.id = f"<{addresses.mark(self.recipient_id)}@tideway.example>"
        self.secrets = {
            service: hooks.set_up(database, project.id, service, KEYS.get(service, ""), clock.now())
            for service in hooks.SERVICES
        }

    def post(self, service: str, said: Any, project_id: UUID | None = None, **change: Any) -> int:
        """Tell it as the service would; `key` forges with another secret."""
        if service == "ses" and isinstance(said, dict) and change.get("signed", True):
            said = AMAZON.signed(said)
        body = json.dumps(self.mailgun(said, change) if service == "mailgun" else said).encode()
        headers = {"Content-Type": "application/json", **self.proof(service, body, change)}
        url = self.url + hooks.path_of(project_id or self.project_id, service)
        return httpx.post(url, content=body, headers=headers, timeout=30).status_code

    def mailgun(self, said: Any, change: dict[str, Any]) -> Any:
        key = change.get("key", self.secrets["mailgun"])
        code = hmac.digest(key.encode(), b"1600000000token", "sha256").hex()
        signed = {"timestamp": "1600000000", "token": "token", "signature": code}
        return {"signature": signed, "event-data": said}

    def proof(self, service: str, body: bytes, change: dict[str, Any]) -> dict[str, str]:
        secret = change.get("key", self.secrets[service])
        if service == "sendgrid":
            key = SIGNING if "key" not in change else ec.generate_private_key(ec.SECP256R1())
            code = base64.b64encode(key.sign(b"1600" + body, ec.ECDSA(SHA256()))).decode()
            return {
                "X-Twilio-Email-Event-Webhook-Signature": code,
                "X-Twilio-Email-Event-Webhook-Timestamp": "1600",
            }
        if service == "resend":
            raw = base64.b64decode(secret.removeprefix("whsec_") + "==")
            code = base64.b64encode(hmac.digest(raw, b"m1.1600." + body, "sha256")).decode()
            return {"svix-id": "m1", "svix-timestamp": "1600", "svix-signature": f"v1,{code}"}
        if service == "mailgun":
            return {}
        more = {}
        if service == "ses":
            more = {"x-amz-sns-message-type": "Notification", "x-amz-sns-message-id": "1"}
        user = base64.b64encode(f"regulars:{secret}".encode()).decode()
        return {"Authorization": f"Basic {user}", **more}

    def reasons(self) -> dict[str, str]:
        return dict(
            subscriptions.left_out(
                self.database, self.project_id, [PAT], marketing=True, topic_id=None
            )
        )


@pytest.fixture
def desk(
    database: psycopg.Connection[Any],
    project: Any,
    served: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Desk]:
    monkeypatch.setattr(sns, "_CERTIFICATES", AMAZON.certificates())
    found = Desk(database, project, served.url)
    feedback.LEDGERS.append(found.ledger)
    yield found
    served.settle()
    feedback.LEDGERS.remove(found.ledger)


def bounce(service: str, message_id: str) -> Any:
    """A lasting bounce, in the service's words."""
    return {
        "ses": {
            "Type": "Notification",
            "MessageId": "1",
            "Timestamp": "2026-05-04T09:30:00.000Z",
            "Message": json.dumps(
                {
                    "eventType": "Bounce",
                    "bounce": {
                        "bounceType": "Permanent",
                        "bounceSubType": "General",
                        "bouncedRecipients": [
                            {"emailAddress": PAT, "diagnosticCode": "smtp; 550 5.1.1 unknown"}
                        ],
                    },
                    "mail": {
                        "messageId": "of-amazon",
                        "destination": [PAT],
                        "headers": [{"name": "Message-ID", "value": message_id}],
                    },
                }
            ),
        },
        "mailjet": {
            "event": "bounce",
            "time": 1777887000,
            "MessageID": 7,
            "email": PAT,
            "hard_bounce": True,
            "error": "user unknown",
            "Payload": json.dumps({"regulars": message_id}),
        },
        "sparkpost": [
            {
                "msys": {
                    "message_event": {
                        "type": "bounce",
                        "bounce_class": "10",
                        "rcpt_to": PAT,
                        "reason": "550 5.1.1 unknown",
                        "timestamp": "1777887000",
                        "transmission_id": "of-sparkpost",
                        "rcpt_meta": {"regulars": message_id},
                    }
                }
            }
        ],
        "brevo": {
            "event": "hard_bounce",
            "email": PAT,
            "message-id": message_id,
            "ts_epoch": 1777887000000,
            "reason": "550 5.1.1 unknown",
        },
        "mailgun": {
            "event": "failed",
            "severity": "permanent",
            "reason": "bounce",
            "timestamp": 1777887000.0,
            "id": "1",
            "recipient": PAT,
            "delivery-status": {"code": 550, "message": "5.1.1 user unknown"},
            "message": {"headers": {"message-id": message_id.strip("<>")}},
        },
        "postmark": {
            "RecordType": "Bounce",
            "Type": "HardBounce",
            "Email": PAT,
            "BouncedAt": "2026-05-04T09:30:00Z",
            "MessageID": "of-postmark",
            "Description": "The server was unable to deliver your message",
            "Details": "smtp;550 5.1.1 unknown",
            "Metadata": {"regulars": message_id},
        },
        "resend": {
            "type": "email.bounced",
            "created_at": "2026-05-04T09:30:00.000Z",
            "data": {
                "email_id": "of-resend",
                "to": [PAT],
                "bounce": {"message": "a hard bounce message", "type": "Permanent"},
                "headers": [{"name": "Message-ID", "value": message_id}],
            },
        },
        "sendgrid": [
            {
                "event": "bounce",
                "type": "bounce",
                "email": PAT,
                "timestamp": 1777887000,
                "smtp-id": message_id,
                "sg_event_id": "1",
                "sg_message_id": "2",
                "reason": "550 5.1.1 unknown",
                "status": "5.1.1",
            }
        ],
    }[service]


SERVICES = sorted(hooks.SERVICES)


@pytest.mark.parametrize("service", SERVICES)
def test_a_bounce_that_a_service_tells_of_is_recorded(desk: Desk, service: str) -> None:
    assert desk.post(service, bounce(service, desk.id)) == 200
    assert desk.reasons() == {PAT: "bounced"}
    (told,) = desk.ledger.told
    assert (told.recipient_id, told.outcome, told.lasting) == (desk.recipient_id, "bounced", True)
    heard = {hook.service: hook.told_at for hook in hooks.all_of(desk.database, desk.project_id)}
    assert [name for name, at in heard.items() if at is not None] == [service]


@pytest.mark.parametrize("service", SERVICES)
def test_nobody_else_is_believed(desk: Desk, service: str) -> None:
    said = bounce(service, desk.id)
    assert desk.post(service, said, key="whsec_Zm9yZ2Vk") == 401
    url = desk.url + hooks.path_of(desk.project_id, service)
    for headers in ({}, {"Authorization": "Basic !!"}, {"svix-signature": "v1,"}):
        assert httpx.post(url, json=said, headers=headers).status_code == 401
    assert httpx.post(url, content=b"\xff{", timeout=30).status_code == 401
    assert desk.reasons() == {}
    assert desk.ledger.told == []


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_that_was_not_set_up_is_not_heard(desk: Desk, service: str) -> None:
    hooks.remove(desk.database, desk.project_id, service)
    assert desk.post(service, bounce(service, desk.id)) == 401
    assert desk.post(service, bounce(service, desk.id), uuid4()) == 401
    assert desk.ledger.told == []


def test_what_is_true_of_one_project_is_none_of_another_s(desk: Desk) -> None:
    """The other project's own secret opens its own door, and reaches nobody of this one."""
    from regulars.workspaces.actions import create_project

    other = create_project("Elsewhere", now=clock.now()).project_id
    secret = hooks.set_up(desk.database, other, "postmark", "", clock.now())
    assert desk.post("postmark", bounce("postmark", desk.id), key=secret) == 401
    assert desk.reasons() == {}


def test_an_event_about_no_mail_of_ours_counts_for_the_address(desk: Desk) -> None:
    assert desk.post("sendgrid", bounce("sendgrid", "<somebody@else.example>")) == 200
    assert desk.ledger.told == []
    assert desk.reasons() == {PAT: "bounced"}


def test_told_again_it_changes_nothing(desk: Desk) -> None:
    for _ in range(2):
        assert desk.post("postmark", bounce("postmark", desk.id)) == 200
    assert suppressions.counts(desk.database, desk.project_id)["bounced"] == 1


def test_a_passing_failure_suppresses_nobody(desk: Desk) -> None:
    (said,) = bounce("sendgrid", desk.id)
    assert desk.post("sendgrid", [said | {"type": "blocked", "reason": "550 5.7.1 spam"}]) == 200
    assert desk.reasons() == {}
    assert [told.lasting for told in desk.ledger.told] == [False]


@pytest.mark.parametrize(
    ("event", "reason"), [("spamreport", "complained"), ("unsubscribe", "unsubscribed")]
)
def test_complaints_and_unsubscriptions_are_heeded(desk: Desk, event: str, reason: str) -> None:
    (said,) = bounce("sendgrid", desk.id)
    assert desk.post("sendgrid", [said | {"event": event}]) == 200
    assert desk.reasons() == {PAT: reason}


def test_openings_by_machines_are_told_apart(desk: Desk) -> None:
    said = bounce("sendgrid", desk.id)[0] | {"event": "open", "ip": "192.0.2.1"}
    firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
    for agent in (firefox, "Mozilla/5.0"):
        assert desk.post("sendgrid", [said | {"useragent": agent}]) == 200
    assert [(told.outcome, told.machine) for told in desk.ledger.told] == [
        ("opened", False),
        ("opened", True),
    ]


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("said", [{}, [], [[]], {"event": None}, "text", 7, {"Type": "x" * 9}])
def test_odd_words_of_a_service_are_refused_or_mean_nothing(
    desk: Desk, service: str, said: Any
) -> None:
    assert desk.post(service, said) in (200, 400) or service == "ses"
    assert desk.ledger.told == []


@pytest.mark.parametrize("change", [{"MessageId": "2"}, {"Signature": ""}, {"Type": "Notified"}])
def test_what_amazon_did_not_sign_is_not_believed(desk: Desk, change: dict[str, str]) -> None:
    """The password alone is not enough: it stands in an address, which others may have seen."""
    said = AMAZON.signed(bounce("ses", desk.id)) | change
    assert desk.post("ses", said, signed=False) == 401
    assert desk.post("ses", bounce("ses", desk.id), signed=False) == 401
    assert desk.ledger.told == []


def test_amazon_is_asked_to_tell_it_again_while_its_certificate_is_away(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_url: str) -> bytes:
        raise sns.UnavailableError("Amazon’s certificate can’t be had: try again.")

    monkeypatch.setattr(sns, "_CERTIFICATES", sns.Certificates(away))
    assert desk.post("ses", bounce("ses", desk.id)) == 503


NAMES = {
    "ses": "of-amazon",
    "mailjet": "7",
    "postmark": "of-postmark",
    "resend": "of-resend",
    "sparkpost": "of-sparkpost",
}


@pytest.mark.parametrize("service", NAMES)
def test_a_mail_is_known_by_what_the_service_called_it(desk: Desk, service: str) -> None:
    """Some tell of a mail by their own name for it alone."""
    named = [(desk.recipient_id, (service, NAMES[service]))]
    told.keep(desk.database, desk.project_id, named, clock.now())
    assert desk.post(service, bounce(service, "nothing of ours")) == 200
    (heard,) = desk.ledger.told
    assert heard.recipient_id == desk.recipient_id


def test_amazon_s_question_is_answered_to_amazon_alone(desk: Desk) -> None:
    said = {
        "Type": "SubscriptionConfirmation",
        "MessageId": "1",
        "SubscribeURL": "https://sns.eu-west-1.amazonaws.com.evil.example/?x",
    }
    assert desk.post("ses", said) == 400
    assert desk.post("ses", said | {"SubscribeURL": "file:///etc/passwd"}) == 400


@pytest.mark.parametrize(
    "path", ["/hooks/service/", "/hooks/service/nobody/x", "/hooks/service/ses/x"]
)
def test_there_are_no_other_doors(desk: Desk, path: str) -> None:
    assert httpx.post(desk.url + path).status_code == 404


def test_keys_of_services_are_sealed(desk: Desk) -> None:
    rows = desk.database.execute(
        "SELECT secret FROM mail_hook WHERE project_id = %s", (desk.project_id,)
    ).fetchall()
    assert len(rows) == len(SERVICES)
    assert all(secret.encode() not in row[0] for row in rows for secret in desk.secrets.values())


@pytest.mark.parametrize(
    ("service", "key"), [("sendgrid", "no key"), ("resend", "abc"), ("mailgun", " ")]
)
def test_what_is_no_key_is_refused(desk: Desk, service: str, key: str) -> None:
    with pytest.raises(hooks.SecretError):
        hooks.set_up(desk.database, desk.project_id, service, key, clock.now())
