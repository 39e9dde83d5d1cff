"""Every address that Django serves. The rest (tracking, the tracker, the demo) never gets here.

Addresses below `/p/<project_id>/` belong to a project and open through `access.agent_view`.
tests/architecture/test_stranger.py has a line for each pattern.
"""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from regulars.console import (
    account,
    audit,
    bulk,
    campaigns,
    campaigns_editor,
    campaigns_limits,
    campaigns_results,
    campaigns_running,
    email_domains,
    email_services,
    email_settings,
    email_topics,
    filters,
    home,
    identity,
    inbox,
    inbox_actions,
    inbox_files,
    inbox_person,
    inbox_settings,
    inbox_thread,
    invite,
    keys,
    live,
    merge,
    messenger_settings,
    new_people,
    new_talk,
    notes,
    notifications,
    outbox,
    people,
    picking,
    profile,
    profile_edits,
    project_settings,
    push,
    reports,
    saved_replies,
    search,
    segments,
    segments_edits,
    segments_freeze,
    segments_page,
    segments_why,
    sending,
    signin,
    suppressed,
    team,
    tracking,
    welcome,
)

_entrance: list[URLPattern | URLResolver] = [
    path("signin", signin.sign_in_view, name="account_login"),
    path("signin/code", signin.second_step, name="mfa_authenticate"),
    path("signin/forgotten", signin.forgotten, name="forgotten"),
    path("signout", signin.sign_out, name="account_logout"),
    path("first-sign-in/<str:token>", signin.first_sign_in, name="first_sign_in"),
    path("reset/<str:token>", signin.reset, name="reset"),
    path("invite/<str:token>", invite.invitation, name="invitation"),
]

_account: list[URLPattern | URLResolver] = [
    path("", account.account, name="account"),
    path("details", account.change_details, name="account_details"),
    path("password", account.change_password, name="account_password"),
    path("confirm", account.ConfirmByPassword.as_view(), name="account_reauthenticate"),
    path("confirm/code", account.ConfirmByCode.as_view(), name="mfa_reauthenticate"),
    path("two-step/on", account.TurnTwoStepOn.as_view(), name="mfa_activate_totp"),
    path("two-step/off", account.TurnTwoStepOff.as_view(), name="mfa_deactivate_totp"),
    path("two-step/codes", account.RecoveryCodes.as_view(), name="mfa_view_recovery_codes"),
    path(
        "two-step/codes/new",
        account.NewRecoveryCodes.as_view(),
        name="mfa_generate_recovery_codes",
    ),
]

_email_settings: list[URLPattern | URLResolver] = [
    path("", email_settings.email_settings, name="email_settings"),
    path("domains/add", email_domains.add, name="add_domain"),
    path("domains/<uuid:domain_id>/check", email_domains.check, name="check_domain"),
    path("domains/<uuid:domain_id>/rotate", email_domains.rotate, name="rotate_domain"),
    path("domains/<uuid:domain_id>/return-path", email_domains.return_path, name="return_path"),
    path("domains/<uuid:domain_id>/remove", email_domains.remove, name="remove_domain"),
    path("services/<str:service>/set-up", email_services.set_up, name="set_up_service"),
    path("services/<str:service>/remove", email_services.remove, name="remove_service"),
]

_settings: list[URLPattern | URLResolver] = [
    path("", project_settings.index, name="settings"),
    path("project/", project_settings.project_settings, name="project_settings"),
    path("team/", team.team, name="team"),
    path("team/invite", team.invite, name="invite"),
    path(
        "team/invitations/<uuid:invitation_id>/withdraw",
        team.withdraw,
        name="withdraw_invitation",
    ),
    path("team/<uuid:agent_id>/role", team.change_role, name="change_role"),
    path("team/<uuid:agent_id>/remove", team.remove, name="remove_agent"),
    path("team/<uuid:agent_id>/reset-link", team.reset_link, name="team_reset_link"),
    path("keys/", keys.keys, name="keys"),
    path("keys/new", keys.make_key, name="make_key"),
    path("keys/<uuid:key_id>/rotate", keys.rotate_key, name="rotate_key"),
    path("keys/<uuid:key_id>/revoke", keys.revoke_key, name="revoke_key"),
    path("audit/", audit.audit, name="audit"),
    path("email/", include(_email_settings)),
    path("topics/", email_topics.topics_page, name="topics"),
    path("topics/<uuid:topic_id>/", email_topics.topic, name="topic"),
    path("topics/<uuid:topic_id>/archive", email_topics.archive, name="archive_topic"),
    path("tracking/", tracking.tracking, name="tracking"),
    path("tracking/board", tracking.board, name="tracking_board"),
    path("tracking/events", tracking.events, name="tracking_events"),
    path("identity/", identity.identity, name="identity"),
    path("identity/reveal", identity.reveal, name="reveal_identity_secret"),
    path("identity/replace", identity.replace, name="replace_identity_secret"),
    path("identity/enforce", identity.enforce, name="enforce_identity"),
    path("identity/check", identity.check, name="check_identity"),
    path("messenger/", messenger_settings.messenger, name="messenger_settings"),
    path("inbox/", inbox_settings.inbox_settings, name="inbox_settings"),
    path("replies/", saved_replies.replies, name="saved_replies"),
    path("replies/new", saved_replies.new, name="new_saved_reply"),
    path("replies/preview", saved_replies.preview, name="preview_saved_reply"),
    path("replies/<uuid:reply_id>/", saved_replies.reply, name="saved_reply"),
    path("replies/<uuid:reply_id>/delete", saved_replies.delete, name="delete_saved_reply"),
    path("replies/<uuid:reply_id>/restore", saved_replies.restore, name="restore_saved_reply"),
    path("notifications/", notifications.notifications, name="notifications"),
    path("notifications/away", notifications.away, name="away"),
    path("notifications/subscribe", push.subscribe, name="subscribe_push"),
    path("notifications/unsubscribe", push.unsubscribe, name="unsubscribe_push"),
    path("notifications/try", push.try_it, name="try_push"),
]

_sending: list[URLPattern | URLResolver] = [
    path("", sending.sending, name="sending"),
    path("outbox/", outbox.outbox, name="outbox"),
    path("outbox/<uuid:mail_id>/", outbox.outbox_mail, name="outbox_mail"),
    path("outbox/<uuid:mail_id>/mail.html", outbox.outbox_html, name="outbox_html"),
    path("suppressed/", suppressed.suppressed, name="suppressed"),
    path("suppressed/add", suppressed.add, name="suppress"),
    path("suppressed/import", suppressed.import_file, name="suppressed_import"),
    path("suppressed/not-written-to.csv", suppressed.export_file, name="suppressed_file"),
    path("suppressed/<uuid:suppression_id>/remove", suppressed.remove, name="allow"),
]

_notes: list[URLPattern | URLResolver] = [
    path("", notes.add, name="add_note"),
    path("<uuid:note_id>/edit", notes.edit, name="note_edit"),
    path("<uuid:note_id>/share", notes.share, name="note_share"),
    path("<uuid:note_id>/pin", notes.pin, name="note_pin"),
    path("<uuid:note_id>/history", notes.history, name="note_history"),
    path("<uuid:note_id>/delete", notes.delete, name="note_delete"),
    path("<uuid:note_id>/restore", notes.restore, name="note_restore"),
]

_person: list[URLPattern | URLResolver] = [
    path("", profile.profile, name="profile"),
    path("now", profile.now, name="profile_now"),
    path("timeline", profile.timeline, name="profile_timeline"),
    path("facts", profile_edits.fact, name="change_fact"),
    path("attributes", profile_edits.attribute, name="add_attribute"),
    path("tags", profile_edits.tags, name="change_tags"),
    path("erase", profile_edits.erase, name="erase"),
    path("notes/", include(_notes)),
    path("merge/", merge.choose, name="choose_merge"),
    path("merge/<uuid:gone_id>/", merge.merge, name="merge"),
    path("merge/<uuid:gone_id>/dismiss", merge.dismiss, name="dismiss_merge"),
]

_bulk: list[URLPattern | URLResolver] = [
    path("start", bulk.start, name="bulk_start"),
    path("jobs", bulk.jobs, name="bulk_jobs"),
    path("count", bulk.count, name="bulk_count"),
    path("segments", bulk.segments, name="bulk_segments"),
    path("tags", bulk.tags, name="bulk_tags"),
    path("<uuid:job_id>/cancel", bulk.cancel, name="bulk_cancel"),
    path("<uuid:job_id>/undo", bulk.undo, name="bulk_undo"),
    path("<uuid:job_id>/close", bulk.close, name="bulk_close"),
    path("<uuid:job_id>/people.csv", bulk.download, name="bulk_file"),
]

_people: list[URLPattern | URLResolver] = [
    path("", people.people, name="people"),
    path("rows", people.people_rows, name="people_rows"),
    path("count", people.people_count, name="people_count"),
    path("counts", people.people_counts, name="people_counts"),
    path("columns", people.people_columns_chosen, name="people_columns"),
    path("pick", picking.pick, name="pick_person"),
    path("bulk/", include(_bulk)),
]

_filters: list[URLPattern | URLResolver] = [
    path("catalog", filters.catalog, name="filter_catalog"),
    path("values", filters.suggestions, name="filter_values"),
    path("properties", filters.properties, name="filter_properties"),
]

_segment: list[URLPattern | URLResolver] = [
    path("", segments_page.segment, name="segment"),
    path("now", segments_page.now, name="segment_now"),
    path("growth", segments_page.growth, name="segment_growth"),
    path("progress", segments_page.progress, name="segment_progress"),
    path("moves", segments_page.moves, name="segment_moves"),
    path("why", segments_why.why, name="segment_why"),
    path("why/<uuid:person_id>", segments_why.why_of_person, name="segment_why_person"),
    path("name", segments_edits.rename, name="segment_name"),
    path("rule", segments_edits.change_rule, name="segment_rule"),
    path("copy", segments_edits.duplicate, name="segment_copy"),
    path("freeze", segments_freeze.freeze, name="segment_freeze"),
    path("delete", segments_edits.delete, name="segment_delete"),
]

_conversation: list[URLPattern | URLResolver] = [
    path("", inbox_thread.conversation, name="conversation"),
    path("messages", inbox_thread.messages, name="conversation_messages"),
    path("state", inbox_thread.state, name="conversation_state"),
    path("replies", inbox_thread.replies, name="conversation_replies"),
    path("person", inbox_person.person, name="conversation_person"),
    path("say", inbox_actions.say, name="say"),
    path("assign", inbox_actions.assign, name="assign_conversation"),
    path("close", inbox_actions.close, name="close_conversation"),
    path("reopen", inbox_actions.reopen, name="reopen_conversation"),
    path("snooze", inbox_actions.snooze, name="snooze_conversation"),
    path("ticket", inbox_actions.ticket, name="ticket_conversation"),
    path("change", inbox_actions.change, name="change_ticket"),
    path("rename", inbox_actions.rename, name="rename_conversation"),
    path("merge", inbox_actions.merge, name="merge_conversation"),
    path("seen", inbox_actions.seen, name="see_conversation"),
    path("looking", inbox_actions.looking, name="look_at_conversation"),
]

_inbox: list[URLPattern | URLResolver] = [
    path("", inbox.inbox, name="inbox"),
    path("rows", inbox.rows, name="inbox_rows"),
    path("news", inbox.news, name="inbox_news"),
    path("search", inbox.search, name="inbox_search"),
    path("files", inbox_files.upload, name="inbox_upload"),
    path("files/<uuid:file_id>", inbox_files.file, name="inbox_file"),
    path("<uuid:conversation_id>/", include(_conversation)),
]

_campaign: list[URLPattern | URLResolver] = [
    path("", campaigns_editor.editor, name="campaign"),
    path("edit", campaigns_editor.edit, name="campaign_edit"),
    path("name", campaigns_editor.rename, name="campaign_name"),
    path("review", campaigns_running.review, name="campaign_review"),
    path("start", campaigns_running.start, name="campaign_start"),
    path("try", campaigns_running.try_it, name="campaign_try"),
    path("results", campaigns_results.results, name="campaign_results"),
    path("results/now", campaigns_results.now, name="campaign_results_now"),
    path("pause", campaigns.act, {"action": "pause"}, name="campaign_pause"),
    path("resume", campaigns.act, {"action": "resume"}, name="campaign_resume"),
    path("stop", campaigns.act, {"action": "stop"}, name="campaign_stop"),
    path("duplicate", campaigns.duplicate, name="campaign_duplicate"),
    path("delete", campaigns.delete, name="campaign_delete"),
]

_project: list[URLPattern | URLResolver] = [
    path("", home.project_home, name="project_home"),
    path("now", home.home_now, name="home_now"),
    path("search/", search.search, name="search"),
    path("search/palette", search.palette, name="palette"),
    path("reports/", reports.reports, name="reports"),
    path("reports/table.csv", reports.reports_csv, name="reports_csv"),
    path("steps/away", home.put_steps_away, name="put_steps_away"),
    path("welcome/", welcome.welcome, name="welcome"),
    path("welcome/live", welcome.live, name="welcome_live"),
    path("new/note", notes.new, name="new_note"),
    path("new/conversation", new_talk.new_conversation, name="new_conversation"),
    path("new/ticket", new_talk.new_ticket, name="new_ticket"),
    path("new/user", new_people.new_user, name="new_user"),
    path("new/lead", new_people.new_lead, name="new_lead"),
    path("people/<uuid:person_id>/", include(_person)),
    path("merges/<uuid:merge_id>/undo", merge.undo, name="undo_merge"),
    path("live", live.live, name="live"),
    path("inbox/", include(_inbox)),
    path("campaigns/", campaigns.campaigns, name="campaigns"),
    path("campaigns/now", campaigns.now, name="campaigns_now"),
    path("campaigns/new", campaigns.new, name="new_campaign"),
    path("campaigns/limits", campaigns_limits.limits, name="campaign_limits"),
    path("campaigns/<uuid:campaign_id>/", include(_campaign)),
    path("people/", include(_people)),
    path("filters/", include(_filters)),
    path("segments/", segments.segments, name="segments"),
    path("segments/rail", segments.rail, name="segment_rail"),
    path("segments/new", segments.new, name="segment_save"),
    path("segments/<uuid:segment_id>/", include(_segment)),
    path("sending/", include(_sending)),
    path("settings/", include(_settings)),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("", home.home, name="home"),
    path("welcome", welcome.welcome_of_last_project, name="welcome_of_last_project"),
    path("projects/new", home.new_project, name="new_project"),
    path("", include(_entrance)),
    path("account/", include(_account)),
    path("push-worker.js", push.worker, name="push_worker"),
    path("p/<uuid:project_id>/", include(_project)),
    path("api/v1/", include("regulars.public.rest.urls")),
]
