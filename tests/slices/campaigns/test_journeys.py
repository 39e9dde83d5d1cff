"""People in campaigns: who enters, when they move on, what ends it, and what keeps it exact."""

from __future__ import annotations

from datetime import time, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from regulars.campaigns import campaigns, hearing, results
from regulars.people import actions as people_actions
from regulars.workspaces.errors import ConflictError, InvalidError
from tests.slices.campaigns.stage import DAY, HOUR, Stage, email, wait
from tests.slices.segments.saved import (
    erase,
    members,
    save_and_fill,
    save_picked,
    wait_until,
)
from tests.slices.tracking.site import NOON, open_site, page, track

PRO = {"field": "attributes.plan", "op": "is", "value": "pro"}
SEEN = {"field": "last_seen", "op": "within_last", "value": 7}


@pytest.fixture
def stage(database: psycopg.Connection[Any]) -> Stage:
    return Stage(open_site(database))


def test_a_campaign_sent_now_reaches_its_audience_once_and_is_done(stage: Stage) -> None:
    ada, ben = stage.user("ada", plan="pro"), stage.user("ben", plan="pro")
    stage.user("cleo", plan="free")
    one = stage.started(email(), audience={"filter": PRO})
    stage.run(NOON)
    stage.run(NOON + HOUR)
    assert sorted(stage.emailed(one)) == sorted([ada.id, ben.id])
    assert campaigns.get(stage.connection, stage.project_id, one).state == "done"
    assert stage.counts(one)["entered"] == 2


def test_who_waits_gets_the_next_email_when_the_wait_is_over_and_not_before(stage: Stage) -> None:
    ada = stage.user("ada")
    one = stage.started(email("a"), wait(days=2), email("b"))
    stage.run(NOON)
    stage.run(NOON + 2 * DAY - timedelta(seconds=1))
    assert stage.done(one) == [(ada.id, "a")]
    entry = stage.entry(one)
    assert (entry["step"], entry["why"], entry["next_at"]) == ("wait", "waits", NOON + 2 * DAY)
    stage.run(NOON + 2 * DAY)
    assert stage.done(one) == [(ada.id, "a"), (ada.id, "b")]
    assert len(stage.emailed(one)) == 2


def test_who_enters_a_segment_comes_in_and_who_was_in_is_asked_about(stage: Stage) -> None:
    before = stage.user("before", plan="pro")
    segment = save_and_fill(stage.site, PRO)
    trigger = {"type": "segment_entered", "segment": str(segment)}
    new = stage.started(email(), trigger={**trigger, "include_present": False})
    everybody = stage.started(email(), trigger={**trigger, "include_present": True})
    later = stage.user("later", plan="pro")
    stage.run(NOON + HOUR)
    assert stage.emailed(new) == [later.id]
    assert sorted(stage.emailed(everybody)) == sorted([before.id, later.id])


def test_who_registers_or_leaves_or_does_something_comes_in(stage: Stage) -> None:
    ada = stage.user("ada", plan="pro")
    segment = save_and_fill(stage.site, PRO)
    where = [{"field": "properties.total", "op": "gt", "value": 50}]
    registers = stage.started(email(), trigger={"type": "registered"})
    leaves = stage.started(email(), trigger={"type": "segment_left", "segment": str(segment)})
    buys = stage.started(email(), trigger={"type": "event", "event": "Bought", "where": where})
    ben = stage.user("ben")
    stage.user("ada", plan="free")
    for total in (20, 80):
        stage.site.send(track("Bought", "ben-browser", properties={"total": total}))
    stage.run(NOON + HOUR)
    assert stage.emailed(registers) == [ben.id]
    assert stage.emailed(leaves) == [ada.id]
    assert stage.emailed(buys) == [ben.id]


def test_an_event_lets_somebody_in_each_time_where_that_is_wanted(stage: Stage) -> None:
    ada = stage.user("ada")
    trigger = {"type": "event", "event": "Bought"}
    every = stage.started(email(), trigger=trigger, entry={"rule": "every_time"})
    weekly = stage.started(email(), trigger=trigger, entry={"rule": "every_days", "days": 7})
    once = stage.started(email(), trigger=trigger)
    for days in (0, 1, 8):
        at = NOON + days * DAY
        stage.site.send(track("Bought", "ada-browser"), at=at)
        stage.run(at)
    assert stage.emailed(every) == [ada.id] * 3
    assert stage.emailed(weekly) == [ada.id] * 2
    assert stage.emailed(once) == [ada.id]


def test_a_periodic_one_goes_to_whoever_is_in_the_audience_each_time(stage: Stage) -> None:
    trigger = {"type": "every", "period": "week", "at": "08:00", "weekday": "wednesday"}
    one = stage.started(
        email(), trigger=trigger, audience={"filter": PRO}, entry={"rule": "every_time"}
    )
    ada = stage.user("ada", plan="pro")
    first = NOON.replace(hour=8) + DAY  # noon is of a Tuesday; the project's clock is UTC
    stage.run(first - timedelta(minutes=1))
    assert stage.emailed(one) == []
    stage.run(first)
    ben = stage.user("ben", at=first, plan="pro")
    stage.run(first + HOUR)
    assert stage.emailed(one) == [ada.id]
    stage.run(first + 7 * DAY)
    assert sorted(stage.emailed(one)) == sorted([ada.id, ada.id, ben.id])


def test_everybody_is_reached_by_their_own_clock(stage: Stage) -> None:
    """29 March 2026, 09:00: clocks went forward that night in Lisbon, not in New York."""
    people = {
        zone: stage.user(name, timezone=zone)
        for name, zone in (
            ("li", "Europe/Lisbon"),
            ("ny", "America/New_York"),
            ("to", "Asia/Tokyo"),
        )
    }
    trigger = {"type": "at", "at": "2026-03-29T09:00", "time_zone": "person"}
    one = stage.started(email(), trigger=trigger)
    day = NOON.replace(day=28, hour=0)
    for hour in range(48):
        stage.run(day + hour * HOUR)
    when = dict(zip([person for person, _ in stage.done(one)], stage.times(one), strict=True))
    known = {zone: stage.site.person(one.id).timezone for zone, one in people.items()}
    assert known == {zone: zone for zone in people}
    assert when[people["Asia/Tokyo"].id] == NOON.replace(day=29, hour=0)
    assert when[people["Europe/Lisbon"].id] == NOON.replace(day=29, hour=8)
    assert when[people["America/New_York"].id] == NOON.replace(day=29, hour=13)


def test_the_goal_ends_it_for_who_reaches_it_and_is_counted_against_the_holdout(
    stage: Stage,
) -> None:
    people = [stage.user(f"person{n}") for n in range(30)]
    goal = {"filter": PRO, "days": 10}
    one = stage.started(email("a"), wait(days=5), email("b"), audience={"holdout": 40}, goal=goal)
    stage.run(NOON)
    out = [row for row in stage.entries(one) if row["held_out"]]
    assert 3 < len(out) < 22
    held, treated = out[0]["person_id"], stage.emailed(one)[0]
    names = {person.id: f"person{n}" for n, person in enumerate(people)}
    for person in (held, treated):
        stage.user(names[person], at=NOON + DAY, plan="pro")
    stage.run(NOON + DAY)
    stage.run(NOON + 6 * DAY)
    counts = stage.counts(one)
    assert (counts["goal"], counts["held_out_goal"]) == (1, 1)
    assert counts["ended_goal"] == 1
    assert stage.emailed(one).count(treated) == 1
    assert held not in stage.emailed(one)


def test_who_has_the_goal_already_does_not_enter(stage: Stage) -> None:
    stage.user("ada", plan="pro")
    one = stage.started(email(), goal={"filter": PRO})
    stage.run(NOON)
    assert stage.entries(one) == []


def test_time_alone_lets_people_slip_into_a_win_back_and_coming_back_ends_it(stage: Stage) -> None:
    ada = stage.user("ada")
    slipping = stage.connection.execute(
        "SELECT id FROM segment WHERE project_id = %s AND builtin = 'slipping'",
        (stage.project_id,),
    ).fetchone()
    assert slipping is not None
    one = stage.started(
        email("a"), wait(days=7), email("b"),
        trigger={"type": "segment_entered", "segment": str(slipping[0]), "include_present": False},
        goal={"filter": SEEN},
    )  # fmt: skip
    away = NOON + 28 * DAY + HOUR
    wait_until(stage.site, away)
    stage.run(away)
    assert stage.emailed(one) == [ada.id]
    stage.site.send(page("ada-browser"), at=away + DAY)
    stage.run(away + DAY)
    assert stage.entry(one)["ended"] == "goal"
    stage.run(away + 8 * DAY)
    assert stage.emailed(one) == [ada.id]


def test_who_leaves_the_audience_leaves_the_campaign(stage: Stage) -> None:
    stage.user("ada", plan="pro")
    one = stage.started(
        email("a"), wait(days=3), email("b"), audience={"filter": PRO}, exit={"audience_left": True}
    )
    stage.run(NOON)
    stage.user("ada", at=NOON + DAY, plan="free")
    stage.run(NOON + DAY)
    assert stage.entry(one)["ended"] == "audience_left"


def test_an_awaited_event_is_one_that_happens_while_it_is_awaited(stage: Stage) -> None:
    stage.user("ada")
    waiting = {"id": "w", "type": "wait_event", "event": "Bought", "hours": 48}
    one = stage.started(email("a"), wait(days=1), waiting, email("b"))
    stage.run(NOON)
    stage.site.send(track("Bought", "ada-browser"), at=NOON + HOUR)
    stage.run(NOON + HOUR)
    stage.run(NOON + DAY)
    assert len(stage.emailed(one)) == 1
    at = NOON + DAY + HOUR
    stage.site.send(track("Bought", "ada-browser"), at=at)
    stage.run(at)
    assert len(stage.emailed(one)) == 2


def test_an_awaited_event_counts_when_it_is_told_of_after_the_deadline(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ada", "ben"):
        stage.user(name)
    waiting = {"id": "w", "type": "wait_event", "event": "Bought", "hours": 2}
    one = stage.started(email("a"), {**waiting, "on_deadline": "leave"}, email("b"), at=NOON + DAY)
    stage.run(NOON + DAY)
    in_time, late = NOON + DAY + HOUR, NOON + DAY + 3 * HOUR
    for n in range(5):  # so much is told before that it takes more than one round to hear
        stage.site.send(track(f"Other {n}", "ada-browser"), at=in_time)
    stage.site.send(track("Bought", "ada-browser"), at=in_time)
    stage.site.send(track("Bought", "ben-browser"), at=late)
    monkeypatch.setattr(hearing, "AT_ONCE", 2)
    stage.run(late)
    left = {row["person_id"]: row["ended"] for row in stage.entries(one)}
    assert sorted(left.values()) == ["deadline", "finished"]
    assert left[stage.site.person_of(user="ada").id] == "finished"  # type: ignore[union-attr]


def test_what_is_behind_somebody_is_written_down(stage: Stage) -> None:
    stage.user("ada")
    branch = {"id": "if", "type": "branch", "filter": PRO, "no": [wait("w", hours=1)]}
    one = stage.started(email("a"), branch, email("b"))
    stage.run(NOON)
    rule = {"campaign": str(one), "op": "passed", "step": "if"}
    segment = save_and_fill(stage.site, {**rule, "step": "w"})
    assert members(stage.site, save_and_fill(stage.site, rule, "If")) != set()
    assert members(stage.site, segment) == set()
    stage.run(NOON + HOUR)
    assert len(members(stage.site, segment)) == 1


def test_goals_count_for_the_messages_that_were_had(stage: Stage) -> None:
    for name in ("ada", "ben"):
        stage.user(name)
    one = stage.started(email("a"), wait(days=1), email("b"), goal={"filter": PRO})
    stage.run(NOON)
    stage.user("ada", at=NOON + HOUR, plan="pro")
    stage.run(NOON + HOUR)
    stage.run(NOON + DAY)
    stage.user("ben", at=NOON + 2 * DAY, plan="pro")
    stage.run(NOON + 2 * DAY)
    found = results.results(
        stage.connection, campaigns.get(stage.connection, stage.project_id, one), NOON + 2 * DAY
    )
    assert [(step.step.id, step.goal) for step in found.steps if step.kind == "email"] == [
        ("a", 2), ("b", 1),
    ]  # fmt: skip
    assert sum(day.goal for day in found.days) == found.goal == 2


def test_tags_and_segments_change_the_person_and_the_branch_behind_knows_it(stage: Stage) -> None:
    ada = stage.user("ada")
    picked = save_picked(stage.site, [])
    branch = {
        "id": "if",
        "type": "branch",
        "filter": {"field": "tags", "op": "has", "value": "warm"},
        "yes": [email("yes")],
        "no": [email("no")],
    }
    one = stage.started(
        {"id": "t", "type": "tag", "add": ["warm"]},
        {"id": "s", "type": "segment", "segment": str(picked)},
        branch,
    )
    stage.run(NOON)
    assert {step for _, step in stage.done(one)} == {"t", "s", "yes"}
    assert stage.site.person(ada.id).tags == ["warm"]
    members = stage.connection.execute(
        "SELECT person_id FROM segment_member WHERE project_id = %s AND segment_id = %s",
        (stage.project_id, picked),
    ).fetchall()
    assert members == [(ada.id,)]


def test_a_conversation_and_a_ticket_are_begun_once(stage: Stage) -> None:
    ada = stage.user("ada")
    one = stage.started(
        {"id": "c", "type": "conversation", "text": "Hello there"},
        {"id": "t", "type": "ticket", "subject": "Call them", "priority": "high"},
        email(),
    )
    stage.run(NOON)
    rows = stage.connection.execute(
        "SELECT person_id, number IS NOT NULL, subject FROM conversation WHERE project_id = %s",
        (stage.project_id,),
    ).fetchall()
    assert sorted(rows) == [(ada.id, False, ""), (ada.id, True, "Call them")]
    assert stage.entry(one)["ended"] == "finished"


def test_a_pause_keeps_everybody_where_they_are_and_lets_nobody_in(stage: Stage) -> None:
    stage.user("ada")
    trigger = {"type": "registered"}
    one = stage.started(email("a"), wait(days=1), email("b"), trigger=trigger)
    ben = stage.user("ben")
    stage.run(NOON)
    stage.do("pause", one)
    stage.user("cleo")
    stage.run(NOON + 2 * DAY)
    assert stage.emailed(one) == [ben.id]
    stage.do("resume", one, NOON + 3 * DAY)
    stage.run(NOON + 3 * DAY)
    assert stage.emailed(one) == [ben.id, ben.id]


def test_a_stop_is_for_good(stage: Stage) -> None:
    stage.user("ada")
    one = stage.started(email("a"), wait(days=1), email("b"))
    stage.run(NOON)
    stage.do("stop", one)
    stage.run(NOON + 2 * DAY)
    assert len(stage.emailed(one)) == 1
    with pytest.raises(ConflictError):
        stage.do("resume", one)


def test_an_edit_moves_on_who_stands_at_a_step_that_is_taken_out(stage: Stage) -> None:
    stage.user("ada")
    one = stage.started(
        email("a"), wait(days=5), email("b"), email("c"), trigger={"type": "registered"}
    )
    ben = stage.user("ben")
    stage.run(NOON)
    stage.edit(one, email("a"), email("c"), at=NOON + HOUR, trigger={"type": "registered"})
    stage.run(NOON + 5 * DAY)
    assert stage.done(one) == [(ben.id, "a"), (ben.id, "c")]


def test_quiet_hours_and_the_cap_hold_for_all_campaigns(stage: Stage) -> None:
    stage.settings(quiet_from=time(11), quiet_to=time(13), cap_emails=1, cap_days=2)
    stage.user("ada")
    first = stage.started(email())
    stage.run(NOON)
    assert stage.emailed(first) == []
    assert stage.entry(first)["why"] == "quiet"
    stage.run(NOON + HOUR)
    assert len(stage.emailed(first)) == 1
    second = stage.started(email(), at=NOON + HOUR)
    stage.run(NOON + HOUR)
    assert stage.entry(second)["why"] == "capped"
    stage.run(NOON + HOUR + 2 * DAY)
    assert len(stage.emailed(second)) == 1


def test_a_trial_is_decided_by_what_was_opened_and_the_rest_get_the_winner(stage: Stage) -> None:
    for n in range(20):
        stage.user(f"person{n}")
    variants = [{"id": v, "content": email("x", v)["variants"][0]["content"]} for v in "ab"]
    winner = {"by": "opened", "share": 50, "hours": 4}
    one = stage.started({"id": "e", "type": "email", "variants": variants, "winner": winner})
    stage.run(NOON)
    tried = len(stage.emailed(one))
    assert 2 < tried < 18
    stage.connection.execute(
        "UPDATE email_count c SET sent = 10, opened = CASE e.variant WHEN 'b' THEN 5 ELSE 1 END"
        " FROM campaign_email e WHERE e.project_id = c.project_id AND e.email_id = c.id"
        " AND c.project_id = %s",
        (stage.project_id,),
    )
    stage.run(NOON + 4 * HOUR)
    assert len(stage.emailed(one)) == 20
    rows = stage.connection.execute(
        "SELECT DISTINCT variant FROM campaign_done WHERE project_id = %s AND NOT trial",
        (stage.project_id,),
    ).fetchall()
    assert rows == [("b",)]


def test_who_is_merged_goes_on_once_and_undoing_it_gives_both_back(stage: Stage) -> None:
    ada, ben = stage.user("ada"), stage.user("ben")
    one = stage.started(email("a"), wait(days=1), email("b"))
    stage.run(NOON)
    with stage.connection.transaction():
        merge = people_actions.merge_people(
            stage.connection, stage.project_id, ben.id, ada.id, NOON, cause="agent"
        )
    states = sorted(row["state"] for row in stage.entries(one))
    assert states == ["active", "merged"]
    with stage.connection.transaction():
        people_actions.undo_merge(stage.connection, stage.project_id, merge, NOON)
    stage.run(NOON + DAY)
    assert sorted(stage.emailed(one)) == sorted([ada.id, ada.id, ben.id, ben.id])


def test_who_is_erased_leaves_no_row(stage: Stage) -> None:
    ada = stage.user("ada")
    one = stage.started(email("a"), wait(days=1), email("b"))
    stage.run(NOON)
    erase(stage.site, ada.id)
    assert stage.entries(one) == []
    assert stage.done(one) == []
    stage.run(NOON + DAY)


def test_what_is_wrong_with_a_draft_is_said_by_its_field(stage: Stage) -> None:
    with pytest.raises(InvalidError) as wrong:
        stage.make({"id": "x", "type": "email", "variants": []})
    assert wrong.value.field == "steps[0].variants"


def test_a_started_one_cannot_be_started_again(stage: Stage) -> None:
    one: UUID = stage.started(email(), trigger={"type": "registered"})
    with pytest.raises(ConflictError):
        stage.start(one)
