"""Who is left out of a mail, and why: unsubscribed, suppressed, or no address at all."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from regulars.kit import clock
from regulars.kit.ids import new_id
from regulars.mail import subscriptions, suppressions
from regulars.mail.links import address_hash

Connection = psycopg.Connection[Any]
NOW = clock.now()
PAT = "pat@example.com"
NEWS, TIPS = new_id(NOW), new_id(NOW)


def _out(
    database: Connection,
    project: Any,
    *given: str,
    marketing: bool = True,
    topic: UUID | None = None,
) -> dict[str, Any]:
    return subscriptions.left_out(
        database, project.id, given or (PAT,), marketing=marketing, topic_id=topic
    )


def _leave(database: Connection, project: Any, topic: UUID | None = None) -> bool:
    hash_ = address_hash(project.id, PAT)
    return subscriptions.leave(
        database, project.id, hash_, clock.now(), source="page", topic_id=topic, address=PAT
    )


def test_nobody_is_left_out_to_begin_with(database: Connection, project: Any) -> None:
    assert _out(database, project, PAT, "sam@example.com") == {}


def test_who_left_gets_no_marketing_but_what_concerns_them(
    database: Connection, project: Any
) -> None:
    assert _leave(database, project)
    assert _out(database, project, " Pat@Example.COM", topic=NEWS) == {PAT: "unsubscribed"}
    assert _out(database, project, marketing=False) == {}


def test_leaving_a_topic_leaves_that_topic_alone(database: Connection, project: Any) -> None:
    _leave(database, project, NEWS)
    assert _out(database, project, topic=NEWS) == {PAT: "unsubscribed"}
    assert _out(database, project, topic=TIPS) == {}
    assert _out(database, project) == {}


def test_leaving_again_changes_nothing(database: Connection, project: Any) -> None:
    assert _leave(database, project)
    assert not _leave(database, project)


def test_who_left_one_project_is_written_to_by_others(database: Connection, project: Any) -> None:
    from regulars.workspaces.actions import create_project

    _leave(database, project)
    other = create_project("Elsewhere", now=NOW)
    assert (
        subscriptions.left_out(database, other.project_id, [PAT], marketing=True, topic_id=None)
        == {}
    )


def test_an_unsubscription_outlives_the_address(database: Connection, project: Any) -> None:
    _leave(database, project)
    subscriptions.forget(database, project.id, PAT)
    rows = database.execute(
        "SELECT address FROM unsubscription WHERE project_id = %s", (project.id,)
    ).fetchall()
    assert rows == [(None,)]
    assert _out(database, project) == {PAT: "unsubscribed"}


def test_who_comes_back_is_written_to_again(database: Connection, project: Any) -> None:
    _leave(database, project)
    hash_ = address_hash(project.id, PAT)
    chosen = subscriptions.choose(
        database, project.id, hash_, NOW, wanted=[NEWS], topics=[NEWS, TIPS]
    )
    assert (chosen.wants(NEWS), chosen.wants(TIPS)) == (True, False)
    assert _out(database, project, topic=NEWS) == {}
    assert _out(database, project, topic=TIPS) == {PAT: "unsubscribed"}


def test_who_wants_nothing_has_left_what_is_yet_to_come(database: Connection, project: Any) -> None:
    hash_ = address_hash(project.id, PAT)
    subscriptions.choose(database, project.id, hash_, NOW, wanted=[], topics=[NEWS])
    assert _out(database, project, topic=new_id(NOW)) == {PAT: "unsubscribed"}


@pytest.mark.parametrize("reason", suppressions.REASONS)
def test_nothing_at_all_goes_where_it_is_suppressed(
    database: Connection, project: Any, reason: Any
) -> None:
    suppressions.add(database, project.id, PAT, reason, NOW)
    assert _out(database, project, marketing=False) == {PAT: reason}


def test_a_whole_domain_can_be_suppressed(database: Connection, project: Any) -> None:
    suppressions.add(database, project.id, suppressions.check("@Example.com"), "suppressed", NOW)
    assert _out(database, project, PAT, "a@sub.example.com") == {PAT: "suppressed"}


def test_what_is_no_address_is_left_out(database: Connection, project: Any) -> None:
    bad = ["", "no address", "a@b@c", "pat@exa mple.com", "pat@example.com\r\nBcc: x@y.z"]
    assert set(_out(database, project, *bad).values()) == {"bad_address"}


def test_mail_that_fails_for_now_on_five_days_is_not_tried_again(
    database: Connection, project: Any
) -> None:
    def fails(day: int, hour: int = 0) -> bool:
        at = NOW + timedelta(days=day, hours=hour)
        return suppressions.bounced_softly(database, project.id, PAT, at)

    assert not any([fails(0), fails(0, 5), fails(1), fails(2), fails(3)])
    assert fails(4)
    assert _out(database, project) == {PAT: "bounced"}


def test_a_delivery_between_forgives_what_failed(database: Connection, project: Any) -> None:
    for day in range(4):
        suppressions.bounced_softly(database, project.id, PAT, NOW + timedelta(days=day))
    suppressions.arrived(database, project.id, PAT)
    assert not suppressions.bounced_softly(database, project.id, PAT, NOW + timedelta(days=5))


def test_a_complaint_outweighs_a_bounce(database: Connection, project: Any) -> None:
    suppressions.add(database, project.id, PAT, "bounced", NOW)
    suppressions.add(database, project.id, PAT, "complained", NOW + timedelta(days=1))
    (one,) = suppressions.page(database, project.id, NOW)
    assert (one.reason, one.since) == ("complained", NOW)


def test_suppressions_are_found_by_how_they_begin_and_by_domain(
    database: Connection, project: Any
) -> None:
    for address in ("pat@example.com", "paul@other.example", "sam@example.com", "%@example.com"):
        suppressions.add(database, project.id, address, "bounced", NOW)

    def found(text: str) -> set[str | None]:
        return {one.address for one in suppressions.page(database, project.id, NOW, text=text)}

    assert found("PA") == {"pat@example.com", "paul@other.example"}
    assert found("@example") == {"pat@example.com", "sam@example.com", "%@example.com"}
    assert found("%") == {"%@example.com"}
    assert found("zzz") == set()


def test_a_suppression_that_was_removed_is_gone(database: Connection, project: Any) -> None:
    suppressions.add(database, project.id, PAT, "bounced", NOW)
    (one,) = suppressions.page(database, project.id, NOW)
    assert suppressions.remove(database, project.id, [one.id]) == 1
    assert _out(database, project) == {}
