"""What of the project a campaign must be held against: mistakes before a start, and dry runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any
from uuid import UUID

import psycopg

from regulars.campaigns import asking, campaigns, doing, entering, gathering, letters, wording
from regulars.campaigns.campaigns import Campaign
from regulars.campaigns.engine import definition as d
from regulars.campaigns.engine.advance import Facts
from regulars.campaigns.engine.chance import held_out
from regulars.campaigns.engine.checking import Problem, World, problems
from regulars.campaigns.engine.rehearsing import Line, kind_of, rehearse
from regulars.campaigns.wording import Letters
from regulars.people import queries as people
from regulars.workspaces.errors import InvalidError, UnknownError

Connection = psycopg.Connection[Any]

SEGMENTS = "SELECT id, filter IS NULL FROM segment WHERE project_id = %s AND deleted_at IS NULL"
WAS_IN = """
SELECT 1 FROM campaign_entry
WHERE project_id = %s AND person_id = %s AND campaign_id = %s LIMIT 1
"""
ALL_CHECKPOINTS = frozenset(range(1, 6))


@dataclass(frozen=True, slots=True)
class Checked:
    """A campaign held against its project."""

    problems: tuple[Problem, ...]
    audience: int
    letters: Letters

    @property
    def mistakes(self) -> list[Problem]:
        """What keeps it from being started."""
        return [one for one in self.problems if not one.warning]


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What a dry run says of somebody: why they would not enter, and the way they would go."""

    against: tuple[str, ...]
    held_out: bool
    lines: tuple[Line, ...]


def check(
    connection: Connection, project_id: UUID, definition: d.Definition, now: datetime
) -> Checked:
    """Everything that is wrong with it, and how many it is for."""
    found = wording.letters_of(connection, project_id, definition)
    rows = connection.execute(SEGMENTS, (project_id,)).fetchall()
    named = {id_ for id_, _ in rows}
    count = 0
    if definition.audience.segment is None or definition.audience.segment in named:
        count = gathering.audience_count(connection, project_id, definition, now)
    world = World(
        zone=campaigns.zone_of(connection, project_id),
        audience=count,
        segments=named,
        picked={id_ for id_, by_hand in rows if by_hand},
        checkpoints=ALL_CHECKPOINTS,
        has_sender=bool(letters.sender_of(connection, project_id, d.Email("", ())).address),
        letters=found.wrong,
        warnings=found.warnings,
        possible=doing.possible(),
    )
    wrong = [*problems(definition, world, now), *_undoable(connection, project_id, definition)]
    return Checked(tuple(wrong), count, found)


def _undoable(
    connection: Connection, project_id: UUID, definition: d.Definition
) -> Iterator[Problem]:
    """Steps that what they need is missing for."""
    for step in d.all_steps(definition.steps):
        asked = doing.CHECKS.get(kind_of(step))
        wrong = asked(connection, project_id, step) if asked else ""
        if wrong:
            yield Problem(f"steps.{step.id}", wrong)


def start(
    connection: Connection, project_id: UUID, campaign_id: UUID, now: datetime, by: UUID | None
) -> None:
    """Start it, or publish its changes, if nothing is wrong. Raises InvalidError for the first
    mistake.
    """
    one = campaigns.get(connection, project_id, campaign_id)
    checked = check(connection, project_id, one.written, now)
    if checked.mistakes:
        first = checked.mistakes[0]
        raise InvalidError(first.where, first.message)
    put = campaigns.start if one.state == "draft" else campaigns.publish
    put(connection, project_id, campaign_id, checked.letters.contents, now, by)


def rehearse_for(
    connection: Connection, campaign: Campaign, person_id: UUID, now: datetime
) -> Rehearsal:
    """The way that somebody would take if the campaign let them in now, as they are."""
    definition, project_id = campaign.written, campaign.project_id
    person = people.person(connection, project_id, person_id)
    if person is None:
        raise UnknownError("There is no such person.")
    zone = campaigns.zone_of(connection, project_id)
    ids = {person.id}
    holds = asking.holding(
        connection, project_id, d.filters_of(definition), ids, now=now, zone=zone
    )
    against = _against(connection, campaign, person_id, holds)
    if not person.email and any(isinstance(one, d.Email) for one in d.all_steps(definition.steps)):
        against.append("They have no email address: its emails would be left out.")
    facts = _facts(connection, definition, project_id, person_id, holds, now, zone)
    out = held_out(str(campaign.id), str(person.id), definition.audience.holdout)
    seed = UUID(bytes=entering.entry_id(campaign.id, person.id, ""))
    lines = rehearse(definition, facts, now, str(seed))
    return Rehearsal(tuple(against), out, tuple(lines))


def _facts(
    connection: Connection,
    definition: d.Definition,
    project_id: UUID,
    person_id: UUID,
    holds: dict[str, set[UUID]],
    now: datetime,
    zone: tzinfo,
) -> Facts:
    quiet, cap = asking.limits(connection, project_id)
    zones = asking.hold(connection, project_id, [person_id])
    recent = asking.recent_emails(connection, project_id, cap, [person_id], now)
    return Facts(
        frozenset(key for key, found in holds.items() if found),
        asking.zone_or(zones.get(person_id), zone),
        zone,
        quiet,
        cap if definition.capped else None,
        recent.get(person_id, ()),
    )


def _against(
    connection: Connection, campaign: Campaign, person_id: UUID, holds: dict[str, set[UUID]]
) -> list[str]:
    against = []
    if not holds["audience"]:
        against.append("They are not in the audience.")
    if holds.get("goal"):
        against.append("They have reached the goal already.")
    if campaign.written.entry.rule == "once" and _was_in(connection, campaign, person_id):
        against.append("They were in it before, and everybody enters once.")
    return against


def _was_in(connection: Connection, campaign: Campaign, person_id: UUID) -> bool:
    asked = (campaign.project_id, person_id, campaign.id)
    return connection.execute(WAS_IN, asked).fetchone() is not None
