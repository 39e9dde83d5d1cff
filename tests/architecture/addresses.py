"""Every address that Django serves: who may open it, and what fills its parts.

A line for each URL pattern; `test_stranger` fails for one that is missing, and tries them all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
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

Parts = Callable[[Cast], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Address:
    """Who may open a URL pattern, and what fills its parts (of Alice's project) but the project."""

    opens_to: str  # "everybody", "agents" or "project"
    parts: Parts = lambda _cast: {}


def _agent(cast: Cast) -> dict[str, Any]:
    return {"agent_id": cast.bob.id}


def _checkpoint(_cast: Cast) -> dict[str, Any]:
    return {"number": 2}


def _key(cast: Cast) -> dict[str, Any]:
    key = ProjectKey.objects.filter(project_id=cast.home.id, kind="secret")[0]
    return {"key_id": key.id}


def _invited(cast: Cast) -> Invitation:
    return team.invite(
        cast.home.id, "new@example.com", "agent", by=cast.alice.actor, now=clock.now()
    )


def _invitation(cast: Cast) -> dict[str, Any]:
    return {"invitation_id": _invited(cast).id}


def _invitation_token(cast: Cast) -> dict[str, Any]:
    return {"token": team.path_of(_invited(cast)).removeprefix("/invite/")}


def _reset_token(cast: Cast) -> dict[str, Any]:
    path = sign_in.reset_link(cast.bob.email, now=clock.now())
    return {"token": path.removeprefix("/reset/")}


def _person(cast: Cast) -> dict[str, Any]:
    return {"person_id": cast.pat.id}


def _note(cast: Cast) -> dict[str, Any]:
    with cast.connection.transaction():
        note_id = notes.add(
            cast.connection, cast.home.id, cast.pat.id, clock.now(), text="Ours", shared=False
        )
    return _person(cast) | {"note_id": note_id}


def _two_people(cast: Cast) -> dict[str, Any]:
    return _person(cast) | {"gone_id": cast.tracked("sam", name="Sam Doe").id}


def _merge(cast: Cast) -> dict[str, Any]:
    two = _two_people(cast)
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


def _email(cast: Cast) -> dict[str, Any]:
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


def _export(cast: Cast) -> dict[str, Any]:
    with cast.connection.transaction():
        job = bulk.start(
            cast.connection, cast.home.id, "export", picked([cast.pat.id]), clock.now(), zone=UTC
        )
    Working(cast.connection).work_on(cast.home.id, job.id, clock.now())
    Working(cast.connection).work_on(cast.home.id, job.id, clock.now())
    return {"job_id": job.id}


def _import(cast: Cast) -> dict[str, Any]:
    job = taking.take(
        cast.connection, cast.home.id, "a.csv", BytesIO(b"email\na@b.example\n"), clock.now(),
        agent_id=None,
    )  # fmt: skip
    return {"import_id": job.id}


def _view(cast: Cast) -> dict[str, Any]:
    with cast.connection.transaction():
        view = views.save(
            cast.connection, cast.home.id, "Ours", {"show": "views"}, clock.now(), cast.alice.id
        )
    return {"view_id": view}


def _removal(cast: Cast) -> dict[str, Any]:
    return {"removed_id": cast.home.id}


def _segment(cast: Cast) -> dict[str, Any]:
    rule = {"field": "kind", "op": "is", "value": "user"}
    with cast.connection.transaction():
        made = segment_actions.create(
            cast.connection, cast.home.id, "Regulars", clock.now(), filter_=rule
        )
    return {"segment_id": made}


def _template(cast: Cast) -> dict[str, Any]:
    with cast.connection.transaction():
        made = templates.create(
            cast.connection, cast.home.id, clock.now(), name="House letter", content=BLANK
        )
    return {"template_id": made}


def _saved_reply(cast: Cast) -> dict[str, Any]:
    with cast.connection.transaction():
        made = saved_replies.create(
            cast.connection, cast.home.id, clock.now(), name="Gift", body="Wrapped."
        )
    return {"reply_id": made}


def _conversation(cast: Cast) -> dict[str, Any]:
    answer = Answer("Hello", "first-message")
    with cast.connection.transaction():
        made, _ = answering.start(
            cast.connection, cast.home.id, cast.pat.id, cast.bob.id, answer, clock.now()
        )
    return {"conversation_id": made}


def _file(cast: Cast) -> dict[str, Any]:
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


_MESSAGE = "p/<uuid:project_id>/campaigns/<uuid:campaign_id>/message/<str:step_id>/<str:variant_id>"


def _message(cast: Cast) -> dict[str, Any]:
    content = {"format": "html", "subject": "Ours", "source": "<p>Ours</p>"}
    step = {"id": "mail", "type": "email", "variants": [{"id": "a", "content": content}]}
    with cast.connection.transaction():
        made = campaigns.create(
            cast.connection, cast.home.id, "Ours", {"steps": [step]}, clock.now()
        )
    return {"campaign_id": made, "step_id": "mail", "variant_id": "a"}


def _campaign(cast: Cast) -> dict[str, Any]:
    with cast.connection.transaction():
        made = campaigns.create(cast.connection, cast.home.id, "Ours", {}, clock.now())
    return {"campaign_id": made}


def _webhook(cast: Cast) -> dict[str, Any]:
    with cast.connection.transaction():
        made = webhooks.create(
            cast.connection, cast.home.id, "https://example.com/tideway", ["*"], clock.now()
        )
    return {"webhook_id": made.id}


def _delivery(cast: Cast) -> dict[str, Any]:
    parts = _webhook(cast)
    with cast.connection.transaction():
        one = webhooks.get(cast.connection, cast.home.id, parts["webhook_id"])
        return parts | {"delivery_id": deliveries.add_test(cast.connection, one, clock.now())}


def _segment_and_person(cast: Cast) -> dict[str, Any]:
    return _segment(cast) | _person(cast)


def _domain(cast: Cast) -> dict[str, Any]:
    now = clock.now()
    domains.ensure(cast.connection, cast.home.id, "tideway.example", now)
    (domain,) = domains.all_of(cast.connection, cast.home.id, now)
    return {"domain_id": domain.id}


def _service(cast: Cast) -> dict[str, Any]:
    hooks.set_up(cast.connection, cast.home.id, "postmark", "", clock.now())
    return {"service": "postmark"}


def _topic(cast: Cast) -> dict[str, Any]:
    return {"topic_id": topics.create(cast.connection, cast.home.id, "News", "", clock.now())}


def _suppression(cast: Cast) -> dict[str, Any]:
    now = clock.now()
    suppressions.add(cast.connection, cast.home.id, "gone@example.com", "bounced", now)
    (one,) = suppressions.page(cast.connection, cast.home.id, now)
    return {"suppression_id": one.id}


def _mail(cast: Cast) -> dict[str, Any]:
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


ADDRESSES: dict[str, Address] = {
    # Doors that stand open: they show nothing of a project without its token.
    "signin": Address("everybody"),
    "push-worker.js": Address("everybody"),
    "signin/code": Address("everybody"),
    "signin/forgotten": Address("everybody"),
    "signout": Address("everybody"),
    "first-sign-in/<str:token>": Address("everybody", _reset_token),
    "reset/<str:token>": Address("everybody", _reset_token),
    "invite/<str:token>": Address("everybody", _invitation_token),
    # What belongs to whoever is signed in.
    "": Address("agents"),
    "welcome": Address("agents"),
    "projects/new": Address("agents"),
    "projects/<uuid:removed_id>/removal": Address("agents", _removal),
    "account/": Address("agents"),
    "account/details": Address("agents"),
    "account/password": Address("agents"),
    "account/confirm": Address("agents"),
    "account/confirm/code": Address("agents"),
    "account/two-step/on": Address("agents"),
    "account/two-step/off": Address("agents"),
    "account/two-step/codes": Address("agents"),
    "account/two-step/codes/new": Address("agents"),
    # What belongs to a project.
    "p/<uuid:project_id>/": Address("project"),
    "p/<uuid:project_id>/welcome/": Address("project"),
    "p/<uuid:project_id>/welcome/live": Address("project"),
    "p/<uuid:project_id>/live": Address("project"),
    "p/<uuid:project_id>/people/": Address("project"),
    "p/<uuid:project_id>/people/rows": Address("project"),
    "p/<uuid:project_id>/people/count": Address("project"),
    "p/<uuid:project_id>/people/counts": Address("project"),
    "p/<uuid:project_id>/filters/catalog": Address("project"),
    "p/<uuid:project_id>/filters/values": Address("project"),
    "p/<uuid:project_id>/filters/properties": Address("project"),
    "p/<uuid:project_id>/people/columns": Address("project"),
    "p/<uuid:project_id>/people/pick": Address("project"),
    "p/<uuid:project_id>/new/note": Address("project"),
    "p/<uuid:project_id>/new/conversation": Address("project"),
    "p/<uuid:project_id>/new/ticket": Address("project"),
    "p/<uuid:project_id>/new/user": Address("project"),
    "p/<uuid:project_id>/new/lead": Address("project"),
    "p/<uuid:project_id>/people/bulk/start": Address("project"),
    "p/<uuid:project_id>/people/bulk/jobs": Address("project"),
    "p/<uuid:project_id>/people/bulk/count": Address("project"),
    "p/<uuid:project_id>/people/bulk/segments": Address("project"),
    "p/<uuid:project_id>/people/bulk/tags": Address("project"),
    "p/<uuid:project_id>/people/bulk/<uuid:job_id>/cancel": Address("project", _export),
    "p/<uuid:project_id>/people/bulk/<uuid:job_id>/undo": Address("project", _export),
    "p/<uuid:project_id>/people/bulk/<uuid:job_id>/close": Address("project", _export),
    "p/<uuid:project_id>/people/bulk/<uuid:job_id>/people.csv": Address("project", _export),
    "p/<uuid:project_id>/people/import/": Address("project"),
    "p/<uuid:project_id>/people/import/<uuid:import_id>/": Address("project", _import),
    "p/<uuid:project_id>/people/import/<uuid:import_id>/now": Address("project", _import),
    "p/<uuid:project_id>/people/import/<uuid:import_id>/change": Address("project", _import),
    "p/<uuid:project_id>/people/import/<uuid:import_id>/start": Address("project", _import),
    "p/<uuid:project_id>/people/import/<uuid:import_id>/cancel": Address("project", _import),
    "p/<uuid:project_id>/people/import/<uuid:import_id>/undo": Address("project", _import),
    "p/<uuid:project_id>/people/import/<uuid:import_id>/refused.csv": Address("project", _import),
    "p/<uuid:project_id>/people/<uuid:person_id>/": Address("project", _person),
    "p/<uuid:project_id>/people/<uuid:person_id>/now": Address("project", _person),
    "p/<uuid:project_id>/people/<uuid:person_id>/timeline": Address("project", _person),
    "p/<uuid:project_id>/people/<uuid:person_id>/facts": Address("project", _person),
    "p/<uuid:project_id>/people/<uuid:person_id>/attributes": Address("project", _person),
    "p/<uuid:project_id>/people/<uuid:person_id>/tags": Address("project", _person),
    "p/<uuid:project_id>/people/<uuid:person_id>/erase": Address("project", _person),
    "p/<uuid:project_id>/people/<uuid:person_id>/notes/": Address("project", _person),
    "p/<uuid:project_id>/people/<uuid:person_id>/notes/<uuid:note_id>/edit": Address(
        "project", _note
    ),
    "p/<uuid:project_id>/people/<uuid:person_id>/notes/<uuid:note_id>/share": Address(
        "project", _note
    ),
    "p/<uuid:project_id>/people/<uuid:person_id>/notes/<uuid:note_id>/pin": Address(
        "project", _note
    ),
    "p/<uuid:project_id>/people/<uuid:person_id>/notes/<uuid:note_id>/history": Address(
        "project", _note
    ),
    "p/<uuid:project_id>/people/<uuid:person_id>/notes/<uuid:note_id>/delete": Address(
        "project", _note
    ),
    "p/<uuid:project_id>/people/<uuid:person_id>/notes/<uuid:note_id>/restore": Address(
        "project", _note
    ),
    "p/<uuid:project_id>/people/<uuid:person_id>/merge/": Address("project", _person),
    "p/<uuid:project_id>/people/<uuid:person_id>/merge/<uuid:gone_id>/": Address(
        "project", _two_people
    ),
    "p/<uuid:project_id>/people/<uuid:person_id>/merge/<uuid:gone_id>/dismiss": Address(
        "project", _two_people
    ),
    "p/<uuid:project_id>/merges/<uuid:merge_id>/undo": Address("project", _merge),
    "p/<uuid:project_id>/now": Address("project"),
    "p/<uuid:project_id>/cards": Address("project"),
    "p/<uuid:project_id>/search/": Address("project"),
    "p/<uuid:project_id>/search/palette": Address("project"),
    "p/<uuid:project_id>/reports/": Address("project"),
    "p/<uuid:project_id>/reports/table.csv": Address("project"),
    "p/<uuid:project_id>/reports/views/save": Address("project"),
    "p/<uuid:project_id>/reports/views/<uuid:view_id>/delete": Address("project", _view),
    "p/<uuid:project_id>/steps/away": Address("project"),
    "p/<uuid:project_id>/inbox/": Address("project"),
    "p/<uuid:project_id>/inbox/rows": Address("project"),
    "p/<uuid:project_id>/inbox/news": Address("project"),
    "p/<uuid:project_id>/inbox/search": Address("project"),
    "p/<uuid:project_id>/inbox/files": Address("project"),
    "p/<uuid:project_id>/inbox/files/<uuid:file_id>": Address("project", _file),
    "p/<uuid:project_id>/inbox/<uuid:conversation_id>/": Address("project", _conversation),
    "p/<uuid:project_id>/inbox/<uuid:conversation_id>/messages": Address("project", _conversation),
    "p/<uuid:project_id>/inbox/<uuid:conversation_id>/state": Address("project", _conversation),
    "p/<uuid:project_id>/inbox/<uuid:conversation_id>/replies": Address("project", _conversation),
    "p/<uuid:project_id>/inbox/<uuid:conversation_id>/person": Address("project", _conversation),
    "p/<uuid:project_id>/inbox/<uuid:conversation_id>/say": Address("project", _conversation),
    "p/<uuid:project_id>/inbox/<uuid:conversation_id>/assign": Address("project", _conversation),
    "p/<uuid:project_id>/inbox/<uuid:conversation_id>/close": Address("project", _conversation),
    "p/<uuid:project_id>/inbox/<uuid:conversation_id>/reopen": Address("project", _conversation),
    "p/<uuid:project_id>/inbox/<uuid:conversation_id>/snooze": Address("project", _conversation),
    "p/<uuid:project_id>/inbox/<uuid:conversation_id>/ticket": Address("project", _conversation),
    "p/<uuid:project_id>/inbox/<uuid:conversation_id>/change": Address("project", _conversation),
    "p/<uuid:project_id>/inbox/<uuid:conversation_id>/rename": Address("project", _conversation),
    "p/<uuid:project_id>/inbox/<uuid:conversation_id>/merge": Address("project", _conversation),
    "p/<uuid:project_id>/inbox/<uuid:conversation_id>/seen": Address("project", _conversation),
    "p/<uuid:project_id>/inbox/<uuid:conversation_id>/looking": Address("project", _conversation),
    "p/<uuid:project_id>/campaigns/": Address("project"),
    "p/<uuid:project_id>/campaigns/now": Address("project"),
    "p/<uuid:project_id>/campaigns/new": Address("project"),
    "p/<uuid:project_id>/campaigns/limits": Address("project"),
    "p/<uuid:project_id>/campaigns/<uuid:campaign_id>/": Address("project", _campaign),
    "p/<uuid:project_id>/campaigns/<uuid:campaign_id>/edit": Address("project", _campaign),
    "p/<uuid:project_id>/campaigns/<uuid:campaign_id>/name": Address("project", _campaign),
    "p/<uuid:project_id>/campaigns/<uuid:campaign_id>/review": Address("project", _campaign),
    "p/<uuid:project_id>/campaigns/<uuid:campaign_id>/start": Address("project", _campaign),
    "p/<uuid:project_id>/campaigns/<uuid:campaign_id>/try": Address("project", _campaign),
    f"{_MESSAGE}/": Address("project", _message),
    f"{_MESSAGE}/save": Address("project", _message),
    f"{_MESSAGE}/begin": Address("project", _message),
    f"{_MESSAGE}/preview": Address("project", _message),
    "p/<uuid:project_id>/campaigns/<uuid:campaign_id>/results": Address("project", _campaign),
    "p/<uuid:project_id>/campaigns/<uuid:campaign_id>/results/now": Address("project", _campaign),
    "p/<uuid:project_id>/campaigns/<uuid:campaign_id>/pause": Address("project", _campaign),
    "p/<uuid:project_id>/campaigns/<uuid:campaign_id>/resume": Address("project", _campaign),
    "p/<uuid:project_id>/campaigns/<uuid:campaign_id>/stop": Address("project", _campaign),
    "p/<uuid:project_id>/campaigns/<uuid:campaign_id>/duplicate": Address("project", _campaign),
    "p/<uuid:project_id>/campaigns/<uuid:campaign_id>/delete": Address("project", _campaign),
    "p/<uuid:project_id>/funnel/": Address("project"),
    "p/<uuid:project_id>/funnel/weeks": Address("project"),
    "p/<uuid:project_id>/funnel/channels": Address("project"),
    "p/<uuid:project_id>/funnel.csv": Address("project"),
    "p/<uuid:project_id>/segments/": Address("project"),
    "p/<uuid:project_id>/segments/new": Address("project"),
    "p/<uuid:project_id>/segments/rail": Address("project"),
    "p/<uuid:project_id>/segments/<uuid:segment_id>/": Address("project", _segment),
    "p/<uuid:project_id>/segments/<uuid:segment_id>/now": Address("project", _segment),
    "p/<uuid:project_id>/segments/<uuid:segment_id>/growth": Address("project", _segment),
    "p/<uuid:project_id>/segments/<uuid:segment_id>/progress": Address("project", _segment),
    "p/<uuid:project_id>/segments/<uuid:segment_id>/moves": Address("project", _segment),
    "p/<uuid:project_id>/segments/<uuid:segment_id>/why": Address("project", _segment),
    "p/<uuid:project_id>/segments/<uuid:segment_id>/why/<uuid:person_id>": Address(
        "project", _segment_and_person
    ),
    "p/<uuid:project_id>/segments/<uuid:segment_id>/name": Address("project", _segment),
    "p/<uuid:project_id>/segments/<uuid:segment_id>/rule": Address("project", _segment),
    "p/<uuid:project_id>/segments/<uuid:segment_id>/copy": Address("project", _segment),
    "p/<uuid:project_id>/segments/<uuid:segment_id>/freeze": Address("project", _segment),
    "p/<uuid:project_id>/segments/<uuid:segment_id>/delete": Address("project", _segment),
    "p/<uuid:project_id>/mail/preview": Address("project"),
    "p/<uuid:project_id>/mail/check": Address("project"),
    "p/<uuid:project_id>/mail/pictures": Address("project"),
    "p/<uuid:project_id>/templates/": Address("project"),
    "p/<uuid:project_id>/templates/new": Address("project"),
    "p/<uuid:project_id>/templates/<uuid:template_id>/": Address("project", _template),
    "p/<uuid:project_id>/templates/<uuid:template_id>/test": Address("project", _template),
    "p/<uuid:project_id>/templates/<uuid:template_id>/save": Address("project", _template),
    "p/<uuid:project_id>/templates/<uuid:template_id>/delete": Address("project", _template),
    "p/<uuid:project_id>/templates/<uuid:template_id>/restore": Address("project", _template),
    "p/<uuid:project_id>/emails/": Address("project"),
    "p/<uuid:project_id>/emails/new": Address("project"),
    "p/<uuid:project_id>/emails/begin": Address("project"),
    "p/<uuid:project_id>/emails/<uuid:email_id>/": Address("project", _email),
    "p/<uuid:project_id>/emails/<uuid:email_id>/save": Address("project", _email),
    "p/<uuid:project_id>/emails/<uuid:email_id>/template": Address("project", _email),
    "p/<uuid:project_id>/emails/<uuid:email_id>/audience": Address("project", _email),
    "p/<uuid:project_id>/emails/<uuid:email_id>/test": Address("project", _email),
    "p/<uuid:project_id>/emails/<uuid:email_id>/review": Address("project", _email),
    "p/<uuid:project_id>/emails/<uuid:email_id>/send": Address("project", _email),
    "p/<uuid:project_id>/emails/<uuid:email_id>/now": Address("project", _email),
    "p/<uuid:project_id>/emails/<uuid:email_id>/people/<slug:number>": Address("project", _email),
    "p/<uuid:project_id>/emails/<uuid:email_id>/message/<uuid:recipient_id>.eml": Address(
        "project", _email
    ),
    "p/<uuid:project_id>/emails/<uuid:email_id>/unknown/<slug:deed>": Address("project", _email),
    "p/<uuid:project_id>/emails/<uuid:email_id>/<slug:deed>": Address("project", _email),
    "p/<uuid:project_id>/settings/": Address("project"),
    "p/<uuid:project_id>/settings/project/": Address("project"),
    "p/<uuid:project_id>/settings/project/delete": Address("project"),
    "p/<uuid:project_id>/settings/tracking/": Address("project"),
    "p/<uuid:project_id>/settings/tracking/board": Address("project"),
    "p/<uuid:project_id>/settings/tracking/events": Address("project"),
    "p/<uuid:project_id>/settings/team/": Address("project"),
    "p/<uuid:project_id>/settings/team/invite": Address("project"),
    "p/<uuid:project_id>/settings/team/invitations/<uuid:invitation_id>/withdraw": Address(
        "project", _invitation
    ),
    "p/<uuid:project_id>/settings/team/<uuid:agent_id>/role": Address("project", _agent),
    "p/<uuid:project_id>/settings/team/<uuid:agent_id>/remove": Address("project", _agent),
    "p/<uuid:project_id>/settings/team/<uuid:agent_id>/reset-link": Address("project", _agent),
    "p/<uuid:project_id>/settings/webhooks/": Address("project"),
    "p/<uuid:project_id>/settings/webhooks/new": Address("project"),
    "p/<uuid:project_id>/settings/webhooks/<uuid:webhook_id>/": Address("project", _webhook),
    "p/<uuid:project_id>/settings/webhooks/<uuid:webhook_id>/deliveries": Address(
        "project", _webhook
    ),
    "p/<uuid:project_id>/settings/webhooks/<uuid:webhook_id>/deliveries/<uuid:delivery_id>/again": (
        Address("project", _delivery)
    ),
    "p/<uuid:project_id>/settings/webhooks/<uuid:webhook_id>/test": Address("project", _webhook),
    "p/<uuid:project_id>/settings/webhooks/<uuid:webhook_id>/switch": Address("project", _webhook),
    "p/<uuid:project_id>/settings/webhooks/<uuid:webhook_id>/secret": Address("project", _webhook),
    "p/<uuid:project_id>/settings/webhooks/<uuid:webhook_id>/delete": Address("project", _webhook),
    "p/<uuid:project_id>/settings/keys/": Address("project"),
    "p/<uuid:project_id>/settings/keys/new": Address("project"),
    "p/<uuid:project_id>/settings/keys/<uuid:key_id>/rotate": Address("project", _key),
    "p/<uuid:project_id>/settings/keys/<uuid:key_id>/revoke": Address("project", _key),
    "p/<uuid:project_id>/settings/audit/": Address("project"),
    "p/<uuid:project_id>/settings/identity/": Address("project"),
    "p/<uuid:project_id>/settings/identity/reveal": Address("project"),
    "p/<uuid:project_id>/settings/identity/replace": Address("project"),
    "p/<uuid:project_id>/settings/identity/enforce": Address("project"),
    "p/<uuid:project_id>/settings/identity/check": Address("project"),
    "p/<uuid:project_id>/settings/look/": Address("project"),
    "p/<uuid:project_id>/settings/look/preview": Address("project"),
    "p/<uuid:project_id>/settings/email/": Address("project"),
    "p/<uuid:project_id>/settings/email/server": Address("project"),
    "p/<uuid:project_id>/settings/email/domains/add": Address("project"),
    "p/<uuid:project_id>/settings/email/domains/<uuid:domain_id>/check": Address(
        "project", _domain
    ),
    "p/<uuid:project_id>/settings/email/domains/<uuid:domain_id>/rotate": Address(
        "project", _domain
    ),
    "p/<uuid:project_id>/settings/email/domains/<uuid:domain_id>/return-path": Address(
        "project", _domain
    ),
    "p/<uuid:project_id>/settings/email/domains/<uuid:domain_id>/remove": Address(
        "project", _domain
    ),
    "p/<uuid:project_id>/settings/email/services/<str:service>/send-by": Address(
        "project", _service
    ),
    "p/<uuid:project_id>/settings/email/service/stop": Address("project"),
    "p/<uuid:project_id>/settings/email/test": Address("project"),
    "p/<uuid:project_id>/settings/email/services/<str:service>/set-up": Address(
        "project", _service
    ),
    "p/<uuid:project_id>/settings/email/services/<str:service>/remove": Address(
        "project", _service
    ),
    "p/<uuid:project_id>/settings/topics/": Address("project"),
    "p/<uuid:project_id>/settings/topics/<uuid:topic_id>/": Address("project", _topic),
    "p/<uuid:project_id>/settings/topics/<uuid:topic_id>/archive": Address("project", _topic),
    "p/<uuid:project_id>/sending/": Address("project"),
    "p/<uuid:project_id>/sending/hold": Address("project"),
    "p/<uuid:project_id>/sending/let-go": Address("project"),
    "p/<uuid:project_id>/sending/outbox/": Address("project"),
    "p/<uuid:project_id>/sending/outbox/emails/<uuid:email_id>/": Address("project", _email),
    "p/<uuid:project_id>/sending/outbox/emails/<uuid:email_id>/<uuid:recipient_id>/": Address(
        "project", _email
    ),
    "p/<uuid:project_id>/sending/outbox/emails/<uuid:email_id>/<uuid:recipient_id>/mail.html": (
        Address("project", _email)
    ),
    "p/<uuid:project_id>/sending/outbox/<uuid:mail_id>/": Address("project", _mail),
    "p/<uuid:project_id>/sending/outbox/<uuid:mail_id>/mail.html": Address("project", _mail),
    "p/<uuid:project_id>/sending/suppressed/": Address("project"),
    "p/<uuid:project_id>/sending/suppressed/add": Address("project"),
    "p/<uuid:project_id>/sending/suppressed/import": Address("project"),
    "p/<uuid:project_id>/sending/suppressed/not-written-to.csv": Address("project"),
    "p/<uuid:project_id>/sending/suppressed/<uuid:suppression_id>/remove": Address(
        "project", _suppression
    ),
    "p/<uuid:project_id>/settings/messenger/": Address("project"),
    "p/<uuid:project_id>/settings/inbox/": Address("project"),
    "p/<uuid:project_id>/settings/replies/": Address("project"),
    "p/<uuid:project_id>/settings/replies/new": Address("project"),
    "p/<uuid:project_id>/settings/replies/preview": Address("project"),
    "p/<uuid:project_id>/settings/replies/<uuid:reply_id>/": Address("project", _saved_reply),
    "p/<uuid:project_id>/settings/replies/<uuid:reply_id>/delete": Address("project", _saved_reply),
    "p/<uuid:project_id>/settings/replies/<uuid:reply_id>/restore": Address(
        "project", _saved_reply
    ),
    "p/<uuid:project_id>/settings/funnel/": Address("project"),
    "p/<uuid:project_id>/settings/funnel/new": Address("project"),
    "p/<uuid:project_id>/settings/funnel/<int:number>/": Address("project", _checkpoint),
    "p/<uuid:project_id>/settings/funnel/<int:number>/move": Address("project", _checkpoint),
    "p/<uuid:project_id>/settings/funnel/<int:number>/delete": Address("project", _checkpoint),
    "p/<uuid:project_id>/settings/notifications/": Address("project"),
    "p/<uuid:project_id>/settings/notifications/away": Address("project"),
    "p/<uuid:project_id>/settings/notifications/subscribe": Address("project"),
    "p/<uuid:project_id>/settings/notifications/unsubscribe": Address("project"),
    "p/<uuid:project_id>/settings/notifications/try": Address("project"),
}
