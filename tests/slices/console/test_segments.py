"""The screens of saved segments: saving a list, all of them, the page of one, what changes it."""

from __future__ import annotations

import html
import json
import re
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

import pytest

from regulars.campaigns import campaigns
from regulars.kit import clock
from regulars.people import bulk, bulk_jobs
from regulars.segments import actions, filling, queries
from regulars.workspaces.models import AuditEntry
from tests.cast import Cast, Colleague, cast
from tests.slices.tracking.site import Site, identify, page, track

__all__ = ["cast"]

EVIL = "<script>alert(1)</script>"
ON_PRO = {"field": "attributes.plan", "op": "is", "value": "pro"}
ORDERED_TWICE = {"event": "Order", "op": "at_least", "count": 2}
ON_FREE = {"field": "attributes.plan", "op": "is", "value": "free"}


def made(cast: Cast, name: str, rule: Any = ON_PRO) -> UUID:
    """A segment by a rule, filled."""
    with cast.connection.transaction():
        segment = actions.create(
            cast.connection, cast.home.id, name, clock.now(), filter_=rule, by=cast.alice.id
        )
    filling.fill_project(cast.connection, cast.home.id, clock.now())
    return segment


def picked(cast: Cast, name: str, *people: UUID) -> UUID:
    with cast.connection.transaction():
        return actions.create(
            cast.connection, cast.home.id, name, clock.now(), people=people, by=cast.alice.id
        )


def see(who: Colleague, cast: Cast, rest: str = "", **query: Any) -> str:
    """What a page says, unescaped; `segments/` goes without saying."""
    answer = who.client.get(cast.home.url(f"segments/{rest}"), query)
    assert answer.status_code == 200
    return html.unescape(answer.content.decode())


def words(text: str) -> str:
    """The text of a page without its marks."""
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


def do(who: Colleague, cast: Cast, rest: str = "", *, htmx: bool = False, **given: Any) -> Any:
    headers = {"HX-Request": "true"} if htmx else {}
    return who.client.post(cast.home.url(f"segments/{rest}"), given, headers=headers)


def save(who: Colleague, cast: Cast, name: str, listed: dict[str, str], kind: str = "live") -> Any:
    return do(who, cast, htmx=True, name=name, kind=kind, listed=urlencode(listed))


def saved(cast: Cast) -> dict[str, queries.Segment]:
    return {one.name: one for one in queries.saved(cast.connection, cast.home.id)}


def work(cast: Cast) -> None:
    """The worker does the project's bulk jobs."""
    working = bulk.Working(cast.connection)
    for project_id, job_id in bulk_jobs.open_jobs(cast.connection, 1000):
        if project_id == cast.home.id:
            while working.work_on(project_id, job_id, clock.now()):
                pass


def site(cast: Cast) -> Site:
    return Site(cast.connection, cast.home.config, cast.home.secret_key)


# Saving


def test_a_filtered_list_is_saved_as_it_is_looked_at(cast: Cast) -> None:
    listed = {"kind": "user", "list": "new", "q": "doe", "filter": json.dumps(ON_PRO)}
    answer = save(cast.bob, cast, "Pros", listed)
    segment = saved(cast)["Pros"]
    assert answer["HX-Redirect"] == cast.home.url(f"segments/{segment.id}/")
    builtin, typed, plan = segment.filter["all"]
    assert (set(builtin), builtin["op"]) == ({"segment", "op"}, "is_in")
    assert [one["value"] for one in typed["any"]] == ["doe"] * 3
    assert plan == ON_PRO
    assert segment.created_by == cast.bob.id


def test_the_kind_that_is_listed_is_part_of_the_rule(cast: Cast) -> None:
    save(cast.bob, cast, "Lead pros", {"kind": "lead", "filter": json.dumps(ON_PRO)})
    rule = saved(cast)["Lead pros"].filter
    assert rule == {"all": [{"field": "kind", "op": "is", "value": "lead"}, ON_PRO]}


def test_whoever_matches_is_in_once_they_are_counted(cast: Cast) -> None:
    pat = cast.pat
    save(cast.bob, cast, "Pros", {"filter": json.dumps(ON_PRO)})
    filling.fill_project(cast.connection, cast.home.id, clock.now())
    segment = saved(cast)["Pros"]
    assert segment.people == 1
    inside = queries.memberships_of(cast.connection, cast.home.id, pat.id)
    assert segment.id in {one.id for one in inside}


def test_freezing_a_list_makes_a_hand_picked_one_of_who_is_on_it(cast: Cast) -> None:
    _ = cast.pat, cast.tracked("sam", plan="free")
    save(cast.bob, cast, "Pros of today", {"filter": json.dumps(ON_PRO)}, kind="frozen")
    work(cast)
    frozen = saved(cast)["Pros of today"]
    assert (frozen.filter, frozen.people) == (None, 1)


def test_freezing_a_list_of_nobody_says_that_it_is_empty(cast: Cast) -> None:
    save(cast.bob, cast, "Nobody", {"filter": json.dumps(ON_PRO)}, kind="frozen")
    segment = saved(cast)["Nobody"]
    assert "starts empty" in see(cast.bob, cast, f"{segment.id}/")


@pytest.mark.parametrize(
    ("name", "says"),
    [("", "Give the segment a name"), ("pROS", "already"), ("x" * 81, "at most 80")],
)
def test_what_is_wrong_with_a_name_is_said_beside_it(cast: Cast, name: str, says: str) -> None:
    made(cast, "Pros")
    listed = {"filter": json.dumps(ON_PRO)}
    text = html.unescape(save(cast.bob, cast, name, listed).content.decode())
    assert says in text
    assert 'aria-invalid="true"' in text
    assert f'value="{name}"' in text  # nothing that was typed is lost
    assert urlencode(listed) in text
    assert len(saved(cast)) == 1


def test_the_form_says_the_rule_and_how_many_match(cast: Cast) -> None:
    _ = cast.pat
    text = words(see(cast.bob, cast, "new", kind="user", filter=json.dumps(ON_PRO)))
    assert "1 person matches today" in text
    assert "Kind is user and plan is pro" in text
    assert "Freeze this person" in text


@pytest.mark.parametrize(
    "query",
    [
        {"filter": "{broken"},
        {"filter": '{"field":"nope","op":"is","value":1}'},
        {"segment": "no-id"},
        {"segment": str(uuid4())},
    ],
)
def test_a_list_that_is_none_cannot_be_saved(cast: Cast, query: dict[str, str]) -> None:
    asked = cast.bob.client.get(cast.home.url("segments/new"), query)
    assert asked.status_code in {200, 404}
    assert "Save segment</button>" not in asked.content.decode()
    assert save(cast.bob, cast, "Broken", query).status_code in {200, 404}
    assert saved(cast) == {}


def test_without_a_script_the_form_is_a_page(cast: Cast) -> None:
    listed = urlencode({"filter": json.dumps(ON_PRO)})
    assert do(cast.bob, cast, name="", kind="live", listed=listed).status_code == 422
    answer = do(cast.bob, cast, name="Pros", kind="live", listed=listed)
    assert answer.url == cast.home.url(f"segments/{saved(cast)['Pros'].id}/")


def test_what_an_agent_made_is_in_the_audit_log(cast: Cast) -> None:
    save(cast.bob, cast, "Pros", {"filter": json.dumps(ON_PRO)})
    segment = saved(cast)["Pros"]
    do(cast.bob, cast, f"{segment.id}/name", name="Professionals")
    do(cast.bob, cast, f"{segment.id}/delete")
    entries = AuditEntry.objects.filter(project_id=cast.home.id, action__startswith="segment.")
    assert [(one.action, one.subject, one.agent_id) for one in entries.order_by("id")] == [
        ("segment.made", "Pros", cast.bob.id),
        ("segment.changed", "Professionals", cast.bob.id),
        ("segment.deleted", "Professionals", cast.bob.id),
    ]


# All of them


def test_segments_are_listed_with_their_rules_and_numbers(cast: Cast) -> None:
    _ = cast.pat
    made(cast, "Pros")
    picked(cast, "Friends")
    text = words(see(cast.bob, cast))
    assert "Pros 1 plan is pro".lower() in text.lower()
    assert "Picked by hand" in text


@pytest.mark.parametrize(
    ("sort", "order"),
    [("name", ["Free", "Pros"]), ("-people", ["Pros", "Free"]), ("people", ["Free", "Pros"])],
)
def test_segments_are_sorted_by_name_or_size(cast: Cast, sort: str, order: list[str]) -> None:
    _ = cast.pat
    made(cast, "Pros")
    made(cast, "Free", ON_FREE)
    rows = cast.bob.client.get(
        cast.home.url("segments/"), {"sort": sort}, HTTP_HX_REQUEST="true"
    ).content.decode()
    assert re.findall(r'title="(\w+)"', rows) == order


def test_segments_are_found_by_any_part_of_their_name(cast: Cast) -> None:
    made(cast, "Pros in Zürich")
    made(cast, "Free", ON_FREE)
    rows = cast.bob.client.get(
        cast.home.url("segments/"), {"q": "zÜR"}, HTTP_HX_REQUEST="true"
    ).content.decode()
    assert re.findall(r'title="([^"]+)"', rows) == ["Pros in Zürich"]


def test_a_project_without_segments_says_how_they_are_made(cast: Cast) -> None:
    text = words(see(cast.bob, cast))
    assert "No segments yet" in text
    assert "Make a segment" in text  # in the nav


# The page of one


def test_the_page_says_the_rule_and_who_made_it(cast: Cast) -> None:
    pros = made(cast, "Pros")
    both = made(
        cast,
        "Both",
        {"all": [{"segment": str(pros), "op": "is_in"}, ORDERED_TWICE]},
    )
    text = see(cast.bob, cast, f"{both}/")
    assert "Is in segment Pros and did Order at least twice" in words(text)
    assert f'href="{cast.home.url(f"segments/{pros}/")}"' in text
    assert "Made by Alice" in words(text)


def test_the_page_says_what_is_built_on_the_segment(cast: Cast) -> None:
    pros = made(cast, "Pros")
    made(cast, "Other", {"not": {"segment": str(pros), "op": "is_in"}})
    assert "Other Segment, built on this one" in words(see(cast.bob, cast, f"{pros}/"))


def test_the_page_names_the_campaigns_that_use_the_segment(cast: Cast) -> None:
    pros = made(cast, "Pros")
    with cast.connection.transaction():
        one = campaigns.create(
            cast.connection, cast.home.id, "Letter", {"audience": {"segment": str(pros)}},
            clock.now(),
        )  # fmt: skip
    page = see(cast.bob, cast, f"{pros}/")
    assert "Letter Campaign, a draft" in words(page)
    assert f'href="{cast.home.url(f"campaigns/{one}/")}"' in page
    assert "Delete Pros?" in page
    cast.connection.execute(
        "UPDATE campaign SET published = draft, state = 'running'"
        " WHERE project_id = %s AND id = %s",
        (cast.home.id, one),
    )
    assert "Letter Campaign, sending" in words(see(cast.bob, cast, f"{pros}/"))
    do(cast.bob, cast, f"{pros}/delete")
    assert "Built on Pros: Letter." in see(cast.bob, cast, f"{pros}/")
    assert set(saved(cast)) == {"Pros"}


def test_who_comes_and_goes_is_listed_with_what_brought_it_about(cast: Cast) -> None:
    regulars = made(cast, "Regulars", {"event": "Order", "op": "at_least", "count": 1})
    site(cast).send(
        identify("sam", "s", {"name": "Sam Roe"}), track("Order", "s", user="sam"), at=clock.now()
    )
    text = words(see(cast.bob, cast, f"{regulars}/moves"))
    assert "Sam Roe After Order Entered" in text
    assert "Nobody has left" in words(see(cast.bob, cast, f"{regulars}/moves", way="out"))


def test_older_moves_come_when_they_are_asked_for(cast: Cast) -> None:
    people = [cast.tracked(f"u{n}", name=f"Person {n}").id for n in range(32)]
    friends = picked(cast, "Friends", *people)
    first = see(cast.bob, cast, f"{friends}/moves")
    assert first.count("<li>") == 30
    before = re.search(r"before=([0-9a-f-]{36})", first)
    assert before
    older = see(cast.bob, cast, f"{friends}/moves", before=before[1])
    assert older.count("<li>") == 2
    assert "Show older" not in older


def test_while_it_is_filled_the_page_says_how_far_that_is(cast: Cast) -> None:
    _ = cast.pat
    with cast.connection.transaction():
        pros = actions.create(cast.connection, cast.home.id, "Pros", clock.now(), filter_=ON_PRO)
    assert "0 of 1" in words(see(cast.bob, cast, f"{pros}/progress"))
    assert 'hx-trigger="every 1s"' in see(cast.bob, cast, f"{pros}/")
    filling.fill_project(cast.connection, cast.home.id, clock.now())
    text = see(cast.bob, cast, f"{pros}/progress")
    assert "Everyone is counted: 1 person is in." in words(text)
    assert "every 1s" not in text


def test_the_lists_every_project_has_have_a_page_without_a_menu(cast: Cast) -> None:
    (active,) = cast.connection.execute(
        "SELECT id FROM segment WHERE project_id = %s AND builtin = 'active'", (cast.home.id,)
    ).fetchall()[0]
    text = see(cast.bob, cast, f"{active}/")
    assert "Every project has this list" in text
    assert "More about this segment" not in text
    assert do(cast.bob, cast, f"{active}/name", name="Mine").status_code == 403
    assert do(cast.bob, cast, f"{active}/delete").status_code == 403


def test_the_next_to_leave_by_time_is_named(cast: Cast) -> None:
    recent = made(cast, "Recent", {"field": "last_seen", "op": "within_last", "value": 7})
    site(cast).send(
        identify("sam", "s", {"name": "Sam Roe"}), page("s", "/", user="sam"), at=clock.now()
    )
    assert "Next to leave by time alone: Sam Roe" in words(see(cast.bob, cast, f"{recent}/"))


# Why


def test_why_somebody_is_in_is_said_with_their_own_values(cast: Cast) -> None:
    pat = cast.pat
    rule = {"all": [ON_PRO, {"field": "email", "op": "ends_with", "value": "@example.com"}]}
    pros = made(cast, "Pros", rule)
    text = words(see(cast.bob, cast, f"{pros}/why", q="Pat Doe"))
    assert "In, since" in text
    assert "Holds: plan is pro , theirs: pro" in text
    assert "pat@example.com" in text
    assert text == words(see(cast.bob, cast, f"{pros}/why", person=str(pat.id)))


def test_why_somebody_is_not_in_is_said_too(cast: Cast) -> None:
    cast.tracked("sam", name="Sam Roe")
    pros = made(cast, "Pros")
    text = words(see(cast.bob, cast, f"{pros}/why", q="Sam Roe"))
    assert "Not in" in text
    assert "Does not hold: plan is pro , theirs: not known" in text


def test_of_several_people_found_one_is_chosen(cast: Cast) -> None:
    first, second = (cast.tracked(f"u{n}", name=f"Kim {n}") for n in range(2))
    pros = made(cast, "Pros")
    text = see(cast.bob, cast, f"{pros}/why", q="Kim")
    assert f"why?person={first.id}" in text
    assert f"why?person={second.id}" in text
    assert "Nobody is called “Zoe”" in words(see(cast.bob, cast, f"{pros}/why", q="Zoe"))


def test_what_people_and_agents_call_things_stays_text(cast: Cast) -> None:
    cast.tracked("sam", name=EVIL, plan=EVIL)
    evil = made(cast, EVIL, {"field": "attributes.plan", "op": "is", "value": EVIL})
    picked(cast, f"{EVIL} 2", cast.pat.id)
    for rest in ("", f"{evil}/", f"{evil}/why?q=script", f"{evil}/moves", "rail"):
        answer = cast.bob.client.get(cast.home.url(f"segments/{rest}"))
        assert answer.status_code == 200
        assert EVIL not in answer.content.decode()


# What changes it


def test_a_segment_is_renamed(cast: Cast) -> None:
    pros = made(cast, "Pros")
    answer = do(cast.bob, cast, f"{pros}/name", htmx=True, name="  Paying   people ")
    assert answer["HX-Redirect"] == cast.home.url(f"segments/{pros}/")
    assert set(saved(cast)) == {"Paying people"}


def test_a_name_that_is_taken_is_refused_beside_the_field(cast: Cast) -> None:
    pros = made(cast, "Pros")
    made(cast, "Free", ON_FREE)
    answer = do(cast.bob, cast, f"{pros}/name", htmx=True, name="FREE")
    assert "There is a segment “FREE” already" in html.unescape(answer.content.decode())
    assert set(saved(cast)) == {"Free", "Pros"}


def test_a_changed_rule_counts_everybody_anew(cast: Cast) -> None:
    _ = cast.pat
    pros = made(cast, "Pros")
    do(cast.bob, cast, f"{pros}/rule", filter=json.dumps(ON_FREE))
    filling.fill_project(cast.connection, cast.home.id, clock.now())
    assert saved(cast)["Pros"].people == 0


@pytest.mark.parametrize("rule", ["", "{broken", '{"all":[]}', "[" * 5000, "x" * 200_001])
def test_a_rule_that_is_none_leaves_the_old_one(cast: Cast, rule: str) -> None:
    pros = made(cast, "Pros")
    assert do(cast.bob, cast, f"{pros}/rule", filter=rule).status_code == 302
    assert saved(cast)["Pros"].filter == ON_PRO


def test_what_is_wrong_with_a_rule_is_said_where_it_is_edited(cast: Cast) -> None:
    pros = made(cast, "Pros")
    round_about = json.dumps({"segment": str(pros), "op": "is_in"})
    answer = do(cast.bob, cast, f"{pros}/rule", htmx=True, filter=round_about)
    assert answer["HX-Reswap"] == "none"  # what was typed stays
    toast = json.loads(answer["HX-Trigger"])["toast"]
    assert toast["bad"]
    assert toast["text"] == "The segment “Pros” is made from itself. The rule stays as it was."


def test_those_who_may_export_find_it_in_the_menu(cast: Cast) -> None:
    pros = made(cast, "Pros")
    assert "Export CSV" in see(cast.alice, cast, f"{pros}/")
    assert "Export CSV" not in see(cast.bob, cast, f"{pros}/")


def test_a_copy_has_the_same_rule_and_a_name_of_its_own(cast: Cast) -> None:
    pros = made(cast, "Pros")
    answer = do(cast.bob, cast, f"{pros}/copy")
    copy = saved(cast)["Pros (copy)"]
    assert answer.url == cast.home.url(f"segments/{copy.id}/")
    assert (copy.filter, copy.created_by) == (ON_PRO, cast.bob.id)


def test_a_live_segment_is_frozen_into_a_list_of_who_is_in_it(cast: Cast) -> None:
    _ = cast.pat
    pros = made(cast, "Pros")
    do(cast.bob, cast, f"{pros}/freeze", htmx=True, name="Pros of today")
    work(cast)
    site(cast).send(identify("pat", "pat-browser", {"plan": "free"}), at=clock.now())
    assert {name: one.people for name, one in saved(cast).items()} == {
        "Pros": 0,
        "Pros of today": 1,
    }


def test_a_frozen_list_needs_a_name_that_is_free(cast: Cast) -> None:
    pros = made(cast, "Pros")
    answer = do(cast.bob, cast, f"{pros}/freeze", htmx=True, name="Pros")
    assert "already" in answer.content.decode()
    assert len(saved(cast)) == 1


def test_a_segment_is_deleted_and_its_people_stay(cast: Cast) -> None:
    pat = cast.pat
    pros = made(cast, "Pros")
    assert do(cast.bob, cast, f"{pros}/delete").url == cast.home.url("segments/")
    assert saved(cast) == {}
    assert cast.bob.client.get(cast.home.url(f"segments/{pros}/")).status_code == 404
    assert cast.bob.client.get(cast.home.url(f"people/{pat.id}/")).status_code == 200


def test_a_segment_that_others_are_built_on_is_not_deleted(cast: Cast) -> None:
    pros = made(cast, "Pros")
    made(cast, "Other", {"segment": str(pros), "op": "is_not_in"})
    assert "Pros can’t be deleted yet" in see(cast.bob, cast, f"{pros}/")
    do(cast.bob, cast, f"{pros}/delete")
    assert "Built on Pros: Other." in see(cast.bob, cast, f"{pros}/")
    assert set(saved(cast)) == {"Other", "Pros"}


# The rail


def test_the_nav_has_the_segments_by_name_with_their_numbers(cast: Cast) -> None:
    _ = cast.pat
    pros = made(cast, "Pros")
    made(cast, "Free", ON_FREE)
    assert words(see(cast.bob, cast, "rail")) == "Free 0 Pros 1 All segments"
    assert f'href="{cast.home.url(f"segments/{pros}/")}" aria-current="page"' in see(
        cast.bob, cast, "rail", current=str(pros)
    )


def test_of_many_segments_the_nav_has_the_first_and_the_one_that_is_shown(cast: Cast) -> None:
    several = [made(cast, f"Segment {n:02}") for n in range(32)]
    text = words(see(cast.bob, cast, f"{several[31]}/")).split("All segments")[0]
    assert "Segment 29" in text
    assert "Segment 30" not in text
    assert "Segment 31" in text


def test_the_numbers_in_the_nav_are_kept_true(cast: Cast) -> None:
    pros = made(cast, "Pros")
    url = cast.home.url("people/counts")
    assert cast.bob.client.get(url).json()[f"segment-{pros}"] == "0"
    _ = cast.pat
    assert cast.bob.client.get(url).json()[f"segment-{pros}"] == "1"


def test_numbers_are_asked_for_again_while_a_segment_is_filled(cast: Cast) -> None:
    _ = cast.pat
    do(cast.bob, cast, name="Pros", kind="live", listed=urlencode({"filter": json.dumps(ON_PRO)}))
    url = cast.home.url("people/counts")
    assert cast.bob.client.get(url).json()["counting"] == "1"
    filling.fill_project(cast.connection, cast.home.id, clock.now() + timedelta(seconds=1))
    assert cast.bob.client.get(url).json().get("counting") is None
