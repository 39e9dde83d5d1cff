"""How a web process stops."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

import uvicorn

from regulars.config.web import Server
from tests.running import wait_until

Message = MutableMapping[str, Any]

GRACE = 20  # seconds that requests under way would get


async def app(
    scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Any]
) -> None:
    """Streams for ever, or answers after half a second."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    if scope["path"] == "/live":
        await send({"type": "http.response.body", "body": b"data: 1\n\n", "more_body": True})
        while (await receive())["type"] != "http.disconnect":
            pass
        return
    await asyncio.sleep(0.5)
    await send({"type": "http.response.body", "body": b"done"})


@contextmanager
def serving() -> Iterator[tuple[Server, int]]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(
            app, lifespan="off", loop="uvloop", log_config=None, timeout_graceful_shutdown=GRACE
        )
        server = Server(config)
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield server, listener.getsockname()[1]
        server.should_exit = True
        thread.join(GRACE)
        assert not thread.is_alive()


def test_a_stream_does_not_hold_up_a_stop() -> None:
    started = 0.0
    with serving() as (_, port):
        client = socket.create_connection(("127.0.0.1", port))
        client.sendall(b"GET /live HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n")
        assert b"200 OK" in client.recv(4096)
        started = time.monotonic()
    assert time.monotonic() - started < GRACE / 2
    client.close()


def test_a_request_under_way_is_answered_before_the_stop() -> None:
    with serving() as (server, port):
        client = socket.create_connection(("127.0.0.1", port))
        client.sendall(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
        wait_until(lambda: bool(server.server_state.tasks), seconds=GRACE)
    answer = b""
    while part := client.recv(4096):
        answer += part
    assert b"done" in answer
    client.close()
