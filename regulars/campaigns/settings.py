"""How a project's emails leave: over which server or service, how fast."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from regulars.campaigns.engine.pace import Limits
from regulars.kit import environment, sealing
from regulars.mail import smtp
from regulars.mail.carriers import Carrier, OverSmtp
from regulars.mail.services import accounts
from regulars.mail.services.accounts import Account
from regulars.mail.services.line import OverService
from regulars.mail.smtp import BadServerError, Server
from regulars.workspaces.errors import InvalidError

Connection = psycopg.Connection[Any]

SEALED_FOR = "mail server of a project"
MOST_AT_ONCE = 50

READ = """
SELECT smtp_url, service, service_key, per_second, at_once, domain_per_second, domain_at_once,
       refused_most
FROM sending_settings WHERE project_id = %s AND id = %s
"""
KEEP = """
INSERT INTO sending_settings (project_id, id, smtp_url, service, service_key, per_second, at_once,
                              domain_per_second, domain_at_once, refused_most)
VALUES (%(project)s, %(project)s, %(smtp_url)s, %(service)s, %(service_key)s, %(per_second)s,
        %(at_once)s, %(domain_per_second)s, %(domain_at_once)s, %(refused_most)s)
ON CONFLICT (project_id, id) DO UPDATE
SET smtp_url = excluded.smtp_url, service = excluded.service, service_key = excluded.service_key,
    per_second = excluded.per_second, at_once = excluded.at_once,
    domain_per_second = excluded.domain_per_second, domain_at_once = excluded.domain_at_once,
    refused_most = excluded.refused_most
"""


@dataclass(frozen=True, slots=True)
class Sending:
    """A project's settings. `smtp_url` is its own server's, or empty for the installation's."""

    smtp_url: str = ""
    service: str = ""
    service_key: str = ""
    per_second: float | None = None
    at_once: int = 5
    domain_per_second: Mapping[str, float] = field(default_factory=dict)
    domain_at_once: int | None = None
    refused_most: float = 0.2

    @property
    def limits(self) -> Limits:
        """How fast mail may leave."""
        return Limits(self.per_second, self.at_once, self.domain_per_second, self.domain_at_once)

    def way(self) -> Server | Account | None:
        """The server or service mail is handed to; None where there is none, and mail is kept.

        Raises BadServerError.
        """
        if self.service:
            return accounts.read(self.service, self.service_key)
        settings = environment.read()
        url = self.smtp_url or settings.smtp_url
        return smtp.server_of(url, settings.base_url) if url else None

    def carrier(self) -> Carrier | None:
        """What hands mail over by it. Raises BadServerError."""
        way = self.way()
        if isinstance(way, Account):
            return OverService(way)
        return OverSmtp(way) if way is not None else None


def of_project(connection: Connection, project_id: UUID) -> Sending:
    """The project's settings, or those that hold without any. Raises sealing.SealedError."""
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(READ, (project_id, project_id)).fetchone()
    if row is None:
        return Sending()
    for secret in ("smtp_url", "service_key"):
        sealed = row[secret]
        bound = project_id.bytes + secret.encode()
        row[secret] = sealing.unseal(SEALED_FOR, bytes(sealed), bound).decode() if sealed else ""
    return Sending(**row)


def way_of(connection: Connection, project_id: UUID) -> Server | Account | None:
    """By what a project's mail leaves; None: it is kept. Raises BadServerError."""
    try:
        return of_project(connection, project_id).way()
    except sealing.SealedError as wrong:
        raise BadServerError(str(wrong)) from wrong


def keep(connection: Connection, project_id: UUID, said: Sending) -> None:
    """Set them. Raises InvalidError."""
    if said.smtp_url:
        try:
            smtp.server_of(said.smtp_url, environment.read().base_url)
        except BadServerError:
            raise InvalidError(
                "smtp_url", "Write smtp://name:password@host, or smtps://…."
            ) from None
    if not 1 <= said.at_once <= MOST_AT_ONCE:
        raise InvalidError("at_once", f"Between 1 and {MOST_AT_ONCE} connections are possible.")
    if said.per_second is not None and not said.per_second > 0:
        raise InvalidError("per_second", "A rate is more than 0 a second.")
    connection.execute(
        KEEP,
        {
            "project": project_id,
            "smtp_url": _sealed(project_id, "smtp_url", said.smtp_url),
            "service": said.service,
            "service_key": _sealed(project_id, "service_key", said.service_key),
            "per_second": said.per_second,
            "at_once": said.at_once,
            "domain_per_second": Jsonb(dict(said.domain_per_second)),
            "domain_at_once": said.domain_at_once,
            "refused_most": said.refused_most,
        },
    )


def _sealed(project_id: UUID, name: str, secret: str) -> bytes | None:
    bound = project_id.bytes + name.encode()
    return sealing.seal(SEALED_FOR, secret.encode(), bound) if secret else None
