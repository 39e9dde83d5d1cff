"""Which mail no person wrote, or wrote to us alone: nothing may be answered to it by itself.

RFC 3834 and what programs do beside it. Whoever answers a machine by a machine begins a loop.
"""

from __future__ import annotations

import re
from enum import StrEnum

from regulars.mail.mime import Headers, Part

_SUPPRESSED = re.compile(r"\b(all|oof|autoreply)\b", re.IGNORECASE)
_MACHINES = re.compile(r"(mailer-daemon|mail-daemon|postmaster|mdaemon)(@|$)", re.IGNORECASE)
_NO_REPLY = re.compile(r"(no|do-?not)[-_.]?reply", re.IGNORECASE)
_ANSWER_FIELDS = (
    "x-autoreply", "x-autoreply-from", "x-auto-reply-from", "x-autorespond", "x-autoresponder",
    "x-mail-autoreply", "x-auto-response-from", "x-cron-env",
)  # fmt: skip
# How programs begin the subject of an answer while its owner is away.
_AWAY = re.compile(
    r"\W{0,3}(auto(matic|mated)?[ -]?(reply|response)\b|out of (the )?office|vacation reply"
    r"|automatische (antwort|abwesenheit|antwoord)|automatisch antwoord|abwesenheits"
    r"|(autom\. |auto)?antwort: ?abwesen|réponse automatique|absence du bureau"
    r"|resposta automática|fora do escritório|respuesta automática|fuera de la oficina"
    r"|risposta automatica|fuori sede|afwezig|autosvar|frånvaro|automaattinen vastaus"
    r"|odpowiedź automatyczna|automatická odpověď|автоматический ответ|автоответ"
    r"|otomatik yanıt|自動応答|自動返信|自动回复|자동 회신)",
    re.IGNORECASE,
)


class AutoReason(StrEnum):
    """Why a mail must not be answered by itself."""

    BOUNCE = "bounce"  # a mail of somebody's did not arrive
    RECEIPT = "receipt"  # somebody's program says that a mail was opened
    AUTO_REPLY = "auto_reply"  # an answer that nobody wrote: they are away
    NOTICE = "notice"  # something else that nobody wrote
    LIST = "list"  # to everybody on a list
    BULK = "bulk"  # to very many
    SUPPRESSED = "suppressed"  # perhaps a person's, whose program asks for no such answers


def auto_reason(part: Part, sender: str, subject: str) -> AutoReason | None:
    """Why this message must not be answered by itself; None for a person's."""
    headers = part.headers
    kind = part.parameters.get("report-type", "").lower()
    path = headers.all("return-path")
    if _MACHINES.match(sender) or kind == "delivery-status":
        return AutoReason.BOUNCE
    if part.media_type == "multipart/report" and kind == "disposition-notification":
        return AutoReason.RECEIPT
    if _is_auto_reply(headers, subject):
        return AutoReason.AUTO_REPLY
    if path and path[0].replace(" ", "") in ("<>", ""):
        return AutoReason.BOUNCE
    return _of_many(headers, sender)


def _is_auto_reply(headers: Headers, subject: str) -> bool:
    if headers.first("auto-submitted").lower().startswith("auto-replied"):
        return True
    if headers.first("precedence").strip().lower() in ("auto_reply", "auto-reply"):
        return True
    if any(headers.all(name) for name in _ANSWER_FIELDS):
        return True
    return bool(_AWAY.match(subject))


def _of_many(headers: Headers, sender: str) -> AutoReason | None:
    submitted = headers.first("auto-submitted").strip().lower()
    if submitted and not submitted.startswith("no"):
        return AutoReason.NOTICE
    if headers.all("list-id") or headers.all("list-unsubscribe") or headers.all("list-post"):
        return AutoReason.LIST
    precedence = headers.first("precedence").strip().lower()
    if precedence in ("bulk", "junk", "list"):
        return AutoReason.LIST if precedence == "list" else AutoReason.BULK
    if _NO_REPLY.match(sender) or headers.all("feedback-id"):
        return AutoReason.NOTICE
    if _SUPPRESSED.search(headers.first("x-auto-response-suppress")):
        return AutoReason.SUPPRESSED
    return None
