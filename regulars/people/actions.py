"""What agents and the REST API do to people: validate, write, all in the caller's transaction.

Every function takes a connection with a transaction open. Whoever meets another writer raises
CollidedError or a database.Collision: run the work by `settled`, which starts it anew.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import psycopg

from regulars.kit.database import Collision
from regulars.kit.ids import key_hash
from regulars.kit.text import fold
from regulars.people import custom, erasure, facts, merge
from regulars.people.changes import Changes, CollidedError, Manner
from regulars.people.person import Person
from regulars.people.preview import Side, picked_values
from regulars.workspaces.errors import ConflictError, InvalidError, UnknownError

Connection = psycopg.Connection[Any]
T = TypeVar("T")

TRIES = 5
MAX_TAGS = 100
MAX_TAG = 60
MAX_USER_ID = 200  # characters, as in tracking

# What the audit log calls these; the doors that have an actor write it.
AUDITED = {
    "person.made": "Made a person",
    "person.changed": "Changed what is known of a person",
    "person.merged": "Merged two people",
    "person.merge_undone": "Undid a merge",
    "person.merge_dismissed": "Said that two people are not the same",
    "person.erased": "Erased a person",
}

# Facts that may be said of a person, under the names of the REST API.
STATED = frozenset(
    {
        "email", "name", "first_name", "last_name", "gender", "phone", "country", "region", "city",
        "language", "timezone",
    }
)  # fmt: skip
CHANGEABLE = STATED | {"signed_up_at", "attributes", "company", "tags"}

FIND_USER = "SELECT person_id FROM identity WHERE project_id = %s AND id = %s AND kind = 'user'"
FIND_BY_EMAIL = """
SELECT id, kind, user_id IS NULL FROM person
WHERE project_id = %s AND email_folded = %s AND kind <> 'visitor'
ORDER BY id LIMIT 50
"""
DISMISS = """
INSERT INTO merge_dismissal (project_id, id, one_id, other_id, at) VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (project_id, id) DO NOTHING
"""
FIND_MERGE = "SELECT from_id, into_id FROM merge WHERE project_id = %s AND id = %s"

_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,250}")


def settled(
    transaction: Callable[[], AbstractContextManager[Connection]], work: Callable[[Connection], T]
) -> T:
    """Run the work in a transaction of its own, anew where it met another writer."""
    for _ in range(TRIES - 1):
        try:
            with transaction() as connection:
                return work(connection)
        except (CollidedError, *Collision):
            continue
    with transaction() as connection:
        return work(connection)


def change(
    connection: Connection,
    project_id: UUID,
    person_id: UUID,
    given: Mapping[str, Any],
    now: datetime,
) -> Person:
    """Change facts: attributes are merged and null removes one; tags are replaced.

    A user_id may be given to somebody who has none. Raises InvalidError, whose field is named as
    in `given`, and UnknownError.
    """
    changes = _begin(connection, project_id, now)
    person = _locked(changes, [person_id])[0]
    if "user_id" in given:
        _give_user_id(changes, person, user_id_of(given["user_id"]))
    _apply(changes, person, {key: given[key] for key in given if key != "user_id"})
    _finish(changes, [person.id])
    return person


def tag(
    connection: Connection,
    project_id: UUID,
    person_id: UUID,
    now: datetime,
    *,
    add: Iterable[str] = (),
    remove: Iterable[str] = (),
) -> Person:
    """Add and remove tags."""
    changes = _begin(connection, project_id, now)
    person = _locked(changes, [person_id])[0]
    gone = set(remove)
    _set_tags(person, [*(one for one in person.tags if one not in gone), *add])
    _finish(changes, [person.id])
    return person


def create_or_update(
    connection: Connection, project_id: UUID, given: Mapping[str, Any], now: datetime
) -> tuple[Person, bool]:
    """The person with this user id, else with this email, made where there is none.

    The second is whether they were made. Leads with the email join the user; the one user whom
    others know by the email alone gets the user id. Raises InvalidError, and ConflictError for an
    email that several have.
    """
    user_id = user_id_of(given.get("user_id"))
    address = email_of(given.get("email"), "email")
    if user_id is None and address is None:
        raise InvalidError("email", "Expected a user_id or an email.")
    changes = _begin(connection, project_id, now)
    person, leads = _found(changes, user_id, address)
    made = person is None
    if person is None:
        person = changes.new_person()
        person.first_seen = now
        person.kind = "lead"
    if user_id is not None and person.user_id is None:
        register(changes, person, user_id)
    _apply(changes, person, {key: given[key] for key in given if key != "user_id"})
    for lead in leads:
        merge.merge(changes, lead, person, "rest")
    _finish(changes, [person.id, *(lead.id for lead in leads)])
    return person, made


def merge_people(
    connection: Connection,
    project_id: UUID,
    gone_id: UUID,
    into_id: UUID,
    now: datetime,
    *,
    cause: merge.Cause,
    agent_id: UUID | None = None,
    picks: Mapping[str, Side] | None = None,
) -> UUID:
    """`gone` becomes `into`; `picks` says whose fact stays, where both have one.

    Returns the merge's id. Raises NotMergeableError, UnknownError, InvalidError for a pick that
    is none.
    """
    if gone_id == into_id:
        raise merge.NotMergeableError("That is the same person.")
    changes = _begin(connection, project_id, now, "alone")
    gone, into = _locked(changes, [gone_id, into_id])
    picked = picked_values(gone, into, picks or {})

    def decide(merged: Person) -> None:
        for key, value in picked.items():
            scope, _, name = key.partition(".")
            if name:
                bag: custom.Scope = "company" if scope == "company" else "attributes"
                _say_custom(merged, bag, name, value, now)
            else:
                _say(merged, key, value, now)

    changes.cause = ("merge", None)
    merge_id = merge.merge(changes, gone, into, cause, agent_id, decide)
    if merge_id is None:
        raise merge.NotMergeableError("That person was never stored.")
    _finish(changes, [gone.id, into.id])
    return merge_id


def undo_merge(connection: Connection, project_id: UUID, merge_id: UUID, now: datetime) -> Person:
    """Bring back who went. Raises NothingToUndoError where there is no such merge, or no more."""
    if connection.execute(FIND_MERGE, (project_id, merge_id)).fetchone() is None:
        raise merge.NothingToUndoError
    changes = _begin(connection, project_id, now, "alone")
    changes.cause = ("merge", None)
    back = merge.undo(changes, merge_id)
    into = changes.returning[-1][1]
    _finish(changes, [back.id, into.id])
    return back


def dismiss_merge(
    connection: Connection, project_id: UUID, one_id: UUID, other_id: UUID, now: datetime
) -> None:
    """These two are not the same: don't suggest it again."""
    changes = _begin(connection, project_id, now)
    _locked(changes, [one_id, other_id])
    one, other = sorted((one_id, other_id))
    key = key_hash("dismissal", str(one), str(other))
    connection.execute(DISMISS, (project_id, key, one, other, now))


def is_email(text: str) -> bool:
    """Whether the text may be somebody's address."""
    return _EMAIL.fullmatch(text) is not None


def erase(connection: Connection, project_id: UUID, person_id: UUID, now: datetime) -> None:
    """Erase the person and everything of theirs. Raises UnknownError."""
    changes = _begin(connection, project_id, now, "alone")
    person = _locked(changes, [person_id])[0]
    erasure.erase(changes, person)
    _finish(changes, [person.id])


def _begin(
    connection: Connection, project_id: UUID, now: datetime, manner: Manner = "plain"
) -> Changes:
    changes = Changes(connection, project_id, now)
    changes.begin(manner)
    return changes


def _locked(changes: Changes, ids: list[UUID]) -> list[Person]:
    """The people, locked, in the order of `ids`. Old ids of merged people stand for nobody here."""
    found = changes.load(ids)
    missing = [id_ for id_ in ids if id_ not in found]
    if missing:
        raise UnknownError("There is no such person.")
    return [found[id_] for id_ in ids]


def _finish(changes: Changes, ids: Iterable[UUID]) -> None:
    """Write everything, and tell those who look at these people."""
    changes.flush()
    changes.outbox.append(("people", {"people": sorted({str(id_) for id_ in ids})}))
    changes.finish()


def _found(
    changes: Changes, user_id: str | None, address: str | None
) -> tuple[Person | None, list[Person]]:
    """Who is meant, locked, and the leads with the same address, who join them."""
    connection, project_id = changes.connection, changes.project_id
    owner = None
    if user_id:
        owner = connection.execute(FIND_USER, (project_id, key_hash("user", user_id))).fetchone()
    same: list[tuple[UUID, str, bool]] = []
    if address:
        changes.wait_for_emails([fold(address)])
        same = connection.execute(FIND_BY_EMAIL, (project_id, fold(address))).fetchall()
    wanted = {id_ for id_, kind, no_id in same if not user_id or kind == "lead" or no_id}
    wanted |= {owner[0]} if owner else set()
    people = changes.load(wanted)
    if len(people) != len(wanted):
        raise CollidedError  # somebody was merged or erased between the look-up and the lock
    if not user_id and len(people) > 1:
        raise ConflictError("email", f"{len(people)} people have this address: send the user_id.")
    if not user_id:
        return next(iter(people.values()), None), []
    person = people.pop(owner[0]) if owner else None
    nameless = [one for one in people.values() if one.kind == "user"]
    if person is None and len(nameless) == 1:
        person = nameless[0]
    return person, [one for one in people.values() if one.kind == "lead"]


def user_id_of(value: Any) -> str | None:
    """A user id as it is kept; None for a blank one. Raises InvalidError."""
    line: str | None = facts.single_line(value, "user_id", _refuse(""))
    if line is not None and len(line) > MAX_USER_ID:
        raise InvalidError("user_id", f"A user id has at most {MAX_USER_ID} characters.")
    return line


def _give_user_id(changes: Changes, person: Person, user_id: str | None) -> None:
    """Say which user of the product this is, where that was not known."""
    if user_id == person.user_id:
        return
    if user_id is None or person.user_id is not None:
        raise ConflictError("user_id", "A user id never changes: merge the two people instead.")
    key = key_hash("user", user_id)
    if changes.connection.execute(FIND_USER, (changes.project_id, key)).fetchone():
        raise ConflictError("user_id", "Somebody else has this user id: merge the two people.")
    register(changes, person, user_id)


def register(changes: Changes, person: Person, user_id: str) -> None:
    """The person, locked in `changes`, is the product's user of this id from now on."""
    person.kind = "user"
    person.changed = person.seen_changed = True
    facts.put(person, "user_id", user_id)
    if person.signed_up_at is None:
        facts.put(person, "signed_up_at", changes.now)
    changes.know("user", user_id, person)


def _apply(changes: Changes, person: Person, given: Mapping[str, Any]) -> None:
    for key, value in given.items():
        if key not in CHANGEABLE:
            raise InvalidError(key, "A person has no fact of this name that can be changed.")
        if key == "tags":
            _set_tags(person, value)
        elif key in ("attributes", "company"):
            _customise(changes, person, "company" if key == "company" else "attributes", value)
        else:
            _say(person, key, value, changes.now)
    facts.complete_names(person)
    if person.kind == "visitor" and person.email:
        person.kind = "lead"
        person.changed = person.seen_changed = True


def _say(person: Person, key: str, value: Any, now: datetime) -> None:
    """One fact, said now."""
    stamp = now.timestamp()
    if key == "email":
        facts.set_fact(person, key, email_of(value, key), stamp)
    elif key == "signed_up_at":
        instant = facts.instant_of(value)
        if instant is None and value not in (None, ""):
            raise InvalidError(key, "Expected an ISO date or time.")
        facts.set_fact(person, key, instant, stamp)
    else:
        facts.set_fact(person, key, facts.single_line(value, key, _refuse("")), stamp)


def _say_custom(person: Person, scope: custom.Scope, key: str, value: Any, now: datetime) -> None:
    """One custom fact, said now; null removes it."""
    target = person.attributes if scope == "attributes" else person.company
    facts.set_custom(person, target, scope, key, value, now.timestamp(), _refuse(scope))


def _customise(changes: Changes, person: Person, scope: custom.Scope, given: Any) -> None:
    if not isinstance(given, Mapping):
        raise InvalidError(scope, "Expected an object.")
    for key, value in given.items():
        _say_custom(person, scope, key, value, changes.now)
    types: dict[tuple[custom.Scope, str], str] = {
        (scope, key): custom.type_of(value) for key, value in given.items() if value is not None
    }
    if types:
        custom.learn(changes.connection, changes.project_id, types, changes.now)


def clean_tags(given: Any) -> list[str]:
    """Tags as they are kept: folded, as filters compare them, each once."""
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        raise InvalidError("tags", "Expected a list of texts.")
    kept: dict[str, None] = {}
    for one in given:
        text = " ".join(one.split())
        problem = facts.unusable(text)
        if problem or len(text) > MAX_TAG:
            raise InvalidError("tags", f"A tag has at most {MAX_TAG} characters.")
        if text:
            kept[fold(text)] = None
    if len(kept) > MAX_TAGS:
        raise InvalidError("tags", f"A person has at most {MAX_TAGS} tags.")
    return list(kept)


def _set_tags(person: Person, given: Any) -> None:
    kept = clean_tags(given)
    if kept != person.tags:
        person.tags = kept
        person.changed = True


def email_of(value: Any, key: str = "email") -> str | None:
    """An address as it is kept; None for a blank one. Raises InvalidError, which names `key`."""
    line: str | None = facts.single_line(value, key, _refuse(""))
    if line is not None and not _EMAIL.fullmatch(line):
        raise InvalidError(key, "That is not an email address.")
    return line


def _refuse(scope: str) -> facts.Warn:
    """Where ingest drops a fact and warns, an agent is told."""

    def refuse(key: str, problem: str) -> None:
        raise InvalidError(
            f"{scope}.{key}" if scope else key, f"{problem[:1].upper()}{problem[1:]}."
        )

    return refuse
