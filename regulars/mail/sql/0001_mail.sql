-- Mail on its way out: one row a message and recipient, written with what it tells of.
CREATE TABLE outgoing_mail (
    project_id uuid NOT NULL REFERENCES project (id),
    id uuid NOT NULL,
    kind text NOT NULL,
    person_id uuid,
    came_from uuid[],
    conversation_id uuid,
    sender text NOT NULL,
    to_address text NOT NULL,
    subject text NOT NULL,
    message_id text NOT NULL,
    raw bytea NOT NULL,
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'sent', 'kept', 'failed')),
    tries smallint NOT NULL DEFAULT 0,
    next_try_at timestamptz,
    last_error text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL,
    asked_at timestamptz NOT NULL,
    ended_at timestamptz,
    PRIMARY KEY (project_id, id),
    CONSTRAINT outgoing_mail_waits CHECK ((state = 'waiting') = (next_try_at IS NOT NULL)),
    CONSTRAINT outgoing_mail_ended CHECK ((state = 'waiting') = (ended_at IS NULL))
);
COMMENT ON COLUMN outgoing_mail.id IS 'Given by whoever asks for it: asked twice, it is one mail';
COMMENT ON COLUMN outgoing_mail.person_id IS 'Whom it is about: it goes when they are erased';
COMMENT ON COLUMN outgoing_mail.sender IS 'The address that the server is told, which bounces come back to';
COMMENT ON COLUMN outgoing_mail.raw IS 'The whole message (RFC 5322), as it leaves';
COMMENT ON COLUMN outgoing_mail.state IS 'kept: no server was named, so that it never left';
COMMENT ON COLUMN outgoing_mail.asked_at IS 'When somebody last asked for it: how long it waits for a server counts from here';
COMMENT ON COLUMN outgoing_mail.tries IS 'How often it was taken up to be sent; whoever took it up knows it by this number';
COMMENT ON COLUMN outgoing_mail.next_try_at IS 'When it may be taken up (again): for as long as somebody has it, when they must be done';
CREATE INDEX outgoing_mail_due ON outgoing_mail (next_try_at) WHERE state = 'waiting';
CREATE INDEX outgoing_mail_over ON outgoing_mail (ended_at) WHERE state <> 'waiting';
CREATE INDEX outgoing_mail_newest ON outgoing_mail (project_id, created_at DESC, id DESC);
CREATE INDEX outgoing_mail_of_conversation ON outgoing_mail (project_id, conversation_id) WHERE conversation_id IS NOT NULL;
CREATE INDEX outgoing_mail_of_person ON outgoing_mail (project_id, person_id) WHERE person_id IS NOT NULL;
