"""Who wants what mail: topics, and who has left one of them or all marketing.

An address that never said anything is subscribed to all of it. What it left is kept under a keyed
hash of the address: the rows outlive the person's erasure, without the address.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import psycopg

from regulars.kit.text import fold
from regulars.mail import addresses, suppressions
from regulars.mail.addresses import BadAddressError
from regulars.mail.links import address_hash, keyed_hash

Connection = psycopg.Connection[Any]

# Stands for marketing that is about no topic, which can be left by itself as well.
NO_TOPIC = UUID(int=0)

Reason = Literal["unsubscribed", "bounced", "complained", "suppressed", "bad_address"]

# Whichever of these hashes have left all marketing, or the topic.
LEFT = """
SELECT hash FROM unsubscription
WHERE project_id = %s AND hash = ANY(%s) AND (topic_id IS NULL OR topic_id = %s)
"""
# What one address has left: topics, and NULL for all marketing.
LEFT_BY = "SELECT topic_id FROM unsubscription WHERE project_id = %s AND hash = %s"
LEAVE = """
INSERT INTO unsubscription (project_id, id, hash, address, topic_id, since, source)
VALUES (%(project)s, %(id)s, %(hash)s, %(address)s, %(topic)s, %(now)s, %(source)s)
ON CONFLICT (project_id, id)
DO UPDATE SET address = coalesce(excluded.address, unsubscription.address)
RETURNING since = %(now)s
"""
COME_BACK = "DELETE FROM unsubscription WHERE project_id = %s AND id = ANY(%s)"
# The address of an erased person goes from what it left; the hash stays.
FORGET = "UPDATE unsubscription SET address = NULL WHERE project_id = %s AND hash = %s"
COUNT = "SELECT count(*) FROM unsubscription WHERE project_id = %s AND topic_id IS NULL"


@dataclass(frozen=True, slots=True)
class Leaving:
    """What an address has left: all marketing, or these topics of it."""

    everything: bool
    topics: frozenset[UUID]

    def wants(self, topic_id: UUID | None) -> bool:
        """Whether marketing about the topic may go there."""
        return not self.everything and (topic_id or NO_TOPIC) not in self.topics


def left_out(
    connection: Connection,
    project_id: UUID,
    given: Sequence[str],
    *,
    marketing: bool,
    topic_id: UUID | None,
) -> dict[str, Reason]:
    """Which of these addresses must not be written to, folded, and why.

    Nothing goes where mail bounced or somebody complained; marketing, besides, to nobody who left
    it. An address that mail cannot be sent to at all is `bad_address`.
    """
    reasons: dict[str, Reason] = {}
    hashes: dict[UUID, str] = {}
    for address in given:
        folded = fold(address)
        if folded in reasons:
            continue
        try:
            addresses.check(folded)
        except BadAddressError:
            reasons[folded] = "bad_address"
        else:
            hashes[address_hash(project_id, folded)] = folded
    if marketing and hashes:
        rows = connection.execute(LEFT, (project_id, list(hashes), topic_id or NO_TOPIC))
        reasons.update((hashes[row[0]], "unsubscribed") for row in rows)
    reasons.update(suppressions.among(connection, project_id, hashes))
    return reasons


def leaving_of(connection: Connection, project_id: UUID, hash_: UUID) -> Leaving:
    """What the address with this hash has left."""
    rows = [row[0] for row in connection.execute(LEFT_BY, (project_id, hash_))]
    return Leaving(None in rows, frozenset(row for row in rows if row is not None))


def leave(
    connection: Connection,
    project_id: UUID,
    hash_: UUID,
    now: datetime,
    *,
    source: str,
    topic_id: UUID | None = None,
    address: str | None = None,
) -> bool:
    """The address leaves all marketing, or the topic; whether it had not before.

    `source` says how, for agents: "one_click", "page", "agent", "import", a mail service's name.
    """
    named = {
        "project": project_id,
        "id": _id(project_id, hash_, topic_id),
        "hash": hash_,
        "address": fold(address) if address else None,
        "topic": topic_id,
        "now": now,
        "source": source,
    }
    row = connection.execute(LEAVE, named).fetchone()
    return bool(row and row[0])


def come_back(
    connection: Connection, project_id: UUID, hash_: UUID, topic_ids: Collection[UUID | None]
) -> bool:
    """The address takes these topics again (None: all marketing); whether it had left any."""
    ids = [_id(project_id, hash_, topic) for topic in topic_ids]
    return bool(connection.execute(COME_BACK, (project_id, ids)).rowcount)


def choose(
    connection: Connection,
    project_id: UUID,
    hash_: UUID,
    now: datetime,
    *,
    wanted: Collection[UUID],
    topics: Collection[UUID],
    address: str | None = None,
) -> Leaving:
    """What somebody chose on their preferences page: of these topics the wanted ones.

    NO_TOPIC is one of them. Whoever wants none of all has left everything, also what is yet to
    come.
    """
    chosen = [topic for topic in topics if topic in wanted]
    if not chosen:
        leave(connection, project_id, hash_, now, source="page", address=address)
        return leaving_of(connection, project_id, hash_)
    come_back(connection, project_id, hash_, [None, *chosen])
    for topic in topics:
        if topic not in wanted:
            leave(
                connection, project_id, hash_, now, source="page", topic_id=topic, address=address
            )
    return leaving_of(connection, project_id, hash_)


def forget(connection: Connection, project_id: UUID, address: str) -> None:
    """The address is not known here any more; that it left still is."""
    connection.execute(FORGET, (project_id, address_hash(project_id, address)))


def count(connection: Connection, project_id: UUID) -> int:
    """How many addresses have left all marketing."""
    row = connection.execute(COUNT, (project_id,)).fetchone()
    return row[0] if row else 0


def _id(project_id: UUID, hash_: UUID, topic_id: UUID | None) -> UUID:
    return keyed_hash("unsubscription", project_id, f"{hash_} {topic_id or 'all'}")
