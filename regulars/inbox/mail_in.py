"""The built-in way in for mail: what the worker's listener takes becomes conversations."""

from __future__ import annotations

import threading

from regulars.inbox import from_email
from regulars.inbox.from_email import NobodyTakesItError
from regulars.kit import clock, database
from regulars.mail import listener
from regulars.mail.listener import DeliverRefusedError
from regulars.mail.mime import UnreadableMailError


def take_mail_in(stop: threading.Event) -> None:
    """Until stopped: store what comes in, where `REGULARS_INBOUND_SMTP` says to listen."""
    listener.listen(stop, _deliver, _takes)


def _deliver(raw: bytes, recipients: list[str]) -> None:
    try:
        from_email.deliver(raw, recipients, clock.now())
    except NobodyTakesItError:
        raise DeliverRefusedError("Nobody here takes mail for this address") from None
    except UnreadableMailError:
        raise DeliverRefusedError("The mail can't be read") from None


def _takes(address: str) -> bool:
    with database.pool().connection() as connection:
        return from_email.takes(connection, address)
