-- What people did and what was done for them: append-only, one partition a month by receipt
-- (the id is a UUIDv7 of the receipt time). No foreign key to person: it would lock and dirty
-- the person's row once an event; merge and erasure reach these rows by their own statements.
CREATE TABLE event (
    project_id uuid NOT NULL,
    id uuid NOT NULL,
    person_id uuid NOT NULL,
    session_id uuid,
    kind text NOT NULL,
    name text,
    happened_at timestamptz NOT NULL,
    url text,
    path text,
    title text,
    properties jsonb,
    source text NOT NULL,
    message_id text,
    came_from uuid[],
    PRIMARY KEY (project_id, id)
) PARTITION BY RANGE (id);
CREATE INDEX event_by_person ON event (project_id, person_id, happened_at DESC, id DESC);

-- A run of events in one browser, closed by 30 minutes of silence. Written once, when it opens:
-- its length and its pages are read from its events.
CREATE TABLE session (
    project_id uuid NOT NULL,
    id uuid NOT NULL,
    person_id uuid NOT NULL,
    anonymous_id text,
    started_at timestamptz NOT NULL,
    entry_url text,
    referrer text,
    utm jsonb,
    browser text,
    os text,
    device text,
    ip inet,
    country_code text,
    city text,
    came_from uuid[],
    PRIMARY KEY (project_id, id)
);
CREATE INDEX session_by_person ON session (project_id, person_id, started_at DESC);

-- What other slices must hear of, in order and without gaps: id is the project's next number,
-- taken from outbox_counter by the same transaction as its last write.
CREATE TABLE outbox (
    project_id uuid NOT NULL,
    id bigint NOT NULL,
    topic text NOT NULL,
    body jsonb NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (project_id, id)
);
CREATE TABLE outbox_counter (
    project_id uuid NOT NULL REFERENCES project (id),
    id smallint NOT NULL DEFAULT 0 CHECK (id = 0),
    last bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (project_id, id)
);
