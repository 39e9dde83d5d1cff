"""The funnel's page and its settings: what they show, and what may be changed by whom."""

from __future__ import annotations

import html
import json
import re
from datetime import timedelta
from typing import Any

import pytest

from regulars.funnels import actions, kept, queries
from regulars.funnels.rows import Draft
from regulars.kit import clock
from regulars.segments import filling
from regulars.workspaces.models import AuditEntry
from tests.cast import Cast, Colleague, cast
from tests.slices.tracking.site import Site, identify, page

__all__ = ["cast"]

EVIL = "<script>alert(1)</script>"
ON_PRO = {"field": "attributes.plan", "op": "is", "value": "pro"}


def see(who: Colleague, cast: Cast, rest: str = "funnel/", **query: Any) -> str:
    """What a page says, unescaped."""
    answer = who.client.get(cast.home.url(rest), query)
    assert answer.status_code == 200
    return html.unescape(answer.content.decode())


def words(text: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


def add(cast: Cast, title: str = "Pro", rule: Any = ON_PRO) -> Any:
    given = {"title": title, "description": "They pay.", "filter": json.dumps(rule)}
    return cast.alice.client.post(cast.home.url("settings/funnel/new"), given)


def titles(cast: Cast) -> list[tuple[int, str]]:
    found = queries.checkpoints(cast.connection, cast.home.id)
    return [(one.number, one.title) for one in found]


@pytest.fixture
def users(cast: Cast) -> None:
    """Three users, two of them on the pro plan; one is not seen."""
    site = Site(cast.connection, cast.home.config, cast.home.secret_key)
    now = clock.now()
    site.send(identify("one", "a", {"plan": "pro"}), page("a"), at=now)
    site.send(identify("two", "b", {"plan": "free"}), page("b"), at=now)
    site.send(identify("three", traits={"plan": "pro"}), at=now, way="secret")


@pytest.mark.usefixtures("users")
def test_the_page_shows_how_many_got_how_far_and_leads_to_them(cast: Cast) -> None:
    shown = see(cast.bob, cast)
    counted = queries.checkpoints(cast.connection, cast.home.id)
    assert f"checkpoints: {counted[0].meeting} Signed up" in shown
    assert re.search(r"<svg[^>]+role=\"img\"[^>]+checkpoints", shown)
    (link, *_) = re.findall(r'href="([^"]*people/\?[^"]*)"', shown)
    listed = cast.bob.client.get(link)
    assert listed.status_code == 200
    assert b"one" in listed.content


@pytest.mark.usefixtures("users")
def test_it_is_split_by_an_attribute(cast: Cast) -> None:
    shown = words(see(cast.bob, cast, split="attributes.plan"))
    assert re.search(r"By part .* pro 2 1 ", shown)
    assert re.search(r" free 1 1 ", shown)


@pytest.mark.usefixtures("users")
def test_it_does_not_wait_for_many_to_be_counted(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "FEW", 0)
    waits = see(cast.bob, cast, split="attributes.plan", days="")
    assert "Counting everybody" in waits
    assert "By part" not in waits
    (again,) = re.findall(r'hx-get="([^"]+count)"', waits)
    assert again.endswith("funnel/?days=&split=attributes.plan&count")
    assert " pro 2 1 " in words(cast.bob.client.get(again).content.decode())
    assert "By part" in see(cast.bob, cast, split="attributes.plan", days="")
    assert "Counting everybody" in see(cast.bob, cast, days="28")


def test_an_odd_address_shows_a_funnel_and_says_what_is_wrong(cast: Cast) -> None:
    shown = see(cast.bob, cast, split="shoe", days="-1")
    assert "The funnel can't be split by that." in shown


@pytest.mark.usefixtures("users")
def test_weeks_and_channels_are_shown_behind_it(cast: Cast) -> None:
    assert "Seven days from" in words(see(cast.bob, cast, "funnel/weeks", place="9"))
    assert "None of these" in words(see(cast.bob, cast, "funnel/channels", step="x", days="99999"))


@pytest.mark.usefixtures("users")
def test_it_is_exported(cast: Cast) -> None:
    lines = see(cast.bob, cast, "funnel.csv").splitlines()
    assert lines[0].startswith("Checkpoint,Reached")
    assert lines[1].startswith("Signed up,")
    (link,) = re.findall(r'href="([^"]+funnel.csv[^"]*)"', see(cast.bob, cast, days=""))
    assert link.endswith("funnel.csv?days=")  # of all time, as the page is


def test_a_checkpoint_is_added_counted_and_changed(cast: Cast) -> None:
    assert add(cast, EVIL).status_code == 302
    assert titles(cast) == [(1, "Signed up"), (2, "Active"), (3, EVIL)]
    filling.fill_project(cast.connection, cast.home.id, clock.now())
    listed = cast.alice.client.get(cast.home.url("settings/funnel/")).content.decode()
    assert EVIL not in listed
    assert html.escape(EVIL) in listed
    url = cast.home.url("settings/funnel/3/")
    given = {"title": "Payers", "description": "", "filter": json.dumps(ON_PRO)}
    assert cast.alice.client.post(url, given).status_code == 302
    assert titles(cast)[2] == (3, "Payers")
    said = AuditEntry.objects.filter(project_id=cast.home.id, action="funnel.changed")
    assert said.count() == 2


def test_what_is_wrong_stands_on_the_form(cast: Cast) -> None:
    answer = add(cast, "Pro", {"checkpoint": 1, "op": "reached"})
    assert answer.status_code == 422
    answer = add(cast, "", ON_PRO)
    assert b"Give the checkpoint a title." in answer.content
    answer = cast.alice.client.post(
        cast.home.url("settings/funnel/new"), {"title": "X", "filter": ""}
    )
    assert b"add a condition" in answer.content
    answer = cast.alice.client.post(
        cast.home.url("settings/funnel/new"), {"title": "X", "filter": "{"}
    )
    assert answer.status_code == 422
    assert len(titles(cast)) == 2


def test_they_are_moved_and_deleted_down_to_two(cast: Cast) -> None:
    add(cast)
    move = cast.home.url("settings/funnel/3/move")
    cast.alice.client.post(move, {"way": "up"})
    assert titles(cast) == [(1, "Signed up"), (3, "Pro"), (2, "Active")]
    cast.alice.client.post(cast.home.url("settings/funnel/2/delete"))
    assert titles(cast) == [(1, "Signed up"), (3, "Pro")]
    answer = cast.alice.client.post(cast.home.url("settings/funnel/3/delete"), follow=True)
    assert b"2 to 5" in answer.content
    assert len(titles(cast)) == 2


def test_an_agent_sees_the_funnel_and_changes_nothing(cast: Cast) -> None:
    assert "settings/funnel" not in see(cast.bob, cast).split("<main", 1)[1]
    for rest in ("settings/funnel/", "settings/funnel/new", "settings/funnel/2/"):
        assert cast.bob.client.get(cast.home.url(rest)).status_code == 403
    answer = cast.bob.client.post(cast.home.url("settings/funnel/2/delete"))
    assert answer.status_code == 403


def test_the_filter_panel_offers_checkpoints_but_not_for_one(cast: Cast) -> None:
    url = cast.home.url("filters/catalog")
    offered = cast.bob.client.get(url).json()["checkpoints"]
    assert offered == [{"number": 1, "name": "Signed up"}, {"number": 2, "name": "Active"}]
    assert cast.bob.client.get(url, {"of": "checkpoint"}).json()["checkpoints"] == []


@pytest.mark.usefixtures("users")
def test_a_profile_tells_how_far_somebody_is_and_since_when(cast: Cast) -> None:
    site = Site(cast.connection, cast.home.config, cast.home.secret_key)
    person = site.person_of(user="one")
    assert person is not None
    shown = words(see(cast.bob, cast, f"people/{person.id}/"))
    assert re.search(r"Checkpoints 2 of 2 Signed up .* Active .* day 1", shown)
    assert "Reached the checkpoint Active" in shown


@pytest.mark.usefixtures("users")
def test_a_list_may_have_a_column_of_the_last_checkpoint(cast: Cast) -> None:
    answer = cast.bob.client.post(
        cast.home.url("people/columns"), {"kind": "user", "columns": ["checkpoint"]}
    )
    assert answer.status_code in (200, 204, 302)
    assert 'title="Active">Active<' in see(cast.bob, cast, "people/")


@pytest.mark.usefixtures("users")
def test_a_bar_over_everybody_leads_to_as_many_people_of_every_kind(cast: Cast) -> None:
    site = Site(cast.connection, cast.home.config, cast.home.secret_key)
    site.send(page("c"), at=clock.now())
    _let_begin(cast, ["visitor", "lead", "user"])
    shown = see(cast.bob, cast, days="")
    (link, *_) = re.findall(r'href="([^"]*people/\?[^"]*)"', shown)
    listed = html.unescape(cast.bob.client.get(link).content.decode())
    assert re.search(r"checkpoints: (\d+) Came", shown).group(1) == "4"  # type: ignore[union-attr]
    assert re.search(r"\b4 people match", words(cast.bob.client.get(
        link.replace("people/?", "people/count?")).content.decode()))  # fmt: skip
    assert "Everybody" in listed


@pytest.mark.usefixtures("users")
def test_channels_and_weeks_are_narrowed_to_a_part(cast: Cast) -> None:
    _old_users(cast)
    part = {"split": "attributes.plan", "part": "is:pro"}
    shown = see(cast.bob, cast, **part)
    asked = r"\?step=1&place=2&split=attributes.plan&part=is%3Apro"
    for rest in ("weeks", "channels"):
        assert re.search(f"funnel/{rest}{asked}", shown)
    weeks = words(see(cast.bob, cast, "funnel/weeks", **part))
    assert "pro alone" in weeks
    assert _people_of(weeks) == 2
    assert _people_of(words(see(cast.bob, cast, "funnel/weeks"))) == 3
    alone = words(see(cast.bob, cast, "funnel/channels", **part))
    assert "pro alone" in alone
    assert re.search(r"None of these 1 ", alone)
    assert re.search(r"None of these 2 ", words(see(cast.bob, cast, "funnel/channels")))


@pytest.mark.usefixtures("users")
def test_a_part_of_another_split_is_left_aside(cast: Cast) -> None:
    shown = see(cast.bob, cast, split="country", part="is:pro")
    assert "part=" not in shown
    assert "alone" not in see(cast.bob, cast, "funnel/weeks", split="shoe", part="is:pro")
    assert "alone" not in see(cast.bob, cast, "funnel/channels", split="country", part="in")


def _let_begin(cast: Cast, kinds: list[str]) -> None:
    """Let the funnel begin with everybody of these kinds."""
    drafts = actions.drafts_of(cast.connection, cast.home.id)
    rule = {"field": "kind", "op": "is_any_of", "value": kinds}
    with cast.connection.transaction():
        drafts[0] = Draft("Came", "", rule, drafts[0].number)
        actions.put(cast.connection, cast.home.id, drafts, clock.now())
    filling.fill_project(cast.connection, cast.home.id, clock.now())


def _old_users(cast: Cast) -> None:
    """Two more who signed up three weeks ago and were not seen since: one of them on pro."""
    site = Site(cast.connection, cast.home.config, cast.home.secret_key)
    now = clock.now()
    began = (now - timedelta(days=20)).isoformat()
    for user, plan in (("four", "pro"), ("five", "free")):
        site.send(identify(user, traits={"plan": plan, "createdAt": began}), at=now, way="secret")


def _people_of(weeks: str) -> int:
    """Those of the last week of the table."""
    return int(re.findall(r"(\d+)(?: [–\d]+%?)* ?$", weeks.strip())[0])
