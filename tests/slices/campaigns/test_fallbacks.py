"""How many of an audience lack a fact that the mail says; how often templates were used."""

from __future__ import annotations

from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from regulars.campaigns import fallbacks, template_uses
from regulars.campaigns.fallbacks import Lack, Lacks
from regulars.kit.ids import new_id
from regulars.mail.content.content import Content
from tests.slices.campaigns.mailing import Mailing
from tests.slices.tracking.site import NOON

SAYS = Content.from_json(
    {
        "subject": 'Hi {{ person.first_name | default: "there" }}',
        "blocks": [
            {
                "type": "text",
                "id": "t",
                "html": "<p>{{ person.city }}{% if person.os %}{{ person.os }}{% endif %}</p>",
            }
        ],
    }
)


def looked_at(mailing: Mailing, email_id: UUID, recipients: int) -> Lacks:
    zone = ZoneInfo("UTC")
    return fallbacks.of_email(
        mailing.connection, mailing.project_id, email_id, SAYS, recipients, zone
    )


def test_all_of_a_few_are_looked_at(mailing: Mailing) -> None:
    named = mailing.people("a@example.com", first_name="Ana", city="Porto")
    unnamed = mailing.people("b@example.com", "c@example.com", first_name=" ", city="Porto")
    nowhere = mailing.people("d@example.com", first_name="Dan")
    email_id = mailing.gathered([*named, *unnamed, *nowhere])
    assert looked_at(mailing, email_id, 4) == Lacks(
        4, (Lack("First name", 2, "there"), Lack("City", 1, None))
    )


def test_of_many_a_sample_is_looked_at_that_is_spread_over_all_of_them(
    mailing: Mailing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fallbacks, "MOST_LOOKED_AT", 20)
    early = mailing.people(*(f"a{n}@example.com" for n in range(30)), first_name="Ana", city="X")
    late = mailing.people(*(f"b{n}@example.com" for n in range(30)), city="X")
    email_id = mailing.gathered([*early, *late])
    found = looked_at(mailing, email_id, 60)
    assert 10 <= found.looked_at <= 20
    (lack,) = found.found
    assert (lack.fact, lack.fallback) == ("First name", "there")
    assert 0.2 < lack.people / found.looked_at < 0.8


def test_a_mail_that_says_nothing_of_anybody_looks_at_nobody(mailing: Mailing) -> None:
    email_id = mailing.gathered(mailing.people("a@example.com"))
    plain = Content.from_json({"subject": "Hi"})
    zone = ZoneInfo("UTC")
    args = (mailing.connection, mailing.project_id, email_id, plain, 1, zone)
    assert fallbacks.of_email(*args) == Lacks(0, ())


def test_a_template_s_uses_are_its_sent_emails_and_who_opened_them(mailing: Mailing) -> None:
    template, unused = new_id(NOON), new_id(NOON)
    for number in range(3):
        people = mailing.people(f"p{number}@example.com", f"q{number}@example.com")
        mailing.gathered(people, template_id=template)
    core, project_id = mailing.connection, mailing.project_id
    assert template_uses.of_templates(core, project_id, [template]) == {}
    core.execute("UPDATE email SET accepted_at = %s WHERE project_id = %s", (NOON, project_id))
    core.execute("UPDATE email_count SET sent = 2, opened = 1 WHERE project_id = %s", (project_id,))
    (uses,) = template_uses.of_templates(core, project_id, [template, unused]).values()
    assert (uses.used, uses.out, uses.opened, uses.is_whole) == (3, 6, 3, True)
