"""What a mail service's answer means for the mail it was given, and for those behind it.

| it said | so |
|---|---|
| 400, 404, 413, 422 …, or that it refuses this recipient | this mail will never be taken |
| 401, 402, 403, 407, or that the account may not send; a redirect | it takes nothing from us now |
| 429 | it takes nothing now, and says until when |
| 408, 500, 502, 503 … | this mail was not taken now |
| nothing, or not to the end; 504 and 524, where one before it waited in vain | nobody can say |
"""

from __future__ import annotations

from datetime import datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

import msgspec
import requests

from regulars.kit import clock
from regulars.mail import clean
from regulars.mail.courier import UnknownOutcomeError
from regulars.mail.smtp import MOST_WORDS, AwayError, LaterError, RefusedError

MOST_WAIT = 3600.0  # seconds that a service may ask for

Verdict = AwayError | LaterError | RefusedError | UnknownOutcomeError

_OF_THE_ACCOUNT = frozenset((401, 402, 403, 407))
_WAITED_IN_VAIN = frozenset((504, 524))
_TOO_MANY = 429
_LATER = frozenset((408, 425))
_REDIRECTS = range(300, 400)
_MISTAKES = range(400, 500)
GOOD = range(200, 300)
# Of Postmark: the sender is not confirmed, no credits, the account waits or may not send.
_POSTMARK_ACCOUNT = frozenset((10, 400, 401, 405, 412, 413))
_AMAZON_ACCOUNT = (
    "AccountSuspended",
    "SendingPaused",
    "LimitExceeded",
    "MailFromDomainNotVerified",
)
# Where services keep the sentence that says what is wrong.
_WORDS = ("Message", "message", "ErrorMessage", "error", "detail", "description", "title")
_INSIDE = ("errors", "Errors", "Messages", "error")
_MOST_DEEP = 4


def verdict(answer: requests.Response) -> Verdict:
    """What an answer that is no yes means."""
    status = answer.status_code
    words = _said(answer)
    wait = _wait(answer.headers.get("Retry-After", ""))
    if status in _OF_THE_ACCOUNT or status in _REDIRECTS or _is_of_the_account(answer):
        return AwayError(words, wait)
    if status == _TOO_MANY:
        return AwayError(words, wait)
    if status in _WAITED_IN_VAIN:
        return UnknownOutcomeError(words)
    if status in GOOD:  # a yes in words that we do not know
        return UnknownOutcomeError(f"It answered {words}")
    if status in _MISTAKES and status not in _LATER:
        return RefusedError(words)
    return LaterError(words, wait)


def without_answer(wrong: BaseException, *, begun: bool) -> Verdict:
    """What it means that there is none. `begun`: some of the request has left."""
    words = clean.line(_reason(wrong), MOST_WORDS)
    return UnknownOutcomeError(words) if begun else AwayError(words)


def json_of(answer: requests.Response) -> Any:
    """What was answered, or None for what is no JSON."""
    try:
        return msgspec.json.decode(answer.content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _is_of_the_account(answer: requests.Response) -> bool:
    said = json_of(answer)
    if not isinstance(said, dict):
        return False
    kind = str(answer.headers.get("x-amzn-errortype") or said.get("__type") or "")
    if any(one in kind for one in _AMAZON_ACCOUNT):
        return True
    return answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY and (
        said.get("ErrorCode") in _POSTMARK_ACCOUNT
    )


def _said(answer: requests.Response) -> str:
    """The status and the service's own words, fit to be kept and shown."""
    said = json_of(answer)
    words = _words_in(said, 0) if said is not None else ""
    if not words and answer.content and said is None:
        words = answer.content[:MOST_WORDS].decode("utf-8", "replace")
        words = "" if "<" in words else words
    if not words:
        try:
            words = HTTPStatus(answer.status_code).phrase
        except ValueError:
            words = ""
    return clean.line(f"{answer.status_code} {words}", MOST_WORDS)


def _words_in(said: Any, depth: int) -> str:
    if depth > _MOST_DEEP:
        return ""
    if isinstance(said, list):
        return next((words for one in said[:5] if (words := _words_in(one, depth + 1))), "")
    if not isinstance(said, dict):
        return ""
    own = next((one for key in _WORDS if isinstance(one := said.get(key), str) and one), "")
    inner = (_words_in(said.get(key), depth + 1) for key in _INSIDE)
    return next((words for words in inner if words), "") or own


def _wait(said: str) -> float:
    """Seconds that Retry-After asks for (RFC 9110, 10.2.3): a number, or a time."""
    text = said.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:10]), MOST_WAIT)
    try:
        until = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return 0.0
    return _seconds_until(until)


def _seconds_until(until: datetime) -> float:
    if until.tzinfo is None:
        return 0.0
    return min(max((until - clock.now()).total_seconds(), 0.0), MOST_WAIT)


def _reason(wrong: BaseException) -> str:
    """The innermost of what went wrong says it best."""
    seen = 0
    while wrong.__cause__ is not None and seen < 10:  # noqa: PLR2004 - no chain is longer
        wrong, seen = wrong.__cause__, seen + 1
    inner = wrong.args[0] if wrong.args and isinstance(wrong.args[0], BaseException) else wrong
    reason = getattr(inner, "reason", None)
    text = str(reason or inner) or type(inner).__name__
    return text.rpartition(">: ")[2] or text
