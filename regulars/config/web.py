"""One web process: uvicorn on a socket that the supervisor bound, or on one of its own."""

from __future__ import annotations

import socket
import sys

import uvicorn

from regulars.config import logs
from regulars.kit import environment

# A thread that needs the interpreter's lock for a short step (a database worker) gets it within
# 1 ms instead of 5: the difference is most of a small request's latency.
_SWITCH_INTERVAL = 0.001

# Streams and slow requests get this long at a stop; whoever is cut off connects again.
_GRACE_SECONDS = 3


def serve(*, fd: int | None, host: str, port: int, backlog: int) -> int:
    """Serve until told to stop; the exit status."""
    logs.configure()
    sys.setswitchinterval(_SWITCH_INTERVAL)
    proxies = environment.read().trusted_proxies
    server = uvicorn.Server(
        uvicorn.Config(
            "regulars.config.asgi:app",
            host=host,
            port=port,
            loop="uvloop",
            http="httptools",
            lifespan="on",
            access_log=False,
            log_config=None,
            backlog=backlog,
            proxy_headers=bool(proxies),
            forwarded_allow_ips=list(proxies),
            server_header=False,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
    )
    server.run(sockets=None if fd is None else [socket.socket(fileno=fd)])
    return 0 if server.started else 1
