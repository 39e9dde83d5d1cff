"""Writing in processes of their own, so that a machine's every core writes.

They are nice: whoever waits for a page, the database and the mail server come first, and writing
takes what is left, which while many get an email is most of the machine.

The engine starts them as it needs them and tells them ids over a pipe; what comes back are finished
mails. A penman whose engine is gone, however it went, reads the end of its pipe and ends too.
Frames are a length of four bytes and MessagePack.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import sys
from datetime import datetime
from typing import BinaryIO
from uuid import UUID

import msgspec

from regulars.campaigns.writing import ContentError, Pen, Wanted, Written
from regulars.kit import database
from regulars.workspaces.errors import UnknownError

NICE = 5
MOST_BUFFERED = 500_000  # bytes of answers read ahead, twice as many at most

log = logging.getLogger(__name__)


class Order(msgspec.Struct, frozen=True):
    """Copies to be written."""

    project_id: UUID
    email_id: UUID
    wanted: list[Wanted]
    at: datetime
    copies: bool


class Answer(msgspec.Struct, frozen=True):
    """What was written, or why nothing could be: a fault of the email's, or of ours."""

    written: list[Written] = []
    fault: str = ""
    away: bool = False


class CannotWriteError(Exception):
    """This email can't be written for anybody; in words for its page."""


class PenmanGoneError(Exception):
    """The process has ended, or the database is away."""


class Penman:
    """A process that writes."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._turn = asyncio.Lock()

    @classmethod
    async def start(cls) -> Penman:
        """Start one; it is ready some moments later."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "regulars.campaigns.penman",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=MOST_BUFFERED,
        )  # fmt: skip
        return cls(process)

    @property
    def is_alive(self) -> bool:
        """Whether it still works."""
        return self._process.returncode is None

    async def write(self, order: Order) -> list[Written]:
        """Have these written. Raises CannotWriteError, PenmanGoneError."""
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise PenmanGoneError
        async with self._turn:
            try:
                body = msgspec.msgpack.encode(order)
                stdin.write(len(body).to_bytes(4, "big") + body)
                await stdin.drain()
                length = int.from_bytes(await stdout.readexactly(4), "big")
                answer = msgspec.msgpack.decode(await stdout.readexactly(length), type=Answer)
            except (OSError, EOFError, msgspec.DecodeError) as gone:
                self.end()
                raise PenmanGoneError from gone
            except asyncio.CancelledError:
                self.end()  # what it answers now is nobody's
                raise
        return said(answer)

    def end(self) -> None:
        """Let it go."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()

    async def ended(self) -> None:
        """Let it go, and wait until it has gone."""
        self.end()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(3):
                await self._process.wait()


def said(answer: Answer) -> list[Written]:
    """What the answer holds. Raises CannotWriteError, PenmanGoneError."""
    if answer.away:
        raise PenmanGoneError
    if answer.fault:
        raise CannotWriteError(answer.fault)
    return answer.written


def answer_to(pen: Pen, order: Order) -> Answer:
    """Write what is ordered."""
    try:
        written = pen.write(
            order.project_id, order.email_id, order.wanted, order.at, copies=order.copies
        )
    except (ContentError, UnknownError, ValueError) as wrong:
        return Answer(fault=str(wrong))
    return Answer(written)


def serve(source: BinaryIO, target: BinaryIO) -> None:
    """Answer orders until there are no more."""
    connection = None
    pen = None
    while head := source.read(4):
        order = msgspec.msgpack.decode(source.read(int.from_bytes(head, "big")), type=Order)
        try:
            if pen is None:
                connection = database.connect()
                pen = Pen(connection)
            answer = answer_to(pen, order)
        except database.Away:
            answer = Answer(away=True)
            pen = None
            if connection is not None:
                connection.close()
        body = msgspec.msgpack.encode(answer)
        target.write(len(body).to_bytes(4, "big") + body)
        target.flush()


if __name__ == "__main__":
    # Buffered, whatever PYTHONUNBUFFERED says: a plain file's write may end half-way, at a signal.
    os.nice(NICE)
    gc.freeze()  # what was imported stays: it is not gone through again and again
    gc.set_threshold(20_000, 20, 50)
    with (
        contextlib.suppress(KeyboardInterrupt, BrokenPipeError),
        open(sys.stdout.fileno(), "wb", closefd=False) as answers,
    ):
        serve(sys.stdin.buffer, answers)
