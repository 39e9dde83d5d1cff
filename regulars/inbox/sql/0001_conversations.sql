-- Conversations with people, over live chat or email; a ticket is one with a number.
CREATE TABLE conversation (
    project_id uuid NOT NULL REFERENCES project (id),
    id uuid NOT NULL,
    person_id uuid NOT NULL,
    came_from uuid[],
    channel text NOT NULL CHECK (channel IN ('chat', 'email')),
    browser uuid,
    verified boolean NOT NULL DEFAULT false,
    subject text NOT NULL DEFAULT '',
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'snoozed', 'closed')),
    snoozed_until timestamptz,
    assignee_id uuid REFERENCES agent (id),
    started_by uuid REFERENCES agent (id),
    started_on text,
    created_at timestamptz NOT NULL,
    closed_at timestamptz,
    -- What the list shows, kept by whoever adds a message.
    last_seq bigint NOT NULL DEFAULT 0,
    last_at timestamptz NOT NULL,
    last_by text NOT NULL DEFAULT 'person' CHECK (last_by IN ('person', 'agent', 'note', 'system')),
    last_agent_id uuid,
    preview text NOT NULL DEFAULT '',
    person_seq bigint NOT NULL DEFAULT 0,
    agent_seq bigint NOT NULL DEFAULT 0,
    person_seen bigint NOT NULL DEFAULT 0,
    agents_seen bigint NOT NULL DEFAULT 0,
    told_person bigint NOT NULL DEFAULT 0,
    waiting_since timestamptz,
    first_reply_at timestamptz,
    rating smallint CHECK (rating BETWEEN 1 AND 5),
    rating_comment text NOT NULL DEFAULT '',
    rated_at timestamptz,
    -- A ticket's.
    number bigint,
    status text CHECK (status IN ('open', 'pending', 'solved', 'closed')),
    priority text CHECK (priority IN ('low', 'normal', 'high', 'urgent')),
    due_at timestamptz,
    tags text[] NOT NULL DEFAULT '{}',
    merged_into uuid,
    PRIMARY KEY (project_id, id),
    CONSTRAINT conversation_person_fk FOREIGN KEY (project_id, person_id) REFERENCES person (project_id, id),
    CONSTRAINT conversation_ticket_whole CHECK (number IS NULL = (status IS NULL) AND number IS NULL = (priority IS NULL)),
    CONSTRAINT conversation_snoozed_until CHECK (state = 'snoozed' OR snoozed_until IS NULL)
);
COMMENT ON COLUMN conversation.browser IS 'The browser it began in: the key of its anonymous id. Without a signed claim only that browser sees it';
COMMENT ON COLUMN conversation.verified IS 'Whether the person had proved who they are when it began';
COMMENT ON COLUMN conversation.last_seq IS 'How many messages it has; each has its number, without gaps';
COMMENT ON COLUMN conversation.person_seq IS 'The number of the newest message that the person wrote';
COMMENT ON COLUMN conversation.agent_seq IS 'The number of the newest message that an agent wrote to the person';
COMMENT ON COLUMN conversation.person_seen IS 'Messages up to this number were before the person''s eyes';
COMMENT ON COLUMN conversation.agents_seen IS 'Messages up to this number were before some agent''s eyes';
COMMENT ON COLUMN conversation.told_person IS 'Messages up to this number were sent on by email, or need not be';
COMMENT ON COLUMN conversation.waiting_since IS 'Since when the person waits for an answer';
CREATE UNIQUE INDEX conversation_by_number ON conversation (project_id, number) WHERE number IS NOT NULL;
CREATE INDEX conversation_by_person ON conversation (project_id, person_id, last_at DESC);
CREATE INDEX conversation_open ON conversation (project_id, last_at DESC, id DESC) WHERE state = 'open' AND merged_into IS NULL;
CREATE INDEX conversation_by_last ON conversation (project_id, last_at DESC, id DESC) WHERE merged_into IS NULL;
CREATE INDEX conversation_assigned ON conversation (project_id, assignee_id, last_at DESC, id DESC) WHERE state = 'open' AND merged_into IS NULL;
CREATE INDEX conversation_to_wake ON conversation (snoozed_until) WHERE state = 'snoozed' AND snoozed_until IS NOT NULL;
CREATE INDEX conversation_to_tell ON conversation (last_at) WHERE told_person < agent_seq AND person_seen < agent_seq;
CREATE INDEX conversation_tickets ON conversation (project_id, last_at DESC, id DESC) WHERE number IS NOT NULL AND merged_into IS NULL;

-- What was said, and what was done to the conversation ('system'). Only ever added to.
CREATE TABLE message (
    project_id uuid NOT NULL,
    id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    seq bigint NOT NULL,
    by text NOT NULL CHECK (by IN ('person', 'agent', 'note', 'system')),
    agent_id uuid REFERENCES agent (id),
    channel text NOT NULL DEFAULT 'chat' CHECK (channel IN ('chat', 'email')),
    body text NOT NULL,
    quoted text NOT NULL DEFAULT '',
    what jsonb NOT NULL DEFAULT '{}',
    verified boolean NOT NULL DEFAULT false,
    at timestamptz NOT NULL,
    words text NOT NULL DEFAULT '',
    found tsvector GENERATED ALWAYS AS (to_tsvector('simple'::regconfig, words)) STORED,
    PRIMARY KEY (project_id, id),
    CONSTRAINT message_conversation_fk FOREIGN KEY (project_id, conversation_id) REFERENCES conversation (project_id, id),
    CONSTRAINT message_in_order UNIQUE (project_id, conversation_id, seq)
);
COMMENT ON COLUMN message.id IS 'A hash of the conversation and the sender''s own id of the message: said again, it is the same';
COMMENT ON COLUMN message.what IS 'Of a system message what was done; of an email its headers; of a note whom it mentions';
COMMENT ON COLUMN message.words IS 'Its text folded, for the search';
CREATE INDEX message_found ON message USING gin (found) WITH (fastupdate = off);

-- Files. One is uploaded first, and belongs to a message once that is said.
CREATE TABLE attachment (
    project_id uuid NOT NULL REFERENCES project (id),
    id uuid NOT NULL,
    conversation_id uuid,
    message_id uuid,
    browser uuid,
    person_id uuid,
    agent_id uuid REFERENCES agent (id),
    name text NOT NULL,
    media_type text NOT NULL,
    bytes bigint NOT NULL,
    width integer,
    height integer,
    key text NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (project_id, id),
    CONSTRAINT attachment_message_fk FOREIGN KEY (project_id, message_id) REFERENCES message (project_id, id)
);
COMMENT ON COLUMN attachment.browser IS 'Who uploaded it, until it is sent: the browser''s key; or else `agent_id`';
COMMENT ON COLUMN attachment.key IS 'Where the storage keeps it';
CREATE INDEX attachment_of_message ON attachment (project_id, message_id);
CREATE INDEX attachment_unsent ON attachment (created_at) WHERE message_id IS NULL;
CREATE INDEX attachment_by_person ON attachment (project_id, person_id);

-- Files whose rows are gone, until the storage has let go of them too.
CREATE TABLE file_gone (
    project_id uuid NOT NULL REFERENCES project (id),
    id uuid NOT NULL,
    key text NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (project_id, id)
);

-- The next number of a project's tickets.
CREATE TABLE ticket_counter (
    project_id uuid NOT NULL REFERENCES project (id),
    id uuid NOT NULL,
    last bigint NOT NULL,
    PRIMARY KEY (project_id, id),
    CONSTRAINT ticket_counter_one CHECK (id = project_id)
);

-- Which agents have a conversation open right now, and whether they write.
CREATE TABLE onlooker (
    project_id uuid NOT NULL REFERENCES project (id),
    id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    agent_id uuid NOT NULL REFERENCES agent (id),
    at timestamptz NOT NULL,
    PRIMARY KEY (project_id, id)
);
CREATE INDEX onlooker_of ON onlooker (project_id, conversation_id, at);

-- What agents are to be told, until they have seen it: assigned to them, mentioned, a new message.
CREATE TABLE mention (
    project_id uuid NOT NULL,
    id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    agent_id uuid NOT NULL REFERENCES agent (id),
    seq bigint NOT NULL,
    at timestamptz NOT NULL,
    seen_at timestamptz,
    PRIMARY KEY (project_id, id),
    CONSTRAINT mention_conversation_fk FOREIGN KEY (project_id, conversation_id) REFERENCES conversation (project_id, id)
);
CREATE INDEX mention_unseen ON mention (project_id, agent_id, at DESC) WHERE seen_at IS NULL;
CREATE INDEX mention_of ON mention (project_id, conversation_id);
