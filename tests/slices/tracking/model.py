"""Who is who, as plainly as CONTRACT.md says it: what the real thing is held against.

No database, no cleverness: ghosts own items (events and identities); a merge hands items on and
each remembers its way; an undo sends back those whose way led through the one who returns.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Known = tuple[str, str]  # ("user" | "anonymous", value)


@dataclass(eq=False)
class Ghost:
    """A person."""

    own_user_id: str | None = None
    gone_into: Ghost | None = None
    is_stored: bool = False
    was_in_undo: bool = False


@dataclass(eq=False)
class Item:
    """What belongs to somebody, and through whose hands it came to them."""

    owner: Ghost
    trail: list[Ghost] = field(default_factory=list)
    kind: str = ""
    at: datetime | None = None
    is_seen: bool = False


@dataclass(eq=False)
class Merged:
    """One person who became another."""

    gone: Ghost
    into: Ghost
    is_live: bool = True


class World:
    """One project's people."""

    def __init__(self) -> None:
        self.ghosts: list[Ghost] = []
        self.identities: dict[Known, Item] = {}
        self.formers: dict[Ghost, Item] = {}
        self.events: dict[str, Item] = {}
        self.merges: list[Merged] = []
        self.erased: dict[Known, datetime] = {}

    # Reading

    def living(self) -> list[Ghost]:
        return [ghost for ghost in self.ghosts if ghost.gone_into is None]

    def events_of(self, ghost: Ghost) -> set[str]:
        return {key for key, item in self.events.items() if item.owner is ghost}

    def user_id_of(self, ghost: Ghost) -> str | None:
        """Their own user id, else the first that a merge brought."""
        if ghost.own_user_id is not None:
            return ghost.own_user_id
        brought = (
            self.user_id_of(merged.gone)
            for merged in self.merges
            if merged.is_live and merged.into is ghost
        )
        return next((user_id for user_id in brought if user_id is not None), None)

    # What happens

    def take(self, message: dict[str, Any], happened: datetime) -> None:
        """One message, by the rules of 'Who'."""
        key = message["messageId"]
        known: list[Known] = []
        if "userId" in message:
            known.append(("user", message["userId"]))
        if "anonymousId" in message:
            known.append(("anonymous", message["anonymousId"]))
        if "previousId" in message:
            known += [("user", message["previousId"]), ("anonymous", message["previousId"])]
        if any(one in self.erased and happened <= self.erased[one] for one in known):
            return
        owner = self._who(message)
        if owner is None:
            return
        is_seen = message["type"] in ("page", "track", "identify")
        self.events[key] = Item(owner, [], message["type"], happened, is_seen)

    def batch_is_committed(self) -> None:
        """From now on everybody who was made is stored, and leaves a way behind when merged."""
        for ghost in self.ghosts:
            ghost.is_stored = True

    def merge(self, gone: Ghost, into: Ghost) -> None:
        gone.gone_into = into
        for item in self._items():
            if item.owner is gone:
                item.owner = into
                if gone.is_stored:
                    item.trail.append(gone)
        if gone.is_stored:
            self.formers[gone] = Item(into)
            self.merges.append(Merged(gone, into))
        else:
            self.ghosts.remove(gone)

    def undo(self, merged: Merged) -> None:
        holder = self.holder(merged.into)
        back = merged.gone
        for item in self._items():
            if item.owner is holder and back in item.trail:
                item.owner = back
                del item.trail[item.trail.index(back) :]
        del self.formers[back]
        merged.is_live = False
        back.gone_into = None
        back.was_in_undo = holder.was_in_undo = True

    def erase(self, ghost: Ghost, at: datetime) -> None:
        for known, item in list(self.identities.items()):
            if item.owner is ghost:
                self.erased[known] = at
                del self.identities[known]
        self.formers = {one: item for one, item in self.formers.items() if item.owner is not ghost}
        self.events = {key: item for key, item in self.events.items() if item.owner is not ghost}
        for merged in self.merges:
            if merged.is_live and self.holder(merged.into) is ghost:
                merged.is_live = False
        self.ghosts = [one for one in self.ghosts if self.holder(one) is not ghost]

    def can_be_undone(self) -> list[Merged]:
        return [merged for merged in self.merges if merged.is_live]

    @staticmethod
    def holder(ghost: Ghost) -> Ghost:
        while ghost.gone_into is not None:
            ghost = ghost.gone_into
        return ghost

    # The rules of 'Who'

    def _who(self, message: dict[str, Any]) -> Ghost | None:
        if message["type"] == "alias":
            return self._aliased(message["previousId"], message["userId"])
        user, anon = message.get("userId"), message.get("anonymousId")
        if user is None:
            return self._find("anonymous", anon) or self._made("anonymous", anon)
        joins = message["type"] == "identify" and anon is not None
        owner = self._find("anonymous", anon) if joins else None
        person = self._find("user", user)
        if person is None:
            is_nameless = owner is not None and self.user_id_of(owner) is None
            person = owner if is_nameless and owner is not None else self._new()
            person.own_user_id = user
            self.identities["user", user] = Item(person)
        elif owner is not None and owner is not person and self.user_id_of(owner) is None:
            self.merge(owner, person)
        if joins:
            self._belongs(anon, person)
        return person

    def _aliased(self, previous: str, user: str) -> Ghost | None:
        owner = self._find("anonymous", previous) or self._find("user", previous)
        person = self._find("user", user)
        another = owner if owner is not person else None
        if another is not None and self.user_id_of(another) not in (None, user):
            return None
        if person is None:
            person = owner or self._new()
            if self.user_id_of(person) is None:
                person.own_user_id = user
            self.identities["user", user] = Item(person)
        elif owner is not None and owner is not person:
            self.merge(owner, person)
        if owner is None and previous != user:
            self._belongs(previous, person)
        return person

    def _belongs(self, anon: Any, person: Ghost) -> None:
        if self._find("anonymous", anon) is not person:
            self.identities["anonymous", anon] = Item(person)

    def _find(self, kind: str, value: Any) -> Ghost | None:
        item = self.identities.get((kind, value))
        return item.owner if item is not None else None

    def _made(self, kind: str, value: Any) -> Ghost:
        ghost = self._new()
        self.identities[kind, value] = Item(ghost)
        return ghost

    def _new(self) -> Ghost:
        ghost = Ghost()
        self.ghosts.append(ghost)
        return ghost

    def _items(self) -> list[Item]:
        return [*self.identities.values(), *self.formers.values(), *self.events.values()]
