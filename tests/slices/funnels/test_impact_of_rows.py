"""The impact of channels over what the product itself wrote, against a plain recomputation.

Conversations, tickets, notes, emails and campaigns with a holdout go their own way through their
own slices; people merge and are erased; then each channel's share is counted one by one, from the
contacts the test made and the funnel's own times.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import psycopg
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from regulars.campaigns import deciding, emails
from regulars.campaigns.deciding import Became, Result
from regulars.funnels import impact, report
from regulars.funnels.lift import Share
from regulars.inbox import notes
from regulars.people import actions as people
from tests.slices.campaigns.mailing import Mailing
from tests.slices.campaigns.stage import Stage, email
from tests.slices.funnels.funnel import SIGNED_UP, did, put, rows
from tests.slices.inbox.talk import Talk
from tests.slices.segments.saved import erase
from tests.slices.tracking.site import NOON, Site, identify, open_site, track

Database = psycopg.Connection[object]
EXAMPLES = min(6, int(os.environ.get("REGULARS_HYPOTHESIS_EXAMPLES", "6")))
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
WITHIN = 7
Key = tuple[str, UUID | None]  # a channel, and which campaign

WAITING = """
SELECT id FROM email_recipient WHERE project_id = %s AND email_id = %s AND state = 'waiting'
"""
OF_CAMPAIGN = "SELECT id FROM email WHERE project_id = %s AND campaign_id = %s"


@dataclass(frozen=True)
class Life:
    """Days before now: when somebody signed up, ordered, and was reached by what."""

    began: float
    went: float | None
    contacts: list[tuple[str, float]] = field(default_factory=list)


days = st.integers(1, 50).map(lambda n: n + 0.25)
lives = st.lists(
    st.builds(
        Life,
        st.integers(5, 50).map(float),
        st.none() | st.integers(0, 45).map(float),
        st.lists(
            st.tuples(st.sampled_from(["chat", "ticket", "note", "private", "said"]), days),
            max_size=3,
        ),
    ),
    min_size=2,
    max_size=6,
)
became = st.sampled_from(["sent", "sent", "failed"])


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # a smaller example takes minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(lived=lives, mailed=days, entered=days, result=became, merged=st.booleans(),
       erased=st.booleans())  # fmt: skip
def test_every_channel_is_what_its_rows_say(
    database: Database,
    lived: list[Life],
    mailed: float,
    entered: float,
    result: Became,
    *,
    merged: bool,
    erased: bool,
) -> None:
    town = Town(database)
    for n, life in enumerate(lived):
        town.live(n, life)
    town.write_to_all(_ago(mailed), result)
    town.campaign(_ago(entered), email())
    town.campaign(_ago(entered - 1), {"id": "hi", "type": "conversation", "text": "Hello"})
    if merged:
        town.merge(0, 1)
    if erased:
        town.erase(len(lived) - 1)
    chain = report.chain_of(town.core, town.site.project.id)
    found = impact.impact(town.core, town.site.project.id, chain, 1, WITHIN, NOON)
    stages = town.stages()
    told = {(one.key, one.source): one for one in found.channels}
    keys: set[Key] = {(key, source) for _, key, source, _ in town.contacts}
    for key in keys | set(told):
        expected = _share(stages, _first(stages, town.contacts, key))
        assert (told[key].touched if key in told else Share(0, 0)) == expected, key
    for one in found.channels:
        if one.key == "campaign":
            assert one.source is not None
            held = _share(stages, _first(stages, town.held_out(one.source), None))
            assert one.is_held_out == bool(held.people)
            assert one.against == (held if one.is_held_out else found.untouched)
    assert found.untouched == _untouched(stages, town.contacts)


class MailingThen(Mailing):
    """Emails that are accepted at an instant of the past."""

    at = NOON

    @property
    def now(self) -> datetime:
        return self.at


class Town:
    """A project whose people are reached by everything there is."""

    def __init__(self, database: Database) -> None:
        self.site: Site = open_site(database)
        self.core = self.site.connection
        put(self.site, SIGNED_UP, did("Ordered"))
        self.people: list[UUID] = []
        self.contacts: list[tuple[UUID, str, UUID | None, datetime]] = []
        self._stage, self._mailing = Stage(self.site), MailingThen(self.site)
        self._talk = Talk(self.site, None)

    def live(self, n: int, life: Life) -> None:
        """Somebody signs up, orders, and is talked to."""
        began = _ago(life.began)
        traits = {"createdAt": began.isoformat(), "email": f"u{n}@example.com"}
        self.site.send(identify(f"u{n}", f"b{n}", traits), at=NOON)
        if life.went is not None:
            ordered = {**track("Ordered", user=f"u{n}"), "timestamp": _ago(life.went).isoformat()}
            self.site.send(ordered, at=NOON, way="server")
        person = self.site.person_of(user=f"u{n}")
        assert person is not None
        self.people.append(person.id)
        for kind, ago in life.contacts:
            self._contact(n, person.id, kind, _ago(ago))

    def _contact(self, n: int, person: UUID, kind: str, at: datetime) -> None:
        if kind in ("note", "private"):
            with self.core.transaction():
                notes.add(
                    self.core, self.site.project.id, person, at, text="Hi", shared=kind == "note"
                )
        else:
            talk, _ = self._talk.say(f"b{n}", f"{uuid4()}", now=at - MINUTE)
            if kind != "said":
                self._talk.reply(talk.id, now=at)
            if kind == "ticket":
                self._talk.number(talk.id)
        if kind in ("chat", "ticket", "note"):
            self.contacts.append((person, kind, None, at))

    def write_to_all(self, at: datetime, result: Became) -> None:
        """An email of its own."""
        self._mailing.at = at
        email_id = self._mailing.accepted([self.site.person(id_) for id_ in self.people])
        self._send(email_id, ("email", None), at, result)

    def campaign(self, at: datetime, step: dict[str, object]) -> None:
        """A campaign with half of its people held out."""
        one = self._stage.started(step, audience={"holdout": 50}, at=at, name=f"{step['id']}")
        self._stage.run(at)
        for (email_id,) in self.core.execute(OF_CAMPAIGN, (self.site.project.id, one)).fetchall():
            self._send(email_id, ("campaign", one), at + MINUTE, "sent")
        if step["type"] == "conversation":
            for row in self._stage.entries(one):
                if not row["held_out"]:
                    self.contacts.append((row["person_id"], "campaign", one, at))
                    self.contacts.append((row["person_id"], "chat", None, at))

    def _send(self, email_id: UUID, key: Key, at: datetime, result: Became) -> None:
        """What the engine writes of those that a server took, or would not."""
        project_id, run = self.site.project.id, uuid4()
        one = emails.get(self.core, project_id, email_id)
        ids = [row[0] for row in self.core.execute(WAITING, (project_id, email_id)).fetchall()]
        whose = {
            self._mailing.recipient(email_id, self.site.person(person)): person
            for person in self.people
            if person in self._mailing.states(email_id)
        }
        with self.core.transaction():
            deciding.decide(self.core, one, run, ids, at)
        deciding.ensure_partition(self.core, at)
        with self.core.transaction():
            deciding.write(self.core, one, run, [Result(id_, result) for id_ in ids], at)
        if result == "sent":
            self.contacts += [(whose[id_], *key, at) for id_ in ids]

    def merge(self, gone: int, into: int) -> None:
        """Two of them are one from now on."""
        there, survivor = self.people[gone], self.people[into]
        project_id = self.site.project.id
        with self.core.transaction():
            people.merge_people(self.core, project_id, there, survivor, NOON, cause="agent")
        self.contacts = [
            (survivor if one[0] == there else one[0], *one[1:]) for one in self.contacts
        ]

    def erase(self, n: int) -> None:
        """One of them is gone."""
        erase(self.site, self.people[n])
        self.contacts = [one for one in self.contacts if one[0] != self.people[n]]

    def held_out(self, campaign: UUID) -> list[tuple[UUID, str, UUID | None, datetime]]:
        """Whom the campaign kept back, and when."""
        rows_ = self.core.execute(
            "SELECT person_id, entered_at FROM campaign_entry"
            " WHERE project_id = %s AND campaign_id = %s AND held_out",
            (self.site.project.id, campaign),
        ).fetchall()
        return [(person, "", None, at) for person, at in rows_]

    def stages(self) -> dict[UUID, tuple[datetime, datetime | None]]:
        """When everybody came to the first checkpoint and went on; who did both at once is out."""
        found = {}
        for person, times in rows(self.site).items():
            began, went = times.get(1), times.get(2)
            if began is not None and went != began:
                found[person] = (began, went)
        return found


Stages = dict[UUID, tuple[datetime, datetime | None]]
Contacts = Iterable[tuple[UUID, str, UUID | None, datetime]]


def _ago(days: float) -> datetime:
    return NOON - days * DAY


def _first(stages: Stages, contacts: Contacts, key: Key | None) -> dict[UUID, datetime]:
    """Everybody's first contact while they were at the checkpoint."""
    firsts: dict[UUID, datetime] = {}
    for person, channel, source, at in contacts:
        if person not in stages or (key is not None and (channel, source) != key):
            continue
        began, went = stages[person]
        if began <= at and (went is None or at < went):
            firsts[person] = min(at, firsts.get(person, at))
    return firsts


def _share(stages: Stages, firsts: dict[UUID, datetime]) -> Share:
    over = {person: at for person, at in firsts.items() if at + WITHIN * DAY <= NOON}
    went = [stages[person][1] for person in over]
    within = [at + WITHIN * DAY for at in over.values()]
    return Share(
        len(over),
        sum(then is not None and then <= end for then, end in zip(went, within, strict=True)),
    )


def _untouched(stages: Stages, contacts: list[tuple[UUID, str, UUID | None, datetime]]) -> Share:
    people_ = went_on = 0
    for person, (began, went) in stages.items():
        end = began + WITHIN * DAY
        until = min(end, went or end)
        reached = any(one[0] == person and began <= one[3] < until for one in contacts)
        if end <= NOON and not reached:
            people_ += 1
            went_on += went is not None and went <= end
    return Share(people_, went_on)
