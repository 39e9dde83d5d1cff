-- How a project talks to people. A project without a row is as `inbox/settings.py` says by default.
CREATE TABLE messenger_settings (
    project_id uuid NOT NULL REFERENCES project (id),
    id uuid NOT NULL,
    is_on boolean NOT NULL,
    color text,
    side text NOT NULL CHECK (side IN ('left', 'right')),
    greeting text NOT NULL,
    intro text NOT NULL,
    office_hours jsonb,
    away_message text NOT NULL,
    show_team boolean NOT NULL,
    ask_rating boolean NOT NULL,
    allow_files boolean NOT NULL,
    assignment text NOT NULL CHECK (assignment IN ('manual', 'round_robin')),
    email_after_minutes integer CHECK (email_after_minutes > 0),
    first_reply_target_minutes integer CHECK (first_reply_target_minutes > 0),
    inbound_address text NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (project_id, id),
    CONSTRAINT messenger_settings_one CHECK (id = project_id)
);
COMMENT ON COLUMN messenger_settings.office_hours IS 'Intervals of a week in the project''s time zone; null: always open';
COMMENT ON COLUMN messenger_settings.email_after_minutes IS 'An agent''s reply to somebody who is not here goes by email after so long; null: never';
COMMENT ON COLUMN messenger_settings.inbound_address IS 'Where answers to that email go';

-- Texts that agents send again and again.
CREATE TABLE saved_reply (
    project_id uuid NOT NULL REFERENCES project (id),
    id uuid NOT NULL,
    name text NOT NULL,
    shortcut text COLLATE "C",
    body text NOT NULL,
    words text NOT NULL,
    used bigint NOT NULL DEFAULT 0,
    last_used timestamptz,
    created_at timestamptz NOT NULL,
    created_by uuid REFERENCES agent (id),
    changed_at timestamptz NOT NULL,
    changed_by uuid REFERENCES agent (id),
    deleted_at timestamptz,
    PRIMARY KEY (project_id, id)
);
COMMENT ON COLUMN saved_reply.shortcut IS 'What is typed behind a slash to find it';
COMMENT ON COLUMN saved_reply.words IS 'Its shortcut, name and text folded, for the search';
COMMENT ON COLUMN saved_reply.deleted_at IS 'It is shown nowhere any more; some days later it is gone';
CREATE UNIQUE INDEX saved_reply_by_shortcut ON saved_reply (project_id, shortcut) WHERE shortcut IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX saved_reply_by_use ON saved_reply (project_id, used DESC, id) WHERE deleted_at IS NULL;

-- How each agent is told of new messages. The row of an agent has the agent's id.
CREATE TABLE agent_preferences (
    project_id uuid NOT NULL REFERENCES project (id),
    id uuid NOT NULL,
    agent_id uuid NOT NULL REFERENCES agent (id),
    away boolean NOT NULL,
    sound boolean NOT NULL,
    browser boolean NOT NULL,
    only_mine boolean NOT NULL,
    email_after_minutes integer CHECK (email_after_minutes > 0),
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (project_id, id),
    CONSTRAINT agent_preferences_one CHECK (id = agent_id)
);
COMMENT ON COLUMN agent_preferences.email_after_minutes IS 'An email says so when nobody has looked at a message for so long; null: never';

-- How soon the first replies of late came.
CREATE INDEX conversation_first_replies ON conversation (project_id, first_reply_at DESC) INCLUDE (created_at) WHERE first_reply_at IS NOT NULL AND started_by IS NULL;

-- Browsers that agents want to hear of new messages with, through the browser maker's push service.
-- The key is a hash of the endpoint: a browser that subscribes again is the same one.
CREATE TABLE push_subscription (
    project_id uuid NOT NULL REFERENCES project (id),
    id uuid NOT NULL,
    agent_id uuid NOT NULL REFERENCES agent (id),
    endpoint text NOT NULL,
    p256dh bytea NOT NULL,
    auth bytea NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (project_id, id)
);
CREATE INDEX push_subscription_of ON push_subscription (project_id, agent_id, created_at);

-- Up to which message of a conversation agents were pushed to; kept for a day. The key is the
-- conversation's.
CREATE TABLE push_told (
    project_id uuid NOT NULL REFERENCES project (id),
    id uuid NOT NULL,
    seq bigint NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (project_id, id)
);
CREATE INDEX push_told_at ON push_told (at);
