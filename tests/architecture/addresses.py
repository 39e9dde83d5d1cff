"""Every address that Django serves: who may open it, and what fills its parts.

A line for each URL pattern; `test_stranger` fails for one that is missing, and tries them all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.architecture import things
from tests.cast import Cast

Parts = Callable[[Cast], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Address:
    """Who may open a URL pattern, and what fills its parts (of Alice's project) but the project."""

    opens_to: str  # "everybody", "agents" or "project"
    parts: Parts = lambda _cast: {}


_MESSAGE = "p/<uuid:project_id>/campaigns/<uuid:campaign_id>/message/<str:step_id>/<str:variant_id>"

ADDRESSES: dict[str, Address] = {
    # Doors that stand open: they show nothing of a project without its token.
    "signin": Address("everybody"),
    "push-worker.js": Address("everybody"),
    "signin/code": Address("everybody"),
    "signin/forgotten": Address("everybody"),
    "signout": Address("everybody"),
    "first-sign-in/<str:token>": Address("everybody", things.reset_token),
    "reset/<str:token>": Address("everybody", things.reset_token),
    "invite/<str:token>": Address("everybody", things.invitation_token),
    # What belongs to whoever is signed in.
    "": Address("agents"),
    "welcome": Address("agents"),
    "projects/new": Address("agents"),
    "projects/<uuid:removed_id>/removal": Address("agents", things.removal),
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
    "p/<uuid:project_id>/people/bulk/<uuid:job_id>/cancel": Address("project", things.export),
    "p/<uuid:project_id>/people/bulk/<uuid:job_id>/undo": Address("project", things.export),
    "p/<uuid:project_id>/people/bulk/<uuid:job_id>/close": Address("project", things.export),
    "p/<uuid:project_id>/people/bulk/<uuid:job_id>/people.csv": Address("project", things.export),
    "p/<uuid:project_id>/people/import/": Address("project"),
    "p/<uuid:project_id>/people/import/<uuid:import_id>/": Address("project", things.people_import),
    "p/<uuid:project_id>/people/import/<uuid:import_id>/now": Address(
        "project", things.people_import
    ),
    "p/<uuid:project_id>/people/import/<uuid:import_id>/change": Address(
        "project", things.people_import
    ),
    "p/<uuid:project_id>/people/import/<uuid:import_id>/start": Address(
        "project", things.people_import
    ),
    "p/<uuid:project_id>/people/import/<uuid:import_id>/cancel": Address(
        "project", things.people_import
    ),
    "p/<uuid:project_id>/people/import/<uuid:import_id>/undo": Address(
        "project", things.people_import
    ),
    "p/<uuid:project_id>/people/import/<uuid:import_id>/refused.csv": Address(
        "project", things.people_import
    ),
    "p/<uuid:project_id>/people/<uuid:person_id>/": Address("project", things.person),
    "p/<uuid:project_id>/people/<uuid:person_id>/now": Address("project", things.person),
    "p/<uuid:project_id>/people/<uuid:person_id>/timeline": Address("project", things.person),
    "p/<uuid:project_id>/people/<uuid:person_id>/facts": Address("project", things.person),
    "p/<uuid:project_id>/people/<uuid:person_id>/attributes": Address("project", things.person),
    "p/<uuid:project_id>/people/<uuid:person_id>/tags": Address("project", things.person),
    "p/<uuid:project_id>/people/<uuid:person_id>/erase": Address("project", things.person),
    "p/<uuid:project_id>/people/<uuid:person_id>/notes/": Address("project", things.person),
    "p/<uuid:project_id>/people/<uuid:person_id>/notes/<uuid:note_id>/edit": Address(
        "project", things.note
    ),
    "p/<uuid:project_id>/people/<uuid:person_id>/notes/<uuid:note_id>/share": Address(
        "project", things.note
    ),
    "p/<uuid:project_id>/people/<uuid:person_id>/notes/<uuid:note_id>/pin": Address(
        "project", things.note
    ),
    "p/<uuid:project_id>/people/<uuid:person_id>/notes/<uuid:note_id>/history": Address(
        "project", things.note
    ),
    "p/<uuid:project_id>/people/<uuid:person_id>/notes/<uuid:note_id>/delete": Address(
        "project", things.note
    ),
    "p/<uuid:project_id>/people/<uuid:person_id>/notes/<uuid:note_id>/restore": Address(
        "project", things.note
    ),
    "p/<uuid:project_id>/people/<uuid:person_id>/merge/": Address("project", things.person),
    "p/<uuid:project_id>/people/<uuid:person_id>/merge/<uuid:gone_id>/": Address(
        "project", things.two_people
    ),
    "p/<uuid:project_id>/people/<uuid:person_id>/merge/<uuid:gone_id>/dismiss": Address(
        "project", things.two_people
    ),
    "p/<uuid:project_id>/merges/<uuid:merge_id>/undo": Address("project", things.merge),
    "p/<uuid:project_id>/now": Address("project"),
    "p/<uuid:project_id>/cards": Address("project"),
    "p/<uuid:project_id>/search/": Address("project"),
    "p/<uuid:project_id>/search/palette": Address("project"),
    "p/<uuid:project_id>/reports/": Address("project"),
    "p/<uuid:project_id>/reports/table.csv": Address("project"),
    "p/<uuid:project_id>/reports/views/save": Address("project"),
    "p/<uuid:project_id>/reports/views/<uuid:view_id>/delete": Address("project", things.view),
    "p/<uuid:project_id>/steps/away": Address("project"),
    "p/<uuid:project_id>/inbox/": Address("project"),
    "p/<uuid:project_id>/inbox/rows": Address("project"),
    "p/<uuid:project_id>/inbox/news": Address("project"),
    "p/<uuid:project_id>/inbox/search": Address("project"),
    "p/<uuid:project_id>/inbox/files": Address("project"),
    "p/<uuid:project_id>/inbox/files/<uuid:file_id>": Address("project", things.file),
    "p/<uuid:project_id>/inbox/<uuid:conversation_id>/": Address("project", things.conversation),
    "p/<uuid:project_id>/inbox/<uuid:conversation_id>/messages": Address(
        "project", things.conversation
    ),
    "p/<uuid:project_id>/inbox/<uuid:conversation_id>/state": Address(
        "project", things.conversation
    ),
    "p/<uuid:project_id>/inbox/<uuid:conversation_id>/replies": Address(
        "project", things.conversation
    ),
    "p/<uuid:project_id>/inbox/<uuid:conversation_id>/person": Address(
        "project", things.conversation
    ),
    "p/<uuid:project_id>/inbox/<uuid:conversation_id>/say": Address("project", things.conversation),
    "p/<uuid:project_id>/inbox/<uuid:conversation_id>/assign": Address(
        "project", things.conversation
    ),
    "p/<uuid:project_id>/inbox/<uuid:conversation_id>/close": Address(
        "project", things.conversation
    ),
    "p/<uuid:project_id>/inbox/<uuid:conversation_id>/reopen": Address(
        "project", things.conversation
    ),
    "p/<uuid:project_id>/inbox/<uuid:conversation_id>/snooze": Address(
        "project", things.conversation
    ),
    "p/<uuid:project_id>/inbox/<uuid:conversation_id>/ticket": Address(
        "project", things.conversation
    ),
    "p/<uuid:project_id>/inbox/<uuid:conversation_id>/change": Address(
        "project", things.conversation
    ),
    "p/<uuid:project_id>/inbox/<uuid:conversation_id>/rename": Address(
        "project", things.conversation
    ),
    "p/<uuid:project_id>/inbox/<uuid:conversation_id>/merge": Address(
        "project", things.conversation
    ),
    "p/<uuid:project_id>/inbox/<uuid:conversation_id>/seen": Address(
        "project", things.conversation
    ),
    "p/<uuid:project_id>/inbox/<uuid:conversation_id>/looking": Address(
        "project", things.conversation
    ),
    "p/<uuid:project_id>/campaigns/": Address("project"),
    "p/<uuid:project_id>/campaigns/now": Address("project"),
    "p/<uuid:project_id>/campaigns/new": Address("project"),
    "p/<uuid:project_id>/campaigns/limits": Address("project"),
    "p/<uuid:project_id>/campaigns/<uuid:campaign_id>/": Address("project", things.campaign),
    "p/<uuid:project_id>/campaigns/<uuid:campaign_id>/edit": Address("project", things.campaign),
    "p/<uuid:project_id>/campaigns/<uuid:campaign_id>/name": Address("project", things.campaign),
    "p/<uuid:project_id>/campaigns/<uuid:campaign_id>/review": Address("project", things.campaign),
    "p/<uuid:project_id>/campaigns/<uuid:campaign_id>/start": Address("project", things.campaign),
    "p/<uuid:project_id>/campaigns/<uuid:campaign_id>/try": Address("project", things.campaign),
    f"{_MESSAGE}/": Address("project", things.message),
    f"{_MESSAGE}/save": Address("project", things.message),
    f"{_MESSAGE}/begin": Address("project", things.message),
    f"{_MESSAGE}/preview": Address("project", things.message),
    "p/<uuid:project_id>/campaigns/<uuid:campaign_id>/results": Address("project", things.campaign),
    "p/<uuid:project_id>/campaigns/<uuid:campaign_id>/results/now": Address(
        "project", things.campaign
    ),
    "p/<uuid:project_id>/campaigns/<uuid:campaign_id>/pause": Address("project", things.campaign),
    "p/<uuid:project_id>/campaigns/<uuid:campaign_id>/resume": Address("project", things.campaign),
    "p/<uuid:project_id>/campaigns/<uuid:campaign_id>/stop": Address("project", things.campaign),
    "p/<uuid:project_id>/campaigns/<uuid:campaign_id>/duplicate": Address(
        "project", things.campaign
    ),
    "p/<uuid:project_id>/campaigns/<uuid:campaign_id>/delete": Address("project", things.campaign),
    "p/<uuid:project_id>/funnel/": Address("project"),
    "p/<uuid:project_id>/funnel/weeks": Address("project"),
    "p/<uuid:project_id>/funnel/channels": Address("project"),
    "p/<uuid:project_id>/funnel.csv": Address("project"),
    "p/<uuid:project_id>/segments/": Address("project"),
    "p/<uuid:project_id>/segments/new": Address("project"),
    "p/<uuid:project_id>/segments/rail": Address("project"),
    "p/<uuid:project_id>/segments/<uuid:segment_id>/": Address("project", things.segment),
    "p/<uuid:project_id>/segments/<uuid:segment_id>/now": Address("project", things.segment),
    "p/<uuid:project_id>/segments/<uuid:segment_id>/growth": Address("project", things.segment),
    "p/<uuid:project_id>/segments/<uuid:segment_id>/progress": Address("project", things.segment),
    "p/<uuid:project_id>/segments/<uuid:segment_id>/moves": Address("project", things.segment),
    "p/<uuid:project_id>/segments/<uuid:segment_id>/why": Address("project", things.segment),
    "p/<uuid:project_id>/segments/<uuid:segment_id>/why/<uuid:person_id>": Address(
        "project", things.segment_and_person
    ),
    "p/<uuid:project_id>/segments/<uuid:segment_id>/name": Address("project", things.segment),
    "p/<uuid:project_id>/segments/<uuid:segment_id>/rule": Address("project", things.segment),
    "p/<uuid:project_id>/segments/<uuid:segment_id>/copy": Address("project", things.segment),
    "p/<uuid:project_id>/segments/<uuid:segment_id>/freeze": Address("project", things.segment),
    "p/<uuid:project_id>/segments/<uuid:segment_id>/delete": Address("project", things.segment),
    "p/<uuid:project_id>/mail/preview": Address("project"),
    "p/<uuid:project_id>/mail/check": Address("project"),
    "p/<uuid:project_id>/mail/pictures": Address("project"),
    "p/<uuid:project_id>/templates/": Address("project"),
    "p/<uuid:project_id>/templates/new": Address("project"),
    "p/<uuid:project_id>/templates/<uuid:template_id>/": Address("project", things.template),
    "p/<uuid:project_id>/templates/<uuid:template_id>/test": Address("project", things.template),
    "p/<uuid:project_id>/templates/<uuid:template_id>/save": Address("project", things.template),
    "p/<uuid:project_id>/templates/<uuid:template_id>/delete": Address("project", things.template),
    "p/<uuid:project_id>/templates/<uuid:template_id>/restore": Address("project", things.template),
    "p/<uuid:project_id>/emails/": Address("project"),
    "p/<uuid:project_id>/emails/new": Address("project"),
    "p/<uuid:project_id>/emails/begin": Address("project"),
    "p/<uuid:project_id>/emails/<uuid:email_id>/": Address("project", things.email),
    "p/<uuid:project_id>/emails/<uuid:email_id>/save": Address("project", things.email),
    "p/<uuid:project_id>/emails/<uuid:email_id>/template": Address("project", things.email),
    "p/<uuid:project_id>/emails/<uuid:email_id>/audience": Address("project", things.email),
    "p/<uuid:project_id>/emails/<uuid:email_id>/test": Address("project", things.email),
    "p/<uuid:project_id>/emails/<uuid:email_id>/review": Address("project", things.email),
    "p/<uuid:project_id>/emails/<uuid:email_id>/send": Address("project", things.email),
    "p/<uuid:project_id>/emails/<uuid:email_id>/now": Address("project", things.email),
    "p/<uuid:project_id>/emails/<uuid:email_id>/people/<slug:number>": Address(
        "project", things.email
    ),
    "p/<uuid:project_id>/emails/<uuid:email_id>/message/<uuid:recipient_id>.eml": Address(
        "project", things.email
    ),
    "p/<uuid:project_id>/emails/<uuid:email_id>/unknown/<slug:deed>": Address(
        "project", things.email
    ),
    "p/<uuid:project_id>/emails/<uuid:email_id>/<slug:deed>": Address("project", things.email),
    "p/<uuid:project_id>/settings/": Address("project"),
    "p/<uuid:project_id>/settings/project/": Address("project"),
    "p/<uuid:project_id>/settings/project/delete": Address("project"),
    "p/<uuid:project_id>/settings/tracking/": Address("project"),
    "p/<uuid:project_id>/settings/tracking/board": Address("project"),
    "p/<uuid:project_id>/settings/tracking/events": Address("project"),
    "p/<uuid:project_id>/settings/team/": Address("project"),
    "p/<uuid:project_id>/settings/team/invite": Address("project"),
    "p/<uuid:project_id>/settings/team/invitations/<uuid:invitation_id>/withdraw": Address(
        "project", things.invitation
    ),
    "p/<uuid:project_id>/settings/team/<uuid:agent_id>/role": Address("project", things.agent),
    "p/<uuid:project_id>/settings/team/<uuid:agent_id>/remove": Address("project", things.agent),
    "p/<uuid:project_id>/settings/team/<uuid:agent_id>/reset-link": Address(
        "project", things.agent
    ),
    "p/<uuid:project_id>/settings/webhooks/": Address("project"),
    "p/<uuid:project_id>/settings/webhooks/new": Address("project"),
    "p/<uuid:project_id>/settings/webhooks/<uuid:webhook_id>/": Address("project", things.webhook),
    "p/<uuid:project_id>/settings/webhooks/<uuid:webhook_id>/deliveries": Address(
        "project", things.webhook
    ),
    "p/<uuid:project_id>/settings/webhooks/<uuid:webhook_id>/deliveries/<uuid:delivery_id>/again": (
        Address("project", things.delivery)
    ),
    "p/<uuid:project_id>/settings/webhooks/<uuid:webhook_id>/test": Address(
        "project", things.webhook
    ),
    "p/<uuid:project_id>/settings/webhooks/<uuid:webhook_id>/switch": Address(
        "project", things.webhook
    ),
    "p/<uuid:project_id>/settings/webhooks/<uuid:webhook_id>/secret": Address(
        "project", things.webhook
    ),
    "p/<uuid:project_id>/settings/webhooks/<uuid:webhook_id>/delete": Address(
        "project", things.webhook
    ),
    "p/<uuid:project_id>/settings/keys/": Address("project"),
    "p/<uuid:project_id>/settings/keys/new": Address("project"),
    "p/<uuid:project_id>/settings/keys/<uuid:key_id>/rotate": Address("project", things.key),
    "p/<uuid:project_id>/settings/keys/<uuid:key_id>/revoke": Address("project", things.key),
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
        "project", things.domain
    ),
    "p/<uuid:project_id>/settings/email/domains/<uuid:domain_id>/rotate": Address(
        "project", things.domain
    ),
    "p/<uuid:project_id>/settings/email/domains/<uuid:domain_id>/return-path": Address(
        "project", things.domain
    ),
    "p/<uuid:project_id>/settings/email/domains/<uuid:domain_id>/remove": Address(
        "project", things.domain
    ),
    "p/<uuid:project_id>/settings/email/services/<str:service>/send-by": Address(
        "project", things.service
    ),
    "p/<uuid:project_id>/settings/email/service/stop": Address("project"),
    "p/<uuid:project_id>/settings/email/test": Address("project"),
    "p/<uuid:project_id>/settings/email/services/<str:service>/set-up": Address(
        "project", things.service
    ),
    "p/<uuid:project_id>/settings/email/services/<str:service>/remove": Address(
        "project", things.service
    ),
    "p/<uuid:project_id>/settings/topics/": Address("project"),
    "p/<uuid:project_id>/settings/topics/<uuid:topic_id>/": Address("project", things.topic),
    "p/<uuid:project_id>/settings/topics/<uuid:topic_id>/archive": Address("project", things.topic),
    "p/<uuid:project_id>/sending/": Address("project"),
    "p/<uuid:project_id>/sending/hold": Address("project"),
    "p/<uuid:project_id>/sending/let-go": Address("project"),
    "p/<uuid:project_id>/sending/outbox/": Address("project"),
    "p/<uuid:project_id>/sending/outbox/emails/<uuid:email_id>/": Address("project", things.email),
    "p/<uuid:project_id>/sending/outbox/emails/<uuid:email_id>/<uuid:recipient_id>/": Address(
        "project", things.email
    ),
    "p/<uuid:project_id>/sending/outbox/emails/<uuid:email_id>/<uuid:recipient_id>/mail.html": (
        Address("project", things.email)
    ),
    "p/<uuid:project_id>/sending/outbox/<uuid:mail_id>/": Address("project", things.mail),
    "p/<uuid:project_id>/sending/outbox/<uuid:mail_id>/mail.html": Address("project", things.mail),
    "p/<uuid:project_id>/sending/suppressed/": Address("project"),
    "p/<uuid:project_id>/sending/suppressed/add": Address("project"),
    "p/<uuid:project_id>/sending/suppressed/import": Address("project"),
    "p/<uuid:project_id>/sending/suppressed/not-written-to.csv": Address("project"),
    "p/<uuid:project_id>/sending/suppressed/<uuid:suppression_id>/remove": Address(
        "project", things.suppression
    ),
    "p/<uuid:project_id>/settings/messenger/": Address("project"),
    "p/<uuid:project_id>/settings/inbox/": Address("project"),
    "p/<uuid:project_id>/settings/replies/": Address("project"),
    "p/<uuid:project_id>/settings/replies/new": Address("project"),
    "p/<uuid:project_id>/settings/replies/preview": Address("project"),
    "p/<uuid:project_id>/settings/replies/<uuid:reply_id>/": Address("project", things.saved_reply),
    "p/<uuid:project_id>/settings/replies/<uuid:reply_id>/delete": Address(
        "project", things.saved_reply
    ),
    "p/<uuid:project_id>/settings/replies/<uuid:reply_id>/restore": Address(
        "project", things.saved_reply
    ),
    "p/<uuid:project_id>/settings/funnel/": Address("project"),
    "p/<uuid:project_id>/settings/funnel/new": Address("project"),
    "p/<uuid:project_id>/settings/funnel/<int:number>/": Address("project", things.checkpoint),
    "p/<uuid:project_id>/settings/funnel/<int:number>/move": Address("project", things.checkpoint),
    "p/<uuid:project_id>/settings/funnel/<int:number>/delete": Address(
        "project", things.checkpoint
    ),
    "p/<uuid:project_id>/settings/notifications/": Address("project"),
    "p/<uuid:project_id>/settings/notifications/away": Address("project"),
    "p/<uuid:project_id>/settings/notifications/subscribe": Address("project"),
    "p/<uuid:project_id>/settings/notifications/unsubscribe": Address("project"),
    "p/<uuid:project_id>/settings/notifications/try": Address("project"),
}
