"""A project that tells a receiver on loopback what happens in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest

from regulars.kit import clock
from regulars.webhooks import deliveries, sending, webhooks
from regulars.webhooks.deliveries import Delivery
from regulars.webhooks.webhooks import Webhook
from tests.slices.inbox.talk import Talk
from tests.slices.tracking.site import open_site
from tests.slices.webhooks.receiver import Receiver, receiving


class TalkNow(Talk):
    """Things are said now, not on the day that tests of the core agree on."""

    @property
    def now(self) -> datetime:
        return clock.now()


class Told:
    """A project with webhooks. Its time goes on only when it is told to: `later`."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.connection = connection
        self.site = open_site(connection)
        self.talk = TalkNow(self.site, None)
        self.project_id = self.site.project.id
        self.ahead = timedelta(0)

    @property
    def now(self) -> datetime:
        return clock.now() + self.ahead

    def later(self, **span: float) -> None:
        self.ahead += timedelta(**span)

    def did(self, *messages: Mapping[str, Any]) -> None:
        """People do something now."""
        self.site.send(*messages, at=clock.now())

    def webhook(self, url: str, topics: Sequence[str] = ("*",)) -> Webhook:
        with self.connection.transaction():
            return webhooks.create(self.connection, self.project_id, url, topics, self.now)

    def get(self, webhook: Webhook) -> Webhook:
        return webhooks.get(self.connection, self.project_id, webhook.id)

    def tend(self, webhook: Webhook) -> int:
        """A turn of the worker for this webhook; how many tries that were."""
        return sending.tend(self.project_id, webhook.id, lambda: self.now)

    def deliveries(self, webhook: Webhook) -> list[Delivery]:
        """The oldest first."""
        found = deliveries.page(self.connection, webhook, limit=1000)
        return sorted(found, key=lambda one: (one.seq, one.number))


@pytest.fixture
def told(database: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch) -> Told:
    monkeypatch.setenv("REGULARS_WEBHOOK_NETWORKS", "127.0.0.1, ::1")
    return Told(database)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as one:
        yield one
