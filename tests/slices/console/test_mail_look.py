"""The colour and the logo of a project's mails: chosen, seen at once, and in every mail."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from regulars.people import letterhead
from regulars.workspaces.models import Project
from tests.cast import Cast, Colleague, Workspace


def uploaded(who: Colleague, home: Workspace) -> str:
    """A logo's path."""
    out = io.BytesIO()
    Image.new("RGBA", (280, 80), (180, 71, 47, 0)).save(out, "PNG")
    file = SimpleUploadedFile("logo.png", out.getvalue(), "image/png")
    answer = who.client.post(home.url("mail/pictures"), {"file": file})
    assert answer.status_code == 201, answer.content
    return str(answer.json()["src"])


def choose(cast: Cast, **given: Any) -> Any:
    said = {"mail_color": "", "mail_logo": "", "mail_logo_width": "140"} | given
    return cast.alice.client.post(cast.home.url("settings/look/"), said)


def test_a_colour_and_a_logo_are_in_every_mail(cast: Cast) -> None:
    logo = uploaded(cast.alice, cast.home)
    answer = choose(cast, mail_color="#B4472F", mail_logo=logo, mail_logo_width="180")
    assert answer.status_code == 302
    look = letterhead.look_of(cast.connection, cast.home.id)
    assert (look.ink, look.logo_url, look.logo_width) == ("#b4472f", logo, 180)
    shown = cast.bob.client.post(
        cast.home.url("mail/preview"),
        {"content": '{"blocks": [{"type": "button", "label": "Go", "href": "https://a.example"}]}'},
    ).content.decode()
    assert f'src="{logo}"' in shown
    assert 'alt="Tideway Coffee"' in shown
    assert "#b4472f" in shown


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"mail_color": "red"}, "mail_color"),
        ({"mail_color": "#12345g"}, "mail_color"),
        ({"mail_logo": "https://elsewhere.example/logo.png"}, "mail_logo"),
        ({"mail_logo": "/media/../../etc/passwd"}, "mail_logo"),
        ({"mail_logo_width": "4000"}, "mail_logo_width"),
    ],
)
def test_what_is_no_look_is_refused_beside_its_field(
    cast: Cast, given: dict[str, str], field: str
) -> None:
    answer = choose(cast, **given)
    assert answer.status_code == 422
    assert 'class="error"' in answer.content.decode()
    assert getattr(Project.objects.get(id=cast.home.id), field) in ("", 140)


def test_another_project_s_picture_is_nobody_s_logo(cast: Cast) -> None:
    theirs = uploaded(cast.charlie, cast.elsewhere)
    assert choose(cast, mail_logo=theirs).status_code == 422
    assert Project.objects.get(id=cast.home.id).mail_logo == ""


def test_the_preview_shows_what_is_not_saved_yet_and_does_nothing(cast: Cast) -> None:
    answer = cast.alice.client.post(
        cast.home.url("settings/look/preview"), {"mail_color": "#ffee00", "theme": "night"}
    )
    html = answer.content.decode()
    assert "#ffee00" in html
    assert "sandbox" in answer["Content-Security-Policy"]
    # Yellow letters can't be read on paper: links and the name are the same hue, darker.
    assert "color:#ffee00;" not in html.replace(" ", "").replace("background-color:#ffee00;", "")
    assert Project.objects.get(id=cast.home.id).mail_color == ""


def test_only_who_manages_the_project_changes_it(cast: Cast) -> None:
    assert cast.bob.client.get(cast.home.url("settings/look/")).status_code == 403
