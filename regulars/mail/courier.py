"""Hands many mails to a server over one connection, at two round trips each where it pipelines.

aiosmtplib makes the connection, encrypts it and signs in; then the commands are our own, since one
mail's envelope can be said at once (RFC 2920). And what is known of a mail when its connection is
lost can be told: before its text was begun it has not been taken; afterwards nobody can say.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import cast

import aiosmtplib

from regulars.mail import clean
from regulars.mail.smtp import (
    MOST_SECONDS,
    MOST_WORDS,
    TIMEOUT,
    AwayError,
    Client,
    LaterError,
    RefusedError,
    Server,
    away_error,
)
from regulars.mail.wire import Wire

_MOST_LINES = 100  # of an answer
_GO_ON = 354
_HANGING_UP = 421
_GOOD = range(200, 300)
_PERMANENT = range(500, 600)


class UnknownOutcomeError(Exception):
    """The server may have taken the mail, and may not: its answer never came."""


@dataclass(frozen=True, slots=True)
class _Answer:
    code: int
    words: str

    @property
    def is_good(self) -> bool:
        return self.code in _GOOD


class Courier:
    """An open connection to a server. One mail at a time."""

    def __init__(self, wire: Wire, *, pipelines: bool) -> None:
        self._wire = wire
        self._pipelines = pipelines
        self.is_open = True

    async def send(self, sender: str, to: str, raw: bytes) -> str:
        """Hand a mail over; the server's words. Lines of `raw` end in CRLF.

        Raises LaterError, RefusedError, UnknownOutcomeError.
        """
        self._wire.allow(MOST_SECONDS)
        try:
            await self._envelope(sender, to)
        except (OSError, EOFError, ValueError) as lost:  # TimeoutError is an OSError
            self.drop()
            raise LaterError(_said(lost)) from lost
        self._wire.allow(MOST_SECONDS)
        try:
            await self._wire.write(stuffed(raw))
            answer = await self._answer()
        except (OSError, EOFError, ValueError) as lost:
            self.drop()
            raise UnknownOutcomeError(_said(lost)) from lost
        if not answer.is_good:
            raise self._verdict(answer)
        return answer.words

    async def close(self) -> None:
        """Say goodbye, if anybody listens."""
        if self.is_open:
            self._wire.allow(2)
            with suppress(OSError, EOFError, ValueError):
                await self._say(["QUIT"])
                await self._answer()
        self.drop()

    def drop(self) -> None:
        """Close it at once."""
        self.is_open = False
        self._wire.close()

    async def _envelope(self, sender: str, to: str) -> None:
        """Say whose mail it is and for whom, until its text is waited for."""
        commands = [f"MAIL FROM:<{sender}>", f"RCPT TO:<{to}>", "DATA"]
        answers: list[_Answer] = []
        if self._pipelines:
            await self._say(commands)
            answers = [await self._answer() for _ in commands]
        else:
            for command in commands:
                await self._say([command])
                answers.append(await self._answer())
                if not (answers[-1].is_good or answers[-1].code == _GO_ON):
                    break
        refused = next((one for one in answers[:2] if not one.is_good), None)
        if refused is None and answers[-1].code == _GO_ON:
            return
        if answers[-1].code == _GO_ON:  # it waits for a text that goes to nobody
            await self._wire.write(b".\r\n")
            await self._answer()
        elif self.is_open:
            await self._say(["RSET"])
            await self._answer()
        raise self._verdict(refused or answers[-1])

    async def _say(self, commands: Iterable[str]) -> None:
        await self._wire.write("".join(f"{one}\r\n" for one in commands).encode("ascii"))

    async def _answer(self) -> _Answer:
        words: list[str] = []
        for _ in range(_MOST_LINES):
            text = (await self._wire.line(TIMEOUT)).decode("utf-8", "replace")
            if not text[:3].isdigit():
                raise ValueError("That is no answer of a mail server")
            words.append(text[4:])
            if text[3:4] != "-":
                return _Answer(int(text[:3]), f"{text[:3]} {' '.join(words)}"[:MOST_WORDS])
        raise ValueError("The server's answer does not end")

    def _verdict(self, answer: _Answer) -> LaterError | RefusedError:
        words = clean.line(answer.words, MOST_WORDS)
        if answer.code in _PERMANENT:
            return RefusedError(words)
        if answer.code == _HANGING_UP:
            self.drop()
        return LaterError(words)


async def call(server: Server) -> Courier:
    """A connection to the server, encrypted and signed in as `smtp.calling` does. AwayError."""
    client = Client(server)
    try:
        await client.connect()
        if client.is_ehlo_or_helo_needed:
            await client.ehlo()
    except aiosmtplib.SMTPResponseException as refused:
        client.close()
        raise AwayError(clean.line(f"{refused.code} {refused.message}", MOST_WORDS)) from refused
    except (aiosmtplib.SMTPException, OSError, ValueError) as away:
        client.close()
        raise away_error(away, server) from away
    transport = client.transport
    if transport is None or transport.is_closing():
        raise AwayError("The server hung up")
    wire = Wire(cast("asyncio.Transport", transport))  # uvloop's own are none by name
    return Courier(wire, pipelines=client.supports_extension("pipelining"))


def stuffed(raw: bytes) -> bytes:
    """The text as DATA wants it: no line is a lone dot, and then one that is (RFC 5321, 4.5.2)."""
    dotted = raw.replace(b"\r\n.", b"\r\n..")
    if dotted.startswith(b"."):
        dotted = b"." + dotted
    return dotted + (b".\r\n" if dotted.endswith(b"\r\n") else b"\r\n.\r\n")


def _said(error: BaseException) -> str:
    return clean.line(str(error) or type(error).__name__, MOST_WORDS)
