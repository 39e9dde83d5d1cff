"""Some rows of a file made people: found or made, changed, merged, tagged, in one transaction.

A dry run takes the same way, on people who are read and not locked, and writes nothing. What a
row says was checked before (`mapping`); here it meets who is there already. Rows are looked at in
the order of the file, each as if those before it were done.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, cast
from uuid import UUID

import psycopg

from regulars.kit import arrays
from regulars.kit.ids import key_hash
from regulars.mail import subscriptions
from regulars.mail.links import address_hash
from regulars.people import actions, custom, facts, merge, store
from regulars.people.bulk_actions import ACTIONS, Changing
from regulars.people.changes import Changes, CollidedError
from regulars.people.imports.mapping import Given
from regulars.people.imports.sheet import RowError
from regulars.people.person import Person
from regulars.workspaces.errors import InvalidError, UnknownError

Connection = psycopg.Connection[Any]
Existing = Literal["update", "fill", "leave"]
Became = Literal["user", "lead", "changed", "same", "left"]

USERS = "SELECT id, person_id FROM identity WHERE project_id = %s AND id = ANY(%s::uuid[])"
BY_EMAIL = """
SELECT found.id, wanted.email
FROM unnest(%(emails)s::text[]) AS wanted (email) CROSS JOIN LATERAL (
    SELECT id FROM person
    WHERE project_id = %(project)s AND email_folded = wanted.email AND kind <> 'visitor'
    ORDER BY id LIMIT 50
) found
"""


@dataclass(frozen=True, slots=True)
class How:
    """What was decided for the whole file."""

    existing: Existing = "update"
    by_email_only: bool = False
    as_users: bool = False  # who has no user id is a user all the same
    tag: str = ""
    segment: str = ""  # the id of a hand-picked one
    starts_campaigns: bool = False
    marketing: bool = True  # whether who is new agreed to get it; a column says otherwise


@dataclass(slots=True)
class Result:
    """What became of a row: of a refused one, why."""

    given: Given | None
    became: Became | None = None
    person: Person | None = None
    wrong: RowError | None = None
    news: dict[str, tuple[Any, Any]] = field(default_factory=dict)  # fact → (before, now)
    left_marketing: bool = False


class Bringing:
    """Rows being brought in, in the caller's transaction; dry, nothing is locked or written."""

    def __init__(
        self, connection: Connection, project_id: UUID, how: How, now: datetime, *, dry: bool
    ) -> None:
        self._changes = Changes(connection, project_id, now)
        self._how = how
        self._dry = dry
        self._users: dict[str, Person] = {}
        self._by_email: dict[str, list[Person]] = {}
        self._addresses: set[str] = set()  # that somebody had before

    def bring(self, rows: Sequence[Given], cause: str) -> list[Result]:
        """The rows, one after another. May raise CollidedError: then roll back and start anew."""
        changes = self._changes
        if not self._dry:
            changes.cause = ("import", cause)
            changes.begin()
        self._look_up(rows)
        results = [self._one(given) for given in rows]
        if not self._dry:
            self._write(results)
        return results

    def _look_up(self, rows: Sequence[Given]) -> None:
        """Everybody whom the rows may mean, locked in the order that all writers share."""
        changes, project_id = self._changes, self._changes.project_id
        emails = sorted({given.address for given in rows if given.address})
        keys = {key_hash("user", user): user for given in rows if (user := self._user(given))}
        connection = changes.connection
        found = connection.execute(USERS, (project_id, arrays.of_ids(sorted(keys)))).fetchall()
        owners: dict[str, UUID] = {keys[key]: person_id for key, person_id in found}
        if not self._dry:
            changes.wait_for_emails(emails)
        given = {"project": project_id, "emails": emails}
        same = connection.execute(BY_EMAIL, given).fetchall()
        wanted = {*owners.values(), *(id_ for id_, _ in same)}
        if self._dry:
            people = store.read(connection, project_id, sorted(wanted))
        else:
            people = changes.load(wanted)
            if len(people) != len(wanted):
                raise CollidedError  # merged or erased between the look-up and the lock
        self._users = {user: people[id_] for user, id_ in owners.items() if id_ in people}
        for id_, email in same:
            if id_ in people:
                self._by_email.setdefault(email, []).append(people[id_])
        self._addresses = set(self._by_email)

    def _user(self, given: Given) -> str | None:
        return None if self._how.by_email_only else given.user_id

    def _one(self, given: Given) -> Result:
        try:
            person, leads = self._meant(given)
            if self._how.existing == "leave" and (person or leads):
                return Result(given, "left", person or leads[0])
            if person is None:
                return self._make(given, leads)
            return self._change(given, person, leads)
        except RowError as wrong:
            return Result(given, wrong=wrong)

    def _meant(self, given: Given) -> tuple[Person | None, list[Person]]:
        """Who is meant, and the leads with the same address, who join them. Raises RowError."""
        user = self._user(given)
        same = [
            person
            for person in self._by_email.get(given.address, ())
            if person.email_folded == given.address and person.gone_into is None
        ]
        if user is None:
            if given.email is None:
                why = "It has no email, and people are found by it alone"
                raise RowError("", why, given.user_id or "", "Find people by user_id, too")
            if len(same) > 1:
                name = given.columns.get("email", "email")
                why = f"{len(same)} people have this address"
                raise RowError(name, why, given.email, "Give their user_id, or merge them first")
            return (same[0] if same else None), []
        person = self._users.get(user)
        nameless = [one for one in same if one.kind == "user" and one.user_id is None]
        if person is None and len(nameless) == 1:
            person = nameless[0]
        return person, [one for one in same if one.kind == "lead" and one is not person]

    def _make(self, given: Given, leads: list[Person]) -> Result:
        changes, how = self._changes, self._how
        user = self._user(given)
        if leads:  # who was a lead is the user now: not somebody new
            person, *rest = leads
            return self._change(given, person, rest)
        self._has_room(given, None)
        person = changes.new_person()
        person.first_seen = changes.now
        person.kind = "user" if how.as_users and user is None else "lead"
        self._say(person, given, fill=False)
        if person.kind == "user" and person.signed_up_at is None:
            facts.put(person, "signed_up_at", changes.now)
        if user is not None:
            self._register(person, user)
        self._tagged(person)
        became: Became = "user" if person.kind == "user" else "lead"
        result = Result(given, became, person)
        said = given.subscribed
        is_new = bool(given.address) and given.address not in self._addresses
        result.left_marketing = said is False or (said is None and is_new and not how.marketing)
        self._know_address(person)
        return result

    def _change(self, given: Given, person: Person, leads: list[Person]) -> Result:
        how, user = self._how, self._user(given)
        self._has_room(given, person)
        before, said_before = person.changed, person.said_again
        news = self._say(person, given, fill=how.existing == "fill")
        if user is not None and person.user_id is None:
            self._register(person, user)
            news["user_id"] = (None, user)
        elif how.as_users and person.kind == "lead":
            person.kind = "user"
            person.changed = person.seen_changed = True
            if person.signed_up_at is None:
                facts.put(person, "signed_up_at", self._changes.now)
            news["kind"] = ("lead", "user")
        if self._tagged(person):
            news["tag"] = (None, how.tag)
        for lead in leads:
            merge.merge(self._changes, lead, person, "rest")
            news.setdefault("merged", (None, lead.email))
        person.changed, person.said_again = before or bool(news), said_before
        self._know_address(person)
        result = Result(given, "changed" if news else "same", person, news=news)
        result.left_marketing = given.subscribed is False
        return result

    def _has_room(self, given: Given, person: Person | None) -> None:
        """Raises RowError where somebody would have too many attributes or tags."""
        for scope in ("attributes", "company"):
            kept = getattr(person, scope) if person else {}
            if len(kept.keys() | getattr(given, scope).keys()) > facts.MAX_TRAITS:
                raise RowError("", f"A person can have {facts.MAX_TRAITS} custom attributes")
        kept_tags = set(person.tags) if person else set()
        if len(kept_tags | set(given.tags)) > actions.MAX_TAGS:
            why = f"A person has at most {actions.MAX_TAGS} tags"
            raise RowError(given.columns.get("tags", ""), why, ", ".join(given.tags))

    def _say(self, person: Person, given: Given, *, fill: bool) -> dict[str, tuple[Any, Any]]:
        """What the row says and the person does not yet; where filling, only what is unknown."""
        stamp, news = self._changes.now.timestamp(), {}
        said = dict(given.facts)
        if given.email is not None:
            said["email"] = given.email
        for fact, value in said.items():
            kept = getattr(person, fact)
            if kept != value and not (fill and kept is not None):
                news[fact] = (kept, value)
                facts.set_fact(person, fact, value, stamp)
        for scope in ("attributes", "company"):
            target: dict[str, Any] = getattr(person, scope)
            for key, value in getattr(given, scope).items():
                kept = target.get(key)
                same = kept == value and type(kept) is type(value)
                if not same and not (fill and kept is not None):
                    news[f"{scope}.{key}"] = (kept, value)
                    facts.set_custom(person, target, scope, key, value, stamp, _never)
        fresh = [tag for tag in given.tags if tag not in person.tags]
        if fresh and not (fill and person.tags):
            news["tags"] = (person.tags, [*person.tags, *fresh])
            person.tags = [*person.tags, *fresh]
            person.changed = True
        if news:
            facts.complete_names(person)
        return news

    def _register(self, person: Person, user: str) -> None:
        actions.register(self._changes, person, user)
        self._users[user] = person

    def _tagged(self, person: Person) -> bool:
        tag = self._how.tag
        if not tag or tag in person.tags or len(person.tags) >= actions.MAX_TAGS:
            return False
        person.tags = [*person.tags, tag]
        person.changed = True
        return True

    def _know_address(self, person: Person) -> None:
        """Rows that follow find the person by what their address is now."""
        if person.email_folded:
            known = self._by_email.setdefault(person.email_folded, [])
            if person not in known:
                known.append(person)

    def _write(self, results: Iterable[Result]) -> None:
        changes, how = self._changes, self._how
        done = [one for one in results if one.person and one.became not in (None, "left")]
        people = {one.person.id: one.person for one in done if one.person}
        if how.segment and people:
            with suppress(InvalidError, UnknownError):  # it was deleted meanwhile
                adding = cast("Changing", ACTIONS["segment_add"])
                adding.change(changes, list(people.values()), {"segment": how.segment})
        _learn(changes, done)
        changes.gather()
        changes.settle()
        if not how.starts_campaigns:  # they were somebody's before: nothing has just begun
            changes.quiet_moves += changes.moves
            changes.moves = []
        changes.flush()
        left = [one.given.address for one in done if one.left_marketing and one.given]
        for address in sorted({address for address in left if address}):
            hash_ = address_hash(changes.project_id, address)
            subscriptions.leave(
                changes.connection, changes.project_id, hash_, changes.now,
                source="import", address=address,
            )  # fmt: skip
        told = sorted(str(one.person.id) for one in done if one.person and one.became != "same")
        if told:
            changes.outbox.append(("people", {"people": sorted(set(told))}))
        changes.finish()


def _learn(changes: Changes, done: Iterable[Result]) -> None:
    """Custom keys that the rows taught us, with their types."""
    types: dict[tuple[custom.Scope, str], str] = {}
    for one in done:
        if one.given is None:
            continue
        for fact, (_, value) in one.news.items() if one.became == "changed" else _all(one.given):
            scope, _, key = fact.partition(".")
            if key:
                name: tuple[custom.Scope, str] = (
                    "company" if scope == "company" else "attributes",
                    key,
                )
                type_ = custom.type_of(value)
                types[name] = type_ if types.get(name, type_) == type_ else "mixed"
    if types:
        custom.learn(changes.connection, changes.project_id, types, changes.now)


def _all(given: Given) -> list[tuple[str, tuple[Any, Any]]]:
    said = [(f"attributes.{key}", value) for key, value in given.attributes.items()]
    said += [(f"company.{key}", value) for key, value in given.company.items()]
    return [(fact, (None, value)) for fact, value in said]


def _never(_key: str, _problem: str) -> None:
    """What a row says was checked before."""
