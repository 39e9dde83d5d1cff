"""What takes finished mail: a mail server or a mail service; nobody, where mail is kept."""

from __future__ import annotations

from typing import Protocol

from regulars.mail import courier
from regulars.mail.courier import Courier
from regulars.mail.smtp import Server


class Line(Protocol):
    """One mail after the other."""

    @property
    def is_open(self) -> bool:
        """Whether it takes another."""

    async def send(self, sender: str, to: str, raw: bytes) -> str:
        """Hand it over; what was answered: a server's words, a service's name for the mail.

        Raises AwayError (this mail was not taken, nor will others be), LaterError, RefusedError,
        UnknownOutcomeError.
        """

    async def close(self) -> None:
        """Hang up."""

    def drop(self) -> None:
        """Hang up without a word."""


class Carrier(Protocol):
    """Opens lines."""

    @property
    def service(self) -> str:
        """The mail service's name in a word of ours; empty for a server."""

    @property
    def called(self) -> str:
        """How a sentence about it begins."""

    async def call(self) -> Line:
        """A new line. Raises AwayError."""


class OverSmtp:
    """A mail server."""

    service = ""
    called = "The mail server"

    def __init__(self, server: Server) -> None:
        self._server = server

    async def call(self) -> Courier:
        """A connection to it."""
        return await courier.call(self._server)
