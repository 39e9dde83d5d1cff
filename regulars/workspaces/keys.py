"""Which project a key opens, for the doors that run without Django.

A key is found by its SHA-256, so what a guesser can time is the digest of their own guess. Doors
keep what they load for some seconds and drop it when the bus says `project` of that project.
"""

from __future__ import annotations

import hmac
import secrets
import string
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import kwargs_row

from regulars.kit import bus
from regulars.kit.ids import new_id

# The bus topic of a change to a project's settings or keys.
TOPIC = "project"

_ALPHABET = string.ascii_letters + string.digits
_PREFIX = {"write": "wk_", "secret": "sk_"}
_LENGTH = {"write": 24, "secret": 40}
_HINT = 4

_CONFIG = """
SELECT p.id, p.name, p.time_zone, p.dedupe_hours, p.honour_gpc, p.enforce_identity,
       p.identity_secret, p.identity_used_at IS NOT NULL AS identity_used,
       ARRAY(SELECT w.value::text FROM project_key w
             WHERE w.project_id = p.id AND w.kind = 'write' AND w.revoked_at IS NULL
             ORDER BY w.created_at DESC, w.id DESC) AS write_keys
"""
_OF_ID = _CONFIG + ", NULL::uuid AS key_id FROM project p WHERE p.id = %s"
_OF_KEY = (
    _CONFIG
    + ", k.id AS key_id FROM project_key k JOIN project p ON p.id = k.project_id"
    + " WHERE k.digest = %s AND k.kind = %s AND k.revoked_at IS NULL"
)
# Once a minute is enough for "last used", and keeps a busy key from being written all the time.
_USED = """
UPDATE project_key SET last_used_at = %(now)s
WHERE id = ANY(%(ids)s)
  AND (last_used_at IS NULL OR last_used_at < %(now)s - interval '1 minute')
"""
# Whoever signs can be trusted to go on signing, so that unsigned claims need not be believed any
# more. It happens once: an owner who switches it off again has the last word.
_FIRST_USE = """
WITH first AS (
    UPDATE project SET identity_used_at = %(now)s, enforce_identity = true
    WHERE id = %(project)s AND identity_used_at IS NULL
    RETURNING id
)
INSERT INTO audit_entry (project_id, id, action, subject, details, at)
SELECT first.id, %(id)s, %(action)s, '', '{}', %(now)s FROM first
"""
FIRST_USE = "identity.first_used"


@dataclass(frozen=True, slots=True)
class ProjectConfig:
    """What the doors need to know of a project, as it was when it was loaded."""

    id: UUID
    name: str
    time_zone: str
    dedupe_hours: int
    honour_gpc: bool
    enforce_identity: bool
    identity_secret: str
    identity_used: bool  # whether it has ever signed something
    write_keys: tuple[str, ...]  # those that live, the newest first
    key_id: UUID | None = None  # the key that opened the door, for `record_use`


def load_project_by_write_key(
    connection: psycopg.Connection[Any], key: str
) -> ProjectConfig | None:
    """The project that a write key writes to; None for an unknown or revoked key."""
    return _load(connection, _OF_KEY, (digest_of(key), "write"))


def load_project_by_secret_key(
    connection: psycopg.Connection[Any], key: str, project_id: UUID | None = None
) -> ProjectConfig | None:
    """The project that a secret key opens; with `project_id` (Interakt's app_id) only that one."""
    found = _load(connection, _OF_KEY, (digest_of(key), "secret"))
    if found is None or (project_id is not None and found.id != project_id):
        return None
    return found


def load_project(connection: psycopg.Connection[Any], project_id: UUID) -> ProjectConfig | None:
    """The project with this id; its id alone opens no door."""
    return _load(connection, _OF_ID, (project_id,))


def record_use(connection: psycopg.Connection[Any], key_ids: Iterable[UUID], now: datetime) -> None:
    """Remember that keys were used, so that an agent can tell when an old one has fallen silent."""
    connection.execute(_USED, {"ids": sorted(key_ids), "now": now})


def note_identity_used(
    connection: psycopg.Connection[Any], project_id: UUID, now: datetime
) -> bool:
    """Remember that a signed claim was seen to be right, and demand signed ones from now on.

    True for the first one of the project alone; that one tells the doors. To be called for a
    `ProjectConfig` that says `identity_used` is false: it may be some seconds old.
    """
    values = {"project": project_id, "id": new_id(now), "action": FIRST_USE, "now": now}
    with connection.transaction():
        if not connection.execute(_FIRST_USE, values).rowcount:
            return False
        connection.execute(bus.NOTIFY, (bus.message(project_id, TOPIC),))
    return True


def new_key(kind: str) -> str:
    """A fresh key: a prefix that tells its kind, then letters and digits (142 or 238 bits)."""
    return _PREFIX[kind] + "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH[kind]))


def digest_of(key: str) -> bytes:
    """What a key is stored and found by. It is random, so a plain hash can't be guessed back."""
    return sha256(key.encode("utf-8", "surrogatepass")).digest()


def hint_of(key: str) -> str:
    """The last letters of a key, to tell it from others."""
    return key[-_HINT:]


def signature_of(config: ProjectConfig, user_id: str) -> str:
    """HMAC-SHA256 of a user id with the project's identity secret, in hex."""
    return hmac.new(config.identity_secret.encode(), user_id.encode(), sha256).hexdigest()


def _load(
    connection: psycopg.Connection[Any], query: str, values: tuple[Any, ...]
) -> ProjectConfig | None:
    with connection.cursor(row_factory=kwargs_row(_config)) as cursor:
        return cursor.execute(query, values).fetchone()


def _config(write_keys: list[str], **rest: Any) -> ProjectConfig:
    return ProjectConfig(write_keys=tuple(write_keys), **rest)
