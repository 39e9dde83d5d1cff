"""Templates in the console: begun, written, checked, previewed, deleted; nothing in one can run."""

from __future__ import annotations

import io
import json
import re
from typing import Any
from uuid import UUID

import pytest
from PIL import Image

from regulars.mail import templates
from regulars.mail.ready_made import READY_MADE
from tests.cast import Cast

EVIL = "<script>alert(1)</script>"
HOSTILE = [
    "{% for i in (1..99999999999) %}x{% endfor %}",
    "{% assign a = 'x' %}{% for i in (1..60) %}{% assign a = a | append: a %}{% endfor %}",
    "{{ person.__class__.__mro__ }}",
]


def _post(cast: Cast, path: str, **given: Any) -> Any:
    return cast.alice.client.post(cast.home.url(path), given)


def _begun(cast: Cast, begin: str = "blank") -> UUID:
    answer = _post(cast, "templates/new", **{"from": begin})
    assert answer.status_code == 302, answer.content
    found = re.search(r"templates/([0-9a-f-]{36})/", answer["Location"])
    assert found is not None
    return UUID(found[1])


def _content(*html: str, **rest: Any) -> str:
    blocks = [{"type": "text", "id": f"b{n}", "html": one} for n, one in enumerate(html)]
    return json.dumps({"subject": "Hi {{ person.first_name }}", "blocks": blocks, **rest})


def _kept(cast: Cast, id_: UUID) -> templates.Template:
    return templates.get(cast.connection, cast.home.id, id_)


@pytest.mark.parametrize("key", READY_MADE)
def test_a_ready_made_one_becomes_the_projects_own(cast: Cast, key: str) -> None:
    kept = _kept(cast, _begun(cast, key))
    assert (kept.name, kept.made_from) == (READY_MADE[key].name, key)
    assert kept.created_by == cast.alice.id


def test_the_gallery_shows_them_and_finds_them(cast: Cast) -> None:
    _begun(cast, "welcome")
    _begun(cast)
    page = cast.bob.client.get(cast.home.url("templates/"))
    assert "Untitled template" in page.text
    found = cast.bob.client.get(cast.home.url("templates/?q=untitled")).text
    assert found.count('class="btn s icon-only tpl-more"') == 1
    assert "Nothing is called" in cast.bob.client.get(cast.home.url("templates/?q=zz")).text


def test_an_email_is_begun_with_one(cast: Cast) -> None:
    cast.connection.execute(
        "UPDATE project SET from_email = 'us@example.com' WHERE id = %s", (cast.home.id,)
    )
    id_ = _begun(cast, "welcome")
    page = cast.alice.client.get(cast.home.url(f"emails/new?template={id_}")).text
    assert f'name="template" value="{id_}"' in page
    assert (
        'name="template"' not in cast.alice.client.get(cast.home.url("emails/new?template=x")).text
    )
    begun = _post(cast, "emails/begin", person=str(cast.pat.id), template=str(id_))
    assert begun.status_code == 302, begun.content
    found = cast.connection.execute(
        "SELECT content->>'subject' FROM email WHERE project_id = %s", (cast.home.id,)
    ).fetchone()
    assert found is not None
    assert found[0].startswith("Welcome to")


def test_a_copy_is_one_of_its_own(cast: Cast) -> None:
    first = _begun(cast, "welcome")
    copy = _kept(cast, _begun(cast, str(first)))
    assert copy.name == "Welcome (copy)"
    assert copy.content == _kept(cast, first).content


def test_what_is_written_is_kept_once(cast: Cast) -> None:
    id_ = _begun(cast)
    given = {"name": "House letter", "content": _content("<p>Hi</p>"), "version": "1"}
    assert _post(cast, f"templates/{id_}/save", **given).json()["version"] == 2
    late = _post(cast, f"templates/{id_}/save", **{**given, "name": "Late"})
    assert late.status_code == 409
    assert late.json()["version"] == 2
    assert _kept(cast, id_).name == "House letter"


@pytest.mark.parametrize("content", ["", "[]", "{", "[" * 100_000, '{"blocks": [{}]}', "null"])
def test_what_is_no_content_is_refused_and_keeps_what_there_was(cast: Cast, content: str) -> None:
    id_ = _begun(cast)
    before = _kept(cast, id_)
    assert _post(cast, f"templates/{id_}/save", content=content).status_code == 422
    assert _kept(cast, id_) == before


def test_a_deleted_one_comes_back(cast: Cast) -> None:
    id_ = _begun(cast)
    assert "is deleted" in _post(cast, f"templates/{id_}/delete").text
    assert cast.alice.client.get(cast.home.url(f"templates/{id_}/")).status_code == 404
    _post(cast, f"templates/{id_}/restore")
    assert _kept(cast, id_).name == "Untitled template"


def test_the_preview_is_for_the_person_who_was_chosen_and_can_do_nothing(cast: Cast) -> None:
    someone = cast.tracked("evil", name=EVIL, email="evil@example.com")
    content = _content("<p>Hi {{ person.name }}{{ person.plan | default: 'none' }}</p>")
    for person, said in ((cast.pat, "Hi Pat Doe"), (someone, "Hi &lt;script&gt;")):
        answer = _post(cast, "mail/preview", content=content, person=str(person.id))
        assert said in answer.text
        assert EVIL not in answer.text
        policy = answer["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "sandbox" in policy
        assert "script-src" not in policy
        assert answer["X-Frame-Options"] == "SAMEORIGIN"
    nobody = _post(cast, "mail/preview", content=content, person="nobody")
    assert "Hi none" in nobody.text


def test_the_preview_has_pictures_and_night_as_asked(cast: Cast) -> None:
    content = _content("<p>Hi</p>")
    dark = _post(cast, "mail/preview", content=content, theme="night", pictures="off")
    assert "prefers-color-scheme" not in dark.text
    assert "color-scheme: dark" in dark.text
    assert "img-src 'none'" in dark["Content-Security-Policy"]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_hostile_template_ends_with_a_word_that_helps(cast: Cast, hostile: str) -> None:
    content = _content("<p>fine</p>", f"<p>{hostile}</p>")
    shown = _post(cast, "mail/preview", content=content, person="nobody")
    assert "This can’t be shown." in shown.text
    assert "Line 1" in shown.text
    found = _post(cast, "mail/check", content=content, person="nobody").json()["findings"]
    (wrong,) = [one for one in found if one["level"] == "error" and one["code"] != "no_address"]
    assert wrong["where"] == "blocks.1.html"


def test_the_check_says_how_it_reads(cast: Cast) -> None:
    content = _content("<p>{{ person.attributes.plan | default: 'x' }} {{ person.nope }}</p>")
    said = _post(cast, "mail/check", content=content, person=str(cast.pat.id)).json()
    assert said["subject"] == "Hi Pat"
    assert "pro" in said["text"]
    assert said["values"]["person.attributes.plan"] == "pro"
    assert {one["code"] for one in said["findings"]} >= {"unknown_tag", "no_unsubscribe", "size"}
    assert {"name": "attributes.plan", "fallback": "x"} in said["tags"]


def test_a_picture_is_kept_and_shown_again(cast: Cast) -> None:
    out = io.BytesIO()
    Image.new("RGB", (30, 20), "red").save(out, "PNG")
    out.seek(0)
    out.name = "cup.png"
    kept = _post(cast, "mail/pictures", file=out)
    assert kept.status_code == 201, kept.content
    listed = cast.bob.client.get(cast.home.url("mail/pictures")).json()["items"]
    assert [one["src"] for one in listed] == [kept.json()["src"]]
    bad = io.BytesIO(EVIL.encode())
    bad.name = "cup.svg"
    refused = _post(cast, "mail/pictures", file=bad)
    assert (refused.status_code, refused.json()["field"]) == (422, "file")
    theirs = cast.charlie.client.get(cast.elsewhere.url("mail/pictures"))
    assert theirs.json()["items"] == []


def test_a_test_is_sent_from_the_editor_as_whoever_is_previewed(cast: Cast) -> None:
    id_ = _begun(cast, "welcome")
    said = {"content": _content("<p>Hello</p>"), "person": str(cast.pat.id)}
    assert _post(cast, f"templates/{id_}/test", **said).status_code == 204
    refused = _post(cast, f"templates/{id_}/test", **said, test_to="nobody")
    assert refused.status_code != 204
    rows = cast.connection.execute(
        "SELECT to_address, subject FROM outgoing_mail WHERE project_id = %s", (cast.home.id,)
    ).fetchall()
    assert rows == [(cast.alice.email, "Hi Pat")]


def test_a_card_says_how_often_it_was_used_and_how_many_opened(cast: Cast) -> None:
    id_ = _begun(cast, "welcome")
    gallery = cast.home.url("templates/")
    assert "Used" not in cast.bob.client.get(gallery).text
    _post(cast, "emails/begin", person=str(cast.pat.id), template=str(id_))
    assert "Used" not in cast.bob.client.get(gallery).text  # a draft is no use yet
    home = (cast.home.id,)
    cast.connection.execute("UPDATE email SET accepted_at = now() WHERE project_id = %s", home)
    cast.connection.execute(
        "UPDATE email_count SET sent = 4, opened = 1 WHERE project_id = %s", home
    )
    assert "Used once · 25% opened" in cast.bob.client.get(gallery).text


def test_a_ready_made_one_fills_a_draft_too(cast: Cast) -> None:
    begun = _post(cast, "emails/begin", person=str(cast.pat.id))
    assert "To begin with" in cast.alice.client.get(begun["Location"]).text
    chosen = cast.alice.client.post(f"{begun['Location']}template", {"template": "notice"})
    assert chosen.status_code == 302
    assert READY_MADE["notice"].content.subject in cast.alice.client.get(begun["Location"]).text


def test_an_address_where_forms_are_sent_says_so_when_it_is_opened(cast: Cast) -> None:
    answer = cast.alice.client.get(cast.home.url("templates/new"))
    assert (answer.status_code, answer["Allow"]) == (405, "POST")
    assert "This is not a page to open" in answer.content.decode()
