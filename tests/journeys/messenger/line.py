"""The line between a browser and Regulars, to be cut and mended."""

from __future__ import annotations

import re

from playwright.sync_api import BrowserContext, WebSocketRoute

SOCKET = re.compile(r"/messenger/socket$")
INBOX = re.compile(r"/inbox/socket$")


class Line:
    """Every messenger's socket of a browser, or every inbox's."""

    def __init__(self, context: BrowserContext, socket: re.Pattern[str] = SOCKET) -> None:
        self.is_cut = False
        self._open: list[WebSocketRoute] = []
        context.route_web_socket(socket, self._connect)

    def cut(self) -> None:
        """Nothing gets through from now on."""
        self.is_cut = True
        for each in self._open:
            each.close(code=1012)
        self._open.clear()

    def mend(self) -> None:
        """All gets through again."""
        self.is_cut = False

    def _connect(self, route: WebSocketRoute) -> None:
        if self.is_cut:
            route.close(code=1012)
            return
        route.connect_to_server()
        self._open.append(route)
