"""One web process: uvicorn on a socket that the supervisor bound, or on one of its own."""

from __future__ import annotations

import gc
import socket
import sys
from typing import Any

import uvicorn

from regulars.config import logs
from regulars.kit import environment

# A thread that needs the interpreter's lock for a short step (a database worker) gets it within
# 1 ms instead of 5: the difference is most of a small request's latency.
SWITCH_INTERVAL = 0.001

# How many more objects than went there are before Python looks for cycles of garbage (and how many
# such looks until it looks at older ones too). With Python's own 700 a batch of events is looked
# through dozens of times while it is made, for a quarter of all its time, and there is no cycle.
COLLECT_AFTER = (100_000, 50, 100)

# The largest frame that a WebSocket's client may send.
FRAME_BYTES = 64 * 1024

# Slow requests get this long at a stop.
GRACE_SECONDS = 3


class Server(uvicorn.Server):
    """uvicorn, which ends at once the streams that would never end by themselves."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start serving; what is loaded by now stays, and is never looked through again."""
        await super().startup(sockets)
        gc.collect()
        gc.freeze()
        gc.set_threshold(*COLLECT_AFTER)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop serving. Whoever listens to a stream connects again, to the next process."""
        for connection in tuple(self.server_state.connections):
            if _streams(connection):
                connection.transport.close()
        await super().shutdown(sockets)


def _streams(connection: Any) -> bool:
    """Whether the connection is a browser's EventSource, by what it said it accepts."""
    request = getattr(connection, "cycle", None)
    return request is not None and (b"accept", b"text/event-stream") in request.scope["headers"]


def server_for(app: Any, **options: Any) -> Server:
    """A server of an ASGI application as all of ours run; `options` are uvicorn's further ones."""
    sys.setswitchinterval(SWITCH_INTERVAL)
    return Server(
        uvicorn.Config(
            app,
            loop="uvloop",
            http="httptools",
            lifespan="on",
            access_log=False,
            ws="websockets-sansio",
            ws_max_size=FRAME_BYTES,
            # A compressor of its own would be most of an idle connection's memory.
            ws_per_message_deflate=False,
            log_config=None,
            server_header=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
            **options,
        )
    )


def serve(*, fd: int | None, host: str, port: int, backlog: int) -> int:
    """Serve until told to stop; the exit status."""
    logs.configure()
    proxies = environment.read().trusted_proxies
    server = server_for(
        "regulars.config.asgi:app",
        host=host,
        port=port,
        backlog=backlog,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=list(proxies),
    )
    server.run(sockets=None if fd is None else [socket.socket(fileno=fd)])
    return 0 if server.started else 1
