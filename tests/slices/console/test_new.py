"""The New menu: what it offers, the person picker, and adding a user or a lead."""

from __future__ import annotations

import re
from typing import Any

import pytest

from regulars.people import store
from tests.cast import Cast

HTMX = {"HX-Request": "true"}
EVIL = "\"><script>alert('x')</script>"


def test_every_page_offers_what_can_be_begun(cast: Cast) -> None:
    shown = get(cast, "people/")
    menu = shown[shown.index('id="new-menu"') :].partition("</div>")[0]
    offered = ["Email", "Conversation", "Note", "Ticket", "User", "Lead", "Import",
               "Segment", "Campaign"]  # fmt: skip
    assert re.findall(r"</svg>(\w+)", menu) == offered
    assert 'data-key="n"' in menu


def test_on_a_profile_it_is_about_them(cast: Cast) -> None:
    address = cast.home.url(f"new/note?person={cast.pat.id}")
    assert f'href="{address}" data-dialog data-key="n"' in get(cast, f"people/{cast.pat.id}/")
    assert "Pat Doe" in get(cast, f"new/note?person={cast.pat.id}")


def test_a_stranger_or_nonsense_preselects_nobody(cast: Cast) -> None:
    theirs = cast.charlie.client.get(cast.elsewhere.url(f"new/note?person={cast.pat.id}"))
    assert "Pat" not in theirs.content.decode()
    assert 'name="person" value=""' in get(cast, "new/note?person=%00%27")


def test_whoever_was_here_last_is_offered_before_anything_is_typed(cast: Cast) -> None:
    assert cast.pat
    cast.tracked("sam", name="Sam Lee")
    shown = get(cast, "people/pick", **HTMX)
    assert shown.index("Sam Lee") < shown.index("Pat Doe")
    assert "Here now" in shown


@pytest.mark.parametrize("query", ["pat d", "PAT@EXAM", "pat"])
def test_any_part_of_a_name_email_or_user_id_finds_somebody(cast: Cast, query: str) -> None:
    assert cast.pat
    cast.tracked("sam", name="Sam Lee")
    shown = get(cast, f"people/pick?q={query}", **HTMX)
    assert f'data-person="{cast.pat.id}" data-short="Pat"' in shown
    assert "Sam" not in shown
    assert "<mark>" in shown


def test_an_address_that_nobody_has_can_become_a_lead(cast: Cast) -> None:
    assert cast.pat
    assert 'data-email="lee@example.com"' in get(cast, "people/pick?q=lee@example.com", **HTMX)
    assert "data-email" not in get(cast, "people/pick?q=PAT@example.com", **HTMX)
    assert "data-email" not in get(cast, "people/pick?q=lee", **HTMX)


def test_hostile_names_and_queries_stay_text(cast: Cast) -> None:
    cast.tracked("evil", name=EVIL)
    for query in ("", "script", EVIL, "%00", "<mark>", "\\", "%25_"):
        shown = cast.alice.client.get(cast.home.url("people/pick"), {"q": query}, headers=HTMX)
        assert shown.status_code == 200
        assert "<script" not in shown.content.decode()


def test_the_picker_stops_at_the_project_s_edge(cast: Cast) -> None:
    assert cast.pat
    answer = cast.charlie.client.get(cast.elsewhere.url("people/pick"), {"q": "pat"})
    assert "Pat Doe" not in answer.content.decode()


def test_a_lead_is_added_by_an_address(cast: Cast) -> None:
    answer = post(cast, "new/lead", name="Lee Doe", email="lee@example.com")
    (lead,) = found(cast, "lee@example.com")
    assert (lead.kind, lead.name, lead.user_id) == ("lead", "Lee Doe", None)
    assert answer["HX-Redirect"] == cast.home.url(f"people/{lead.id}/")
    log = get(cast, "settings/audit/")
    assert "Made a person" in log


def test_a_user_is_added_by_the_products_id(cast: Cast) -> None:
    post(cast, "new/user", user_id="u-77", email="sam@example.com")
    (user,) = found(cast, "sam@example.com")
    assert (user.kind, user.user_id) == ("user", "u-77")
    assert user.signed_up_at is not None


@pytest.mark.parametrize(
    ("kind", "fields", "field", "said"),
    [
        ("lead", {"name": "Lee"}, "email", "The email can&#x27;t be empty."),
        ("lead", {"email": "nonsense"}, "email", "That is not an email address."),
        ("user", {"email": "sam@example.com"}, "user_id", "A user has the id"),
        ("user", {"user_id": "u1", "email": "@"}, "email", "That is not an email address."),
        ("lead", {"email": "pat@example.com"}, "email", "Somebody goes by that already."),
        ("user", {"user_id": "pat"}, "user_id", "Somebody goes by that already."),
    ],
)
def test_what_is_wrong_is_said_beside_its_field_and_nobody_is_changed(
    cast: Cast, kind: str, fields: dict[str, str], field: str, said: str
) -> None:
    before = cast.pat
    shown = post(cast, f"new/{kind}", **{"name": "Taken Over", **fields}).content.decode()
    error = re.search(rf'id="id_{field}_error">.*?</span>', shown, re.DOTALL)
    assert error is not None
    assert said in error[0]
    assert 'value="Taken Over"' in shown or "name" in fields
    now = store.read(cast.connection, cast.home.id, [before.id])[before.id]
    assert now.name == "Pat Doe"
    assert cast.connection.execute(
        "SELECT count(*) FROM person WHERE project_id = %s", (cast.home.id,)
    ).fetchone() == (1,)


def test_whoever_is_here_already_can_be_looked_at(cast: Cast) -> None:
    url = cast.home.url(f"people/{cast.pat.id}/")
    shown = post(cast, "new/user", user_id="pat", name="Taken Over").content.decode()
    assert (
        f'It is <b>Pat Doe</b>. Nothing was changed.</span><a class="btn s" href="{url}"' in shown
    )


def test_a_user_takes_the_lead_of_the_same_address_along(cast: Cast) -> None:
    post(cast, "new/lead", email="sam@example.com", name="Sam")
    post(cast, "new/user", user_id="u-77", email="sam@example.com")
    (user,) = found(cast, "sam@example.com")
    assert (user.kind, user.name) == ("user", "Sam")


def test_without_a_script_the_forms_are_pages(cast: Cast) -> None:
    for kind in ("user", "lead"):
        assert f'<h2 id="new-person-title">New {kind}</h2>' in get(cast, f"new/{kind}")
    wrong = cast.alice.client.post(cast.home.url("new/lead"), {"email": "x"})
    assert wrong.status_code == 422
    made = cast.alice.client.post(cast.home.url("new/lead"), {"email": "lee@example.com"})
    assert made.status_code == 302


def found(cast: Cast, email: str) -> list[Any]:
    rows = cast.connection.execute(
        "SELECT id FROM person WHERE project_id = %s AND email_folded = %s", (cast.home.id, email)
    ).fetchall()
    return list(store.read(cast.connection, cast.home.id, [row[0] for row in rows]).values())


def get(cast: Cast, rest: str, **headers: str) -> str:
    answer = cast.alice.client.get(cast.home.url(rest), headers=headers)
    assert answer.status_code == 200
    return str(answer.content.decode())


def post(cast: Cast, rest: str, **fields: Any) -> Any:
    answer = cast.alice.client.post(cast.home.url(rest), fields, headers=HTMX)
    assert answer.status_code == 200
    return answer
