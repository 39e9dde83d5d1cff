"""An open connection, line by line, at little cost a line.

asyncio's streams start a timer for each answer that is awaited; of a mail to many, that was most of
the work of handing it over. Here a timer starts when there is something to wait for.
"""

from __future__ import annotations

import asyncio

_MOST_UNREAD = 65_536  # bytes: a server that says more unasked is none


class Wire(asyncio.Protocol):
    """Takes over a transport. One reader and writer at a time."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport = transport
        self._unread = bytearray()
        self._lost: BaseException | None = None
        self._waiting: asyncio.Future[None] | None = None
        self._is_full = False
        self._until = float("inf")
        transport.set_protocol(self)
        if not transport.is_reading():
            transport.resume_reading()

    def allow(self, seconds: float) -> None:
        """What is awaited from now on may take so long, all of it."""
        self._until = self._loop.time() + seconds

    async def line(self, seconds: float) -> bytes:
        """The next line, without its end. Raises OSError, EOFError, ValueError; TimeoutError."""
        while (end := self._unread.find(b"\n")) < 0:
            if self._lost is not None:
                raise self._lost
            await self._wait(seconds)
        found = bytes(self._unread[:end])
        del self._unread[: end + 1]
        return found.rstrip(b"\r")

    async def write(self, data: bytes) -> None:
        """Send it, once there is room. Raises OSError, EOFError; TimeoutError."""
        if self._lost is not None:
            raise self._lost
        self._transport.write(data)
        while self._is_full:
            if self._lost is not None:
                raise self._lost
            await self._wait(float("inf"))

    def close(self) -> None:
        """Hang up. What has not left by now does not."""
        self._transport.abort()  # `close` would wait for the server's goodbye in TLS

    def data_received(self, data: bytes) -> None:
        self._unread += data
        if len(self._unread) > _MOST_UNREAD:
            self._lose(ValueError("The server says more than it was asked"))
            self._transport.abort()
        self._wake()

    def eof_received(self) -> bool:
        self._lose(None)
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._is_full = False
        self._lose(exc)

    def pause_writing(self) -> None:
        self._is_full = True

    def resume_writing(self) -> None:
        self._is_full = False
        self._wake()

    def _lose(self, exc: Exception | None) -> None:
        self._lost = self._lost or exc or EOFError("The server hung up")
        self._wake()

    async def _wait(self, seconds: float) -> None:
        """Until something happens."""
        waiting = self._waiting = self._loop.create_future()
        until = min(self._until, self._loop.time() + seconds)
        timer = self._loop.call_at(until, _time_is_up, waiting) if until < float("inf") else None
        try:
            await waiting
        finally:
            self._waiting = None
            if timer is not None:
                timer.cancel()

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)


def _time_is_up(waiting: asyncio.Future[None]) -> None:
    if not waiting.done():
        waiting.set_exception(TimeoutError("The server does not answer"))
