"""A messenger as the served application meets it: a real WebSocket client of the protocol."""

from __future__ import annotations

import hmac
import json
import time
from hashlib import sha256
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

PATIENCE = 30.0  # seconds until something that was expected is missed


class Messenger:
    """One tab's socket. What was pushed and not asked for yet waits in `heard`."""

    def __init__(self, url: str, key: str, anon: str, **claims: str) -> None:
        self.anon = anon
        self.heard: list[dict[str, Any]] = []
        self.socket: ClientConnection = connect(
            url.replace("http", "ws", 1) + "/messenger/socket", compression=None
        )
        self.send({"t": "hello", "v": 1, "key": key, "anon": anon, **claims})
        self.first = self.next()
        self.home = self.first if self.first["t"] == "home" else {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.socket.close()

    def send(self, frame: dict[str, Any]) -> None:
        self.socket.send(json.dumps(frame))

    def next(self) -> dict[str, Any]:
        """The next frame that comes."""
        frame: dict[str, Any] = json.loads(self.socket.recv(timeout=PATIENCE))
        return frame

    def until(self, what: str, **like: Any) -> dict[str, Any]:
        """The first frame of this kind and like this; those before it are in `heard`."""
        deadline = time.monotonic() + PATIENCE
        for known in self.heard:
            if _is(known, what, like):
                self.heard.remove(known)
                return known
        while time.monotonic() < deadline:
            frame = self.next()
            if _is(frame, what, like):
                return frame
            self.heard.append(frame)
        raise AssertionError(f"no {what} {like}; heard {self.heard}")

    def say(self, text: str, conversation: str | None = None, **more: Any) -> dict[str, Any]:
        """Say something; the answer."""
        id_ = more.pop("id", str(uuid4()))
        self.send({"t": "say", "id": id_, "text": text, "conversation": conversation, **more})
        return self.answer(id_)

    def answer(self, id_: str) -> dict[str, Any]:
        """What became of a frame with an id."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            frame = self.next()
            if frame["t"] in ("said", "refused") and frame.get("id") == id_:
                return frame
            self.heard.append(frame)
        raise AssertionError(f"no answer to {id_}")

    def thread(self, conversation: str, after: int = 0) -> list[dict[str, Any]]:
        """The messages of a conversation."""
        self.send({"t": "messages", "conversation": conversation, "after": after, "limit": 100})
        found: list[dict[str, Any]] = self.until("messages", conversation=conversation)["messages"]
        return found

    def is_silent(self) -> bool:
        """Whether nothing more comes before the answer to a ping."""
        self.send({"t": "ping"})
        return bool(self.next()["t"] == "pong")

    def is_over(self) -> bool:
        """Whether the server ends the connection."""
        try:
            while True:
                self.socket.recv(timeout=PATIENCE)
        except ConnectionClosed:
            return True


def signed(secret: str, user_id: str) -> str:
    """The claim that a product's server makes: HMAC-SHA256 of the user id, in hex."""
    return hmac.new(secret.encode(), user_id.encode(), sha256).hexdigest()


def _is(frame: dict[str, Any], what: str, like: dict[str, Any]) -> bool:
    return frame["t"] == what and all(frame.get(key) == value for key, value in like.items())
