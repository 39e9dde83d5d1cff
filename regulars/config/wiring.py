"""What is wired to what: consequences of a change, hooks, and the worker's loops.

Called once by each process that serves or works, and by the commands.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from regulars.campaigns import doing, emails, hearing
from regulars.campaigns import settings as sending_settings
from regulars.campaigns.campaigns_following import CampaignsFollow
from regulars.campaigns.campaigns_loop import run_campaigns
from regulars.campaigns.following import EmailsFollow
from regulars.campaigns.heard import EmailRecipients
from regulars.campaigns.ledger import gather_audiences
from regulars.campaigns.sending import send_emails
from regulars.campaigns.upkeep import keep_drafts
from regulars.campaigns.using import campaigns_using
from regulars.config.campaign_deeds import CAMPAIGN_CHECKS, CAMPAIGN_DEEDS
from regulars.events import trimming
from regulars.events.trimming import Follower, trim_outbox
from regulars.funnels import progress
from regulars.funnels.beginning import give_project_its_funnel
from regulars.funnels.kept import keep_reports
from regulars.funnels.upkeep import keep_funnels
from regulars.inbox.following import ConversationsFollow, MailFollows
from regulars.inbox.mail_in import take_mail_in
from regulars.inbox.notes_following import NotesFollow
from regulars.inbox.notes_upkeep import forget_deleted_notes
from regulars.inbox.notices import tell_by_email
from regulars.inbox.push_news import push_news
from regulars.inbox.upkeep import keep_conversations
from regulars.mail import feedback, picture_upkeep
from regulars.mail import sending as mail_sending
from regulars.mail.sending import send_mail
from regulars.mail.upkeep import keep_mail
from regulars.people import changes, export
from regulars.people.bulk import work_off
from regulars.people.bulk_actions import ACTIONS
from regulars.people.bulk_jobs import ForgetBulkChanges
from regulars.people.erasure import Erasing
from regulars.people.imports import jobs as imports
from regulars.people.imports.file_rows import ForgetImported
from regulars.people.imports.working import bring_people_in
from regulars.people.merge import Merging
from regulars.people.packed.keeping import keep_packs
from regulars.public.rest.idempotency import ForgetAnswers
from regulars.reports import state as counts_state
from regulars.reports.following import CountsFollow
from regulars.reports.keeping import keep_counts
from regulars.segments import builtin, steps
from regulars.segments import queries as segment_queries
from regulars.segments.bulk_picking import AddToSegment, RemoveFromSegment
from regulars.segments.clock import move_people_by_time
from regulars.segments.filling import fill_segments
from regulars.segments.membership import Membership
from regulars.segments.upkeep import keep_segments
from regulars.tracking.housekeeping import keep_house
from regulars.tracking.refusals import ForgetRefusals
from regulars.webhooks import deliveries
from regulars.webhooks.following import DeliveriesFollow
from regulars.webhooks.sending import tell_webhooks
from regulars.workspaces import removal
from regulars.workspaces.projects import after_project_created
from regulars.workspaces.removal import remove_projects
from regulars.workspaces.upkeep import keep_clear

Loop = Callable[[threading.Event], None]

# What the worker runs, each in a thread of its own, for as long as the process lives.
LOOPS: tuple[Loop, ...] = (
    keep_counts,
    move_people_by_time, fill_segments, keep_segments, work_off, bring_people_in,
    keep_house, trim_outbox, keep_clear, remove_projects,
    forget_deleted_notes, send_mail, tell_by_email, take_mail_in, push_news,
    keep_conversations, tell_webhooks, gather_audiences, run_campaigns, keep_mail, send_emails,
    keep_funnels, keep_reports, keep_drafts, keep_packs,
)  # fmt: skip


def wire() -> None:
    """Register who follows whom. Erasure comes last: what refers to a person goes before them."""
    changes.CONSEQUENCES[:] = [
        CountsFollow(),
        Merging(), Membership(),
        progress.Progress(),
        ForgetAnswers(), ForgetRefusals(), ForgetBulkChanges(),
        ForgetImported(),
        NotesFollow(), ConversationsFollow(), MailFollows(), EmailsFollow(), CampaignsFollow(),
        DeliveriesFollow(), Erasing(),
    ]  # fmt: skip
    trimming.FOLLOWERS[:] = [
        Follower("counts", counts_state.place),
        Follower("campaigns", hearing.place),
        Follower("webhooks", deliveries.place),
    ]
    doing.DEEDS.update(CAMPAIGN_DEEDS)
    doing.CHECKS.update(CAMPAIGN_CHECKS)
    picture_upkeep.NAMED_ABOVE[:] = emails.NAMES_PICTURES
    feedback.LEDGERS[:] = [EmailRecipients(), feedback.OutgoingMail()]
    mail_sending.WAY[:] = [sending_settings.way_of]
    ACTIONS.update(segment_add=AddToSegment(), segment_remove=RemoveFromSegment())
    steps.FOLLOWERS[:] = [progress.Filling()]
    segment_queries.USERS[:] = [campaigns_using]
    after_project_created[:] = [builtin.give_project_its_segments, give_project_its_funnel]
    removal.FILES[:] = [export.forget_files, imports.forget_files]
