"""What the messenger's socket is measured against: the same server, sending back what it gets.

python -m tests.bench.echo --fd N
"""

from __future__ import annotations

import argparse
import socket

from regulars.config.web import server_for
from regulars.public.http import Receive, Scope, Send


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """An ASGI application of one line."""
    if scope["type"] == "lifespan":
        for done in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{done}.complete"})
        return
    await receive()
    await send({"type": "websocket.accept"})
    while (event := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": event["text"]})


def main() -> None:
    """The command: what `regulars web` does, with another application."""
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--fd", type=int, required=True)
    server_for(echo).run(sockets=[socket.socket(fileno=options.parse_args().fd)])


if __name__ == "__main__":
    main()
