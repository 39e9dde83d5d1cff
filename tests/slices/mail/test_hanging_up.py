"""A connection that we close is gone, also where the server never says goodbye in TLS."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvloop

from regulars.mail import courier, smtp
from tests.slices.mail.sink import encryption

Visit = Callable[[smtp.Server], Coroutine[Any, Any, None]]

_SOON = 10  # seconds; much less than asyncio waits for a goodbye


@contextmanager
def rude_server(context: ssl.SSLContext) -> Iterator[tuple[int, threading.Event]]:
    """Its port, and what is set once it sees that the connection is gone. One caller."""
    is_gone = threading.Event()

    def serve(listening: socket.socket) -> None:
        caller, _ = listening.accept()
        with caller, caller.dup() as below, context.wrap_socket(caller, server_side=True) as line:
            line.sendall(b"220 here\r\n")
            while said := line.recv(1_000):
                line.sendall(b"221 bye\r\n" if said.startswith(b"QUIT") else b"250 yes\r\n")
            # It has read our goodbye, and says none.
            below.settimeout(_SOON)
            if not below.recv(1):
                is_gone.set()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        serving = threading.Thread(target=serve, args=[listening])
        serving.start()
        try:
            yield listening.getsockname()[1], is_gone
        finally:
            serving.join()


async def one_mail(server: smtp.Server) -> None:
    async with smtp.calling(server):
        pass


async def many_mails(server: smtp.Server) -> None:
    line = await courier.call(server)
    await line.close()


@pytest.mark.parametrize("visit", [one_mail, many_mails])
@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_nothing_is_left_of_a_connection(
    visit: Visit, new_loop: Callable[[], asyncio.AbstractEventLoop], tmp_path: Path
) -> None:
    with (
        rude_server(encryption(tmp_path)) as (port, is_gone),
        asyncio.Runner(loop_factory=new_loop) as runner,
    ):
        server = smtp.server_of(f"smtps://127.0.0.1:{port}", "https://regulars.example")
        runner.run(visit(server))
        assert runner.run(asyncio.to_thread(is_gone.wait, _SOON))
