-- Which messages were counted already is kept in one table a day (message_seen_YYYYMMDD), made and
-- dropped by tracking/once.py.

-- The last events that were refused or changed on their way in, shown on the Tracking page.
CREATE TABLE refusal (
    project_id uuid NOT NULL REFERENCES project (id),
    id uuid NOT NULL,
    reason text NOT NULL,
    refused boolean NOT NULL,
    field text,
    detail text NOT NULL,
    message text NOT NULL,
    PRIMARY KEY (project_id, id)
);

-- How many events were dropped, by reason and day.
CREATE TABLE drop_count (
    project_id uuid NOT NULL REFERENCES project (id),
    id uuid NOT NULL,
    day date NOT NULL,
    reason text NOT NULL,
    events bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (project_id, id)
);

-- Names of events seen so far.
CREATE TABLE event_name (
    project_id uuid NOT NULL REFERENCES project (id),
    id uuid NOT NULL,
    name text NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (project_id, id)
);

-- The worker says here that it is alive. Not a tenant's row.
CREATE TABLE worker_heartbeat (
    id text PRIMARY KEY,
    at timestamptz NOT NULL
);
