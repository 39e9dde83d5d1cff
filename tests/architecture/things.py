"""What fills the parts of addresses: something of Alice's project, made for each test anew."""

from __future__ import annotations

from datetime import UTC
from io import BytesIO
from typing import Any

from regulars.campaigns import campaigns, emails, ledger
from regulars.inbox import answering, attachments, notes, saved_replies
from regulars.inbox.answering import Answer
from regulars.inbox.attachments import Sender
from regulars.kit import clock
from regulars.kit.ids import new_id
from regulars.mail import compose, domains, hooks, outgoing, suppressions, templates, topics
from regulars.mail.content.content import Content
from regulars.mail.letters import Letter, Mailbox
from regulars.mail.ready_made import BLANK
from regulars.people import bulk
from regulars.people.actions import merge_people
from regulars.people.bulk import Working
from regulars.people.imports import taking
from regulars.people.selection import picked
from regulars.reports import views
from regulars.segments import actions as segment_actions
from regulars.webhooks import deliveries, webhooks
from regulars.workspaces import sign_in, team
from regulars.workspaces.models import Invitation, ProjectKey
from tests.cast import Cast


def agent(cast: Cast) -> dict[str, Any]:
    return {"agent_id": cast.bob.id}


def checkpoint(_cast: Cast) -> dict[str, Any]:
    return {"number": 2}


def key(cast: Cast) -> dict[str, Any]:
    key = ProjectKey.objects.filter(project_id=cast.home.id, kind="secret")[0]
    return {"key_id": key.id}


def invited(cast: Cast) -> Invitation:
    return team.invite(
        cast.home.id, "new@example.com", "agent", by=cast.alice.actor, now=clock.now()
    )


def invitation(cast: Cast) -> dict[str, Any]:
    return {"invitation_id": invited(cast).id}


def invitation_token(cast: Cast) -> dict[str, Any]:
    return {"token": team.path_of(invited(cast)).removeprefix("/invite/")}


def reset_token(cast: Cast) -> dict[str, Any]:
    path = sign_in.reset_link(cast.bob.email, now=clock.now())
    return {"token": path.removeprefix("/reset/")}


def person(cast: Cast) -> dict[str, Any]:
    return {"person_id": cast.pat.id}


def note(cast: Cast) -> dict[str, Any]:
    with cast.connection.transaction():
        note_id = notes.add(
            cast.connection, cast.home.id, cast.pat.id, clock.now(), text="Ours", shared=False
        )
    return person(cast) | {"note_id": note_id}


def two_people(cast: Cast) -> dict[str, Any]:
    return person(cast) | {"gone_id": cast.tracked("sam", name="Sam Doe").id}


def merge(cast: Cast) -> dict[str, Any]:
    two = two_people(cast)
    with cast.connection.transaction():
        merge_id = merge_people(
            cast.connection,
            cast.home.id,
            two["gone_id"],
            two["person_id"],
            clock.now(),
            cause="agent",
        )
    return {"merge_id": merge_id}


def email(cast: Cast) -> dict[str, Any]:
    """A draft to Pat, and one of its recipients."""
    now, project_id = clock.now(), cast.home.id
    with cast.connection.transaction():
        email_id = emails.create(
            cast.connection, project_id, content=Content.of_text("Beans", "Hello"), now=now
        )
        ledger.add_recipients(cast.connection, project_id, email_id, [cast.pat.id], now)
    row = cast.connection.execute(
        "SELECT id FROM email_recipient WHERE project_id = %s AND email_id = %s",
        (project_id, email_id),
    ).fetchone()
    assert row is not None
    return {
        "email_id": email_id, "recipient_id": row[0], "number": "sent", "deed": "pause"
    }  # fmt: skip


def export(cast: Cast) -> dict[str, Any]:
    with cast.connection.transaction():
        job = bulk.start(
            cast.connection, cast.home.id, "export", picked([cast.pat.id]), clock.now(), zone=UTC
        )
    Working(cast.connection).work_on(cast.home.id, job.id, clock.now())
    Working(cast.connection).work_on(cast.home.id, job.id, clock.now())
    return {"job_id": job.id}


def people_import(cast: Cast) -> dict[str, Any]:
    job = taking.take(
        cast.connection, cast.home.id, "a.csv", BytesIO(b"email\na@b.example\n"), clock.now(),
        agent_id=None,
    )  # fmt: skip
    return {"import_id": job.id}


def view(cast: Cast) -> dict[str, Any]:
    with cast.connection.transaction():
        view = views.save(
            cast.connection, cast.home.id, "Ours", {"show": "views"}, clock.now(), cast.alice.id
        )
    return {"view_id": view}


def removal(cast: Cast) -> dict[str, Any]:
    return {"removed_id": cast.home.id}


def segment(cast: Cast) -> dict[str, Any]:
    rule = {"field": "kind", "op": "is", "value": "user"}
    with cast.connection.transaction():
        made = segment_actions.create(
            cast.connection, cast.home.id, "Regulars", clock.now(), filter_=rule
        )
    return {"segment_id": made}


def template(cast: Cast) -> dict[str, Any]:
    with cast.connection.transaction():
        made = templates.create(
            cast.connection, cast.home.id, clock.now(), name="House letter", content=BLANK
        )
    return {"template_id": made}


def saved_reply(cast: Cast) -> dict[str, Any]:
    with cast.connection.transaction():
        made = saved_replies.create(
            cast.connection, cast.home.id, clock.now(), name="Gift", body="Wrapped."
        )
    return {"reply_id": made}


def conversation(cast: Cast) -> dict[str, Any]:
    answer = Answer("Hello", "first-message")
    with cast.connection.transaction():
        made, _ = answering.start(
            cast.connection, cast.home.id, cast.pat.id, cast.bob.id, answer, clock.now()
        )
    return {"conversation_id": made}


def file(cast: Cast) -> dict[str, Any]:
    sender = Sender(agent_id=cast.bob.id)
    with cast.connection.transaction():
        kept = attachments.take(
            cast.connection, cast.home.id, sender, "plan.txt", b"secret", clock.now()
        )
        answer = Answer("See the file", "with-a-file", files=[kept.id])
        answering.start(
            cast.connection, cast.home.id, cast.pat.id, cast.bob.id, answer, clock.now()
        )
    return {"file_id": kept.id}


def message(cast: Cast) -> dict[str, Any]:
    content = {"format": "html", "subject": "Ours", "source": "<p>Ours</p>"}
    step = {"id": "mail", "type": "email", "variants": [{"id": "a", "content": content}]}
    with cast.connection.transaction():
        made = campaigns.create(
            cast.connection, cast.home.id, "Ours", {"steps": [step]}, clock.now()
        )
    return {"campaign_id": made, "step_id": "mail", "variant_id": "a"}


def campaign(cast: Cast) -> dict[str, Any]:
    with cast.connection.transaction():
        made = campaigns.create(cast.connection, cast.home.id, "Ours", {}, clock.now())
    return {"campaign_id": made}


def webhook(cast: Cast) -> dict[str, Any]:
    with cast.connection.transaction():
        made = webhooks.create(
            cast.connection, cast.home.id, "https://example.com/tideway", ["*"], clock.now()
        )
    return {"webhook_id": made.id}


def delivery(cast: Cast) -> dict[str, Any]:
    parts = webhook(cast)
    with cast.connection.transaction():
        one = webhooks.get(cast.connection, cast.home.id, parts["webhook_id"])
        return parts | {"delivery_id": deliveries.add_test(cast.connection, one, clock.now())}


def segment_and_person(cast: Cast) -> dict[str, Any]:
    return segment(cast) | person(cast)


def domain(cast: Cast) -> dict[str, Any]:
    now = clock.now()
    domains.ensure(cast.connection, cast.home.id, "tideway.example", now)
    (domain,) = domains.all_of(cast.connection, cast.home.id, now)
    return {"domain_id": domain.id}


def service(cast: Cast) -> dict[str, Any]:
    hooks.set_up(cast.connection, cast.home.id, "postmark", "", clock.now())
    return {"service": "postmark"}


def topic(cast: Cast) -> dict[str, Any]:
    return {"topic_id": topics.create(cast.connection, cast.home.id, "News", "", clock.now())}


def suppression(cast: Cast) -> dict[str, Any]:
    now = clock.now()
    suppressions.add(cast.connection, cast.home.id, "gone@example.com", "bounced", now)
    (one,) = suppressions.page(cast.connection, cast.home.id, now)
    return {"suppression_id": one.id}


def mail(cast: Cast) -> dict[str, Any]:
    now = clock.now()
    letter = Letter(
        id=new_id(now),
        kind="conversation",
        sender=Mailbox("help@tideway.example"),
        to=Mailbox("pat@example.com"),
        subject="Secret",
        text="Ours",
    )
    mail = compose.write(cast.home.id, letter, now)
    return {"mail_id": outgoing.queue(cast.connection, cast.home.id, mail, now)}
