"""Every service but Amazon's, by django-anymail: it knows what each wants to be told, and how."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable
from importlib import import_module
from typing import Any

from regulars.mail import mime
from regulars.mail.addresses import BadAddressError
from regulars.mail.courier import UnknownOutcomeError
from regulars.mail.services import answers, message
from regulars.mail.services.accounts import Account
from regulars.mail.services.wire import Session
from regulars.mail.smtp import RefusedError

_TAKEN = frozenset(("queued", "sent"))
_NOT_TAKEN = frozenset(("rejected", "invalid", "failed"))
_MOST_NAME = 300


def _a_key(account: Account) -> dict[str, Any]:
    return {"api_key": account["key"]}


# What anymail calls what an account knows.
_SETTINGS: dict[str, Callable[[Account], dict[str, Any]]] = {
    "mailjet": lambda account: {"api_key": account["key"], "secret_key": account["secret"]},
    "postmark": lambda account: {
        "server_token": account["key"],
        "message_stream": account["stream"] or None,
    },
}

# One at a time: warnings are hushed for the whole process.
_making = threading.Lock()


class Anymail:
    """An open session with an account. Of one thread."""

    def __init__(self, account: Account) -> None:
        self._service = account.service
        settings = _SETTINGS.get(account.service.name, _a_key)(account)
        with _making, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that nobody tries SendGrid for them any more
            module = import_module(f"anymail.backends.{account.service.name}")
            self._backend = module.EmailBackend(api_url=account.url, **settings)
        self._backend.session = Session()

    def post(self, to: str, raw: bytes) -> str:
        """Hand a mail over; what the service calls it. Raises what `answers` does."""
        from anymail.exceptions import (  # noqa: PLC0415 - mail loads without Django
            AnymailAPIError,
            AnymailError,
            AnymailRecipientsRefused,
        )

        try:
            said = message.of_mail(raw, to, self._service)
        except (mime.UnreadableMailError, BadAddressError, ValueError) as wrong:
            raise RefusedError(str(wrong)) from wrong
        try:
            self._backend.send_messages([said])
        except AnymailRecipientsRefused as refused:
            raise _refused(refused.response) from refused
        except AnymailAPIError as wrong:
            if wrong.response is None:
                raise  # the connection: whoever called knows how far it got
            raise answers.verdict(wrong.response) from wrong
        except (AnymailError, ValueError) as wrong:
            raise RefusedError(str(wrong).partition("\n")[0]) from wrong
        return _outcome(said)

    def close(self) -> None:
        """Let the connection go."""
        self._backend.close()


def _outcome(said: Any) -> str:
    """What the service calls a mail that it has taken."""
    status = said.anymail_status
    statuses = status.status or set()
    if statuses & _NOT_TAKEN or status.esp_response.status_code not in answers.GOOD:
        raise _refused(status.esp_response)
    if not statuses or not statuses <= _TAKEN:
        raise UnknownOutcomeError("It did not say whether it took the mail")
    name = status.message_id
    return name[:_MOST_NAME] if isinstance(name, str) else ""


def _refused(answer: Any) -> Exception:
    """A no to this recipient, whatever the status it came with."""
    verdict = answers.verdict(answer)
    return (
        verdict
        if answer.status_code not in answers.GOOD
        else RefusedError(str(verdict).removeprefix("It answered "))
    )
