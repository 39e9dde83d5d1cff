"""What agents are called in the inbox, by whoever looks: “You”, a colleague, one who has left."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from regulars.console.access import AgentRequest
from regulars.workspaces import queries
from regulars.workspaces.models import Agent


@dataclass(frozen=True, slots=True)
class Mate:
    """An agent of the project. `short` is what a sentence calls them."""

    id: UUID
    name: str
    mine: bool

    @property
    def short(self) -> str:
        """The first word of their name, as far as that is none of an address."""
        return first_word(self.name)


class Team:
    """The agents of a project as one of them sees them."""

    def __init__(self, request: AgentRequest) -> None:
        self.me: UUID = request.user.id
        roles = queries.team_of(request.project.id)
        self.mates = {
            one.agent_id: Mate(one.agent_id, one.agent.called, one.agent_id == self.me)
            for one in roles
        }
        self._left: dict[UUID, str] = {}

    def know(self, ids: Iterable[UUID | None]) -> None:
        """Look up those who are not in the project any more, all at once."""
        unknown = {one for one in ids if one is not None} - set(self.mates) - set(self._left)
        if unknown:
            found = Agent.objects.filter(id__in=unknown)
            self._left |= {one.id: one.called for one in found}

    def called(self, id_: UUID | None) -> str:
        """The agent's name."""
        if id_ is None:
            return "The API"
        if id_ in self.mates:
            return self.mates[id_].name
        self.know([id_])
        return self._left.get(id_, "Somebody")

    def named(self, id_: UUID | None) -> str:
        """The same, but “You” for whoever looks."""
        return "You" if id_ == self.me else self.called(id_)

    def short(self, id_: UUID | None) -> str:
        """What a sentence calls them: “You”, or a first name."""
        if id_ == self.me:
            return "You"
        name = self.called(id_)
        return name if id_ is None else first_word(name)

    def mentionable(self) -> dict[str, UUID]:
        """The names behind an @, folded as notes are: whole ones, and first names that one has."""
        names: dict[str, UUID] = {}
        firsts: dict[str, set[UUID]] = {}
        for mate in self.mates.values():
            names[mate.name.casefold()] = mate.id
            firsts.setdefault(mate.short.casefold(), set()).add(mate.id)
        for first, ids in firsts.items():
            if len(ids) == 1:
                names.setdefault(first, next(iter(ids)))
        return names


def first_word(name: str) -> str:
    """The first of a name's words; an address is one word."""
    return name if "@" in name else (name.split() or [name])[0]
