"""Templates over REST: made, listed, read, changed, deleted; what is wrong names its field."""

from __future__ import annotations

from typing import Any

import pytest

from tests.slices.public.served import Api
from tests.slices.public.test_rest_people import error

LETTER = {"name": "House letter", "subject": "Hi {{ person.first_name }}", "body": "Hello\nyou"}
HTML = "<p>Hi {{ person.first_name }}</p>"


def _made(api: Api, **given: Any) -> dict[str, Any]:
    answer = api.post("/templates", {**LETTER, **given})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def test_a_template_is_made_of_text(api: Api) -> None:
    made = _made(api)
    assert (made["name"], made["format"], made["layout"]) == ("House letter", "blocks", "plain")
    assert made["blocks"][0]["html"] == "<p>Hello<br>you</p>"
    assert api.get(f"/templates/{made['id']}").json() == made


def test_a_body_with_tags_is_html(api: Api) -> None:
    made = _made(api, body=HTML)
    assert (made["format"], made["html"]) == ("html", HTML)


def test_a_template_is_made_of_blocks_and_changed_in_part(api: Api) -> None:
    blocks = [{"type": "heading", "text": "One"}, {"type": "footer"}]
    given = {"name": "B", "subject": "S", "blocks": blocks}
    made = api.post("/templates", given).json()
    changed = api.patch(f"/templates/{made['id']}", {"subject": "T"}).json()
    assert (changed["subject"], changed["version"]) == ("T", 2)
    assert changed["blocks"] == made["blocks"]
    own = api.patch(f"/templates/{made['id']}", {"html": HTML, "text": "Own"}).json()
    assert (own["format"], own["html"], own["text"]) == ("html", HTML, "Own")


def test_they_are_listed_in_parts(api: Api) -> None:
    ids = [_made(api, name=f"T{n}")["id"] for n in range(3)]
    first = api.get("/templates?limit=2").json()
    rest = api.get(f"/templates?cursor={first['next']}").json()
    assert [one["id"] for one in (*first["items"], *rest["items"])] == ids[::-1]
    assert rest["next"] is None


def test_a_deleted_one_is_gone(api: Api) -> None:
    id_ = _made(api)["id"]
    assert api.delete(f"/templates/{id_}").status_code == 204
    assert api.get(f"/templates/{id_}").status_code == 404
    assert api.delete(f"/templates/{id_}").status_code == 404


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": None}, "name"),
        ({"body": None}, "blocks"),
        ({"html": "<p>x</p>"}, "body"),
        ({"body": None, "html": "<p {{ person.name }}>"}, "html"),
        ({"body": None, "blocks": [{"type": "button", "href": "javascript:x"}]}, "blocks.0.href"),
        ({"subject": "{% if %}"}, "subject"),
        ({"nope": 1}, "nope"),
        ({"layout": "fancy"}, "layout"),
    ],
)
def test_what_is_wrong_names_its_field(api: Api, given: dict[str, Any], field: str) -> None:
    answer = api.post("/templates", {**LETTER, **given})
    assert error(answer) == (400, "invalid", field)
    assert api.get("/templates").json()["items"] == []
