"""Takes mail in by SMTP, where `REGULARS_INBOUND_SMTP` says so: a loop of the worker.

It is no mail server: it relays nothing, knows no users, and hands each mail to `deliver`. A sender
hears 250 only once that has returned, so what was accepted is stored; a sender who was cut off
sends again, so `deliver` must know a mail that it has had (`Inbound.fingerprint`).

Everybody on the internet may talk to it. Connections, mails, commands, sizes and times are limited,
and so is what all connections together hold in memory.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from asyncio import LimitOverrunError
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from aiosmtpd.smtp import SMTP, Envelope, Session

from regulars.kit import environment

Deliver = Callable[[bytes, list[str]], None]
Takes = Callable[[str], bool]

MOST_MAIL_BYTES = 26_000_000
MOST_LINES = 1_000_000  # of a mail
MOST_LINE = 100_000  # letters; RFC 5321 wants 1,000, and mail that people get has more
MOST_HELD = 150_000_000  # bytes of mail that all connections together may have under way
MOST_RECIPIENTS = 50  # of a mail
MOST_COMMANDS = 100  # of a kind, in a connection
MOST_CONNECTIONS = 50
MOST_OF_ONE = 10  # connections from one address
PATIENCE = 300.0  # seconds that a command, or a whole mail after DATA, may take
AT_ONCE = 4  # deliveries

_OPENING_PAUSE = 15.0  # seconds until the port is tried again that somebody else has
_GRACE = 2.0  # seconds for what is being stored when we are to stop

_OK = "250 2.0.0 It is stored"
_LATER = "451 4.3.0 Not now, please try again later"
_BUSY = "421 4.3.2 Too many connections, please try again later"
_FULL = "452 4.3.1 Too much mail at once, please try again later"
_TOO_LARGE = "552 5.3.4 The mail is too large"
_UNKNOWN = "550 5.1.1 Nobody here takes mail for this address"
_TOO_MANY = "452 4.5.3 Too many recipients"

log = logging.getLogger(__name__)


class DeliverRefusedError(Exception):
    """Nobody here takes this mail, now or later; the sender is told why. ASCII, one line."""


class BadListenerError(ValueError):
    """The setting names no place to listen at."""


def listen(stop: threading.Event, deliver: Deliver, takes: Takes | None = None) -> None:
    """Until stopped: hand over each mail that comes in, as `deliver(raw, recipients)`.

    It is called in threads, several at once. It raises DeliverRefusedError for what nobody takes;
    after any other error the sender tries again later. `takes` says beforehand whether an address
    is known, which spares us the mail. `raw` begins with a Return-Path: whom the sender said it
    was from. Where no place is set, nothing is listened to.
    """
    setting = environment.read().inbound_smtp
    if setting is None:
        stop.wait()
        return
    host, port = place_of(setting)
    # It writes down everybody's addresses and commands.
    logging.getLogger("mail.log").setLevel(logging.ERROR)
    while not stop.is_set():
        try:
            asyncio.run(_serve(stop, deliver, takes, host, port))
        except OSError as error:
            # Another worker of this machine may have the port: it is ours once that ends.
            log.warning("Mail is not taken in at %s: %s", setting, error.strerror or error)
            stop.wait(_OPENING_PAUSE)


def place_of(setting: str) -> tuple[str, int]:
    """The host and port that the setting names. Raises BadListenerError."""
    try:
        parts = urlsplit(f"//{setting}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or port is None:
        raise BadListenerError("REGULARS_INBOUND_SMTP must be host:port")
    return host, port


async def _serve(
    stop: threading.Event, deliver: Deliver, takes: Takes | None, host: str, port: int
) -> None:
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="inbound") as threads:
        desk = _Desk(deliver, takes, threads)
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: _Conversation(desk), host, port)
        async with server:
            log.info("Mail is taken in at %s:%s", host, port)
            await asyncio.to_thread(stop.wait)
            server.close()
            await desk.close()


class _Desk:
    """What all connections share: who is connected, what is under way, who takes the mail."""

    def __init__(self, deliver: Deliver, takes: Takes | None, threads: ThreadPoolExecutor) -> None:
        self._deliver = deliver
        self._takes = takes
        self._threads = threads
        self._open: set[_Conversation] = set()
        self._of: Counter[str] = Counter()
        self._held = 0
        self._storing = 0
        self._idle = asyncio.Event()
        self._idle.set()

    def admit(self, conversation: _Conversation, peer: str) -> bool:
        """Whether one more may talk to us."""
        if len(self._open) >= MOST_CONNECTIONS or self._of[peer] >= MOST_OF_ONE:
            return False
        self._open.add(conversation)
        self._of[peer] += 1
        return True

    def leave(self, conversation: _Conversation, peer: str) -> None:
        """One that was admitted is gone."""
        if conversation in self._open:
            self._open.discard(conversation)
            self._of[peer] -= 1
            if self._of[peer] <= 0:
                del self._of[peer]

    def hold(self, count: int) -> bool:
        """Whether there is room for so many bytes more. Fewer than none gives room back."""
        if count > 0 and self._held + count > MOST_HELD:
            return False
        self._held += count
        return True

    async def close(self) -> None:
        """Nobody is talked to any more, once what is being stored was answered."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_GRACE):
                await self._idle.wait()
                await asyncio.sleep(0)  # for the answer to go out
        for conversation in tuple(self._open):
            conversation.hang_up()

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: Any
    ) -> str:
        """Somebody whom the mail is for."""
        if len(envelope.rcpt_tos) >= MOST_RECIPIENTS:
            return _TOO_MANY
        if self._takes is not None:
            loop = asyncio.get_running_loop()
            if not await loop.run_in_executor(self._threads, self._takes, address):
                return _UNKNOWN
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_exception(self, error: Exception) -> str:
        """What went wrong is our own matter."""
        log.warning("Mail could not be taken in: %s: %s", type(error).__name__, error)
        return _LATER

    async def store(self, raw: bytes, recipients: list[str]) -> str:
        """Hand the mail over; what the sender is told."""
        loop = asyncio.get_running_loop()
        self._storing += 1
        self._idle.clear()
        try:
            await loop.run_in_executor(self._threads, self._deliver, raw, recipients)
        except DeliverRefusedError as refused:
            return f"550 5.1.1 {_one_line(str(refused))}"
        except Exception:
            log.exception("A mail could not be stored; its sender tries again later")
            return _LATER
        finally:
            self._storing -= 1
            if not self._storing:
                self._idle.set()
        return _OK


class _Conversation(SMTP):
    """One connection."""

    line_length_limit = MOST_LINE
    local_part_limit = 64

    def __init__(self, desk: _Desk) -> None:
        name = urlsplit(environment.read().base_url).hostname or "localhost"
        super().__init__(
            desk,
            data_size_limit=MOST_MAIL_BYTES,
            hostname=name,
            ident="ESMTP",
            timeout=PATIENCE,
            command_call_limit=MOST_COMMANDS,
            loop=asyncio.get_running_loop(),
        )
        self._desk = desk
        self._peer = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        name = transport.get_extra_info("peername")
        self._peer = str(name[0]) if name else ""
        if self._desk.admit(self, self._peer):
            super().connection_made(transport)
            return
        if isinstance(transport, asyncio.WriteTransport):
            transport.write(f"{_BUSY}\r\n".encode("ascii"))
        transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        self._desk.leave(self, self._peer)
        if self.transport is not None:
            super().connection_lost(error)

    def data_received(self, data: bytes) -> None:
        if self.transport is not None:
            super().data_received(data)

    def eof_received(self) -> bool | None:
        return super().eof_received() if self.transport is not None else None

    def hang_up(self) -> None:
        """End it, whatever it is at: the sender tries again."""
        if self.transport is not None:
            self.transport.close()

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802 - aiosmtpd's name
        """The mail itself.

        In place of the library's own, which keeps an object for every line: 25 MB of blank lines
        would be a gigabyte.
        """
        if await self.check_helo_needed():
            return
        envelope = self.envelope
        if envelope is None or not envelope.rcpt_tos or arg:
            await self.push("503 5.5.1 Name a recipient first" if not arg else "501 Syntax: DATA")
            return
        await self.push("354 End data with <CR><LF>.<CR><LF>")
        sender = "" if envelope.mail_from in (None, "<>") else envelope.mail_from
        mail = _Mail(self._desk, f"Return-Path: <{sender}>\r\n".encode("ascii", "replace"))
        try:
            await self._receive(mail)
            recipients = list(envelope.rcpt_tos)
            answer = mail.trouble or await self._desk.store(bytes(mail.content), recipients)
        finally:
            mail.let_go()
        self.envelope = self._create_envelope()
        await self.push(answer)

    async def _receive(self, mail: _Mail) -> None:
        whole = True  # whether a line begins here
        while True:
            if mail.is_endless:
                self.hang_up()
            try:
                line = await self._reader.readuntil(b"\r\n")
            except LimitOverrunError as overrun:
                # To be read on, and thrown away, until the mail is over.
                mail.refuse(_TOO_LARGE)
                mail.add(await self._reader.read(overrun.consumed))
                whole = False
                continue
            if whole and line == b".\r\n":
                return
            mail.add(line.removeprefix(b".") if whole else line)
            whole = True


class _Mail:
    """A mail that is coming in."""

    def __init__(self, desk: _Desk, head: bytes) -> None:
        self._desk = desk
        self._lines = 0
        self._wasted = 0
        self.content = bytearray()
        self.trouble = ""
        self.add(head)

    @property
    def is_endless(self) -> bool:
        """Whether its sender goes on and on though it was too much long ago."""
        return self._wasted > MOST_MAIL_BYTES

    def add(self, line: bytes) -> None:
        """A line more, unless it is too much already."""
        self._lines += 1
        if self.trouble:
            self._wasted += len(line)
            return
        if len(self.content) + len(line) > MOST_MAIL_BYTES or self._lines > MOST_LINES:
            self.refuse(_TOO_LARGE)
        elif not self._desk.hold(len(line)):
            self.refuse(_FULL)
        else:
            self.content += line

    def refuse(self, answer: str) -> None:
        """What has come is thrown away, and what comes yet."""
        self.let_go()
        self.trouble = self.trouble or answer

    def let_go(self) -> None:
        """Its bytes are free for others."""
        self._desk.hold(-len(self.content))
        self.content = bytearray()


def _one_line(text: str) -> str:
    """Fit to be told in an answer."""
    clean = "".join(letter if " " <= letter <= "~" else " " for letter in text)
    return " ".join(clean.split())[:200] or "Nobody here takes this mail"
