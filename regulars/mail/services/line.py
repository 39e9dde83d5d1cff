"""A line to a mail service: a thread with a session of its own, one mail after the other.

What `requests` does cannot be called off. So a line whose service does not answer in time is let
go, and its thread with it; what became of its mail is unknown.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import requests

from regulars.mail.courier import UnknownOutcomeError
from regulars.mail.services import answers, wire
from regulars.mail.services.accounts import Account
from regulars.mail.services.amazon import AmazonSes
from regulars.mail.services.anymail import Anymail
from regulars.mail.smtp import MOST_SECONDS


class Session(Protocol):
    """What talks to a service."""

    def post(self, to: str, raw: bytes) -> str:
        """Hand a mail over; what the service calls it."""

    def close(self) -> None:
        """Let the connection go."""


class OverService:
    """A mail service, over its API."""

    def __init__(self, account: Account) -> None:
        self._account = account

    @property
    def service(self) -> str:
        """Its name in a word of ours."""
        return self._account.service.name

    @property
    def called(self) -> str:
        """Its own name."""
        return self._account.service.label

    async def call(self) -> ServiceLine:
        """A line to it. The connection is made with the first mail."""
        return ServiceLine(self._account)


class ServiceLine:
    """A session, and the thread that it lives in."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="mail-service")
        self._session: Session | None = None
        self.is_open = True

    async def send(self, _sender: str, to: str, raw: bytes) -> str:
        """Hand a mail over; what the service calls it.

        Reports come back as the service sees fit, so nobody is told where to.

        Raises AwayError, LaterError, RefusedError, UnknownOutcomeError.
        """
        work = asyncio.get_running_loop().run_in_executor(self._thread, self._post, to, raw)
        work.add_done_callback(_hushed)
        try:
            async with asyncio.timeout(MOST_SECONDS):
                return await asyncio.shield(work)
        except TimeoutError:
            self.drop()
            raise UnknownOutcomeError("It took too long to answer") from None

    async def close(self) -> None:
        """Let the connection go."""
        self.drop()

    def drop(self) -> None:
        """The same; a mail that is under way goes on in its thread, heard by nobody."""
        if self.is_open:
            self.is_open = False
            self._thread.submit(self._let_go)
            self._thread.shutdown(wait=False)

    def _post(self, to: str, raw: bytes) -> str:
        try:
            if self._session is None:
                amazon = self._account.service.name == "ses"
                self._session = AmazonSes(self._account) if amazon else Anymail(self._account)
            return self._session.post(to, raw)
        except requests.RequestException as lost:
            raise answers.without_answer(lost, begun=wire.was_begun()) from lost

    def _let_go(self) -> None:
        if self._session is not None:
            self._session.close()


def _hushed(work: asyncio.Future[str]) -> None:
    """What comes too late is nobody's."""
    if not work.cancelled():
        work.exception()
