"""The one transaction in which a person changes.

Whoever changes people (ingest, an agent's edit, a merge, an import, an erasure) does it through a
`Changes`: it locks them, keeps them in memory, and `flush` writes everything in one order that
all writers share. Slices above register a `Consequence` (wired in `config`), which runs in the
same transaction: so membership is exact after every kind of change and nothing lower knows them.

Lock order, everywhere: the project's own (whoever asks for it), plans shared, then addresses
(whoever goes by one), then people by id, then counts, then the outbox counter.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Literal, Protocol
from uuid import UUID

import psycopg

from regulars.events import outbox
from regulars.kit import arrays
from regulars.kit.connection import later
from regulars.kit.ids import ids_at, key_bytes
from regulars.people import deeds, store
from regulars.people.deeds import Deed
from regulars.people.person import Person, new_person

Connection = psycopg.Connection[Any]
Manner = Literal["plain", "patient", "alone"]
IdentityKind = Literal["user", "anonymous", "former"]

Move = tuple[UUID, UUID, str]  # segment, person, "in" or "out"

# merge id, who went, who stays, cause, agent; who went, who stays, and who they became (JSON)
Merge = tuple[UUID, Person, Person, str, UUID | None, tuple[str, str, str]]


Columns = tuple[tuple[str, str], ...]
Cause = tuple[str, str | None]  # what brought a change about, such as ("event", "Order Completed")


class CollidedError(Exception):
    """Another transaction took what this one wanted to make. Roll back and start anew."""


class Consequence(Protocol):
    """What follows in a slice above when people change. Runs in the changing transaction.

    `erases` names the columns, as (table, column), whose rows go with the person they name.
    """

    erases: Columns

    def begin(self, connection: Connection, project_id: UUID) -> None:
        """Before anybody is locked."""

    def loaded(self, changes: Changes, people: Sequence[Person]) -> None:
        """People are locked and read, and nobody has changed them yet."""

    def touched(self, changes: Changes, people: Sequence[Person]) -> None:
        """What other rows say of these people, who are locked, has just changed."""

    def gathered(self, changes: Changes) -> None:
        """`changes.deeds` and `changes.merges` are all there, and nothing of them is written: the
        last moment to ask for what was there before.
        """

    def done(self, changes: Changes) -> None:
        """`changes.deeds` are all there: remember of them what must be. Runs no statement."""

    def changed(self, changes: Changes, people: Sequence[Person]) -> None:
        """People were changed, and their rows are about to be written. Runs no statement."""

    def written(self, changes: Changes) -> None:
        """People's rows are written: rows that refer to them may be."""

    def counted(self, changes: Changes) -> None:
        """Last, just before the outbox: move counts, whose rows all writers share."""

    def follows_emailing(self, changes: Changes) -> bool:
        """Whether something may follow from nothing but that people were emailed.

        Asked after `begin`, of the running transaction's project.
        """

    def merged(self, changes: Changes, gone: Person, into: Person) -> None:
        """`gone` became `into`: move what is `gone`'s."""

    def unmerged(self, changes: Changes, back: UUID, from_: UUID) -> None:
        """A merge is undone: give back what came from `back`."""

    def erased(self, changes: Changes, person: Person) -> None:
        """Erase everything that is the person's."""


class NoConsequence:
    """Does nothing at each turn: the base of those that care for some."""

    erases: Columns = ()

    def begin(self, connection: Connection, project_id: UUID) -> None:
        """Nothing."""

    def loaded(self, changes: Changes, people: Sequence[Person]) -> None:
        """Nothing."""

    def touched(self, changes: Changes, people: Sequence[Person]) -> None:
        """Nothing."""

    def gathered(self, changes: Changes) -> None:
        """Nothing."""

    def done(self, changes: Changes) -> None:
        """Nothing."""

    def changed(self, changes: Changes, people: Sequence[Person]) -> None:
        """Nothing."""

    def written(self, changes: Changes) -> None:
        """Nothing."""

    def counted(self, changes: Changes) -> None:
        """Nothing."""

    def follows_emailing(self, changes: Changes) -> bool:  # noqa: ARG002 - others look at it
        """No."""
        return False

    def merged(self, changes: Changes, gone: Person, into: Person) -> None:
        """Nothing."""

    def unmerged(self, changes: Changes, back: UUID, from_: UUID) -> None:
        """Nothing."""

    def erased(self, changes: Changes, person: Person) -> None:
        """Nothing."""


CONSEQUENCES: list[Consequence] = []

_ALL_64_BITS = (1 << 64) - 1
LOCK_ALONE = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"
LOCK_PATIENT = "SELECT pg_advisory_xact_lock_shared(hashtextextended(%s, 0))"
_MICROSECOND = timedelta(microseconds=1)

# Makes identities; what exists already, under whoever, is left alone and not returned.
KNOW = """
INSERT INTO identity (project_id, id, kind, value, person_id, created_at)
SELECT %(project)s, n.id, n.kind, n.value, n.person_id, %(now)s
FROM unnest(%(ids)s::uuid[], %(kinds)s::text[], %(values)s::text[], %(people)s::uuid[])
     AS n (id, kind, value, person_id)
ORDER BY n.id
ON CONFLICT (project_id, id) DO NOTHING
"""
WAIT = "SELECT pg_advisory_xact_lock(key) FROM unnest(%s::bigint[]) AS key"
WAIT_FOR_ALL = "SELECT pg_advisory_xact_lock(%s)"
WAIT_FOR_NONE = "SELECT pg_advisory_xact_lock_shared(%s)"
A_FEW = 500  # locks that a transaction may take one by one: the server's table of them is small
# Given to somebody on purpose: where it once came from counts no more.
HAND_OVER = """
UPDATE identity SET person_id = %s, came_from = '{}' WHERE project_id = %s AND id = %s
"""


@lru_cache(maxsize=50_000)
def identity_key(kind: IdentityKind, value: str) -> bytes:
    """The key of an identity: who is here now is looked up again and again."""
    return key_bytes(kind, value)


def _lock_number(project_id: UUID, key: bytes) -> int:
    """The advisory lock of something in a project: projects never wait for each other."""
    mixed = int.from_bytes(key[:8], "big") ^ (project_id.int & _ALL_64_BITS)
    return mixed - (1 << 63)


class Changes:
    """A set of changes to one project's people, inside the caller's transaction."""

    def __init__(self, connection: Connection, project_id: UUID, now: datetime) -> None:
        self.connection = connection
        self.project_id = project_id
        self.now = now
        self.people: dict[UUID, Person] = {}
        self.outbox: list[outbox.Entry] = []
        self.merges: list[Merge] = []  # in the order they happened
        self.returning: list[tuple[Person, Person]] = []  # (who is back, from whom)
        self.erasing: set[UUID] = set()
        self.deeds: list[Deed] = []
        self.cause: Cause = ("facts", None)
        self.traces: list[tuple[Person, str, str]] = []  # causes of single people, oldest first
        self.moves: list[Move] = []  # told to others
        self.quiet_moves: list[Move] = []  # of those who were found to be in or out already
        self.step_moves: list[Move] = []  # of segments behind checkpoints: never told
        self.reached: list[tuple[Person, int]] = []  # who has just reached which checkpoint
        self.undated: set[tuple[Person, int]] = set()  # reached, but when only history tells
        self.before: dict[UUID, frozenset[int]] = {}  # segments being filled that fitted, by person
        self.unread: dict[str, set[UUID]] = {}  # who does not remember an event yet, by its number
        self.evaluated: set[UUID] = set()  # while a filling may not have come to them
        self.passed: dict[int, UUID] = {}  # how far fillings had come, by segment
        self._settled: store.Rows | None = None
        self._known: dict[bytes, tuple[IdentityKind, str, Person]] = {}
        self._handed: dict[bytes, Person] = {}
        self._ids: list[UUID] = []
        self._next_ids_at = now

    def begin(self, manner: Manner = "plain") -> None:
        """Take the locks that come before people's.

        Whoever changes who is who ("alone": merges, undoes, erases) does it one at a time, and
        not while somebody is "patient": who met others before and must not meet them for ever.
        """
        if manner != "plain":
            lock = LOCK_ALONE if manner == "alone" else LOCK_PATIENT
            later(self.connection, lock, (str(self.project_id),))
        for consequence in CONSEQUENCES:
            consequence.begin(self.connection, self.project_id)

    def load(self, ids: Iterable[UUID]) -> dict[UUID, Person]:
        """Lock the people and read them; one call, since locks go in id order."""
        found = self.load_found(id_.bytes for id_ in ids)
        return {person.id: person for person in found.values()}

    def load_found(self, ids: Iterable[bytes]) -> dict[bytes, Person]:
        """The same for ids that are bytes."""
        found = store.lock_and_read(self.connection, self.project_id, ids)
        people = list(found.values())
        self.people.update((person.id, person) for person in people)
        if people:
            for consequence in CONSEQUENCES:
                consequence.loaded(self, people)
        return found

    def touch(self, ids: Iterable[UUID]) -> None:
        """Rows of others say something else of these people now: let follow what does.

        After these rows are written and before `settle`. Those who are not loaded are passed over.
        """
        people = [self.people[id_] for id_ in sorted(set(ids)) if id_ in self.people]
        if people:
            for consequence in CONSEQUENCES:
                consequence.touched(self, people)

    def wait_for_emails(self, emails: Iterable[str]) -> None:
        """Take turns with others who go by these folded addresses: else two would both make one.

        Before `load`. Unlike an id, an address may be several people's, so no unique key decides.
        """
        self._wait(key_bytes("email", email) for email in emails)

    def wait_for_newcomers(self, keys: Collection[bytes]) -> None:
        """Take turns with others who make people of these identities: else all but one start anew.

        Before `wait_for_emails`. Who was awaited has made them: look again.
        """
        everybody = _lock_number(self.project_id, key_bytes("newcomers"))
        if len(keys) > A_FEW:
            later(self.connection, WAIT_FOR_ALL, (everybody,))
        else:
            later(self.connection, WAIT_FOR_NONE, (everybody,))
            self._wait(keys)

    def _wait(self, keys: Iterable[bytes]) -> None:
        numbers = sorted(_lock_number(self.project_id, key) for key in keys)
        later(self.connection, WAIT, (arrays.of_texts(map(str, numbers)),))

    def new_id(self) -> UUID:
        """An id for something made by these changes."""
        if not self._ids:
            # The next chunk starts a microsecond later, so that ids sort as they were made.
            self._ids = ids_at(self._next_ids_at, 64)[::-1]
            self._next_ids_at += _MICROSECOND
        return self._ids.pop()

    def new_person(self) -> Person:
        """A visitor of whom nothing is known yet."""
        person = new_person(self.project_id, self.new_id(), self.now)
        self.people[person.id] = person
        return person

    def know(self, kind: IdentityKind, value: str, person: Person) -> bytes:
        """From now on the person is known by this. It must not be known yet; returns its key."""
        key = identity_key(kind, value)
        self._known[key] = (kind, value, person)
        return key

    def hand_over(self, key: bytes, person: Person) -> None:
        """An existing identity belongs to another person from now on."""
        if key in self._known:
            kind, value, _ = self._known[key]
            self._known[key] = (kind, value, person)
        else:
            self._handed[key] = person

    def gather(self) -> None:
        """Ask what must be known of what was there before. Nobody may be changed any more."""
        for consequence in CONSEQUENCES:
            consequence.gathered(self)

    def settle(self) -> store.Rows:
        """Let follow what follows from the changes, after `gather`. Asks nothing of the connection,
        which may be busy: `flush` writes it.
        """
        if self.deeds:
            deeds.note(self.project_id, self.deeds)
            for consequence in CONSEQUENCES:
                consequence.done(self)
        living = [person for person in self.people.values() if not self._is_gone(person)]
        moved = [person for person in living if person.is_moved()]
        for consequence in CONSEQUENCES:
            consequence.changed(self, moved)
        self._settled = store.rows_of(self.project_id, moved, self.now)
        return self._settled

    def flush(self) -> None:
        """Write everything but counts and the outbox, which `finish` writes last."""
        rows = self._settled
        if rows is None:
            self.gather()
            rows = self.settle()
        store.write(self.connection, self.project_id, rows)
        self._write_identities()
        for consequence in CONSEQUENCES:
            consequence.written(self)

    def finish(self) -> None:
        """Move the counts and write the outbox: what all writers of the project share, last."""
        store.count_kinds(self.connection, self.project_id, self._kinds_moved())
        for consequence in CONSEQUENCES:
            consequence.counted(self)
        outbox.append(self.connection, self.project_id, self.outbox, self.now)

    def _write_identities(self) -> None:
        if self._known:
            keys = sorted(self._known)
            known = [self._known[key] for key in keys]
            cursor = self.connection.execute(
                KNOW,
                {
                    "project": self.project_id,
                    "ids": arrays.of_keys(keys),
                    "kinds": arrays.of_texts(kind for kind, _, _ in known),
                    "values": arrays.of_texts(value for _, value, _ in known),
                    "people": arrays.of_ids(person.survivor().id for _, _, person in known),
                    "now": self.now,
                },
                prepare=True,
            )
            if cursor.rowcount != len(keys):
                raise CollidedError
        for key, person in sorted(self._handed.items()):
            home = person.survivor().id
            later(self.connection, HAND_OVER, (home, self.project_id, UUID(bytes=key)))

    def _is_gone(self, person: Person) -> bool:
        """Whether the person is merged into another, or erased."""
        # Hardly ever is anybody: an empty set is not asked, since to hash a UUID takes its time.
        return person.gone_into is not None or (bool(self.erasing) and person.id in self.erasing)

    def _kinds_moved(self) -> dict[str, int]:
        moved: dict[str, int] = {}
        for person in self.people.values():
            gone = self._is_gone(person)
            if person.kind_before is not None and (gone or person.kind != person.kind_before):
                moved[person.kind_before] = moved.get(person.kind_before, 0) - 1
            if not gone and person.kind != person.kind_before:
                moved[person.kind] = moved.get(person.kind, 0) + 1
        return moved
