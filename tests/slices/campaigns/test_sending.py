"""Emails leave once, as they should look, later where they can't leave now, or say why not."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from regulars.campaigns import deciding, emails, sending, settings
from regulars.campaigns.sending import Engine
from regulars.campaigns.settings import Sending
from regulars.inbox import from_email
from regulars.kit import clock
from regulars.mail import bounces, domains, links, subscriptions
from regulars.mail.letters import Mailbox
from regulars.mail.links import address_hash
from regulars.people import store
from regulars.people.merge_context import person_context
from regulars.segments import actions, filling
from regulars.segments.membership import Membership
from tests.pure.mail.test_bounces import MARK, dsn
from tests.running import free_port
from tests.slices.campaigns.mailing import Mailing, Words
from tests.slices.mail.sink import Sink, sink


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sink]:
    with sink() as running:
        monkeypatch.setenv("REGULARS_SMTP_URL", running.url)
        yield running


class Sender:
    """The engine, a turn at a time."""

    def __init__(self, mailing: Mailing) -> None:
        self.mailing = mailing
        self.stop = threading.Event()
        self.engine = Engine(self.stop, penmen=0)

    def turn(self, *, after: timedelta = timedelta(), engine: Engine | None = None) -> int:
        with asyncio.Runner() as runner:
            now = clock.now() + after
            own = engine or self.engine
            project = self.mailing.project_id
            return sending.send_due(self.mailing.connection, runner, own, now, project_id=project)


@pytest.fixture
def sender(mailing: Mailing) -> Iterator[Sender]:
    made = Sender(mailing)
    yield made
    asyncio.run(made.engine.close())


def test_an_email_reaches_everybody_once_as_itself(
    mailing: Mailing, sender: Sender, server: Sink
) -> None:
    people = [
        *mailing.people("zoe@example.com", name="Zoë Öst", first_name="Zoë"),
        *mailing.people("pat@example.com", name="Pat Doe"),
    ]
    email = mailing.accepted(people, words=Words(subject="Grüße, {{ person.first_name }}"))
    sender.turn()
    sender.turn()
    assert sorted(one.to[0] for one in server.arrived) == ["pat@example.com", "zoe@example.com"]
    zoe = next(one for one in server.arrived if one.to == ["zoe@example.com"])
    assert zoe.message["Subject"] == "Grüße, Zoë"
    assert str(zoe.message["To"]) == "Zoë Öst <zoe@example.com>"
    assert zoe.message.get_content_type() == "multipart/alternative"
    html = zoe.message.get_body(("html",))
    assert html is not None
    assert "Hello Zoë" in html.get_content()
    assert "List-Unsubscribe-Post" in zoe.message
    assert mailing.counts(email, "waiting", "sent") == (0, 2)
    assert mailing.look(email).state == "sent"


def test_whoever_was_emailed_knows_when(mailing: Mailing, sender: Sender, server: Sink) -> None:
    (pat,) = mailing.people("pat@example.com")
    mailing.accepted([pat])
    sender.turn()
    found = store.read(mailing.connection, mailing.project_id, [pat.id])[pat.id]
    assert found.last_emailed is not None
    kept = mailing.connection.execute(
        "SELECT outcome FROM campaign_outcome WHERE project_id = %s", (mailing.project_id,)
    ).fetchall()
    assert kept == [("sent",)]
    assert len(server.arrived) == 1


def test_a_segment_of_whom_nobody_wrote_to_loses_who_is_emailed(
    mailing: Mailing, sender: Sender, server: Sink
) -> None:
    pat, sam = mailing.people("pat@example.com", "sam@example.com")
    rule = {"field": "last_emailed", "op": "is_unknown"}
    with mailing.connection.transaction():
        never = actions.create(
            mailing.connection, mailing.project_id, "Never", mailing.now, filter_=rule
        )
    filling.fill_project(mailing.connection, mailing.project_id, mailing.now)
    mailing.accepted([pat])
    sender.turn()
    people = store.read(mailing.connection, mailing.project_id, [pat.id, sam.id])
    number = mailing.connection.execute(
        "SELECT number FROM segment WHERE project_id = %s AND id = %s", (mailing.project_id, never)
    ).fetchone()
    assert number is not None
    assert number[0] not in people[pat.id].segments
    assert number[0] in people[sam.id].segments
    assert people[pat.id].last_emailed is not None
    assert len(server.arrived) == 1


@pytest.mark.parametrize("is_asked", [False, True])
def test_all_that_is_kept_of_a_person_knows_of_the_email(
    mailing: Mailing, sender: Sender, server: Sink, monkeypatch: pytest.MonkeyPatch, is_asked: bool
) -> None:
    monkeypatch.setattr(Membership, "follows_emailing", lambda *_: is_asked)
    (pat,) = mailing.people("pat@example.com")
    before = _versions(mailing)
    mailing.accepted([pat])
    sender.turn()
    after = _versions(mailing)
    assert after[0] != before[0]
    assert after[1] == after[2] is not None
    assert len(server.arrived) == 1


def test_templates_are_told_all_that_is_known(mailing: Mailing) -> None:
    said = {"last_seen": mailing.now, "sessions": 3, "tags": ["a"], "attributes": {"plan": "Pro"}}
    (pat,) = mailing.people("pat@example.com", name="Pat Doe", city="Oslo", **said)
    asked = (mailing.connection, mailing.project_id, [pat.id])
    whole, told = store.read(*asked)[pat.id], store.read_told(*asked)[pat.id]
    zone = ZoneInfo("Europe/Oslo")
    assert person_context(told, zone) == person_context(whole, zone)
    assert told.sessions == 3


def _versions(mailing: Mailing) -> tuple[Any, ...]:
    row: tuple[Any, ...] | None = mailing.connection.execute(
        "SELECT a.person_version, p.last_emailed, c.last_emailed FROM person p"
        " JOIN person_activity a USING (project_id, id)"
        " JOIN person_compact c USING (project_id, id) WHERE project_id = %s",
        (mailing.project_id,),
    ).fetchone()
    assert row is not None
    return row


def test_whoever_unsubscribes_before_their_turn_gets_nothing(
    mailing: Mailing, sender: Sender, server: Sink
) -> None:
    (pat,) = mailing.people("pat@example.com")
    email = mailing.accepted([pat])
    with mailing.connection.transaction():
        left = address_hash(mailing.project_id, "pat@example.com")
        subscriptions.leave(
            mailing.connection, mailing.project_id, left, mailing.now, source="page"
        )
    sender.turn()
    assert server.arrived == []
    assert [row[2:] for row in mailing.ledger(email)] == [("cancelled", "unsubscribed")]


def test_without_a_server_an_email_is_kept(
    mailing: Mailing, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REGULARS_SMTP_URL", raising=False)
    email = mailing.accepted(mailing.people("pat@example.com"))
    sender.turn()
    assert mailing.counts(email, "waiting", "kept", "sent") == (0, 1, 0)
    assert mailing.look(email).state == "sent"


def test_nothing_is_lost_while_the_server_is_away(
    mailing: Mailing, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    monkeypatch.setenv("REGULARS_SMTP_URL", f"smtp://127.0.0.1:{port}")
    email = mailing.accepted(mailing.people("a@example.com", "b@example.com"))
    sender.turn()
    assert mailing.counts(email, "waiting", "sent", "unknown", "failed") == (2, 0, 0, 0)
    assert mailing.look(email).trouble.startswith("The mail server is away")
    sender.engine.was_there(mailing.project_id)
    with sink(port) as server:
        sender.turn()
        assert len(server.arrived) == 2
    assert mailing.counts(email, "waiting", "sent") == (0, 2)
    assert mailing.look(email).trouble == ""


def test_what_is_not_taken_now_is_tried_later(
    mailing: Mailing, sender: Sender, server: Sink
) -> None:
    (pat,) = mailing.people("pat@example.com")
    email = mailing.accepted([pat])
    server.to_mails.append("451 4.3.0 Come back")
    sender.turn()
    assert [row[2:] for row in mailing.ledger(email)] == [("waiting", "451 4.3.0 Come back")]
    sender.turn()
    assert server.arrived == []
    mailing.connection.execute(
        "UPDATE email_recipient SET next_try_at = %s WHERE project_id = %s",
        (clock.now(), mailing.project_id),
    )
    sender.turn()
    assert len(server.arrived) == 1
    assert mailing.counts(email, "waiting", "sent") == (0, 1)


@pytest.mark.parametrize("answer", ["550 5.1.1 No such user", "554 5.7.1 Spam"])
def test_what_is_refused_fails_with_the_server_s_words(
    mailing: Mailing, sender: Sender, server: Sink, answer: str
) -> None:
    email = mailing.accepted(mailing.people("a@example.com", "b@example.com"))
    server.to_recipients.append(answer)
    sender.turn()
    assert mailing.counts(email, "waiting", "sent", "failed") == (0, 1, 1)
    assert ("failed", answer) in [row[2:] for row in mailing.ledger(email)]


def test_what_a_dead_worker_had_in_hand_is_unknown_and_not_repeated(
    mailing: Mailing, sender: Sender, server: Sink
) -> None:
    (pat, other) = mailing.people("pat@example.com", "other@example.com")
    email = mailing.accepted([pat, other])
    dead = Engine(threading.Event(), penmen=0)
    with mailing.connection.transaction():
        taken = mailing.recipient(email, pat)
        deciding.decide(mailing.connection, mailing.look(email), dead.run, [taken], mailing.now)
    sender.turn()
    assert [one.to for one in server.arrived] == [["other@example.com"]]
    assert mailing.counts(email, "waiting", "sent", "unknown") == (0, 1, 1)
    assert ("unknown", deciding.WORKER_GONE) in [row[2:] for row in mailing.ledger(email)]
    asyncio.run(dead.close())


def test_a_paused_email_waits_and_goes_on(mailing: Mailing, sender: Sender, server: Sink) -> None:
    email = mailing.accepted(mailing.people("pat@example.com"))
    project, connection = mailing.project_id, mailing.connection
    with connection.transaction():
        emails.pause(connection, project, email, mailing.now)
    sender.turn()
    assert server.arrived == []
    with connection.transaction():
        emails.resume(connection, project, email, mailing.now)
    sender.turn()
    assert len(server.arrived) == 1


def test_copies_go_to_those_nobody_sees_without_live_links(
    mailing: Mailing, sender: Sender, server: Sink
) -> None:
    email = mailing.accepted(
        mailing.people("pat@example.com"),
        bcc=["boss@tideway.example"],
        words=Words(html='<a href="https://tideway.example/beans">Beans</a>'),
    )
    sender.turn()
    copies = mailing.connection.execute(
        "SELECT to_address, raw FROM outgoing_mail WHERE project_id = %s", (mailing.project_id,)
    ).fetchall()
    assert [one for one, _ in copies] == ["boss@tideway.example"]
    copy, original = copies[0][1].decode(), server.arrived[0].raw.decode()
    assert "boss@" not in original
    for live in ("/u/", "/o/", "/c/", "List-Unsubscribe"):
        assert live in original.replace("=\r\n", "")
        assert live not in copy.replace("=\r\n", "")
    assert mailing.look(email).state == "sent"


def test_an_email_that_can_t_be_filled_in_says_so(
    mailing: Mailing, sender: Sender, server: Sink
) -> None:
    email = mailing.accepted(
        mailing.people("pat@example.com"), words=Words(html="<p>{% for %}</p>")
    )
    sender.turn()
    assert server.arrived == []
    assert mailing.look(email).state == "paused"
    assert mailing.look(email).trouble


def test_too_many_refusals_pause_an_email(mailing: Mailing, sender: Sender, server: Sink) -> None:
    people = mailing.people(*(f"p{number}@example.com" for number in range(80)))
    email = mailing.accepted(people)
    server.to_recipients.extend(["550 5.1.1 No such user"] * 80)
    sender.turn()
    found = mailing.look(email)
    assert (found.state, "refuses too many" in found.trouble) == ("paused", True)
    assert mailing.counts(email, "waiting")[0] > 0


def test_a_project_has_its_own_server_kept_sealed(
    mailing: Mailing, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REGULARS_SMTP_URL", raising=False)
    with sink() as own:
        settings.keep(mailing.connection, mailing.project_id, Sending(smtp_url=own.url))
        kept: Any = mailing.connection.execute(
            "SELECT smtp_url FROM sending_settings WHERE project_id = %s", (mailing.project_id,)
        ).fetchone()
        assert own.url.encode() not in kept[0]
        mailing.accepted(mailing.people("pat@example.com"))
        sender.turn()
        assert len(own.arrived) == 1


def test_a_rate_is_kept(mailing: Mailing, sender: Sender, server: Sink) -> None:
    settings.keep(mailing.connection, mailing.project_id, Sending(per_second=4, at_once=2))
    mailing.accepted(mailing.people(*(f"p{number}@example.com" for number in range(10))))
    began = clock.now()
    while len(server.arrived) < 10:
        sender.turn()
    assert clock.now() - began >= timedelta(seconds=1.4)


def test_penmen_write_what_many_get(mailing: Mailing, server: Sink) -> None:
    people = mailing.people(*(f"p{number}@example.com" for number in range(60)))
    email = mailing.accepted(people, sender=Mailbox("hello@tideway.example", "Tideway"))
    made = Sender(mailing)
    engine = Engine(made.stop, penmen=2)
    with asyncio.Runner() as runner:
        project = mailing.project_id
        count = sending.send_due(
            mailing.connection, runner, engine, clock.now(), project_id=project
        )
        assert count == 60
        runner.run(engine.close())
    assert len({one.to[0] for one in server.arrived}) == 60
    assert mailing.counts(email, "waiting", "sent") == (0, 60)


def test_an_email_is_signed_says_where_reports_go_and_heeds_the_project_s_tracking(
    mailing: Mailing, sender: Sender, server: Sink
) -> None:
    connection, project_id = mailing.connection, mailing.project_id
    domains.ensure(connection, project_id, "tideway.example", clock.now())
    (domain,) = domains.all_of(connection, project_id, clock.now())
    domains.set_return_path(connection, project_id, domain.id, "back@tideway.example")
    connection.execute("UPDATE project SET track_mail = false WHERE id = %s", (project_id,))
    people = mailing.people("pat@example.com")
    email = mailing.accepted(people, words=Words(html='<a href="https://a.example/">Beans</a>'))
    sender.turn()
    (arrived,) = server.arrived
    recipient = mailing.recipient(email, people[0])
    assert arrived.sender == bounces.return_address("back@tideway.example", recipient)
    assert arrived.raw.count(b"DKIM-Signature:") == 2
    html = arrived.message.get_body(("html",))
    assert html is not None
    assert 'href="https://a.example/"' in html.get_content()
    assert links.OPEN not in html.get_content()


def test_a_report_to_where_an_email_came_from_bounces_that_recipient_alone(
    mailing: Mailing, sender: Sender, server: Sink
) -> None:
    connection, project_id = mailing.connection, mailing.project_id
    domains.ensure(connection, project_id, "tideway.example", clock.now())
    (domain,) = domains.all_of(connection, project_id, clock.now())
    domains.set_return_path(connection, project_id, domain.id, f"b{project_id.hex[-12:]}@x.example")
    people = mailing.people("pat@example.com", "zoe@example.com")
    email = mailing.accepted(people)
    sender.turn()
    came_from = {one.to[0]: one.sender for one in server.arrived}
    assert len(set(came_from.values())) == len(people)
    # The report returns nothing of the mail: only the address it comes to says which one it was.
    raw = dsn(returned="nothing").replace(MARK.encode(), b"x")
    from_email.deliver(raw, [came_from["zoe@example.com"]], clock.now())
    assert mailing.counts(email, "sent", "bounced") == (2, 1)
    addresses = ["pat@example.com", "zoe@example.com"]
    left = subscriptions.left_out(connection, project_id, addresses, marketing=False, topic_id=None)
    assert left == {"zoe@example.com": "bounced"}
