"""Domains that a project sends from: their keys, the DNS records they need, and what was found.

A domain's first keys sign from the start: a signature whose record is missing does no harm. New
keys that are to replace others wait until their record was seen, so that a rotation never has an
hour in which signatures fail.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from regulars.kit import sealing
from regulars.kit.ids import new_id
from regulars.mail import addresses, bounces, dkim
from regulars.mail.addresses import BadAddressError
from regulars.mail.dkim import ALGORITHMS, SEALED_FOR, Algorithm

Connection = psycopg.Connection[Any]

MOST = 20  # of a project
LOOK_AGAIN = timedelta(hours=24)
# A record that another key replaced can be taken out of the DNS after mail under way has arrived.
KEEP_RECORD = timedelta(days=7)

ALL = """
SELECT id, name, return_path, found, checked_at, created_at FROM mail_domain
WHERE project_id = %s ORDER BY created_at, id
"""
KEYS = """
SELECT domain_id, id, selector, algorithm, public, created_at, used_from, retired_at
FROM dkim_key WHERE project_id = %s AND (retired_at IS NULL OR retired_at > %s)
ORDER BY created_at, algorithm DESC, id
"""
ADD = """
INSERT INTO mail_domain (project_id, id, name, created_at) VALUES (%s, %s, %s, %s)
ON CONFLICT (project_id, name) DO NOTHING
"""
ADD_KEY = """
INSERT INTO dkim_key (project_id, id, domain_id, selector, algorithm, private, public,
                      created_at, used_from)
VALUES (%(project)s, %(id)s, %(domain)s, %(selector)s, %(algorithm)s, %(private)s, %(public)s,
        %(now)s, %(used_from)s)
"""
# Keys that were to replace others and never did.
DROP_WAITING = "DELETE FROM dkim_key WHERE project_id = %s AND domain_id = %s AND used_from IS NULL"
USE = """
UPDATE dkim_key SET used_from = %(now)s
WHERE project_id = %(project)s AND domain_id = %(domain)s AND used_from IS NULL
  AND id = ANY(%(keys)s)
RETURNING algorithm
"""
RETIRE = """
UPDATE dkim_key SET retired_at = %(now)s
WHERE project_id = %(project)s AND domain_id = %(domain)s AND algorithm = ANY(%(algorithms)s)
  AND used_from < %(now)s AND retired_at IS NULL
"""
KEEP_FOUND = "UPDATE mail_domain SET found = %s, checked_at = %s WHERE project_id = %s AND id = %s"
SET_RETURN_PATH = "UPDATE mail_domain SET return_path = %s WHERE project_id = %s AND id = %s"
REMOVE_KEYS = "DELETE FROM dkim_key WHERE project_id = %s AND domain_id = %s"
REMOVE = "DELETE FROM mail_domain WHERE project_id = %s AND id = %s"
RETURN_PATH = """
SELECT name, return_path FROM mail_domain
WHERE project_id = %s AND name = ANY(%s) AND return_path <> ''
ORDER BY length(name) DESC LIMIT 1
"""
# What nobody has looked at for a day, whichever project's.
TO_CHECK = """
SELECT project_id, id FROM mail_domain WHERE checked_at IS NULL OR checked_at < %s
ORDER BY checked_at NULLS FIRST LIMIT 20
"""


class DomainError(ValueError):
    """What cannot be done to a domain, in words for whoever asked."""


@dataclass(frozen=True, slots=True)
class Found:
    """What the DNS said where a record should be: "good", "missing", "wrong" or "unknown"."""

    state: str
    said: str = ""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key as everybody may know it."""

    id: UUID
    selector: str
    algorithm: Algorithm
    public: str
    created_at: datetime
    used_from: datetime | None
    retired_at: datetime | None

    @property
    def state(self) -> str:
        """One of "used", "waiting" (for its record) and "retired"."""
        if self.retired_at is not None:
            return "retired"
        return "used" if self.used_from is not None else "waiting"


@dataclass(frozen=True, slots=True)
class Domain:
    """A domain that mail is sent from. `found` is by the name of the record (`records`)."""

    id: UUID
    name: str
    return_path: str
    found: Mapping[str, Found]
    checked_at: datetime | None
    created_at: datetime
    keys: tuple[PublicKey, ...]

    @property
    def live_keys(self) -> tuple[PublicKey, ...]:
        """Those that sign, or wait to."""
        return tuple(key for key in self.keys if key.retired_at is None)

    @property
    def is_verified(self) -> bool:
        """Whether its mail can be told from a forgery: signed by a key that the DNS has."""
        used = [key for key in self.keys if key.state == "used"]
        return any(self.state_of(f"dkim {key.selector}") == "good" for key in used)

    def state_of(self, record: str) -> str:
        """What was found for a record; "unknown" before anybody looked."""
        found = self.found.get(record)
        return found.state if found else "unknown"


def all_of(connection: Connection, project_id: UUID, now: datetime) -> list[Domain]:
    """The project's domains, the first one first."""
    keys: dict[UUID, list[PublicKey]] = {}
    for domain_id, *key in connection.execute(KEYS, (project_id, now - KEEP_RECORD)):
        keys.setdefault(domain_id, []).append(PublicKey(*key))
    return [
        Domain(id_, name, path, _read(found), checked, created, tuple(keys.get(id_, ())))
        for id_, name, path, found, checked, created in connection.execute(ALL, (project_id,))
    ]


def find(connection: Connection, project_id: UUID, domain_id: UUID, now: datetime) -> Domain | None:
    """One domain."""
    found = all_of(connection, project_id, now)
    return next((one for one in found if one.id == domain_id), None)


def of_address(
    connection: Connection, project_id: UUID, address: str, now: datetime
) -> Domain | None:
    """The domain that mail from this address is sent from: its own, or the nearest above it."""
    named = {one.name: one for one in all_of(connection, project_id, now)}
    above = dkim.and_above(addresses.domain_of(address).lower())
    return next((named[name] for name in above if name in named), None)


def ensure(connection: Connection, project_id: UUID, name: str, now: datetime) -> bool:
    """The project sends from this domain, with keys of its own; whether that is new.

    Raises DomainError for what is no domain.
    """
    domain = check(name)
    there = all_of(connection, project_id, now)
    if any(one.name == domain for one in there):
        return False
    if len(there) >= MOST:
        raise DomainError(f"A project can have {MOST} domains.")
    id_ = new_id(now)
    if not connection.execute(ADD, (project_id, id_, domain, now)).rowcount:
        return False
    _make_keys(connection, project_id, id_, now, used_from=now)
    return True


def check(name: str) -> str:
    """The domain as mail writes it. Raises DomainError."""
    try:
        domain = addresses.domain_of(addresses.check(f"x@{name.strip().lower().strip('.')}"))
    except BadAddressError:
        domain = ""
    if "." not in domain or domain.replace(".", "").isdigit():
        raise DomainError("That is not a domain.")
    return domain


def rotate(connection: Connection, project_id: UUID, domain_id: UUID, now: datetime) -> None:
    """New keys, which take over once their records were seen."""
    connection.execute(DROP_WAITING, (project_id, domain_id))
    _make_keys(connection, project_id, domain_id, now, used_from=None)


def keep_found(
    connection: Connection,
    project_id: UUID,
    domain: Domain,
    found: Mapping[str, Found],
    now: datetime,
) -> None:
    """Keep what was found; keys that waited for their record are used from now on."""
    said = {name: {"state": one.state, "said": one.said[:1_000]} for name, one in found.items()}
    connection.execute(KEEP_FOUND, (Jsonb(said), now, project_id, domain.id))
    seen = [
        key.id
        for key in domain.live_keys
        if key.used_from is None and found.get(f"dkim {key.selector}", Found("")).state == "good"
    ]
    use_keys(connection, project_id, domain.id, seen, now)


def use_keys(
    connection: Connection, project_id: UUID, domain_id: UUID, keys: Iterable[UUID], now: datetime
) -> None:
    """Sign with these from now on; those that they replace sign no more."""
    named = {"project": project_id, "domain": domain_id, "now": now, "keys": list(keys)}
    begun = [row[0] for row in connection.execute(USE, named)]
    if begun:
        connection.execute(RETIRE, named | {"algorithms": begun})


def set_return_path(
    connection: Connection, project_id: UUID, domain_id: UUID, address: str
) -> None:
    """Where reports about mail from the domain come back to; empty: to its sender.

    Raises DomainError: there must be room for a mail's mark before the @.
    """
    path = ""
    if address.strip():
        try:
            path = addresses.check(address).lower()
            bounces.return_address(path, domain_id)
        except BadAddressError as wrong:
            raise DomainError(f"{wrong} At most 31 letters can stand before the @.") from wrong
    connection.execute(SET_RETURN_PATH, (path, project_id, domain_id))


def return_path(connection: Connection, project_id: UUID, from_address: str) -> str:
    """Where reports about mail from this address come back to; empty: to the address itself."""
    above = dkim.and_above(addresses.domain_of(from_address).lower())
    row = connection.execute(RETURN_PATH, (project_id, above)).fetchone()
    return row[1] if row else ""


def return_path_of(
    connection: Connection, project_id: UUID, from_address: str, mail_id: UUID
) -> str | None:
    """What the server is told a mail is from, so that reports lead back to it; None: as it says."""
    path = return_path(connection, project_id, from_address)
    return bounces.return_address(path, mail_id) if path else None


def remove(connection: Connection, project_id: UUID, domain_id: UUID) -> bool:
    """The project sends from it no more; whether it did. Its keys are gone for good."""
    connection.execute(REMOVE_KEYS, (project_id, domain_id))
    return bool(connection.execute(REMOVE, (project_id, domain_id)).rowcount)


def _make_keys(
    connection: Connection,
    project_id: UUID,
    domain_id: UUID,
    now: datetime,
    *,
    used_from: datetime | None,
) -> None:
    for algorithm in ALGORITHMS:
        id_ = new_id(now)
        private, public = dkim.make_key(algorithm)
        connection.execute(
            ADD_KEY,
            {
                "project": project_id,
                "id": id_,
                "domain": domain_id,
                "selector": f"r{algorithm[0]}{id_.hex[-8:]}",
                "algorithm": algorithm,
                "private": sealing.seal(SEALED_FOR, private, project_id.bytes + id_.bytes),
                "public": public,
                "now": now,
                "used_from": used_from,
            },
        )


def _read(found: Mapping[str, Mapping[str, str]] | None) -> dict[str, Found]:
    return {name: Found(one["state"], one["said"]) for name, one in (found or {}).items()}
