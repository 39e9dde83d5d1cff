"""Whose event it is: the rules of CONTRACT.md, 'Who', over one batch.

All identities of the batch are looked up at once and the people behind them locked in id order;
after that everything is decided in memory, event by event.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from regulars.kit import arrays
from regulars.people import erasure, facts, merge
from regulars.people.changes import Changes, CollidedError, identity_key
from regulars.people.person import Person
from regulars.tracking.pipeline.drops import Drop, DropReason
from regulars.tracking.pipeline.fold import become_lead, become_user
from regulars.tracking.pipeline.steps import Event
from regulars.workspaces.keys import ProjectConfig

FIND = """
SELECT uuid_send(id), uuid_send(person_id) FROM identity
WHERE project_id = %s AND id = ANY(%s::uuid[])
"""

# Leads and users with the addresses, for calls that may go by email.
FIND_BY_EMAIL = """
SELECT email_folded, uuid_send(id) FROM person
WHERE project_id = %s AND email_folded = ANY(%s) AND kind <> 'visitor'
ORDER BY id
"""


class Resolver:
    """Finds or makes the person of each event of a batch."""

    def __init__(self, changes: Changes, events: Iterable[Event], project: ProjectConfig) -> None:
        self._changes = changes
        self._project = project
        self._by_key: dict[bytes, Person] = {}
        self._by_email: dict[str, list[Person]] = {}
        self._latest: Person | None = None
        events = list(events)
        self._look_up(events)
        might = self._erased.might
        self._erased.look_up(_known_by(event) for event in events if might(event.happened_at))

    def person_of(self, event: Event) -> Person | Drop:
        """The person, made or joined as the event says; or why it belongs to nobody."""
        at = event.happened_at
        if self._erased.might(at) and self._erased.refuses(_known_by(event), at):
            return Drop(DropReason.ERASED, "Timed before the person was erased.")
        if self._mailed:
            self._note_email()
        person: Person | Drop
        if event.kind == "alias":
            person = self._aliased(event)
        elif event.user_id is not None:
            person = self._user(event)
        elif event.anonymous_id is not None:
            person = self._browser(event.anonymous_id)
        else:
            person = self._by_mail(event)
        self._latest = person if isinstance(person, Person) else None
        return person

    def _note_email(self) -> None:
        """The event before this one may have given its person an address: it counts from now on."""
        person = self._latest
        if person is not None and person.email_folded:
            owners = self._by_email.setdefault(person.email_folded, [])
            if person not in owners:
                owners.append(person)

    def _look_up(self, events: list[Event]) -> None:
        connection, project_id = self._changes.connection, self._changes.project_id
        found = self._find({key for event in events for key in _keys_of(event)})
        emails = {email for event in events if (email := _trusted_email(event))}
        self._mailed = bool(emails)
        owners: list[tuple[str, bytes]] = []
        if emails:
            self._changes.wait_for_emails(emails)
            asked = (project_id, sorted(emails))
            owners = connection.execute(FIND_BY_EMAIL, asked, prepare=True).fetchall()
        wanted = {*found.values(), *(person_id for _, person_id in owners)}
        # Behind the look-up: who is erased before it is not found there and refused by this, who
        # is erased behind it is missing when they are locked.
        self._erased = erasure.Refusing(connection, project_id, self._changes.now)
        people = self._changes.load_found(wanted)
        if len(people) != len(wanted):
            raise CollidedError  # somebody was merged or erased between the look-up and the lock
        self._by_key = {key: people[person_id] for key, person_id in found.items()}
        for email, person_id in owners:
            self._by_email.setdefault(email, []).append(people[person_id])

    def _find(self, keys: set[bytes]) -> dict[bytes, bytes]:
        """Who is known by the keys; those who are about to become known are waited for."""
        found = self._persons_by(keys)
        missing = keys - found.keys()
        if missing:
            self._changes.wait_for_newcomers(missing)
            found |= self._persons_by(missing)
        return found

    def _persons_by(self, keys: set[bytes]) -> dict[bytes, bytes]:
        if not keys:
            return {}
        asked = (self._changes.project_id, arrays.of_keys(keys))
        rows: Any = self._changes.connection.execute(FIND, asked, prepare=True, binary=True)
        return dict(rows.fetchall())

    def _owners_of(self, email: str) -> list[Person]:
        """The leads and users who have the address now."""
        found = [person.survivor() for person in self._by_email.get(email, ())]
        return [
            person
            for person in dict.fromkeys(found)
            if person.email_folded == email and person.kind != "visitor"
        ]

    def _user(self, event: Event) -> Person | Drop:
        user_id = event.user_id or ""
        user_key = identity_key("user", user_id)
        joins = event.kind == "identify"
        browser = event.anonymous_id if joins else None
        anon_key = identity_key("anonymous", browser) if browser else None
        owner = self._living(self._by_key.get(anon_key)) if anon_key else None
        person = self._living(self._by_key.get(user_key))
        if person is None:
            nameless = owner if owner is not None and owner.user_id is None else None
            person = nameless or self._member(event) or self._changes.new_person()
            become_user(person, user_id)
            self._changes.know("user", user_id, person)
            self._by_key[user_key] = person
        elif owner is not None and owner is not person and owner.user_id is None:
            merge.merge(self._changes, owner, person, "identify")
        if anon_key and browser:
            self._belongs(anon_key, browser, person)
        if joins and event.verified:
            self._join_leads(event, person)
        return person

    def _belongs(self, key: bytes, anonymous_id: str, person: Person) -> None:
        """The browser is this person's from now on; what it did for another stays theirs."""
        owner = self._living(self._by_key.get(key))
        if owner is None:
            self._changes.know("anonymous", anonymous_id, person)
        elif owner is not person:
            self._changes.hand_over(key, person)
        self._by_key[key] = person

    def _member(self, event: Event) -> Person | None:
        """The one user whom trusted calls have named by this address alone so far."""
        email = _trusted_email(event)
        owners = self._owners_of(email) if email else []
        found = [one for one in owners if one.kind == "user" and one.user_id is None]
        return found[0] if len(found) == 1 else None

    def _join_leads(self, event: Event, person: Person) -> None:
        """A trusted call joins leads of the same address to the user."""
        email = _trusted_email(event)
        for owner in self._owners_of(email) if email else ():
            if owner.kind == "lead" and owner is not person:
                merge.merge(self._changes, owner, person, "identify")

    def _browser(self, anonymous_id: str) -> Person:
        key = identity_key("anonymous", anonymous_id)
        person = self._living(self._by_key.get(key))
        if person is None:
            person = self._changes.new_person()
            self._changes.know("anonymous", anonymous_id, person)
            self._by_key[key] = person
        return person

    def _by_mail(self, event: Event) -> Person | Drop:
        email = _trusted_email(event)
        if email is None:
            return Drop(DropReason.NOBODY, "Expected a userId, an anonymousId or an email.")
        owners = self._owners_of(email)
        if len(owners) > 1:
            detail = f"{len(owners)} people have this address: send the userId."
            return Drop(DropReason.AMBIGUOUS_EMAIL, detail, "traits.email")
        if owners:
            return owners[0]
        person = self._changes.new_person()
        become_lead(person, event)
        return person

    def _aliased(self, event: Event) -> Person | Drop:
        previous, user_id = event.previous_id, event.user_id
        if user_id is None or previous is None:
            missing = "previousId" if previous is None else "userId"
            return Drop(DropReason.NOBODY, "An alias needs previousId and userId.", missing)
        anon_key, old_key = identity_key("anonymous", previous), identity_key("user", previous)
        owner = self._living(self._by_key.get(anon_key)) or self._living(self._by_key.get(old_key))
        user_key = identity_key("user", user_id)
        person = self._living(self._by_key.get(user_key))
        another = owner is not None and owner is not person
        if another and owner is not None and owner.user_id not in (None, user_id):
            detail = "Two users can be merged by an agent only."
            return Drop(DropReason.TWO_USERS, detail, "previousId")
        if person is None:
            person = owner or self._changes.new_person()
            become_user(person, user_id)
            self._changes.know("user", user_id, person)
            self._by_key[user_key] = person
        elif owner is not None and owner is not person:
            merge.merge(self._changes, owner, person, "alias")
        if owner is None and old_key != user_key:
            self._belongs(anon_key, previous, person)
        return person

    @staticmethod
    def _living(person: Person | None) -> Person | None:
        return person.survivor() if person is not None else None


def _keys_of(event: Event) -> list[bytes]:
    """What decides whose the event is. The browser has no say where a user is named, unless the
    event is there to join the two.
    """
    keys = []
    if event.user_id is not None:
        keys.append(identity_key("user", event.user_id))
    if event.anonymous_id is not None and (event.user_id is None or event.kind == "identify"):
        keys.append(identity_key("anonymous", event.anonymous_id))
    if event.previous_id is not None and event.kind == "alias":
        keys += [
            identity_key("user", event.previous_id),
            identity_key("anonymous", event.previous_id),
        ]
    return keys


def _known_by(event: Event) -> list[tuple[str, str]]:
    """By what the event's person is known, for the look at who was erased."""
    known = []
    if event.user_id is not None:
        known.append(("user", event.user_id))
    if event.anonymous_id is not None:
        known.append(("anonymous", event.anonymous_id))
    if event.previous_id is not None and event.kind == "alias":
        known += [("user", event.previous_id), ("anonymous", event.previous_id)]
    email = facts.folded_email(event.traits.get("email"))
    if email is not None:
        known.append(("email", email))
    return known


def _trusted_email(event: Event) -> str | None:
    """The address the event may go by: only with the secret key, an import or a signed claim."""
    return facts.folded_email(event.traits.get("email")) if event.verified else None
