"""Pictures that no mail shows are let go of; those that mailboxes may ask for stay."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from PIL import Image

from regulars.campaigns import emails
from regulars.config import wiring
from regulars.kit.storage import GoneError
from regulars.mail import images, picture_upkeep, templates
from regulars.mail.content.content import Content
from regulars.mail.images import Kept
from regulars.mail.letters import Mailbox
from regulars.mail.picture_upkeep import GRACE
from regulars.people import letterhead
from tests.cast import Cast

NOW = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
LATER = NOW + GRACE + timedelta(days=1)


@pytest.fixture(autouse=True)
def _wired() -> None:
    wiring.wire()


def upload(cast: Cast, shade: int = 1) -> Kept:
    out = io.BytesIO()
    Image.new("RGB", (8, 8), (shade, 2, 3)).save(out, "PNG")
    with cast.connection.transaction():
        return images.take(cast.connection, cast.home.id, "beans.png", out.getvalue(), NOW)


def tidy(cast: Cast, at: datetime = LATER) -> int:
    return picture_upkeep.tidy_project(cast.connection, cast.home.id, at)


def there(cast: Cast, picture: Kept) -> bool:
    """Whether it is there, row and file alike."""
    row = images.find(cast.connection, cast.home.id, picture.id) is not None
    try:
        picture.content()
    except GoneError:
        assert not row
        return False
    return row


def shows(picture: Kept) -> Content:
    block = {"type": "image", "id": "i", "src": picture.path, "alt": "Beans"}
    return Content.from_json({"subject": "Beans", "blocks": [block]})


def test_a_picture_that_nothing_names_goes_after_a_while(cast: Cast) -> None:
    picture = upload(cast)
    assert tidy(cast, NOW + GRACE) == 0
    assert there(cast, picture)
    assert tidy(cast) == 1
    assert not there(cast, picture)


def test_what_templates_drafts_and_the_logo_name_stays(cast: Cast) -> None:
    core, home = cast.connection, cast.home.id
    in_template, in_draft, logo = (upload(cast, shade) for shade in (10, 20, 30))
    templates.create(core, home, NOW, name="House", content=shows(in_template))
    emails.create(core, home, content=shows(in_draft), now=NOW)
    letterhead.use_logo(core, home, logo.path, NOW)
    assert tidy(cast) == 0
    assert all(there(cast, one) for one in (in_template, in_draft, logo))


def test_what_a_sent_mail_shows_stays_though_nothing_names_it_any_more(cast: Cast) -> None:
    core, home = cast.connection, cast.home.id
    picture = upload(cast)
    made = emails.create(
        core, home, content=shows(picture), sender=Mailbox("us@tideway.example"), now=NOW
    )
    core.execute("UPDATE email SET state = 'gathered' WHERE project_id = %s", (home,))
    emails.accept(core, home, made, NOW)
    empty = {"content": json.dumps({}), "project": home}
    core.execute("UPDATE email SET content = %(content)s WHERE project_id = %(project)s", empty)
    assert tidy(cast) == 0
    assert there(cast, picture)


def test_a_step_of_a_campaign_is_sent_from_its_beginning_on(cast: Cast) -> None:
    picture = upload(cast)
    emails.create(
        cast.connection, cast.home.id, content=shows(picture), campaign_id=UUID(int=1),
        sender=Mailbox("us@tideway.example"), now=NOW,
    )  # fmt: skip
    row = cast.connection.execute(
        "SELECT shown_at FROM image WHERE project_id = %s", (cast.home.id,)
    ).fetchone()
    assert row == (NOW,)


def test_a_picture_that_is_uploaded_again_begins_anew(cast: Cast) -> None:
    picture = upload(cast)
    with cast.connection.transaction():
        images.take(cast.connection, cast.home.id, "beans.png", picture.content(), LATER)
    assert tidy(cast) == 0
    assert there(cast, picture)
