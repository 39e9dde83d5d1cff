"""What each channel had to do with it, against a plain recomputation over random contacts."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from regulars.funnels import impact, kept, report
from regulars.funnels.lift import Share
from tests.slices.funnels.funnel import SIGNED_UP, did, put
from tests.slices.tracking.site import NOON, Site, identify, open_site, track

Database = psycopg.Connection[Any]
DAY = timedelta(days=1)
WITHIN = 7

TALK = """
INSERT INTO conversation (project_id, id, person_id, channel, number, status, priority,
                          created_at, last_at)
VALUES (%s, %s, %s, 'chat', %s, %s, %s, %s, %s)
"""
SAY = """
INSERT INTO message (project_id, id, conversation_id, seq, by, body, at)
VALUES (%s, %s, %s, 1, %s, 'Hello', %s)
"""
NOTE = """
INSERT INTO note (project_id, id, person_id, html, text, shared, created_at)
VALUES (%s, %s, %s, 'Hi', 'Hi', %s, %s)
"""


@dataclass
class Life:
    """When somebody signed up and ordered, and who wrote to them when."""

    began: datetime
    went: datetime | None
    contacts: list[tuple[str, datetime]] = field(default_factory=list)


@pytest.fixture
def site(database: Database) -> Site:
    site = open_site(database)
    put(site, SIGNED_UP, did("Ordered"))
    return site


def test_random_contacts_come_out_as_counted_one_by_one(site: Site) -> None:
    dice = random.Random(7)
    lives = [_live(site, dice, n) for n in range(60)]
    found = _impact(site)
    told = {one.key: one.touched for one in found.channels}
    for channel in ("chat", "ticket", "note"):
        assert told.get(channel, Share(0, 0)) == _touched(lives, channel)
    assert found.untouched == _untouched(lives)
    assert all(one.lift is not None for one in found.channels)


def test_a_note_for_the_team_and_what_the_person_wrote_are_no_contacts(site: Site) -> None:
    life = Life(NOON - 30 * DAY, None)
    person = _somebody(site, "u", life)
    site.connection.execute(NOTE, (site.project.id, uuid4(), person, False, NOON - 29 * DAY))
    _say(site, person, "chat", NOON - 29 * DAY, by="person")
    assert _impact(site).channels == ()
    assert _impact(site).untouched == Share(1, 0)


def test_of_a_few_nothing_is_said(site: Site) -> None:
    for n in range(3):
        person = _somebody(site, f"u{n}", Life(NOON - 30 * DAY, None))
        _say(site, person, "chat", NOON - 29 * DAY)
    (chat,) = _impact(site).channels
    assert (chat.verdict, chat.is_sure) == ("Too few people to say anything.", False)


def test_what_was_counted_is_kept_and_counted_anew(site: Site) -> None:
    chain = report.chain_of(site.connection, site.project.id)
    look = kept.Look(site.project.id, kept.IMPACT, chain, kept.Asked(1, WITHIN))
    first, at = kept.of(site.connection, look, NOON)
    _somebody(site, "u", Life(NOON - 30 * DAY, None))
    assert kept.of(site.connection, look, NOON + timedelta(minutes=1)) == (first, at)
    later = NOON + timedelta(minutes=10)
    kept.of(site.connection, look, later)
    kept.count_stale(site.connection, later)
    again, at = kept.of(site.connection, look, later)
    assert (again.untouched, at) == (Share(1, 0), later)


def _impact(site: Site) -> impact.Impact:
    chain = report.chain_of(site.connection, site.project.id)
    return impact.impact(site.connection, site.project.id, chain, 1, WITHIN, NOON)


def _live(site: Site, dice: random.Random, n: int) -> Life:
    began = NOON - timedelta(days=dice.uniform(1, 60))
    went = began + timedelta(days=dice.uniform(0, 20)) if dice.random() < 0.6 else None
    life = Life(began, went if went and went < NOON else None)
    person = _somebody(site, f"u{n}", life)
    for _ in range(dice.choice([0, 0, 1, 2])):
        channel = dice.choice(["chat", "ticket", "note"])
        at = began + timedelta(days=dice.uniform(-2, 15))
        life.contacts.append((channel, at))
        _say(site, person, channel, at)
    return life


def _somebody(site: Site, user: str, life: Life) -> UUID:
    site.send(identify(user, traits={"createdAt": life.began.isoformat()}), at=NOON, way="secret")
    if life.went:
        ordered = {**track("Ordered", user=user), "timestamp": life.went.isoformat()}
        site.send(ordered, at=NOON, way="server")
    person = site.person_of(user=user)
    assert person is not None
    return person.id


def _say(site: Site, person: UUID, channel: str, at: datetime, *, by: str = "agent") -> None:
    core, project = site.connection, site.project.id
    if channel == "note":
        core.execute(NOTE, (project, uuid4(), person, True, at))
        return
    talk = uuid4()
    ticket = (uuid4().int % 10**9, "open", "normal") if channel == "ticket" else (None,) * 3
    core.execute(TALK, (project, talk, person, *ticket, at, at))
    core.execute(SAY, (project, uuid4(), talk, by, at))


def _touched(lives: list[Life], channel: str) -> Share:
    people = went = 0
    for life in lives:
        times = [at for one, at in life.contacts if one == channel and _is_at(life, at)]
        if not times or min(times) + WITHIN * DAY > NOON or life.went == life.began:
            continue
        people += 1
        went += life.went is not None and life.went <= min(times) + WITHIN * DAY
    return Share(people, went)


def _untouched(lives: list[Life]) -> Share:
    people = went = 0
    for life in lives:
        end = life.began + WITHIN * DAY
        until = min(end, life.went or end)
        if end > NOON or any(life.began <= at < until for _, at in life.contacts):
            continue
        people += 1
        went += life.went is not None and life.went <= end
    return Share(people, went)


def _is_at(life: Life, at: datetime) -> bool:
    return life.began <= at and (life.went is None or at < life.went)
