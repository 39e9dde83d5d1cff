"""Single mails by a service: answers in conversations, notices, copies."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from regulars.mail.letters import Mail
from regulars.mail.services.accounts import Account
from regulars.mail.services.line import OverService, ServiceLine


class SingleLine:
    """An open line for finished mails."""

    def __init__(self, line: ServiceLine) -> None:
        self._line = line

    @property
    def is_open(self) -> bool:
        """Whether it takes another."""
        return self._line.is_open

    async def send(self, mail: Mail) -> str:
        """Hand it over; what the service calls it. Raises as `ServiceLine.send` does."""
        return await self._line.send(mail.sender, mail.to_address, mail.raw)


@asynccontextmanager
async def calling(account: Account) -> AsyncIterator[SingleLine]:
    """A line to the service."""
    line = await OverService(account).call()
    try:
        yield SingleLine(line)
    finally:
        await line.close()
