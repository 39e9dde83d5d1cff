-- Answers that REST gave to requests with an Idempotency-Key, for a day: the same request again
-- gets the same answer and does nothing. The id is a hash of the key. A row without an answer
-- belongs to a request that is still running.
CREATE TABLE idempotency_key (
    project_id uuid NOT NULL REFERENCES project (id),
    id uuid NOT NULL,
    request bytea NOT NULL,
    status smallint,
    answer text,
    at timestamptz NOT NULL,
    PRIMARY KEY (project_id, id)
);
COMMENT ON COLUMN idempotency_key.request IS 'SHA-256 of what was asked: method, path and body';
CREATE INDEX idempotency_key_by_age ON idempotency_key (project_id, at);
