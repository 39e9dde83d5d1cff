"""Handing finished mail to a mail server, and what its answer means.

Encryption: `smtps://` from the first byte on; with `smtp://` as soon as the server offers it. The
certificate must be good unless the server is on this machine, where nobody can come between.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from ipaddress import ip_address
from typing import cast
from urllib.parse import unquote, urlsplit

import aiosmtplib

from regulars.mail import clean
from regulars.mail.letters import Mail

TIMEOUT = 30.0  # seconds that any one answer may take
MOST_SECONDS = 120.0  # that a whole mail may take
MOST_WORDS = 500  # letters of a server's answer that are kept

_PORTS = {"smtp": 25, "smtps": 465}
_PERMANENT = range(500, 600)
_HANGING_UP = 421


class BadServerError(ValueError):
    """The setting names no server."""


class NotNowError(Exception):
    """Why nothing was taken. `wait` is how many seconds it wants to be left alone, if it said."""

    def __init__(self, words: str = "", wait: float = 0.0) -> None:
        super().__init__(words)
        self.wait = wait


class AwayError(NotNowError):
    """The server takes no mail from us now: not there, or it won't let us in."""


class UnreachableError(AwayError):
    """Nobody said anything: there is no such server, or nothing answers."""


class LaterError(NotNowError):
    """This mail was not taken now; it may be later."""


class RefusedError(Exception):
    """This mail will never be taken."""


@dataclass(frozen=True, slots=True)
class Server:
    """Where mail goes out. `greeting` is what we call ourselves there."""

    host: str
    port: int
    username: str | None
    password: str | None
    encrypted: bool
    greeting: str

    @property
    def is_here(self) -> bool:
        """Whether it runs on this machine."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


def server_of(url: str, base_url: str) -> Server:
    """The server that `smtp://user:pass@host:port` or `smtps://…` names. Raises BadServerError.

    `base_url` is the installation's own: its name is what we go by.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS[parts.scheme]
    except (KeyError, ValueError):
        raise BadServerError("REGULARS_SMTP_URL must be smtp://… or smtps://…") from None
    if not parts.hostname:
        raise BadServerError("REGULARS_SMTP_URL names no server")
    return Server(
        host=parts.hostname,
        port=port,
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        encrypted=parts.scheme == "smtps",
        greeting=_greeting(urlsplit(base_url).hostname or "localhost"),
    )


class Line:
    """An open connection to a server, over which one mail goes after the other."""

    def __init__(self, client: aiosmtplib.SMTP) -> None:
        self._client = client

    async def send(self, mail: Mail) -> str:
        """Hand it over: afterwards the server has it. Raises LaterError or RefusedError."""
        try:
            async with asyncio.timeout(MOST_SECONDS):
                await self._client.sendmail(mail.sender, [mail.to_address], mail.raw)
        except aiosmtplib.SMTPRecipientsRefused as refused:
            raise self._verdict(refused.recipients[0]) from refused
        except aiosmtplib.SMTPResponseException as refused:
            raise self._verdict(refused) from refused
        except ValueError as wrong:
            raise RefusedError(_words(str(wrong))) from wrong
        except (aiosmtplib.SMTPException, OSError) as lost:
            # Also where all was said and only the answer is missing: see decision 0051.
            self._client.close()
            raise LaterError(_words(str(lost) or type(lost).__name__)) from lost
        return ""  # a server has no name for it

    def _verdict(self, answer: aiosmtplib.SMTPResponseException) -> LaterError | RefusedError:
        words = _words(f"{answer.code} {answer.message}")
        if answer.code in _PERMANENT:
            return RefusedError(words)
        if answer.code == _HANGING_UP:
            self._client.close()
        return LaterError(words)

    @property
    def is_open(self) -> bool:
        """Whether the server still listens."""
        return self._client.is_connected


class Client(aiosmtplib.SMTP):
    """Speaks to a server. Nothing of its connection is left once it is closed."""

    def __init__(self, server: Server) -> None:
        super().__init__(
            hostname=server.host,
            port=server.port,
            username=server.username,
            password=server.password,
            local_hostname=server.greeting,
            timeout=TIMEOUT,
            use_tls=server.encrypted,
            validate_certs=not server.is_here,
        )

    def close(self) -> None:
        """Hang up at once.

        Else an encrypted connection stays until the server has said goodbye in TLS too, and by
        then nothing need be running that would close it.
        """
        transport = self.transport
        super().close()
        if transport is not None:
            # uvloop's own transports are none by name.
            cast("asyncio.WriteTransport", transport).abort()


@asynccontextmanager
async def calling(server: Server) -> AsyncIterator[Line]:
    """A connection to the server, signed in. Raises AwayError."""
    client = Client(server)
    try:
        await client.connect()
    except aiosmtplib.SMTPResponseException as refused:
        raise AwayError(_words(f"{refused.code} {refused.message}")) from refused
    except (aiosmtplib.SMTPException, OSError, ValueError) as away:
        raise away_error(away, server) from away
    try:
        yield Line(client)
    finally:
        with suppress(aiosmtplib.SMTPException, OSError):
            await client.quit()
        client.close()


def away_error(error: Exception, server: Server) -> AwayError:
    """Why there is no connection, in words that whoever set the server up can use."""
    why, place = error.__cause__ or error, f"{server.host}:{server.port}"
    if isinstance(why, socket.gaierror):
        return UnreachableError(f"There is no server called {server.host}")
    if isinstance(why, ConnectionRefusedError):
        return UnreachableError(f"Nothing answers at {place}")
    if isinstance(why, TimeoutError):
        return UnreachableError(f"Nothing answered at {place} in time")
    return AwayError(_words(str(error) or type(error).__name__))


def _words(text: str) -> str:
    """What a server said, fit to be kept and shown."""
    return clean.line(text, MOST_WORDS)


def _greeting(host: str) -> str:
    """RFC 5321, 4.1.3: an address stands in brackets."""
    try:
        version = ip_address(host).version
    except ValueError:
        return host
    return f"[{host}]" if version == 4 else f"[IPv6:{host}]"  # noqa: PLR2004 - IP's own number
