"""The People list: what it shows, in which order, and what it says when nobody is on it."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any
from unittest.mock import patch
from urllib.parse import quote
from uuid import uuid4

import pytest

from regulars.console import people as screen
from regulars.console import people_columns
from regulars.kit import clock
from regulars.people import facts
from regulars.people.person import Kind, Person
from tests.cast import Cast
from tests.slices.tracking.site import Site, changing, done, identify, page

DAY = timedelta(days=1)
HTMX = {"HX-Request": "true"}


def get(cast: Cast, rest: str = "", *, status: int = 200, part: bool = False) -> str:
    headers = HTMX if part else None
    answer = cast.alice.client.get(cast.home.url(f"people/{rest}"), headers=headers)
    assert answer.status_code == status
    return str(answer.content.decode())


def site(cast: Cast) -> Site:
    return Site(cast.connection, cast.home.config, cast.home.secret_key)


def add(cast: Cast, kind: Kind = "user", **said: Any) -> Person:
    """Somebody of whom this is known."""
    now = clock.now()
    changes = changing(site(cast), now)
    person = changes.new_person()
    person.kind = kind
    said.setdefault("signed_up_at", now - 300 * DAY)
    for name, value in said.items():
        if name == "attributes":
            for key, one in value.items():
                facts.set_custom(person, person.attributes, name, key, one, 1, lambda *_: None)
        elif name in ("last_seen", "browser_seen_at", "tags", "sessions", "page_path"):
            setattr(person, name, value)
        else:
            facts.put(person, name, value)
    done(changes)
    return person


def names(html: str) -> list[str]:
    """Who is listed, from the top."""
    return re.findall(r'class="who".*?<b>(.*?)</b>', html, re.DOTALL)


def headers(html: str) -> list[str]:
    """The columns' headers, as they read, behind the box that ticks all."""
    found = re.findall(r"<th [^>]*>(.*?)</th>", html, re.DOTALL)[1:]
    return [re.sub("<.*?>", "", text).strip() for text in found]


def count(html: str, live: str) -> str:
    found = re.search(f'data-live="{live}">(.*?)<', html)
    assert found
    return found[1]


# Who is listed


def test_users_leads_and_visitors_are_listed_apart(cast: Cast) -> None:
    add(cast, name="Ursula")
    add(cast, "lead", name="Leo")
    add(cast, "visitor", last_seen=clock.now())
    assert names(get(cast)) == ["Ursula"]
    assert names(get(cast, "?kind=lead")) == ["Leo"]
    assert names(get(cast, "?kind=visitor"))[0].startswith("Visitor ")


def test_the_tabs_say_how_many_are_on_each_list(cast: Cast) -> None:
    now = clock.now()
    add(cast, name="New", signed_up_at=now - DAY, last_seen=now)
    add(cast, name="Active", last_seen=now - 3 * DAY)
    add(cast, name="Gone", last_seen=now - 40 * DAY)
    shown = get(cast)
    assert [count(shown, name) for name in ("all", "new", "active", "slipping")] == list("3121")
    assert names(get(cast, "?list=new")) == ["New"]
    assert sorted(names(get(cast, "?list=active"))) == ["Active", "New"]
    assert names(get(cast, "?list=slipping")) == ["Gone"]


def test_new_shows_where_people_are_from_and_how_to_reach_them(cast: Cast) -> None:
    now = clock.now()
    add(cast, name="Ana", email="ana@example.com", phone="+46 1", signed_up_at=now, city="Lund",
        country="Sweden", country_code="SE", utm_source="newsletter")  # fmt: skip
    shown = get(cast, "?list=new")
    assert {"Location", "Phone", "Came from"} <= set(headers(shown))
    for fact in ("Lund", "ana@example.com", "+46 1", "newsletter", "se.svg"):
        assert fact in shown


def test_who_is_online_is_said_with_the_page_they_are_on(cast: Cast) -> None:
    site(cast).send(identify("u1", "b1", {"name": "Ana"}), page("b1", "/checkout"), at=clock.now())
    shown = get(cast)
    assert "Online now" in shown
    assert "/checkout" in shown
    assert 'id="online-count">1<' in shown
    assert "data-online-until" in shown


def test_a_name_and_an_email_lead_to_the_profile(cast: Cast) -> None:
    person = add(cast, name="Ana", email="ana@example.com")
    choose(cast, "email")
    shown = get(cast)
    link = f'href="{cast.home.url(f"people/{person.id}/")}'
    assert shown.count(link) == 2


def test_what_people_say_of_themselves_stays_text(cast: Cast) -> None:
    add(cast, name="<script>alert(1)</script>", email='"><img src=x>@example.com', tags=["<i>"],
        attributes={"plan": "<b>pro</b>"}, city="<u>Lund</u>")  # fmt: skip
    choose(cast, "plan", "tags", "location", "email")
    shown = get(cast)
    for sign in ("<script>alert", "<img src=x", "<i>", "<b>pro", "<u>Lund"):
        assert sign not in shown


# In which order


def test_a_list_is_sorted_by_its_headers_and_turned_round(cast: Cast) -> None:
    for name, sessions in (("Ben", 5), ("ana", 9), ("Cleo", 7)):
        add(cast, name=name, sessions=sessions)
    assert names(get(cast, "?sort=name")) == ["ana", "Ben", "Cleo"]
    assert names(get(cast, "?sort=-name")) == ["Cleo", "Ben", "ana"]
    shown = get(cast, "?sort=-sessions")
    assert names(shown) == ["ana", "Cleo", "Ben"]
    assert re.search(r'aria-sort="descending"><a [^>]*href="\?sort=sessions"', shown)


def test_new_is_sorted_by_the_time_of_sign_up(cast: Cast) -> None:
    now = clock.now()
    for name, days in (("Ben", 2), ("Ana", 1), ("Cleo", 3)):
        add(cast, name=name, signed_up_at=now - days * DAY)
    assert names(get(cast, "?list=new")) == ["Ana", "Ben", "Cleo"]


def test_very_long_lists_are_sorted_only_by_what_an_index_holds(cast: Cast) -> None:
    add(cast, name="Ana")
    assert "sort=browser" in get(cast)
    with patch.object(people_columns, "SORTED_WHOLE", 0):
        shown = get(cast)
    assert "sort=browser" not in shown
    assert "sort=name" in shown


@pytest.mark.parametrize("query", ["?sort=shoe_size", "?cursor=x", "?q=" + "x" * 201])
def test_an_address_that_names_no_list_is_a_bad_request(cast: Cast, query: str) -> None:
    get(cast, query, status=400)


@pytest.mark.parametrize("query", ["?kind=robot", "?list=nobody", "?kind=lead&list=new"])
def test_an_unknown_kind_or_list_is_the_default_one(cast: Cast, query: str) -> None:
    get(cast, query)


# Page after page


def test_rows_come_page_by_page_until_all_are_there(cast: Cast) -> None:
    for number in range(7):
        add(cast, name=f"Ana {number}")
    found: list[str] = []
    with patch.object(screen, "A_PAGE", 3):
        shown = get(cast, "?sort=name")
        while True:
            found += names(shown)
            more = re.search(r'hx-get="(\?[^"]*cursor=[^"]*)"', shown)
            if more is None:
                break
            shown = get(cast, more[1].replace("&amp;", "&"), part=True)
            assert "<html" not in shown
    assert found == [f"Ana {number}" for number in range(7)]


def test_without_a_script_the_next_page_is_a_page(cast: Cast) -> None:
    for number in range(3):
        add(cast, name=f"Ana {number}")
    with patch.object(screen, "A_PAGE", 2):
        more = re.search(r'href="(\?[^"]*cursor=[^"]*)"', get(cast, "?sort=name"))
        assert more
        shown = get(cast, more[1].replace("&amp;", "&"))
    assert "<html" in shown
    assert names(shown) == ["Ana 2"]


# The search box


def test_the_search_finds_any_part_and_says_how_many(cast: Cast) -> None:
    add(cast, name="Tomasz Wiśniewski", email="tw@baltyk.example")
    add(cast, name="Ana")
    shown = get(cast, "?q=iśn", part=True)
    assert names(shown) == ["Tomasz Wiśniewski"]
    assert "<b>1</b> user matches" in shown
    assert "<html" not in shown


def test_who_is_found_elsewhere_is_pointed_to(cast: Cast) -> None:
    add(cast, "lead", name="Leo")
    shown = get(cast, "?q=leo")
    assert "No users match “leo”" in shown
    assert "1 lead does." in shown
    assert 'href="?kind=lead&amp;q=leo"' in shown


def test_a_search_that_finds_nobody_can_be_cleared(cast: Cast) -> None:
    add(cast, name="Ana")
    shown = get(cast, "?list=active&q=zzz")
    assert "No users match “zzz”" in shown
    assert 'href="?list=active"' in shown


def test_what_is_searched_for_stays_text(cast: Cast) -> None:
    assert "<script>" not in get(cast, "?q=<script>").replace("<script src", "")


# When nobody is listed


def test_a_project_without_people_says_what_to_do(cast: Cast) -> None:
    shown = get(cast)
    assert "No one here yet" in shown
    assert f'href="{cast.home.url("settings/tracking/")}"' in shown


def test_an_empty_list_offers_only_what_the_agent_can_open(cast: Cast) -> None:
    shown = cast.bob.client.get(cast.home.url("people/")).content.decode()
    assert "No one here yet" in shown
    assert "settings/tracking/" not in shown


def test_only_the_first_projects_list_points_to_the_demo_shop(cast: Cast) -> None:
    with patch("regulars.workspaces.queries.is_first_project", return_value=True):
        assert 'href="/demo/"' in get(cast)
    with patch("regulars.workspaces.queries.is_first_project", return_value=False):
        assert 'href="/demo/"' not in get(cast)


def test_a_project_with_visitors_alone_says_how_they_get_a_name(cast: Cast) -> None:
    add(cast, "visitor", last_seen=clock.now())
    shown = get(cast)
    assert "Nobody has registered yet" in shown
    assert "1 visitor so far" in shown


@pytest.mark.parametrize(
    ("list_", "says"),
    [("?list=new", "Nobody signed up this week"), ("?list=active", "Nobody was seen"),
     ("?kind=lead", "No leads yet"), ("?kind=visitor", "No anonymous visitors")],
)  # fmt: skip
def test_an_empty_list_says_why(cast: Cast, list_: str, says: str) -> None:
    add(cast, last_seen=clock.now() - 40 * DAY)
    assert says in get(cast, list_)


def test_nobody_slipping_away_is_good_news(cast: Cast) -> None:
    add(cast, last_seen=clock.now())
    assert "Nobody is slipping away" in get(cast, "?list=slipping")


# Columns


def choose(cast: Cast, *columns: str, **more: str) -> str:
    answer = cast.alice.client.post(
        cast.home.url("people/columns"), {"columns": columns, **more}, headers=HTMX
    )
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_an_agent_chooses_columns_and_finds_them_again(cast: Cast) -> None:
    said = {"name": "Ana", "plan": "pro", "seats": 1200}
    site(cast).send(identify("u1", "b1", said), at=clock.now())
    shown = choose(cast, "attributes.plan", "attributes.seats", "last_seen")
    assert headers(shown) == ["Name", "Last seen", "plan", "seats"]
    assert "1,200" in shown
    assert headers(get(cast)) == headers(shown)


def test_each_agent_and_each_kind_of_people_has_columns_of_its_own(cast: Cast) -> None:
    add(cast, name="Ana")
    add(cast, "lead", name="Leo")
    choose(cast, "last_seen")
    assert headers(get(cast)) == ["Name", "Last seen"]
    assert len(headers(get(cast, "?kind=lead"))) > 2
    bob = cast.bob.client.get(cast.home.url("people/")).content.decode()
    assert len(headers(bob)) > 2


def test_columns_that_do_not_exist_are_left_out(cast: Cast) -> None:
    add(cast, name="Ana")
    assert headers(choose(cast, "shoe_size", "last_seen")) == ["Name", "Last seen"]


def test_the_choice_keeps_search_and_order(cast: Cast) -> None:
    for name in ("Ana", "Anabel", "Ben"):
        add(cast, name=name)
    assert names(choose(cast, "last_seen", sort="-name", q="an")) == ["Anabel", "Ana"]


# What a page asks for as things happen


def test_rows_are_given_as_they_are_now(cast: Cast) -> None:
    person = add(cast, name="Ana", email="ana@example.com")
    shown = get(cast, f"rows?ids={person.id}+{uuid4()}")
    assert names(shown) == ["Ana"]
    assert "<html" not in shown


def test_whoever_has_come_into_the_list_is_named(cast: Cast) -> None:
    user = add(cast, name="Ana")
    lead = add(cast, "lead", name="Leo")
    shown = get(cast, f"rows?others={user.id}+{lead.id}")
    assert f'data-fresh="{user.id}"' in shown


def test_only_who_stands_above_the_end_of_what_is_loaded_has_come_in(cast: Cast) -> None:
    people = [add(cast, name=f"Ana {number}") for number in range(4)]
    with patch.object(screen, "A_PAGE", 2):
        end = re.search(r'data-end="(.*?)"', get(cast, "?sort=name"))
    assert end
    asked = "+".join(str(person.id) for person in people)
    shown = get(cast, f"rows?sort=name&others={asked}&end={end[1]}")
    found = re.search(r'data-fresh="(.*?)"', shown)
    assert found
    assert set(found[1].split()) == {str(person.id) for person in people[:2]}


def test_whoever_left_the_list_is_told_apart_from_who_is_still_on_it(cast: Cast) -> None:
    stays, left = add(cast, name="Ana", browser="Firefox"), add(cast, name="Ben", browser="Safari")
    rule = quote(json.dumps({"field": "browser", "op": "is", "value": "Firefox"}))
    shown = get(cast, f"rows?filter={rule}&ids={stays.id}+{left.id}")
    assert names(shown) == ["Ana", "Ben"]
    assert f'data-gone="{left.id}"' in shown


@pytest.mark.parametrize("query", ["?ids=x", "?others=x", "?ids=" + "+".join(["0"] * 101)])
def test_what_are_no_ids_is_a_bad_request(cast: Cast, query: str) -> None:
    get(cast, f"rows{query}", status=400)


def test_another_projects_people_are_nobody(cast: Cast) -> None:
    assert cast.pat
    url = cast.elsewhere.url(f"people/rows?ids={cast.pat.id}&others={cast.pat.id}")
    shown = cast.charlie.client.get(url).content.decode()
    assert names(shown) == []
    assert 'data-fresh=""' in shown


def test_the_numbers_can_be_asked_for_alone(cast: Cast) -> None:
    site(cast).send(page("b1"), at=clock.now())
    assert json.loads(get(cast, "counts")) == {
        "user": "0", "lead": "0", "visitor": "1", "online": "1",
        "all": "0", "new": "0", "active": "0", "slipping": "0",
    }  # fmt: skip


# From one profile to the next


def test_a_profile_leads_on_through_the_list_it_was_opened_from(cast: Cast) -> None:
    people = [add(cast, name=name, last_seen=clock.now()) for name in ("Ana", "Ben", "Cleo")]
    first, second, third = (cast.home.url(f"people/{person.id}/") for person in people)
    shown = get(cast, f"{people[1].id}/?list=active&sort=name")
    address = "?list=active&amp;sort=name"
    assert f'href="{first}{address}" data-key="k"' in shown
    assert f'href="{third}{address}" data-key="j"' in shown
    assert f'href="{cast.home.url("people/")}{address}"' in shown
    shown = get(cast, f"{people[0].id}/?sort=name")
    assert f'href="{second}?sort=name" data-key="j"' in shown
    assert 'data-key="k"' not in shown


def test_a_profile_opened_by_itself_leads_through_all_of_its_kind(cast: Cast) -> None:
    lead = add(cast, "lead", name="Leo", last_seen=clock.now())
    other = add(cast, "lead", name="Lea", last_seen=clock.now() - DAY)
    shown = get(cast, f"{lead.id}/")
    assert f'href="{cast.home.url("people/")}?kind=lead"' in shown
    assert f'href="{cast.home.url(f"people/{other.id}/")}?kind=lead" data-key="j"' in shown


def test_an_address_that_names_no_list_still_shows_the_profile(cast: Cast) -> None:
    person = add(cast, name="Ana")
    assert "Ana" in get(cast, f"{person.id}/?sort=shoe_size")
