"""Random lives against a plain model, on the real database: whatever is sent, merged, undone and
erased in whatever order, each event belongs to exactly one living person, every count is right,
and every membership is what evaluating everybody anew would find.
"""

from __future__ import annotations

import itertools
import os
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from regulars.kit.ids import key_hash
from regulars.people import actions
from regulars.people.person import Person
from regulars.segments import clock, windows
from regulars.segments.plan import segments_written_out
from tests.slices.tracking.model import Ghost, World
from tests.slices.tracking.site import NOON, Site, open_site
from tests.slices.tracking.truths import check_counts, check_members

# Set this to search: other lives each time, as many as it says, and a failing one made short.
SEARCHING = "REGULARS_WORLD_EXAMPLES" in os.environ
EXAMPLES = int(os.environ.get("REGULARS_WORLD_EXAMPLES", "20"))
STEPS = int(os.environ.get("REGULARS_WORLD_STEPS", "30"))

Database = psycopg.Connection[Any]

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"

# Segments beside the built-in ones: facts, counts, times, and their negations.
SEGMENTS: list[dict[str, Any]] = [
    {"field": "browser", "op": "is", "value": "firefox"},
    {"field": "attributes.plan", "op": "is_not", "value": "pro"},
    {"field": "sessions", "op": "gte", "value": 2},
    {
        "any": [
            {"field": "last_seen", "op": "not_within_last", "value": 3},
            {"field": "kind", "op": "is", "value": "lead"},
        ]
    },
]

users = st.sampled_from(["u1", "u2", "u3"])
anons = st.sampled_from(["a1", "a2", "a3", "a4"])
plans = st.sampled_from(["pro", "free", 5, None])
agents = st.sampled_from([{}, {"userAgent": FIREFOX}])
pick = st.integers(0, 20)
ago = st.sampled_from([0, 0, 0, 30, 7200])  # seconds before it is sent
names = st.sampled_from(["Pat", "Sam"])
traits = st.fixed_dictionaries({}, optional={"plan": plans, "name": names})


def _called(kind: str, **values: Any) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({"type": st.just(kind), "ago": ago, **values})


messages = st.one_of(
    _called("page", anonymousId=anons, context=agents),
    _called("page", userId=users),
    _called("page", userId=users, anonymousId=anons),
    _called("track", anonymousId=anons, event=st.just("Bought")),
    _called("identify", userId=users, traits=traits),
    _called("identify", userId=users, anonymousId=anons, traits=traits),
    _called("identify", userId=users, anonymousId=anons, context=agents),
    _called("identify", anonymousId=anons, traits=traits),
    _called("alias", previousId=st.one_of(anons, users), userId=users),
)


class Lives(RuleBasedStateMachine):
    """One project from its first event on."""

    database: Database

    def __init__(self) -> None:
        super().__init__()
        self.site = open_site(self.database)
        self.world = World()
        self.at = NOON
        self.numbers = itertools.count(1)
        self.sent: list[tuple[dict[str, Any], datetime]] = []
        _add_segments(self.site)

    @initialize(first=st.lists(messages, min_size=4, max_size=8))
    def begin(self, first: list[dict[str, Any]]) -> None:
        self.send(first, 1)

    @rule(batch=st.lists(messages, min_size=1, max_size=5), seconds=st.integers(1, 3000))
    def send(self, batch: list[dict[str, Any]], seconds: int) -> None:
        self.at += timedelta(seconds=seconds)
        sent = []
        for message in batch:
            happened = self.at - timedelta(seconds=message["ago"])
            key = f"m{next(self.numbers)}"
            said = {name: value for name, value in message.items() if name != "ago"}
            said |= {"messageId": key, "timestamp": happened.isoformat()}
            self.world.take(said, happened)
            sent.append(said)
        self.world.batch_is_committed()
        assert self.site.send(*sent, at=self.at).status == 200
        self.sent += [(message, self.at) for message in sent]
        self._check()

    @rule(lead=anons)
    def give_an_email(self, lead: str) -> None:
        self.at += timedelta(seconds=1)
        message = {"type": "identify", "anonymousId": lead, "messageId": f"m{next(self.numbers)}"}
        self.world.take(message, self.at)
        self.world.batch_is_committed()
        email = {"email": f"{lead}-{message['messageId']}@example.com"}
        assert self.site.send({**message, "traits": email}, at=self.at).status == 200
        self._check()

    @rule(which=st.integers(0, 50))
    def send_again(self, which: int) -> None:
        remembered = [message for message, at in self.sent if self.at - at < timedelta(hours=71)]
        if remembered:
            self.at += timedelta(seconds=1)
            self.site.send(remembered[which % len(remembered)], at=self.at)
            self._check()

    @rule(hours=st.sampled_from([30, 24 * 8, 24 * 29]))
    def wait(self, hours: int) -> None:
        self.at += timedelta(hours=hours)
        self._check()

    @rule(what=st.lists(st.tuples(st.booleans(), pick, pick), min_size=1, max_size=4))
    def change_who_is_who(self, what: list[tuple[bool, int, int]]) -> None:
        for merges, one, other in what:
            if merges:
                self._merge(one, other)
            else:
                self._undo(one)

    @rule(which=pick)
    def erase(self, which: int) -> None:
        living = self.world.living()
        if living:
            ghost = living[which % len(living)]
            self.at += timedelta(seconds=1)
            with self.site.connection_in_transaction() as connection:
                actions.erase(connection, self.site.project.id, self._ids()[ghost], self.at)
            self.world.erase(ghost, self.at)
            self._check()

    def _merge(self, one: int, other: int) -> None:
        living = self.world.living()
        if len(living) > 1:
            gone, into = living[one % len(living)], living[other % len(living)]
            if gone is not into:
                self.at += timedelta(seconds=1)
                ids = self._ids()
                with self.site.connection_in_transaction() as connection:
                    actions.merge_people(
                        connection, self.site.project.id, ids[gone], ids[into], self.at,
                        cause="agent",
                    )  # fmt: skip
                self.world.merge(gone, into)
                self._check()

    def _undo(self, which: int) -> None:
        merges = self.world.can_be_undone()
        if merges:
            merged = merges[which % len(merges)]
            self.at += timedelta(seconds=1)
            former = self._former_ids()[merged.gone]
            row = self.site.connection.execute(
                "SELECT id FROM merge WHERE project_id = %s AND from_id = %s AND undone_at IS NULL",
                (self.site.project.id, former),
            ).fetchone()
            assert row is not None
            with self.site.connection_in_transaction() as connection:
                actions.undo_merge(connection, self.site.project.id, row[0], self.at)
            self.world.undo(merged)
            self._check()

    # What must hold after each step

    def _check(self) -> None:
        while clock.move_project(self.site.connection, self.site.project.id, self.at):
            pass
        people = {person.id: person for person in self.site.people()}
        ids = self._ids()
        assert set(ids.values()) == set(people)
        self._check_identities(ids)
        self._check_events(ids, people)
        for ghost, person_id in ids.items():
            user_id = self.world.user_id_of(ghost)
            assert people[person_id].user_id == user_id
            assert (people[person_id].kind == "user") is (user_id is not None)
        check_counts(self.site, list(people.values()))
        check_members(self.site, list(people.values()), self.at)

    def _check_identities(self, ids: dict[Ghost, UUID]) -> None:
        stored = dict(self._identity_rows())
        told = {key_hash(*known): ids[item.owner] for known, item in self.world.identities.items()}
        told |= {
            key_hash("former", str(former)): ids[self.world.formers[gone].owner]
            for gone, former in self._former_ids().items()
        }
        assert stored == told

    def _check_events(self, ids: dict[Ghost, UUID], people: dict[UUID, Person]) -> None:
        stored: dict[UUID, set[str]] = {}
        events = self.site.events()
        for event in events:
            stored.setdefault(event["person_id"], set()).add(event["message_id"])
        assert len(events) == len(self.world.events)
        for ghost, person_id in ids.items():
            mine = self.world.events_of(ghost)
            assert stored.pop(person_id, set()) == mine
            seen = [item.at for key in mine if (item := self.world.events[key]).is_seen]
            if not ghost.was_in_undo:
                assert people[person_id].last_seen == max(filter(None, seen), default=None)
        assert stored == {}

    def _ids(self) -> dict[Ghost, UUID]:
        """Which row is whom: found by what they are known by, or by what they did."""
        stored = dict(self._identity_rows())
        by_event = {event["message_id"]: event["person_id"] for event in self.site.events()}
        found: dict[Ghost, UUID] = {}
        for known, item in self.world.identities.items():
            found[item.owner] = stored[key_hash(*known)]
        for key, item in self.world.events.items():
            found.setdefault(item.owner, by_event[key])
        for ghost in self.world.living():
            if ghost not in found:  # known by nothing, did nothing: they were brought back
                found[ghost] = self._nameless(ghost)
            self._names[ghost] = found[ghost]
        return {ghost: found[ghost] for ghost in self.world.living()}

    def _nameless(self, ghost: Ghost) -> UUID:
        return self._names[ghost]

    def _former_ids(self) -> dict[Ghost, UUID]:
        return {gone: self._names[gone] for gone in self.world.formers}

    def _identity_rows(self) -> list[tuple[UUID, UUID]]:
        return self.site.connection.execute(
            "SELECT id, person_id FROM identity WHERE project_id = %s", (self.site.project.id,)
        ).fetchall()

    @property
    def _names(self) -> dict[Ghost, UUID]:
        names: dict[Ghost, UUID] = self.__dict__.setdefault("names", {})
        return names


def _add_segments(site: Site) -> None:
    for number, filter_ in enumerate(SEGMENTS, start=50):
        segment = uuid4()
        site.connection.execute(
            "INSERT INTO segment (project_id, id, number, name, filter, created_at)"
            " VALUES (%s, %s, %s, %s, %s, %s)",
            (site.project.id, segment, number, f"Segment {number}",
             psycopg.types.json.Jsonb(filter_), NOON),
        )  # fmt: skip
        site.connection.execute(
            "INSERT INTO segment_count (project_id, id) VALUES (%s, %s)", (site.project.id, segment)
        )
    rules = segments_written_out(site.connection, site.project.id).values()
    windows.keep(site.connection, site.project.id, rules, NOON)


def test_random_lives_come_out_as_the_plain_model_says(database: Database) -> None:
    Lives.database = database
    run_state_machine_as_test(
        Lives,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize=not SEARCHING,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate, Phase.shrink] if SEARCHING else [Phase.generate],
            print_blob=True,
        ),
    )
