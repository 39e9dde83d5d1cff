"""What a server says comes line by line, and one that does not answer is not waited for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from regulars.mail.wire import Wire

Said = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]


def _with(server: Said, client: Callable[[Wire], Coroutine[Any, Any, None]]) -> None:
    async def both() -> None:
        is_over = asyncio.Event()

        async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await server(reader, writer)
            writer.close()
            is_over.set()

        serving = await asyncio.start_server(served, "127.0.0.1", 0)
        port = serving.sockets[0].getsockname()[1]
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_connection(asyncio.Protocol, "127.0.0.1", port)
        wire = Wire(transport)
        try:
            await client(wire)
        finally:
            wire.close()
            await is_over.wait()
            serving.close()

    asyncio.run(both())


def test_lines_are_whole_however_they_come() -> None:
    async def server(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for piece in (b"250-on", b"e\r\n250 two\r\n2", b"21 bye\n"):
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.01)

    async def client(wire: Wire) -> None:
        wire.allow(5)
        assert [await wire.line(5) for _ in range(3)] == [b"250-one", b"250 two", b"221 bye"]
        with pytest.raises(EOFError):
            await wire.line(5)

    _with(server, client)


def test_a_server_that_says_nothing_is_given_up() -> None:
    async def server(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    async def client(wire: Wire) -> None:
        wire.allow(5)
        with pytest.raises(TimeoutError):
            await wire.line(0.02)
        wire.allow(0.02)
        with pytest.raises(TimeoutError):
            await wire.line(5)

    _with(server, client)


def test_a_server_that_does_not_take_what_is_sent_is_given_up() -> None:
    async def server(_: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.3)

    async def client(wire: Wire) -> None:
        wire.allow(0.05)
        with pytest.raises(TimeoutError):
            await wire.write(b"x" * 50_000_000)

    _with(server, client)


def test_a_server_that_never_stops_is_cut_off() -> None:
    async def server(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"2" * 200_000)
        await asyncio.sleep(0.1)

    async def client(wire: Wire) -> None:
        wire.allow(5)
        with pytest.raises(ValueError, match="more than it was asked"):
            await wire.line(5)

    _with(server, client)
