-- Where a project's servers are told of what happens, and how far they were told.
CREATE TABLE webhook (
    project_id uuid NOT NULL REFERENCES project (id),
    id uuid NOT NULL,
    url text NOT NULL,
    topics text[] NOT NULL,
    secret text NOT NULL,
    old_secret text,
    old_until timestamptz,
    is_on boolean NOT NULL DEFAULT true,
    off_because text NOT NULL DEFAULT '',
    place bigint NOT NULL,
    failures integer NOT NULL DEFAULT 0,
    failing_since timestamptz,
    paused_until timestamptz,
    busy_until timestamptz,
    delivered_at timestamptz,
    created_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (project_id, id),
    CONSTRAINT webhook_old_secret CHECK ((old_secret IS NULL) = (old_until IS NULL))
);
COMMENT ON COLUMN webhook.secret IS 'What deliveries are signed with: readable, since a hash signs nothing';
COMMENT ON COLUMN webhook.old_secret IS 'The one before, with which they are signed too for a while';
COMMENT ON COLUMN webhook.off_because IS 'Why it was switched off, where nobody did';
COMMENT ON COLUMN webhook.place IS 'The last entry of the outbox of which deliveries were made';
COMMENT ON COLUMN webhook.failures IS 'How many tries in a row failed';
COMMENT ON COLUMN webhook.paused_until IS 'After several failures in a row nothing is tried before then';
COMMENT ON COLUMN webhook.busy_until IS 'Until then a worker delivers to it; one that dies is taken over from after that';
CREATE INDEX webhook_on ON webhook (project_id, id) WHERE is_on;

-- What is told to one of them, until and after it was.
CREATE TABLE webhook_delivery (
    project_id uuid NOT NULL,
    id uuid NOT NULL,
    webhook_id uuid NOT NULL,
    seq bigint NOT NULL,
    number integer NOT NULL,
    topic text NOT NULL,
    person_id uuid,
    body text NOT NULL,
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'delivered', 'failed')),
    tries integer NOT NULL DEFAULT 0,
    next_try_at timestamptz,
    tried_at timestamptz,
    status integer,
    answer text NOT NULL DEFAULT '',
    problem text NOT NULL DEFAULT '',
    took_ms integer,
    created_at timestamptz NOT NULL,
    ended_at timestamptz,
    PRIMARY KEY (project_id, id),
    CONSTRAINT webhook_delivery_fk FOREIGN KEY (project_id, webhook_id) REFERENCES webhook (project_id, id),
    CONSTRAINT webhook_delivery_waits CHECK ((state = 'waiting') = (next_try_at IS NOT NULL)),
    CONSTRAINT webhook_delivery_ended CHECK ((state = 'waiting') = (ended_at IS NULL))
);
COMMENT ON COLUMN webhook_delivery.id IS 'A hash of the webhook, the entry of the outbox and the place in it: the same however often it is made';
COMMENT ON COLUMN webhook_delivery.status IS 'The HTTP status of the last try; null where there was no answer';
COMMENT ON COLUMN webhook_delivery.problem IS 'Why the last try failed';
CREATE INDEX webhook_delivery_due ON webhook_delivery (project_id, webhook_id, seq, number) WHERE state = 'waiting';
CREATE INDEX webhook_delivery_newest ON webhook_delivery (project_id, webhook_id, created_at DESC, id DESC);
CREATE INDEX webhook_delivery_by_person ON webhook_delivery (project_id, person_id) WHERE person_id IS NOT NULL;
CREATE INDEX webhook_delivery_old ON webhook_delivery (ended_at) WHERE ended_at IS NOT NULL;
