"""Senders that never give up: what was not answered 200 is sent again under its old ids."""

from __future__ import annotations

import base64
import json
import random
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from typing import Any
from uuid import uuid4

A_BATCH = 10  # events
PEOPLE = 12  # a sender has to itself
SHARED = 6  # people that all senders speak of, so that web processes meet over them
PAUSE = 0.02  # seconds between two requests of a sender
LATER = 0.1  # seconds before a request is sent again
AGAIN = (429, 503)  # what a client may be answered while something is away

KINDS = ("page", "page", "page", "screen", "track", "track", "identify")


@dataclass
class Sender(threading.Thread):
    """One client with a kept connection. `answered` holds the messages answered 200, by id."""

    number: int
    port: int
    key: str
    answered: dict[str, dict[str, Any]] = field(default_factory=dict)
    sent_again: int = 0
    surprises: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(name=f"sender-{self.number}", daemon=True)
        self._enough = threading.Event()
        self._connection: HTTPConnection | None = None
        self._random = random.Random(self.number)
        credentials = base64.b64encode(f"{self.key}:".encode()).decode()
        self._headers = {"Authorization": f"Basic {credentials}"}

    def __hash__(self) -> int:
        return id(self)

    def finish(self) -> None:
        """Begin nothing new, but bring to its end what was begun."""
        self._enough.set()

    def run(self) -> None:
        for path, messages in self._requests():
            body = json.dumps(
                {"batch": messages} if path in ("/v1/b", "/v1/batch") else messages[0]
            )
            while (status := self._post(path, body.encode())) != 200:
                if status is not None and status not in AGAIN:
                    self.surprises.append(f"{path}: {status}")
                self.sent_again += 1
                time.sleep(LATER)
            self.answered.update((message["messageId"], message) for message in messages)
            time.sleep(PAUSE)
        if self._connection is not None:
            self._connection.close()

    def _requests(self) -> Iterator[tuple[str, list[dict[str, Any]]]]:
        while not self._enough.is_set():
            if self._random.random() < 0.2:
                message = self._message(self._random.choice(KINDS))
                yield f"/v1/{message['type']}", [message]
            else:
                path = self._random.choice(("/v1/b", "/v1/batch"))
                yield path, [self._message(self._random.choice(KINDS)) for _ in range(A_BATCH)]

    def _message(self, kind: str) -> dict[str, Any]:
        known = str(uuid4())
        shared = self._random.random() < 0.2
        whose = self._random.randrange(SHARED if shared else PEOPLE)
        who = f"shared-{whose}" if shared else f"sender-{self.number}-{whose}"
        message = {
            "type": kind,
            "messageId": known,
            "anonymousId": who,
            "properties": {"said": known, "text": f"half or whole? {known}"},
        }
        if kind == "track":
            message["event"] = "Tried"
        elif kind == "identify":
            message |= {"userId": f"user-{who}", "traits": {"said": known}}
        return message

    def _post(self, path: str, body: bytes) -> int | None:
        """The answer's status; None where none came."""
        if self._connection is None:
            self._connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            self._connection.request("POST", path, body, self._headers)
            answer = self._connection.getresponse()
            answer.read()
        except (OSError, HTTPException):
            with suppress(OSError):
                self._connection.close()
            self._connection = None
            return None
        return answer.status
