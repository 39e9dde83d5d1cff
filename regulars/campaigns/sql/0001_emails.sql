-- Emails to one or many: what is said, the ledger of who gets it, and what came of it.
CREATE TABLE email (
    project_id uuid NOT NULL REFERENCES project (id),
    id uuid NOT NULL,
    campaign_id uuid,
    step_id uuid,
    template_id uuid,
    state text NOT NULL DEFAULT 'draft'
        CHECK (state IN ('draft', 'gathering', 'gathered', 'sending', 'paused', 'sent', 'stopped')),
    subject text NOT NULL,
    content jsonb NOT NULL,
    kind text NOT NULL CHECK (kind IN ('marketing', 'transactional')),
    topic_id uuid,
    sender jsonb NOT NULL,
    reply_to text NOT NULL DEFAULT '',
    bcc text[] NOT NULL DEFAULT '{}',
    tracked boolean NOT NULL DEFAULT true,
    audience jsonb,
    audience_at timestamptz,
    zone text NOT NULL DEFAULT 'UTC',
    cursor uuid,
    expected bigint NOT NULL DEFAULT 0,
    left_out jsonb NOT NULL DEFAULT '{}',
    trouble text NOT NULL DEFAULT '',
    created_by uuid,
    created_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    worked_at timestamptz NOT NULL,
    accepted_at timestamptz,
    leaves_at timestamptz,
    ended_at timestamptz,
    PRIMARY KEY (project_id, id)
);
COMMENT ON COLUMN email.campaign_id IS 'The campaign whose step it is; NULL for an email of its own';
COMMENT ON COLUMN email.sender IS 'Who it is from: {"address", "name"}';
COMMENT ON COLUMN email.audience IS 'Whom it is for, as people/selection.py keeps it, asked at audience_at';
COMMENT ON COLUMN email.cursor IS 'Everybody of the audience up to this id has their row in the ledger';
COMMENT ON COLUMN email.expected IS 'How many people the audience was when its gathering began';
COMMENT ON COLUMN email.left_out IS 'How many were left out, by reason';
COMMENT ON COLUMN email.trouble IS 'Why it does not get on, in words: the server is away, or too many were refused';
COMMENT ON COLUMN email.leaves_at IS 'Not before this: until then it can be taken back';
CREATE INDEX email_by_time ON email (project_id, created_at DESC, id DESC) WHERE campaign_id IS NULL;
CREATE INDEX email_of_campaign ON email (project_id, campaign_id, step_id) WHERE campaign_id IS NOT NULL;
CREATE INDEX email_to_gather ON email (worked_at) WHERE state = 'gathering';
CREATE INDEX email_to_send ON email (worked_at) WHERE state = 'sending';

-- How many are where, kept by whoever moves them: a results page counts nothing.
CREATE TABLE email_count (
    project_id uuid NOT NULL,
    id uuid NOT NULL,
    recipients bigint NOT NULL DEFAULT 0,
    left_out bigint NOT NULL DEFAULT 0,
    waiting bigint NOT NULL DEFAULT 0,
    sent bigint NOT NULL DEFAULT 0,
    kept bigint NOT NULL DEFAULT 0,
    failed bigint NOT NULL DEFAULT 0,
    unknown bigint NOT NULL DEFAULT 0,
    cancelled bigint NOT NULL DEFAULT 0,
    delivered bigint NOT NULL DEFAULT 0,
    opened bigint NOT NULL DEFAULT 0,
    machine_opened bigint NOT NULL DEFAULT 0,
    clicked bigint NOT NULL DEFAULT 0,
    machine_clicked bigint NOT NULL DEFAULT 0,
    bounced bigint NOT NULL DEFAULT 0,
    complained bigint NOT NULL DEFAULT 0,
    unsubscribed bigint NOT NULL DEFAULT 0,
    replied bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (project_id, id),
    CONSTRAINT email_count_email_fk FOREIGN KEY (project_id, id) REFERENCES email (project_id, id)
) WITH (fillfactor = 50);
COMMENT ON TABLE email_count IS 'Its id is the email''s. Who is being sent it right now counts as waiting';

-- The ledger: a row a person, written before anything leaves.
CREATE TABLE email_recipient (
    project_id uuid NOT NULL,
    id uuid NOT NULL,
    email_id uuid NOT NULL,
    person_id uuid NOT NULL,
    first_person uuid NOT NULL,
    came_from uuid[],
    address text NOT NULL DEFAULT '',
    address_folded text COLLATE "C",
    domain text COLLATE "C" NOT NULL DEFAULT '',
    state text NOT NULL
        CHECK (state IN ('left_out', 'waiting', 'sending', 'sent', 'kept', 'failed', 'unknown', 'cancelled')),
    reason text NOT NULL DEFAULT '',
    tries smallint NOT NULL DEFAULT 0,
    next_try_at timestamptz,
    taken_by uuid,
    created_at timestamptz NOT NULL,
    taken_at timestamptz,
    ended_at timestamptz,
    delivered_at timestamptz,
    opened_at timestamptz,
    machine_opened_at timestamptz,
    clicked_at timestamptz,
    machine_clicked_at timestamptz,
    bounced_at timestamptz,
    complained_at timestamptz,
    unsubscribed_at timestamptz,
    replied_at timestamptz,
    PRIMARY KEY (project_id, id),
    CONSTRAINT email_recipient_email_fk FOREIGN KEY (project_id, email_id) REFERENCES email (project_id, id),
    CONSTRAINT email_recipient_person_fk FOREIGN KEY (project_id, person_id) REFERENCES person (project_id, id),
    CONSTRAINT email_recipient_waits CHECK ((state = 'waiting') = (next_try_at IS NOT NULL))
) WITH (fillfactor = 70);
COMMENT ON COLUMN email_recipient.first_person IS 'Who it was meant for when it was written; person_id is who they are now';
COMMENT ON COLUMN email_recipient.address_folded IS 'NULL for who was left out: an address gets an email once';
COMMENT ON COLUMN email_recipient.reason IS 'Why it was left out or did not get there: a word of ours, or the server''s own';
COMMENT ON COLUMN email_recipient.taken_by IS 'The run that has handed it to the server, or was about to';
CREATE UNIQUE INDEX email_recipient_once ON email_recipient (project_id, email_id, first_person);
CREATE UNIQUE INDEX email_recipient_once_an_address ON email_recipient (project_id, email_id, address_folded);
CREATE INDEX email_recipient_waiting ON email_recipient (project_id, email_id, next_try_at, id) WHERE state = 'waiting';
CREATE INDEX email_recipient_taken ON email_recipient (project_id, email_id) WHERE state = 'sending';
CREATE INDEX email_recipient_by_state ON email_recipient (project_id, email_id, state, id);
CREATE INDEX email_recipient_by_person ON email_recipient (project_id, person_id, id);
CREATE INDEX email_recipient_delivered ON email_recipient (project_id, email_id, id) WHERE delivered_at IS NOT NULL;
CREATE INDEX email_recipient_opened ON email_recipient (project_id, email_id, id) WHERE opened_at IS NOT NULL;
CREATE INDEX email_recipient_machine_opened ON email_recipient (project_id, email_id, id) WHERE machine_opened_at IS NOT NULL;
CREATE INDEX email_recipient_clicked ON email_recipient (project_id, email_id, id) WHERE clicked_at IS NOT NULL;
CREATE INDEX email_recipient_machine_clicked ON email_recipient (project_id, email_id, id) WHERE machine_clicked_at IS NOT NULL;
CREATE INDEX email_recipient_bounced ON email_recipient (project_id, email_id, id) WHERE bounced_at IS NOT NULL;
CREATE INDEX email_recipient_complained ON email_recipient (project_id, email_id, id) WHERE complained_at IS NOT NULL;
CREATE INDEX email_recipient_unsubscribed ON email_recipient (project_id, email_id, id) WHERE unsubscribed_at IS NOT NULL;
CREATE INDEX email_recipient_replied ON email_recipient (project_id, email_id, id) WHERE replied_at IS NOT NULL;

-- What filters ask: a row a person, campaign and outcome. An email of its own is its own campaign.
CREATE TABLE campaign_outcome (
    project_id uuid NOT NULL,
    id uuid NOT NULL,
    person_id uuid NOT NULL,
    came_from uuid[],
    campaign_id uuid NOT NULL,
    outcome text NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (project_id, id)
);
COMMENT ON COLUMN campaign_outcome.id IS 'A hash of person, campaign and outcome: each is there once';
CREATE INDEX campaign_outcome_of_person ON campaign_outcome (project_id, person_id, campaign_id, outcome);
CREATE INDEX campaign_outcome_by_campaign ON campaign_outcome (project_id, campaign_id, outcome, person_id);

-- Which links were clicked, and by whom for the first time.
CREATE TABLE email_link (
    project_id uuid NOT NULL,
    id uuid NOT NULL,
    email_id uuid NOT NULL,
    url text NOT NULL,
    people bigint NOT NULL DEFAULT 0,
    clicks bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (project_id, id),
    CONSTRAINT email_link_email_fk FOREIGN KEY (project_id, email_id) REFERENCES email (project_id, id)
);
COMMENT ON COLUMN email_link.id IS 'A hash of email and address';
CREATE INDEX email_link_by_email ON email_link (project_id, email_id, people DESC);
CREATE TABLE email_click (
    project_id uuid NOT NULL,
    id uuid NOT NULL,
    link_id uuid NOT NULL,
    person_id uuid NOT NULL,
    came_from uuid[],
    at timestamptz NOT NULL,
    PRIMARY KEY (project_id, id),
    CONSTRAINT email_click_link_fk FOREIGN KEY (project_id, link_id) REFERENCES email_link (project_id, id)
);
COMMENT ON COLUMN email_click.id IS 'A hash of recipient and link: a person counts once for each link';
CREATE INDEX email_click_by_link ON email_click (project_id, link_id, id);
CREATE INDEX email_click_by_person ON email_click (project_id, person_id);

-- How a project's mail leaves. Its id is the project's.
CREATE TABLE sending_settings (
    project_id uuid NOT NULL REFERENCES project (id),
    id uuid NOT NULL,
    smtp_url bytea,
    service text NOT NULL DEFAULT '',
    service_key bytea,
    per_second real CHECK (per_second > 0),
    at_once smallint NOT NULL DEFAULT 5 CHECK (at_once BETWEEN 1 AND 50),
    domain_per_second jsonb NOT NULL DEFAULT '{}',
    domain_at_once smallint CHECK (domain_at_once > 0),
    refused_most real NOT NULL DEFAULT 0.2 CHECK (refused_most > 0 AND refused_most <= 1),
    PRIMARY KEY (project_id, id),
    CONSTRAINT sending_settings_one CHECK (id = project_id)
);
COMMENT ON COLUMN sending_settings.smtp_url IS 'The project''s own mail server, sealed; NULL: the installation''s';
COMMENT ON COLUMN sending_settings.service IS 'A mail service by name, instead of a server; its key is sealed';
COMMENT ON COLUMN sending_settings.refused_most IS 'The part of the newest mails whose refusal pauses an email';
