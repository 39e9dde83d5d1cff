-- Campaigns: what agents wrote, who is where in them, and what was done for whom.
CREATE TABLE campaign (
    project_id uuid NOT NULL REFERENCES project (id),
    id uuid NOT NULL,
    name text NOT NULL,
    state text NOT NULL DEFAULT 'draft'
        CHECK (state IN ('draft', 'running', 'paused', 'stopped', 'done')),
    draft jsonb NOT NULL,
    published jsonb,
    letters jsonb NOT NULL DEFAULT '{}',
    version integer NOT NULL DEFAULT 0,
    from_seq bigint NOT NULL DEFAULT 0,
    next_day date,
    next_run_at timestamptz,
    runs integer NOT NULL DEFAULT 0,
    watch_until timestamptz,
    trouble text NOT NULL DEFAULT '',
    created_by uuid REFERENCES agent (id),
    changed_by uuid REFERENCES agent (id),
    created_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    started_at timestamptz,
    ended_at timestamptz,
    deleted_at timestamptz,
    PRIMARY KEY (project_id, id)
);
COMMENT ON COLUMN campaign.draft IS 'What agents wrote last, which may be unfinished';
COMMENT ON COLUMN campaign.published IS 'What is carried out; version counts its editions';
COMMENT ON COLUMN campaign.letters IS 'The messages of its email steps as they were when it was published, by "step:variant"';
COMMENT ON COLUMN campaign.from_seq IS 'Entries of the outbox up to this number are of before its start';
COMMENT ON COLUMN campaign.watch_until IS 'Goals of who was in it are looked for until then, though it has ended';
CREATE INDEX campaign_live ON campaign (project_id, id) WHERE state IN ('running', 'paused');

-- A time at which a campaign gathers its people: once, or each time a periodic one comes round.
CREATE TABLE campaign_run (
    project_id uuid NOT NULL,
    id uuid NOT NULL,
    campaign_id uuid NOT NULL,
    occurrence text NOT NULL,
    round integer NOT NULL,
    at timestamptz NOT NULL,
    cursor uuid,
    total bigint NOT NULL DEFAULT 0,
    entered bigint NOT NULL DEFAULT 0,
    done_at timestamptz,
    PRIMARY KEY (project_id, id),
    CONSTRAINT campaign_run_campaign_fk FOREIGN KEY (project_id, campaign_id) REFERENCES campaign (project_id, id)
);
COMMENT ON COLUMN campaign_run.id IS 'A hash of campaign and occurrence: each comes round once';
COMMENT ON COLUMN campaign_run.cursor IS 'Everybody up to this id has been asked';
CREATE INDEX campaign_run_open ON campaign_run (project_id, campaign_id, at) WHERE done_at IS NULL;
CREATE INDEX campaign_run_of_campaign ON campaign_run (project_id, campaign_id, at DESC);

-- One person's way through a campaign: where they are, why, and what comes next at which instant.
CREATE TABLE campaign_entry (
    project_id uuid NOT NULL,
    id uuid NOT NULL,
    campaign_id uuid NOT NULL,
    person_id uuid NOT NULL,
    came_from uuid[],
    occurrence text NOT NULL DEFAULT '',
    round integer NOT NULL DEFAULT 0,
    state text NOT NULL CHECK (state IN ('active', 'ended', 'merged')),
    held_out boolean NOT NULL DEFAULT false,
    step text,
    turn integer NOT NULL DEFAULT 0,
    loops jsonb NOT NULL DEFAULT '{}',
    until timestamptz,
    came boolean NOT NULL DEFAULT false,
    why text NOT NULL DEFAULT 'starts',
    next_at timestamptz,
    since timestamptz NOT NULL,
    entered_at timestamptz NOT NULL,
    ended_at timestamptz,
    ended text,
    goal_until timestamptz,
    goal_at timestamptz,
    PRIMARY KEY (project_id, id),
    CONSTRAINT campaign_entry_campaign_fk FOREIGN KEY (project_id, campaign_id) REFERENCES campaign (project_id, id),
    CONSTRAINT campaign_entry_person_fk FOREIGN KEY (project_id, person_id) REFERENCES person (project_id, id)
) WITH (fillfactor = 70);
COMMENT ON COLUMN campaign_entry.id IS 'A hash of campaign, person and occasion: nobody enters twice for the same';
COMMENT ON COLUMN campaign_entry.step IS 'The step that is next or waited at; NULL behind the last';
COMMENT ON COLUMN campaign_entry.since IS 'When they came to where they are';
COMMENT ON COLUMN campaign_entry.held_out IS 'Gets nothing, and is watched for the goal';
CREATE INDEX campaign_entry_due ON campaign_entry (project_id, campaign_id, next_at)
    WHERE state = 'active' AND next_at IS NOT NULL;
CREATE INDEX campaign_entry_of_person ON campaign_entry (project_id, person_id, campaign_id);
CREATE INDEX campaign_entry_by_campaign ON campaign_entry (project_id, campaign_id, id);
CREATE INDEX campaign_entry_at_step ON campaign_entry (project_id, campaign_id, step) WHERE state = 'active';

-- What was done: each action once for an entry, a step and a turn.
CREATE TABLE campaign_done (
    project_id uuid NOT NULL,
    id uuid NOT NULL,
    campaign_id uuid NOT NULL,
    entry_id uuid NOT NULL,
    person_id uuid NOT NULL,
    came_from uuid[],
    step text NOT NULL,
    turn integer NOT NULL,
    kind text NOT NULL,
    variant text,
    trial boolean NOT NULL DEFAULT false,
    email_id uuid,
    at timestamptz NOT NULL,
    PRIMARY KEY (project_id, id)
);
COMMENT ON COLUMN campaign_done.id IS 'A hash of entry, step and turn';
CREATE INDEX campaign_done_of_entry ON campaign_done (project_id, entry_id, at);
CREATE INDEX campaign_done_of_person ON campaign_done (project_id, person_id, at) WHERE kind = 'email';

-- How many, by day: moved by whoever moves people, so that a results page counts nobody.
CREATE TABLE campaign_count (
    project_id uuid NOT NULL,
    id uuid NOT NULL,
    campaign_id uuid NOT NULL,
    day date NOT NULL,
    step text NOT NULL DEFAULT '',
    variant text NOT NULL DEFAULT '',
    what text NOT NULL,
    people bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (project_id, id)
) WITH (fillfactor = 50);
CREATE INDEX campaign_count_of ON campaign_count (project_id, campaign_id, day);

-- A trial of messages, and which one won.
CREATE TABLE campaign_split (
    project_id uuid NOT NULL,
    id uuid NOT NULL,
    campaign_id uuid NOT NULL,
    step text NOT NULL,
    round integer NOT NULL,
    decides_at timestamptz NOT NULL,
    winner text,
    PRIMARY KEY (project_id, id),
    CONSTRAINT campaign_split_campaign_fk FOREIGN KEY (project_id, campaign_id) REFERENCES campaign (project_id, id)
);
CREATE INDEX campaign_split_of ON campaign_split (project_id, campaign_id);

-- The emails that a step's messages are sent as: another each time a person may get it again.
CREATE TABLE campaign_email (
    project_id uuid NOT NULL,
    id uuid NOT NULL,
    campaign_id uuid NOT NULL,
    step text NOT NULL,
    variant text NOT NULL,
    round integer NOT NULL,
    turn integer NOT NULL,
    email_id uuid NOT NULL,
    PRIMARY KEY (project_id, id),
    CONSTRAINT campaign_email_campaign_fk FOREIGN KEY (project_id, campaign_id) REFERENCES campaign (project_id, id)
);
COMMENT ON COLUMN campaign_email.id IS 'A hash of campaign, step, variant, what is said, round and turn';
CREATE INDEX campaign_email_of ON campaign_email (project_id, campaign_id, step);

-- How far the campaigns of a project have read its outbox.
CREATE TABLE campaign_cursor (
    project_id uuid NOT NULL REFERENCES project (id),
    id uuid NOT NULL,
    seq bigint NOT NULL,
    PRIMARY KEY (project_id, id)
);

-- What holds for all campaigns of a project.
CREATE TABLE campaign_settings (
    project_id uuid NOT NULL REFERENCES project (id),
    id uuid NOT NULL,
    quiet_from time,
    quiet_to time,
    cap_emails integer,
    cap_days integer,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (project_id, id)
);
