"""The whole application, served on loopback: what REST clients and Interakt's meet."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx
import uvicorn

from tests.slices.tracking.site import Site


class Served:
    """The application behind an address."""

    def __init__(self, server: uvicorn.Server) -> None:
        self._server = server
        host, port = server.servers[0].sockets[0].getsockname()
        self.url = f"http://{host}:{port}"

    def settle(self) -> None:
        """Wait until no request is under way: what follows an answer is part of it too.

        A connection that is given back after the test, when tests may not touch the database,
        would be lost to the server's pool.
        """
        while self._server.server_state.tasks:
            time.sleep(0.001)


@contextmanager
def serving() -> Iterator[Served]:
    """The application, served while the block runs."""
    from regulars.config.asgi import app

    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None, lifespan="on")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, name="served", daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the application did not start"
        time.sleep(0.01)
    try:
        yield Served(server)
    finally:
        server.should_exit = True
        thread.join(10)


class Api:
    """A project's REST client, as its server would hold one; `site` looks behind the scenes."""

    def __init__(self, site: Site, served: Served) -> None:
        self.site = site
        self.project_id = site.project.id
        self.secret_key = site.secret_key
        self.url = served.url
        self._served = served
        self._client = httpx.Client(base_url=self.url, timeout=120)

    def close(self) -> None:
        self._served.settle()
        self._client.close()

    def call(
        self,
        method: str,
        path: str,
        json: Any = None,
        *,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """One request below `/api/v1`, with the project's secret key."""
        sent = {"Authorization": f"Bearer {self.secret_key}", **(headers or {})}
        more: dict[str, Any] = {"content": content} if json is None else {"json": json}
        return self._client.request(method, f"/api/v1{path}", headers=sent, **more)

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self.call("GET", path, **more)

    def post(self, path: str, json: Any = None, **more: Any) -> httpx.Response:
        return self.call("POST", path, json, **more)

    def patch(self, path: str, json: Any = None, **more: Any) -> httpx.Response:
        return self.call("PATCH", path, json, **more)

    def delete(self, path: str, **more: Any) -> httpx.Response:
        return self.call("DELETE", path, **more)

    def basic(self, path: str, **more: Any) -> httpx.Response:
        """One of Interakt's calls."""
        auth = (str(self.project_id), self.secret_key)
        return self._client.post(f"/api/v1{path}", **{"auth": auth, **more})

    def track(self, *messages: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> None:
        """Events through the tracking API; with an `Origin` a browser's."""
        sent = self._client.post(
            "/v1/batch",
            json={"batch": list(messages)},
            auth=(self.site.write_key, ""),
            headers=headers,
        )
        assert sent.status_code == 200, sent.text
