"""Webhooks: made, changed, switched off and on, their secrets replaced, deleted.

Every function takes a connection with a transaction open, and raises UnknownError for what is not
the project's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import psycopg
from psycopg.rows import class_row

from regulars.events import outbox
from regulars.kit import environment
from regulars.kit.ids import new_id
from regulars.kit.public_hosts import NotPublicError, check_host, networks
from regulars.webhooks import signing, topics
from regulars.workspaces.errors import ConflictError, InvalidError, UnknownError

Connection = psycopg.Connection[Any]

MOST = 20  # of a project
MAX_URL = 1_000
BOTH_SECRETS = timedelta(hours=24)  # for which deliveries are signed with the one before, too

AUDITED = {
    "webhook.made": "Made a webhook",
    "webhook.changed": "Changed a webhook",
    "webhook.secret_replaced": "Replaced a webhook's secret",
    "webhook.switched_off": "Switched a webhook off that took nothing",
    "webhook.deleted": "Deleted a webhook",
}


@dataclass(frozen=True, slots=True)
class Webhook:
    """A webhook as its row says."""

    project_id: UUID
    id: UUID
    url: str
    topics: list[str]
    secret: str
    old_secret: str | None
    old_until: datetime | None
    is_on: bool
    off_because: str
    place: int
    failures: int
    failing_since: datetime | None
    paused_until: datetime | None
    delivered_at: datetime | None
    created_at: datetime
    changed_at: datetime

    def secrets(self, now: datetime) -> list[str]:
        """What deliveries are signed with now."""
        before = [self.old_secret] if self.old_secret and self.old_until else []
        return [self.secret, *(before if self.old_until and now < self.old_until else [])]


COLUMNS = ", ".join(f'w."{one.name}"' for one in fields(Webhook))

ALL = f"SELECT {COLUMNS} FROM webhook w WHERE w.project_id = %s ORDER BY w.created_at, w.id"
ONE = f"SELECT {COLUMNS} FROM webhook w WHERE w.project_id = %s AND w.id = %s"
# Held while they are counted, so that there are never too many.
COUNT = "SELECT count(*) FROM webhook WHERE project_id = %s"
HOLD = "SELECT id FROM project WHERE id = %s FOR NO KEY UPDATE"
ADD = """
INSERT INTO webhook (project_id, id, url, topics, secret, place, created_at, changed_at)
VALUES (%(project)s, %(id)s, %(url)s, %(topics)s, %(secret)s, %(place)s, %(now)s, %(now)s)
"""
CHANGE = """
UPDATE webhook SET url = %(url)s, topics = %(topics)s, is_on = %(is_on)s, changed_at = %(now)s,
    off_because = '', failures = 0, failing_since = NULL, paused_until = NULL
WHERE project_id = %(project)s AND id = %(id)s
"""
ROTATE = """
UPDATE webhook SET old_secret = secret, old_until = %(until)s, secret = %(secret)s,
    changed_at = %(now)s
WHERE project_id = %(project)s AND id = %(id)s
"""
FORGET_DELIVERIES = "DELETE FROM webhook_delivery WHERE project_id = %s AND webhook_id = %s"
DELETE = "DELETE FROM webhook WHERE project_id = %s AND id = %s"


def of_project(connection: Connection, project_id: UUID) -> list[Webhook]:
    """All of the project's, the oldest first."""
    with connection.cursor(row_factory=class_row(Webhook)) as cursor:
        return cursor.execute(ALL, (project_id,)).fetchall()


def get(connection: Connection, project_id: UUID, webhook_id: UUID) -> Webhook:
    """The webhook. Raises UnknownError."""
    return _one(connection, project_id, webhook_id, ONE)


def create(
    connection: Connection, project_id: UUID, url: str, wanted: Iterable[str], now: datetime
) -> Webhook:
    """Tell a URL of these topics from now on. Raises InvalidError, ConflictError."""
    address, chosen = clean_url(url), topics.clean(wanted)
    connection.execute(HOLD, (project_id,))
    row = connection.execute(COUNT, (project_id,)).fetchone()
    if row and row[0] >= MOST:
        raise ConflictError("url", f"A project has at most {MOST} webhooks.")
    id_ = new_id(now)
    named = {
        "project": project_id,
        "id": id_,
        "url": address,
        "topics": chosen,
        "secret": signing.new_secret(),
        "place": outbox.last(connection, project_id),
        "now": now,
    }
    connection.execute(ADD, named)
    return get(connection, project_id, id_)


def change(
    connection: Connection,
    project_id: UUID,
    webhook_id: UUID,
    now: datetime,
    *,
    url: str | None = None,
    wanted: Sequence[str] | None = None,
    is_on: bool | None = None,
) -> Webhook:
    """Change what is given. Switched on again, it goes on where it was; after days it is told anew.

    Raises InvalidError.
    """
    one = _one(connection, project_id, webhook_id, f"{ONE} FOR UPDATE")
    named = {
        "project": project_id,
        "id": one.id,
        "url": one.url if url is None else clean_url(url),
        "topics": one.topics if wanted is None else topics.clean(wanted),
        "is_on": one.is_on if is_on is None else is_on,
        "now": now,
    }
    if not (url is None and wanted is None and is_on is None):
        connection.execute(CHANGE, named)
    return get(connection, project_id, webhook_id)


def rotate(connection: Connection, project_id: UUID, webhook_id: UUID, now: datetime) -> Webhook:
    """Give it another secret. For a day deliveries are signed with both."""
    _one(connection, project_id, webhook_id, f"{ONE} FOR UPDATE")
    named = {
        "project": project_id,
        "id": webhook_id,
        "secret": signing.new_secret(),
        "until": now + BOTH_SECRETS,
        "now": now,
    }
    connection.execute(ROTATE, named)
    return get(connection, project_id, webhook_id)


def delete(connection: Connection, project_id: UUID, webhook_id: UUID) -> None:
    """It is told of nothing more, and what it was told is forgotten."""
    _one(connection, project_id, webhook_id, f"{ONE} FOR UPDATE")
    connection.execute(FORGET_DELIVERIES, (project_id, webhook_id))
    connection.execute(DELETE, (project_id, webhook_id))


def clean_url(given: str) -> str:
    """A URL that may be told, as far as can be seen without looking it up. Raises InvalidError."""
    url = given.strip()
    if len(url) > MAX_URL or not url.isascii() or not url.isprintable() or " " in url:
        raise InvalidError("url", f"Expected a web address of at most {MAX_URL} characters.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise InvalidError("url", "Expected a web address.") from None
    if parts.scheme not in ("https", "http") or not parts.hostname or port == 0:
        raise InvalidError("url", "Expected a web address, such as https://example.com/hooks.")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise InvalidError("url", "No names, passwords or # in it: deliveries are signed instead.")
    try:
        check_host(parts.hostname, allowed())
    except NotPublicError:
        message = "This host is not public. Who runs the installation can allow its network."
        raise InvalidError("url", message) from None
    return url


def allowed() -> tuple[Any, ...]:
    """Networks that webhooks may reach though they are not public."""
    return networks(environment.read().webhook_networks)


def _one(connection: Connection, project_id: UUID, id_: UUID, statement: str) -> Webhook:
    with connection.cursor(row_factory=class_row(Webhook)) as cursor:
        one = cursor.execute(statement, (project_id, id_)).fetchone()
    if one is None:
        raise UnknownError("There is no such webhook.")
    return one
