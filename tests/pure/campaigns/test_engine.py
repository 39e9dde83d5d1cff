"""One person's way through a campaign: waits by the calendar, branches, going round, what holds an
email back, and what an edit does to whoever is under way.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from regulars.campaigns.engine import definition as d
from regulars.campaigns.engine import times
from regulars.campaigns.engine.advance import Cap, Facts, Split, State, advance
from regulars.campaigns.engine.chance import drawn, held_out
from regulars.campaigns.engine.checking import World, problems
from regulars.campaigns.engine.editing import followed
from regulars.campaigns.engine.intervals import newcombe, wilson
from regulars.campaigns.engine.reading import DefinitionError, read
from regulars.campaigns.engine.rehearsing import rehearse
from regulars.campaigns.engine.times import QuietHours
from regulars.campaigns.engine.writing import to_json

LISBON = ZoneInfo("Europe/Lisbon")
NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
SEGMENT = "018f0000-0000-7000-8000-000000000001"
TEMPLATE = "018f0000-0000-7000-8000-000000000002"
SEEN = {"field": "last_seen", "op": "within_last", "value": 7}


def email(id_: str, **more: Any) -> dict[str, Any]:
    return {"id": id_, "type": "email", "variants": [{"template": TEMPLATE}], **more}


def wait(id_: str, **passing: int) -> dict[str, Any]:
    return {"id": id_, "type": "wait", **passing}


def campaign(*steps: dict[str, Any], **more: Any) -> d.Definition:
    return read({"steps": list(steps), **more})


def facts(*holds: str, zone: Any = UTC, **more: Any) -> Facts:
    return Facts(frozenset({"audience", *holds}), zone, LISBON, **more)


def first(definition: d.Definition) -> State:
    return State("entry", definition.route().first)


def test_everything_that_can_be_said_is_written_as_it_was_read() -> None:
    said = {
        "audience": {
            "kinds": ["user"],
            "segment": SEGMENT,
            "exclude": {"segments": [SEGMENT], "filter": SEEN},
            "holdout": 10,
        },
        "trigger": {
            "type": "every",
            "period": "week",
            "at": "08:00",
            "weekday": "friday",
            "time_zone": "person",
        },
        "entry": {"rule": "every_days", "days": 30},
        "steps": [
            {
                "id": "a",
                "type": "email",
                "variants": [
                    {"id": "a", "share": 50, "template": TEMPLATE, "subject": "Hi"},
                    {"id": "b", "share": 50, "content": {"format": "blocks"}},
                ],
                "kind": "marketing",
                "winner": {"by": "opened", "share": 20, "hours": 4},
                "reply_to": "us@example.com",
            },
            wait("b", days=3, hours=2),
            {"id": "c", "type": "wait_until", "at": "09:30", "weekdays": [], "time_zone": "person"},
            {
                "id": "e",
                "type": "wait_event",
                "event": "Order",
                "where": [{"field": "properties.total", "op": "gt", "value": 5}],
                "hours": 48,
                "on_deadline": "leave",
            },
            {
                "id": "f",
                "type": "branch",
                "filter": SEEN,
                "yes": [{"id": "g", "type": "tag", "add": ["warm"], "remove": []}],
                "no": [{"id": "h", "type": "segment", "segment": SEGMENT}],
            },
            {"id": "i", "type": "conversation", "text": "Hello"},
            {"id": "j", "type": "ticket", "subject": "Call", "text": "", "priority": "high"},
            {"id": "k", "type": "webhook", "url": "https://example.com/hook"},
            {"id": "l", "type": "repeat", "step": "b", "times": 2},
        ],
        "goal": {"filter": SEEN, "days": 14, "sentence": "They are back"},
        "exit": {"audience_left": True},
        "respect": {"quiet_hours": False, "frequency_cap": True},
    }
    definition = read(said)
    assert to_json(definition) == said
    assert read(to_json(definition)) == definition


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"audience": {"kinds": ["visitor"]}}, "audience.kinds"),
        ({"audience": {"holdout": 99}}, "audience.holdout"),
        ({"audience": {"segment": "x"}}, "audience.segment"),
        ({"audience": {"filter": {"field": "nonsense", "op": "is"}}}, "audience.filter.field"),
        ({"trigger": {"type": "moon"}}, "trigger.type"),
        ({"trigger": {"type": "at", "at": "soon"}}, "trigger.at"),
        ({"trigger": {"type": "event"}}, "trigger.event"),
        ({"steps": [{"id": "a", "type": "email"}]}, "steps[0].variants"),
        ({"steps": [email("a"), email("a")]}, "steps[1].id"),
        ({"steps": [wait("a")]}, "steps[0].days"),
        ({"steps": [email("a", surprise=1)]}, "steps[0].surprise"),
        ({"steps": [{"id": "r", "type": "repeat", "step": "z", "times": 1}]}, "steps[0].step"),
        ({"steps": [{"id": "w", "type": "webhook", "url": "file:///etc"}]}, "steps[0].url"),
        (
            {"steps": [{"id": "b", "type": "branch", "filter": SEEN, "yes": [wait("w")]}]},
            "steps[0].yes[0].days",
        ),
        ({"goal": {"filter": {}}}, "goal.filter"),
        ({"unknown": 1}, "unknown"),
        ([], "campaign"),
    ],
)
def test_what_is_not_understood_is_named_by_its_field(said: Any, field: str) -> None:
    with pytest.raises(DefinitionError) as wrong:
        read(said)
    assert wrong.value.field == field


def test_an_email_is_followed_by_its_wait_and_the_next_email_comes_when_that_is_over() -> None:
    definition = campaign(email("one"), wait("w", days=2), email("two"))
    route = definition.route()
    decided = advance(definition, route, first(definition), facts(), NOW)
    assert [act.step.id for act in decided.acts] == ["one"]
    assert decided.next_at == NOW + timedelta(days=2)
    early = advance(definition, route, decided.state, facts(), NOW + timedelta(days=1))
    assert early.acts == ()
    assert early.next_at == decided.next_at
    assert decided.next_at is not None
    late = advance(definition, route, early.state, facts(), decided.next_at)
    assert [act.step.id for act in late.acts] == ["two"]
    assert late.ended == "finished"


@pytest.mark.parametrize(
    ("zone", "begins", "ends"),
    [
        # Clocks go back on 25 October 2026 in Lisbon: three days are 73 hours.
        ("Europe/Lisbon", "2026-10-23T08:00:00+00:00", "2026-10-26T09:00:00+00:00"),
        # They go forward on 8 March in New York: a day is 23 hours.
        ("America/New_York", "2026-03-07T15:00:00+00:00", "2026-03-10T14:00:00+00:00"),
        ("Asia/Kolkata", "2026-03-07T15:00:00+00:00", "2026-03-10T15:00:00+00:00"),
        # 02:30 on 29 March is skipped in Berlin: the wait ends at the jump.
        ("Europe/Berlin", "2026-03-26T01:30:00+00:00", "2026-03-29T01:00:00+00:00"),
    ],
)
def test_days_are_those_of_the_person_s_calendar(zone: str, begins: str, ends: str) -> None:
    now = datetime.fromisoformat(begins)
    passed = times.end_of_wait(d.Wait("w", days=3), now, ZoneInfo(zone))
    assert passed == datetime.fromisoformat(ends)


def test_hours_just_pass_when_the_clock_changes() -> None:
    before = datetime(2026, 10, 24, 12, tzinfo=UTC)
    assert times.end_of_wait(d.Wait("w", hours=24), before, LISBON) == before + timedelta(hours=24)


def test_a_wait_until_a_weekday_ends_at_that_hour_of_the_person_s_clock() -> None:
    until = d.WaitUntil("w", time(9), (0,))
    assert times.next_reading(until, NOW, ZoneInfo("Asia/Tokyo")) == datetime(
        2026, 11, 30, 0, tzinfo=UTC
    )
    on_the_dot = datetime(2026, 11, 30, 9, tzinfo=UTC)
    assert times.next_reading(until, on_the_dot, UTC) == on_the_dot


def test_a_month_that_is_too_short_is_taken_at_its_last_day() -> None:
    every = d.Every("month", time(8), day=31)
    day, at = times.next_run(every, datetime(2026, 2, 1, tzinfo=UTC), UTC)
    assert (day.isoformat(), at) == ("2026-02-28", datetime(2026, 2, 28, 8, tzinfo=UTC))
    day, _ = times.next_run(every, at, UTC)
    assert day.isoformat() == "2026-03-31"


def test_people_are_gathered_as_soon_as_the_time_has_come_anywhere() -> None:
    every = d.Every("day", time(8), zone="person")
    day, at = times.next_run(every, NOW, LISBON)
    assert at == datetime(2026, 11, 24, 18, tzinfo=UTC)
    assert day.isoformat() == "2026-11-25"


def test_quiet_hours_hold_an_email_back_until_the_morning_of_the_person() -> None:
    definition = campaign(email("one"))
    quiet = QuietHours(time(21), time(8))
    night = datetime(2026, 11, 24, 23, tzinfo=UTC)
    told = facts(quiet=quiet, zone=LISBON)
    held = advance(definition, definition.route(), first(definition), told, night)
    assert (held.acts, held.why) == ((), "quiet")
    assert held.next_at == datetime(2026, 11, 25, 8, tzinfo=UTC)
    sent = advance(definition, definition.route(), held.state, told, held.next_at)
    assert sent.ended == "finished"
    assert len(sent.acts) == 1


def test_the_cap_holds_an_email_back_until_an_earlier_one_is_old_enough() -> None:
    definition = campaign(email("one"))
    recent = (NOW - timedelta(days=2), NOW - timedelta(days=1))
    held = advance(
        definition,
        definition.route(),
        first(definition),
        facts(cap=Cap(2, 7), recent=recent),
        NOW,
    )
    assert (held.why, held.next_at) == ("capped", NOW + timedelta(days=5))
    freed = replace(definition, capped=False)
    told = facts(cap=Cap(2, 7), recent=recent)
    assert advance(freed, freed.route(), first(freed), told, NOW).acts


def test_the_goal_ends_it_before_the_next_email() -> None:
    definition = campaign(email("one"), goal={"filter": SEEN})
    decided = advance(definition, definition.route(), first(definition), facts("goal"), NOW)
    assert (decided.acts, decided.ended) == ((), "goal")


def test_who_left_the_audience_leaves_where_that_is_asked_for() -> None:
    definition = campaign(email("one"), exit={"audience_left": True})
    gone = replace(facts(), holds=frozenset())
    decided = advance(definition, definition.route(), first(definition), gone, NOW)
    assert decided.ended == "audience_left"


def test_a_branch_is_taken_by_what_holds_and_both_sides_go_on_behind_it() -> None:
    branch = {
        "id": "b",
        "type": "branch",
        "filter": SEEN,
        "yes": [email("yes")],
        "no": [],
    }
    definition = campaign(branch, email("both"))
    route = definition.route()
    taken = advance(definition, route, first(definition), facts("branch:b"), NOW)
    assert [act.step.id for act in taken.acts] == ["yes", "both"]
    other = advance(definition, route, first(definition), facts(), NOW)
    assert [act.step.id for act in other.acts] == ["both"]


def test_what_follows_a_tag_is_decided_anew() -> None:
    definition = campaign({"id": "t", "type": "tag", "add": ["x"]}, email("one"))
    decided = advance(definition, definition.route(), first(definition), facts(), NOW)
    assert [act.step.id for act in decided.acts] == ["t"]
    assert (decided.why, decided.next_at) == ("changed", NOW)


def test_an_awaited_event_ends_the_wait_and_its_deadline_may_end_the_campaign() -> None:
    waiting = {"id": "w", "type": "wait_event", "event": "E", "hours": 5, "on_deadline": "leave"}
    definition = campaign(waiting, email("one"))
    route = definition.route()
    decided = advance(definition, route, first(definition), facts(), NOW)
    assert decided.next_at == NOW + timedelta(hours=5)
    came = replace(decided.state, came=True)
    assert advance(definition, route, came, facts(), NOW + timedelta(hours=1)).acts
    over = advance(definition, route, decided.state, facts(), NOW + timedelta(hours=5))
    assert (over.acts, over.ended) == ((), "deadline")


def test_going_back_is_counted_and_every_turn_is_another() -> None:
    back = {"id": "r", "type": "repeat", "step": "one", "times": 2}
    definition = campaign(email("one"), wait("w", hours=1), back)
    route, state, now = definition.route(), first(definition), NOW
    turns = []
    for _ in range(9):
        decided = advance(definition, route, state, facts(), now)
        turns += [act.turn for act in decided.acts]
        if decided.next_at is None:
            break
        state, now = decided.state, decided.next_at
    assert turns == [0, 1, 2]


def test_a_trial_is_sent_to_its_share_and_the_rest_wait_for_the_winner() -> None:
    variants = [{"id": "a", "template": TEMPLATE}, {"id": "b", "template": TEMPLATE}]
    winner = {"by": "opened", "share": 30, "hours": 4}
    definition = campaign({"id": "e", "type": "email", "variants": variants, "winner": winner})
    route = definition.route()
    states = [State(f"entry {n}", "e") for n in range(400)]
    decided = [advance(definition, route, state, facts(), NOW) for state in states]
    tried = [one for one in decided if one.acts]
    assert 80 < len(tried) < 160
    assert {one.acts[0].variant for one in tried} == {"a", "b"}
    rest = next(one for one in decided if not one.acts)
    assert rest.next_at == NOW + timedelta(hours=4)
    told = facts(splits={"e": Split(NOW + timedelta(hours=4), "b")})
    after = advance(definition, route, rest.state, told, NOW + timedelta(hours=4))
    assert after.acts[0].variant == "b"


def test_chance_keeps_its_shares_and_its_answers() -> None:
    held = [held_out("campaign", str(n), 10) for n in range(5000)]
    assert 400 < sum(held) < 600
    assert held == [held_out("campaign", str(n), 10) for n in range(5000)]
    picks = [drawn([70, 30], str(n)) for n in range(5000)]
    assert 1350 < sum(picks) < 1650
    assert drawn([0, 100], "anything") == 1


def test_who_stands_at_a_step_that_is_taken_out_goes_on_behind_it() -> None:
    old = campaign(email("one"), wait("w", days=3), email("two"), email("three"))
    new = followed(old, campaign(email("one"), email("three")))
    assert new.moved == {"w": "three", "two": "three"}
    state = State("entry", "w", until=NOW + timedelta(days=1))
    decided = advance(new, new.route(), state, facts(), NOW)
    assert [act.step.id for act in decided.acts] == ["three"]
    back = followed(new, old)
    assert back.moved == {}


def test_what_is_taken_out_one_after_the_other_leads_on_to_what_is_left() -> None:
    steps = [email("one"), email("two"), email("three")]
    second = followed(campaign(*steps), campaign(steps[0], steps[2]))
    third = followed(second, campaign(steps[0]))
    assert third.moved == {"two": None, "three": None}


def world(**more: Any) -> World:
    return World(LISBON, audience=5, **more)


def said(definition: d.Definition, there: World) -> list[str]:
    return [f"{one.where}: {one.message}" for one in problems(definition, there, NOW)]


def test_mistakes_are_named_before_a_start() -> None:
    nobody = World(LISBON, audience=0)
    assert "audience: Nobody is in the audience." in said(campaign(email("a")), nobody)
    past = campaign(email("a"), trigger={"type": "at", "at": "2026-11-24T09:00"})
    assert any("past" in one for one in said(past, world()))
    unsent = World(LISBON, audience=5, has_sender=False)
    assert any("sender" in one for one in said(campaign(email("a")), unsent))
    bare = campaign({"id": "a", "type": "email", "variants": [{"id": "a"}]})
    assert said(bare, world()) == ["steps.a: Message is empty: choose a template."]
    letters = {("a", "a"): ("There is no {{ person.nme }}.",)}
    found = said(campaign(email("a")), world(letters=letters))
    assert found == ["steps.a: Message: There is no {{ person.nme }}."]
    asks = campaign(email("a"), trigger={"type": "segment_entered", "segment": SEGMENT})
    here = world(segments={read(to_json(asks)).trigger.segment})  # type: ignore[union-attr]
    assert any("already" in one for one in said(asks, here))
    assert said(campaign(), world()) == ["steps: There is no step yet: add an email."]


def test_going_round_without_a_wait_is_a_mistake() -> None:
    back = {"id": "r", "type": "repeat", "step": "a", "times": 3}
    assert any("without a wait" in one for one in said(campaign(email("a"), back), world()))
    assert said(campaign(email("a"), wait("w", days=1), back), world()) == []
    half = {"id": "b", "type": "branch", "filter": SEEN, "yes": [wait("w", days=1)], "no": []}
    assert any("without" in one for one in said(campaign(email("a"), half, back), world()))


def test_a_dry_run_tells_the_whole_way_and_why() -> None:
    definition = campaign(email("one"), wait("w", days=2), email("two"))
    lines = rehearse(definition, facts(), NOW, "somebody")
    assert [(one.what, one.step) for one in lines] == [
        ("email", "one"), ("wait", "w"), ("email", "two"), ("end", None),
    ]  # fmt: skip
    assert lines[2].at == NOW + timedelta(days=2)
    kept_out = rehearse(replace(definition, goal=d.Goal(definition.audience.as_filter())),
                        facts("goal"), NOW, "somebody")  # fmt: skip
    assert [(one.what, one.why) for one in kept_out] == [("end", "goal")]


def test_intervals_are_those_of_the_literature() -> None:
    """Newcombe 1998, table II, method 10: 56/70 against 48/80, 9/10 against 3/10, 5/56 and 0/29."""
    for counts, low, high in [
        ((56, 70, 48, 80), 0.0524, 0.3339),
        ((9, 10, 3, 10), 0.1705, 0.8090),
        ((5, 56, 0, 29), -0.0381, 0.1926),
    ]:
        found = newcombe(*counts)
        assert found is not None
        assert (round(found.low, 4), round(found.high, 4)) == (low, high)
    share = wilson(15, 148)
    assert share is not None
    assert (round(share.low, 4), round(share.high, 4)) == (0.0624, 0.1605)
    assert newcombe(1, 2, 0, 0) is None
