"""The door at which mail services tell what became of mail.

What a service says is read by django-anymail, after we have made sure that it is the service that
says it: its signature, or the password it was given. Anything else is answered 401 and leaves no
trace. A recipient is known by our mark, which the service repeats from the mail's headers or from
what it was told beside them, or else by what the service called the mail when it took it; of an
event about no mail that we know, only what it means for the address counts.
"""

from __future__ import annotations

import asyncio
import io
import json
import logging
import re
import warnings
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen
from uuid import UUID

from regulars.kit import database
from regulars.kit.database import Away
from regulars.mail import addresses, bounces, feedback, hooks, machines, sns
from regulars.mail.feedback import Connection, Feedback, Outcome
from regulars.mail.hooks import Call
from regulars.mail.machines import Hit
from regulars.mail.services import told
from regulars.public import http
from regulars.public.http import Receive, Scope, Send

MOST_BYTES = 5_000_000
MOST_AT_ONCE = 4
MOST_EVENTS = 5_000
MOST_REASON = 300
_MOST_NAME = 300

_OUTCOMES: dict[str, Outcome] = {
    "delivered": "delivered",
    "bounced": "bounced",
    "rejected": "bounced",
    "complained": "complained",
    "unsubscribed": "unsubscribed",
    "opened": "opened",
    "clicked": "clicked",
}
# Where Amazon has subscriptions confirmed.
_SNS_HOST = re.compile(r"sns\.[a-z0-9-]+\.amazonaws\.com(\.cn)?")
_CONFIRMING = 10.0  # seconds

log = logging.getLogger(__name__)


class MailServices:
    """`POST /hooks/service/<service>/<project>`."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._room = asyncio.Semaphore(MOST_AT_ONCE)

    def opens(self, path: str) -> bool:
        """Whether the path is a service's door."""
        return path.startswith(hooks.PREFIX)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. 200 means that it is stored, or means nothing to us."""
        place = hooks.place_of(scope["path"])
        if place is None:
            await http.refuse(send, 404, "not_found", "There is no such door.")
            return
        if scope["method"] == "HEAD":
            await http.answer(send, 200, b"", [])
            return
        if scope["method"] != "POST":
            await http.refuse(send, 405, "method_not_allowed", "Tell it with POST.")
            return
        try:
            async with self._room:
                body = await http.read_body(receive, MOST_BYTES)
                status = await asyncio.to_thread(_take, *place, scope, body, self._now())
        except http.GoneError:
            return
        except http.BodyTooLargeError:
            await http.refuse(send, 400, "too_large", "That is too much at once.")
        except (*Away, TimeoutError):
            message = "The database is away: try again."
            await http.refuse(send, 503, "unavailable", message, retry_after=30)
        except sns.UnavailableError as away:
            await http.refuse(send, 503, "unavailable", str(away), retry_after=30)
        else:
            await _say(send, status)


async def _say(send: Send, status: HTTPStatus) -> None:
    if status is HTTPStatus.UNAUTHORIZED:
        body = b'{"code":"unauthorized","message":"This is not signed by the mail service."}'
        asks = (b"www-authenticate", b'Basic realm="Regulars"')
        await http.answer(send, 401, body, [http.JSON, asks])
    elif status is HTTPStatus.BAD_REQUEST:
        await http.refuse(send, 400, "unreadable", "That is not what the service says.")
    else:
        await http.answer_json(send, 200, {"success": True})


def _take(service: str, project_id: UUID, scope: Scope, body: bytes, now: datetime) -> HTTPStatus:
    headers = {key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]}
    with database.pool().connection() as connection:
        secret = hooks.secret_of(connection, project_id, service)
    if secret is None or not hooks.SERVICES[service].proves(secret, Call(headers, body)):
        return HTTPStatus.UNAUTHORIZED
    try:
        events = _read(service, scope, body)
    except Exception as wrong:  # noqa: BLE001 - anymail raises whatever a payload makes it raise
        log.info("What %s says can't be read: %s", service, type(wrong).__name__)
        return HTTPStatus.BAD_REQUEST
    for event in events[:MOST_EVENTS]:
        with database.transaction() as connection:
            _record(connection, service, project_id, event, now)
    with database.pool().connection() as connection:
        hooks.note_told(connection, project_id, service, now)
    return HTTPStatus.OK


def _read(service: str, scope: Scope, body: bytes) -> list[Any]:
    """The service's events, as anymail names them."""
    from django.core.handlers.asgi import ASGIRequest  # noqa: PLC0415 - doors load without Django

    if service == "ses" and _confirms(body):
        return []
    request = ASGIRequest({**scope, "root_path": ""}, io.BytesIO(body))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that no password is set: we have checked it ourselves
        view = _views()[service]
        found: list[Any] = view.parse_events(request)
    return found


@cache
def _views() -> dict[str, Any]:
    """Anymail's readers, without what they need to check who calls."""
    from anymail.webhooks import (  # noqa: PLC0415 - slow to load, and needs Django
        amazon_ses,
        brevo,
        mailgun,
        mailjet,
        postmark,
        resend,
        sendgrid,
        sparkpost,
    )

    classes = {
        "ses": amazon_ses.AmazonSESTrackingWebhookView,
        "brevo": brevo.BrevoTrackingWebhookView,
        "mailgun": mailgun.MailgunTrackingWebhookView,
        "mailjet": mailjet.MailjetTrackingWebhookView,
        "postmark": postmark.PostmarkTrackingWebhookView,
        "resend": resend.ResendTrackingWebhookView,
        "sendgrid": sendgrid.SendGridTrackingWebhookView,
        "sparkpost": sparkpost.SparkPostTrackingWebhookView,
    }
    # Made without their __init__, which wants the settings of a site with one account.
    return {name: kind.__new__(kind) for name, kind in classes.items()}


def _confirms(body: bytes) -> bool:
    """Answer Amazon's question whether we want its notifications; whether it asked.

    It has shown the password that only whoever set it up here knows, and its own signature.
    """
    said = json.loads(body)
    if said.get("Type") != "SubscriptionConfirmation":
        return False
    url = str(said.get("SubscribeURL", ""))
    parts = urlsplit(url)
    if parts.scheme != "https" or not _SNS_HOST.fullmatch(parts.hostname or ""):
        raise ValueError("not Amazon's address")
    with urlopen(url, timeout=_CONFIRMING):  # noqa: S310 - https and Amazon's, see above
        return True


def _record(
    connection: Connection, service: str, project_id: UUID, event: Any, now: datetime
) -> None:
    outcome = _OUTCOMES.get(str(event.event_type))
    if outcome is None:
        return
    reason = str(event.mta_response or event.description or event.reject_reason or "")
    detail: dict[str, Any] = {"reason": reason[:MOST_REASON]} if outcome == "bounced" else {}
    if outcome == "clicked" and event.click_url:
        detail["url"] = str(event.click_url)[:2_000]
    lasting = outcome == "bounced" and _lasts(service, event, reason)
    at = _at(event, now)
    for mail_id in _mails(connection, service, project_id, event):
        why = None
        if outcome in ("opened", "clicked"):
            recipient = feedback.find(connection, project_id, mail_id)
            hit = Hit(outcome, "GET", str(event.user_agent or ""), None, at)
            why = machines.machine(hit, recipient.sent_at if recipient else None)
        more = detail | ({"machine": why} if why else {})
        said = Feedback(
            project_id, mail_id, outcome, at, detail=more, lasting=lasting, machine=bool(why),
            source=service,
        )  # fmt: skip
        if feedback.take(connection, said):
            return
    address = str(event.recipient or "")
    if outcome in ("bounced", "complained", "unsubscribed") and address:
        feedback.about(connection, project_id, address, outcome, at, lasting=lasting, detail=reason)


def _mails(connection: Connection, service: str, project_id: UUID, event: Any) -> Iterator[UUID]:
    """Our marks, wherever the service repeats the mail's headers; then what it calls the mail."""
    said = json.dumps(event.esp_event, default=str)[:200_000]
    yield from dict.fromkeys(addresses.mails_in(f"{event.message_id or ''} {said}"))
    for name in _names(service, event):
        known = told.mail_of(connection, project_id, service, name)
        if known is not None:
            yield known


def _names(service: str, event: Any) -> list[str]:
    """What the service calls the mail, as it did when it took it."""
    name = str(event.message_id or "")[:_MOST_NAME]
    if service == "mailgun" and name and not name.startswith("<"):
        return [name, f"<{name}>"]  # when it took it, it wrote it as a header does
    return [name] if name else []


def _at(event: Any, now: datetime) -> datetime:
    """When it happened, as the service says; never later than now, nor long before."""
    at = event.timestamp
    if not isinstance(at, datetime):
        return now
    aware = at if at.tzinfo else at.replace(tzinfo=UTC)
    return min(max(aware, now - timedelta(days=30)), now)


def _lasts(service: str, event: Any, reason: str) -> bool:
    """Whether the address will never take mail, in the service's own words."""
    said = event.esp_event if isinstance(event.esp_event, dict) else {}
    judge = _LASTING.get(service)
    if event.reject_reason == "invalid":
        return True
    return judge(said) if judge else bounces.is_lasting(reason)


def _is_permanent(said: Any) -> bool:
    return isinstance(said, dict) and said.get("bounceType", said.get("type")) == "Permanent"


def _bounce_class(said: dict[str, Any]) -> str:
    """SparkPost's, from inside of what it wraps its events in."""
    inside = said.get("msys")
    events = inside.values() if isinstance(inside, dict) else ()
    return next((str(one.get("bounce_class")) for one in events if isinstance(one, dict)), "")


_LASTING: dict[str, Callable[[dict[str, Any]], bool]] = {
    "brevo": lambda said: said.get("event") in ("hard_bounce", "invalid_email"),
    "mailjet": lambda said: bool(said.get("hard_bounce")),
    "postmark": lambda said: said.get("Type") in ("HardBounce", "BadEmailAddress"),
    "sendgrid": lambda said: said.get("event") == "bounce" and said.get("type") != "blocked",
    "ses": lambda said: _is_permanent(said.get("bounce")),
    "sparkpost": lambda said: _bounce_class(said) in ("10", "30", "90"),
    "resend": lambda said: _is_permanent((said.get("data") or {}).get("bounce")),
}
